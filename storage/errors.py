"""Every error that storage raises.

Callers tell cases apart by type, never by text. A message names the blob or key file, what is
wrong with it and, where somebody can act, what to do. It never holds key material or content.
"""


class StorageError(Exception):
    """The base of all errors raised by `storage`."""


class PassphraseError(StorageError, OSError):
    """A file under a passphrase does not open: another passphrase, or not what was sealed.

    An `OSError` too, as of any file that cannot be read.
    """


class BlobMissingError(StorageError):
    """No blob lies under this name."""

    def __init__(self, name: str) -> None:
        """Name the blob that is not there."""
        super().__init__(f"there is no blob {name}")
        self.name = name


class BlobExistsError(StorageError):
    """A blob lies under this name already, or is being written: blobs are never replaced."""

    def __init__(self, name: str, *, being_written: bool = False) -> None:
        """Name the blob, and say whether it is complete or in the hands of another writer."""
        state = "is being written by another writer" if being_written else "exists already"
        super().__init__(f"blob {name} {state}")
        self.name = name
        self.being_written = being_written


class BlobTruncatedError(StorageError):
    """The end of a blob is missing."""

    def __init__(self, name: str, *, size: int, expected: int) -> None:
        """Give the size found and the size sealed, both in bytes of ciphertext."""
        super().__init__(f"blob {name} is truncated: {size} of {expected} bytes are there")
        self.name = name
        self.size = size
        self.expected = expected


class BlobTamperedError(StorageError):
    """A blob is not what was sealed.

    Attributes:
        name: The blob.
        what: What is damaged. One of `header`, `segment N` (N counts from 0), `segment order`
            (a segment of the same blob lies in the wrong place), `length` (bytes were added),
            `segment hashes` (the hash file), `blob` (another stream lies under this name),
            `root` (blob and hash file agree with each other but not with the committed root),
            `key or context` (the ciphertext is as sealed; the key or the associated data is
            not the one it was sealed with), `value` (a sealed value).
    """

    def __init__(self, name: str, what: str, detail: str = "") -> None:
        """Name the blob and the damaged part."""
        super().__init__(f"blob {name} is damaged: {what}" + (f" ({detail})" if detail else ""))
        self.name = name
        self.what = what


class SourceChangedError(StorageError):
    """A source did not yield the number of bytes announced: it changed while it was sealed."""


class KeyUnavailableError(StorageError):
    """A key cannot be had: its folder, epoch or file is not there or not readable."""


class KeyTamperedError(StorageError):
    """A key file or wrapped key is damaged, or is offered in a context it was not made for."""


class StorageFullError(StorageError):
    """The medium has no room (ENOSPC, EDQUOT, EFBIG). Nothing partial is left behind."""


class StorageUnavailableError(StorageError):
    """The medium or server does not answer as it must (EIO, read-only, unmounted, unreachable)."""


class UnknownFormatError(StorageError):
    """The bytes declare a format version that this program does not know."""


class ProofError(StorageError):
    """A Merkle proof does not prove what it is offered for."""
