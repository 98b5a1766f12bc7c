"""The whole way of footage through the product, by the command line, as scripts drive it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from cctv_vault.cli.main import main
from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.demo.story import flip_a_byte

CAMERAS = {"entre": "entrance", "kassa": "checkout", "gang": "aisle", "lager": "stockroom"}
# Two rounds of real files where there are some; every container and codec of the shop is different.
REAL = {
    "entre": ("one-by-one-person-detection.mp4", "car-detection.mp4"),
    "kassa": ("store-aisle_h264_aac_ct.mp4", "dahua-like_h264_one-by-one.dav"),
    "gang": ("faces-walking_hevc_ct.mp4", "staffroom_h264_mp2.ts"),
    "lager": ("stockroom_h264_g711a_ct.mkv", "hikvision-like_imkh_ps_h264.mp4"),
}
MORNING = datetime.fromisoformat("2026-03-03T09:00:00+01:00")
MIDDAY = MORNING + timedelta(hours=4)
FROM, TO = "2026-03-03T09:00:00+01:00", "2026-03-03T09:00:06+01:00"
REQUEST = {
    "requester": {
        "type": "police",
        "authority": "Polismyndigheten",
        "unit": "Region Stockholm",
        "name": "Eva Exempel",
        "role": "utredare",
        "email": "eva@example.org",
        "phone": "114 14",
    },
    "ground": {"code": "DSL 2:5", "decision_maker": None, "document": None},
    "matter": {"number": "5000-K123456-26", "offence": "stöld"},
    "footage": [{"cameras": ["kassa", "entre"], "from": FROM, "to": TO}],
    "description": "Bilder av kassan och entrén.",
    "language": "sv",
    "delivery": "usb",
}


@dataclass(frozen=True)
class Said:
    """What one command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command on the vault in ``tmp_path / "home"``."""
    monkeypatch.setenv("CCTV_VAULT_SETTLE_S", "0")

    def command(*words: object, status: int = 0, home: str = "home", who: str = "") -> Said:
        capsys.readouterr()
        named = ["--as", who] if who else []
        folder = [*("--home", str(tmp_path / home)), *("--keys", str(tmp_path / "keys"))]
        ended = main([*folder, *named, *map(str, words), "--json"])
        out, err = capsys.readouterr()
        assert ended == status, (words, out, err)
        return Said(ended, out, err)

    return command


@pytest.mark.long
def test_the_whole_story_on_sqlite(run: Run, tmp_path: Path, media: Path | None) -> None:
    tell(run, tmp_path, media)


@pytest.mark.long
def test_the_whole_story_on_postgresql(
    run: Run,
    tmp_path: Path,
    media: Path | None,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CCTV_VAULT_DATABASE_URL", postgres_url)
    tell(run, tmp_path, media, database_in_home=False)


def tell(run: Run, folder: Path, media: Path | None, *, database_in_home: bool = True) -> None:
    set_up(run, folder)
    files = record(folder, media)
    originals = take_in(run, folder, files)
    kept = flag(run, originals)
    expire(run, folder, originals, kept, database_in_home=database_in_home)
    play(run, folder, originals)
    request = decide(run, folder)
    hand_over(run, folder, request, originals)
    prove(run, folder)


def set_up(run: Run, folder: Path) -> None:
    run("init", "--controller", "Butiken AB", "--simulated-clock", "2026-03-03T15:00:00+01:00")
    refused = run("init", status=1)
    assert "not empty" in refused.err or "already" in refused.err
    for code in CAMERAS:
        run("camera", "add", code, "--drop", folder / "drop" / code, "--sound", "no")
        run(
            *("camera", "clock", code, "--offset", "0", "--uncertainty", "2"),
            *("--measured-at", "2026-03-03T08:00:00+01:00"),
        )
    run("user", "add", "Maja", "--role", "manager", "--role", "approver")
    run("user", "add", "Anders", "--role", "approver")
    run("user", "add", "Sara", "--role", "staff")


def record(folder: Path, media: Path | None) -> dict[Path, str]:
    """A morning's and a midday's file of each camera, in its drop folder, with its SHA-256."""
    files = {}
    for code, scene in CAMERAS.items():
        for number, moment in enumerate((MORNING, MIDDAY)):
            real = media / "cctv" / REAL[code][number] if media else None
            suffix = real.suffix if real else ".mp4"
            path = folder / "drop" / code / f"{code}_{moment:%Y%m%d_%H%M%S}{suffix}"
            if real:
                shutil.copyfile(real, path)
            else:
                SyntheticCamera(code, scene).write(path, moment, 20.0)
            files[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    return files


def take_in(run: Run, folder: Path, files: dict[Path, str]) -> dict[str, dict[str, Any]]:
    bad = folder / "drop" / "kassa" / "kassa_20260303_100000.mp4"
    bad.write_bytes(b"<html>404</html>")
    outcomes = {each["path"]: each for each in run("ingest", folder / "drop").lines}

    assert outcomes.pop(str(bad))["outcome"] == "quarantined"
    assert {each["outcome"] for each in outcomes.values()} == {"sealed"}
    assert not [path for path in (folder / "drop").rglob("*") if path.is_file()]

    listed = {each["id"]: each for each in run("footage", "list", who="Maja").lines}
    assert {each["sha256"] for each in listed.values()} == set(files.values())
    gaps = run(
        *("footage", "gaps", "--camera", "gang"),
        *("--from", MORNING.isoformat(), "--to", MIDDAY.isoformat()),
    ).lines
    assert [gap["camera"] for gap in gaps] == ["gang"]
    naive = run("footage", "list", "--camera", "gang", "--from", "2026-03-03T09:00:00", status=1)
    assert "Europe/Stockholm" in naive.err
    return listed


def flag(run: Run, originals: dict[str, dict[str, Any]]) -> set[str]:
    words = ("incident", "flag", "--camera", "kassa", "--camera", "entre", "--title", "Stöld")
    times = ("--from", FROM, "--to", TO)
    assert "person" in run(*words, *times, "--category", "theft", status=1).err
    reversed_window = ("--from", TO, "--to", FROM)
    run(*words, *reversed_window, "--category", "theft", who="Sara", status=1)

    incident = run(*words, *times, "--category", "theft", who="Sara").document

    held = {each["id"] for each in run("footage", "list", who="Maja").lines if each["held"]}
    assert incident["recordings"] == len(held)
    assert {originals[each]["camera"] for each in held} == {"kassa", "entre"}
    return held


def expire(
    run: Run,
    folder: Path,
    originals: dict[str, dict[str, Any]],
    kept: set[str],
    *,
    database_in_home: bool,
) -> None:
    gone = set(originals) - kept
    run("clock", "set", "2026-03-07T03:00:00+01:00")
    shutil.copytree(folder / "home", folder / "copy")
    dry = run("sweep", "--dry-run").document
    assert {item["recording"] for item in dry["due"]} == gone
    assert run("sweep", "--dry-run").document == dry  # it destroyed nothing

    report = run("sweep").document

    assert report["recordings"] == len(gone)
    for recording in gone:
        refused = run(
            *("footage", "export", recording, "-o", folder / "stolen", "--reason", "nyfiken"),
            who="Maja",
            status=1,
        )
        assert "expired" in refused.err
    assert not (folder / "stolen").exists()
    blobs = {path.parent.name for path in (folder / "home" / "blobs").rglob("original")}
    assert blobs == kept
    assert {each["id"] for each in run("footage", "list", who="Maja").lines} == kept
    if database_in_home:
        assert "checkpoint" in run("footage", "list", home="copy", status=1).err

    certificate = folder / "certificate.json"
    certificate.write_text(run("certificate", "show", report["certificate_id"]).out)
    assert "SIMULATED" in run("certificate", "verify", certificate, status=1).out
    run("certificate", "verify", certificate, "--allow-simulated")


def play(run: Run, folder: Path, originals: dict[str, dict[str, Any]]) -> None:
    reason = ("--reason", "polisanmälan", "--purpose", "police-report")
    clip = folder / "clip.mp4"
    run(
        *("footage", "clip", "--camera", "kassa", "--from", FROM, "--to", TO, "-o", clip),
        *reason,
        who="Maja",
    )
    with av.open(str(clip)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 0
    recording = run("footage", "list", "--camera", "kassa", who="Maja").lines[0]["id"]
    out = folder / "original"
    run("footage", "export", recording, "-o", out, *reason, who="Maja")
    assert hashlib.sha256(out.read_bytes()).hexdigest() == originals[recording]["sha256"]
    shown = run("footage", "show", recording, who="Maja").document
    assert {"incident"} <= {grant["purpose"] for grant in shown["grants"] if grant["live"]}


def decide(run: Run, folder: Path) -> str:
    file = folder / "request.json"
    file.write_text(json.dumps(REQUEST), encoding="utf-8")
    filed = run("request", "file", file, who="Maja").document
    request = str(filed["id"])
    assert filed["frozen"] == 2
    package = folder / "early.zip"
    run("request", "prepare", request, "-o", package, who="Maja", status=1)
    assert not package.exists()
    if filed["state"] == "received":
        run("request", "confirm", request, who="Maja")
    run(
        *("request", "verify", request, "--method", "call-back", "--detail", "växeln 114 14"),
        who="Maja",
    )
    run(
        *("request", "assess", request, "--facts", "Anmäld stöld.", "--necessity", "Sex sekunder."),
        who="Maja",
    )
    approval = ("request", "decide", request, "--approve", "--reason", "Behövs.")
    assert "request" in run(*approval, who="Sara", status=1).err
    run(*approval, who="Maja", status=1)
    assert run(*approval, who="Anders").document["state"] == "approved"
    return request


def hand_over(run: Run, folder: Path, request: str, originals: dict[str, dict[str, Any]]) -> None:
    package, damaged = folder / "package.zip", folder / "damaged.zip"
    prepared = run("request", "prepare", request, "-o", package, who="Maja").document
    assert prepared["sha256"] == hashlib.sha256(package.read_bytes()).hexdigest()

    key = folder / "key.txt"
    key.write_text(run("log", "key").document["key"])
    assert "SIMULATED" in run("package", "verify", package, status=1).out
    run("package", "verify", package, "--allow-simulated", "--key", key)
    member = flip_a_byte(package, damaged)
    failed = run("package", "verify", damaged, "--allow-simulated", status=1)
    named = {
        finding["file"] for finding in failed.document["findings"] if finding["level"] == "bad"
    }
    assert any(name and name in member for name in named)

    run("request", "release", request, "--channel", "usb", who="Maja")
    run("request", "receipt", request, "--by", "Eva Exempel", who="Maja")
    shown = run("request", "show", request, who="Maja").document
    assert shown["state"] == "acknowledged"
    assert all(point["met"] for point in shown["checklist"])


def prove(run: Run, folder: Path) -> None:
    assert run("log", "verify").document["sound"]
    refused = [each for each in run("log", "show").lines if each["event"] == "act.refused"]
    assert {each["facts"]["code"] for each in refused} >= {"access-denied", "expired"}
    proof = folder / "entry.tlog-proof"
    run("log", "proof", "0", "-o", proof)
    assert proof.read_text(encoding="utf-8").startswith("c2sp.org/tlog-proof")
    assert run("check", "--deep").document["sound"]
