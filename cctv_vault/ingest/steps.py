"""The parts of intake that every way of taking a file in goes through."""

from dataclasses import dataclass

from cctv_vault.database import Database
from cctv_vault.ingest.indexing import Indexing
from cctv_vault.ingest.intake import Intake
from cctv_vault.ingest.joining import Joining
from cctv_vault.ingest.moments import Moments
from cctv_vault.ingest.places import Places
from cctv_vault.ingest.posters import Posters
from cctv_vault.ingest.quarantine import Quarantine
from cctv_vault.ingest.readiness import Readiness
from cctv_vault.ingest.removals import Removals
from cctv_vault.ingest.sealing import Sealing
from cctv_vault.ingest.settling import Settling
from cctv_vault.ledger import Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.retention.grants import Grants
from storage.backend import BlobStore


@dataclass(frozen=True, kw_only=True)
class Steps:
    """They belong to one vault and are used from many threads."""

    database: Database
    ledger: Ledger
    store: BlobStore
    vault_id: str
    sandbox: MediaSandbox
    grants: Grants
    quarantine: Quarantine
    posters: Posters
    readiness: Readiness
    intake: Intake
    places: Places
    settling: Settling
    moments: Moments
    sealing: Sealing
    removals: Removals
    indexing: Indexing
    joining: Joining
