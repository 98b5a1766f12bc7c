"""The shop, on either engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cctv_vault.vault import Vault
from tests.shop import open_shop


@pytest.fixture(params=["sqlite", "postgresql"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    """The shop's vault, once on each engine."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = open_shop(tmp_path, url)
    yield made
    made.close()


@pytest.fixture
def quick_vault(tmp_path: Path) -> Iterator[Vault]:
    """The shop's vault on SQLite alone, for what no database decides."""
    made = open_shop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """The drop folder of ``kassa``."""
    return tmp_path / "drop" / "kassa"
