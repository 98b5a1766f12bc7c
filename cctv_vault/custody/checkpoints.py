"""Checkpoints (c2sp.org/tlog-checkpoint): a log's size and root, signed by the log.

Owns the three-line text and the rule that a checkpoint counts only under a signature of
the key that carries the log's own name.  A witness's signature alone never makes one.
Extension lines are refused: this log writes none, and nothing would audit them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from cctv_vault.custody.errors import CheckpointError, NoteError
from cctv_vault.custody.notes import (
    NoteSigner,
    Verifier,
    check_key_name,
    decode_base64,
    encode_base64,
    read_note,
)
from storage.merkle import EMPTY_ROOT

MAX_SIZE: Final = 2**63 - 1
"""Most entries a log may have, so that sizes fit every database and language."""

SIMULATED_SUFFIX: Final = "/simulated"
_HASH_BYTES: Final = 32
_LINES: Final = 3
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log.

    Attributes:
        origin: The log's name, which is also the name of the key that signs for it.
        size: Number of entries.
        root: RFC 6962 tree hash of the first `size` entries, 32 bytes.

    Raises:
        CheckpointError: No log could have this head.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse a head that no log could have."""
        try:
            check_key_name(self.origin)
        except NoteError as error:
            raise CheckpointError("origin", error.what) from error
        if not 0 <= self.size <= MAX_SIZE:
            raise CheckpointError("size", f"must lie in 0..{MAX_SIZE}")
        if len(self.root) != _HASH_BYTES:
            raise CheckpointError("root", f"must have {_HASH_BYTES} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise CheckpointError("root", "is not the root of an empty log")

    @property
    def simulated(self) -> bool:
        """Whether the log belongs to a vault whose clock is moved by hand."""
        return self.origin.endswith(SIMULATED_SUFFIX)

    def encode(self) -> str:
        """The checkpoint's text: origin, size and root, one a line."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read a checkpoint's text.  It is worth nothing before its note was opened.

        Raises:
            CheckpointError: The text is not exactly one checkpoint.
        """
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[-1]:
            raise CheckpointError("text", "must be three lines: origin, size, root")
        origin, size, encoded, _end = lines
        root = decode_base64(encoded)
        if root is None:
            raise CheckpointError("root", "is not base64")
        return cls(origin, decode_count(size), root)

    def sign(self, signer: NoteSigner) -> str:
        """The signed note of this checkpoint.

        Sign only what a durable commit has made true: two checkpoints of one size with
        different roots are proof of a forged log, whoever made them by mistake.

        Raises:
            CheckpointError: The signer's name is not the origin.
        """
        if signer.name != self.origin:
            raise CheckpointError("origin", "must be the name of the signing key")
        return signer.sign(self.encode())

    @classmethod
    def open(cls, note: str, verifiers: Iterable[Verifier]) -> Self:
        """Read a signed checkpoint that the log it names has signed itself.

        Raises:
            NoteError: The note is malformed or not signed by any known key.
            CheckpointError: The text is no checkpoint, or only other names signed it.
        """
        opened = read_note(note, verifiers)
        checkpoint = cls.decode(opened.text)
        if all(signer.name != checkpoint.origin for signer in opened.signers):
            raise CheckpointError("signatures", "none is by the log itself")
        return checkpoint


def decode_count(text: str) -> int:
    """Read a size or an index: ASCII decimal without leading zeroes, at most `MAX_SIZE`.

    Raises:
        CheckpointError: It is not such a number.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise CheckpointError("size", "is not a decimal number of the allowed range")
    return int(text)
