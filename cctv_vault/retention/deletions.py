"""The register of deletions: what the rules said, beside what was destroyed and when.

Owns the comparison, per purpose and day on which something's time ended, and how it is written: as
CSV for a machine, as PDF/A (``deletions.typ``) for a privacy officer and IMY. Destroyed means that
the root was destroyed under which the purpose's key had been wrapped: from then on no copy of the
vault opens it. Footage that a secret hold keeps is told like the rest; gagged holds are told to
nobody, and those of suspicions against staff to the privacy officer.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlmodel import Session, col

from cctv_vault import __version__
from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import grant_seen_by, hidden_from
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.policy import Policy, Purpose
from cctv_vault.schema import CustodyEntry, CustodyLink, Grant, Hold, VaultRow, table
from cctv_vault.typesetting import typeset
from cctv_vault.views import iso

ALLOWED: Final = timedelta(hours=1)
"""How long something may lie after its end: a quarter-hour, a sweep, and time for it to run."""

_TEMPLATE: Final = Path(__file__).with_name("deletions.typ")
_DEFAULT: Final = timedelta(days=31)
_BATCH: Final = 500


@dataclass(frozen=True)
class Ended:
    """One recording's time under one purpose: when it ended, when it was destroyed, if it was.

    ``policy_version`` is the version of the policy that ruled it: the one it was granted under, or
    the later one that shortened it.
    """

    purpose: str
    policy_version: int
    ended_at: datetime
    by_decision: bool
    destroyed_at: datetime | None


@dataclass(frozen=True)
class DeletionRow:
    """A purpose, as a version of the policy ruled it, and a day on which its time ended for some.

    ``ended`` counts them, ``by_decision`` those of them whose time was cut short; ``destroyed`` is
    in time but for ``late`` of them; ``waiting`` are not destroyed yet, ``overdue`` though they
    should be. ``worst`` is the longest from an end to the destruction, or till now.
    """

    day: date
    purpose: str
    policy_version: int
    ended: int
    by_decision: int
    destroyed: int
    late: int
    waiting: int
    overdue: int
    first_destroyed_at: datetime | None
    last_destroyed_at: datetime | None
    worst: timedelta


@dataclass(frozen=True)
class RuleView:
    """What a version of the policy says of a purpose."""

    purpose: str
    sv: str
    en: str
    statute: str
    period: str
    policy_version: int


@dataclass(frozen=True)
class DeletionReport:
    """The comparison over the days from ``start`` until (exclusive) ``end``, in a zone's days."""

    controller: str
    origin: str
    zone: str
    made_at: datetime
    start: datetime
    end: datetime
    allowed: timedelta
    rules: tuple[RuleView, ...]
    rows: tuple[DeletionRow, ...]

    @property
    def ended(self) -> int:
        """How often somebody's time ended."""
        return sum(each.ended for each in self.rows)

    @property
    def late(self) -> int:
        """How often it was destroyed later than allowed."""
        return sum(each.late for each in self.rows)

    @property
    def overdue(self) -> int:
        """How often it should be destroyed and is not."""
        return sum(each.overdue for each in self.rows)


def compare(ended: Iterable[Ended], now: datetime, zone: str) -> tuple[DeletionRow, ...]:
    """Compare ends with destructions, per day (on the clocks of ``zone``) and rule. Pure."""
    groups: dict[tuple[date, str, int], list[Ended]] = defaultdict(list)
    for each in ended:
        day = each.ended_at.astimezone(ZoneInfo(zone)).date()
        groups[day, each.purpose, each.policy_version].append(each)
    return tuple(_row(*rule, groups[rule], now) for rule in sorted(groups))


def _row(
    day: date, purpose: str, policy_version: int, group: Sequence[Ended], now: datetime
) -> DeletionRow:
    done = [each.destroyed_at for each in group if each.destroyed_at is not None]
    lateness = [(each.destroyed_at or now) - each.ended_at for each in group]
    undone = [each.ended_at for each in group if each.destroyed_at is None]
    return DeletionRow(
        day=day,
        purpose=purpose,
        policy_version=policy_version,
        ended=len(group),
        by_decision=sum(each.by_decision for each in group),
        destroyed=len(done),
        late=sum(
            each.destroyed_at is not None and each.destroyed_at - each.ended_at > ALLOWED
            for each in group
        ),
        waiting=len(undone),
        overdue=sum(now - each > ALLOWED for each in undone),
        first_destroyed_at=min(done, default=None),
        last_destroyed_at=max(done, default=None),
        worst=max(lateness),
    )


