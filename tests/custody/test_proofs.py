"""Log proofs: what they say, that they convince, and that nothing else does."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.errors import (
    CheckpointError,
    CustodyError,
    InclusionError,
    NoteError,
    ProofFormatError,
)
from cctv_vault.custody.notes import NoteSigner
from cctv_vault.custody.proofs import (
    MAX_PATH,
    MAX_PROOF_CHARACTERS,
    LogProof,
    VerifiedEntry,
    decode_proof,
    encode_proof,
    verify_proof,
)
from storage.secret import SecretKey

if TYPE_CHECKING:
    from tests.custody.conftest import MakeLog, SmallLog, Standard

ENTRIES = [f"entry {i}".encode() for i in range(300)]
HASH = base64.b64encode(b"h" * 32).decode()

_proofs = st.builds(
    LogProof,
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PATH).map(tuple),
    st.text(min_size=1),
    st.none() | st.binary(),
)


@pytest.fixture(scope="module")
def log(make_log: MakeLog) -> SmallLog:
    return make_log(ENTRIES)


def test_a_proof_is_written_as_the_specification_shows() -> None:
    proof = LogProof(73894, (b"a" * 32, b"b" * 32), "origin\n", b"age")

    assert encode_proof(proof) == (
        "c2sp.org/tlog-proof@v1\n"
        "extra YWdl\n"
        "index 73894\n"
        f"{base64.b64encode(b'a' * 32).decode()}\n"
        f"{base64.b64encode(b'b' * 32).decode()}\n"
        "\n"
        "origin\n"
    )
    assert (
        encode_proof(LogProof(0, (), "origin\n")) == "c2sp.org/tlog-proof@v1\nindex 0\n\norigin\n"
    )


@given(_proofs)
def test_a_proof_is_read_as_it_was_written(proof: LogProof) -> None:
    assert decode_proof(encode_proof(proof)) == proof


@pytest.mark.parametrize("index", [0, 1, 255, 256, 299])
def test_an_entry_of_the_log_is_proven(index: int, log: SmallLog, signer: NoteSigner) -> None:
    verified = verify_proof(ENTRIES[index], log.proof_text(index), [signer.verifier])

    assert verified == VerifiedEntry(index, log.checkpoint)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 299])
def test_a_verifier_written_from_the_standard_agrees(
    index: int, log: SmallLog, standard: type[Standard]
) -> None:
    head, _, note = log.proof_text(index).partition("\n\n")
    path = [base64.b64decode(line) for line in head.split("\n")[2:]]
    root = base64.b64decode(note.split("\n")[2])

    assert standard.root_from_path(ENTRIES[index], index, len(ENTRIES), path) == root


def test_a_log_of_one_entry_has_a_proof_without_hashes(
    make_log: MakeLog, signer: NoteSigner
) -> None:
    log = make_log([b"only"])

    assert log.proof(0).path == ()
    assert verify_proof(b"only", log.proof_text(0), [signer.verifier]).index == 0


def test_another_entry_is_not_proven(log: SmallLog, signer: NoteSigner) -> None:
    for other in (ENTRIES[6], ENTRIES[5] + b" ", b""):
        with pytest.raises(InclusionError, match="index 5"):
            verify_proof(other, log.proof_text(5), [signer.verifier])


def test_a_proof_that_was_altered_proves_nothing(log: SmallLog, signer: NoteSigner) -> None:
    proof = log.proof(5)
    flipped = bytes([proof.path[3][0] ^ 1]) + proof.path[3][1:]
    for altered in (
        replace(proof, index=4),
        replace(proof, index=300),
        replace(proof, index=2**63 - 1),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=()),
        replace(proof, path=(*proof.path, b"\0" * 32)),
        replace(proof, path=proof.path[::-1]),
        replace(proof, path=(*proof.path[:3], flipped, *proof.path[4:])),
    ):
        with pytest.raises(InclusionError):
            verify_proof(ENTRIES[5], encode_proof(altered), [signer.verifier])


def test_a_proof_counts_only_under_the_log_s_own_key(log: SmallLog, signer: NoteSigner) -> None:
    stranger = NoteSigner(signer.name, SecretKey(b"s" * 32))
    witness = NoteSigner("witness.example", SecretKey(b"w" * 32))
    proof = log.proof(5)
    forged = replace(proof, checkpoint=log.checkpoint.sign(stranger))
    witnessed = replace(proof, checkpoint=witness.sign(log.checkpoint.encode()))

    with pytest.raises(NoteError):
        verify_proof(ENTRIES[5], encode_proof(forged), [signer.verifier])
    with pytest.raises(NoteError):
        verify_proof(ENTRIES[5], log.proof_text(5), [])
    with pytest.raises(CheckpointError):
        verify_proof(ENTRIES[5], encode_proof(witnessed), [signer.verifier, witness.verifier])


def test_extra_data_changes_nothing_that_is_proven(log: SmallLog, signer: NoteSigner) -> None:
    text = encode_proof(replace(log.proof(5), extra=b"unsigned"))

    assert verify_proof(ENTRIES[5], text, [signer.verifier]) == VerifiedEntry(5, log.checkpoint)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "file"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n", "file"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\n", "file"),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n", "line 1"),
        ("c2sp.org/tlog-proof@v1\r\nindex 0\n\nnote\n", "line 1"),
        ("c2sp.org/tlog-proof@v1\n\nnote\n", "line 2"),
        (f"c2sp.org/tlog-proof@v1\n{HASH}\n\nnote\n", "line 2"),
        ("c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nnote\n", "line 2"),
        ("c2sp.org/tlog-proof@v1\nextra YWdl\n\nnote\n", "line 3"),
        ("c2sp.org/tlog-proof@v1\nindex 0\nextra YWdl\n\nnote\n", "line 3"),
        ("c2sp.org/tlog-proof@v1\nindex\n\nnote\n", "line 2"),
        ("c2sp.org/tlog-proof@v1\nindex -1\n\nnote\n", "line 2"),
        ("c2sp.org/tlog-proof@v1\nindex 00\n\nnote\n", "line 2"),
        (f"c2sp.org/tlog-proof@v1\nindex {2**63}\n\nnote\n", "line 2"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH}\nAAAA\n\nnote\n", "line 4"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n {HASH}\n\nnote\n", "line 3"),
        ("c2sp.org/tlog-proof@v1\nindex 0" + f"\n{HASH}" * 64 + "\n\nnote\n", "path"),
        ("c" * (MAX_PROOF_CHARACTERS + 1), "file"),
    ],
)
def test_a_malformed_proof_is_refused_and_the_line_named(text: str, where: str) -> None:
    with pytest.raises(ProofFormatError) as caught:
        decode_proof(text)

    assert caught.value.where == where


@given(data=st.data())
def test_changing_any_character_of_a_proof_undoes_it(
    data: st.DataObject, log: SmallLog, signer: NoteSigner
) -> None:
    text = log.proof_text(5)
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters().filter(lambda c: c != text[at]))

    with pytest.raises(CustodyError):
        verify_proof(ENTRIES[5], text[:at] + character + text[at + 1 :], [signer.verifier])


@given(st.text() | st.text("index 019\nA=").map(lambda t: "c2sp.org/tlog-proof@v1\n" + t))
def test_no_text_whatever_raises_another_error(text: str) -> None:
    with pytest.raises(CustodyError):
        verify_proof(b"entry", text, [])
