"""Whoever is watched is to know it: each place's sign is looked at, and told where it is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cctv_vault.check import check_vault
from cctv_vault.errors import AccessDeniedError, InvalidInputError, NotFoundError
from cctv_vault.footage.rules import Sign, sign_faults
from cctv_vault.people.actors import Role
from cctv_vault.vault import Vault
from tests.shop import ENGINES, NOW, SYSTEM, Lay, open_shop, person, settings_of

MANAGER = person(Role.MANAGER, name="Maja")
WHOLE = Sign("på dörren", there=True, controller=True, purpose=True, pointer=True)
YEAR = timedelta(days=365)


def furnish(folder: Path, url: str | None) -> Vault:
    """The shop, and a place with nothing but a camera for courses."""
    vault = open_shop(folder, url)
    vault.register.add_site(SYSTEM, "skolan")
    vault.register.add_camera(
        SYSTEM, "kurs", drop=folder / "drop" / "kurs", site="skolan", origin="production"
    )
    return vault


@pytest.fixture(params=ENGINES)
def vault(request: pytest.FixtureRequest, lay: Lay, tmp_path: Path) -> Iterator[Vault]:
    """The shop, once on each engine."""
    with lay(furnish, request.param, tmp_path) as url:
        vault = Vault.open(settings_of(tmp_path, url))
        yield vault
        vault.close()


def told(vault: Vault) -> list[str]:
    """What `check` says of signs."""
    return [each.sentence for each in check_vault(vault).findings if each.where.startswith("site ")]


def record(vault: Vault) -> str:
    """What stands above the record of processing."""
    return vault.registers.read(MANAGER, "art30").register.lead


def test_a_sign_is_there_says_all_three_and_was_seen_within_a_year() -> None:
    assert sign_faults(WHOLE, NOW, NOW + YEAR) == ()
    assert sign_faults(WHOLE, NOW, NOW + YEAR + timedelta(seconds=1)) == ("old",)
    assert sign_faults(None, None, NOW) == ("unseen",)
    assert sign_faults(replace(WHOLE, there=False), NOW, NOW) == ("absent",)
    for each in ("controller", "purpose", "pointer"):
        assert sign_faults(replace(WHOLE, **{each: False}), NOW, NOW) == (each,)  # type: ignore[arg-type]


def test_each_look_is_added_the_newest_counts_and_the_record_tells_it(vault: Vault) -> None:
    assert [(each.site, each.faults) for each in vault.signs.list(MANAGER)] == [
        ("butik", ("unseen",))
    ]
    assert "nobody has said" in told(vault)[0]
    assert "ingen uppgift" in record(vault)
    vault.signs.check(MANAGER, "butik", replace(WHOLE, there=False))
    assert "there is none" in told(vault)[0]
    assert "Skyltar om kamerabevakning: Butik: saknas." in record(vault)
    vault.signs.check(MANAGER, "butik", replace(WHOLE, pointer=False))
    assert "saknar hänvisning" in record(vault)
    seen = vault.signs.check(MANAGER, "butik", WHOLE)
    assert (seen.place, seen.checked_by, seen.faults) == ("på dörren", MANAGER.id, ())
    assert told(vault) == []
    assert "Butik: på dörren, kontrollerad 2026-03-02." in record(vault)
    vault.set_clock(SYSTEM, NOW + YEAR + timedelta(days=1))
    assert "more than a year" in told(vault)[0]
    entries = vault.log.entries(event="site.sign-checked")
    assert [each.facts["there"] for each in entries] == [False, True, True]
    assert vault.log.verify().findings == ()


def test_who_manages_or_sets_up_looks_and_says_where_it_hangs(vault: Vault) -> None:
    for other in (person(Role.STAFF), person(Role.APPROVER), person(Role.DPO)):
        with pytest.raises(AccessDeniedError):
            vault.signs.check(other, "butik", WHOLE)
    with pytest.raises(NotFoundError):
        vault.signs.check(MANAGER, "nowhere", WHOLE)
    with pytest.raises(InvalidInputError, match="where the sign hangs"):
        vault.signs.check(MANAGER, "butik", replace(WHOLE, place=" "))
    assert vault.signs.check(person(Role.ADMINISTRATOR), "butik", WHOLE).faults == ()
