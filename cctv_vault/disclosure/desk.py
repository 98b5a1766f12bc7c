"""What every act on a request shares: its transaction, its locks, its row, its move.

Owns the order in which an act proceeds: the locks of the request's cameras, the request if the
person may know of it, the right, the table, and then the body of the act; and the one place where
a request's state changes, together with the entry that says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog
from cctv_vault.database import Database
from cctv_vault.disclosure.casefiles import follow
from cctv_vault.disclosure.cases import facts_of, load, open_json, seal_json
from cctv_vault.disclosure.codes import CodeHasher
from cctv_vault.disclosure.freezing import Freeze, Freezing
from cctv_vault.disclosure.intake import Places
from cctv_vault.disclosure.legal import Words
from cctv_vault.disclosure.letters import Letters
from cctv_vault.disclosure.notices import Notices
from cctv_vault.disclosure.packaging import Packaging
from cctv_vault.disclosure.windows import Window
from cctv_vault.disclosure.workflow import (
    HANDS_OVER_NOW,
    RIGHT_FOR,
    TRANSITIONS,
    Action,
    RequestFacts,
    State,
    move,
    unmet,
)
from cctv_vault.errors import AccessDeniedError, GateNotMetError
from cctv_vault.footage.catalogue import Catalogue
from cctv_vault.footage.departures import Departures
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.people.service import People
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.holidays_of import closed_days
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.rules import ARRIVAL
from cctv_vault.schema import Camera, Recording, Request, RequestWindow, Site, table
from cctv_vault.views import iso

_COUNTRY: Final = "SE"


@dataclass(frozen=True)
class Step:
    """An act on one request under way: its transaction and the request's row."""

    act: Act
    row: Request


