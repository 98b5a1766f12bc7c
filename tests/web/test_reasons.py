"""Every reason the rules give for keeping a recording is a sentence in both languages."""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from cctv_vault.disclosure.history import sentence
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.retention.policy import Policy
from cctv_vault.retention.rules import Opening, base_until, shortened
from web.i18n import load_catalogues
from web.reasons import reason_words

CATALOGUES = load_catalogues()
SATURDAY = datetime(2026, 2, 28, 15, tzinfo=UTC)
CLOSED_SUNDAYS = frozenset(range(6))


def told(reason: str, language: str) -> str:
    return str(reason_words(reason, CATALOGUES[language], lambda code: f"[{code}]"))


def test_every_term_the_rules_give_is_told_in_both_languages() -> None:
    policy = Policy.parse(default_policy_text())
    stockholm = ZoneInfo("Europe/Stockholm")
    bases = [each for each in policy.purposes.values() if each.base_for]
    assert bases
    for purpose, source, days, late in product(
        bases, ("name", "arrival"), (None, CLOSED_SUNDAYS, frozenset({0}), frozenset()), (0, 3)
    ):
        term = base_until(
            purpose,
            captured=SATURDAY,
            arrived=SATURDAY + timedelta(days=late),
            time_source=source,
            opening=Opening(stockholm, days),
        )
        for reason in (term.reason, shortened(shortened(term.reason, 2), 3)):
            for language in CATALOGUES:
                words = told(reason, language)
                assert "lang=" not in words, reason
                assert words.endswith(".")
                assert (" 3 " in words) == ("version 3" in reason)


def test_a_reason_reads_like_a_sentence_of_its_language() -> None:
    reason = (
        "Prevention: 72h from capture, until 12:00 of the first opening day after it, at most 120h"
    )
    assert told(reason, "sv") == (
        "Sparas 72 timmar från inspelningen, dock till kl. 12.00 första öppetdagen därefter, högst "
        "120 timmar."
    )
    assert told(reason, "en") == (
        "Kept for 72 hours from the recording, yet until 12:00 of the first opening day after it, "
        "at most 120 hours."
    )
    assert told("X: 1d from arrival", "en") == "Kept for 1 day from when the file came in."
    assert told("<b>odd</b>", "sv") == '<span lang="en">&lt;b&gt;odd&lt;/b&gt;</span>'


def test_late_arrival_and_holds_are_told_too() -> None:
    late = "Late arrival: prevention ended before it arrived"
    assert "[prevention]" in told(late, "sv")
    assert told("Incident: held under S-7K2M9Q4X", "sv") == "Bevaras av spärren S-7K2M9Q4X."


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(30, "30 s"), (60, "1 min"), (150, "2 min 30 s"), (3600, "1 h"), (0, "0 s")],
)
def test_the_camera_time_of_a_short_window_is_told_in_seconds(seconds: int, says: str) -> None:
    words = sentence("request.assessed", "u-1", {"camera_seconds": seconds}, None)
    assert f"{says} kameratid" in words.sv
    assert f"{says} of camera time" in words.en


def test_one_of_a_thing_is_told_in_the_singular() -> None:
    one = sentence("request.prepared", "u-1", {"originals": 1, "clips": 1}, None)
    two = sentence("request.prepared", "u-1", {"originals": 2, "clips": 2}, None)
    assert (one.sv.split("med ")[1], two.sv.split("med ")[1]) == (
        "1 original och 1 film.",
        "2 original och 2 filmer.",
    )
    assert "1 original and 1 clip." in one.en
    assert "2 originals and 2 clips." in two.en


def test_every_count_has_a_singular_and_a_plural_in_both_languages() -> None:
    counted = [
        {key.removesuffix(".one") for key in catalogue.sentences if key.endswith(".one")}
        for catalogue in CATALOGUES.values()
    ]
    assert counted[0] == counted[1]
    for catalogue in CATALOGUES.values():
        assert all(f"{key}.other" in catalogue.sentences for key in counted[0])
        # A number is filled in only where its noun follows it.
        assert not [key for key, words in catalogue.sentences.items() if "{count}" in words]
