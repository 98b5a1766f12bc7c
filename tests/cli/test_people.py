"""What people do about each other and about a measure, on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

OPENED, CLOSED = "2026-03-03T00:00:00+01:00", "2026-03-10T00:00:00+01:00"
TAKING: dict[str, Any] = {
    "requester": {
        "type": "seizure",
        "authority": "Polismyndigheten",
        "unit": "Region Stockholm",
        "name": "Eva Exempel",
        "role": "utredare",
        "email": None,
        "phone": "114 14",
    },
    "ground": {"code": "RB 27:1", "decision_maker": "åklagare Åsa Berg", "document": None},
    "matter": {"number": "5000-K123456-26", "offence": None},
    "footage": [
        {
            "cameras": ["kassa"],
            "from": "2026-03-02T06:00:00+01:00",
            "to": "2026-03-02T06:10:00+01:00",
        }
    ],
    "description": "Inspelaren i kassan.",
    "language": "sv",
    "delivery": "in-person",
    "measure": {"taken": "inspelare Hikvision, serienummer 7"},
}


def test_an_approver_lends_the_right_to_decide_and_takes_it_back(shop: Run) -> None:
    lent = shop(
        "user", "delegate", "anna", "--from", OPENED, "--until", CLOSED, "--json", user="bo"
    ).json
    assert (lent["live"], lent["starts_at"]) == (False, "2026-03-02T23:00:00Z")
    assert "anna" in shop("user", "delegations", user="anna").out
    refused = shop("user", "delegate", "sam", "--from", OPENED, "--until", CLOSED, user="anna")
    assert refused.status == 1
    assert "only an approver" in refused.err
    nobody = shop("user", "delegate", "eve", "--from", OPENED, "--until", CLOSED, user="bo")
    assert (nobody.status, "eve" in nobody.err) == (1, True)
    assert shop("user", "undelegate", lent["id"], user="bo").status == 0
    again = shop("user", "undelegate", lent["id"], user="bo")
    assert (again.status, "ended already" in again.err) == (1, True)


def test_a_thing_that_was_taken_is_recorded_and_what_is_known_of_it_added(
    shop: Run, tmp_path: Path
) -> None:
    body = tmp_path / "taking.json"
    body.write_text(json.dumps(TAKING), encoding="utf-8")
    told = ("request", "taken", body, "--officer-seen", "tjänstekort visat i butiken")
    taken = shop(*told, "--json", user="anna").json
    assert taken["state"] == "under-review"
    noted = shop("request", "measure", taken["id"], "--protocol", "BE-2026-14", user="anna")
    assert noted.status == 0, noted.err
    shown = shop("request", "show", taken["id"], "--json", user="anna").json
    assert shown["body"]["measure"] == {
        "taken": "inspelare Hikvision, serienummer 7",
        "protocol": "BE-2026-14",
    }
    empty = shop("request", "measure", taken["id"], user="anna")
    assert (empty.status, "fill in" in empty.err) == (1, True)


@pytest.mark.parametrize(
    "words", [("hold", "release", "S-7K2M9Q4X"), ("incident", "close", "H-7K2M9Q4X")]
)
def test_what_changes_nothing_asks_for_no_reason(shop: Run, words: tuple[str, ...]) -> None:
    ran = shop(*words, user="anna")
    assert (ran.status, "--reason" in ran.err) == (2, True)
    dry = shop(*words, "--dry-run", user="anna")
    assert (dry.status, "there is no" in dry.err) == (1, True)


def test_what_people_may_and_how_a_clock_runs_is_told(shop: Run, tmp_path: Path) -> None:
    assert shop("user", "add", "siv", "--role", "staff", "--on-the-spot").status == 0
    (line,) = [each for each in shop("user", "list").out.splitlines() if each.startswith("siv")]
    assert "on the spot" in line
    assert "never measured" in shop("camera", "show", "kassa").out
    measured = ("--offset", "10", "--uncertainty", "1", "--measured-at", "2026-03-02T07:00:00Z")
    assert shop("camera", "clock", "kassa", *measured).status == 0
    assert "+10 s ± 1 s" in shop("camera", "show", "kassa").out
    assert "2026-03-02 08:00:00 CET" in shop("camera", "show", "kassa").out
    missing = shop("ingest", tmp_path / "nothing")
    assert (missing.status, "there is no file" in missing.out) == (1, True)
    document = tmp_path / "bytes"
    document.write_bytes(b"\xff\xfe\x00")
    wrong = shop("policy", "check", document)
    assert (wrong.status, "JSON" in wrong.err, "UTF-8" in wrong.err) == (2, False, True)
