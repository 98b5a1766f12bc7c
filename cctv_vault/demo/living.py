"""The living shop: a vault in real time, whose four drawn cameras keep recording while one looks.

Owns what ``./run`` opens: the accounts, two days of history, a few cases in different states, and
the thread that goes on recording. Everything goes the ways of a real shop: files in drop folders,
the watcher, the services. It refuses to leave anything behind: home, keys and drop folders are gone
when it ends.
"""

import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from cctv_vault.clock import monotonic
from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.demo.shop import (
    CAMERAS,
    CONTROLLER,
    OPENING,
    ZONE,
    demo_settings,
    furnish,
    police_request,
    temporary_folder,
)
from cctv_vault.errors import ConfigError, VaultError
from cctv_vault.people.actors import PORTAL_ACTOR, Actor, Role, system_actor
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from cctv_vault.views import iso
from web.server import Serving

_HOST: Final = "127.0.0.1"
_HERE: Final = ZoneInfo(ZONE)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PAST_DAYS: Final = 2
_EVERY: Final = timedelta(minutes=30)
_CLIP_S: Final = 40.0
_CLIP_FPS: Final = 2  # the past is drawn in less than a minute
_ASKED: Final = timedelta(minutes=1)
_LIVE_S: Final = 24.0
_BACKLOG: Final = (
    3  # files a camera may have waiting before it pauses: a full vault fills no memory
)
_PORTS: Final = 50
_LAST_PORT: Final = 65_535


@dataclass(frozen=True)
class _Person:
    """An account of the shop, and what it is for."""

    name: str
    role: Role
    does: str
    cleared: bool = False
    on_the_spot: bool = False


_PEOPLE: Final = (
    _Person("maja", Role.MANAGER, "runs the shop (butikschef): views, flags, handles requests"),
    _Person("sara", Role.STAFF, "at the till (personal): flags and freezes", on_the_spot=True),
    _Person("anders", Role.APPROVER, "decides (beslutar) what maja has handled"),
    _Person("petra", Role.PRIVACY_OFFICER, "privacy officer (dataskyddsansvarig)", cleared=True),
    _Person("disa", Role.DPO, "data protection officer (dataskyddsombud): reads, advises"),
    _Person("rut", Role.AUDITOR, "auditor (revisor): log and registers, no footage"),
    # Last: from then on accounts are this person's to make.
    _Person("adam", Role.ADMINISTRATOR, "administrator: sets up, no footage"),
)


def open_shop(port: int, say: Callable[[str], None]) -> int:
    """Open the shop and serve its pages until it is told to stop; returns the exit status.

    ``port`` is where the staff pages are wished, the portal on the next; where one of the two is
    taken, both give way to the next pair that is free. Call it in the main thread.
    """
    for each in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal must leave nothing behind
        signal.signal(each, _leave)
    with temporary_folder() as folder:
        vault = Vault.create(
            demo_settings(folder, settle_s=1.0), "", controller=CONTROLLER, zone=ZONE
        )
        try:
            _run(vault, folder, port, say)
        finally:
            vault.close()
    say("The shop is closed; its vault, keys and footage are gone.")
    return 0


def _run(vault: Vault, folder: Path, port: int, say: Callable[[str], None]) -> None:
    word = f"demo-{secrets.token_hex(4)}"
    for person in _PEOPLE:
        vault.people.add(
            system_actor(),
            person.name,
            [person.role],
            credential=word,
            cleared=person.cleared,
            on_the_spot=person.on_the_spot,
        )
    shop = _Shop(vault, furnish(vault, system_actor(), folder / "drop"), word, say)
    serving = _listen(vault, port)
    for line in _welcome(serving, vault.settings.home, word):
        say(line)
    living = threading.Thread(target=shop.live, name="cameras")
    living.start()
    try:
        serving.run()
    finally:
        shop.closing.set()
        living.join()


