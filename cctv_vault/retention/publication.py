"""Publishing a version of the retention policy, and what that does to what is kept.

Owns the two ways time moves with a policy (S17): a version takes effect no earlier than it is
published, and it only ever shortens what was recorded before, at once, in the act that publishes
it: the grants end sooner and lie under keys that go sooner. It refuses a document with faults.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, or_, select, update
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.extensions import extensions_of
from cctv_vault.retention.grants import LATE, live_clause
from cctv_vault.retention.keyring import KeyHandle, Keyring
from cctv_vault.retention.policies import Policies, digest_of, opening_days
from cctv_vault.retention.policy import Fault, Policy
from cctv_vault.retention.rules import (
    Opening,
    base_until,
    quarter_hour,
    shortened,
    shortened_hold,
)
from cctv_vault.schema import Camera, Grant, Hold, Incident, PolicyRow, Recording, Site, table
from cctv_vault.views import iso

_OPEN: Final = None
"""The end of what has none."""


@dataclass(frozen=True)
class Going:
    """What goes sooner than it would have, on one day in the vault's zone."""

    day: date
    recordings: int
    bytes: int


@dataclass(frozen=True)
class Effect:
    """What a version does to what is kept now, as the person may know of it.

    ``recordings`` whose last purpose ends sooner, and their ``bytes``; by the ``days`` on which
    they then go. ``at_once`` of them are refused from the moment the version takes effect.
    ``holds`` end sooner too.
    """

    recordings: int
    bytes: int
    at_once: int
    days: tuple[Going, ...]
    holds: tuple[str, ...]


@dataclass(frozen=True)
class Publication:
    """A version that was published, or with ``dry_run`` would be.

    ``warnings`` are recorders that keep their own copy for longer.
    """

    version: int
    published_at: datetime
    effective_at: datetime
    sha256: str
    effect: Effect
    warnings: tuple[Fault, ...]
    dry_run: bool


@dataclass(frozen=True)
class _Cut:
    """A grant that ends sooner."""

    row: Any
    until: datetime


@dataclass(frozen=True)
class _HoldCut:
    hold: Hold
    until: datetime


@dataclass(frozen=True)
class _Plan:
    """What a version does: ``grants`` holds every live grant of each recording it touches."""

    policy: Policy
    effective_at: datetime
    cuts: tuple[_Cut, ...]
    holds: tuple[_HoldCut, ...]
    grants: Mapping[str, Sequence[Any]]
    warnings: tuple[Fault, ...]


