"""From a recording to its plain bytes: the only way, through a live grant that may be known of.

What has expired is refused, and so is what only a secret hold keeps, in the same words. Plain bytes
stay in memory.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

from sqlmodel import Session, col, select

from cctv_vault.database import Database
from cctv_vault.errors import NotFoundError
from cctv_vault.footage.catalogue import Catalogue, is_visible
from cctv_vault.footage.clips import ClipSource
from cctv_vault.footage.copies import Copies
from cctv_vault.footage.departures import Departures
from cctv_vault.footage.entered_looks import EnteredLooks
from cctv_vault.footage.reader import FootageReader, damage_named
from cctv_vault.footage.streams import ORIGINAL, blob_name, stream_context
from cctv_vault.footage.timeindex import pages
from cctv_vault.ingest.posters import Posters
from cctv_vault.ledger import Act, Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import DerivedStream, Recording
from storage.backend import BlobStore
from storage.secret import SecretKey
from storage.stream import open_sealed


class Opening:
    """The parts of the vault that opening footage uses."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        store: BlobStore,
        grants: Grants,
        keyring: Keyring,
        catalogue: Catalogue,
        posters: Posters,
        sandbox: MediaSandbox,
        departures: Departures,
        vault_id: str,
    ) -> None:
        """All belong to the vault."""
        self.copies = Copies(
            database=database, ledger=ledger, keyring=keyring, departures=departures
        )
        self._departures = departures
        self._database = database
        self._ledger = ledger
        self._store = store
        self._grants = grants
        self._catalogue = catalogue
        self._posters = posters
        self._sandbox = sandbox
        self._vault_id = vault_id
        self._looks = EnteredLooks()
        self._rendering = threading.Lock()

    def open_internal(self, recording_id: str, *, cleared: bool = False) -> FootageReader:
        """The original, for the product's own work, whose acts are entered elsewhere.

        Raises:
            As `open`, except for rights and reason.
        """
        with self._database.read() as session:
            recording, key = self._key(session, recording_id, Sight(gagged=cleared, staff=True))
        return self._reader(recording, key, ORIGINAL, recording.segment_root)

    def _key(
        self, session: Session, recording_id: str, sight: Sight
    ) -> tuple[Recording, SecretKey]:
        recording = session.get(Recording, recording_id)
        if recording is None:
            raise NotFoundError("recording", recording_id)
        now = self._ledger.provable_now(session)
        with damage_named(recording_id):
            key = self._grants.key_for(session, recording_id, now, sight)
        self._grants.require_usable(session, [recording_id], now)
        return recording, key

    def _window(
        self, session: Session, camera: str, start: datetime, end: datetime, sight: Sight
    ) -> list[tuple[Recording, SecretKey]]:
        """The videos of a window that are there for somebody, with their keys, in order."""
        now = self._ledger.provable_now(session)
        found: list[tuple[Recording, SecretKey]] = []
        for rows in pages(session, [camera], start=start, end=end):
            self._grants.require_usable(session, [row.id for row in rows], now)
            live = self._grants.live(session, [row.id for row in rows], now)
            found.extend(
                (row, self._grants.key_for(session, row.id, now, sight))
                for row in rows
                if row.kind == "video" and is_visible(live.get(row.id, ()), sight)
            )
        return found

    def _reader(
        self, recording: Recording, key: SecretKey, stream: str, root: bytes
    ) -> FootageReader:
        with damage_named(recording.id):
            sealed = open_sealed(
                self._store,
                blob_name(recording.id, stream),
                key,
                stream_context(self._vault_id, recording.id, stream),
                segment_root=root,
            )
        return FootageReader(recording.id, sealed)

    @contextmanager
    def _opened(self, footage: Sequence[tuple[Recording, SecretKey]]) -> Iterator[list[ClipSource]]:
        """The originals of recordings, opened to be cut, and closed afterwards."""
        with ExitStack() as opened:
            yield [
                ClipSource(
                    recording.id,
                    opened.enter_context(
                        self._reader(recording, key, ORIGINAL, recording.segment_root)
                    ),
                    recording.started_at,
                    damaged="damaged" in recording.faults,
                )
                for recording, key in footage
            ]

    def _derived(self, recording_id: str, stream: str) -> bytes | None:
        with self._database.read() as session:
            return session.exec(
                select(DerivedStream.segment_root).where(
                    col(DerivedStream.recording_id) == recording_id,
                    col(DerivedStream.stream) == stream,
                )
            ).first()

    def _secret(self, act: Act, recording_ids: Sequence[str]) -> tuple[str, ...]:
        """The secret holds to name beside a look or a copy, so that it is hidden with them."""
        now = self._ledger.provable_now(act.session)
        return self._grants.only_secret(act.session, recording_ids, now)


def roots_of(session: Session, recording_ids: Sequence[str], stream: str) -> dict[str, bytes]:
    """The commitments of one derived stream of these recordings, of those that have it."""
    rows = session.exec(
        select(DerivedStream.recording_id, DerivedStream.segment_root).where(
            col(DerivedStream.recording_id).in_(recording_ids), col(DerivedStream.stream) == stream
        )
    )
    return {str(key): bytes(root) for key, root in rows}
