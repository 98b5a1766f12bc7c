"""The key folder: the only place on a disk where root keys live.

Owns the root key of each epoch and the seed of the log's signing key, each in a small file of
its own, so that an epoch is destroyed by itself. Refuses folders that belong to another vault,
and never replaces a key. `FORMAT.md`, "Key folder", is normative.
"""

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from storage.directory import sync_folder, translated, write_all
from storage.encoding import associated_data
from storage.errors import KeyTamperedError, KeyUnavailableError, UnknownFormatError
from storage.filesystems import Filesystem, filesystem_of
from storage.secret import KEY_BYTES, SecretKey

_MARKER: Final = "vault"
_MARKER_TITLE: Final = "cctv-vault keys 1"
_CREATING: Final = ".creating"
_PARTIAL: Final = ".partial"
_SIGNING: Final = "signing.key"
_ROOT: Final = re.compile(r"root-(\d{8})\.key")
_MAGIC: Final = b"CVLTKEY"
_VERSION: Final = b"\x01"
_HEAD: Final = _MAGIC + _VERSION
_CHECK_BYTES: Final = 32
_FILE_BYTES: Final = len(_HEAD) + KEY_BYTES + _CHECK_BYTES
MAX_EPOCH: Final = 99_999_999


class RootFolder:
    """The root keys and the signing key of one vault.

    Changes are made under a lock on the folder, so that several processes may share it.
    """

    def __init__(self, folder: Path, vault_id: str) -> None:
        """Hold a folder that `create` or `open` has checked."""
        self._folder, self._vault_id = folder, vault_id

    @classmethod
    def create(cls, folder: Path, vault_id: str) -> Self:
        """Make a key folder with the root of epoch 1 and a signing key; durable on return.

        What an interrupted `create` left is overwritten and made anew: no vault has used it.

        Args:
            folder: Missing or empty; made with mode 0700.
            vault_id: The vault whose keys it will hold; one line.

        Raises:
            KeyUnavailableError: The folder holds something already.
            StorageFullError: No room.
            StorageUnavailableError: The medium failed.
        """
        folder = folder.absolute()
        if not vault_id or not vault_id.isprintable():
            raise ValueError("a vault's id is one printable line")
        made = cls(folder, vault_id)
        with translated(f"key folder {folder}"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with made._locked():
                names = {entry.name for entry in folder.iterdir()}
                if _CREATING not in names and names - {f".{_CREATING}{_PARTIAL}"}:
                    raise KeyUnavailableError(
                        f"{folder} is not empty: choose another folder for the keys"
                    )
                for name in sorted(names - {_CREATING}):
                    _erase(folder / name)
                folder.chmod(0o700)
                # While this mark is there, `create` has not returned and nobody has a key.
                made._put(_CREATING, b"")
                made._put(_SIGNING, made._encode(_SIGNING, SecretKey.generate()))
                made._put(_root_name(1), made._encode(_root_name(1), SecretKey.generate()))
                made._put(_MARKER, f"{_MARKER_TITLE}\n{vault_id}\n".encode())
                (folder / _CREATING).unlink()
                sync_folder(folder)
            sync_folder(folder.parent)
        return made

    @classmethod
    def open(cls, folder: Path, vault_id: str) -> Self:
        """Open the key folder of a vault and erase what a dead writer left in it.

        Raises:
            KeyUnavailableError: It is not there, not readable, unfinished or another vault's.
            KeyTamperedError: Its signing key is damaged.
            UnknownFormatError: Its version is not known here.
        """
        folder = folder.absolute()
        hint = "say where they are with --keys or CCTV_VAULT_KEYS"
        try:
            unfinished = (folder / _CREATING).exists()
            text = "" if unfinished else (folder / _MARKER).read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise KeyUnavailableError(f"the vault's keys are not in {folder}: {hint}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise KeyUnavailableError(
                f"{folder / _MARKER} cannot be read: {type(error).__name__}"
            ) from None
        if unfinished:
            raise KeyUnavailableError(
                f"{folder} was not finished: its making was interrupted, run init again"
            )
        title, _, owner = text.partition("\n")
        if title != _MARKER_TITLE:
            raise UnknownFormatError(f"{folder / _MARKER} is not of a version known here")
        if owner != f"{vault_id}\n":
            raise KeyUnavailableError(
                f"{folder} holds the keys of vault {owner.strip()}, not of {vault_id}: {hint}"
            )
        opened = cls(folder, vault_id)
        with translated(f"key folder {folder}"), opened._locked():
            for left in folder.glob(f".*{_PARTIAL}"):
                _erase(left)
        opened.signing_seed()
        return opened

    @property
    def folder(self) -> Path:
        """Where the keys are."""
        return self._folder

    @property
    def worth(self) -> str:
        """One English sentence: what `destroy` is worth on this filesystem."""
        return self._filesystem().worth

    def warnings(self) -> list[str]:
        """Return what is wrong with where and how the keys are kept, with what to do."""
        found = self._filesystem().warnings(self._folder)
        with translated(f"key folder {self._folder}"):
            for path in (self._folder, *sorted(self._folder.iterdir())):
                state = path.stat()
                if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    found.append(f"{path} is open to other users: chmod go-rwx {path}")
                if state.st_uid != os.geteuid():
                    found.append(f"{path} belongs to another user: chown it to the vault's")
        return found

    def epochs(self) -> list[int]:
        """Return the epochs whose root is here, ascending.

        Raises:
            StorageUnavailableError: The folder cannot be read.
        """
        with translated(f"key folder {self._folder}"):
            names = [entry.name for entry in self._folder.iterdir()]
        return sorted(int(match[1]) for name in names if (match := _ROOT.fullmatch(name)))

    def load(self, epoch: int) -> SecretKey:
        """Return the root key of an epoch.

        Raises:
            KeyUnavailableError: It was destroyed or never made, or cannot be read.
            KeyTamperedError: Its file is damaged, or was being destroyed when power failed.
            UnknownFormatError: Its version is not known here.
        """
        return self._load(_root_name(epoch))

    def create_epoch(self, epoch: int) -> None:
        """Make the root key of a new epoch; durable and read back on return.

        Raises:
            KeyUnavailableError: That epoch has a key already.
            StorageFullError: No room.
            StorageUnavailableError: The medium failed.
        """
        name = _root_name(epoch)
        with translated(f"key folder {self._folder}"), self._locked():
            if (self._folder / name).exists():
                raise KeyUnavailableError(f"epoch {epoch} has a root key already")
            key = SecretKey.generate()
            self._put(name, self._encode(name, key))
            if self._load(name) != key:
                raise KeyTamperedError(f"{name} did not read back as it was written")

    def destroy(self, epoch: int) -> None:
        """Overwrite and remove the root key of an epoch; durable on return, and repeatable.

        Raises:
            StorageUnavailableError: The medium failed; the key may still be there.
        """
        with translated(f"key folder {self._folder}"), self._locked():
            _erase(self._folder / _root_name(epoch))

    def signing_seed(self) -> SecretKey:
        """Return the 32-byte Ed25519 seed of the log's signing key.

        Raises:
            KeyUnavailableError: It is not there or cannot be read.
            KeyTamperedError: Its file is damaged.
            UnknownFormatError: Its version is not known here.
        """
        return self._load(_SIGNING)

    def _filesystem(self) -> Filesystem:
        return filesystem_of(self._folder)

    def _encode(self, name: str, key: SecretKey) -> bytes:
        return _HEAD + key.reveal() + self._check(name, key.reveal())

    def _check(self, name: str, material: bytes) -> bytes:
        """Return the check over a key file: it finds damage and exchanged files."""
        label = associated_data("cctv-vault/key-file/v1", self._vault_id, name)
        return hmac.digest(material, label, hashlib.sha256)

    def _load(self, name: str) -> SecretKey:
        path = self._folder / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise KeyUnavailableError(f"there is no {name} in {self._folder}") from None
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise KeyUnavailableError(f"{path} cannot be read: {reason}") from None
        if data.startswith(_MAGIC) and not data.startswith(_HEAD) and len(data) > len(_MAGIC):
            raise UnknownFormatError(f"{path} has format version {data[len(_MAGIC)]}")
        material = data[len(_HEAD) : len(_HEAD) + KEY_BYTES]
        if (
            len(data) != _FILE_BYTES
            or not data.startswith(_HEAD)
            or not hmac.compare_digest(data[-_CHECK_BYTES:], self._check(name, material))
        ):
            raise KeyTamperedError(f"{path} is damaged, half destroyed or of another vault")
        return SecretKey(material)

    def _put(self, name: str, data: bytes) -> None:
        """Write a new file: temporary file, sync, rename, sync of the folder."""
        temporary = self._folder / f".{name}{_PARTIAL}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, 0o600)
        try:
            write_all(handle, data)
            os.fsync(handle)
        except BaseException:
            with contextlib.suppress(OSError):
                _erase(temporary)
            raise
        finally:
            os.close(handle)
        temporary.rename(self._folder / name)
        sync_folder(self._folder)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _root_name(epoch: int) -> str:
    if not 1 <= epoch <= MAX_EPOCH:
        raise ValueError(f"an epoch is 1 to {MAX_EPOCH}, not {epoch}")
    return f"root-{epoch:08d}.key"


def _erase(path: Path) -> None:
    """Overwrite a file in place, sync, unlink, and sync its folder. Missing is erased."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        # Random bytes: zeros might be stored as a hole or shared block beside the old ones.
        write_all(handle, secrets.token_bytes(os.fstat(handle).st_size))
        os.fdatasync(handle)
    finally:
        os.close(handle)
    path.unlink()
    sync_folder(path.parent)
