"""Incidents: flagging a window over cameras, notes, police reports, closing."""
