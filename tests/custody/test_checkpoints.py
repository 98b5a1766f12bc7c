"""Checkpoints: the text of c2sp.org/tlog-checkpoint, and who may sign it."""

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.checkpoints import MAX_SIZE, Checkpoint
from cctv_vault.custody.errors import CheckpointError, CustodyError, NoteError
from cctv_vault.custody.notes import NoteSigner
from storage.secret import SecretKey

EMPTY = hashlib.sha256(b"").digest()
LOG = NoteSigner("vault.example/log", SecretKey(b"l" * 32))
WITNESS = NoteSigner("witness.example", SecretKey(b"w" * 32))

_heads = st.builds(
    Checkpoint,
    st.just("vault.example/log"),
    st.integers(1, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
)


def test_the_example_of_the_specification_is_read_and_written_alike() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

    checkpoint = Checkpoint.decode(text)

    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert checkpoint.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint.encode() == text


@given(_heads)
def test_a_signed_checkpoint_opens_as_it_was(checkpoint: Checkpoint) -> None:
    assert Checkpoint.open(checkpoint.sign(LOG), [LOG.verifier]) == checkpoint
    assert Checkpoint.decode(checkpoint.encode()) == checkpoint


def test_only_a_log_of_a_simulated_vault_says_so() -> None:
    assert Checkpoint("vault.example/log/simulated", 0, EMPTY).simulated
    assert not Checkpoint("vault.example/log", 0, EMPTY).simulated
    assert not Checkpoint("simulated.example/log", 0, EMPTY).simulated


def test_a_checkpoint_is_signed_by_the_key_of_its_own_name_only() -> None:
    checkpoint = Checkpoint("vault.example/log", 0, EMPTY)

    with pytest.raises(CheckpointError, match="name of the signing key"):
        checkpoint.sign(WITNESS)


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    text = Checkpoint("vault.example/log", 0, EMPTY).encode()
    witnessed = WITNESS.sign(text)
    both = LOG.sign(text) + witnessed.removeprefix(text).lstrip("\n")

    with pytest.raises(CheckpointError, match="log itself"):
        Checkpoint.open(witnessed, [LOG.verifier, WITNESS.verifier])
    with pytest.raises(NoteError):
        Checkpoint.open(witnessed, [LOG.verifier])
    assert Checkpoint.open(both, [LOG.verifier, WITNESS.verifier]).size == 0


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, EMPTY),
        ("two words", 1, EMPTY),
        ("a+b", 1, EMPTY),
        ("line\nbreak", 1, EMPTY),
        ("log", -1, EMPTY),
        ("log", MAX_SIZE + 1, EMPTY),
        ("log", 1, EMPTY[:-1]),
        ("log", 0, b"\0" * 32),
    ],
)
def test_a_head_no_log_could_have_is_refused(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint(origin, size, root)


_ROOT = base64.b64encode(EMPTY).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n",
        f"log\n1\n{_ROOT}",
        f"log\n1\n{_ROOT}\nextension\n",
        f"log\n1\n{_ROOT}\n\n",
        f"log\n01\n{_ROOT}\n",
        f"log\n+1\n{_ROOT}\n",
        f"log\n1_0\n{_ROOT}\n",
        f"log\n\u0661\n{_ROOT}\n",
        f"log\n{10**30}\n{_ROOT}\n",
        f"log\n{'9' * 5000}\n{_ROOT}\n",
        f"log\n\n{_ROOT}\n",
        f"log\n1\n{_ROOT[:-1]}\n",
        f"log\n1\n{_ROOT}=\n",
        "log\n1\nAAAA\n",
        f"\n1\n{_ROOT}\n",
    ],
)
def test_a_malformed_text_is_refused_even_when_signed(text: str) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint.decode(text)
    if text.endswith("\n"):
        with pytest.raises(CheckpointError):
            Checkpoint.open(LOG.sign(text), [LOG.verifier])


@given(st.text() | st.text("lo\n019AQ=/+").map(lambda tail: "log\n" + tail + "\n"))
def test_no_text_whatever_raises_another_error(text: str) -> None:
    with contextlib.suppress(CheckpointError):
        assert Checkpoint.decode(text).encode() == text
    with pytest.raises(CustodyError):
        Checkpoint.open(text, [LOG.verifier])
