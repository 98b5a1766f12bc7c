"""Signed notes (c2sp.org/signed-note): a text and the signatures under it.

Owns the note format, verifier keys ("vkeys") and Ed25519 signing.  It knows nothing of
what a note says.  A text is handed out only after a signature of a known key over it
has been verified; lines of unknown keys are ignored, as the specification demands, so
that witnesses may add theirs; one wrong signature of a known key refuses the note.

A kind of signature is a class with the shape of `Verifier` and a number in `_KINDS`:
the ML-DSA-44 cosignature (0x06, c2sp.org/tlog-cosignature) has its place there.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from cctv_vault.custody.errors import NoteError
from storage.secret import SecretKey

MAX_NOTE_CHARACTERS: Final = 1_000_000
MAX_SIGNATURES: Final = 100
_ED25519: Final = 0x01
_KEY_ID_BYTES: Final = 4
_PUBLIC_KEY_BYTES: Final = 32
_DASH: Final = "\N{EM DASH} "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VKEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


class Verifier(Protocol):
    """A public key known by name; whoever holds one decided to trust it."""

    @property
    def name(self) -> str:
        """The key's name as it stands on signature lines."""

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys and algorithms under one name apart."""

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether `signature` (without the key id) is this key's over `text`."""


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """An Ed25519 key (signature type 0x01): signs the bytes of the text itself.

    Raises:
        NoteError: The name cannot be a key name, or the key is not 32 bytes.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        """Refuse what no signature line could carry."""
        check_key_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY_BYTES:
            raise NoteError("key", f"an Ed25519 public key has {_PUBLIC_KEY_BYTES} bytes")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name, newline, signature type, public key)."""
        named = self.name.encode() + b"\n" + bytes([_ED25519]) + self.public_key
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line, to publish and to pin: name+hex key id+base64 key."""
        encoded = encode_base64(bytes([_ED25519]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether `signature` is this key's Ed25519 signature (RFC 8032) over `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):  # ValueError: not a point on the curve
            return False
        return True


_KINDS: Final = {_ED25519: Ed25519Verifier}


class NoteSigner:
    """Signs notes under one name with one Ed25519 key.  Its repr shows the public half."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: SecretKey) -> None:
        """Take the 32-byte private seed of RFC 8032.

        Raises:
            NoteError: The name cannot be a key name.
        """
        self._key = Ed25519PrivateKey.from_private_bytes(seed.reveal())
        self.verifier = Ed25519Verifier(name, self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        """The verifier key; never the seed."""
        return f"NoteSigner({self.vkey!r})"

    @property
    def name(self) -> str:
        """The name on this signer's signature lines."""
        return self.verifier.name

    @property
    def vkey(self) -> str:
        """The verifier key to publish."""
        return self.verifier.vkey

    def sign(self, text: str) -> str:
        """The note of a text that ends in a newline.

        Raises:
            NoteError: The text cannot be a note's text.
        """
        _check_characters(text)
        if not text.endswith("\n"):
            raise NoteError("text", "must end in a newline")
        signature = self._key.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {encode_base64(self.verifier.key_id + signature)}\n"


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A text and the known keys (at least one) whose signatures over it were verified."""

    text: str
    signers: tuple[Verifier, ...]


def parse_vkey(vkey: str) -> Verifier:
    """Read a verifier key as `NoteSigner.vkey` writes it.

    Raises:
        NoteError: It is malformed, its id is not that of its key, or its kind is unknown.
    """
    match = _VKEY.fullmatch(vkey)
    if match is None:
        raise NoteError("verifier key", "must read name+hex key id+base64 key")
    name, key_id, encoded = match.groups()
    key = decode_base64(encoded)
    if not key:
        raise NoteError("verifier key", "its key is not base64")
    kind = _KINDS.get(key[0])
    if kind is None:
        raise NoteError("verifier key", f"signature type 0x{key[0]:02x} is not known here")
    verifier = kind(name, key[1:])
    if verifier.key_id.hex() != key_id:
        raise NoteError("verifier key", "its key id is not the one of its name and key")
    return verifier


def open_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """The text of a note that at least one of the known keys signed.

    Raises:
        NoteError: As `read_note`.
    """
    return read_note(note, verifiers).text


def read_note(note: str, verifiers: Iterable[Verifier]) -> OpenedNote:
    """Verify a note's signatures and say which known keys made them.

    Args:
        note: The whole note, text and signature lines.
        verifiers: The keys the caller trusts.

    Raises:
        NoteError: The note is malformed, no known key signed it, a signature of a known
            key is wrong, or two known keys share a name and an id.
    """
    known = _by_name_and_id(verifiers)
    if len(note) > MAX_NOTE_CHARACTERS:
        raise NoteError("note", f"is longer than {MAX_NOTE_CHARACTERS} characters")
    _check_characters(note)
    head, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise NoteError("note", "must be a text, a blank line and signature lines")
    text = head + "\n"
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("note", f"has more than {MAX_SIGNATURES} signatures")
    signers: list[Verifier] = []
    for number, line in enumerate(lines, start=1):
        name, key_id, signature = _signature_line(line, number)
        verifier = known.get((name, key_id))
        if verifier is None:
            continue
        if not verifier.verifies(text, signature):
            raise NoteError(f"signature {number}", f"is not {name}'s signature of this text")
        if verifier not in signers:
            signers.append(verifier)
    if not signers:
        raise NoteError("note", "none of the known keys has signed it")
    return OpenedNote(text, tuple(signers))


def check_key_name(name: str) -> None:
    """Refuse a name that could not stand on a signature line.

    Raises:
        NoteError: It is empty or holds a space, a plus sign or a control character.
    """
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError("key name", "must be non-empty, without spaces and plus signs")
    _check_characters(name)


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes | None:
    """The bytes of standard base64, or None where the text is not their only encoding."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Stray bits before the padding would give one signature several spellings.
    return data if encode_base64(data) == text else None


def _by_name_and_id(verifiers: Iterable[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        held = known.setdefault((verifier.name, verifier.key_id), verifier)
        if held != verifier:
            raise NoteError("known keys", f"two keys named {held.name} have the same id")
    return known


def _check_characters(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NoteError("text", "is not UTF-8") from None
    if _CONTROL.search(text):
        raise NoteError("text", "holds a control character")


def _signature_line(line: str, number: int) -> tuple[str, bytes, bytes]:
    where = f"signature {number}"
    name, _space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name or not encoded:
        raise NoteError(where, "must read: em dash, key name, base64")
    check_key_name(name)
    data = decode_base64(encoded)
    if data is None or len(data) <= _KEY_ID_BYTES:
        raise NoteError(where, "is not base64 of a key id and a signature")
    return name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:]
