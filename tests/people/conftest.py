"""A vault of a simulated shop on either engine, its accounts as a real vault would keep them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from cctv_vault.people.credentials import Credentials
from cctv_vault.people.service import People
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, open_shop


@dataclass
class House:
    """The accounts of a real vault, over a clock the test moves."""

    vault: Vault
    seconds: float = 0.0
    people: People = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(
            database=self.vault.database,
            ledger=self.vault.ledger,
            simulated=False,
            elapsed=lambda: self.seconds,
            credentials=Credentials(memory_kib=64),
        )

    def later(self, **length: float) -> None:
        """Let time pass in the vault."""
        self.vault.set_clock(SYSTEM, self.vault.clock.now() + timedelta(**length))


@pytest.fixture
def house(database_url: str | None, tmp_path: Path) -> Iterator[House]:
    """The house, once on each engine."""
    vault = open_shop(tmp_path, database_url)
    yield House(vault)
    vault.close()


@pytest.fixture
def quick_house(tmp_path: Path) -> Iterator[House]:
    """The house on SQLite alone, for what no database decides."""
    vault = open_shop(tmp_path)
    yield House(vault)
    vault.close()
