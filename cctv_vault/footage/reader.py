"""A recording's plain bytes, and how damage to what is stored is told."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cctv_vault.errors import ConfigError, DamagedError
from storage.errors import (
    BlobExistsError,
    KeyUnavailableError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from storage.stream import SealedReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class FootageReader(io.RawIOBase):
    """A recording's plain bytes, seekable; damage is named with the recording it befell."""

    def __init__(self, recording_id: str, sealed: SealedReader) -> None:
        """``sealed`` is closed with this."""
        self.recording_id = recording_id
        self._sealed = sealed

    @property
    def size(self) -> int:
        """Plain bytes."""
        return self._sealed.size

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer, short only at the end.

        Raises:
            DamagedError: Stored bytes are missing or changed.
        """
        with damage_named(self.recording_id):
            return self._sealed.readinto(buffer)

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``size`` bytes, fewer only at the end; errors as `readinto`."""
        with damage_named(self.recording_id):
            return self._sealed.read(size)

    def piece(self, size: int, /) -> bytes:
        """At most ``size`` bytes, as many as lie together; errors as `readinto`."""
        with damage_named(self.recording_id):
            return self._sealed.piece(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; returns the position from the start."""
        return self._sealed.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._sealed.tell()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Forget what was decrypted."""
        self._sealed.close()
        super().close()


@contextmanager
def damage_named(recording_id: str) -> Iterator[None]:
    """Translate storage's errors at the border.

    Raises:
        DamagedError: Stored bytes are missing or changed.
        ConfigError: The store does not answer.
    """
    try:
        yield
    except (StorageFullError, StorageUnavailableError, KeyUnavailableError) as error:
        raise ConfigError(
            f"the recording {recording_id} cannot be read now: {error}; mend or remount the store"
        ) from error
    except BlobExistsError as error:
        raise ConfigError(
            f"another process is preparing the recording {recording_id}; try again shortly"
        ) from error
    except StorageError as error:
        raise DamagedError(f"the recording {recording_id} is damaged: {error}") from error
