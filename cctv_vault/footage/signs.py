"""Signs that tell of the surveillance: whether each place has one, what it says, when it was seen.

Owns the checks of signs (S2, KBL 15): each is added, none is written over, and the newest counts. A
place with cameras that watch people and no sign that was seen within a year is told wherever its
cameras are; nothing is stopped by it, for the footage is there either way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.rules import Sign, sign_faults
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.schema import Camera, SignCheck, Site

_LONGEST: Final = 200
_WATCHES: Final = "surveillance"


@dataclass(frozen=True)
class SignView:
    """A place's sign as it was last seen; ``faults`` are codes of what is wrong about it.

    ``checked_at`` is None where nobody has looked; ``place`` is where it hangs.
    """

    site: str
    name: str
    zone: str
    checked_at: datetime | None
    checked_by: str | None
    place: str
    there: bool
    controller: bool
    purpose: bool
    pointer: bool
    faults: tuple[str, ...]


class Signs:
    """Enters checks of signs, and tells of them."""

    def __init__(self, *, database: Database, ledger: Ledger) -> None:
        """Both belong to the vault."""
        self._database = database
        self._ledger = ledger

    def check(self, actor: Actor, site: str, sign: Sign) -> SignView:
        """Enter what somebody saw of a place's sign just now.

        Raises:
            AccessDeniedError: The person neither manages nor sets up.
            NotFoundError: There is no such place.
            InvalidInputError: There is a sign and it is not said where.
        """
        event = Event.SIGN_CHECKED
        with self._ledger.act(event, actor, subject=site) as act:
            if actor.is_person:
                actor.require(Right.SIGN_CHECK)
            row = act.session.get(Site, site)
            if row is None:
                raise NotFoundError("site", site[:60])
            place = sign.place.strip()
            if sign.there and not 0 < len(place) <= _LONGEST:
                raise InvalidInputError("say where the sign hangs, in a few words")
            seen = SignCheck(
                site_code=site,
                at=act.now,
                by=actor.id,
                there=sign.there,
                place=place if sign.there else "",
                controller=sign.there and sign.controller,
                purpose=sign.there and sign.purpose,
                pointer=sign.there and sign.pointer,
            )
            act.session.add(seen)
            act.session.flush()
            says = {"controller": seen.controller, "purpose": seen.purpose, "pointer": seen.pointer}
            act.record(
                event, site, facts={"there": seen.there, **says}, details={"place": seen.place}
            )
            return _view(row, seen, act.now)

    def list(self, actor: Actor) -> tuple[SignView, ...]:
        """The sign of every place with cameras that watch people, by the place's code.

        Raises:
            AccessDeniedError: The person has no role.
        """
        if actor.is_person and not actor.roles:
            with entered_if_refused(self._ledger, Event.SIGN_CHECKED, actor):
                actor.require(Right.SIGN_CHECK)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            return signs_of(session, now)


def signs_of(session: Session, now: datetime) -> tuple[SignView, ...]:
    """The sign of every place with cameras that watch people."""
    watched = select(col(Camera.site_code)).where(col(Camera.origin) == _WATCHES)
    sites: Sequence[Site] = (
        session.execute(select(Site).where(col(Site.code).in_(watched)).order_by(col(Site.code)))
        .scalars()
        .all()
    )
    newest = {
        row.site_code: row
        for row in session.execute(select(SignCheck).order_by(col(SignCheck.id))).scalars()
    }
    return tuple(_view(site, newest.get(site.code), now) for site in sites)


def _view(site: Site, seen: SignCheck | None, now: datetime) -> SignView:
    sign = None
    if seen is not None:
        sign = Sign(seen.place, seen.there, seen.controller, seen.purpose, seen.pointer)
    return SignView(
        site=site.code,
        name=site.name,
        zone=site.zone,
        checked_at=None if seen is None else seen.at,
        checked_by=None if seen is None else seen.by,
        place="" if seen is None else seen.place,
        there=seen is not None and seen.there,
        controller=seen is not None and seen.controller,
        purpose=seen is not None and seen.purpose,
        pointer=seen is not None and seen.pointer,
        faults=sign_faults(sign, None if seen is None else seen.at, now),
    )
