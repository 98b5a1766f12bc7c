"""What version 1 wrote once is read forever; vectors made by an implementation of its own."""

import hashlib
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.backend import BlobStore
from storage.roots import RootFolder
from storage.secret import SecretKey
from storage.stream import StreamContext, open_sealed, verify_blob
from storage.wrapping import open_bytes, unwrap

FOLDER = Path(__file__).parent.parent / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "storage-v1.json").read_text("utf-8"))
MAKE = runpy.run_path(str(FOLDER / "make_storage.py"))
IDS = {"vault_id": "vault-å", "kind": "kind", "wrapping_id": "under-1"}
Put = Callable[[BlobStore, str, bytes], None]


@pytest.mark.parametrize("vector", VECTORS["streams"], ids=lambda vector: vector["name"])
def test_a_stream_of_version_1_opens(store: BlobStore, put: Put, vector: dict[str, Any]) -> None:
    _, ciphertext, hash_file = MAKE["stream"](vector["name"], vector["size"])
    assert hashlib.sha256(ciphertext).hexdigest() == vector["ciphertext_sha256"]
    assert vector.get("ciphertext") in {None, ciphertext.hex()}
    assert hash_file.hex() == vector["hash_file"]
    put(store, "x", ciphertext)
    put(store, "x.segments", hash_file)
    context = StreamContext(vector["vault_id"], vector["object_id"], vector["stream"])
    root = bytes.fromhex(vector["segment_root"])

    assert context.associated_data().hex() == vector["associated_data"]
    key = SecretKey(bytes.fromhex(vector["key"]))
    with open_sealed(store, "x", key, context, segment_root=root) as reader:
        assert hashlib.sha256(reader.read()).hexdigest() == vector["sha256"]
    assert verify_blob(store, "x", root) == len(ciphertext)


def test_a_wrapped_key_and_a_value_of_version_1_open() -> None:
    wrapping, value = VECTORS["wrapping"], VECTORS["value"]
    key = unwrap(
        bytes.fromhex(wrapping["sealed"]),
        SecretKey(bytes.fromhex(wrapping["under"])),
        **IDS,
        wrapped_id="object-1",
    )
    plain = open_bytes(
        bytes.fromhex(value["sealed"]),
        SecretKey(bytes.fromhex(value["under"])),
        **IDS,
        object_id="object-1",
    )

    assert key.reveal().hex() == wrapping["plain"]
    assert plain.decode() == "Anna på lagret"


def test_a_key_folder_of_version_1_opens(tmp_path: Path) -> None:
    root, signing = VECTORS["key_files"]
    (tmp_path / "vault").write_text("cctv-vault keys 1\nvault-å\n", "utf-8")
    for file in (root, signing):
        (tmp_path / file["name"]).write_bytes(bytes.fromhex(file["file"]))

    folder = RootFolder.open(tmp_path, "vault-å")

    assert folder.load(1).reveal().hex() == root["key"]
    assert folder.signing_seed().reveal().hex() == signing["key"]
