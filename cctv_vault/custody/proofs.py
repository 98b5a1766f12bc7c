"""Log proofs (c2sp.org/tlog-proof): one entry's place in a signed log, in one text file.

Owns the format and the verification, which trusts nothing but the verifier keys handed
to it.  The optional extra data is carried, never believed: nothing signs it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cctv_vault.custody.checkpoints import Checkpoint, decode_count
from cctv_vault.custody.errors import CheckpointError, InclusionError, ProofFormatError
from cctv_vault.custody.notes import Verifier, decode_base64, encode_base64
from storage.errors import ProofError
from storage.merkle import leaf_hash, verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 63
"""Longest inclusion path: a log has at most 2**63 - 1 entries."""

MAX_PROOF_CHARACTERS: Final = 2_000_000
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class LogProof:
    """What a proof file says.

    Attributes:
        index: The entry's place in the log, from 0.
        path: Inclusion path of RFC 6962 section 2.1.1, the leaf's sibling first.
        checkpoint: The signed checkpoint note, verbatim and not yet verified.
        extra: Unauthenticated bytes of the application, or None.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry proven to stand at `index` of the log whose signed head is `checkpoint`."""

    index: int
    checkpoint: Checkpoint


def encode_proof(proof: LogProof) -> str:
    """Write a proof as the text of a `.tlog-proof` file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {encode_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines.extend(encode_base64(each) for each in proof.path)
    return "\n".join(lines) + "\n\n" + proof.checkpoint


def decode_proof(text: str) -> LogProof:
    """Read the text of a proof file; nothing in it is verified yet.

    Raises:
        ProofFormatError: The text is not a proof of version 1.
    """
    if len(text) > MAX_PROOF_CHARACTERS:
        raise ProofFormatError("file", f"is longer than {MAX_PROOF_CHARACTERS} characters")
    head, blank, checkpoint = text.partition("\n\n")
    if not blank or not checkpoint:
        raise ProofFormatError("file", "must be a proof, a blank line and a checkpoint")
    lines = head.split("\n")
    if lines[0] != HEADER:
        raise ProofFormatError("line 1", f"must read {HEADER}")
    at = 1
    extra = None
    if at < len(lines) and lines[at].startswith("extra "):
        extra = decode_base64(lines[at].removeprefix("extra "))
        if extra is None:
            raise ProofFormatError(f"line {at + 1}", "its extra data is not base64")
        at += 1
    if at == len(lines) or not lines[at].startswith("index "):
        raise ProofFormatError(f"line {at + 1}", "must read: index, number")
    try:
        index = decode_count(lines[at].removeprefix("index "))
    except CheckpointError as error:
        raise ProofFormatError(f"line {at + 1}", error.what) from error
    return LogProof(index, _path(lines, at + 1), checkpoint, extra)


def verify_proof(entry: bytes, proof_text: str, verifiers: Iterable[Verifier]) -> VerifiedEntry:
    """Prove that an entry, byte for byte, is in a log that a known key signed for.

    Args:
        entry: The entry's bytes as they stand in the log.
        proof_text: The text of the proof file.
        verifiers: The keys the caller trusts; the log's own must be among them.

    Raises:
        ProofFormatError: The proof is malformed.
        NoteError: The checkpoint's note is malformed or not signed by a known key.
        CheckpointError: The checkpoint is malformed or not signed by its own log.
        InclusionError: The entry is not at that place of that log.
    """
    proof = decode_proof(proof_text)
    checkpoint = Checkpoint.open(proof.checkpoint, verifiers)
    try:
        verify_inclusion(
            leaf_hash(entry), proof.index, checkpoint.size, list(proof.path), checkpoint.root
        )
    except ProofError as error:
        raise InclusionError(
            f"index {proof.index}", "this entry is not in the log at that place"
        ) from error
    return VerifiedEntry(proof.index, checkpoint)


def _path(lines: list[str], first: int) -> tuple[bytes, ...]:
    if len(lines) - first > MAX_PATH:
        raise ProofFormatError("path", f"has more than {MAX_PATH} hashes")
    path: list[bytes] = []
    for at in range(first, len(lines)):
        each = decode_base64(lines[at])
        if each is None or len(each) != _HASH_BYTES:
            raise ProofFormatError(f"line {at + 1}", f"is not base64 of {_HASH_BYTES} bytes")
        path.append(each)
    return tuple(path)
