from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
)
from cctv_vault.people.actors import Role
from cctv_vault.vault import Vault
from tests.shop import MANAGER, SYSTEM, person


def test_a_camera_without_a_site_joins_the_only_one_there_is(vault: Vault) -> None:
    (site,) = vault.register.sites(SYSTEM)
    cameras = vault.register.cameras(SYSTEM)

    assert (site.code, site.zone) == ("butik", "Europe/Stockholm")
    assert [(each.code, each.site, each.zone) for each in cameras] == [
        ("entre", "butik", "Europe/Stockholm"),
        ("kassa", "butik", "Europe/Stockholm"),
    ]


def test_with_several_sites_a_camera_says_which(quick_vault: Vault, tmp_path: Path) -> None:
    quick_vault.register.add_site(SYSTEM, "lund", zone="Europe/Copenhagen")

    with pytest.raises(InvalidInputError, match="butik, lund"):
        quick_vault.register.add_camera(SYSTEM, "lager", drop=tmp_path / "drop" / "lager")
    added = quick_vault.register.add_camera(
        SYSTEM, "lager", drop=tmp_path / "drop" / "lager", site="lund"
    )
    assert added.zone == "Europe/Copenhagen"
    with pytest.raises(NotFoundError, match="butik, lund"):
        quick_vault.register.add_camera(SYSTEM, "x", drop=tmp_path / "x", site="malmo")


@pytest.mark.parametrize("code", ["", "Kassa", "a b", "-a", "a/b", "å", "a" * 32])
def test_a_code_that_is_no_code_is_refused_in_words_and_entered(
    quick_vault: Vault, tmp_path: Path, code: str
) -> None:
    with pytest.raises(InvalidInputError, match="begin with a letter or digit"):
        quick_vault.register.add_camera(SYSTEM, code, drop=tmp_path / "x")

    assert quick_vault.log.entries(newest_first=True)[0].event == Event.REFUSED


@pytest.mark.parametrize(
    "place",
    ["home", "home/blobs", "keys", ".", "drop/kassa", "drop/kassa/sub", "drop", "link/sub"],
)
def test_a_drop_folder_in_the_vault_or_around_another_is_refused(
    quick_vault: Vault, tmp_path: Path, place: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "home")

    with pytest.raises((InvalidInputError, AlreadyExistsError)):
        quick_vault.register.add_camera(SYSTEM, "lager", drop=tmp_path / place)


def test_a_drop_folder_must_be_absolute_and_may_not_be_a_file(
    quick_vault: Vault, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for place in (Path("drop"), tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InvalidInputError):
            quick_vault.register.add_camera(SYSTEM, "lager", drop=place)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Europe/Nowhere"},
        {"zone": "../../etc/passwd"},
        {"origin": "private"},
        {"sound": "maybe"},
        {"convention": "nosuch"},
        {"recorder_retention_days": -1},
    ],
)
def test_what_a_camera_cannot_be_is_refused(
    quick_vault: Vault, tmp_path: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(InvalidInputError):
        quick_vault.register.add_camera(SYSTEM, "lager", drop=tmp_path / "x", **wrong)  # type: ignore[arg-type]


def test_setting_up_needs_the_right_when_a_person_does_it(
    quick_vault: Vault, tmp_path: Path
) -> None:
    with pytest.raises(AccessDeniedError):
        quick_vault.register.add_camera(MANAGER, "lager", drop=tmp_path / "x")

    administrator = person(Role.ADMINISTRATOR)
    assert quick_vault.register.add_camera(administrator, "lager", drop=tmp_path / "x").code


def test_a_drop_folder_on_a_disk_is_warned_of_and_one_in_memory_is_not(
    quick_vault: Vault, tmp_path: Path
) -> None:
    memory = Path("/dev/shm") / tmp_path.name  # noqa: S108 - in memory is the point
    try:
        quiet = quick_vault.register.add_camera(SYSTEM, "lager", drop=memory)
        disk = quick_vault.register.camera(SYSTEM, "kassa")

        assert quiet.warnings == ()
        assert "plaintext on a disk" in disk.warnings[0]
    finally:
        memory.rmdir()


def test_an_unknown_camera_is_answered_with_those_there_are(quick_vault: Vault) -> None:
    with pytest.raises(NotFoundError, match="the cameras are entre, kassa"):
        quick_vault.register.camera(SYSTEM, "lager")


def test_a_measured_clock_is_kept_with_its_history_and_may_not_lie_ahead(vault: Vault) -> None:
    now = vault.clock.now()
    measured = vault.register.measure_clock(SYSTEM, "kassa", 12.5, 0.5, now - timedelta(hours=1))

    assert (measured.clock_offset_s, measured.clock_uncertainty_s) == (12.5, 0.5)
    entry = vault.log.entries(subject="kassa", newest_first=True)[0]
    assert entry.facts["offset_ms"] == 12_500
    for offset, uncertainty, moment in (
        (float("nan"), 1.0, now),
        (0.0, -1.0, now),
        (0.0, float("inf"), now),
        (0.0, 1.0, datetime(2030, 1, 1, tzinfo=UTC)),
    ):
        with pytest.raises(InvalidInputError):
            vault.register.measure_clock(SYSTEM, "kassa", offset, uncertainty, moment)


@pytest.mark.parametrize(
    "opening",
    [
        {"funday": [["10:00", "18:00"]]},
        {"mon": [["18:00", "10:00"]]},
        {"mon": [["10:00"]]},
        {"mon": "10-18"},
        {"closed": ["midsommar"]},
    ],
)
def test_opening_hours_that_mean_nothing_are_refused(
    quick_vault: Vault, opening: dict[str, object]
) -> None:
    with pytest.raises(InvalidInputError, match="opening hours read like"):
        quick_vault.register.add_site(SYSTEM, "lund", opening=opening)


def test_opening_hours_are_kept_as_given(quick_vault: Vault) -> None:
    opening = {"mon": [["10:00", "18:00"]], "sun": [], "closed": ["2026-06-19"]}

    assert quick_vault.register.add_site(SYSTEM, "lund", opening=opening).opening == opening