class Deletions:
    """The register of deletions of one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        policies: Policies,
        documents: DocumentSigner,
        zone: str,
    ) -> None:
        """All belong to the vault; ``documents`` signs the register."""
        self._database = database
        self._ledger = ledger
        self._policies = policies
        self._documents = documents
        self._zone = zone

    def report(
        self, actor: Actor, start: datetime | None = None, end: datetime | None = None
    ) -> DeletionReport:
        """Compare; by default the last 31 days with today.

        Raises:
            InvalidInputError: The period is empty.
        """
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.REGISTER_EXPORTED, actor):
                actor.require(Right.REGISTER_READ)
        now = self._ledger.clock.now()
        end = now if end is None else end
        start = _midnight(end - _DEFAULT, self._zone) if start is None else start
        if start >= end:
            raise InvalidInputError("the period of a register ends after it begins")
        sight = Sight(staff=actor.sight.staff)  # what is gagged stands in no register
        hidden = hidden_from(self._database, sight)
        with self._database.read() as session:
            vault = session.get_one(VaultRow, 1)
            found = _ended(session, (start, end, now), sight, hidden)
            rows = compare(found, now, self._zone)
            versions = self._policies.versions(session)
        return DeletionReport(
            controller=vault.controller,
            origin=vault.origin,
            zone=self._zone,
            made_at=now,
            start=start,
            end=end,
            allowed=ALLOWED,
            rules=tuple(
                _rule(versions, *each)
                for each in sorted({(x.purpose, x.policy_version) for x in rows})
            ),
            rows=rows,
        )

    def export(
        self,
        actor: Actor,
        form: str,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> bytes:
        """The register as a file, entered as one that leaves.

        Raises:
            InvalidInputError: ``form`` is neither ``pdf`` nor ``csv``, or the period is empty.
        """
        if form not in {"pdf", "csv"}:
            raise InvalidInputError(f"a register is written as pdf or csv, not {form!r}")
        report = self.report(actor, start, end)
        if form == "pdf":
            whole = self._documents.sign(as_pdf(report), at=report.made_at)
        else:
            whole = as_csv(report).encode()
        facts = {
            "register": "deletions",
            "form": form,
            "from": iso(report.start),
            "to": iso(report.end),
        }
        self._ledger.record(Event.REGISTER_EXPORTED, actor, facts=facts)
        return whole


def as_csv(report: DeletionReport) -> str:
    """A line for each purpose and day; times in UTC, lengths in seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        (
            *("day", "purpose", "statute", "rule", "policy_version", "ended", "by_decision"),
            *("destroyed", "first_destroyed_at", "last_destroyed_at", "late", "waiting"),
            *("overdue", "longest_s", "allowed_s"),
        )
    )
    rules = {(each.purpose, each.policy_version): each for each in report.rules}
    for row in report.rows:
        rule = rules[row.purpose, row.policy_version]
        writer.writerow(
            (
                row.day.isoformat(),
                *(row.purpose, rule.statute, rule.period, rule.policy_version),
                *(row.ended, row.by_decision, row.destroyed),
                *(
                    "" if each is None else iso(each)
                    for each in (row.first_destroyed_at, row.last_destroyed_at)
                ),
                *(row.late, row.waiting, row.overdue),
                *(int(each.total_seconds()) for each in (row.worst, report.allowed)),
            )
        )
    return out.getvalue()


def as_pdf(report: DeletionReport) -> bytes:
    """The register as PDF/A-2b; the facts go in as JSON and never become source text."""

    def local(moment: datetime | None) -> str:
        return f"{moment.astimezone(ZoneInfo(report.zone)):%Y-%m-%d %H:%M}" if moment else "–"

    data = {
        "version": __version__,
        "controller": report.controller,
        "origin": report.origin,
        "zone": report.zone,
        "made": local(report.made_at),
        "from": local(report.start),
        "to": local(report.end),
        "allowed": _length(report.allowed),
        "ended": report.ended,
        "destroyed": sum(each.destroyed for each in report.rows),
        "late": report.late,
        "waiting": sum(each.waiting for each in report.rows),
        "overdue": report.overdue,
        "rules": [
            {
                "purpose": each.purpose,
                "sv": each.sv,
                "en": each.en,
                "statute": each.statute,
                "period": each.period,
                "version": each.policy_version,
            }
            for each in report.rules
        ],
        "rows": [
            {
                "day": each.day.isoformat(),
                "purpose": each.purpose,
                "version": each.policy_version,
                "ended": each.ended,
                "by_decision": each.by_decision,
                "destroyed": each.destroyed,
                "first": local(each.first_destroyed_at),
                "last": local(each.last_destroyed_at),
                "late": each.late,
                "waiting": each.waiting,
                "overdue": each.overdue,
                "worst": _length(each.worst),
            }
            for each in report.rows
        ],
    }
    return typeset(_TEMPLATE, data, at=report.made_at)