def _listen(vault: Vault, wished: int) -> Serving:
    """The pages on the wished port, or on the next pair of ports that is free."""
    for port in range(wished, min(wished + _PORTS, _LAST_PORT)):
        with suppress(ConfigError):
            return Serving(vault, _HOST, port, portal=(_HOST, port + 1))
    return Serving(vault, _HOST, 0, portal=(_HOST, 0))


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _welcome(serving: Serving, home: Path, word: str) -> Iterator[str]:
    yield ""
    yield f"  Staff pages   http://{_HOST}:{serving.port}/"
    yield f"  Portal        http://{_HOST}:{serving.portal_port}/begaran"
    yield f"  Home          {home}   (./run --home {home} footage list)"
    yield ""
    yield f"  Accounts, each with the credential {word}"
    for person in _PEOPLE:
        yield f"    {person.name:<8} {person.does}"
    yield ""
    yield "  Ctrl-C closes the shop and removes everything."
    yield ""


class _Shop:
    """What happens in the shop while its pages are open."""

    def __init__(
        self, vault: Vault, drops: dict[str, Path], word: str, say: Callable[[str], None]
    ) -> None:
        """``drops`` are the cameras' drop folders; ``word`` opens every account."""
        self.closing = threading.Event()
        self._vault = vault
        self._drops = drops
        self._word = word
        self._say = say
        self._cameras = {
            each.code: SyntheticCamera(each.code, each.scene, each.name.upper()) for each in CAMERAS
        }
        self._opened = vault.clock.now().astimezone(_HERE)

    def live(self) -> None:
        """Make the past, then the cases, then record until the shop closes."""
        for camera in CAMERAS:
            self._vault.register.measure_clock(
                system_actor(), camera.code, 0.0, 2.0, self._vault.clock.now()
            )
        try:
            if self._make_history():
                self._make_cases()
        except (VaultError, OSError) as error:
            self._say(f"  the shop's history is incomplete: {error}")
        self._record()

    # --- the past -----------------------------------------------------------------------------

    def _make_history(self) -> bool:
        """Short clips over the opening hours of the past days; False when closing comes first."""
        began = monotonic()
        moments = self._moments()
        total = len(moments) * len(CAMERAS)
        self._say(f"  drawing {total} clips of the past {_PAST_DAYS} days …")
        for number, moment in enumerate(moments, start=1):
            for camera in self._cameras.values():
                if self.closing.is_set():
                    return False
                self._write(replace(camera, fps=_CLIP_FPS), moment, _CLIP_S)
            if number * 4 // len(moments) != (number - 1) * 4 // len(moments):
                self._say(f"  {number * len(CAMERAS)} of {total} drawn")
        while any(True for _ in self._waiting()):
            if self.closing.wait(0.2):
                return False
        self._say(f"  history is in the vault after {monotonic() - began:.0f} s")
        return True

    def _moments(self) -> list[datetime]:
        """When the cameras recorded: every half hour that the shop was open."""
        found: list[datetime] = []
        for back in range(_PAST_DAYS, 0, -1):
            day = (self._opened - timedelta(days=back)).date()
            for opens, closes in OPENING[_WEEKDAYS[day.weekday()]]:
                moment = datetime.combine(day, time.fromisoformat(opens), _HERE)
                end = datetime.combine(day, time.fromisoformat(closes), _HERE)
                while moment < end:
                    found.append(moment)
                    moment += _EVERY
        return found

    def _make_cases(self) -> None:
        """Incidents, holds and requests, each by the person whose task it is."""
        moments = self._moments()
        first, second, third = (moments[len(moments) * part // 8] for part in (2, 5, 7))
        maja, anders = self._person("maja"), self._person("anders")
        incidents = self._vault.incidents
        theft = incidents.flag(
            maja,
            cameras=("gang", "kassa"),
            starts_at=second,
            ends_at=second + _ASKED,
            title="Stöld ur hyllan, lämnade utan att betala",
            category="theft",
        )
        incidents.note(maja, theft.id, "Två burkar kaffe saknas vid inventering samma kväll.")
        incidents.set_report_number(maja, theft.id, "5000-K123456-26")
        incidents.flag(
            self._person("sara"),
            cameras=("entre",),
            starts_at=third,
            ends_at=third + _ASKED,
            title="Dörren skadad av en kundvagn",
            category="damage",
        )
        self._vault.holds.place_as(
            maja,
            HoldOrder(
                purpose="claim",
                windows=(("lager", first, first + _ASKED),),
                reason="Transportskada på leveransen, anmäld till försäkringsbolaget.",
                until=None,
                review_at=None,
            ),
        )
        self._request(maja, anders, second, "5000-K123456-26", until="acknowledged")
        self._request(maja, anders, third, "5000-K123789-26", until="assessed")
        self._vault.requests.file(PORTAL_ACTOR, _portal_request(first), via="portal")
        self._say("  incidents, holds and requests are in place")

    def _request(
        self, maja: Actor, anders: Actor, moment: datetime, number: str, *, until: str
    ) -> None:
        requests = self._vault.requests
        filed = requests.file(
            maja,
            police_request(
                ("kassa", "entre"),
                moment,
                moment + _ASKED,
                number=number,
                description="Bilder av kassan och entrén vid den anmälda stölden.",
            ),
        )
        if filed.state == "received":
            requests.confirm(maja, filed.id)
        requests.verify(maja, filed.id, "call-back", "Motringd via växeln 114 14.")
        requests.assess(
            maja,
            filed.id,
            "Anmäld stöld; två kameror visar förloppet.",
            "Endast en minut av två kameror behövs.",
        )
        if until == "assessed":
            return
        requests.decide(anders, filed.id, approve=True, reason="Behövs för utredningen.")
        requests.prepare(maja, filed.id)
        requests.release(maja, filed.id, "usb")
        requests.receipt(maja, filed.id, "Eva Exempel, Polismyndigheten")

    def _person(self, name: str) -> Actor:
        return self._vault.people.authenticate(name, self._word)

    # --- the present --------------------------------------------------------------------------

    def _record(self) -> None:
        """Each camera in turn delivers what it saw since its last file, back to back."""
        reached = dict.fromkeys(self._cameras, self._second())
        step = _LIVE_S / len(self._cameras)
        while True:
            for code, since in reached.items():
                if self.closing.wait(step):
                    return
                now = self._second()
                if sum(1 for _ in self._drops[code].glob("*.mp4")) < _BACKLOG:
                    seconds = min((now - since).total_seconds(), 2 * _LIVE_S)
                    # Where memory is full this file is lost; there may be room for the next.
                    with suppress(OSError):
                        self._write(self._cameras[code], since.astimezone(_HERE), seconds)
                reached[code] = now

    def _second(self) -> datetime:
        return self._vault.clock.now().replace(microsecond=0)  # names tell no fractions

    def _write(self, camera: SyntheticCamera, moment: datetime, seconds: float) -> None:
        path = self._drops[camera.code] / f"{camera.code}_{moment:%Y%m%d_%H%M%S}.mp4"
        camera.write(path, moment, seconds)

    def _waiting(self) -> Iterator[Path]:
        for folder in self._drops.values():
            yield from folder.iterdir()


def _portal_request(moment: datetime) -> dict[str, object]:
    """Somebody who was filmed asks for the footage of themselves, on the portal."""
    return {
        "requester": {"type": "data-subject", "name": "Kim Exempel", "email": "kim@example.org"},
        "ground": {"code": "GDPR 15"},
        "matter": {},
        "footage": [
            {
                "cameras": ["entre"],
                "from": iso(moment),
                "to": iso(moment + _ASKED),
            }
        ],
        "description": "Jag gick in genom entrén i röd jacka.",
        "language": "sv",
        "delivery": "link",
    }
