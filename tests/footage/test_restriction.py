"""Restriction of processing (Art. 18): the footage is kept, and nobody uses it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.errors import OnHoldError
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from tests.shop import NOW, SYSTEM, film, open_shop, person, put

OFFICER = person(Role.PRIVACY_OFFICER)
HOUR = timedelta(hours=1)


@pytest.fixture
def vault(tmp_path: Path, database_url: str | None) -> Iterator[Vault]:
    vault = open_shop(tmp_path, database_url)
    yield vault
    vault.close()


def test_it_is_neither_looked_at_nor_copied_until_the_restriction_is_lifted(
    vault: Vault, tmp_path: Path
) -> None:
    path = put(tmp_path / "drop" / "kassa", "20260302_073000.mp4", film(1, 4))
    recording = vault.ingest.offer(SYSTEM, path).recording
    assert recording is not None
    window = ("kassa", NOW - HOUR, NOW)
    order = HoldOrder("restriction", (window,), "bestrider riktigheten")
    hold = vault.holds.place_as(OFFICER, order)
    assert hold.recordings == 1

    access, why = vault.access, {"reason": "utredning", "purpose": "claim"}

    def clip() -> object:
        out = BytesIO()
        return access.clip(
            OFFICER, camera="kassa", start=NOW - HOUR, end=NOW, out=out, reason="x", purpose="claim"
        )

    uses: tuple[Callable[[], object], ...] = (
        partial(access.open, OFFICER, recording, "tittar"),
        partial(access.play, OFFICER, recording, "tittar"),
        partial(access.thumbnail, OFFICER, recording),
        partial(access.open_internal, recording),
        partial(access.export, OFFICER, recording, BytesIO(), **why),
        clip,
    )
    for use in uses:
        with pytest.raises(OnHoldError, match="restriction of processing"):
            use()
    refused = vault.log.entries(event=Event.REFUSED.value)
    assert {each.facts["code"] for each in refused} == {"on-hold"}
    assert vault.catalogue.show(OFFICER, recording).grants[-1].purpose == "restriction"

    vault.holds.release_as(OFFICER, hold.id, "uppgiften visade sig riktig")
    for use in uses:
        use()
