"""The policy in force and the opening days of a site, as the rules take them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cctv_vault.clock import Clock
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.retention.holidays_of import closed_days
from cctv_vault.retention.policy import WEEKDAYS, Keep, Policy, Purpose
from cctv_vault.retention.policy_check import Checked, Known, KnownCamera, check_policy
from cctv_vault.retention.rules import Basis, Opening
from cctv_vault.schema import Camera, PolicyRow, Site


@cache
def default_policy_text() -> str:
    """The policy as shipped: table A, verbatim TOML, published as version 1 of a new vault."""
    return files(__package__).joinpath("default-policy.toml").read_text(encoding="utf-8")


@dataclass(frozen=True)
class PurposeView:
    """A purpose as people read it."""

    code: str
    sv: str
    en: str
    statute: str
    period_in_words: str
    hold: bool
    source: str


@dataclass(frozen=True)
class VersionView:
    """A published version; ``state`` is past, in-force or ahead."""

    version: int
    published_at: datetime
    effective_at: datetime
    sha256: str
    state: str


@dataclass(frozen=True)
class PolicyView:
    """A version of the policy, with the document as published, and all versions there are."""

    version: int
    in_force: bool
    published_at: datetime
    effective_at: datetime
    sha256: str
    purposes: tuple[PurposeView, ...]
    document: str
    versions: tuple[VersionView, ...]


class Policies:
    """The published policies of one vault."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        """Both belong to the vault."""
        self._database = database
        self._clock = clock

    def in_force(self) -> Policy:
        """The policy in force, read by itself."""
        with self._database.read() as session:
            return self.current(session, self._clock.now())

    def show(self, version: int | None = None) -> PolicyView:
        """The policy in force, or another version.

        Raises:
            NotFoundError: That version was never published.
        """
        now = self._clock.now()
        with self._database.read() as session:
            rows = _rows(session)
        current = _current(rows, now).version
        wanted = current if version is None else version
        row = next((each for each in rows if each.version == wanted), None)
        if row is None:
            raise NotFoundError(
                "policy version", str(version), f"there are 1 to {rows[-1].version}"
            )
        policy = _parsed(row.document)
        return PolicyView(
            version=row.version,
            in_force=row.version == current,
            published_at=row.published_at,
            effective_at=row.effective_at,
            sha256=digest_of(row.document),
            purposes=tuple(
                PurposeView(
                    code=each.code,
                    sv=each.sv,
                    en=each.en,
                    statute=each.statute,
                    period_in_words=_in_words(each),
                    hold=each.hold,
                    source=each.source,
                )
                for each in policy.purposes.values()
            ),
            document=row.document,
            versions=tuple(
                VersionView(
                    version=each.version,
                    published_at=each.published_at,
                    effective_at=each.effective_at,
                    sha256=digest_of(each.document),
                    state=(
                        "in-force"
                        if each.version == current
                        else "past"
                        if each.effective_at <= now
                        else "ahead"
                    ),
                )
                for each in rows
            ),
        )

    def check(self, document: str, published_at: datetime) -> Checked:
        """Every fault of a document, also against the sites and cameras of this vault."""
        with self._database.read() as session:
            return self.checked(session, document, published_at)

    def checked(self, session: Session, document: str, published_at: datetime) -> Checked:
        """As `check`, inside an act."""
        cameras = session.exec(select(Camera).order_by(col(Camera.code))).all()
        known = Known(
            sites=frozenset(session.exec(select(Site.code))),
            cameras=[
                KnownCamera(each.code, each.origin, each.recorder_retention_days)
                for each in cameras
            ],
        )
        return check_policy(document, published_at=published_at, known=known)

    def current(self, session: Session, now: datetime) -> Policy:
        """The policy in force: the newest version whose time has come (S17)."""
        return _parsed(_current(_rows(session), now).document)

    def versions(self, session: Session) -> dict[int, Policy]:
        """Every version that was published, in force or not."""
        return {row.version: _parsed(row.document) for row in _rows(session)}

    def keeps_window(self, session: Session, code: str, since: datetime, now: datetime) -> bool:
        """Whether a hold placed at ``since`` keeps only its window once the base purpose ended.

        So it is where any version in force since then says so: a later one never makes it keep
        more than it did (S17).
        """
        rows = _rows(session)
        first = _current(rows, since).version
        policies = [
            _parsed(x.document) for x in rows if first <= x.version and x.effective_at <= now
        ]
        found = (each.purposes.get(code) for each in policies or [_parsed(rows[0].document)])
        return any(each is not None and each.keep is Keep.WINDOW for each in found)

    def newest(self, session: Session, *, lock: bool = False) -> PolicyRow:
        """The version published last, in force or still ahead; with ``lock`` to be followed."""
        query = select(PolicyRow).order_by(col(PolicyRow.version).desc()).limit(1)
        return session.exec(query.with_for_update() if lock else query).one()

    def bases(
        self, session: Session, camera: str, origin: str, around: datetime
    ) -> tuple[Basis, ...]:
        """What each version says of a camera's footage from the start, around a moment.

        Raises:
            NotFoundError: There is no such camera.
        """
        site = _site_of(session, camera)
        return tuple(
            Basis(
                row.version,
                row.effective_at,
                policy.base(origin, camera),
                opening_days(policy, site, around),
            )
            for row in _rows(session)
            for policy in (_parsed(row.document),)
        )


def opening_days(policy: Policy, site: Site, around: datetime) -> Opening:
    """The opening days of a site around a moment: the policy's, else the register's."""
    holidays = closed_days(policy.holidays, around.year) | closed_days(
        policy.holidays, around.year + 1
    )
    return opening_of(site.zone, policy.sites.get(site.code, site.opening), holidays)


def digest_of(document: str) -> str:
    """The SHA-256 of a document as published, in hexadecimal."""
    return hashlib.sha256(document.encode()).hexdigest()


def _rows(session: Session) -> Sequence[PolicyRow]:
    """Every version, the oldest first; a vault has its first from the start."""
    return session.exec(select(PolicyRow).order_by(col(PolicyRow.version))).all()


def _current(rows: Sequence[PolicyRow], now: datetime) -> PolicyRow:
    """The newest version in force; before the first took effect, the first."""
    return next((each for each in reversed(rows) if each.effective_at <= now), rows[0])


def _site_of(session: Session, camera: str) -> Site:
    site = session.exec(
        select(Site)
        .join(Camera, col(Camera.site_code) == col(Site.code))
        .where(col(Camera.code) == camera)
    ).one_or_none()
    if site is None:
        raise NotFoundError("camera", camera)
    return site


def _in_words(purpose: Purpose) -> str:
    if purpose.period is None:
        return "until it is released, with a review"
    words = f"{purpose.period.text} from {purpose.starts.value}"
    if purpose.first_opening is not None:
        words += f", not before {purpose.first_opening:%H:%M} of the first opening day"
    if purpose.ceiling is not None:
        words += f", at most {purpose.ceiling.text}"
    if purpose.after_report is not None:
        words += f"; {purpose.after_report.text} from a police report"
    return words


def opening_of(zone: str, opening: Mapping[str, object], holidays: frozenset[date]) -> Opening:
    """A site's opening as the rules take it.

    ``opening`` maps ``mon`` … ``sun`` to lists of hours, ``closed`` to days the site is closed and
    ``opened`` to days it is open although they are holidays. Without any hours every day counts.

    Raises:
        InvalidInputError: It holds something else.
    """
    unknown = sorted(opening.keys() - {*WEEKDAYS, "closed", "opened"})
    if unknown:
        raise InvalidInputError(f"opening hours know mon to sun, closed and opened, not {unknown}")
    given = [day for day in WEEKDAYS if day in opening]
    return Opening(
        zone=ZoneInfo(zone),
        weekdays=frozenset(WEEKDAYS.index(day) for day in given if opening[day]) if given else None,
        closed=holidays | _days(opening.get("closed", [])),
        opened=_days(opening.get("opened", [])),
    )


def _days(listed: object) -> frozenset[date]:
    try:
        return frozenset(date.fromisoformat(each) for each in listed)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InvalidInputError("closed and opened are lists of days like 2026-06-19") from None


@cache
def _parsed(document: str) -> Policy:
    return Policy.parse(document)
