"""Verifying a package: a sound one is sound, and each way of tampering is found and named."""

import base64
import io
import os
import shutil
import subprocess
import unicodedata
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import bagit
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.notes import NoteSigner
from cctv_vault.disclosure.sentences import SENTENCES
from cctv_vault.disclosure.verification import PackageVerdict, verify_package
from storage.secret import SecretKey
from tests.disclosure.tampering import (
    CHECKPOINT,
    CLIP,
    KEY,
    NOTE,
    ORIGINAL,
    TAMPERED,
    UNUSUAL,
    Sample,
    flipped,
)


def verdict(data: bytes, **options: Any) -> PackageVerdict:  # noqa: ANN401
    return verify_package(io.BytesIO(data), **{"allow_simulated": True, **options})


def bad(found: PackageVerdict) -> set[tuple[str | None, str]]:
    assert not found.sound
    return {(each.file, each.code) for each in found.findings if each.level == "bad"}


def test_a_package_verifies_with_nothing_but_the_file(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    path.write_bytes(sample.data)
    found = verify_package(path, key=sample.signer.vkey, allow_simulated=True)
    assert found.sound
    sentences = {each.file: each.sentence for each in found.findings if each.level == "ok"}
    assert "bit for bit" in sentences[ORIGINAL]
    notes = [each.sentence for each in found.findings if each.level == "note"]
    assert any("anchored outside by: nobody" in note for note in notes)


def test_an_unpacked_package_verifies_like_the_zip(sample: Sample, tmp_path: Path) -> None:
    top = sample.unpacked(tmp_path)
    found = verify_package(top, key=sample.signer.vkey, allow_simulated=True)
    zipped = verdict(sample.data, key=sample.signer.vkey)
    assert found.sound
    assert set(map(str, found.findings)) == set(map(str, zipped.findings))


def test_what_a_computer_puts_into_a_folder_is_told_and_does_no_harm(
    sample: Sample, tmp_path: Path
) -> None:
    more = {"data/clips/Thumbs.db": b"x", ".DS_Store": b"x", "._READ ME.txt": b"x"}
    found = verify_package(
        sample.unpacked(tmp_path, {**sample.files, **more}), allow_simulated=True
    )
    assert found.sound
    assert {each.file for each in found.findings if each.code == "stray"} == more.keys()


def test_a_name_whose_accents_a_system_took_apart_is_the_same_name(
    sample: Sample, tmp_path: Path
) -> None:
    files = {unicodedata.normalize("NFD", path): data for path, data in sample.files.items()}
    assert files.keys() != sample.files.keys()
    assert verify_package(sample.unpacked(tmp_path, files), allow_simulated=True).sound


def test_no_link_in_a_folder_is_followed(sample: Sample, tmp_path: Path) -> None:
    outside = tmp_path / "report.pdf"
    outside.write_bytes(sample.files["data/report.pdf"])
    top = sample.unpacked(tmp_path, sample.without("data/report.pdf"))
    (top / "data" / "report.pdf").symlink_to(outside)
    assert (None, "not-a-package") in bad(verify_package(top, allow_simulated=True))


@pytest.mark.parametrize("package", ["nothing.zip", "."])
def test_what_is_no_package_is_a_finding(tmp_path: Path, package: str) -> None:
    assert not verify_package(tmp_path / package).sound


def test_a_simulated_package_is_sound_only_where_that_is_allowed(sample: Sample) -> None:
    found = verdict(sample.data, allow_simulated=False)
    assert bad(found) == {(CHECKPOINT, "simulated")}
    assert "SIMULATED" in " ".join(each.sentence for each in found.findings)


def test_without_a_pinned_key_the_reader_is_told_to_compare_it(sample: Sample) -> None:
    assert (KEY, "key-not-pinned") in {(f.file, f.code) for f in verdict(sample.data).findings}


def test_a_pinned_key_that_is_no_key_is_told_apart_from_the_packages_own(sample: Sample) -> None:
    assert bad(verdict(sample.data, key="key")) == {(None, "pin-malformed")}


def test_a_package_of_another_vault_fails_against_the_pinned_key(sample: Sample) -> None:
    stranger = NoteSigner("stranger/simulated", SecretKey.generate())
    files = {**sample.files, KEY: f"{stranger.vkey}\n".encode()}
    found = bad(verdict(sample.resigned(files, stranger), key=sample.signer.vkey))
    assert {(KEY, "key-other"), (NOTE, "note-malformed")} <= found


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found_and_named(sample: Sample, name: str) -> None:
    tamper, code = TAMPERED[name]
    assert code in {found for _, found in bad(verdict(tamper(sample)))}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_told_and_not_wrong(sample: Sample, name: str) -> None:
    tamper, code = UNUSUAL[name]
    found = verdict(tamper(sample))
    assert found.sound
    assert code in {each.code for each in found.findings}


def test_no_sentence_is_without_a_case_that_says_it(sample: Sample) -> None:
    said = {each.code for each in verdict(sample.data, key=sample.signer.vkey).findings}
    for tamper, _ in (*TAMPERED.values(), *UNUSUAL.values()):
        said |= {each.code for each in verdict(tamper(sample)).findings}
    # These need a folder, another key, a disk that fails, or many entries; or stand above.
    elsewhere = {"stray", "unreadable", "key-other", "pin-malformed", "too-large"}
    elsewhere |= {"locked", "unlocked"}
    assert SENTENCES.keys() - said - elsewhere == set()


def test_each_changed_file_is_found_and_named(sample: Sample) -> None:
    for path, data in sample.files.items():
        found = verdict(sample.rezipped({**sample.files, path: flipped(data)}))
        assert path in {file for file, _ in bad(found)}, path


def test_each_removed_file_is_found_and_named(sample: Sample) -> None:
    for path in sample.files:
        found = verdict(sample.rezipped(sample.without(path)))
        assert path in {file for file, _ in bad(found)}, path


def test_every_flipped_byte_makes_it_unsound(sample: Sample) -> None:
    for at in range(0, len(sample.data), 997):
        assert not verdict(flipped(sample.data, at)).sound, at


@given(st.data())
def test_no_damage_at_all_makes_the_verifier_fall_over(sample: Sample, data: st.DataObject) -> None:
    changed = bytearray(sample.data)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(changed)))
    assert not verdict(bytes(changed[:end])).sound or bytes(changed) == sample.data


