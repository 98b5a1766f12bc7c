"""The composition root: one vault, every room built once from the settings and handed its parts.

Nothing else in the product makes a service. Opening a vault also finishes what a crash left behind.
"""

from datetime import datetime
from typing import Final

from cctv_vault.breaches.service import Breaches
from cctv_vault.consent.service import Consents
from cctv_vault.custody.log import LoggedEntry
from cctv_vault.disclosure.casefiles import CaseFiles
from cctv_vault.disclosure.letters import Letters
from cctv_vault.disclosure.notices import Notices
from cctv_vault.disclosure.registers import Registers
from cctv_vault.disclosure.service import Requests
from cctv_vault.footage.access import FootageAccess
from cctv_vault.footage.catalogue import Catalogue
from cctv_vault.footage.corrections import Corrections
from cctv_vault.footage.departures import Departures
from cctv_vault.footage.derived import Narrowing
from cctv_vault.footage.register import Register
from cctv_vault.footage.reminding import CopyReminders
from cctv_vault.footage.signs import Signs
from cctv_vault.gags import hidden_subjects
from cctv_vault.health.service import Health
from cctv_vault.health.views import Views
from cctv_vault.home import Home
from cctv_vault.incidents.service import Incidents
from cctv_vault.ingest.motion import MotionIndex
from cctv_vault.ingest.posters import Posters
from cctv_vault.ingest.quarantine import Quarantine
from cctv_vault.ingest.readiness import Readiness
from cctv_vault.ingest.service import Ingest
from cctv_vault.ingest.urgency import Urgency
from cctv_vault.ingest.watcher import Watcher
from cctv_vault.mail.carriers import Carriers
from cctv_vault.mail.outbox import Outbox
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Actor, system_actor
from cctv_vault.people.service import People
from cctv_vault.retention.certificates import Certificates
from cctv_vault.retention.deletions import Deletions
from cctv_vault.retention.forecast import Forecaster
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.holds import Holds
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.publication import Publisher
from cctv_vault.retention.reviews import Reviews
from cctv_vault.retention.sweep import Sweeper
from cctv_vault.settings import Settings

_JOURNAL: Final = "sealing"
_LEAVING: Final = "leaving"


