"""The command line as a contract: names, fields, exit statuses, refusals."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.shop import film, picture

WINDOW = ("--from", "2026-03-02T07:50:00+01:00", "--to", "2026-03-02T08:00:00+01:00")
REQUEST: dict[str, Any] = {
    "requester": {
        "type": "police",
        "authority": "Polismyndigheten",
        "unit": "Region Stockholm",
        "name": "Eva Ek",
        "role": "utredare",
        "email": "eva@polisen.example",
        "phone": "114 14",
    },
    "ground": {"code": "DSL 2:5", "decision_maker": None, "document": None},
    "matter": {"number": "5000-K123456-26", "offence": "stöld"},
    "footage": [
        {
            "cameras": ["kassa"],
            "from": "2026-03-02T07:50:00+01:00",
            "to": "2026-03-02T08:00:00+01:00",
        }
    ],
    "description": "röd jacka",
    "language": "sv",
    "delivery": "usb",
}


@pytest.fixture
def with_film(shop: Run, tmp_path: Path) -> str:
    """The id of a ten-second film from 07:55."""
    path = tmp_path / "drop" / "kassa_00_20260302075500.mp4"
    path.write_bytes(film(1, 10))
    (line,) = shop("ingest", path, "--camera", "kassa", "--json").lines
    assert line["outcome"] == "sealed", line
    return str(line["recording"])


@pytest.fixture
def request_file(tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: object) -> Path:
        path = tmp_path / "request.json"
        path.write_text(json.dumps({**REQUEST, **changes}), encoding="utf-8")
        return path

    return write


def test_a_vault_is_made_once(run: Run) -> None:
    assert run("init").status == 0

    again = run("init")

    assert again.status == 1
    assert "is not empty" in again.err


def test_a_home_without_a_vault_says_what_to_do(run: Run) -> None:
    answer = run("footage", "list")

    assert answer.status == 1
    assert "cctv-vault init" in answer.err


def test_wrong_usage_is_status_two(shop: Run) -> None:
    assert shop("footage", "lst").status == 2
    assert shop("camera", "add").status == 2


def test_the_clock_of_a_real_vault_cannot_be_set(run: Run) -> None:
    run("init")

    answer = run("clock", "set", "2030-01-01T00:00:00Z")

    assert answer.status == 1
    assert "real vault" in answer.err


def test_simulated_time_runs_forward_only(shop: Run) -> None:
    assert shop("clock", "set", "2026-03-02T09:00:00+01:00").status == 0
    assert shop("clock", "show", "--json").json["now"] == "2026-03-02T08:00:00Z"
    assert shop("clock", "set", "2026-03-02T08:30:00+01:00").status == 1


def test_a_recording_is_listed_with_every_field_of_the_contract(shop: Run, with_film: str) -> None:
    (row,) = shop("footage", "list", "--json").lines

    assert row["id"] == with_film
    assert row["camera"] == "kassa"
    assert row["kind"] == "video"
    assert row["started_at"] == "2026-03-02T06:55:00Z"
    assert row["ended_at"] == "2026-03-02T06:55:10Z"
    assert row["time_source"] == "name"
    assert row["uncertainty_s"] == 4500
    assert row["original_name"] == "kassa_00_20260302075500.mp4"
    assert row["bytes"] == len(film(1, 10))
    assert len(row["sha256"]) == 64
    assert (row["container"], row["codec"]) == ("mov", "h264")
    assert row["expires_at"] == "2026-03-05T06:55:10Z"
    assert row["held"] is False


def test_listing_is_narrowed_by_camera_time_and_kind(shop: Run, with_film: str) -> None:
    def count(*words: str) -> int:
        return len(shop("footage", "list", "--json", *words).lines)

    assert count("--camera", "kassa", *WINDOW) == 1
    assert count("--kind", "still") == 0
    assert count("--from", "2026-03-02T07:56:00+01:00") == 0
    assert count("--to", "2026-03-02T07:55:00+01:00") == 0
    assert count("--to", "2026-03-02T07:55:01+01:00") == 1


def test_a_naive_time_is_refused_naming_the_cameras_zone(shop: Run, tmp_path: Path) -> None:
    shop("camera", "add", "lager", "--drop", tmp_path / "lager", "--zone", "Europe/Helsinki")

    answer = shop("footage", "list", "--camera", "lager", "--from", "2026-03-02T07:00:00")

    assert answer.status == 1
    assert "Europe/Helsinki" in answer.err


def test_show_says_why_a_recording_is_still_here(shop: Run, with_film: str) -> None:
    shown = shop("footage", "show", with_film, "--json").json

    (grant,) = shown["grants"]
    assert grant["purpose"] == "prevention"
    assert grant["statute"] == "GDPR 6.1 f"
    assert grant["since"]
    assert grant["until"] == "2026-03-05T06:55:10Z"
    assert grant["reason"]
    assert "recording.sealed" in json.dumps(shown)


def test_export_gives_the_original_bit_for_bit_and_needs_a_person_with_the_right(
    shop: Run, with_film: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    words = ("footage", "export", with_film, "-o", out, "--reason", "försäkring")

    assert shop(*words).status == 1
    assert shop(*words, user="sam").status == 1
    assert not out.exists()
    assert shop(*words, user="anna").status == 0
    assert out.read_bytes() == film(1, 10)
    refusals = [e for e in shop("log", "show", "--json").lines if e["event"] == "act.refused"]
    assert len(refusals) == 2


def test_ingest_answers_a_line_per_file_and_one_means_something_is_left(
    shop: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "a_00_20260302075000.jpg").write_bytes(picture(1))
    (folder / "empty.mp4").write_bytes(b"")

    answer = shop("ingest", folder, "--camera", "kassa", "--keep-source", "--json")
    again = shop("ingest", folder, "--camera", "kassa", "--json")
    nobody = shop("ingest", tmp_path / "archive", "--camera", "kasssa", "--json")

    assert sorted(line["outcome"] for line in answer.lines) == ["quarantined", "sealed"]
    assert all({"path", "outcome", "recording", "reason"} <= set(line) for line in answer.lines)
    assert answer.status == 0
    assert "duplicate" in {line["outcome"] for line in again.lines}
    assert not list(folder.iterdir())
    assert nobody.status in {0, 1}


def test_an_unknown_camera_is_refused_and_the_known_ones_are_named(
    shop: Run, tmp_path: Path
) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(picture(2))

    answer = shop("ingest", path, "--camera", "kasssa", "--json")

    (line,) = answer.lines
    assert (answer.status, line["outcome"]) == (1, "failed")
    assert "kassa" in line["reason"]
    assert path.exists()
    assert shop("log", "show", "--json").lines[-1]["event"] in {"act.refused", "file.refused"}


def test_flagging_needs_a_person_a_known_camera_and_a_window_that_runs_forward(
    shop: Run, with_film: str
) -> None:
    def flag(*words: str, user: str | None = "anna", camera: str = "kassa") -> int:
        return shop(
            *("incident", "flag", "--camera", camera, "--title", "Stöld", "--category", "theft"),
            *words,
            user=user,
        ).status

    backwards = ("--from", WINDOW[3], "--to", WINDOW[1])
    assert flag(*WINDOW, user=None) == 1
    assert flag(*WINDOW, user="nobody") == 1
    assert flag(*WINDOW, camera="lager") == 1
    assert flag(*backwards) == 1
    assert flag(*WINDOW, "--category", "gossip") == 1
    assert flag(*WINDOW) == 0
    assert shop("footage", "list", "--json").lines[0]["held"] is True


def test_what_is_flagged_outlives_what_is_not(shop: Run, with_film: str, tmp_path: Path) -> None:
    other = tmp_path / "drop" / "kassa_00_20260301120000.mp4"
    other.write_bytes(film(2, 4))
    shop("ingest", other, "--camera", "kassa")
    shop(
        *("incident", "flag", "--camera", "kassa", *WINDOW),
        *("--title", "Stöld", "--category", "theft"),
        user="anna",
    )
    shop("clock", "set", "2026-03-06T08:00:00+01:00")
    dry = shop("sweep", "--dry-run", "--json").json
    assert len(shop("footage", "list", "--json").lines) == 1
    assert shop("check", "--deep").status == 0

    swept = shop("sweep", "--json").json

    assert [item["recording"] for item in dry["due"]] == [i["recording"] for i in swept["due"]]
    assert (dry["recordings"], swept["recordings"]) == (1, 1)
    assert [row["id"] for row in shop("footage", "list", "--json").lines] == [with_film]
    assert shop("check", "--deep").status == 0
    document = tmp_path / "certificate.json"
    document.write_text(shop("certificate", "show", swept["certificate_id"]).out, encoding="utf-8")
    assert shop("certificate", "verify", document).status == 1
    assert shop("certificate", "verify", document, "--allow-simulated").status == 0


def test_an_answer_changes_the_request_and_a_decision_may_let_sound_go_out(
    shop: Run, with_film: str, request_file: Callable[..., Path]
) -> None:
    assert with_film
    number = shop("request", "file", request_file(), "--json", user="anna").json["id"]

    def step(*words: object, user: str = "anna") -> int:
        return shop("request", words[0], number, *words[1:], user=user).status

    assert step("clarify", "Vilket ärendenummer?") == 0
    assert step("answer", "Det är 5000-K99-26.", "--number", "5000-K99-26") == 0
    shown = shop("request", "show", number, "--json", user="anna").json
    assert shown["body"]["matter"]["number"] == "5000-K99-26"
    assert step("verify", "--method", "call-back", "--detail", "114 14") == 0
    assert step("assess", "--facts", "stöld", "--necessity", "enda bevis") == 0
    assert step("decide", "--approve", "--sound", "--reason", "ja", user="bo") == 0
    lines = shop("log", "show", "--subject", number, "--json").lines
    (approved,) = [line for line in lines if line["event"] == "request.approved"]
    assert approved["facts"]["sound"] is True


def test_a_request_walks_from_receipt_to_a_package_a_stranger_can_verify(
    shop: Run, with_film: str, request_file: Callable[..., Path], tmp_path: Path
) -> None:
    filed = shop("request", "file", request_file(), "--json", user="anna").json
    number = filed["id"]
    package = tmp_path / "package.zip"

    def step(*words: object, user: str = "anna") -> int:
        return shop("request", words[0], number, *words[1:], user=user).status

    assert step("prepare", "-o", package) == 1
    assert step("verify", "--method", "call-back", "--detail", "114 14") == 0
    assert step("assess", "--facts", "stöld", "--necessity", "enda bevis") == 0
    assert step("decide", "--approve", "--reason", "ja") == 1
    assert step("decide", "--approve", "--reason", "ja", user="bo") == 0
    assert step("prepare", "-o", package) == 0
    assert step("release", "--channel", "usb") == 0
    assert step("receipt", "--by", "Eva Ek") == 0
    assert shop("package", "verify", package).status == 1
    assert shop("package", "verify", package, "--allow-simulated").status == 0
    key = tmp_path / "key"
    key.write_text(shop("log", "key").out, encoding="utf-8")
    assert shop("package", "verify", package, "--allow-simulated", "--key", key).status == 0

    data = bytearray(package.read_bytes())
    data[data.index(b"ftyp") + 40] ^= 1
    package.write_bytes(data)

    broken = shop("package", "verify", package, "--allow-simulated")
    assert broken.status == 1
    assert "kassa" in broken.err
    states = {line["id"]: line["state"] for line in shop("request", "list", "--json").lines}
    assert states == {number: "acknowledged"}


def test_an_encrypted_package_opens_with_the_passphrase_that_was_shown_once(
    shop: Run,
    with_film: str,
    request_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = shop("request", "file", request_file(), "--json", user="anna").json["id"]

    def step(*words: object, user: str = "anna") -> Any:  # noqa: ANN401
        answer = shop("request", words[0], number, *words[1:], "--json", user=user)
        assert answer.status == 0, answer.err
        return answer.json

    step("verify", "--method", "call-back", "--detail", "114 14")
    step("assess", "--facts", "stöld", "--necessity", "enda bevis")
    step("decide", "--approve", "--reason", "ja", user="bo")
    step("frame", "--camera", "kassa", "--at", "2026-03-02T07:55:03.5+01:00")
    locked, opened = tmp_path / "package.zip.locked", tmp_path / "package.zip"
    made = step("prepare", "-o", locked, "--encrypt")
    assert made["frames"] == 1
    secret = tmp_path / "passphrase"
    secret.write_text(made["passphrase"] + "\n", encoding="utf-8")

    verify = ("package", "verify", locked, "--allow-simulated")
    assert "encrypted" in shop(*verify).err
    assert shop(*verify, "--passphrase-file", secret).status == 0
    monkeypatch.setenv("CCTV_VAULT_PASSPHRASE", made["passphrase"].lower())
    assert shop(*verify).status == 0
    assert shop("package", "open", locked, "-o", opened).status == 0
    assert sha256(opened.read_bytes()).hexdigest() == made["sha256"]
    assert shop("package", "open", locked, "-o", opened).status == 1  # it is there already
    monkeypatch.setenv("CCTV_VAULT_PASSPHRASE", "wrong")
    other = tmp_path / "other.zip"
    assert shop("package", "open", locked, "-o", other).status == 1
    assert not other.exists()
    page = tmp_path / "verify.html"
    assert shop("package", "page", "-o", page).status == 0
    assert page.read_bytes().startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"requester": {**REQUEST["requester"], "type": "neighbour"}},
            "requester.type must be one of",
        ),
        ({"surprise": 1}, "surprise"),
        ({"footage": [{**REQUEST["footage"][0], "cameras": ["lager"]}]}, "lager"),
        ({"footage": [{**REQUEST["footage"][0], "from": "2026-03-02T07:50:00"}]}, "offset"),
    ],
    ids=["type", "field", "camera", "naive"],
)
def test_a_request_that_cannot_be_meant_is_refused_by_name(
    shop: Run, request_file: Callable[..., Path], change: dict[str, object], words: str
) -> None:
    answer = shop("request", "file", request_file(**change), user="anna")

    assert answer.status == 1
    assert words in answer.err
    assert shop("log", "show", "--json").lines[-1]["event"] == "act.refused"


def test_the_log_is_shown_verified_proven_and_signed(shop: Run, tmp_path: Path) -> None:
    proof = tmp_path / "one.tlog-proof"

    assert shop("log", "verify", "--json").json["sound"] is True
    assert shop("log", "checkpoint").out.startswith("cctv-vault/")
    assert shop("log", "proof", 1, "-o", proof).status == 0
    assert proof.read_text(encoding="utf-8").startswith("c2sp.org/tlog-proof@v1\n")
    assert json.loads((tmp_path / "one.tlog-proof.entry.json").read_bytes())["v"] == 1
    assert shop("log", "proof", 10_000, "-o", proof).status == 1
    assert len(shop("log", "show", "--limit", 2, "--json").lines) == 2
    assert shop("log", "show", "--subject", "kassa", "--json").lines


def test_a_real_vault_takes_nobodys_word_for_who_acts(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init")
    credential = run("user", "add", "anna", "--role", "manager", "--json").json["credential"]

    assert run("incident", "list", user="anna").status == 1
    monkeypatch.setenv("CCTV_VAULT_TOKEN", "wrong-credential")
    assert run("incident", "list", user="anna").status == 1
    monkeypatch.setenv("CCTV_VAULT_TOKEN", credential)
    assert run("incident", "list", user="anna").status == 0


def test_an_unexpected_fault_shows_no_values(
    shop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cctv_vault.custody.log import CustodyLog  # noqa: PLC0415

    def fail(_self: CustodyLog) -> None:
        raise RuntimeError("a name that must not be shown")

    monkeypatch.setattr(CustodyLog, "verify", fail)

    answer = shop("log", "verify")

    assert answer.status == 1
    assert "RuntimeError" in answer.err
    assert "name" not in answer.err


def test_an_archive_is_told_of_first_and_what_is_past_its_purposes_waits_for_a_named_one(
    shop: Run, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    for name in ("Kassan_00_20260302074500.mp4", "Kassan_00_20260105100000.mp4"):
        archive.mkdir(exist_ok=True)
        (archive / name).write_bytes(film(len(name) + int(name[-5]) + int(name[-10]), 2))
    words = ("ingest", archive, "--map", "Kassan=kassa", "--keep-source")

    told = shop(*words, "--dry-run", "--json").lines
    done = shop(*words, "--json").lines
    named = shop(*words, "--purpose", "claim", "--reason", "krav 17", "--json", user="anna").lines
    wrong = shop("ingest", archive, "--map", "Kassan")

    assert [line["outcome"] for line in told] == ["late", "sealed"]
    assert told[1]["camera"] == "kassa"
    assert told[1]["started_at"] == "2026-03-02T06:45:00Z"
    assert told[1]["time_source"] == "name"
    assert [(line["outcome"], line["recording"] is None) for line in done] == [
        ("late", True),
        ("sealed", False),
    ]
    assert [line["outcome"] for line in named] == ["sealed", "duplicate"]
    assert wrong.status == 1


def test_a_pattern_of_ones_own_is_tried_and_kept(shop: Run) -> None:
    pattern = "K{channel}_{Y}-{M}-{D}_{h}{m}{s}.mp4"
    sample = "K3_2026-03-02_074500.mp4"

    (told,) = shop(
        *("camera", "pattern", "kassa", "--pattern", pattern, "--preview", sample, "--json")
    ).lines
    before = shop("camera", "show", "kassa", "--json").json["convention"]
    kept = shop("camera", "pattern", "kassa", "--pattern", pattern, "--json").json
    wrong = shop("camera", "pattern", "kassa", "--pattern", "{Y}.mp4")

    assert (told["channel"], told["started_at"]) == ("3", "2026-03-02T06:45:00Z")
    assert (before, kept["convention"]) == ("auto", pattern)
    assert wrong.status == 1
    assert "must tell the time" in wrong.err
