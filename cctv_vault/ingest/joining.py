"""What belongs to a film and comes after it: kept with the film's recording, and ends with it.

Owns the finding of the film a late file belongs to: by its name, among what the camera sent within
a day; and, of an Axis recording's own note, by the time it tells of. Refuses to guess: what fits
no film that everybody may know of, or one that has such a file already, is taken in by itself.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlmodel import Session, col, select

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import ExpiredError, NotFoundError
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.streams import beside_stream, blob_name, stream_context
from cctv_vault.ingest.arriving import Entered, Offer
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.removals import Removals, with_removal
from cctv_vault.ingest.settling import Settling
from cctv_vault.ingest.sidecars import (
    film_names,
    is_block_name,
    is_note,
    may_join,
    read_recording,
    suffix_of,
)
from cctv_vault.ingest.sources import SourceBusyError, unescape_name
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import Grants
from cctv_vault.schema import Camera, DerivedStream, Recording
from storage.backend import BlobStore
from storage.secret import SecretKey
from storage.stream import delete_stream, open_sealed, seal

_LATER_BY: Final = timedelta(days=1)
"""How long after its film a file is still the film's."""
_SPANS: Final = tuple(range(19))
_AROUND: Final = timedelta(minutes=2)
"""How far a note's times may lie from its films': drift since its start, and rounding."""


@dataclass(frozen=True)
class _Film:
    """The recording a file belongs to, and what the file is kept as beside it."""

    id: str
    stream: str
    key: SecretKey = field(repr=False)


