"""The register of sites and cameras: what exists, where its files arrive, and how its clock runs.

Owns the rules on codes, zones and drop folders. Refuses a drop folder inside the vault, around it,
or shared by two cameras, because the folder a file lies in is what says whose footage it is. A
camera's origin (surveillance or production, S1) is fixed when it is added.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlmodel import Session, col, select

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.ingest.conventions import NAMES, OWN
from cctv_vault.ingest.evidence import NameEvidence, read_names
from cctv_vault.ingest.mounts import made, warnings
from cctv_vault.ingest.patterns import is_pattern, translate
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.schema import Camera, ClockMeasurement, CustodyEntry, Site
from cctv_vault.views import iso

DEFAULT_SITE: Final = "butik"
FREEZE_BUDGET_BYTES: Final = 100 * 10**9
"""What unconfirmed requests may keep at once at a site that says nothing else."""
ORIGINS: Final = ("surveillance", "production")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
SOUNDS: Final = (
    "its files carry sound, which the register says is not lawful: turn the microphone off in the "
    "camera; originals stay as they came, what is played from them is silent"
)
"""The warning on a camera that records what it may not."""
_MOST_NAMES: Final = 100
_MAX_OFFSET_S: Final = 50 * 365 * 86400.0  # a recorder that fell back to 1980


@dataclass(frozen=True)
class SiteView:
    """A site (butik) as the register shows it."""

    code: str
    name: str
    zone: str
    opening: dict[str, Any]
    freeze_budget_bytes: int
    created_at: datetime


@dataclass(frozen=True)
class CameraView:
    """A camera as the register shows it; ``warnings`` are sentences to be said aloud.

    ``clock_offset_s`` is shown time minus true time in seconds; ``clock_uncertainty_s`` is None
    while the clock was never measured.
    """

    code: str
    site: str
    name: str
    place: str
    zone: str
    convention: str
    drop_folder: str
    purpose: str
    view: str
    sound: str
    origin: str
    recorder_retention_days: int | None
    clock_offset_s: float
    clock_uncertainty_s: float | None
    clock_measured_at: datetime | None
    created_at: datetime
    last_arrival_at: datetime | None
    warnings: tuple[str, ...]


class Register:
    """Adds and tells of sites and cameras."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        home: Path,
        key_folder: Path,
        zone: str,
        on_clock_measured: Callable[[Act, str], object] | None = None,
    ) -> None:
        """``zone`` is the vault's, for sites that name none.

        ``on_clock_measured`` is called inside the act of a measurement, under the camera's lock,
        so that holds can grow with what is now known of the clock.
        """
        self._database = database
        self._ledger = ledger
        self._vault_folders = (_real(home), _real(key_folder))
        self._zone = zone
        self._on_clock_measured = on_clock_measured

    def add_site(
        self,
        actor: Actor,
        code: str,
        *,
        name: str = "",
        zone: str | None = None,
        opening: Mapping[str, Any] | None = None,
        freeze_budget_bytes: int = FREEZE_BUDGET_BYTES,
    ) -> SiteView:
        """Add a shop.

        ``opening`` maps ``mon`` … ``sun`` to lists of ``["10:00", "18:00"]`` and ``closed`` to
        dates; without it the shop counts as open every day that is no holiday.

        Raises:
            AlreadyExistsError: There is a site of this code.
            InvalidInputError: The code, the zone or the opening hours mean nothing.
        """
        with self._ledger.act(Event.SITE_ADDED, actor, subject=_subject(code)) as act:
            _require_setup(actor)
            site = _site(
                act,
                code=code,
                name=name,
                zone=zone or self._zone,
                opening=opening,
                freeze_budget_bytes=freeze_budget_bytes,
            )
            return _site_view(site)

    def sites(self, actor: Actor) -> tuple[SiteView, ...]:
        """All sites, by code."""
        self._may_read(actor)
        with self._database.read() as session:
            found = session.exec(select(Site).order_by(Site.code)).all()
            return tuple(_site_view(site) for site in found)

    def add_camera(
        self,
        actor: Actor,
        code: str,
        *,
        drop: Path | str,
        site: str | None = None,
        name: str = "",
        place: str = "",
        zone: str | None = None,
        convention: str = "auto",
        purpose: str = "",
        view: str = "",
        sound: str = "",
        origin: str = "surveillance",
        recorder_retention_days: int | None = None,
    ) -> CameraView:
        """Add a camera and make its drop folder where there is none.

        Without ``site`` it joins the only one there is; where there is none, ``butik`` is made.

        Raises:
            AlreadyExistsError: There is a camera of this code, or one whose drop folder is, holds
                or lies in this one.
            InvalidInputError: The code, zone, origin, sound, convention or folder cannot be used.
            NotFoundError: There is no such site.
        """
        with self._ledger.act(Event.CAMERA_ADDED, actor, subject=_subject(code)) as act:
            _require_setup(actor)
            _check_code("camera", code)
            if act.session.get(Camera, code) is not None:
                raise AlreadyExistsError(f"there is a camera {code!r} already")
            _check_choice("origin", origin, ORIGINS)
            _check_choice("sound", sound, ("yes", "no", ""))
            _check_convention(convention)
            if recorder_retention_days is not None and recorder_retention_days < 0:
                raise InvalidInputError("a recorder keeps its copy for 0 days or more")
            home_site = self._site_for(act, site)
            camera = Camera(
                code=code,
                site_code=home_site.code,
                name=name or code,
                place=place,
                zone=checked_zone(zone or home_site.zone),
                convention=convention,
                drop_folder=str(self._drop_folder(act.session, Path(drop))),
                purpose_text=purpose,
                view=view,
                sound=sound,
                origin=origin,
                recorder_retention_days=recorder_retention_days,
                created_at=act.now,
            )
            act.session.add(camera)
            act.session.flush()
            act.record(
                Event.CAMERA_ADDED,
                code,
                facts={
                    "site": camera.site_code,
                    "zone": camera.zone,
                    "convention": _told(camera.convention),
                    "origin": camera.origin,
                    "sound": camera.sound,
                    "recorder_retention_days": recorder_retention_days,
                },
                details={
                    "name": camera.name,
                    "place": place,
                    "purpose": purpose,
                    "view": view,
                    "drop": camera.drop_folder,
                    "convention": camera.convention,
                },
                also=(camera.site_code,),
            )
            return _camera_view(camera)

    def describe(
        self,
        actor: Actor,
        code: str,
        *,
        name: str | None = None,
        place: str | None = None,
        purpose: str | None = None,
        view: str | None = None,
        sound: str | None = None,
        recorder_retention_days: int | None = None,
    ) -> CameraView:
        """Change what the register says of a camera; what is not given stays (S2, S3, S14).

        What it said before stands in the log. The origin, the folder and the site are fixed.

        Raises:
            NotFoundError: There is no such camera.
            InvalidInputError: An answer means nothing, or none is given.
        """
        event = Event.CAMERA_CHANGED
        with self._ledger.act(event, actor, cameras=(code,), subject=_subject(code)) as act:
            _require_setup(actor)
            camera = find_camera(act.session, code)
            if sound is not None:
                _check_choice("sound", sound, ("yes", "no", ""))
            if recorder_retention_days is not None and recorder_retention_days < 0:
                raise InvalidInputError("a recorder keeps its copy for 0 days or more")
            given: dict[str, str | int | None] = {
                "name": name,
                "place": place,
                "purpose_text": purpose,
                "view": view,
                "sound": sound,
                "recorder_retention_days": recorder_retention_days,
            }
            changed = {
                each: value
                for each, value in given.items()
                if value is not None and value != getattr(camera, each)
            }
            if not any(value is not None for value in given.values()):
                raise InvalidInputError("say what to change")
            before = {each: getattr(camera, each) for each in changed}
            for each, value in changed.items():
                setattr(camera, each, value)
            act.session.add(camera)
            act.session.flush()
            if changed:
                act.record(
                    event,
                    code,
                    facts={"changed": sorted(changed), "sound": camera.sound},
                    details={"before": before, "now": changed},
                )
            return _camera_view(camera)

    def cameras(self, actor: Actor) -> tuple[CameraView, ...]:
        """All cameras, by code."""
        self._may_read(actor)
        return self.all_cameras()

    def all_cameras(self) -> tuple[CameraView, ...]:
        """All cameras, by code, for the product itself."""
        with self._database.read() as session:
            found = session.exec(select(Camera).order_by(Camera.code)).all()
            sounding = _sounding(session)
        return tuple(_camera_view(camera, sounding) for camera in found)

    def camera(self, actor: Actor, code: str) -> CameraView:
        """One camera.

        Raises:
            NotFoundError: There is no such camera; the message names those there are.
        """
        self._may_read(actor)
        with (
            entered_if_refused(self._ledger, Event.CAMERA_ADDED, actor),
            self._database.read() as session,
        ):
            return _camera_view(find_camera(session, code), _sounding(session))

    def set_convention(self, actor: Actor, code: str, convention: str) -> CameraView:
        """Say how a camera names its files: ``auto``, a known convention, or a pattern of its own.

        What arrives from now on is read by it; what is indexed keeps its time.

        Raises:
            NotFoundError: There is no such camera.
            InvalidInputError: There is no such convention, or the pattern cannot be used.
        """
        event = Event.CAMERA_NAMING_CHANGED
        with self._ledger.act(event, actor, cameras=(code,), subject=_subject(code)) as act:
            _require_setup(actor)
            camera = find_camera(act.session, code)
            _check_convention(convention)
            camera.convention = convention
            act.session.add(camera)
            # A pattern may hold whatever people call their camera, so it stands in the details.
            act.record(
                event,
                code,
                facts={"convention": _told(convention)},
                details={"convention": convention},
            )
            return _camera_view(camera)

    def read_names(
        self, actor: Actor, code: str, names: Sequence[str], convention: str | None = None
    ) -> tuple[NameEvidence, ...]:
        """What names would tell, read by the camera's convention or another; changes nothing.

        Raises:
            NotFoundError: There is no such camera.
            InvalidInputError: There is no such convention, the pattern cannot be used, or there
                are too many names.
        """
        camera = self.camera(actor, code)
        wanted = camera.convention if convention is None else convention
        _check_convention(wanted)
        if len(names) > _MOST_NAMES:
            raise InvalidInputError(f"at most {_MOST_NAMES} names are tried at once")
        return tuple(
            read_names(
                names,
                convention=wanted,
                zone=camera.zone,
                offset_s=camera.clock_offset_s,
                uncertainty_s=camera.clock_uncertainty_s,
                now=self._ledger.clock.now(),
            )
        )

    def measure_clock(
        self,
        actor: Actor,
        code: str,
        offset_s: float,
        uncertainty_s: float,
        measured_at: datetime,
    ) -> CameraView:
        """Record how a camera's clock compares with reference time.

        ``offset_s`` is shown time minus true time: a clock that is ten seconds fast has +10. What
        arrives from now on is corrected by it; what is indexed keeps its time, and holds may grow
        but never shrink by what is now known.

        Raises:
            NotFoundError: There is no such camera.
            InvalidInputError: A figure is not finite, the uncertainty is negative, or the
                measurement lies in the future.
        """
        event = Event.CAMERA_CLOCK_MEASURED
        with self._ledger.act(event, actor, cameras=(code,), subject=_subject(code)) as act:
            _require_measure(actor)
            camera = find_camera(act.session, code)
            # The comparisons are false for what is not a number, too.
            if not -_MAX_OFFSET_S <= offset_s <= _MAX_OFFSET_S:
                raise InvalidInputError("the offset is shown time minus true time in seconds")
            if not 0 <= uncertainty_s <= _MAX_OFFSET_S:
                raise InvalidInputError("the uncertainty is a number of seconds, 0 or more")
            if measured_at > act.now:
                raise InvalidInputError("the measurement cannot lie in the future")
            camera.clock_offset_s = offset_s
            camera.clock_uncertainty_s = uncertainty_s
            camera.clock_measured_at = measured_at
            act.session.add(camera)
            act.session.add(
                ClockMeasurement(
                    camera_code=code,
                    offset_s=offset_s,
                    uncertainty_s=uncertainty_s,
                    measured_at=measured_at,
                    recorded_at=act.now,
                    recorded_by=actor.id,
                )
            )
            act.session.flush()
            act.record(
                event,
                code,
                facts={
                    "offset_ms": round(offset_s * 1000),
                    "uncertainty_ms": round(uncertainty_s * 1000),
                    "measured_at": iso(measured_at),
                },
            )
            if self._on_clock_measured is not None:
                self._on_clock_measured(act, code)
            return _camera_view(camera)

    def _may_read(self, actor: Actor) -> None:
        """The register is set-up, not footage: any person with an account in use may read it."""
        if actor.is_person and not actor.roles:
            with entered_if_refused(self._ledger, Event.CAMERA_ADDED, actor):
                actor.require(Right.FOOTAGE_LIST)

    def _site_for(self, act: Act, code: str | None) -> Site:
        if code is not None:
            site = act.session.get(Site, code)
            if site is None:
                known = ", ".join(act.session.exec(select(Site.code).order_by(Site.code)))
                raise NotFoundError("site", code, f"the sites are {known or 'none yet'}")
            return site
        sites = act.session.exec(select(Site).order_by(Site.code)).all()
        if len(sites) > 1:
            known = ", ".join(site.code for site in sites)
            raise InvalidInputError(f"say which site the camera belongs to: {known}")
        if sites:
            return sites[0]
        return _site(act, code=DEFAULT_SITE, name="Butik", zone=self._zone, opening=None)

    def _drop_folder(self, session: Session, drop: Path) -> Path:
        """The folder by its real path, existing; apart from the vault's and other cameras'."""
        if not drop.is_absolute():
            raise InvalidInputError(f"the drop folder {str(drop)!r} must be an absolute path")
        folder = _real(drop)
        if not str(
            folder
        ).isprintable():  # a lone surrogate (a byte that is no UTF-8) is not, either
            raise InvalidInputError("the drop folder's path must be printable UTF-8")
        for ours in self._vault_folders:
            if _nested(folder, ours):
                raise InvalidInputError(
                    f"the drop folder {str(folder)!r} and the vault's own {str(ours)!r} must not "
                    "lie in one another"
                )
        for other in session.exec(select(Camera)):
            if _nested(folder, Path(other.drop_folder)):
                raise AlreadyExistsError(
                    f"the drop folder {str(folder)!r} is, holds or lies in that of the camera "
                    f"{other.code!r}; each camera needs a folder of its own"
                )
        try:
            if folder.exists() and not folder.is_dir():
                raise InvalidInputError(f"{str(folder)!r} is not a folder")
            made(folder)
        except OSError as error:
            raise InvalidInputError(
                f"the drop folder {str(folder)!r} cannot be used: {os.strerror(error.errno or 0)}"
            ) from None
        return folder


