"""A shop that also takes photographs and films of its courses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cctv_vault.vault import Vault
from tests.shop import SYSTEM, film, open_shop, picture, put


@pytest.fixture
def vault(tmp_path: Path, database_url: str | None) -> Iterator[Vault]:
    """Both engines; the camera ``kurs`` is of production, ``kassa`` of surveillance."""
    vault = open_shop(tmp_path, database_url)
    vault.register.add_camera(SYSTEM, "kurs", drop=tmp_path / "drop" / "kurs", origin="production")
    for camera in ("kurs", "kassa"):
        folder = tmp_path / "drop" / camera
        put(folder, "20260302_070000.jpg", picture(1 + len(camera)))
        put(folder, "20260302_071000.mp4", film(len(camera), 2))
        outcomes = list(vault.ingest.offer_all(SYSTEM, sorted(folder.iterdir())))
        assert {each.outcome for each in outcomes} == {"sealed"}
    yield vault
    vault.close()


@pytest.fixture
def photograph(vault: Vault) -> str:
    """A photograph of a course."""
    return next(vault.catalogue.list(SYSTEM, cameras=("kurs",), kind="still")).id


@pytest.fixture
def course_film(vault: Vault) -> str:
    """A film of a course."""
    return next(vault.catalogue.list(SYSTEM, cameras=("kurs",), kind="video")).id
