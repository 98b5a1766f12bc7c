"""Nothing of a camera is taken in before the register says what it is for (S2, S3)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.errors import AccessDeniedError, InvalidInputError, NotFoundError
from cctv_vault.people.actors import Role
from cctv_vault.retention.policy import is_vague
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, open_shop, person, picture, put, settings_of

ALL = ["purpose", "view", "sound"]
NAME = "20260302_073000.jpg"


@pytest.fixture
def real(tmp_path: Path, database_url: str | None) -> Iterator[Vault]:
    """A vault that lives in the machine's time, with one camera nobody described."""
    vault = Vault.create(
        settings_of(tmp_path, database_url), "", controller="Butiken AB", zone="Europe/Stockholm"
    )
    vault.register.add_camera(SYSTEM, "kassa", drop=tmp_path / "drop" / "kassa")
    yield vault
    vault.close()


def waiting(vault: Vault) -> list[object]:
    return [each.facts["missing"] for each in vault.log.entries(event=Event.INTAKE_WAITING.value)]


def test_a_camera_without_purpose_view_and_answer_on_sound_takes_nothing_in(
    real: Vault, tmp_path: Path
) -> None:
    path = put(tmp_path / "drop" / "kassa", NAME, picture(1))
    real.ingest.offer(SYSTEM, path)
    outcome = real.ingest.offer(SYSTEM, path)
    assert outcome.outcome == "waiting"
    for words in ("a purpose of its own", "what it sees", "sound (yes or no)", "camera set kassa"):
        assert words in outcome.reason
    assert path.exists()
    assert waiting(real) == [ALL]  # told once, not at every look

    real.register.describe(SYSTEM, "kassa", purpose="Säkerhet i lokalen", view="disken och kassan")
    assert real.ingest.offer(SYSTEM, path).outcome == "waiting"
    assert waiting(real) == [ALL, ["purpose", "sound"]]  # safety alone is too vague

    real.register.describe(SYSTEM, "kassa", purpose="stöld och hot vid kassan", sound="no")
    assert real.ingest.offer(SYSTEM, path).outcome in {"sealed", "late"}
    assert not path.exists()


def test_a_preview_says_what_is_missing_and_enters_nothing(real: Vault, tmp_path: Path) -> None:
    path = put(tmp_path / "drop" / "kassa", NAME, picture(1))
    (told,) = real.ingest.preview_all(SYSTEM, [path])
    assert told.outcome == "waiting"
    assert waiting(real) == []


def test_a_simulated_vault_asks_only_where_its_policy_says_so(tmp_path: Path) -> None:
    vault = open_shop(tmp_path)
    first = put(tmp_path / "drop" / "kassa", NAME, picture(1))
    assert vault.ingest.offer(SYSTEM, first).outcome == "sealed"

    text = vault.policies.show().document
    text = text.replace("version = 1", "version = 2").replace(
        "in_simulated = false", "in_simulated = true"
    )
    officer = person(Role.PRIVACY_OFFICER)
    vault.publisher.publish(officer, text, vault.clock.now())
    second = put(tmp_path / "drop" / "kassa", "20260302_073100.jpg", picture(2))
    assert vault.ingest.offer(SYSTEM, second).outcome == "waiting"
    vault.close()


def test_what_the_register_says_is_changed_by_who_sets_up_and_stands_in_the_log(
    tmp_path: Path,
) -> None:
    vault = open_shop(tmp_path)
    admin = person(Role.ADMINISTRATOR)
    vault.register.describe(admin, "kassa", name="Kassan", purpose="stöld vid kassan", sound="no")
    again = vault.register.describe(admin, "kassa", view="disken", recorder_retention_days=14)
    assert (again.name, again.purpose, again.view, again.sound) == (
        *("Kassan", "stöld vid kassan"),
        *("disken", "no"),
    )
    first, second = vault.log.entries(event=Event.CAMERA_CHANGED.value)
    assert first.facts["changed"] == ["name", "purpose_text", "sound"]
    assert first.details is not None
    assert first.details["before"] == {"name": "kassa", "purpose_text": "", "sound": ""}
    assert "stöld".encode() not in first.body
    assert second.facts["changed"] == ["recorder_retention_days", "view"]
    with pytest.raises(InvalidInputError):
        vault.register.describe(admin, "kassa", sound="ja")
    with pytest.raises(InvalidInputError, match="say what"):
        vault.register.describe(admin, "kassa")
    with pytest.raises(NotFoundError):
        vault.register.describe(admin, "lager", view="x")
    with pytest.raises(AccessDeniedError):
        vault.register.describe(person(Role.MANAGER), "kassa", view="x")
    vault.close()


@pytest.mark.parametrize(
    "text", ["", "  ", "safety", "Säkerhet", "for your safety", "Kameraövervakning för säkerheten"]
)
def test_safety_alone_is_no_purpose(text: str) -> None:
    assert is_vague(text)


@pytest.mark.parametrize(
    "text", ["stöld vid kassan", "prevent theft at the entrance", "butiksstölder"]
)
def test_a_purpose_that_names_what_the_camera_is_for_is_one(text: str) -> None:
    assert not is_vague(text)
