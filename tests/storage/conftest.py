"""What the tests of storage share: stores, a key, a context, and a way to die at any instant."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.backend import BlobStore
from storage.directory import DirectoryStore
from storage.secret import SecretKey
from storage.stream import StreamContext

# What the system is asked to change; Python announces each of these before it is done.
_CHANGES = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "fcntl.flock"}
_KILLED = 137


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """A fresh store in a folder."""
    return DirectoryStore(tmp_path / "blobs")


@pytest.fixture
def key() -> SecretKey:
    return SecretKey.generate()


@pytest.fixture
def context() -> StreamContext:
    return StreamContext("vault-1", "recording-1", "original")


@pytest.fixture
def put() -> Callable[[BlobStore, str, bytes], None]:
    """Puts bytes under a name, in place of what is there: what an attacker or a bad disk does."""

    def put(store: BlobStore, name: str, data: bytes) -> None:
        store.delete(name)
        writer = store.create(name)
        writer.write(data)
        writer.commit()

    return put


@pytest.fixture
def deaths() -> Callable[[Callable[[], object]], Iterator[int]]:
    """Runs an act in child processes that die at its first, second, … change to the disk.

    Yields the number of the change before which the child died, for each until the act is done.
    """

    def deaths(act: Callable[[], object]) -> Iterator[int]:
        for last in range(1, 1000):
            child = os.fork()
            if not child:
                _live_until(last, act)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != _KILLED:
                assert last > 1, "the act changed nothing, or failed at once"
                return
            yield last

    return deaths


def _live_until(last: int, act: Callable[[], object]) -> None:
    seen = 0

    def count(event: str, _: object) -> None:
        nonlocal seen
        seen += event in _CHANGES
        if seen == last:
            os._exit(_KILLED)

    status = 1
    try:
        sys.addaudithook(count)
        act()
        status = 0
    finally:
        os._exit(status)
