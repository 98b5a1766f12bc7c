"""Requests: everything that can be done with a disclosure request, in one service.

Owns the composition of the room. What arrives is read by `receiving`, weighed by `deciding`,
narrowed to single pictures by `frames`, handed over by `handing` or, before a decision, `spot`,
taken with `compelled`, carried away by `folder`, priced by `charging` and shown by `reading`; what
each needs of the vault is gathered here.
"""

from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.log import CustodyLog
from cctv_vault.custody.notes import NoteSigner
from cctv_vault.database import Database
from cctv_vault.disclosure.compelled import Compelled
from cctv_vault.disclosure.deciding import Deciding
from cctv_vault.disclosure.frames import Frames
from cctv_vault.disclosure.freezing import Freezing
from cctv_vault.disclosure.letters import Letters
from cctv_vault.disclosure.notices import Notices
from cctv_vault.disclosure.packaging import Packaging
from cctv_vault.disclosure.reading import Reading
from cctv_vault.footage.access import FootageAccess
from cctv_vault.footage.catalogue import Catalogue
from cctv_vault.footage.departures import Departures
from cctv_vault.ledger import Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.service import People
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.holds import Holds
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from storage.backend import BlobStore


class Requests(Deciding, Frames, Compelled, Reading):
    """Disclosure requests, from receipt to closing."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        log: CustodyLog,
        signer: NoteSigner,
        documents: DocumentSigner,
        store: BlobStore,
        grants: Grants,
        holds: Holds,
        catalogue: Catalogue,
        access: FootageAccess,
        sandbox: MediaSandbox,
        departures: Departures,
        people: People,
        policies: Policies,
        notices: Notices,
        letters: Letters,
        vault_id: str,
        controller: str,
        zone: str,
    ) -> None:
        """All belong to the vault.

        ``signer`` holds its log key, which also signs packages; ``documents`` signs the report.
        """
        super().__init__(
            database=database,
            ledger=ledger,
            keyring=keyring,
            log=log,
            grants=grants,
            catalogue=catalogue,
            people=people,
            policies=policies,
            notices=notices,
            freezing=Freezing(holds),
            departures=departures,
            letters=letters,
            packaging=Packaging(
                database=database,
                log=log,
                signer=signer,
                documents=documents,
                keyring=keyring,
                grants=grants,
                store=store,
                catalogue=catalogue,
                access=access,
                sandbox=sandbox,
                vault_id=vault_id,
                controller=controller,
                zone=zone,
            ),
            zone=zone,
        )

    def resume(self) -> None:
        """Settle what processes that died with a package in hand left; call at start."""
        self._packaging.resume(self._ledger.clock.now())
        self._settle_copies()
