"""How often the keeping of something was extended by a decision, as the custody log has it."""

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.schema import CustodyEntry


def extensions_of(session: Session, incident_id: str) -> int:
    """The extensions of an incident; a police report number, which extends too, is none."""
    bodies = session.execute(
        select(col(CustodyEntry.body)).where(
            col(CustodyEntry.subject) == incident_id,
            col(CustodyEntry.event) == Event.INCIDENT_EXTENDED.value,
        )
    ).scalars()
    return sum("report_number" not in Entry.from_bytes(each).facts for each in bodies)