class Joining:
    """Keeps late files with the films they belong to."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        store: BlobStore,
        grants: Grants,
        removals: Removals,
        settling: Settling,
        vault_id: str,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._store = store
        self._grants = grants
        self._removals = removals
        self._settling = settling
        self._vault_id = vault_id

    def late(self, session: Session, camera: str, names: Iterable[str], now: datetime) -> set[str]:
        """Those of the names of one camera's files, as kept, that may belong to a film."""
        wanted = {film: each for each in names for film in film_names(each)}
        return {wanted[each.original_name] for each in self._named(session, camera, wanted, now)}

    def joined(self, offer: Offer) -> Outcome | None:
        """Keep a file with the film it belongs to; None where it belongs to none.

        Raises:
            SourceBusyError: It changed while it was read, or its camera may go on with it.
            StorageError: It cannot be sealed.
        """
        source = offer.source
        if not may_join(source):
            return None
        source.seek(0)
        data = source.read(source.size + 1)
        if data is None or len(data) != source.size:
            raise SourceBusyError("it changed while it was read")
        film = self._film(offer, data)
        return None if film is None else self._kept_with(offer, film, data)

    def _film(self, offer: Offer, data: bytes) -> _Film | None:
        now = self._ledger.clock.now()
        with self._database.read() as session:
            camera = find_camera(session, offer.camera)
            if is_note(offer.source.path):
                found = self._last_of(session, camera, offer, data)
                suffix = f".{offer.source.path.name}"
            else:
                found = self._of_its_name(session, camera, offer, now)
                suffix = suffix_of(offer.source.path, found.original_name) if found else ""
            if found is None:
                return None
            stream = beside_stream(suffix)
            try:
                # What only a secret hold keeps is, to whoever sends files, not there.
                key = self._grants.key_for(session, found.id, now, Sight())
            except (ExpiredError, NotFoundError):
                return None
            return _Film(found.id, stream, key)

    def _named(
        self, session: Session, camera: str, names: Iterable[str], now: datetime
    ) -> Sequence[Recording]:
        return session.exec(
            select(Recording).where(
                col(Recording.camera_code) == camera,
                col(Recording.kind) == "video",
                col(Recording.original_name).in_(list(names)),
                col(Recording.state) == "kept",
                col(Recording.arrived_at) > now - _LATER_BY,
            )
        ).all()

    def _of_its_name(
        self, session: Session, camera: Camera, offer: Offer, now: datetime
    ) -> Recording | None:
        """The film of a file's name; of several, as of one a day, the one of its time."""
        films = self._named(session, camera.code, film_names(offer.original_name), now)
        if len(films) > 1:
            films = [each for each in films if _is_of_its_time(each, offer, camera)]
        return max(films, key=lambda each: each.arrived_at, default=None)

    def _last_of(
        self, session: Session, camera: Camera, offer: Offer, data: bytes
    ) -> Recording | None:
        """The last film of an Axis recording, by the times its note tells: it is kept longest."""
        told = read_recording(data.decode("utf-8", "replace"))
        if told is None:
            return None
        self._settling.require_alone(offer.source, note=told)
        offset = timedelta(seconds=camera.clock_offset_s)
        earliest = told.started - offset - _AROUND
        ended = told.ended - offset if told.ended else self._ledger.clock.now()
        rows = session.exec(
            select(Recording)
            .where(
                col(Recording.camera_code) == camera.code,
                col(Recording.span_class).in_(_SPANS),
                col(Recording.started_at) >= earliest,
                col(Recording.started_at) < ended + _AROUND,
                col(Recording.kind) == "video",
                col(Recording.state) == "kept",
            )
            .order_by(col(Recording.started_at).desc())
        )
        return next((row for row in rows if is_block_name(row.original_name)), None)

    def _kept_with(self, offer: Offer, film: _Film, data: bytes) -> Outcome | None:
        event = Event.RECORDING_JOINED
        offer.source.check_unchanged()
        with self._ledger.act(event, offer.actor, cameras=(offer.camera,), subject=film.id) as act:
            newest = act.session.get(Recording, film.id)
            there = act.session.get(DerivedStream, (film.id, film.stream))
            if newest is None or newest.state != "kept":
                return None
            if there is not None and not self._is_same(film, there, data):
                return None
            again = there is not None
            facts = self._sealed_beside(act, film, data) if there is None else {}
            act.record(
                Event.RECORDING_OFFERED_AGAIN if again else event,
                film.id,
                facts={
                    "camera": offer.camera,
                    **({"expired": False} if again else facts),
                    "source_kept": offer.source_state == "kept",
                },
                details={"name": offer.original_name},
                also=(offer.camera,),
            )
            removal_id = self._removals.intend_beside_film(act, offer, film.id)
        reason = "it is kept already" if again else "it came after the film it belongs to"
        entered = Entered(
            outcome="duplicate" if again else "sealed",
            recording=film.id,
            reason=f"{reason}, with that",
            removal_id=removal_id,
            used=False,
        )
        removal = self._removals.carry_out(offer, entered)
        said = with_removal(entered.reason, removal)
        return Outcome(offer.source.path, entered.outcome, film.id, said)

    def _is_same(self, film: _Film, there: DerivedStream, data: bytes) -> bool:
        """Whether what is kept beside a film already is this very file."""
        if there.size != len(data):
            return False
        with open_sealed(
            self._store,
            blob_name(film.id, film.stream),
            film.key,
            stream_context(self._vault_id, film.id, film.stream),
            segment_root=there.segment_root,
        ) as kept:
            return kept.read() == data

    def _sealed_beside(self, act: Act, film: _Film, data: bytes) -> dict[str, Json]:
        """Seal a file beside its film; small, so under the lock. What its entry says of it."""
        name = blob_name(film.id, film.stream)
        delete_stream(self._store, name)  # of an ingester that died before its commit
        sealed = seal(
            io.BytesIO(data),
            self._store,
            name,
            film.key,
            stream_context(self._vault_id, film.id, film.stream),
        )
        act.session.add(
            DerivedStream(
                recording_id=film.id,
                stream=film.stream,
                segment_root=sealed.segment_root,
                size=sealed.size,
                created_at=act.now,
            )
        )
        return {
            "sha256": sealed.sha256.hex(),
            "size": sealed.size,
            "segment_root": sealed.segment_root.hex(),
        }


def _is_of_its_time(film: Recording, offer: Offer, camera: Camera) -> bool:
    """Whether a film's name told the same time as a file's would, were it a film."""
    suffix = Path(unescape_name(film.original_name)).suffix
    reading = read_name(str(Path(offer.reading_path).with_suffix(suffix)), camera.convention)
    return (
        reading is not None
        and reading.started is not None
        and film.original_started.startswith(f"{reading.started.isoformat()} (")
    )
