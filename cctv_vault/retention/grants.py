"""Grants: which purposes keep a recording, each with its own wrapped copy of the recording's key.

Owns the rows of ``recording_grant`` and the only way from one to a recording key. It refuses to
open anything without a live grant, and tells nobody who may not know of it that a secret hold
keeps something: to them such a recording has expired, in the same words.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col

from cctv_vault.errors import ConfigError, ExpiredError, NotFoundError, OnHoldError
from cctv_vault.gags import grant_seen_by, seen_by
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Sight
from cctv_vault.retention.keyring import KeyHandle, Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.policy import Period, Policy, Purpose
from cctv_vault.retention.rules import (
    Basis,
    Span,
    Term,
    Window,
    is_live,
    kept_under,
    matches,
    quarter_hour,
)
from cctv_vault.schema import Camera, Grant, Hold, HoldWindow, Incident, Recording, Request, table
from storage.secret import SecretKey

LATE: Final = "late-arrival"
RESTRICTION: Final = "restriction"
UNCONFIRMED: Final = "request-unconfirmed"
STRANGERS_KEEP: Final = timedelta(days=7)
"""How long strangers can have footage kept that nobody here confirms (table A)."""
_OF_THE_HOUSE: Final = frozenset({"incident", "save-now", "more-coming", "claim", "trespass-ban"})
"""Holds the house places for itself; every other answers an order, a request or a right."""
_BATCH: Final = 500


@dataclass(frozen=True)
class GrantView:
    """A purpose that keeps, or kept, a recording.

    ``belongs_to`` is the incident or the request that its hold is of, where it is of one.
    """

    purpose: str
    statute: str
    since: datetime
    until: datetime | None
    reason: str
    hold_id: str | None
    gagged: bool
    about_staff: bool
    live: bool
    belongs_to: str | None = None

    def seen_by(self, sight: Sight) -> bool:
        """Whether somebody may know of it."""
        return (sight.gagged or not self.gagged) and (sight.staff or not self.about_staff)


class Arrived(Protocol):
    """A recording that has just been entered, as far as what it is granted goes; see `Recording`.

    Its row says the same; of many that arrive together nobody has to make an object of each.
    """

    @property
    def id(self) -> str:
        """Of its row, which is there."""

    @property
    def camera_code(self) -> str:
        """Whose lock the act holds."""

    @property
    def origin(self) -> str:
        """What its purpose depends on."""

    @property
    def started_at(self) -> datetime:
        """UTC."""

    @property
    def ended_at(self) -> datetime:
        """UTC, exclusive."""

    @property
    def uncertainty_s(self) -> float:
        """Of its start."""

    @property
    def time_source(self) -> str:
        """Where its time came from."""

    @property
    def arrived_at(self) -> datetime:
        """UTC."""


@dataclass(frozen=True)
class _Arrival:
    """What recordings that arrive together share, each read or made once, and their grants' rows.

    ``bases`` are by origin and year, ``handles`` by hold or by purpose and quarter-hour.
    """

    act: Act
    policy: Policy
    windows: list[tuple[HoldWindow, Hold]]
    bases: dict[tuple[str, int], tuple[Basis, ...]] = field(default_factory=dict)
    handles: dict[object, KeyHandle] = field(default_factory=dict, repr=False)
    rows: list[dict[str, Any]] = field(default_factory=list, repr=False)


class Grants:
    """The grants of one vault."""

    def __init__(self, *, keyring: Keyring, policies: Policies) -> None:
        """Both belong to the vault."""
        self._keyring = keyring
        self._policies = policies

    # --- keeping ------------------------------------------------------------------------------

    def on_arrival(
        self, act: Act, arrived: Sequence[tuple["Arrived", SecretKey]]
    ) -> list[tuple[GrantView, ...]]:
        """Grant recordings of one camera every purpose they have, in the act that indexes them.

        The act holds the camera's lock. The purpose of a recording's origin, each live hold whose
        window it may show, or late arrival where neither keeps it (table A).

        Args:
            act: The act of indexing.
            arrived: What the act has just entered, with their keys.

        Returns:
            For each its grants.
        """
        session = act.session
        arrival = _Arrival(
            act,
            self._policies.current(session, act.now),
            self._windows(session, arrived[0][0].camera_code, act.now),
        )
        views = [self._granted(arrival, recording, key) for recording, key in arrived]
        if arrival.rows:
            session.execute(insert(table(Grant)), arrival.rows)
        return views

    def _granted(
        self, arrival: "_Arrival", recording: "Arrived", key: SecretKey
    ) -> tuple[GrantView, ...]:
        """What one of them is granted; the rows are left in ``arrival``."""
        now, policy = arrival.act.now, arrival.policy
        holds = _holds_on(arrival.windows, recording)
        suspected = any(hold.about_staff for hold in holds)
        views = [
            self._view(
                arrival,
                _hold_row(
                    hold, recording.id, now, policy, behind=suspected and _answers_somebody(hold)
                ),
                key,
                hold,
            )
            for hold in holds
        ]
        captured, arrived = recording.ended_at, recording.arrived_at
        around = min(captured, arrived)
        # Of a moment, opening days ask for the year alone.
        of = (recording.origin, around.year)
        bases = arrival.bases.get(of)
        if bases is None:
            bases = arrival.bases[of] = self._policies.bases(
                arrival.act.session, recording.camera_code, recording.origin, around
            )
        basis, term = kept_under(
            bases, captured=captured, arrived=arrived, time_source=recording.time_source
        )
        base = basis.purpose
        if term.until > now:
            kept, until, reason = base, term.until, term.reason
            version = term.shortened_by or basis.version
        elif not any(view.seen_by(Sight()) for view in views):
            # Also where only a secret hold keeps it: going without would tell everybody of it.
            kept = policy.purpose(LATE)
            until, version = _period(kept).after(now), policy.version
            reason = f"{kept.en}: {base.code} ended before it arrived"
        else:
            return tuple(views)
        row = {
            "recording_id": recording.id,
            "purpose": kept.code,
            "hold_id": None,
            "since": now,
            "until": until,
            "reason": reason,
            "statute": kept.statute,
            "policy_version": version,
            "ended_at": None,
            "about_staff": False,
        }
        return (self._view(arrival, row, key, None), *views)

    def _view(
        self, arrival: "_Arrival", row: dict[str, Any], key: SecretKey, hold: Hold | None
    ) -> GrantView:
        """Wrap a recording's key for one grant, whose row is left in ``arrival``."""
        act, until = arrival.act, row["until"]
        slot = hold.id if hold is not None else (row["purpose"], quarter_hour(until))
        handle = arrival.handles.get(slot)
        if handle is None:
            handle = arrival.handles[slot] = (
                self._keyring.timed(act.session, row["purpose"], until, act.now)
                if hold is None
                else self._keyring.for_hold(act.session, hold.id, hold.purpose, act.now)
            )
        arrival.rows.append(row | self._wrapped(handle, key, row["recording_id"]))
        return _told(row, hold)

    def base_term(
        self,
        session: Session,
        of: Recording | Camera,
        *,
        captured: datetime,
        arrived: datetime,
        time_source: str,
    ) -> tuple[Basis, Term]:
        """What keeps footage of a camera from the start, and until when.

        Args:
            session: Any.
            of: The recording, or the camera of one that is not there yet.
            captured: As for `rules.kept_under`, with the next two.
            arrived: UTC.
            time_source: ``name``, ``container`` or ``arrival``.
        """
        camera = of.camera_code if isinstance(of, Recording) else of.code
        bases = self._policies.bases(session, camera, of.origin, min(captured, arrived))
        return kept_under(bases, captured=captured, arrived=arrived, time_source=time_source)

    def on_derived(
        self,
        act: Act,
        recording: Recording,
        key: SecretKey,
        holds: Sequence[Hold],
        original_id: str,
    ) -> None:
        """Grant the holds whose window it shows a recording derived from one they kept whole.

        What was hidden of the original by a suspicion against a colleague is hidden of it too.
        """
        act.session.add(recording)
        act.session.flush()
        policy = self._policies.current(act.session, act.now)
        hidden = act.session.execute(
            select(col(Grant.hold_id)).where(
                col(Grant.recording_id) == original_id, col(Grant.about_staff)
            )
        )
        behind = set(hidden.scalars())
        for hold in holds:
            self._hold_grant(act, hold, recording.id, key, policy, behind=hold.id in behind)

    def for_hold(
        self, act: Act, hold: Hold, recording_ids: Sequence[str], policy: Policy
    ) -> tuple[list[str], list[str]]:
        """Grant existing recordings to a hold, where another live grant still opens them.

        Returns the ids granted now, and those no purpose keeps any more: they are gone, and no
        hold revives them. What it opens through a suspicion against a colleague is hidden as that
        is, and what it answers somebody with is hidden beside one too: nobody comes to see it by
        asking for it.
        """
        session, now = act.session, act.now
        handle = self._keyring.for_hold(session, hold.id, hold.purpose, now)
        granted: list[str] = []
        gone: list[str] = []
        opened: dict[str, SecretKey] = {}
        for some in _batches(recording_ids):
            live: dict[str, list[Any]] = {}
            mine: set[str] = set()
            query = (
                select(table(Grant))
                .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
                .where(col(Grant.recording_id).in_(some), live_clause(now))
            )
            # What only a secret hold keeps is gone, to anyone who may not know of it. But what
            # the law bids keep is not let go of because of what a colleague is suspected of.
            query = query.where(
                seen_by(Sight(gagged=hold.gagged or act.actor.sight.gagged, staff=True))
            )
            past_staff = hold.about_staff or _answers_somebody(hold) or act.actor.sight.staff
            spent = self.spent(session, hold, some, now)
            open_to_all: set[str] = set()
            suspected: set[str] = set()
            for row in session.execute(query):
                (suspected if row.about_staff else open_to_all).add(row.recording_id)
                if past_staff or not row.about_staff:
                    live.setdefault(row.recording_id, []).append(row)
                if row.hold_id == hold.id:
                    mine.add(row.recording_id)
            rows = []
            for recording_id in some:
                if recording_id in mine or recording_id in spent:
                    continue
                key = self._open_any(session, live.get(recording_id, []), opened)
                if key is None:
                    gone.append(recording_id)
                    continue
                behind = recording_id in suspected and (
                    _answers_somebody(hold) or recording_id not in open_to_all
                )
                rows.append(
                    _hold_row(hold, recording_id, now, policy, behind=behind)
                    | self._wrapped(handle, key, recording_id)
                )
                granted.append(recording_id)
            if rows:
                session.execute(insert(table(Grant)), rows)
        return granted, gone

    def spent(
        self, session: Session, hold: Hold, recording_ids: Sequence[str], now: datetime
    ) -> frozenset[str]:
        """Of these: what strangers had kept once already, so that staff decide before it is again.

        Whoever asks anew each week would else keep it for ever. It counts from when the first
        request that nobody confirmed froze it; what staff confirm is no part of this.
        """
        if hold.purpose != UNCONFIRMED:
            return frozenset()
        before = (
            select(col(Grant.recording_id))
            .join(Request, col(Request.hold_id) == col(Grant.hold_id))
            .where(
                col(Grant.recording_id).in_(recording_ids),
                col(Grant.purpose) == UNCONFIRMED,
                col(Grant.hold_id) != hold.id,
                col(Grant.since) <= now - STRANGERS_KEEP,
            )
        )
        return frozenset(session.execute(before).scalars())

    def end_hold(
        self,
        session: Session,
        hold_id: str,
        ended_at: datetime,
        recording_ids: Sequence[str] | None = None,
    ) -> int:
        """End a hold's grants at once, all or those of some recordings; their key is retired.

        Access ends with the commit. The next sweep destroys the key, or replaces it for the rest.
        """
        mine = and_(col(Grant.hold_id) == hold_id, col(Grant.purpose_key_id).is_not(None))
        some = (
            [mine]
            if recording_ids is None
            else [and_(mine, col(Grant.recording_id).in_(each)) for each in _batches(recording_ids)]
        )
        ended = 0
        for clause in some:
            ended += session.execute(
                update(Grant)
                .where(clause, col(Grant.ended_at).is_(None))
                .values(ended_at=ended_at)
                .execution_options(synchronize_session=False)
            ).rowcount  # type: ignore[attr-defined]
        keys = select(col(Grant.purpose_key_id)).where(mine).distinct()
        for key_id in session.execute(keys).scalars().all():
            self._keyring.retire(session, str(key_id))
        if recording_ids is None:
            self._keyring.retire_hold(session, hold_id)
        return ended

    def end_base(self, session: Session, recording_id: str, ended_at: datetime) -> int:
        """End what keeps a recording from the start, at once; holds on it stay.

        As with `end_hold` access ends with the commit and the next sweep destroys. Nothing revives
        it. The caller holds the lock of the camera.
        """
        mine = and_(
            col(Grant.recording_id) == recording_id,
            col(Grant.hold_id).is_(None),
            live_clause(ended_at),
        )
        keys = session.execute(select(col(Grant.purpose_key_id)).where(mine)).scalars().all()
        session.execute(
            update(Grant)
            .where(mine)
            .values(ended_at=ended_at)
            .execution_options(synchronize_session=False)
        )
        for key_id in keys:
            self._keyring.retire(session, str(key_id))
        return len(keys)

    def bound_base(
        self, act: Act, recording: Recording, bound: Callable[[datetime], datetime]
    ) -> datetime | None:
        """Move the end of what keeps a recording from the start, where something else bounds it.

        It lies under the key of its new quarter-hour from then on, and the next sweep destroys the
        old copy. It never lasts longer than the policy has it. The caller holds the camera's lock.

        Args:
            act: The act.
            recording: Its row.
            bound: The end, UTC, from the one the policy gives.

        Returns the end now, None where nothing keeps it from the start any more.
        """
        session, now = act.session, act.now
        row = session.execute(
            select(table(Grant)).where(
                col(Grant.recording_id) == recording.id,
                col(Grant.hold_id).is_(None),
                col(Grant.purpose) != LATE,
                live_clause(now),
            )
        ).one_or_none()
        if row is None:
            return None
        _, term = self.base_term(
            session,
            recording,
            captured=recording.ended_at,
            arrived=recording.arrived_at,
            time_source=recording.time_source,
        )
        until = bound(term.until)
        if until <= now:
            self.end_base(session, recording.id, now)
            return None
        values: dict[str, Any] = {"until": until}
        if quarter_hour(until) != quarter_hour(row.until):
            old = KeyHandle(row.purpose_key_id, self._keyring.unwrap(session, row.purpose_key_id))
            key = self._keyring.open_under(old, row.wrapped_key, recording.id)
            fresh = self._keyring.timed(session, row.purpose, until, now)
            values |= self._wrapped(fresh, key, recording.id)
            if until < row.until:
                self._keyring.retire(session, row.purpose_key_id)
        session.execute(update(table(Grant)).where(col(Grant.id) == row.id).values(**values))
        return until

    # --- opening ------------------------------------------------------------------------------

    def key_for(
        self, session: Session, recording_id: str, now: datetime, sight: Sight
    ) -> SecretKey:
        """A recording's key, through any live grant the person may know of.

        Raises:
            NotFoundError: There is no such recording.
            ExpiredError: No purpose keeps it; or only a hold does that the person may not know of,
                which must not be told apart.
        """
        query = (
            select(table(Grant))
            .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
            .where(col(Grant.recording_id) == recording_id, live_clause(now), grant_seen_by(sight))
        )
        key = self._open_any(session, session.execute(query).all(), {})
        if key is not None:
            return key
        known = session.execute(
            select(col(Recording.id)).where(col(Recording.id) == recording_id)
        ).scalar()
        if known is None:
            raise NotFoundError("recording", recording_id)
        raise ExpiredError(
            f"the recording {recording_id} has expired: no purpose keeps it any more"
        )

    def only_secret(
        self, session: Session, recording_ids: Sequence[str], now: datetime
    ) -> tuple[str, ...]:
        """The secret holds that alone keep any of these recordings: what is done with it is theirs.

        An entry that names them is hidden with them.
        """
        holds: set[str] = set()
        for grants in self.live(session, recording_ids, now).values():
            if not any(each.seen_by(Sight()) for each in grants):
                holds |= {each.hold_id for each in grants if each.hold_id is not None}
        return tuple(sorted(holds))

    def require_usable(self, session: Session, recording_ids: Sequence[str], now: datetime) -> None:
        """Raise where a restriction of processing is in force: kept, not used (Art. 18, table A).

        Raises:
            OnHoldError: Some of it is restricted; the message names the hold.
        """
        for recording_id, grants in self.live(session, recording_ids, now).items():
            for each in grants:
                if each.purpose == RESTRICTION:
                    raise OnHoldError(
                        f"the recording {recording_id} is under restriction of processing "
                        f"({each.statute}): {each.hold_id} keeps it and nobody uses it before the "
                        "privacy officer has lifted that"
                    )

    def require_unrestricted(
        self, session: Session, windows: Iterable[tuple[str, datetime, datetime]], now: datetime
    ) -> None:
        """Raise where a restriction reaches a time, also if nothing is left of it here (Art. 18).

        Args:
            session: A transaction.
            windows: Camera, start and end (exclusive), of what was taken from footage before.
            now: The time.

        Raises:
            OnHoldError: It does; the message names the hold.
        """
        wanted = tuple(windows)
        rows = session.execute(
            select(table(HoldWindow))
            .join(Hold, col(Hold.id) == col(HoldWindow.hold_id))
            .where(
                col(Hold.purpose) == RESTRICTION,
                col(Hold.released_at).is_(None),
                or_(col(Hold.until).is_(None), col(Hold.until) > now),
                col(HoldWindow.camera_code).in_({camera for camera, _, _ in wanted}),
            )
        )
        for row in rows:
            wider = timedelta(seconds=row.widened_s)
            if any(
                camera == row.camera_code
                and row.starts_at - wider < end
                and row.ends_at + wider > start
                for camera, start, end in wanted
            ):
                raise OnHoldError(
                    f"the time is under restriction of processing: {row.hold_id} is in force and "
                    "nobody uses what shows it before the privacy officer has lifted that"
                )

    # --- telling ------------------------------------------------------------------------------

    def live(
        self, session: Session, recording_ids: Sequence[str], now: datetime
    ) -> dict[str, tuple[GrantView, ...]]:
        """The live grants of recordings, gagged ones included and marked; none means absent."""
        found: dict[str, list[GrantView]] = {}
        for some in _batches(recording_ids):
            for recording_id, view in self._views(
                session, now, and_(col(Grant.recording_id).in_(some), live_clause(now))
            ):
                found.setdefault(recording_id, []).append(view)
        return {each: tuple(views) for each, views in found.items()}

    def history(self, session: Session, recording_id: str, now: datetime) -> tuple[GrantView, ...]:
        """Every grant a recording ever had, oldest first, with the cases they are of."""
        views = [
            view for _, view in self._views(session, now, col(Grant.recording_id) == recording_id)
        ]
        cases = cases_of(session, {each.hold_id for each in views if each.hold_id is not None})
        return tuple(replace(each, belongs_to=cases.get(each.hold_id or "")) for each in views)

    def _views(
        self, session: Session, now: datetime, clause: ColumnElement[bool]
    ) -> Iterable[tuple[str, GrantView]]:
        rows = session.execute(
            select(table(Grant), col(Hold.gagged))
            .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
            .where(clause)
            .order_by(col(Grant.id))
        )
        for row in rows:
            yield (
                row.recording_id,
                GrantView(
                    purpose=row.purpose,
                    statute=row.statute,
                    since=row.since,
                    until=row.until,
                    reason=row.reason,
                    hold_id=row.hold_id,
                    gagged=bool(row.gagged),
                    about_staff=bool(row.about_staff),
                    live=row.purpose_key_id is not None
                    and is_live(now, until=row.until, ended_at=row.ended_at),
                ),
            )

    # --- inside -------------------------------------------------------------------------------

    def _windows(
        self, session: Session, camera: str, now: datetime
    ) -> list[tuple[HoldWindow, Hold]]:
        """The windows of live holds on a camera; the holds' rows are held against a release."""
        rows = session.execute(
            select(HoldWindow, Hold)
            .join(Hold, col(Hold.id) == col(HoldWindow.hold_id))
            .where(
                col(HoldWindow.camera_code) == camera,
                col(Hold.released_at).is_(None),
                or_(col(Hold.until).is_(None), col(Hold.until) > now),
            )
            .order_by(col(Hold.id))
            .with_for_update(read=True, of=Hold)
        ).all()
        return [(window, hold) for window, hold in rows]

    def _hold_grant(
        self,
        act: Act,
        hold: Hold,
        recording_id: str,
        key: SecretKey,
        policy: Policy,
        *,
        behind: bool,
    ) -> None:
        handle = self._keyring.for_hold(act.session, hold.id, hold.purpose, act.now)
        row = _hold_row(hold, recording_id, act.now, policy, behind=behind)
        wrapped = self._wrapped(handle, key, recording_id)
        act.session.execute(insert(table(Grant)).values(**row, **wrapped))

    def _wrapped(self, handle: KeyHandle, key: SecretKey, recording_id: str) -> dict[str, Any]:
        return {
            "purpose_key_id": handle.id,
            "wrapped_key": self._keyring.wrap(handle, key, recording_id),
        }

    def _open_any(
        self, session: Session, rows: Sequence[Any], opened: dict[str, SecretKey]
    ) -> SecretKey | None:
        """The recording key behind the first grant whose purpose key is still there.

        ``opened`` keeps the purpose keys already unwrapped in this call.
        """
        for row in rows:
            try:
                if row.purpose_key_id not in opened:
                    opened[row.purpose_key_id] = self._keyring.unwrap(session, row.purpose_key_id)
            except ExpiredError:
                continue
            return self._keyring.open_under(
                KeyHandle(row.purpose_key_id, opened[row.purpose_key_id]),
                row.wrapped_key,
                row.recording_id,
            )
        return None


