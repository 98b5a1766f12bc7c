"""On an S3 store as in a folder: what windows and withdrawals leave, and what they end."""

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cctv_vault.errors import ExpiredError
from cctv_vault.people.actors import Role
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.vault import Vault
from tests.shop import MANAGER, NOW, SYSTEM, film, person, picture, put, settings_of
from tests.storage.conftest import Gateway

OFFICER = person(Role.PRIVACY_OFFICER, name="Pia")
BEGAN = NOW.astimezone(UTC) - timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def made(gateway: Gateway, tmp_path: Path) -> Callable[[], Vault]:
    """Makes a vault whose footage lies in the bucket, with ``kassa`` and ``kurs``."""

    def make() -> Vault:
        settings = settings_of(tmp_path).model_copy(
            update={
                "s3_bucket": gateway.bucket,
                "s3_endpoint": gateway.endpoint,
                "s3_access_key": SecretStr(gateway.access_key),
                "s3_secret_key": SecretStr(gateway.secret_key),
            }
        )
        vault = Vault.create(
            settings, "", controller="Butiken", zone="Europe/Stockholm", simulated_clock=NOW
        )
        for code, origin in (("kassa", "surveillance"), ("kurs", "production")):
            vault.register.add_camera(SYSTEM, code, drop=tmp_path / "drop" / code, origin=origin)
        return vault

    return make


def test_a_window_alone_is_kept_and_a_withdrawal_ends_an_item(
    made: Callable[[], Vault], tmp_path: Path
) -> None:
    vault = made()
    text = default_policy_text().replace("version = 1\n", "version = 2\n", 1)
    windowed = text.replace('code = "incident"\n', 'code = "incident"\nkeep = "window"\n')
    vault.publisher.publish(OFFICER, windowed, NOW)
    vault.register.measure_clock(SYSTEM, "kassa", 0.0, 1.0, NOW)
    drop = tmp_path / "drop"
    whole = vault.ingest.offer(SYSTEM, put(drop / "kassa", "20260302_070000.mp4", film(1, 30)))
    photo = vault.ingest.offer(SYSTEM, put(drop / "kurs", "20260302_070000.jpg", picture(1)))
    assert whole.recording is not None
    assert photo.recording is not None
    vault.incidents.flag(
        MANAGER,
        cameras=["kassa"],
        starts_at=BEGAN + 10 * SECOND,
        ends_at=BEGAN + 15 * SECOND,
        title="stöld",
        category="theft",
    )
    anna = vault.consents.add_subject(MANAGER, "Anna")
    vault.consents.declare(MANAGER, photo.recording, [anna.id])
    vault.consents.withdraw(MANAGER, anna.id)
    vault.set_clock(SYSTEM, NOW + timedelta(days=6))
    assert vault.sweeper.run(MANAGER).alarm is None

    (window,) = vault.catalogue.list(MANAGER)
    assert window.id != whole.recording
    with vault.access.open_internal(window.id) as reader:
        assert len(reader.read()) == window.bytes
    for gone in (whole.recording, photo.recording):
        with pytest.raises(ExpiredError):
            vault.access.open_internal(gone)
    names = set(vault.store.names(""))
    assert any(window.id in each for each in names)
    assert not any(whole.recording in each or photo.recording in each for each in names)
    vault.close()
