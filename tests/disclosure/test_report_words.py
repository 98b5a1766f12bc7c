"""The report says in Swedish and English what the record says in codes."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdf
import pytest

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.legal import Words
from cctv_vault.disclosure.report import make_report
from cctv_vault.disclosure.reportwords import (
    CAUSES,
    NO_VIDEO,
    TIME_SOURCES,
    cause_words,
    event_words,
    reason_words,
    time_source_words,
)
from cctv_vault.views import in_local_time

Shop = Any
ABOUT_FOOTAGE = (
    "camera.added",
    "camera.clock",
    "recording.",
    "source.",
    "footage.",
    "incident.",
    "hold.",
    "review.",
    "request.",
)


def told(record: dict[str, Any], acts: list[dict[str, Any]]) -> str:
    pages = pypdf.PdfReader(io.BytesIO(make_report(record, acts))).pages
    return " ".join("".join(page.extract_text() for page in pages).split())


def test_the_report_tells_causes_reasons_and_acts_in_words(quick_shop: Shop) -> None:
    package, _ = quick_shop.prepared()
    with zipfile.ZipFile(package) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith("data/record.json")]
        record = json.loads(archive.read(name))
    start = datetime(2026, 3, 1, 8, tzinfo=UTC)
    window = dict(record["approved"][0])
    record["gaps"] = [window | {"cause": code} for code in CAUSES]
    record["without_clip"] = [window | {"reason": NO_VIDEO.en}]
    acts = [
        {
            "index": str(index),
            "at": f"{start + timedelta(minutes=index)}",
            "event": event,
            "words": event_words(event, {}),
            "subject": "",
            "actor": "system",
        }
        for index, event in enumerate(("recording.sealed", "footage.viewed"))
    ]
    text = told(record, acts)
    for code in CAUSES:
        assert cause_words(code)["sv"] in text
        assert cause_words(code)["en"] in text
    for word in ("förseglade inspelningen", "tittade på inspelningen", NO_VIDEO.sv):
        assert word in text, word
    for code in ("– silent", "– quarantined", "intake-stopped", "clock-step"):
        assert code not in text, code


@pytest.mark.parametrize("event", [each for each in Event if each.startswith(ABOUT_FOOTAGE)])
def test_no_act_on_footage_or_on_a_request_is_told_by_its_code(event: Event) -> None:
    words = event_words(event, {})
    assert event.value not in (words["sv"], words["en"])
    assert words["sv"] != words["en"]


def test_what_has_no_words_keeps_its_english_beside_swedish_that_is_true() -> None:
    sentence = "the decoder failed on this file (signal 11)"
    assert reason_words(sentence) == {
        "sv": "det gick inte att läsa ur inspelningen",
        "en": sentence,
    }
    assert time_source_words("name") == {
        "sv": TIME_SOURCES["name"].sv,
        "en": TIME_SOURCES["name"].en,
    }
    assert isinstance(TIME_SOURCES["arrival"], Words)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("until 2026-03-01T08:00:00Z", "until 2026-03-01 09:00:00 CET"),
        ("at 2026-07-01T08:00:00.25Z now", "at 2026-07-01 10:00:00 CEST now"),
        ("write 2026-03-01T09:00:00+01:00", "write 2026-03-01T09:00:00+01:00"),
        ("no time: 2026-13-01T08:00:00Z", "no time: 2026-13-01T08:00:00Z"),
    ],
)
def test_a_sentence_for_people_tells_its_times_on_their_clocks(said: str, shown: str) -> None:
    assert in_local_time(said, "Europe/Stockholm") == shown
