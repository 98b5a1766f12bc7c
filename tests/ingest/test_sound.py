"""Cameras that record sound although the register says that they must not (S3)."""

from pathlib import Path

from cctv_vault.custody.events import Event
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, film, put


def _camera(vault: Vault, sound: str) -> Path:
    drop = vault.settings.home.parent / "drop" / f"sound-{sound}"
    vault.register.add_camera(SYSTEM, f"sound-{sound}", drop=drop, sound=sound)
    return drop


def _found(vault: Vault) -> list[str | None]:
    return [each.subject for each in vault.log.entries(event=Event.CAMERA_SOUND_FOUND)]


def test_a_camera_with_unlawful_sound_raises_a_fault_at_its_first_such_file(vault: Vault) -> None:
    drop = _camera(vault, "no")
    silent = vault.ingest.offer(SYSTEM, put(drop, "a_20260302_074400.mp4", film(1, 1.0)))
    assert (silent.reason, _found(vault)) == ("", [])

    loud = film(2, 2.0, sound=True)
    first = vault.ingest.offer(SYSTEM, put(drop, "a_20260302_074500.mp4", loud))
    vault.ingest.offer(SYSTEM, put(drop, "a_20260302_074600.mp4", film(3, 2.0, sound=True)))

    assert first.outcome == "sealed"
    assert "not lawful" in first.reason
    assert _found(vault) == ["sound-no"]
    assert any("microphone" in each for each in vault.register.camera(SYSTEM, "sound-no").warnings)
    with vault.access.open_internal(str(first.recording)) as footage:
        assert footage.read() == loud  # originals stay as they came
    assert not vault.log.verify().findings


def test_lawful_sound_is_no_fault(quick_vault: Vault) -> None:
    drop = _camera(quick_vault, "yes")

    outcome = quick_vault.ingest.offer(
        SYSTEM, put(drop, "a_20260302_074500.mp4", film(1, 2.0, sound=True))
    )

    assert (outcome.reason, _found(quick_vault)) == ("", [])
    assert not any("sound" in each for each in quick_vault.register.cameras(SYSTEM)[-1].warnings)
