"""What a blob store must do: the protocol that `directory` and `s3` fulfil.

A blob is written once, whole, under a name, and is never changed. Names are relative, such as
``ab/abcdef/original``; they carry ids, never anything about a person.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

_NAME: Final = re.compile(
    r"(?=.{1,512}\Z)[A-Za-z0-9][\w.-]{0,127}(/[A-Za-z0-9][\w.-]{0,127}){0,7}", re.ASCII
)


def checked_name(name: str) -> str:
    """Return `name` if a blob may have it.

    One to eight parts divided by ``/``, each of 1 to 128 of the characters ``A-Z a-z 0-9 . _ -``
    and beginning with a letter or digit, so that no name leaves its store, hides or collides
    with the store's own files.

    Raises:
        ValueError: It may not.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a blob name has one to eight parts of letters, digits, '.', '_', '-'")
    return name


class BlobWriter(Protocol):
    """One blob on its way into a store. It is in no store before `commit` has returned."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; the caller may reuse their buffer at once.

        Raises:
            StorageFullError: No room.
            StorageUnavailableError: The medium failed.
        """

    def commit(self) -> None:
        """Put the blob in place; durable on return.

        Raises:
            BlobExistsError: The name was taken meanwhile; nothing is changed.
            StorageFullError: No room.
            StorageUnavailableError: The medium failed.
        """

    def abort(self) -> None:
        """Forget the bytes. Does nothing after `commit` or a second time."""


class BlobStore(Protocol):
    """A place for blobs."""

    @property
    def description(self) -> str:
        """What and where this store is, for people; without credentials."""

    def create(self, name: str) -> BlobWriter:
        """Begin a blob.

        Raises:
            BlobExistsError: The name is taken, or another writer holds it.
            StorageUnavailableError: The medium failed.
        """

    def put_together(self, *steps: Sequence[tuple[str, bytes]]) -> None:
        """Put many small blobs, each given whole; all durable on return, or none is there.

        Those of a step are durable before any of the next is in place.

        Raises:
            BlobExistsError: A name is taken, or another writer holds it.
            StorageFullError: No room.
            StorageUnavailableError: The medium failed.
        """

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer only where the blob ends.

        Raises:
            BlobMissingError: There is no such blob.
            StorageUnavailableError: The medium failed.
        """

    def read_back(self, name: str, chunk: int) -> Iterator[bytes]:
        """Yield the blob in pieces of `chunk` bytes, from the medium and not from a cache.

        Raises:
            BlobMissingError: There is no such blob.
            StorageUnavailableError: The medium failed.
        """

    def size(self, name: str) -> int:
        """Return the blob's size in bytes.

        Raises:
            BlobMissingError: There is no such blob.
            StorageUnavailableError: The medium failed.
        """

    def exists(self, name: str) -> bool:
        """Say whether the blob is there.

        Raises:
            StorageUnavailableError: The medium failed, so that nobody knows.
        """

    def delete(self, name: str) -> None:
        """Remove the blob, durably; a blob that is not there is removed already.

        Raises:
            StorageUnavailableError: The medium failed.
        """

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of complete blobs that begin with `prefix`, in no promised order.

        Raises:
            StorageUnavailableError: The medium failed.
        """

    def free_bytes(self) -> int | None:
        """Return the room left in bytes, or None where the store cannot know.

        Raises:
            StorageUnavailableError: The medium failed.
        """

    def sweep_partial(self) -> int:
        """Remove what dead writers left unfinished and return how many pieces that were.

        Live writers, of any process on this machine, are not disturbed.

        Raises:
            StorageUnavailableError: The medium failed.
        """
