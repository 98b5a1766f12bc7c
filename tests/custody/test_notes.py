"""Signed notes: Go's published example, and every way a note can be wrong."""

import base64
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.errors import NoteError
from cctv_vault.custody.notes import (
    MAX_NOTE_CHARACTERS,
    MAX_SIGNATURES,
    Ed25519Verifier,
    NoteSigner,
    open_note,
    parse_vkey,
    read_note,
)
from storage.secret import SecretKey

# The example of golang.org/x/mod/sumdb/note: key, text and note as its documentation prints them.
PETER_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_NOTE = (
    PETER_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSN"
    "XgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

ALICE = NoteSigner("alice.example/log", SecretKey(b"a" * 32))
BOB = NoteSigner("bob.example/witness", SecretKey(b"b" * 32))

_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32))])
    | st.just("\n")
).map(lambda text: text + "\n")


def _signature_line(note: str) -> str:
    return note.removesuffix("\n").rpartition("\n")[2] + "\n"


def test_the_published_example_is_reproduced_byte_for_byte() -> None:
    seed = base64.b64decode(PETER_SEED)[1:]

    signer = NoteSigner("PeterNeumann", SecretKey(seed))

    assert signer.vkey == PETER_VKEY
    assert signer.sign(PETER_TEXT) == PETER_NOTE
    assert open_note(PETER_NOTE, [parse_vkey(PETER_VKEY)]) == PETER_TEXT


@given(_texts)
def test_any_text_comes_back_from_its_note(text: str) -> None:
    assert open_note(ALICE.sign(text), [ALICE.verifier]) == text


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "nul\0\n", "return\r\n", "\ud800\n"])
def test_a_text_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        ALICE.sign(text)


@given(st.integers(0, len(PETER_NOTE.encode()) - 1), st.integers(1, 255))
def test_changing_any_byte_of_a_note_closes_it(at: int, change: int) -> None:
    data = bytearray(PETER_NOTE.encode())
    data[at] ^= change

    with pytest.raises(NoteError):
        open_note(data.decode("utf-8", "surrogateescape"), [parse_vkey(PETER_VKEY)])


def test_signatures_of_unknown_keys_are_ignored_and_known_ones_reported() -> None:
    text = "text\n"
    note = BOB.sign(text) + _signature_line(ALICE.sign(text))

    assert read_note(note, [ALICE.verifier]).signers == (ALICE.verifier,)
    assert read_note(note, [ALICE.verifier, BOB.verifier]).signers == (
        BOB.verifier,
        ALICE.verifier,
    )


def test_a_key_of_another_kind_under_a_known_name_is_ignored() -> None:
    other = "— alice.example/log " + base64.b64encode(b"\0\0\0\6" + b"x" * 2420).decode() + "\n"

    assert open_note(ALICE.sign("text\n") + other, [ALICE.verifier]) == "text\n"


def test_a_note_without_a_known_signature_stays_closed() -> None:
    with pytest.raises(NoteError, match="none of the known keys"):
        open_note(BOB.sign("text\n"), [ALICE.verifier])
    with pytest.raises(NoteError, match="none of the known keys"):
        open_note(BOB.sign("text\n"), [])


def test_one_wrong_signature_of_a_known_key_refuses_the_whole_note() -> None:
    note = BOB.sign("text\n") + _signature_line(ALICE.sign("other text\n"))

    with pytest.raises(NoteError, match="signature 2"):
        open_note(note, [ALICE.verifier, BOB.verifier])


def test_a_signature_counts_once_however_often_it_stands_there() -> None:
    note = ALICE.sign("text\n")

    opened = read_note(note + _signature_line(note), [ALICE.verifier, ALICE.verifier])

    assert opened.signers == (ALICE.verifier,)


def test_sixteen_signatures_are_accepted_and_a_flood_is_not() -> None:
    note = ALICE.sign("text\n")
    line = _signature_line(note)

    assert open_note(note + 15 * line, [ALICE.verifier]) == "text\n"
    with pytest.raises(NoteError, match="more than"):
        open_note(note + MAX_SIGNATURES * line, [ALICE.verifier])
    with pytest.raises(NoteError, match="longer than"):
        open_note("a" * MAX_NOTE_CHARACTERS + note, [ALICE.verifier])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\nsignature\n",
        "text\n\n— \n",
        "text\n\n— alice.example/log\n",
        "text\n\n— alice.example/log \n",
        "text\n\n— alice.example/log AAAA\n",
        "text\n\n— alice.example/log AAAAAA==\n",
        "text\n\n— alice.example/log AAAAAAB=\n",
        "text\n\n— alice.example/log !!!!\n",
        "text\n\n— a+b AAAAAAA=\n",
        "text\n\n- alice.example/log AAAAAAA=\n",
        "text\n\n—\u00a0alice.example/log AAAAAAA=\n",
        "text\n\n— alice.example/log AAAAAAA=",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        open_note(note, [ALICE.verifier])


@given(st.text() | st.text("—ab+= \nA/").map(lambda tail: "text\n\n— " + tail + "\n"))
def test_no_text_whatever_raises_another_error(note: str) -> None:
    with pytest.raises(NoteError):
        open_note(note, [ALICE.verifier])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\0b", "\ud800"])
def test_a_name_no_line_can_carry_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        NoteSigner(name, SecretKey(b"k" * 32))


def test_verifier_keys_that_do_not_hold_together_are_refused() -> None:
    name, key_id, key = PETER_VKEY.split("+", 2)
    mldsa = base64.b64encode(b"\x06" + b"k" * 1312).decode()
    for vkey in (
        "",
        "++",
        f"{name}+{key_id}",
        f"+{key_id}+{key}",
        f"{name}+{key_id[:-1]}+{key}",
        f"{name}+c74f20a4+{key}",
        f"Peter+{key_id}+{key}",
        f"{name}+{key_id}+{key[:-4]}",
        f"{name}+{key_id}+{key}=",
        f"{name}+{key_id}+{mldsa}",
        f"{name}+{key_id}+====",
        PETER_VKEY + "\n",
    ):
        with pytest.raises(NoteError):
            parse_vkey(vkey)


@given(st.text() | st.text("+0123456789abcdefAQ=").map(lambda tail: "n+" + tail))
def test_no_verifier_key_whatever_raises_another_error(vkey: str) -> None:
    with pytest.raises(NoteError):
        parse_vkey(vkey)


def test_two_known_keys_that_cannot_be_told_apart_are_refused() -> None:
    @dataclass(frozen=True)
    class Lookalike:
        name: str = ALICE.name
        key_id: bytes = ALICE.verifier.key_id

        def verifies(self, text: str, signature: bytes) -> bool:
            return bool(text and signature)

    with pytest.raises(NoteError, match="same id"):
        open_note(ALICE.sign("text\n"), [ALICE.verifier, Lookalike()])


def test_a_key_that_is_no_point_of_the_curve_verifies_nothing() -> None:
    nowhere = Ed25519Verifier("alice.example/log", b"\xff" * 32)
    line = base64.b64encode(nowhere.key_id + b"s" * 64).decode()

    with pytest.raises(NoteError, match="signature 1"):
        open_note(f"text\n\n— {nowhere.name} {line}\n", [nowhere])


def test_a_signer_shows_its_public_half_only() -> None:
    seed = SecretKey(b"S" * 32)

    shown = repr(NoteSigner("alice.example/log", seed))

    assert "SSSS" not in shown
    assert base64.b64encode(seed.reveal()).decode()[:8] not in shown
    assert "alice.example/log+" in shown
