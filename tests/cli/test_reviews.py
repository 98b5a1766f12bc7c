"""The command line tells what came of a review."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.shop import film, put

Run = Callable[..., Any]

TAKEN = {
    "requester": {"type": "seizure", "authority": "Polismyndigheten", "name": "Eva Ek"},
    "ground": {"code": "RB 27:17 a", "decision_maker": "åklagare Åsa Berg"},
    "footage": [
        {
            "cameras": ["kassa"],
            "from": "2026-03-02T07:00:00+01:00",
            "to": "2026-03-02T07:00:03+01:00",
        }
    ],
}


@pytest.mark.parametrize(
    ("answer", "says"),
    [("--approve", "the release is approved"), ("--disapprove", "the release is disapproved")],
)
def test_a_review_is_told_as_what_it_was(shop: Run, tmp_path: Path, answer: str, says: str) -> None:
    put(tmp_path / "drop", "20260302_070000.mp4", film(1, 5))
    assert shop("ingest", tmp_path / "drop").status == 0
    body = tmp_path / "taken.json"
    body.write_text(json.dumps(TAKEN), encoding="utf-8")
    seen = ("--officer-seen", "tjänstekort visat", "-o", tmp_path / "usb", "--json")
    spot = shop("request", "on-the-spot", body, *seen, user="sam")
    assert spot.status == 0, spot.err
    reviewed = shop("request", "review", spot.json["id"], answer, "--reason", "Sett.", user="bo")
    assert reviewed.status == 0
    assert says in reviewed.out
    assert "acknowledged" not in reviewed.out
