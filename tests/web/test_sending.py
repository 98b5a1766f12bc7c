"""What is sent while it is decrypted ends where the right to see it does."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cctv_vault.errors import ExpiredError
from cctv_vault.footage.reader import FootageReader
from cctv_vault.vault import Vault
from tests.shop import MANAGER, SYSTEM, film, open_shop, put
from web.sending import in_steps

STEP = 1000


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = open_shop(tmp_path)
    yield made
    made.close()


def test_a_whole_recording_read_slowly_is_not_read_past_its_end(
    vault: Vault, tmp_path: Path
) -> None:
    data = film(1, 5)
    taken = vault.ingest.offer(SYSTEM, put(tmp_path / "drop/kassa", "a_20260302_074500.mp4", data))
    assert taken.recording is not None
    recording = taken.recording

    def opened() -> FootageReader:
        return vault.access.play(MANAGER, recording, "stöld").reader

    assert b"".join(in_steps(opened(), len(data), STEP, opened)) == data
    slowly = in_steps(opened(), len(data), STEP, opened)
    assert next(slowly) == data[:STEP]
    vault.set_clock(SYSTEM, vault.clock.now() + timedelta(days=40))
    with pytest.raises(ExpiredError):
        next(slowly)


def test_nothing_is_sent_of_nothing_and_it_is_closed(tmp_path: Path) -> None:
    empty = put(tmp_path, "empty", b"").open("rb")
    assert list(in_steps(empty, 0, STEP, lambda: empty)) == []
    assert empty.closed