def live_clause(now: datetime) -> ColumnElement[bool]:
    """Grants that keep their recording readable now."""
    return and_(
        col(Grant.ended_at).is_(None),
        or_(col(Grant.until).is_(None), col(Grant.until) > now),
        col(Grant.purpose_key_id).is_not(None),
    )


def cases_of(session: Session, holds: Collection[str]) -> dict[str, str]:
    """The incident or the request that each of some holds is of; others are of none.

    Whoever may know of a hold may know of its case: they are secret together.
    """
    return {
        str(row.hold_id): str(row.id)
        for case in (Incident, Request)
        for row in session.execute(
            select(col(case.id), col(case.hold_id)).where(col(case.hold_id).in_(holds))
        )
    }


def _holds_on(windows: Sequence[tuple[HoldWindow, Hold]], recording: "Arrived") -> list[Hold]:
    """The holds a new recording falls under, of those with windows on its camera."""
    span = Span(recording.started_at, recording.ended_at, recording.uncertainty_s)
    found = {
        hold.id: hold
        for window, hold in windows
        if matches(
            Window(window.camera_code, window.starts_at, window.ends_at), window.widened_s, span
        )
    }
    return list(found.values())


def _told(row: dict[str, Any], hold: Hold | None) -> GrantView:
    """A grant just given, as told."""
    return GrantView(
        purpose=row["purpose"],
        statute=row["statute"],
        since=row["since"],
        until=row["until"],
        reason=row["reason"],
        hold_id=row["hold_id"],
        gagged=hold is not None and hold.gagged,
        about_staff=row["about_staff"],
        live=True,
    )


def _period(purpose: Purpose) -> Period:
    if purpose.period is None:
        raise ConfigError(f"the policy gives the purpose {purpose.code} no period")
    return purpose.period


def _answers_somebody(hold: Hold) -> bool:
    """Whether a hold keeps what was asked for or ordered, and not what the house looks after."""
    return hold.purpose not in _OF_THE_HOUSE


def _hold_row(
    hold: Hold, recording_id: str, now: datetime, policy: Policy, *, behind: bool
) -> dict[str, Any]:
    """A hold's grant; ``behind`` where a suspicion against a colleague hides what it keeps."""
    # A hold outlives the version of the policy that named its purpose.
    purpose = policy.purposes.get(hold.purpose)
    words = hold.purpose if purpose is None else purpose.en
    return {
        "recording_id": recording_id,
        "purpose": hold.purpose,
        "hold_id": hold.id,
        "since": now,
        "until": hold.until,
        "reason": f"{words}: held under {hold.id}",
        "statute": hold.statute,
        "policy_version": policy.version,
        "ended_at": None,
        "about_staff": hold.about_staff or behind,
    }


def _batches(values: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
