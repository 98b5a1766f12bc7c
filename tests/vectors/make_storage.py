"""Writes storage-v1.json: fixed vectors of everything `storage` version 1 writes.

An implementation of its own, from FORMAT.md and the primitives alone; it imports nothing of
`storage`. The file it makes is never changed again: a new format version gets a new file and a
new script, and the tests read them all, so that what was sealed once can be read forever.
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEGMENT = 1 << 20
# Sizes up to this one have their bytes in the file; longer ones their digest.
SHORT = 2000


def noise(label: str, size: int) -> bytes:
    """Bytes that anybody can make again: SHA-256 of the label and a counter."""
    blocks = range(-(-size // 32))
    return b"".join(hashlib.sha256(f"{label}/{i}".encode()).digest() for i in blocks)[:size]


def context(label: str, *fields: str) -> bytes:
    """FORMAT.md, "Associated data"."""
    encoded = [field.encode() for field in fields]
    return label.encode() + b"\n" + b"".join(struct.pack(">H", len(f)) + f for f in encoded)


def tree(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree(hashes[:k]) + tree(hashes[k:])).digest()


def stream(name: str, size: int) -> tuple[dict[str, object], bytes, bytes]:
    """A vector, its ciphertext and its hash file."""
    key, salt, prefix = noise("key", 32), noise(f"salt {name}", 32), noise(f"prefix {name}", 7)
    plain = noise(f"plain {name}", size)
    info = context("cctv-vault/stream/v1", "vault-å", f"object-{name}", "original")
    aes = AESGCM(HKDF(SHA256(), 32, salt, info).derive(key))
    header = bytes([40]) + salt + prefix
    parts: list[bytes] = []
    at, room = 0, SEGMENT - 40 - 16
    while not parts or at < size:
        last = at + room >= size
        number = len(parts)
        box = aes.encrypt(prefix + struct.pack(">IB", number, last), plain[at : at + room], None)
        parts.append(box if number else header + box)
        at, room = at + room, SEGMENT - 16
    leaves = [hashlib.sha256(b"\x00" + part).digest() for part in parts]
    ciphertext = b"".join(parts)
    hash_file = b"CVLTSEG\x01" + struct.pack(">IIQ", SEGMENT, len(parts), len(ciphertext))
    hash_file += header + b"".join(leaves)
    vector: dict[str, object] = {
        "name": name,
        "size": size,
        "key": key.hex(),
        "vault_id": "vault-å",
        "object_id": f"object-{name}",
        "stream": "original",
        "associated_data": info.hex(),
        "sha256": hashlib.sha256(plain).hexdigest(),
        "ciphertext_sha256": hashlib.sha256(ciphertext).hexdigest(),
        "segment_root": tree(leaves).hex(),
        "hash_file": hash_file.hex(),
    }
    if size <= SHORT:
        vector["ciphertext"] = ciphertext.hex()
    return vector, ciphertext, hash_file


def sealed(label: str, plain: bytes) -> dict[str, object]:
    """A wrapped key or sealed value."""
    under, nonce = noise("under", 32), noise(f"nonce {label}", 12)
    info = context(f"cctv-vault/{label}/v1", "vault-å", "kind", "under-1", "object-1")
    box = b"\x01" + nonce + AESGCM(under).encrypt(nonce, plain, info)
    return {"under": under.hex(), "plain": plain.hex(), "sealed": box.hex()}


def key_file(name: str) -> dict[str, object]:
    """A file of the key folder."""
    key = noise(name, 32)
    check = hmac.digest(key, context("cctv-vault/key-file/v1", "vault-å", name), "sha256")
    return {"name": name, "key": key.hex(), "file": (b"CVLTKEY\x01" + key + check).hex()}


def main() -> None:
    """Write the file beside this script, unless it is there."""
    first, full = SEGMENT - 56, SEGMENT - 16
    sizes = [0, 1, 1999, first - 1, first, first + 1, first + full, first + full + 1]
    vectors = {
        "version": 1,
        "streams": [stream(f"of {size} bytes", size)[0] for size in sizes],
        "wrapping": sealed("wrapping", noise("wrapped", 32)),
        "value": sealed("value", "Anna på lagret".encode()),
        "key_files": [key_file("root-00000001.key"), key_file("signing.key")],
    }
    target = Path(__file__).with_name("storage-v1.json")
    text = json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"
    if target.exists() and target.read_text("utf-8") != text:
        raise SystemExit(f"{target.name} is there already and differs: vectors are never changed")
    target.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