class Desk:
    """The parts of the vault that acts on requests use, and how each act proceeds."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        log: CustodyLog,
        grants: Grants,
        catalogue: Catalogue,
        people: People,
        policies: Policies,
        freezing: Freezing,
        notices: Notices,
        departures: Departures,
        packaging: Packaging,
        letters: Letters,
        zone: str,
    ) -> None:
        """All belong to the vault; ``zone`` is where its days begin."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._log = log
        self._grants = grants
        self._catalogue = catalogue
        self._people = people
        self._policies = policies
        self._freezing = freezing
        self._notices = notices
        self._departures = departures
        self._packaging = packaging
        self._letters = letters
        self._zone = zone
        self._codes = CodeHasher()

    @contextmanager
    def _step(
        self,
        actor: Actor,
        request_id: str,
        action: Action,
        event: Event,
        *,
        cameras: Sequence[str] = (),
    ) -> Iterator[Step]:
        """One act on a request; ``cameras`` are others than its own that the act decides about.

        Verifying or clarifying a request from the portal confirms it in the same act.

        Raises:
            NotFoundError: There is no such request, or the person may not know of it.
            AccessDeniedError: The person lacks the right.
            TransitionNotAllowedError: The table does not have it.
        """
        with self._ledger.act(
            event,
            actor,
            cameras=(*self._cameras_of(request_id), *cameras),
            subject=request_id,
        ) as act:
            row = load(act.session, request_id, actor, lock=True)
            actor.require(RIGHT_FOR.get(action, Right.REQUEST_HANDLE))
            state = State(row.state)
            if (
                state is State.RECEIVED
                and (state, action) not in TRANSITIONS
                and (State.CONFIRMED, action) in TRANSITIONS
                and action not in HANDS_OVER_NOW
            ):
                self._confirm(act, row)
            move(State(row.state), action)
            yield Step(act, row)

    def _confirm(self, act: Act, row: Request) -> Freeze:
        """Confirm a received request: its freeze is that of a confirmed one from here on."""
        freeze = self._freezing.confirmed(act, row, self._order_decided(act, row))
        self._move(act, row, Action.CONFIRM, facts={"frozen": freeze.recordings})
        if freeze.remarks:
            # Only a preservation order is answered at once: it reaches stored footage only.
            self._move(
                act,
                row,
                Action.CLARIFY,
                facts={"automatic": True},
                details={"text": "; ".join(freeze.remarks)},
            )
        return freeze

    def _order_decided(self, act: Act, row: Request) -> datetime | None:
        """When the order that a request brings was decided, where it says so."""
        body = open_json(act.session, self._keyring, row.body_text)
        decided = (body.get("ground") or {}).get("decided_at")
        return datetime.fromisoformat(decided) if isinstance(decided, str) else None

    def _move(
        self,
        act: Act,
        row: Request,
        action: Action,
        *,
        facts: Mapping[str, Json] | None = None,
        details: Mapping[str, Json] | None = None,
        also: Sequence[str] = (),
    ) -> None:
        """Change a request's state and enter the event that the table pairs with it."""
        before = row.state
        moved = move(State(before), action)
        row.state = moved.state.value
        act.session.add(row)
        act.session.flush()
        follow(act.session, row, moved.state, act.now)
        act.record(
            moved.event,
            row.id,
            facts={"from": before, "to": row.state, **(facts or {})},
            details=details,
            also=also,
        )
        self._notices.moved(act, row, action)

    def _facts(self, step: Step, *, footage: bool | None = None) -> RequestFacts:
        return facts_of(step.act.session, self._keyring, step.row, step.act.now, footage=footage)

    def _gate(self, action: Action, facts: RequestFacts, what: str) -> None:
        """Refuse an act whose requirements are not met, naming each with its citation.

        Raises:
            GateNotMetError: Some are not.
        """
        points = unmet(action, facts)
        if points:
            cited = [
                (point.words, f" ({point.citation})" if point.citation else "") for point in points
            ]
            raise not_met(
                f"{what} is not possible yet",
                *(Words(f"{words.sv}{where}", f"{words.en}{where}") for words, where in cited),
            )

    def _seal(self, act: Act, row_id: str, what: str, value: Json) -> int:
        """Seal what people wrote about a request."""
        return seal_json(act.session, self._keyring, value, f"request/{row_id}/{what}", act.now)

    # --- places and days ----------------------------------------------------------------------

    def _places(self) -> Places:
        with self._database.read() as session:
            cameras = session.execute(select(table(Camera))).all()
            return Places(
                cameras={each.code: (each.site_code, each.zone) for each in cameras},
                sites={row.code: row.zone for row in session.execute(select(table(Site)))},
                offsets={each.code: each.clock_offset_s for each in cameras},
                taken_off=self._taken_off,
            )

    def _taken_off(self, camera: str, starts_at: datetime, ends_at: datetime) -> float | None:
        """What was taken off recordings whose pictures show something of a time; None if of none.

        Of several it is what is taken off today, or else the least that leaves any of them.
        """
        of = col(Recording.camera_code) == camera, col(Recording.time_source) != ARRIVAL
        found = []
        with self._database.read() as session:
            offsets = select(col(Recording.clock_offset_s)).where(*of).distinct()
            today = session.execute(
                select(col(Camera.clock_offset_s)).where(col(Camera.code) == camera)
            ).scalar()
            for offset in session.execute(offsets).scalars().all():
                ahead = timedelta(seconds=offset)
                shows = select(col(Recording.id)).where(
                    *of,
                    col(Recording.clock_offset_s) == offset,
                    col(Recording.started_at) < ends_at - ahead,
                    col(Recording.ended_at) > starts_at - ahead,
                )
                if session.execute(shows.limit(1)).first() is not None:
                    found.append(offset)
        return today if today in found else min(found, key=abs, default=None)

    def _cameras_of(self, request_id: str) -> Sequence[str]:
        """The cameras whose locks an act on the request takes."""
        with self._database.read() as session:
            return (
                session.execute(
                    select(col(RequestWindow.camera_code))
                    .where(col(RequestWindow.request_id) == request_id)
                    .distinct()
                )
                .scalars()
                .all()
            )

    def _zone_of(self, session: Session, windows: Sequence[Window]) -> ZoneInfo:
        """The zone in which the days of a request are counted: that of its first camera's site."""
        camera = session.get(Camera, windows[0].camera) if windows else None
        site = None if camera is None else session.get(Site, camera.site_code)
        return ZoneInfo(self._zone if site is None else site.zone)


def holidays_around(moment: datetime) -> frozenset[date]:
    """The public holidays that any deadline counted from a moment can meet."""
    return closed_days(_COUNTRY, moment.year) | closed_days(_COUNTRY, moment.year + 1)


def not_met(message: str, *points: Words) -> GateNotMetError:
    """The refusal of an act whose requirements are not met, each point in both languages."""
    return GateNotMetError(
        message,
        tuple(point.en for point in points),
        in_swedish=tuple(point.sv for point in points),
    )


def refuse(why: Words | None) -> None:
    """Raise where the four-eyes rule forbids a person an act.

    Raises:
        AccessDeniedError: There is a reason.
    """
    if why is not None:
        refusal = AccessDeniedError(why.en)
        refusal.in_swedish = (why.sv,)
        raise refusal


def window_facts(windows: Sequence[Window]) -> list[dict[str, Any]]:
    """Windows as entries hold them."""
    return [
        {"camera": each.camera, "from": iso(each.starts_at), "to": iso(each.ends_at)}
        for each in windows
    ]


def cameras_in(windows: Sequence[Window]) -> tuple[str, ...]:
    """The cameras of windows, each once."""
    return tuple(sorted({each.camera for each in windows}))
