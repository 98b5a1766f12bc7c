"""Blobs as objects in an S3-compatible bucket.

Owns the mapping of names to objects and of a server's answers to errors. Refuses to say that a
blob is absent when its bucket is, and shows no credentials. Durability is the server's word:
an upload that it has acknowledged; what it acknowledged is read back like from a disk.

An object of one part is put only if its name is free, which the server decides. Larger ones go
up in parts; S3 as it is found outside Amazon has no such condition there, so the name is looked
up right before the upload is completed. Two machines that seal one name at once are kept apart
by their caller's lease, and a stream's hash file, always of few parts, is put on condition.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import obstore
from obstore import exceptions as answers
from obstore.store import S3Store as Bucket

from storage.backend import checked_name
from storage.errors import (
    BlobExistsError,
    BlobMissingError,
    StorageFullError,
    StorageUnavailableError,
    UnknownFormatError,
)

if TYPE_CHECKING:
    from obstore import WritableFile

_MARKER: Final = ".cctv-vault-blobs"
_MARKER_TEXT: Final = b"cctv-vault blobs 1\n"
# An upload has at most 10 000 parts, so a blob at most 160 GB.
_PART: Final = 16 << 20
_PARTS_AT_ONCE: Final = 2
_FULL: Final = re.compile(r"QuotaExceeded|StorageFull|InsufficientCapacity|\b507 Insufficient")
# What of an answer is told: the server's own word, else the status, else that there was none.
_CODES: Final = (r"<Code>(\w+)</Code>", r"status code: (\d{3})", r"(error sending request)")
_OUT_OF_RANGE: Final = "416 Range Not Satisfiable"


class S3Store:
    """A `BlobStore` in a bucket. Safe for threads, and for several machines (see above)."""

    def __init__(
        self,
        bucket: str,
        endpoint: str,
        region: str,
        *,
        access_key: str,
        secret_key: str,
        prefix: str = "",
        must_exist: bool = False,
    ) -> None:
        """Open the store, or make it where the bucket has none under `prefix`.

        Args:
            bucket: The bucket; it exists and is the vault's own.
            endpoint: ``https://host[:port]`` of the server; plain http only where it says so.
            region: The region in the server's signatures.
            access_key: Id of the credential.
            secret_key: The credential.
            prefix: Where in the bucket the blobs are; names as of a blob, or empty.
            must_exist: Refuse to make a store, as whoever knows that there was one must.

        Raises:
            StorageUnavailableError: The server does not answer, refuses the credential, has no
                such bucket, or the bucket has no store where there must be one.
            UnknownFormatError: The store's version is not known here.
        """
        address = urlsplit(endpoint)
        port = f":{address.port}" if address.port else ""
        self.description = f"bucket {bucket}/{prefix} at {address.hostname}{port}"
        self._bucket = Bucket(
            bucket,
            prefix=checked_name(prefix) if prefix else None,
            endpoint=endpoint,
            region=region,
            access_key_id=access_key,
            secret_access_key=secret_key,
            client_options={
                "allow_http": address.scheme == "http",
                "connect_timeout": "10s",
                "timeout": "10m",
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(minutes=1)},
        )
        with _translated(self.description):
            try:
                marker = bytes(obstore.get(self._bucket, _MARKER).bytes())
            except FileNotFoundError:
                if must_exist:
                    raise StorageUnavailableError(
                        f"there are no blobs in {self.description}"
                    ) from None
                self._make()
                marker = _MARKER_TEXT
        if marker != _MARKER_TEXT:
            raise UnknownFormatError(f"{self.description} is not of a version known here")

    def _make(self) -> None:
        try:
            with contextlib.suppress(answers.AlreadyExistsError):
                obstore.put(self._bucket, _MARKER, _MARKER_TEXT, mode="create")
        except FileNotFoundError:
            raise StorageUnavailableError(f"there is no {self.description}") from None

    def create(self, name: str) -> "S3Writer":
        """Begin a blob; see `BlobStore.create`."""
        if self.exists(name):
            raise BlobExistsError(name)
        return S3Writer(self, self._bucket, name)

    def put_together(self, *steps: Sequence[tuple[str, bytes]]) -> None:
        """Put one after the other; see `BlobStore.put_together`."""
        done: list[str] = []
        try:
            for name, data in chain.from_iterable(steps):
                writer = self.create(name)
                try:
                    writer.write(data)
                    writer.commit()
                except BaseException:
                    writer.abort()
                    raise
                done.append(name)
        except BaseException:
            for name in reversed(done):
                with contextlib.suppress(StorageUnavailableError):
                    self.delete(name)
            raise

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return a range; see `BlobStore.read`."""
        checked_name(name)
        if length <= 0:
            self.size(name)
            return b""
        with self._answered(name):
            try:
                return bytes(obstore.get_range(self._bucket, name, start=offset, length=length))
            except answers.GenericError as error:
                if _OUT_OF_RANGE in str(error) and offset >= self.size(name):
                    return b""
                raise

    def read_back(self, name: str, chunk: int) -> Iterator[bytes]:
        """Yield the blob as the server has it; see `BlobStore.read_back`."""
        size, offset = self.size(name), 0
        # A request for a whole blob could outlast its time limit; a few parts never do.
        span = max(chunk, _PART // chunk * chunk)
        while offset < size:
            part = self.read(name, offset, span)
            if not part:
                break
            for at in range(0, len(part), chunk):
                yield part[at : at + chunk]
            offset += len(part)

    def size(self, name: str) -> int:
        """Return the size in bytes; see `BlobStore.size`."""
        checked_name(name)
        with self._answered(name):
            return int(obstore.head(self._bucket, name)["size"])

    def exists(self, name: str) -> bool:
        """Say whether the blob is there; see `BlobStore.exists`."""
        try:
            self.size(name)
        except BlobMissingError:
            return False
        return True

    def delete(self, name: str) -> None:
        """Remove the blob; see `BlobStore.delete`.

        Where the bucket keeps versions or locks its objects the ciphertext stays until its rules
        let go; its keys are gone all the same.
        """
        checked_name(name)
        with contextlib.suppress(BlobMissingError), self._answered(name):
            obstore.delete(self._bucket, name)

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of blobs; see `BlobStore.names`."""
        checked_name(f"{prefix}x")
        with _translated(self.description):
            # The server's prefix ends at a part of the name; ours may end within one.
            folder = prefix.rpartition("/")[0] or None
            for page in obstore.list(self._bucket, prefix=folder):
                for entry in page:
                    if entry["path"].startswith(prefix) and entry["path"] != _MARKER:
                        yield entry["path"]

    def free_bytes(self) -> None:
        """Return None: a bucket does not say."""

    def sweep_partial(self) -> int:
        """Return 0: no machine can tell another's dead upload from a living one.

        Unfinished uploads are no objects, and end by the bucket's own rule for them
        (``AbortIncompleteMultipartUpload``), which its owner sets.
        """
        return 0

    @contextlib.contextmanager
    def _answered(self, name: str) -> Iterator[None]:
        """Turn the server's answers about a blob into storage's errors."""
        with _translated(f"blob {name}"):
            try:
                yield
            except FileNotFoundError:
                try:
                    obstore.head(self._bucket, _MARKER)
                except FileNotFoundError:
                    raise StorageUnavailableError(f"{self.description} is gone") from None
                raise BlobMissingError(name) from None


class S3Writer:
    """One blob on its way into an `S3Store`. Holds at most a few parts in memory."""

    def __init__(self, store: S3Store, bucket: Bucket, name: str) -> None:
        """Begin; the name was free a moment ago."""
        self._store, self._bucket, self._name = store, bucket, name
        self._held = bytearray()
        self._upload: WritableFile | None = None
        self._open = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; see `BlobWriter.write`."""
        self._require_open()
        self._held += data
        if len(self._held) < _PART:
            return
        with _translated(f"blob {self._name}"):
            if self._upload is None:
                self._upload = obstore.open_writer(
                    self._bucket, self._name, buffer_size=_PART, max_concurrency=_PARTS_AT_ONCE
                )
            self._upload.write(bytes(self._held))
            self._held.clear()

    def commit(self) -> None:
        """Put the blob in place; see `BlobWriter.commit`."""
        self._require_open()
        with _translated(f"blob {self._name}"):
            if self._upload is None:
                try:
                    obstore.put(self._bucket, self._name, bytes(self._held), mode="create")
                except answers.AlreadyExistsError:
                    raise BlobExistsError(self._name) from None
            else:
                if self._held:
                    self._upload.write(bytes(self._held))
                if self._store.exists(self._name):
                    raise BlobExistsError(self._name)
                self._upload.close()
        self._open = False
        self._held.clear()

    def abort(self) -> None:
        """Forget the bytes; see `BlobWriter.abort`."""
        if not self._open:
            return
        self._open = False
        self._held.clear()
        if self._upload is not None:
            with _translated(f"blob {self._name}"):
                # Leaving with an error is how obstore is told to give an upload up.
                error = BlobExistsError(self._name)
                self._upload.__exit__(type(error), error, None)

    def _require_open(self) -> None:
        if not self._open:
            raise ValueError("this blob is committed or aborted")


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn obstore's errors into storage's, without what they quote of requests.

    Raises:
        StorageFullError: No room, or no quota.
        StorageUnavailableError: Any other failure.
    """
    try:
        yield
    except (answers.BaseError, FileNotFoundError) as error:
        text = str(error)
        codes = [found[1] for code in _CODES if (found := re.search(code, text))]
        reason = f"{what}: the server answers {next(iter(codes), type(error).__name__)}"
        kind = StorageFullError if _FULL.search(text) else StorageUnavailableError
        raise kind(reason) from None
