"""The policy in force and the opening days of a site, as the rules take them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.retention.holidays_of import closed_days
from cctv_vault.retention.policy import Policy, Purpose
from cctv_vault.retention.policy_check import Checked, Known, KnownCamera, check_policy
from cctv_vault.retention.rules import Opening
from cctv_vault.schema import Camera, PolicyRow, Site, VaultRow

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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
class PolicyView:
    """A version of the policy, with the document as published."""

    version: int
    in_force: bool
    purposes: tuple[PurposeView, ...]
    document: str


class Policies:
    """The published policies of one vault."""

    def __init__(self, *, database: Database) -> None:
        """``database`` belongs to the vault."""
        self._database = database

    def in_force(self) -> Policy:
        """The policy in force, read by itself."""
        with self._database.read() as session:
            return self.current(session)

    def show(self, version: int | None = None) -> PolicyView:
        """The policy in force, or another version.

        Raises:
            NotFoundError: That version was never published.
        """
        with self._database.read() as session:
            current = self.current(session)
            document: str | None = self._document(session)
            if version not in {None, current.version}:
                document = session.exec(
                    select(PolicyRow.document).where(col(PolicyRow.version) == version)
                ).one_or_none()
            if document is None:
                raise NotFoundError("policy version", str(version))
        policy = _parsed(document)
        return PolicyView(
            version=policy.version,
            in_force=policy.version == current.version,
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
            document=document,
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

    def current(self, session: Session) -> Policy:
        """The policy in force.

        A vault whose row names a version that was never published runs under the shipped one.
        """
        return _parsed(self._document(session))

    def opening(self, session: Session, camera: str, around: datetime) -> Opening:
        """The opening days of a camera's site around a moment.

        Raises:
            NotFoundError: There is no such camera.
        """
        site = session.exec(
            select(Site)
            .join(Camera, col(Camera.site_code) == col(Site.code))
            .where(col(Camera.code) == camera)
        ).one_or_none()
        if site is None:
            raise NotFoundError("camera", camera)
        country = self.current(session).holidays
        holidays = closed_days(country, around.year) | closed_days(country, around.year + 1)
        return opening_of(site.zone, site.opening, holidays)

    def _document(self, session: Session) -> str:
        published = session.exec(
            select(PolicyRow.document).join(
                VaultRow, col(VaultRow.policy_version) == col(PolicyRow.version)
            )
        ).one_or_none()
        return default_policy_text() if published is None else published


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
    unknown = sorted(opening.keys() - {*_WEEKDAYS, "closed", "opened"})
    if unknown:
        raise InvalidInputError(f"opening hours know mon to sun, closed and opened, not {unknown}")
    given = [day for day in _WEEKDAYS if day in opening]
    return Opening(
        zone=ZoneInfo(zone),
        weekdays=frozenset(_WEEKDAYS.index(day) for day in given if opening[day])
        if given
        else None,
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