class Vault:
    """An open vault: its foundation, and its services by name."""

    def __init__(self, home: Home) -> None:
        """Build every service on the foundation; nothing runs yet."""
        self.home = home
        self.settings: Settings = home.settings
        self.vault_id, self.controller = home.vault_id, home.controller
        self.zone = home.zone
        self.origin, self.simulated = home.origin, home.simulated
        self.database = database = home.database
        self.clock = home.clock
        self.roots, self.store = home.roots, home.store
        self.keyring = keyring = home.keyring
        self.log = home.log
        self.ledger = ledger = home.ledger
        # One worker process each, so that a long transcoding never delays intake.
        self._intake_sandbox = MediaSandbox()
        self._picture_sandbox = MediaSandbox()
        self._motion_sandbox = MediaSandbox(nice=10)
        self._playback_sandbox = MediaSandbox()
        self._package_sandbox = MediaSandbox()
        self._window_sandbox = MediaSandbox()

        self.people = People(database=database, ledger=ledger, simulated=home.simulated)
        self.policies = Policies(database=database, clock=home.clock)
        self.grants = Grants(keyring=keyring, policies=self.policies)
        self.publisher = Publisher(
            database=database,
            ledger=ledger,
            keyring=keyring,
            policies=self.policies,
            zone=home.zone,
        )
        self.holds = Holds(
            database=database,
            ledger=ledger,
            keyring=keyring,
            grants=self.grants,
            policies=self.policies,
        )
        self.reviews = Reviews(
            database=database, ledger=ledger, holds=self.holds, policies=self.policies
        )
        self.register = Register(
            database=database,
            ledger=ledger,
            home=self.settings.home,
            key_folder=self.settings.key_folder,
            zone=home.zone,
            on_clock_measured=self.holds.clock_changed,
        )
        self.signs = Signs(database=database, ledger=ledger)
        self.motion = MotionIndex(
            database=database,
            clock=home.clock,
            store=home.store,
            grants=self.grants,
            sandbox=self._motion_sandbox,
            views=Views(
                database=database, store=home.store, grants=self.grants, vault_id=home.vault_id
            ),
            vault_id=home.vault_id,
        )
        self.posters = Posters(
            database=database,
            clock=home.clock,
            store=home.store,
            grants=self.grants,
            sandbox=self._picture_sandbox,
            motion=self.motion,
            views=self.motion.views,
            vault_id=home.vault_id,
        )
        self.quarantine = Quarantine(database=database, ledger=ledger, keyring=keyring)
        self.readiness = Readiness(
            database=database, ledger=ledger, policies=self.policies, simulated=home.simulated
        )
        self.ingest = Ingest(
            database=database,
            ledger=ledger,
            store=home.store,
            grants=self.grants,
            quarantine=self.quarantine,
            posters=self.posters,
            sandbox=self._intake_sandbox,
            readiness=self.readiness,
            vault_id=home.vault_id,
            journal_folder=self.settings.home / _JOURNAL,
            own_folders=(self.settings.home, self.settings.key_folder),
            settle_s=self.settings.settle_s,
            reserve_bytes=self.settings.reserve_bytes,
        )
        self.catalogue = Catalogue(
            database=database, ledger=ledger, grants=self.grants, log=home.log, keyring=keyring
        )
        self.corrections = Corrections(ledger=ledger, keyring=keyring, grants=self.grants)
        self._departures = Departures(
            database=database, ledger=ledger, folder=self.settings.home / _LEAVING
        )
        self.access = FootageAccess(
            database=database,
            ledger=ledger,
            store=home.store,
            grants=self.grants,
            keyring=keyring,
            catalogue=self.catalogue,
            posters=self.posters,
            sandbox=self._playback_sandbox,
            departures=self._departures,
            vault_id=home.vault_id,
        )
        self.incidents = Incidents(
            database=database,
            ledger=ledger,
            keyring=keyring,
            holds=self.holds,
            policies=self.policies,
            catalogue=self.catalogue,
        )
        self.consents = Consents(
            database=database,
            ledger=ledger,
            keyring=keyring,
            grants=self.grants,
            policies=self.policies,
            access=self.access,
            zone=home.zone,
        )
        self.certificates = Certificates(
            database=database, ledger=ledger, log=home.log, roots=home.roots
        )
        self._narrowing = Narrowing(
            database=database,
            ledger=ledger,
            store=home.store,
            grants=self.grants,
            policies=self.policies,
            sandbox=self._window_sandbox,
            vault_id=home.vault_id,
            journal_folder=self.settings.home / _JOURNAL,
        )
        self.sweeper = Sweeper(
            database=database,
            ledger=ledger,
            keyring=keyring,
            grants=self.grants,
            roots=home.roots,
            store=home.store,
            certificates=self.certificates,
            narrowing=self._narrowing,
        )
        self.deletions = Deletions(
            database=database,
            ledger=ledger,
            policies=self.policies,
            documents=home.documents,
            zone=home.zone,
        )
        self.forecaster = Forecaster(
            database=database,
            ledger=ledger,
            policies=self.policies,
            store=home.store,
            zone=home.zone,
            reserve_bytes=self.settings.reserve_bytes,
        )
        self.outbox = Outbox(
            database=database,
            ledger=ledger,
            keyring=keyring,
            carriers=Carriers.of(self.settings),
        )
        self.health = Health(
            database=database,
            ledger=ledger,
            policies=self.policies,
            readiness=self.readiness,
            outbox=self.outbox,
            views=self.motion.views,
            is_stopped=lambda: self.ingest.is_stopped,
            simulated=home.simulated,
        )
        self.notices = Notices(ledger=ledger, keyring=keyring, outbox=self.outbox)
        self.letters = Letters(
            database=database,
            ledger=ledger,
            log=home.log,
            keyring=keyring,
            grants=self.grants,
            people=self.people,
            documents=home.documents,
            controller=home.controller,
            zone=home.zone,
        )
        self.requests = Requests(
            database=database,
            ledger=ledger,
            keyring=keyring,
            log=home.log,
            signer=home.signer,
            documents=home.documents,
            store=home.store,
            grants=self.grants,
            holds=self.holds,
            catalogue=self.catalogue,
            access=self.access,
            sandbox=self._package_sandbox,
            departures=self._departures,
            people=self.people,
            policies=self.policies,
            notices=self.notices,
            letters=self.letters,
            vault_id=home.vault_id,
            controller=home.controller,
            zone=home.zone,
        )
        self.case_files = CaseFiles(
            database=database,
            ledger=ledger,
            keyring=keyring,
            store=home.store,
            grants=self.grants,
            sandbox=self._package_sandbox,
            vault_id=home.vault_id,
            reserve_bytes=self.settings.reserve_bytes,
            on_masked=self.requests.masked,
        )
        self.breaches = Breaches(database=database, ledger=ledger, keyring=keyring)
        self.registers = Registers(
            database=database,
            ledger=ledger,
            log=home.log,
            keyring=keyring,
            policies=self.policies,
            documents=home.documents,
            copies=self.access.copies.list,
            breaches=self.breaches.list,
            controller=home.controller,
            zone=home.zone,
        )

    @classmethod
    def create(
        cls,
        settings: Settings,
        os_user: str,
        *,
        controller: str,
        zone: str,
        simulated_clock: datetime | None = None,
    ) -> "Vault":
        """Make a vault in a new home; errors as `Home.create`."""
        return cls(
            Home.create(
                settings,
                system_actor(os_user),
                controller=controller,
                zone=zone,
                simulated_clock=simulated_clock,
            )
        )

    @classmethod
    def open(cls, settings: Settings) -> "Vault":
        """Open a vault and finish what a crash left behind; errors as `Home.open`."""
        vault = cls(Home.open(settings))
        try:
            vault.store.sweep_partial()
            vault.sweeper.resume()
            vault.ingest.resume()
            vault.access.resume()
            vault.requests.resume()
            vault.case_files.resume(vault.clock.now())
            vault._departures.tidy()
        except BaseException:
            vault.close()
            raise
        return vault

    def watcher(self) -> Watcher:
        """The watcher of all drop folders; not started."""
        return Watcher(
            ingest=self.ingest,
            register=self.register,
            posters=self.posters,
            urgency=Urgency(database=self.database, clock=self.clock),
            scan_s=self.settings.scan_s,
        )

    def set_clock(self, actor: Actor, moment: datetime) -> None:
        """Move a simulated vault's time, forward only."""
        self.home.set_clock(actor, moment)

    def remind(self, actor: Actor) -> None:
        """Tell the house of what is due: requests, reviews, numbers, and copies to destroy."""
        self.notices.remind(actor)
        CopyReminders(database=self.database, ledger=self.ledger, outbox=self.outbox).remind(actor)

    def visible_entries(
        self,
        actor: Actor,
        *,
        subject: str | None = None,
        event: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[LoggedEntry]:
        """The newest entries before an index, newest first, as this person may know of them."""
        return self.log.entries(
            subject=subject,
            event=event,
            before=before,
            limit=limit,
            newest_first=True,
            hidden=hidden_subjects(self.database, actor),
        )

    def close(self) -> None:
        """Stop the worker processes and give back the connections."""
        self.ingest.close()
        self._narrowing.close()
        for sandbox in (
            self._intake_sandbox,
            self._picture_sandbox,
            self._motion_sandbox,
            self._playback_sandbox,
            self._package_sandbox,
            self._window_sandbox,
        ):
            sandbox.close()
        self._departures.close()
        self.home.close()
