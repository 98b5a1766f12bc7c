"""A package under a passphrase: opened by whoever has it, by nobody else, and kept nowhere."""

import io
import re
from contextlib import closing

import pytest

from cctv_vault.disclosure.codes import new_passphrase
from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import InvalidInputError
from storage.errors import PassphraseError
from storage.passphrase import UnlockedReader, is_locked
from tests.disclosure.conftest import Shop


def test_an_encrypted_copy_opens_with_its_passphrase_however_it_is_typed(shop: Shop) -> None:
    passphrase, out = new_passphrase(), shop.folder / "package.zip.locked"
    request = shop.approved()
    made = shop.requests.prepare(shop.handler, request, out, passphrase=passphrase)
    with out.open("rb") as file:
        assert is_locked(file)
    for typed in (passphrase, passphrase.lower(), f" {passphrase.replace('-', ' ')}\n"):
        verdict = verify_package(out, allow_simulated=True, passphrase=typed)
        assert verdict.sound
        assert verdict.findings[0].code == "unlocked"
    wrong = verify_package(out, allow_simulated=True, passphrase=new_passphrase())
    assert [each.code for each in wrong.findings] == ["locked"]
    assert not wrong.sound
    (entry,) = shop.vault.log.entries(event="footage.exported")
    assert entry.facts["encrypted"] is True
    assert entry.facts["sha256"] == made.sha256.hex()


def test_the_passphrase_is_kept_nowhere(quick_shop: Shop) -> None:
    passphrase, out = new_passphrase(), quick_shop.folder / "package.zip.locked"
    quick_shop.requests.prepare(
        quick_shop.handler, quick_shop.approved(), out, passphrase=passphrase
    )
    quick_shop.vault.log.checkpoint(quick_shop.vault.clock.now())
    plain = passphrase.replace("-", "").encode()
    for path in quick_shop.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert plain not in data, path
            assert passphrase.encode() not in data, path


def test_a_prepared_package_is_taken_encrypted_and_reopened_it_is_the_same(
    quick_shop: Shop,
) -> None:
    path, package = quick_shop.prepared()
    passphrase = new_passphrase()
    taken = quick_shop.requests.open_package(quick_shop.handler, package.id, passphrase)
    assert taken.name == f"{package.id}.zip.locked"
    with closing(taken.reader) as reader, closing(taken.again()) as again:
        data = reader.read()
        assert again.read() == data
    assert len(data) == taken.size
    secret = passphrase.replace("-", "").encode()
    assert UnlockedReader(io.BytesIO(data), secret).read() == path.read_bytes()
    with pytest.raises(PassphraseError):
        UnlockedReader(io.BytesIO(data), secret[::-1])


@pytest.mark.parametrize("weak", ["", "hemligt", "A" * 19, "0" * 20, "ÅÄÖ" * 7])
def test_only_a_passphrase_of_the_vaults_own_making_seals(quick_shop: Shop, weak: str) -> None:
    _, package = quick_shop.prepared()
    with pytest.raises(InvalidInputError, match="passphrase"):
        quick_shop.requests.open_package(quick_shop.handler, package.id, weak)
    out = quick_shop.folder / "weak.locked"
    with pytest.raises(InvalidInputError, match="passphrase"):
        quick_shop.requests.prepare(quick_shop.handler, package.id, out, passphrase=weak)
    assert not out.exists()
    assert weak not in str(quick_shop.refusals()) or not weak


def test_passphrases_are_long_said_without_doubt_and_never_twice() -> None:
    made = {new_passphrase() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"([2-9A-HJKMNP-Z]{4}-){4}[2-9A-HJKMNP-Z]{4}", each) for each in made)