def _length(span: timedelta) -> str:
    minutes = max(0, round(span.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


# --- gathering --------------------------------------------------------------------------------


def _ended(
    session: Session,
    times: tuple[datetime, datetime, datetime],
    sight: Sight,
    hidden: frozenset[str],
) -> Iterator[Ended]:
    """What ended from a start until an end, and by now, but for what secret holds kept."""
    start, end, now = times
    destroyed = _destroyed(session, start, hidden)
    over = func.coalesce(col(Grant.ended_at), col(Grant.until))
    rows = session.execute(
        select(table(Grant))
        .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
        .where(
            grant_seen_by(sight),
            over >= start,
            over < end,
            over <= now,
        )
        .order_by(col(Grant.id))
    )
    for some in rows.partitions(_BATCH):
        links = _links(session, {str(each.recording_id) for each in some})
        for each in some:
            ended_at = each.ended_at or each.until
            yield Ended(
                each.purpose,
                each.policy_version,
                ended_at,
                each.until is None or ended_at < each.until,
                destroyed.at(each, ended_at, links.get(each.recording_id, ())),
            )


@dataclass(frozen=True)
class _Destroyed:
    """When the root of keys went: by the key, and by the entry of its destruction and purpose."""

    by_key: dict[str, datetime]
    by_leaf: dict[int, tuple[str, datetime]]

    def at(self, grant: Any, ended_at: datetime, leaves: Sequence[int]) -> datetime | None:  # noqa: ANN401
        """When the key of a grant was destroyed: its own, or the first of its purpose since."""
        if grant.purpose_key_id is not None:
            return self.by_key.get(grant.purpose_key_id)
        entered = [self.by_leaf[leaf] for leaf in leaves if leaf in self.by_leaf]
        times = [at for purpose, at in entered if purpose == grant.purpose and at >= ended_at]
        return min(times, default=None)


def _destroyed(session: Session, start: datetime, hidden: frozenset[str]) -> _Destroyed:
    keys = (Event.KEY_DESTROYED.value, Event.KEY_REPLACED.value)
    rows = session.execute(
        select(col(CustodyEntry.leaf_index), col(CustodyEntry.body))
        .where(
            col(CustodyEntry.event).in_((*keys, Event.ROOT_DESTROYED.value)),
            col(CustodyEntry.at) >= start,
        )
        .order_by(col(CustodyEntry.leaf_index))
    )
    entries = [(int(each.leaf_index), Entry.from_bytes(each.body)) for each in rows]
    roots = {x.facts["sweep"]: x.at for _leaf, x in entries if x.event == Event.ROOT_DESTROYED}
    found = _Destroyed({}, {})
    for leaf, entry in entries:
        at = roots.get(entry.facts["sweep"])
        if entry.event in keys and at is not None and entry.facts["sweep"] not in hidden:
            found.by_key[str(entry.subject)] = at
            found.by_leaf[leaf] = str(entry.facts["purpose"]), at
    return found


def _links(session: Session, recordings: set[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for subject, leaf in session.execute(
        select(col(CustodyLink.subject), col(CustodyLink.leaf_index)).where(
            col(CustodyLink.subject).in_(recordings)
        )
    ):
        found[str(subject)].append(int(leaf))
    return found


def _rule(versions: Mapping[int, Policy], code: str, version: int) -> RuleView:
    """What the version said that ruled it, not what a later one says (S17)."""
    purpose: Purpose | None = versions[version].purposes.get(code)
    if purpose is None:
        return RuleView(code, code, code, "–", "–", version)
    return RuleView(code, purpose.sv, purpose.en, purpose.statute, _period(purpose), version)


def _period(purpose: Purpose) -> str:
    if purpose.period is None:
        return "beslut"
    words = purpose.period.text
    if purpose.first_opening is not None:
        words += f", dock tidigast {purpose.first_opening:%H:%M} första öppetdag"
    if purpose.ceiling is not None:
        words += f", högst {purpose.ceiling.text}"
    return words


def _midnight(moment: datetime, zone: str) -> datetime:
    local = moment.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), time(), ZoneInfo(zone)).astimezone(UTC)