def find_camera(session: Session, code: str) -> Camera:
    """The camera's row.

    Raises:
        NotFoundError: There is no such camera; the message names those there are.
    """
    camera = session.get(Camera, code)
    if camera is None:
        raise NotFoundError("camera", code, known_cameras(session))
    return camera


def known_cameras(session: Session) -> str:
    """The half-sentence that names the cameras there are."""
    known = ", ".join(session.exec(select(Camera.code).order_by(col(Camera.code))))
    return f"the cameras are {known}" if known else "no camera has been added yet"


def checked_zone(zone: str) -> str:
    """``zone`` if it is an IANA zone.

    Raises:
        InvalidInputError: It is not.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            f"{zone!r} is no IANA time zone; write one like Europe/Stockholm"
        ) from None
    return zone


def _site(
    act: Act,
    *,
    code: str,
    name: str,
    zone: str,
    opening: Mapping[str, Any] | None,
    freeze_budget_bytes: int = FREEZE_BUDGET_BYTES,
) -> Site:
    _check_code("site", code)
    if act.session.get(Site, code) is not None:
        raise AlreadyExistsError(f"there is a site {code!r} already")
    if freeze_budget_bytes < 0:
        raise InvalidInputError("the freeze budget is a number of bytes, 0 or more")
    site = Site(
        code=code,
        name=name or code,
        zone=checked_zone(zone),
        opening=_checked_opening(opening or {}),
        freeze_budget_bytes=freeze_budget_bytes,
        created_at=act.now,
    )
    act.session.add(site)
    act.session.flush()
    act.record(
        Event.SITE_ADDED,
        code,
        facts={"zone": site.zone, "freeze_budget_bytes": site.freeze_budget_bytes},
        details={"name": site.name, "opening": site.opening},
    )
    return site


def _checked_opening(opening: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {day: _checked_day(day, value) for day, value in opening.items()}
    except (TypeError, ValueError):
        raise InvalidInputError(
            'opening hours read like {"mon": [["10:00", "18:00"]], "closed": ["2026-06-19"]}'
        ) from None


def _checked_day(day: str, value: Any) -> list[Any]:  # noqa: ANN401 - a stranger's JSON
    if day == "closed":
        return [date.fromisoformat(each).isoformat() for each in value]
    if day not in WEEKDAYS:
        raise ValueError(day)
    hours = [[_hour(opens), _hour(closes)] for opens, closes in value]
    if any(opens >= closes for opens, closes in hours):
        raise ValueError(day)
    return hours


def _hour(text: str) -> str:
    return "24:00" if text == "24:00" else time.fromisoformat(text).strftime("%H:%M")


def _require_setup(actor: Actor) -> None:
    """The operating-system user may set up; a person needs the right."""
    if actor.is_person:
        actor.require(Right.SETUP)


def _require_measure(actor: Actor) -> None:
    if actor.is_person:
        actor.require(Right.CLOCK_MEASURE)


def _check_code(what: str, code: str) -> None:
    if not _CODE.fullmatch(code):
        raise InvalidInputError(
            f"the {what} code {code!r} must be 1 to 31 of a-z, 0-9, '-' and '_', and begin with a "
            "letter or digit; the name may be anything"
        )


def _check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidInputError(
            f"{what} is {' or '.join(each for each in choices if each)}, not {value!r}"
        )


def _check_convention(convention: str) -> None:
    if is_pattern(convention):
        translate(convention)
    else:
        _check_choice("convention", convention, ("auto", *sorted(NAMES)))


def _told(convention: str) -> str:
    """A convention as the log may name it forever."""
    return OWN if is_pattern(convention) else convention


def _subject(code: str) -> str | None:
    """What a refusal is entered under: only what could be a code, whatever was typed."""
    return code if _CODE.fullmatch(code) else None


def _nested(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _site_view(site: Site) -> SiteView:
    return SiteView(
        code=site.code,
        name=site.name,
        zone=site.zone,
        opening=dict(site.opening),
        freeze_budget_bytes=site.freeze_budget_bytes,
        created_at=site.created_at,
    )


def _sounding(session: Session) -> frozenset[str]:
    """The cameras whose files carried sound although the register said that it is not lawful."""
    found = session.exec(
        select(CustodyEntry.subject).where(col(CustodyEntry.event) == Event.CAMERA_SOUND_FOUND)
    )
    return frozenset(code for code in found if code is not None)


def _camera_view(camera: Camera, sounding: Collection[str] = ()) -> CameraView:
    return CameraView(
        code=camera.code,
        site=camera.site_code,
        name=camera.name,
        place=camera.place,
        zone=camera.zone,
        convention=camera.convention,
        drop_folder=camera.drop_folder,
        purpose=camera.purpose_text,
        view=camera.view,
        sound=camera.sound,
        origin=camera.origin,
        recorder_retention_days=camera.recorder_retention_days,
        clock_offset_s=camera.clock_offset_s,
        clock_uncertainty_s=camera.clock_uncertainty_s,
        clock_measured_at=camera.clock_measured_at,
        created_at=camera.created_at,
        last_arrival_at=camera.last_arrival_at,
        warnings=(
            *((SOUNDS,) if camera.sound == "no" and camera.code in sounding else ()),
            *warnings(Path(camera.drop_folder)),
        ),
    )