# --- what others' programs say -----------------------------------------------------------------


@pytest.fixture(scope="session")
def unpacked(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    (folder / "package.zip").write_bytes(sample.data)
    shutil.unpack_archive(folder / "package.zip", folder)
    return folder / sample.folder


def test_the_bagit_program_finds_a_valid_bag(unpacked: Path) -> None:
    assert bagit.Bag(os.fspath(unpacked)).validate()


def test_sha256sum_agrees_with_both_manifests(unpacked: Path) -> None:
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "--check", "--strict", manifest], cwd=unpacked, check=True)


def test_the_clip_plays_and_has_no_sound(unpacked: Path) -> None:
    with av.open(os.fspath(unpacked / CLIP)) as clip:
        assert not clip.streams.audio
        assert sum(1 for _ in clip.decode(video=0)) == 125


def test_the_report_says_who_asked_on_what_ground_and_how_to_verify(unpacked: Path) -> None:
    pages = pypdf.PdfReader(unpacked / "data" / "report.pdf").pages
    text = " ".join("".join(page.extract_text() for page in pages).split())
    for words in ("Polismyndigheten", "DSL 2:5", "5000-K123456-26", "stöld", "nobody", "SIMULERAD"):
        assert words in text, words
    assert "Eva Exempel" not in text


def test_the_system_is_described_on_one_page(unpacked: Path) -> None:
    (page,) = pypdf.PdfReader(unpacked / "data" / "system.pdf").pages
    text = " ".join(page.extract_text().split())
    for words in ("kassa", "right within 1 s", "h264", "serial number", "Butiken AB", "SIMULERAD"):
        assert words in text, words


def test_no_personal_data_of_the_officer_leaves_with_the_package(sample: Sample) -> None:
    for path, data in sample.files.items():
        for secret in (b"Eva Exempel", b"eva@example.org", b"114 14"):
            assert secret not in data, path


def test_an_inclusion_proof_holds_by_the_standard_alone(sample: Sample) -> None:
    def node(kind: bytes, *parts: bytes) -> bytes:
        return sha256(kind + b"".join(parts)).digest()

    for path, proof in sample.files.items():
        if not path.endswith(".tlog-proof"):
            continue
        entry = sample.files[path.replace("proofs", "entries").replace(".tlog-proof", ".json")]
        head, _, checkpoint = proof.decode().partition("\n\n")
        _, size, root = checkpoint.split("\n")[:3]
        _, index_line, *hashes = head.split("\n")
        # RFC 9162, 2.1.3.2: verifying an inclusion proof.
        number, last = int(index_line.split()[1]), int(size) - 1
        found = node(b"\0", entry)
        for each in map(base64.b64decode, hashes):
            assert last != 0
            if number & 1 or number == last:
                found = node(b"\1", each, found)
                while not number & 1 and number != 0:
                    number, last = number >> 1, last >> 1
            else:
                found = node(b"\1", found, each)
            number, last = number >> 1, last >> 1
        assert last == 0
        assert found == base64.b64decode(root)
