"""How often the keeping of something was extended by a decision, as the custody log has it."""

from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.schema import CustodyEntry

_EXTENDED: Final = (Event.INCIDENT_EXTENDED.value, Event.HOLD_EXTENDED.value)


def extensions_of(session: Session, thing_id: str) -> int:
    """The extensions of an incident or hold; a police report number, which extends too, is none."""
    bodies = session.execute(
        select(col(CustodyEntry.body)).where(
            col(CustodyEntry.subject) == thing_id,
            col(CustodyEntry.event).in_(_EXTENDED),
        )
    ).scalars()
    return sum("report_number" not in Entry.from_bytes(each).facts for each in bodies)