class Publisher:
    """Publishes the policies of one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        policies: Policies,
        zone: str,
    ) -> None:
        """All belong to the vault; its ``zone`` says what a day is."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._policies = policies
        self._zone = ZoneInfo(zone)

    def preview(self, actor: Actor, document: str, published_at: datetime) -> Publication:
        """What publishing would do; changes nothing.

        Raises:
            InvalidInputError: The document has faults; all are named.
            AccessDeniedError: The person may not read the registers.
        """
        now = self._ledger.clock.now()
        with entered_if_refused(self._ledger, Event.POLICY_PUBLISHED, actor):
            if actor.is_person and not actor.may(Right.POLICY_PUBLISH):
                actor.require(Right.REGISTER_READ)
            with self._database.read() as session:
                plan = self._plan(session, document, published_at, now)
        effect = self._effect(plan, actor.sight)
        return _published(plan, document, published_at, effect, dry_run=True)

    def publish(self, actor: Actor, document: str, published_at: datetime) -> Publication:
        """Publish a version, and shorten what is kept, in one act.

        Args:
            actor: The privacy officer.
            document: The TOML document, kept verbatim.
            published_at: When it was or will be made public, aware.

        Raises:
            InvalidInputError: The document has faults, or does not follow the newest version.
            AccessDeniedError: The person may not publish policies.
            ClockGuardError: The time cannot be believed, and what ends sooner hangs on it.
        """
        with self._database.read() as session:
            cameras = session.execute(select(col(Camera.code))).scalars().all()
        with self._ledger.act(Event.POLICY_PUBLISHED, actor, cameras=cameras) as act:
            actor.require(Right.POLICY_PUBLISH)
            self._ledger.require_time(act.session)
            # Also against a second publisher: of a vault without cameras there are no locks.
            newest = self._policies.newest(act.session, lock=True)
            plan = self._plan(act.session, document, published_at, act.now)
            if plan.policy.version != newest.version + 1:
                raise InvalidInputError(
                    f"the newest version is {newest.version}, so this one must say "
                    f"'version = {newest.version + 1}', not {plan.policy.version}"
                )
            act.session.add(
                PolicyRow(
                    version=plan.policy.version,
                    document=document,
                    published_at=published_at,
                    effective_at=plan.effective_at,
                    published_by=actor.id,
                )
            )
            act.session.flush()
            self._shorten(act, plan)
            self._shorten_holds(act, plan)
            told = self._effect(plan, Sight())  # the log is everybody's
            act.record(
                Event.POLICY_PUBLISHED,
                f"policy/{plan.policy.version}",
                facts={
                    "version": plan.policy.version,
                    "sha256": digest_of(document),
                    "published_at": iso(published_at),
                    "effective_at": iso(plan.effective_at),
                    "recordings": told.recordings,
                    "at_once": told.at_once,
                    "holds": list(told.holds),
                },
            )
            effect = self._effect(plan, actor.sight)
            return _published(plan, document, published_at, effect, dry_run=False)

    # --- deciding -----------------------------------------------------------------------------

    def _plan(
        self, session: Session, document: str, published_at: datetime, now: datetime
    ) -> _Plan:
        """What a version would do, and from when: never before it is published (S17)."""
        checked = self._policies.checked(session, document, published_at)
        if checked.policy is None or checked.faults:
            words = "; ".join(f"line {each.line}: {each.sentence}" for each in checked.faults)
            raise InvalidInputError(f"the policy cannot be published: {words}")
        policy, newest = checked.policy, self._policies.newest(session)
        wished = policy.effective_at or published_at
        if policy.effective_at is not None and wished < newest.effective_at:
            raise InvalidInputError(
                f"version {newest.version} takes effect {iso(newest.effective_at)}; none after it "
                "can take effect sooner"
            )
        # Not before its publication (S17), and not in a past that this vault lived otherwise.
        effective_at = max(wished, published_at, now, newest.effective_at)
        holds = tuple(_hold_cuts(session, policy, effective_at, now))
        ends = {each.hold.id: each.until for each in holds}
        grants: dict[str, list[Any]] = defaultdict(list)
        touched: set[str] = set()
        cuts: list[_Cut] = []
        rule = _Rule(session, policy)
        for row in session.execute(_live_grants(now)):
            grants[row.recording_id].append(row)
            until = ends.get(row.hold_id) if row.hold_id else max(rule.until(row), effective_at)
            if until is not None and (row.until is None or until < row.until):
                touched.add(row.recording_id)
                cuts.append(_Cut(row, until))
        return _Plan(
            policy,
            effective_at,
            tuple(cuts),
            holds,
            {each: grants[each] for each in touched},
            checked.recorders,
        )

    def _effect(self, plan: _Plan, sight: Sight) -> Effect:
        """The recordings that go sooner: those whose latest end moves."""
        cut = {each.row.id: each.until for each in plan.cuts}
        recordings, sizes = Counter[date](), Counter[date]()
        at_once = 0
        for rows in plan.grants.values():
            known = [each for each in rows if _seen(each, sight)]
            before = _latest(each.until for each in known)
            after = _latest(cut.get(each.id, each.until) for each in known)
            if not known or after is _OPEN or after == before:
                continue
            day = after.astimezone(self._zone).date()
            recordings[day] += 1
            sizes[day] += known[0].size
            at_once += after <= plan.effective_at
        return Effect(
            recordings=recordings.total(),
            bytes=sizes.total(),
            at_once=at_once,
            days=tuple(Going(day, recordings[day], sizes[day]) for day in sorted(recordings)),
            holds=tuple(each.hold.id for each in plan.holds if _seen(each.hold, sight)),
        )

    # --- applying -----------------------------------------------------------------------------

    def _shorten(self, act: Act, plan: _Plan) -> None:
        """End grants sooner, each under the key of its new quarter-hour (S17).

        The old key takes nothing new; the next sweep destroys it, or replaces it for the rest.
        """
        session, now = act.session, act.now
        by_key: dict[str, list[_Cut]] = defaultdict(list)
        for cut in plan.cuts:
            if cut.row.hold_id is None:
                by_key[cut.row.purpose_key_id].append(cut)
        fresh: dict[tuple[str, datetime], KeyHandle] = {}
        for key_id, cuts in sorted(by_key.items()):
            old = KeyHandle(key_id, self._keyring.unwrap(session, key_id))
            values = []
            for cut in cuts:
                handle, wrapped = old, cut.row.wrapped_key
                slot = quarter_hour(cut.until)
                if now < cut.until and slot != quarter_hour(cut.row.until):
                    known = (cut.row.purpose, slot)
                    if known not in fresh:
                        fresh[known] = self._keyring.timed(session, *known, now)
                    handle = fresh[known]
                    key = self._keyring.open_under(old, wrapped, cut.row.recording_id)
                    wrapped = self._keyring.wrap(handle, key, cut.row.recording_id)
                values.append(
                    {
                        "grant": cut.row.id,
                        "end": cut.until,
                        "why": shortened(cut.row.reason, plan.policy.version),
                        "handle": handle.id,
                        "bytes": wrapped,
                    }
                )
            session.execute(
                update(table(Grant))
                .where(table(Grant).c.id == bindparam("grant"))
                .values(
                    until=bindparam("end"),
                    reason=bindparam("why"),
                    policy_version=plan.policy.version,
                    purpose_key_id=bindparam("handle"),
                    wrapped_key=bindparam("bytes"),
                ),
                values,
            )
            if any(each["handle"] != key_id or each["end"] <= now for each in values):
                self._keyring.retire(session, key_id)

    def _shorten_holds(self, act: Act, plan: _Plan) -> None:
        """End holds sooner; the sweep lets those lapse whose end has come."""
        for cut in plan.holds:
            hold = cut.hold
            before, hold.until = hold.until, cut.until
            if hold.review_at is not None:
                hold.review_at = min(hold.review_at, cut.until)
            act.session.add(hold)
            act.session.flush()
            act.session.execute(
                update(table(Grant))
                .where(table(Grant).c.hold_id == hold.id, table(Grant).c.ended_at.is_(None))
                .values(until=cut.until, policy_version=plan.policy.version)
            )
            act.record(
                Event.HOLD_CHANGED,
                hold.id,
                facts={
                    "policy": plan.policy.version,
                    "from": None if before is None else iso(before),
                    "until": iso(cut.until),
                    "gagged": hold.gagged,
                },
            )


