"""Consent for course photographs and films: who is in them, what they allow, where it stands."""
