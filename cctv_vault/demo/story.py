"""The whole story on the terminal, told by the services themselves, each step checked as told.

Owns ``demo --once``: footage comes in, a window is flagged, time passes, what nobody needs can no
longer be read by anyone, what somebody needs still plays, the police ask, a second person decides,
a package leaves, and every proof holds until one byte is changed. A step that does not hold ends
the story. It refuses nothing and mends nothing: it only watches what the vault does.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import av
from sqlalchemy import select

from cctv_vault.database import Database
from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.demo.shop import (
    CAMERAS,
    CONTROLLER,
    ZONE,
    demo_settings,
    furnish,
    police_request,
    temporary_folder,
)
from cctv_vault.disclosure.verification import PackageVerdict, verify_package
from cctv_vault.errors import AccessDeniedError, ExpiredError, VaultError
from cctv_vault.footage.streams import blob_name
from cctv_vault.people.actors import Actor, Role, system_actor
from cctv_vault.retention.certificates import verify_certificate
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import PurposeKey, table
from cctv_vault.vault import Vault
from storage.errors import StorageError

_HERE: Final = ZoneInfo(ZONE)
_TUESDAY: Final = datetime(2026, 3, 3, tzinfo=_HERE)
_MORNING: Final = _TUESDAY + timedelta(hours=9)
_MIDDAY: Final = _TUESDAY + timedelta(hours=13)
_WINDOW: Final = (_MORNING, _MORNING + timedelta(seconds=6))
_FLAGGED: Final = ("entre", "kassa")
_FAST_S: Final = 12.0  # the till camera's clock is fast, as cameras' clocks are
_DRAWN_S: Final = 20.0
# Real files where they are given, by camera: the morning's and the midday's (paths below ``cctv``).
_REAL: Final = {
    "entre": ("one-by-one-person-detection.mp4", "car-detection.mp4"),
    "kassa": ("store-aisle_h264_aac_ct.mp4", "dahua-like_h264_one-by-one.dav"),
    "gang": ("faces-walking_hevc_ct.mp4", "staffroom_h264_mp2.ts"),
    "lager": ("stockroom_h264_g711a_ct.mkv", "motion.mp4"),
}
_FRAGMENT: Final = 64  # bytes of a file that nothing else holds by chance


class _StepDidNotHoldError(Exception):
    """The step just told is not true; the story ends here."""


def tell(media: Path | None, say: Callable[[str], None]) -> bool:
    """Tell the story; returns whether every step held.

    ``media`` is a folder whose ``cctv`` holds real camera files; without it the cameras are drawn.
    ``say`` prints a line. Everything happens in a temporary folder that is gone afterwards.
    """
    with temporary_folder() as folder:
        tale = _Tale(folder, media, say)
        try:
            tale.tell()
        except _StepDidNotHoldError:
            return False
        except (VaultError, StorageError, OSError) as error:
            say(f"  ✗ {type(error).__name__}: {error}")
            return False
        finally:
            tale.close()
    say("")
    say("Every step held. The shop, its keys and its footage are gone again.")
    return True


@dataclass
class _Tale:
    """The story under way, and what its later steps must remember of the earlier ones."""

    folder: Path
    media: Path | None
    say: Callable[[str], None]
    steps: int = 0
    drops: dict[str, Path] = field(default_factory=dict)
    originals: dict[str, bytes] = field(default_factory=dict)  # of each recording: SHA-256
    fragments: dict[str, bytes] = field(default_factory=dict)
    incident: str = ""
    request: str = ""
    _vault: Vault | None = None

    @property
    def vault(self) -> Vault:
        """The shop's vault; there is one from the first chapter on."""
        if self._vault is None:
            raise _StepDidNotHoldError
        return self._vault

    def close(self) -> None:
        """Close the vault, where one was opened."""
        if self._vault is not None:
            self._vault.close()

    def tell(self) -> None:
        """All chapters, in order."""
        self.open_shop()
        self.take_in()
        self.look()
        self.flag()
        self.let_time_pass()
        self.play_what_is_kept()
        self.answer_the_police()
        self.hand_over()
        self.prove()

    # --- how it is told -----------------------------------------------------------------------

    def chapter(self, title: str) -> None:
        """A heading, with the shop's time where there is one."""
        self.steps += 1
        time = self._local(self._vault.clock.now()) if self._vault else ""
        self.say("")
        self.say(f"{self.steps}. {title}" + (f"  [{time}]" if time else ""))

    def holds(self, sentence: str, *, when: bool = True) -> None:
        """Say that a step held, or that it did not and end the story."""
        self.say(f"  {'✓' if when else '✗'} {sentence}")
        if not when:
            raise _StepDidNotHoldError

    @contextmanager
    def refused(self, error: type[Exception], sentence: str) -> Iterator[None]:
        """The body must be refused with this error; the vault's own words are repeated."""
        try:
            yield
        except error as refusal:
            self.holds(f"{sentence}: “{refusal}”")
        else:
            self.holds(sentence, when=False)

    def _local(self, moment: datetime | None) -> str:
        if moment is None:
            return "its hold ends"
        return moment.astimezone(_HERE).strftime("%Y-%m-%d %H:%M:%S %Z")

    def _person(self, name: str) -> Actor:
        return self.vault.people.asserted(name)

    # --- the chapters -------------------------------------------------------------------------

    def open_shop(self) -> None:
        """A vault in simulated time, four cameras, two people."""
        self.chapter("A shop (butik) gets a vault")
        self._vault = Vault.create(
            demo_settings(self.folder),
            "",
            controller=CONTROLLER,
            zone=ZONE,
            simulated_clock=_TUESDAY + timedelta(hours=15),
        )
        system = system_actor()
        # Maja may decide too, so that it is the four-eyes rule that stops her, not her role.
        self.vault.people.add(system, "Maja", [Role.MANAGER, Role.APPROVER])
        self.vault.people.add(system, "Anders", [Role.APPROVER])
        self.drops = furnish(self.vault, system, self.folder / "drop")
        for camera in CAMERAS:
            self.vault.register.measure_clock(
                system,
                camera.code,
                offset_s=_FAST_S if camera.code == "kassa" else 0.0,
                uncertainty_s=2.0,
                measured_at=_TUESDAY + timedelta(hours=8),
            )
        self.holds(f"cameras (kameror): {', '.join(each.name for each in CAMERAS)}")
        self.holds(f"the clock of kassa is measured: {_FAST_S:g} s fast, ± 2 s")
        self.holds("Maja runs the shop; Anders may decide (beslutar) together with her")

    def take_in(self) -> None:
        """Files arrive, are sealed, read back, indexed; then their sources go."""
        self.chapter("Footage (inspelningar) arrives in the drop folders")
        arrived = self._record_a_day()
        broken = self.drops["lager"] / "lager_20260303_110000.mp4"
        broken.write_bytes(b"<html><title>404</title></html>")
        outcomes = {
            each.path: each
            for each in self.vault.ingest.offer_all(system_actor(), [self.folder / "drop"])
        }
        for path, (digest, fragment) in arrived.items():
            outcome = outcomes[path]
            self.holds(
                f"{path.name}: {outcome.outcome}, recording {outcome.recording}",
                when=outcome.outcome == "sealed" and outcome.recording is not None,
            )
            self.originals[str(outcome.recording)] = digest
            self.fragments[str(outcome.recording)] = fragment
        self.holds(
            f"{broken.name} is no film: {outcomes[broken].outcome}, {outcomes[broken].reason}",
            when=outcomes[broken].outcome == "quarantined",
        )
        self.holds(
            "the sources are gone from the drop folders", when=not any(p.exists() for p in arrived)
        )
        self.holds(
            "no byte of the footage lies readable anywhere in the vault's home",
            when=not self._found_in_home(self.fragments.values()),
        )

    def look(self) -> None:
        """The timeline answers from the index, gaps included."""
        self.chapter("The timeline (tidslinjen)")
        maja = self._person("Maja")
        listed = list(self.vault.catalogue.list(maja))
        for each in listed:
            self.say(
                f"    {each.camera:<6} {self._local(each.started_at)} to "
                f"{each.ended_at.astimezone(_HERE):%H:%M:%S}  {each.codec}, expires "
                f"{self._local(each.expires_at)}"
            )
        self.holds(
            f"{len(listed)} recordings", when={each.id for each in listed} == set(self.originals)
        )
        first = min(each.started_at for each in listed if each.camera == "kassa")
        shown = _MORNING - timedelta(seconds=_FAST_S)
        self.holds(
            f"kassa's first file is named {_MORNING:%H:%M:%S}; its clock is {_FAST_S:g} s fast, so "
            f"it began at {shown:%H:%M:%S}",
            when=first == shown,
        )
        gaps = self.vault.catalogue.gaps(maja, cameras=("kassa",), start=_MORNING, end=_MIDDAY)
        self.holds(
            f"kassa has no footage from {self._local(gaps[0].starts_at)}: {gaps[0].cause}"
            if gaps
            else "the gap between morning and midday is seen",
            when=bool(gaps),
        )

    def flag(self) -> None:
        """A window over two cameras becomes an incident: one more purpose, one more key."""
        self.chapter("Maja flags an incident (händelse)")
        incident = self.vault.incidents.flag(
            self._person("Maja"),
            cameras=_FLAGGED,
            starts_at=_WINDOW[0],
            ends_at=_WINDOW[1],
            title="Stöld vid kassan",
            category="theft",
        )
        self.incident = incident.id
        self.holds(
            f"{incident.id}: {incident.recordings} "
            f"recording{'s' if incident.recordings != 1 else ''} kept until "
            f"{self._local(incident.until)}, reviewed by {self._local(incident.review_at)}",
            when=incident.recordings == len(_FLAGGED),
        )

    def let_time_pass(self) -> None:
        """Four days later: refused from the exact end, undecipherable after the sweep."""
        vault, maja = self.vault, self._person("Maja")
        listed = list(vault.catalogue.list(maja))
        kept = {each.id for each in listed if each.held}
        gone = {each.id for each in listed} - kept
        ends = {each.id: each.expires_at for each in listed if each.expires_at and not each.held}
        victim = min(ends, key=lambda each: ends[each])
        vault.set_clock(system_actor(), ends[victim] - timedelta(seconds=1))
        self.chapter("Time passes; nobody asked for the rest")
        with vault.access.open(maja, victim, "internkontroll") as reader:
            self.holds(
                "a second before its end unflagged footage opens",
                when=hashlib.sha256(reader.read()).digest() == self.originals[victim],
            )
        vault.set_clock(system_actor(), ends[victim])
        with self.refused(ExpiredError, "at its end it is refused"):
            vault.access.open(maja, victim, "nyfikenhet")
        vault.set_clock(system_actor(), _TUESDAY + timedelta(days=4, hours=3))
        copied = self.folder / "stolen-home"
        shutil.copytree(vault.settings.home, copied)
        epochs = set(vault.roots.epochs())
        report = vault.sweeper.run(system_actor())
        self.holds(
            f"the sweep (gallring): {report.recordings} recordings, {report.keys_destroyed} keys "
            f"destroyed, {report.blobs_removed} sealed objects removed, root {report.from_epoch} → "
            f"{report.to_epoch}",
            when=report.recordings == len(gone) and report.alarm is None,
        )
        self.holds(
            f"the root it was all wrapped under is destroyed: {vault.roots.worth}",
            when=not epochs & set(vault.roots.epochs()),
        )
        self.holds(
            "the ciphertext is gone too",
            when=not any(vault.store.exists(blob_name(each, "original")) for each in gone),
        )
        with self.refused(ExpiredError, "and nobody can open it"):
            vault.access.open(maja, victim, "nyfikenhet")
        self._try_the_copy(copied)
        self.holds(
            "the timeline holds what was flagged, and nothing else",
            when={each.id for each in vault.catalogue.list(maja)} == kept,
        )
        self._check_certificate(str(report.certificate_id))

    def play_what_is_kept(self) -> None:
        """The flagged window still decodes, and the original leaves bit for bit."""
        self.chapter("What was flagged still plays")
        maja = self._person("Maja")
        out = self.folder / "clip.mp4"
        clip = self.vault.access.clip(
            maja,
            camera="kassa",
            start=_WINDOW[0],
            end=_WINDOW[1],
            out=out,
            reason="underlag till polisanmälan",
            purpose="police-report",
        )
        pictures = _pictures(out)
        self.holds(
            f"a clip of kassa, {self._local(clip.delivered_from)} to "
            f"{clip.delivered_to.astimezone(_HERE):%H:%M:%S}: {pictures} pictures decode",
            when=pictures > 0,
        )
        recording = next(
            each.id for each in self.vault.catalogue.list(maja) if each.camera == "kassa"
        )
        original = self.folder / "original"
        receipt = self.vault.access.export(
            maja, recording, original, reason="underlag till polisanmälan", purpose="police-report"
        )
        self.holds(
            f"the original comes out bit for bit: SHA-256 {receipt.sha256.hex()[:16]}…, entered as "
            f"copy {receipt.copy_id}, to be destroyed by {self._local(receipt.end_at)}",
            when=_sha256(original) == self.originals[recording],
        )

    def answer_the_police(self) -> None:
        """A request, its checks, and a decision that one person cannot make alone."""
        self.chapter("The police ask (begäran om utlämnande)")
        requests, maja = self.vault.requests, self._person("Maja")
        filed = requests.file(
            maja,
            police_request(
                _FLAGGED,
                *_WINDOW,
                number="5000-K123456-26",
                description="Stöld vid kassan den 3 mars, bilder av kassan och entrén.",
            ),
        )
        self.request = filed.id
        self.holds(
            f"{filed.id} received (mottagen); {filed.frozen} recordings frozen at once",
            when=filed.frozen == len(_FLAGGED),
        )
        if filed.state == "received":
            requests.confirm(maja, filed.id)
        state = requests.verify(
            maja, filed.id, "call-back", "Motringd via växeln 114 14, utredaren bekräftad."
        ).state
        self.holds("the requester is verified by call-back (motringning)", when=state == "verified")
        state = requests.assess(
            maja,
            filed.id,
            "Stöld vid kassan, anmäld; två kameror visar förloppet.",
            "Endast sex sekunder av två kameror behövs för utredningen.",
        ).state
        self.holds("Maja assesses facts and necessity (bedömd)", when=state == "assessed")
        with self.refused(AccessDeniedError, "Maja cannot approve what she handled"):
            requests.decide(maja, filed.id, approve=True, reason="Jag har ju redan bedömt det.")
        state = requests.decide(
            self._person("Anders"),
            filed.id,
            approve=True,
            reason="Behövs för utredning av brott och är begränsat till vad som behövs.",
        ).state
        self.holds("Anders, a second person, approves (beviljad)", when=state == "approved")

    def hand_over(self) -> None:
        """A package that a stranger can check, and that no longer checks with one bit changed."""
        self.chapter("A package leaves (utlämnande)")
        requests, maja = self.vault.requests, self._person("Maja")
        package = self.folder / f"{self.request}.zip"
        prepared = requests.prepare(maja, self.request, package)
        self.holds(
            f"{package.name}: {prepared.size} bytes, SHA-256 {prepared.sha256.hex()[:16]}…",
            when=_sha256(package) == prepared.sha256,
        )
        verdict = verify_package(package, key=None, allow_simulated=False)
        self.holds(
            "a stranger is told that it comes from a SIMULATED vault, and it does not pass",
            when=not verdict.sound and "SIMULATED" in _words(verdict),
        )
        verdict = verify_package(package, key=self.vault.log.vkey, allow_simulated=True)
        self._repeat(verdict)
        self.holds("with that allowed, the package verifies", when=verdict.sound)
        damaged = self.folder / "damaged.zip"
        member = flip_a_byte(package, damaged)
        verdict = verify_package(damaged, key=None, allow_simulated=True)
        named = [each for each in verdict.findings if each.level == "bad" and each.file]
        self.holds(
            f"one flipped byte and it fails, naming the file: {named[0].file}, {named[0].sentence}"
            if named
            else f"one flipped byte in {member} is found and named",
            when=not verdict.sound and any(str(each.file) in member for each in named),
        )
        state = requests.release(maja, self.request, "usb").state
        self.holds("released on a USB stick (utlämnad)", when=state == "released")
        state = requests.receipt(maja, self.request, "Eva Exempel, Polismyndigheten").state
        self.holds("and received (mottagningsbevis)", when=state == "acknowledged")

    def prove(self) -> None:
        """The log of all this, refusals included, verifies from its first entry."""
        self.chapter("The log (loggen) of it all")
        verdict = self.vault.log.verify()
        refusals = len(self.vault.log.entries(event="act.refused"))
        self.holds(
            f"log verify: {verdict.size} entries, {refusals} of them refusals, root "
            f"{verdict.root.hex()[:16]}…",
            when=verdict.sound and refusals > 0,
        )
        self.say("    anchored outside by: nobody")

    # --- what the chapters need ---------------------------------------------------------------

    def _record_a_day(self) -> dict[Path, tuple[bytes, bytes]]:
        """Files in the drop folders, named as recorders name them: SHA-256 and a fragment each."""
        arrived: dict[Path, tuple[bytes, bytes]] = {}
        for camera in CAMERAS:
            for number, moment in enumerate((_MORNING, _MIDDAY)):
                real = self.media and self.media / "cctv" / _REAL[camera.code][number]
                name = f"{camera.code}_{moment:%Y%m%d_%H%M%S}{real.suffix if real else '.mp4'}"
                path = self.drops[camera.code] / name
                if real:
                    shutil.copyfile(real, path)
                else:
                    SyntheticCamera(camera.code, camera.scene).write(path, moment, _DRAWN_S)
                content = path.read_bytes()
                middle = len(content) // 2
                arrived[path] = (
                    hashlib.sha256(content).digest(),
                    content[middle : middle + _FRAGMENT],
                )
        return arrived

    def _found_in_home(self, fragments: Iterable[bytes]) -> bool:
        wanted = tuple(fragments)
        contents = (p.read_bytes() for p in self.vault.settings.home.rglob("*") if p.is_file())
        return any(fragment in content for content in contents for fragment in wanted)

    def _try_the_copy(self, copied: Path) -> None:
        """Whoever took the whole home before the sweep, and holds today's keys, opens nothing."""
        keyring = Keyring(self.vault.vault_id, self.vault.roots)
        database = Database(f"sqlite:///{copied / 'index.db'}")
        try:
            with database.read() as session:
                rows = session.execute(select(table(PurposeKey))).all()
        finally:
            database.close()
        opened = sum(keyring.opens(row) for row in rows)
        self.holds(
            "a copy of the whole home from before the sweep, with today's key folder: "
            f"{opened} of its {len(rows)} keys open",
            when=bool(rows) and not opened,
        )

    def _check_certificate(self, certificate_id: str) -> None:
        document = self.vault.certificates.document(self._person("Maja"), certificate_id)
        verdict = verify_certificate(document, key=self.vault.log.vkey, allow_simulated=True)
        self.holds(f"the certificate of deletion {certificate_id} verifies", when=verdict.sound)

    def _repeat(self, verdict: PackageVerdict) -> None:
        for each in verdict.findings:
            self.say(f"    {each.level:<4} {each.file + ': ' if each.file else ''}{each.sentence}")


def flip_a_byte(package: Path, damaged: Path) -> str:
    """Write ``damaged``: the package with one bit of its largest file changed; returns its name.

    The file is stored, not compressed, so that the byte is one of the footage itself.
    """
    with zipfile.ZipFile(package) as bag:
        member = max(bag.infolist(), key=lambda each: each.compress_size)
    content = bytearray(package.read_bytes())
    header = member.header_offset
    names = int.from_bytes(content[header + 26 : header + 28], "little")
    extra = int.from_bytes(content[header + 28 : header + 30], "little")
    content[header + 30 + names + extra + member.compress_size // 2] ^= 1
    damaged.write_bytes(content)
    return member.filename


def _pictures(clip: Path) -> int:
    with av.open(str(clip)) as container:
        return sum(1 for _ in container.decode(video=0))


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _words(verdict: PackageVerdict) -> str:
    return " ".join(each.sentence for each in verdict.findings)
