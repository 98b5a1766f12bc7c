"""Personal-data breaches: 72 hours, four weeks, and a register in which nothing is written over."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctv_vault.breaches.rules import BreachFacts, calls, is_late, missing
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import Role
from cctv_vault.vault import Vault
from tests.shop import ENGINES, NOW, SYSTEM, Lay, open_shop, person, settings_of

T0 = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPEN = BreachFacts(discovered_at=T0)
OFFICER = person(Role.PRIVACY_OFFICER, name="Pia")
CLEARED = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
MANAGER = person(Role.MANAGER, name="Maja")
SAID = {
    "what": "Ett usb-minne med bilder glömdes på bussen.",
    "categories": "Bilder från kassan av kunder.",
    "consequences": "Den som hittar minnet kan se vem som handlade.",
}


def furnish(folder: Path, url: str | None) -> Vault:
    """The shop without footage."""
    return open_shop(folder, url)


@pytest.fixture(params=ENGINES)
def vault(request: pytest.FixtureRequest, lay: Lay, tmp_path: Path) -> Iterator[Vault]:
    """The shop, once on each engine."""
    with lay(furnish, request.param, tmp_path) as url:
        vault = Vault.open(settings_of(tmp_path, url))
        yield vault
        vault.close()


@pytest.fixture
def quick(lay: Lay, tmp_path: Path) -> Iterator[Vault]:
    """The shop on SQLite alone."""
    with lay(furnish, "sqlite", tmp_path) as url:
        vault = Vault.open(settings_of(tmp_path, url))
        yield vault
        vault.close()


def entered(vault: Vault, **changes: object) -> str:
    """A breach that was discovered an hour ago."""
    given = {"persons": 40, **changes}
    found = vault.breaches.enter(OFFICER, vault.clock.now() - HOUR, SAID, **given)  # type: ignore[arg-type]
    return found.id


def test_72_hours_run_from_the_discovery_and_four_weeks_from_a_first_report() -> None:
    assert [(each.what, each.due_at) for each in calls(OPEN, T0)] == [
        ("report", T0 + 72 * HOUR),
        ("persons", T0 + 72 * HOUR),
    ]
    first = replace(OPEN, reported_at=T0 + HOUR, told=True)
    assert [(each.what, each.due_at) for each in calls(first, T0)] == [
        ("supplement", T0 + HOUR + timedelta(weeks=4))
    ]
    assert calls(replace(first, whole=True), T0) == ()
    assert calls(replace(OPEN, closed=True), T0) == ()


def test_a_term_is_near_a_day_before_and_overdue_once_it_has_passed() -> None:
    def told(hours: float) -> tuple[bool, bool]:
        (report, _) = calls(OPEN, T0 + hours * HOUR)
        return report.near, report.overdue

    assert [told(47.9), told(48), told(72), told(72.1)] == [
        *((False, False), (True, False)),
        *((True, False), (True, True)),
    ]
    assert not is_late(T0, T0 + 72 * HOUR)
    assert is_late(T0, T0 + 73 * HOUR)


def test_what_the_law_wants_documented_is_missing_until_it_is_there() -> None:
    assert missing(OPEN) == ("report", "persons", "measures")
    assert missing(replace(OPEN, unreported=True, told=True, measures=True)) == ()


def test_a_breach_goes_from_discovery_to_its_end_and_stands_in_the_register(vault: Vault) -> None:
    breach = entered(vault)
    breaches = vault.breaches
    with pytest.raises(GateNotMetError, match="when IMY was told"):
        breaches.close(OFFICER, breach, "Klart.")
    breaches.report(OFFICER, breach, vault.clock.now(), whole=False, number="IMY-2026-77")
    breaches.amend(OFFICER, breach, {"measures": "Minnen krypteras."}, persons=55)
    breaches.tell(OFFICER, breach, "Anslag i butiken.", told_at=vault.clock.now())
    assert [each.what for each in breaches.show(MANAGER, breach).calls] == ["supplement"]
    vault.set_clock(SYSTEM, NOW + timedelta(days=2))
    breaches.supplement(OFFICER, breach, vault.clock.now(), "Antalet är 55.")
    done = breaches.close(OFFICER, breach, "Allt är gjort.")
    assert (done.calls, done.persons) == ((), 55)
    with pytest.raises(TransitionNotAllowedError):
        breaches.amend(OFFICER, breach, {"what": "Mer."})

    events = [each.event for each in vault.log.entries(subject=breach)]
    assert [each for each in events if each != "act.refused"] == [
        f"breach.{each}"
        for each in ("entered", "reported", "amended", "persons-told", "supplemented", "closed")
    ]
    told = vault.registers.export(MANAGER, "breaches", "csv").decode()
    (row,) = csv.DictReader(io.StringIO(told))
    assert row["what"] == SAID["what"]
    assert (row["persons"], row["measures"]) == ("55", "Minnen krypteras.")
    assert "IMY-2026-77" in row["imy"]
    assert "Anslag i butiken." in row["told"]
    assert vault.registers.export(MANAGER, "breaches", "pdf").startswith(b"%PDF-1.")
    assert vault.log.verify().findings == ()


def test_the_newest_word_counts_and_the_older_ones_stay(quick: Vault) -> None:
    breach = entered(quick)
    quick.breaches.amend(OFFICER, breach, {"consequences": "Ingen: minnet är återfunnet."})
    shown = quick.breaches.show(MANAGER, breach)
    assert shown.said["consequences"] == "Ingen: minnet är återfunnet."
    assert shown.said["what"] == SAID["what"]
    assert [each.words.get("consequences") for each in shown.notes] == [
        SAID["consequences"],
        "Ingen: minnet är återfunnet.",
    ]
    with pytest.raises(InvalidInputError):
        quick.breaches.amend(OFFICER, breach, {"what": " "})


def test_a_late_report_says_why_and_an_unreported_breach_says_why_not(quick: Vault) -> None:
    late, never = entered(quick), entered(quick)
    quick.set_clock(SYSTEM, NOW + timedelta(hours=72))
    (report, _) = quick.breaches.show(OFFICER, late).calls
    assert report.overdue
    with pytest.raises(GateNotMetError, match="why it came late"):
        quick.breaches.report(OFFICER, late, quick.clock.now(), whole=True)
    told = quick.breaches.report(
        OFFICER, late, quick.clock.now(), whole=True, delay="Det var långhelg."
    )
    assert told.late
    with pytest.raises(TransitionNotAllowedError):
        quick.breaches.report(OFFICER, late, quick.clock.now(), whole=True)
    with pytest.raises(InvalidInputError):
        quick.breaches.leave_unreported(OFFICER, never, "")
    quick.breaches.leave_unreported(OFFICER, never, "Minnet var krypterat.")
    told = quick.breaches.tell(OFFICER, never, "Ingen risk.")
    assert (told.calls, told.told_at) == ((), None)


def test_only_the_privacy_officer_writes_and_who_reads_registers_reads(quick: Vault) -> None:
    breach = entered(quick)
    for other in (MANAGER, person(Role.DPO), person(Role.AUDITOR), person(Role.ADMINISTRATOR)):
        with pytest.raises(AccessDeniedError):
            quick.breaches.enter(other, NOW, SAID)
        with pytest.raises(AccessDeniedError):
            quick.breaches.amend(other, breach, {"what": "x"})
    for reader in (MANAGER, person(Role.DPO), person(Role.AUDITOR)):
        assert [each.id for each in quick.breaches.list(reader)] == [breach]
    for nobody in (person(Role.STAFF), person(Role.ADMINISTRATOR)):
        with pytest.raises(AccessDeniedError):
            quick.breaches.list(nobody)
        with pytest.raises(AccessDeniedError):
            quick.breaches.show(nobody, breach)


def test_a_breach_in_a_secret_matter_is_nowhere_for_who_is_not_cleared(quick: Vault) -> None:
    with pytest.raises(AccessDeniedError, match="cleared"):
        quick.breaches.enter(OFFICER, NOW - HOUR, SAID, gagged=True)
    secret = quick.breaches.enter(CLEARED, NOW - HOUR, SAID, gagged=True).id
    assert quick.breaches.list(OFFICER) == ()
    with pytest.raises(NotFoundError):
        quick.breaches.show(OFFICER, secret)
    with pytest.raises(NotFoundError):
        quick.breaches.amend(OFFICER, secret, {"what": "x"})
    assert secret not in quick.registers.export(OFFICER, "breaches", "csv").decode()
    assert not quick.visible_entries(OFFICER, event="breach.entered")
    assert [each.id for each in quick.breaches.list(CLEARED)] == [secret]
    assert secret in quick.registers.export(CLEARED, "breaches", "csv").decode()


def test_no_number_of_a_person_and_no_future_stands_in_it(quick: Vault) -> None:
    with pytest.raises(InvalidInputError, match="personal identity number"):
        quick.breaches.enter(OFFICER, NOW, {**SAID, "what": "Gällde 850709-9805."})
    with pytest.raises(InvalidInputError, match="future"):
        quick.breaches.enter(OFFICER, NOW + HOUR, SAID)
    with pytest.raises(InvalidInputError):
        quick.breaches.report(OFFICER, entered(quick), NOW - 2 * HOUR, whole=True)


def test_the_log_holds_none_of_its_words(quick: Vault) -> None:
    breach = entered(quick)
    quick.breaches.leave_unreported(OFFICER, breach, "Minnet var krypterat.")
    bodies = [str(each.facts) for each in quick.log.entries(subject=breach)]
    assert not any("minne" in each.casefold() for each in bodies)
