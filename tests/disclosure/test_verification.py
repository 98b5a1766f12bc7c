"""Verifying a package: a sound one is sound, and each way of tampering is found and named."""

import base64
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
from cctv_vault.disclosure.archive import ArchiveWriter, read_archive, read_member
from cctv_vault.disclosure.bag import BagWriter
from cctv_vault.disclosure.verification import PackageVerdict, verify_package
from storage.secret import SecretKey

ORIGINAL = "data/originals/kassa/20260301_090000.mp4"
CLIP = "data/clips/kassa_20260301T080005Z_20260301T080030Z.mp4"
RECORD = "data/record.json"
TAGS = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}


@dataclass(frozen=True)
class Sample:
    """A sound package, the key it is signed with, and the signer itself."""

    data: bytes
    signer: NoteSigner
    folder: str
    made_at: datetime
    files: dict[str, bytes]

    def rezipped(self, files: dict[str, bytes], folder: str = "") -> bytes:
        """The same zip with other files, its manifests and signature untouched."""
        out = io.BytesIO()
        writer = ArchiveWriter(out, self.made_at)
        for path, data in files.items():
            writer.add(f"{folder or self.folder}/{path}", data)
        writer.finish()
        return out.getvalue()

    def resigned(self, files: dict[str, bytes], signer: NoteSigner | None = None) -> bytes:
        """A whole new bag of these files, signed: what only a holder of a key can make."""
        out = io.BytesIO()
        writer = BagWriter(out, self.folder, self.made_at)
        for path, data in files.items():
            if path not in TAGS and path != "manifest.note":
                writer.add(path, data)
        writer.finish({}, signer or self.signer)
        return out.getvalue()

    def edited(self, edit: Callable[[dict[str, Any]], None]) -> bytes:
        """The package with another record, everything signed anew with the vault's own key."""
        record = json.loads(self.files[RECORD])
        edit(record)
        return self.resigned({**self.files, RECORD: json.dumps(record).encode()})


@pytest.fixture(scope="session")
def sample(furnished_shop: Any) -> Sample:  # noqa: ANN401 - the shop of conftest.py
    shop = furnished_shop
    path, _ = shop.prepared()
    data = path.read_bytes()
    file = io.BytesIO(data)
    archive = read_archive(file)
    folder = archive.members[0].name.partition("/")[0]
    files = {
        member.name.partition("/")[2]: b"".join(read_member(file, member))
        for member in archive.members
    }
    return Sample(data, shop.vault.home.signer, folder, archive.made_at, files)


def verdict(data: bytes, **options: Any) -> PackageVerdict:  # noqa: ANN401
    return verify_package(io.BytesIO(data), **{"allow_simulated": True, **options})


def bad(found: PackageVerdict) -> dict[str | None, str]:
    assert not found.sound
    return {each.file: each.sentence for each in found.findings if each.level == "bad"}


def test_a_package_verifies_with_nothing_but_the_file(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    path.write_bytes(sample.data)
    found = verify_package(path, key=sample.signer.vkey, allow_simulated=True)
    assert found.sound
    sentences = {each.file: each.sentence for each in found.findings if each.level == "ok"}
    assert "bit for bit" in sentences[ORIGINAL]
    notes = [each.sentence for each in found.findings if each.level == "note"]
    assert any("anchored outside by: nobody" in note for note in notes)


def test_a_simulated_package_is_sound_only_where_that_is_allowed(sample: Sample) -> None:
    found = verdict(sample.data, allow_simulated=False)
    assert "SIMULATED" in bad(found)["data/custody/checkpoint.txt"]


def test_without_a_pinned_key_the_reader_is_told_to_compare_it(sample: Sample) -> None:
    notes = {each.file for each in verdict(sample.data).findings if each.level == "note"}
    assert "data/custody/key.txt" in notes


def test_each_changed_file_is_found_and_named(sample: Sample) -> None:
    for path, data in sample.files.items():
        changed = bytearray(data)
        changed[len(changed) // 2] ^= 1
        found = verdict(sample.rezipped({**sample.files, path: bytes(changed)}))
        assert path in bad(found), path


def test_each_removed_file_is_found_and_named(sample: Sample) -> None:
    for path in sample.files:
        kept = {name: data for name, data in sample.files.items() if name != path}
        assert path in bad(verdict(sample.rezipped(kept))), path


@pytest.mark.parametrize(
    "path", ["data/originals/kassa/extra.mp4", "data/extra.txt", "extra.txt", "data/custody/x"]
)
def test_an_added_file_is_found_and_named(sample: Sample, path: str) -> None:
    assert path in bad(verdict(sample.rezipped({**sample.files, path: b"new"})))


def test_a_renamed_file_is_found_under_both_names(sample: Sample) -> None:
    renamed = {
        (f"{name}.mp4" if name == ORIGINAL else name): data for name, data in sample.files.items()
    }
    assert {ORIGINAL, f"{ORIGINAL}.mp4"} <= bad(verdict(sample.rezipped(renamed))).keys()


def test_every_flipped_byte_makes_it_unsound(sample: Sample) -> None:
    for at in range(0, len(sample.data), 997):
        changed = bytearray(sample.data)
        changed[at] ^= 0x20
        assert not verdict(bytes(changed)).sound, at


@given(st.data())
def test_no_damage_at_all_makes_the_verifier_fall_over(sample: Sample, data: st.DataObject) -> None:
    changed = bytearray(sample.data)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(changed)))
    assert not verdict(bytes(changed[:end])).sound or bytes(changed) == sample.data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b"{}",
        b"\xff\xfe",
        b'{"format": "cctv-vault/package/v1", "made_at": "0001-01-01T00:00:00+14:00"}',
    ],
)
def test_a_hostile_record_is_a_finding(sample: Sample, content: bytes) -> None:
    assert RECORD in bad(verdict(sample.resigned({**sample.files, RECORD: content})))