class _Rule:
    """Until when a version keeps what a grant keeps by itself."""

    def __init__(self, session: Session, policy: Policy) -> None:
        self._session = session
        self._policy = policy
        self._openings: dict[tuple[str, int], Opening] = {}

    def until(self, row: Any) -> datetime:  # noqa: ANN401 - a row of _live_grants
        if row.purpose == LATE:
            late = self._policy.purpose(LATE).period
            return row.until if late is None else late.after(row.arrived_at)
        return base_until(
            self._policy.base(row.origin, row.camera_code),
            captured=row.captured,
            arrived=row.arrived_at,
            time_source=row.time_source,
            opening=self._opening(row.camera_code, min(row.captured, row.arrived_at)),
        ).until

    def _opening(self, camera: str, around: datetime) -> Opening:
        known = self._openings.get((camera, around.year))
        if known is None:
            site = self._session.execute(
                select(Site)
                .join(Camera, col(Camera.site_code) == col(Site.code))
                .where(col(Camera.code) == camera)
            ).scalar_one()
            known = self._openings[camera, around.year] = opening_days(self._policy, site, around)
        return known


def _live_grants(now: datetime) -> Any:  # noqa: ANN401 - a statement
    return (
        select(
            table(Grant),
            col(Hold.gagged),
            col(Recording.camera_code),
            col(Recording.origin),
            col(Recording.ended_at).label("captured"),
            col(Recording.arrived_at),
            col(Recording.time_source),
            col(Recording.size),
        )
        .join(Recording, col(Recording.id) == col(Grant.recording_id))
        .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
        .where(live_clause(now))
        .order_by(col(Grant.id))
    )


def _hold_cuts(
    session: Session, policy: Policy, effective_at: datetime, now: datetime
) -> Iterable[_HoldCut]:
    holds = session.execute(
        select(Hold)
        .where(
            col(Hold.released_at).is_(None), or_(col(Hold.until).is_(None), col(Hold.until) > now)
        )
        .order_by(col(Hold.id))
    ).scalars()
    for hold in holds.all():
        purpose = policy.purposes.get(hold.purpose)
        if purpose is None:
            continue
        incident = session.execute(
            select(Incident).where(col(Incident.hold_id) == hold.id)
        ).scalar_one_or_none()
        until = shortened_hold(
            purpose,
            placed=hold.placed_at,
            reported=None if incident is None else incident.report_number_at,
            extended=incident is not None and extensions_of(session, incident.id) > 0,
        )
        if until is None:
            continue
        until = max(until, effective_at)
        if hold.until is None or until < hold.until:
            yield _HoldCut(hold, until)


def _seen(hold: Any, sight: Sight) -> bool:  # noqa: ANN401 - a hold, or a grant's row with its
    return (sight.gagged or not hold.gagged) and (sight.staff or not hold.about_staff)


def _latest(ends: Iterable[datetime | None]) -> datetime | None:
    """The latest of several ends; of those that have none there is no later."""
    known = list(ends)
    return _OPEN if not known or _OPEN in known else max(each for each in known if each)


def _published(
    plan: _Plan, document: str, published_at: datetime, effect: Effect, *, dry_run: bool
) -> Publication:
    return Publication(
        version=plan.policy.version,
        published_at=published_at,
        effective_at=plan.effective_at,
        sha256=digest_of(document),
        effect=effect,
        warnings=plan.warnings,
        dry_run=dry_run,
    )
