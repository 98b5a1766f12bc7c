"""The letter says what the policy in force says, and what the published text gets wrong."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctv_vault.cli.main import main
from cctv_vault.retention.letter import Letter, Sound, in_words, write_letter
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.retention.policy import Period, Policy

SHIPPED = default_policy_text()
_PURPOSE = re.compile(r"\[\[purpose\]\]\n(?:.+\n)+")


def letter(text: str = SHIPPED, sound: Sound = Sound()) -> Letter:  # noqa: B008 - frozen
    return write_letter(
        Policy.parse(text),
        controller="Butiken AB",
        effective_at=datetime(2026, 6, 30, 22, 30, tzinfo=UTC),
        zone="Europe/Stockholm",
        sound=sound,
    )


def published(found: Letter) -> str:
    """What is proposed for publication."""
    return "\n".join(part for each in found.sections for part in each.paragraphs)


@pytest.mark.parametrize("purpose", _PURPOSE.findall(SHIPPED), ids=lambda text: text.split('"')[1])
def test_every_period_of_the_policy_stands_in_it_and_follows_the_policy(purpose: str) -> None:
    for name in ("period", "ceiling", "extension", "after_report"):
        found = re.search(rf'^{name} = "(.+)"$', purpose, re.MULTILINE)
        if found is None:
            continue
        assert in_words(Period.parse(found[1])) in published(letter())
        changed = purpose.replace(found[0], f'{name} = "777d"')
        assert "777 dygn" not in published(letter())
        assert "777 dygn" in published(letter(SHIPPED.replace(purpose, changed)))


def test_the_first_opening_day_and_the_day_it_takes_effect_are_told_on_the_shops_clocks() -> None:
    assert "klockan 12.00 den första öppna dagen efter inspelningen" in published(letter())
    assert "gäller från och med 2026-07-01" in published(letter())
    assert "klockan 10.30" in published(letter(SHIPPED.replace('"12:00"', '"10:30"')))


def test_a_purpose_of_the_house_stands_there_too() -> None:
    own = (
        '[[purpose]]\ncode = "stock"\nsv = "Inventering"\nen = "Stock-taking"\n'
        'statute = "GDPR 6.1 f"\nstarts = "placing"\nhold = true\nperiod = "9d"\nsource = "vi"\n'
    )
    assert "Inventering: materialet lagras i 9 dygn." in published(letter(SHIPPED + own))


def test_it_names_the_authority_that_there_is_and_asks_no_fee() -> None:
    text = published(letter())
    assert "Integritetsskyddsmyndigheten" in text
    assert "Datainspektionen" not in text
    assert "Det är gratis" in text
    assert "kalenderår" not in text
    assert "obestämd tid" not in text
    assert "undertecknad" not in text
    assert "Butiken AB" in text
    assert "AllCall" not in letter().text
    assert "{" not in letter().text


def test_where_the_published_text_and_the_law_disagree_the_officer_is_told() -> None:
    note = "\n".join(letter().note.paragraphs)
    for clause in ("S3", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14", "S15", "S16"):
        assert re.search(rf"\b{clause}\b", note), clause
    assert "samtyckeshandling" in note
    assert "samtyckeshandling" not in published(letter())
    assert letter().text.index("PUBLICERAS INTE") > letter().text.index("7. KLAGOMÅL")


def test_it_says_of_sound_what_the_register_says() -> None:
    assert "Kamerorna tar inte upp ljud." in published(letter())
    heard = letter(sound=Sound(("Kassan", "Lagret"), ("Entrén",)))
    assert "Ljud tas upp av Kassan och Lagret." in published(heard)
    note = heard.note.paragraphs
    assert "För Entrén har ingen svarat" in note[-2]
    assert "starka skäl" in note[-1]


def test_what_is_longer_than_the_guideline_is_told_with_its_reason() -> None:
    longer = SHIPPED.replace('period = "72h"', 'period = "96h"\nreason = "lagret töms på måndagar"')
    assert "lagret töms på måndagar" in letter(longer).note.paragraphs[-1]
    assert "lagret töms" not in published(letter(longer))


def test_periods_are_written_as_swedes_write_them() -> None:
    found = [in_words(Period.parse(each)) for each in ("1h", "72h", "1d", "24mo", "1mo", "5y")]
    assert found == ["1 timme", "72 timmar", "1 dygn", "24 månader", "1 månad", "5 år"]


def test_the_command_line_writes_it_from_the_policy_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(tmp_path / "home"), "--keys", str(tmp_path / "keys"))
    given = ("--controller", "Butiken AB", "--simulated-clock", "2026-03-02T08:00:00+01:00")
    assert main([*home, "init", *given]) == 0
    drop = ("--drop", str(tmp_path / "drop"), "--name", "Kassan")
    assert main([*home, "camera", "add", "kassa", *drop]) == 0
    capsys.readouterr()
    assert main([*home, "policy", "letter"]) == 0
    written = capsys.readouterr().out
    assert "5. LAGRING AV PERSONUPPGIFTER" in written
    assert "För Kassan har ingen svarat" in written
    assert main([*home, "policy", "letter", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sections"][0]["heading"].startswith("4.")
