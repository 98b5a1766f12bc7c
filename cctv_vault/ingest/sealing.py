"""Ciphertext of what arrives: made durable before its row, and removed where none follows."""

import io
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, cast

from sqlmodel import select

from cctv_vault.database import Database
from cctv_vault.errors import VaultError
from cctv_vault.footage.streams import ORIGINAL, blob_name
from cctv_vault.ingest.arriving import Entered, Sealed
from cctv_vault.ingest.journal import SealingJournal
from cctv_vault.ingest.sidecars import Sidecar
from cctv_vault.ingest.sources import Source
from cctv_vault.schema import Camera, Quarantined, Recording
from storage.backend import BlobStore
from storage.errors import StorageError
from storage.secret import SecretKey
from storage.stream import (
    SealedReader,
    SmallStream,
    StreamContext,
    delete_stream,
    seal,
    stream_names,
)

_LOG: Final = logging.getLogger(__name__)


class Sealing:
    """Seals under fresh keys and ids that stand in the journal."""

    def __init__(
        self, *, database: Database, store: BlobStore, vault_id: str, journal_folder: Path
    ) -> None:
        """``journal_folder`` lies in the home; the rest belongs to the vault."""
        self._database = database
        self._store = store
        self._vault_id = vault_id
        self._journal = SealingJournal(journal_folder)

    def close(self) -> None:
        """Give up the journal; call when nothing is being sealed."""
        self._journal.close()

    def sealed(
        self,
        content: Source | SealedReader,
        stream: str,
        index: Callable[[Sealed], Entered],
        sidecars: Sequence[Sidecar] = (),
    ) -> Entered:
        """Seal a file and have it indexed; what gets no row leaves no ciphertext either.

        What belongs to it is sealed beside it, under its key.
        """
        object_id = self._journal.new_id()
        key = SecretKey.generate()
        try:
            content.seek(0)
            sealed = seal(
                cast("BinaryIO", content),
                self._store,
                blob_name(object_id, stream),
                key,
                StreamContext(self._vault_id, object_id, stream),
                expected_size=content.size,
            )
            beside = tuple(
                (
                    each.stream,
                    seal(
                        io.BytesIO(each.data),
                        self._store,
                        blob_name(object_id, each.stream),
                        key,
                        StreamContext(self._vault_id, object_id, each.stream),
                    ),
                )
                for each in sidecars
            )
            entered = index(Sealed(object_id, key, sealed, beside))
        except BaseException:
            self.remove_unless_indexed(object_id)
            raise
        if entered.used:
            self._journal.settled(object_id)
        else:
            self.remove_unless_indexed(object_id)
        return entered

    def small_stream(self, data: bytes) -> SmallStream:
        """A small file under a fresh key and id, to be sealed together with others."""
        object_id = self._journal.new_id()
        context = StreamContext(self._vault_id, object_id, ORIGINAL)
        return SmallStream(blob_name(object_id, ORIGINAL), SecretKey.generate(), context, data)

    def settled(self, object_id: str) -> None:
        """The object has its row."""
        self._journal.settled(object_id)

    def resume(self) -> None:
        """Remove the ciphertext that dead processes left without a row."""
        for ids in self._journal.abandoned():
            for object_id in ids:
                self.remove_unless_indexed(object_id)

    def remove_unless_indexed(self, object_id: str) -> None:
        """Remove ciphertext that no row stands for; where nobody can tell, a later start does."""
        try:
            names = list(stream_names(self._store, blob_name(object_id, "")))
            if not names:
                self._journal.settled(object_id)
                return
            with self._database.read() as session:
                cameras = session.exec(select(Camera.code)).all()
            # The locks wait for a commit that may still be under way though its client died.
            with self._database.write(cameras) as session:
                indexed = (
                    session.get(Recording, object_id) is not None
                    or session.get(Quarantined, object_id) is not None
                )
                if not indexed:
                    for name in names:
                        delete_stream(self._store, name)
            self._journal.settled(object_id)
        except (VaultError, StorageError) as error:
            _LOG.error("an unfinished sealing cannot be removed yet: %s", type(error).__name__)