# --- what even the holder of the vault's key cannot do without rewriting the log ---------------


def test_a_line_added_below_the_signature_is_found(sample: Sample) -> None:
    more = sample.files["manifest.note"] + "— nobody AAAAAAAA\n".encode()
    found = bad(verdict(sample.rezipped({**sample.files, "manifest.note": more})))
    assert "more than the vault's own signature" in found["manifest.note"]


@pytest.mark.parametrize("seconds", [-2, 2])
def test_another_time_on_the_zip_is_found(sample: Sample, seconds: int) -> None:
    moved = replace(sample, made_at=sample.made_at + timedelta(seconds=seconds))
    assert verdict(sample.rezipped(sample.files)).sound
    assert "another time than the zip" in bad(verdict(moved.rezipped(sample.files)))[RECORD]


def test_a_package_of_another_vault_fails_against_the_pinned_key(sample: Sample) -> None:
    stranger = NoteSigner("stranger/simulated", SecretKey.generate())
    files = {**sample.files, "data/custody/key.txt": f"{stranger.vkey}\n".encode()}
    found = verdict(sample.resigned(files, stranger), key=sample.signer.vkey)
    assert "data/custody/key.txt" in bad(found)
    assert "data/custody/checkpoint.txt" in bad(verdict(sample.resigned(files, stranger)))


def test_an_original_that_was_exchanged_is_not_the_one_that_was_sealed(sample: Sample) -> None:
    forged = b"another film"

    def edit(record: dict[str, Any]) -> None:
        record["recordings"][0] |= {"sha256": sha256(forged).hexdigest(), "size": len(forged)}

    record = json.loads(sample.files[RECORD])
    edit(record)
    files = {**sample.files, ORIGINAL: forged, RECORD: json.dumps(record).encode()}
    assert "sha256" in bad(verdict(sample.resigned(files)))[ORIGINAL]


def test_an_original_of_another_time_than_was_decided_on_is_found(sample: Sample) -> None:
    def edit(record: dict[str, Any]) -> None:
        record["approved"] = record["asked"] = [
            {"camera": "kassa", "from": "2026-03-01T08:00:05Z", "to": "2026-03-01T08:00:10Z"}
        ]

    found = bad(verdict(sample.edited(edit)))
    assert "approved another time" in found[RECORD]
    assert "outside the time" in found["data/originals/kassa/20260301_090020.mp4"]
    assert CLIP in found


def test_a_recording_the_log_knows_nothing_of_is_found(sample: Sample) -> None:
    def edit(record: dict[str, Any]) -> None:
        record["recordings"][0]["id"] = "0" * 20

    assert "no proven custody entry" in bad(verdict(sample.edited(edit)))[ORIGINAL]


def test_a_package_that_hides_an_original_from_its_record_is_found(sample: Sample) -> None:
    assert ORIGINAL in bad(verdict(sample.edited(lambda record: record["recordings"].pop(0))))


def test_a_record_of_another_request_or_log_is_found(sample: Sample) -> None:
    for name, value in (("request", {"id": "B-OTHER"}), ("custody", {"origin": "other"})):

        def edit(record: dict[str, Any], name: str = name, value: dict[str, str] = value) -> None:
            record[name] |= value

        assert RECORD in bad(verdict(sample.edited(edit)))


def test_a_proof_of_another_entry_is_found(sample: Sample) -> None:
    proofs = sorted(path for path in sample.files if path.endswith(".tlog-proof"))
    swapped = {**sample.files, proofs[0]: sample.files[proofs[1]]}
    assert proofs[0] in bad(verdict(sample.resigned(swapped)))
    entry = proofs[0].replace("proofs", "entries").replace(".tlog-proof", ".json")
    changed = {**sample.files, entry: sample.files[entry].replace(b"2026", b"2025", 1)}
    assert proofs[0] in bad(verdict(sample.resigned(changed)))


def test_a_forged_checkpoint_is_found(sample: Sample) -> None:
    path = "data/custody/checkpoint.txt"
    lines = sample.files[path].decode().split("\n")
    lines[1] = str(int(lines[1]) + 1)
    forged = {**sample.files, path: "\n".join(lines).encode()}
    assert path in bad(verdict(sample.resigned(forged)))


def test_a_package_without_its_approval_is_found(sample: Sample) -> None:
    entries = {
        path: json.loads(data)
        for path, data in sample.files.items()
        if path.startswith("data/custody/entries/")
    }
    (approval,) = [path for path, entry in entries.items() if entry["event"] == "request.approved"]
    number = Path(approval).stem
    files = {
        path: data
        for path, data in sample.files.items()
        if path not in {approval, f"data/custody/proofs/{number}.tlog-proof"}
    }
    assert "no proven custody entry tells of an approval" in bad(
        verdict(sample.resigned(files))
    ).get(RECORD, "")


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
