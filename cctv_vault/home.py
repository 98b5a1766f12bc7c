"""The home of a vault: where it is made, how it is opened, and what every room stands on.

Owns the home folder, the one vault row, and the composition of database, keys, blobs, clock and
log. Refuses a home that exists, key folders inside the home, and a log that was rolled back.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import inspect
from sqlmodel import select

from cctv_vault.clock import Clock, SimulatedClock, SystemClock
from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX
from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog
from cctv_vault.custody.notes import NoteSigner
from cctv_vault.database import Database
from cctv_vault.errors import AlreadyExistsError, ConfigError, InvalidInputError
from cctv_vault.ids import long_id
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import default_policy_text, digest_of
from cctv_vault.schema import PolicyRow, VaultRow
from cctv_vault.settings import Settings
from cctv_vault.views import iso
from storage.backend import BlobStore
from storage.directory import DirectoryStore
from storage.errors import KeyUnavailableError, StorageError
from storage.roots import RootFolder

FORMAT_VERSION: Final = 1
_CHECKPOINT_FILE: Final = "checkpoint.note"
_DATABASE_FILE: Final = "index.db"


@dataclass(frozen=True)
class Home:
    """An open vault's foundation; the services are built on it by `cctv_vault.vault`."""

    settings: Settings
    vault_id: str
    controller: str
    zone: str
    origin: str
    simulated: bool
    database: Database
    clock: Clock
    roots: RootFolder
    store: BlobStore
    keyring: Keyring
    signer: NoteSigner
    documents: DocumentSigner
    log: CustodyLog
    ledger: Ledger

    @classmethod
    def create(
        cls,
        settings: Settings,
        actor: Actor,
        *,
        controller: str,
        zone: str,
        simulated_clock: datetime | None = None,
    ) -> "Home":
        """Make a vault; refuses an existing one.

        ``simulated_clock`` (UTC) makes a vault that lives in a time only `set_clock` moves; it
        can never become a real one. Its first entry then holds the true time.

        Raises:
            AlreadyExistsError: The home or the key folder is in use.
            InvalidInputError: The zone does not exist.
            ConfigError: The key folder lies inside the home.
        """
        known_zone(zone)
        _refuse_nested(settings)
        if settings.home.exists() and any(settings.home.iterdir()):
            raise AlreadyExistsError(f"{settings.home} is not empty; a vault is made in a new home")
        database = Database(_database_url(settings))
        if settings.database_url and _has_vault(database):
            raise AlreadyExistsError("the database already holds a vault")
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.home.chmod(0o700)
        vault_id = long_id()
        try:
            roots = RootFolder.create(settings.key_folder, vault_id)
        except StorageError as error:
            raise AlreadyExistsError(str(error)) from error
        database.migrate()
        if settings.database_url is None:
            Path(_database_path(settings)).chmod(0o600)
        origin = f"cctv-vault/{vault_id}" + (SIMULATED_SUFFIX if simulated_clock else "")
        true_now = SystemClock().now()
        row = VaultRow(
            id=1,
            vault_id=vault_id,
            format_version=FORMAT_VERSION,
            controller=controller,
            zone=zone,
            origin=origin,
            created_at=simulated_clock or true_now,
            simulated_now=simulated_clock,
        )
        document = default_policy_text()
        with database.write() as session:
            session.add(row)
            session.add(
                PolicyRow(
                    version=1,
                    document=document,
                    published_at=row.created_at,
                    effective_at=row.created_at,
                    published_by=actor.id,
                )
            )
        home = cls._compose(settings, row, database, roots, new=True)
        with database.write() as session:
            home.log.found(session, home.clock.tick())
        with home.ledger.act(Event.VAULT_CREATED, actor) as act:
            act.record(
                Event.VAULT_CREATED,
                vault_id,
                facts={
                    "format_version": FORMAT_VERSION,
                    "simulated": simulated_clock is not None,
                    "true_time": iso(true_now),
                    "key": home.log.vkey,
                    "document_certificate": home.documents.fingerprint,
                    "policy": digest_of(document),
                },
                details={"controller": controller},
            )
        home.log.checkpoint(home.clock.now())
        return home

    @classmethod
    def open(cls, settings: Settings) -> "Home":
        """Open a vault, comparing its log with the checkpoint kept outside it.

        Raises:
            ConfigError: There is no vault, or its keys are missing.
            CustodyBrokenError: The log was rolled back or replaced.
        """
        _refuse_nested(settings)
        if settings.database_url is None and not _database_path(settings).exists():
            raise ConfigError(
                f"there is no vault in {settings.home}; make one with 'cctv-vault init', "
                "or name another with --home"
            )
        database = Database(_database_url(settings))
        try:
            database.migrate()
            row = _vault_row(database)
            roots = _open_roots(settings, row.vault_id)
            home = cls._compose(settings, row, database, roots, new=False)
            home.log.check_outside()
        except BaseException:
            database.close()
            raise
        return home

    @classmethod
    def _compose(
        cls,
        settings: Settings,
        row: VaultRow,
        database: Database,
        roots: RootFolder,
        *,
        new: bool,
    ) -> "Home":
        clock: Clock = SystemClock()
        if row.simulated_now is not None:
            clock = SimulatedClock(lambda: _simulated_now(database))
        keyring = Keyring(row.vault_id, roots, database.read)
        seed = roots.signing_seed()
        signer = NoteSigner(row.origin, seed)
        log = CustodyLog(
            database=database,
            signer=signer,
            sealer=keyring,
            outside=settings.key_folder / _CHECKPOINT_FILE,
        )
        return cls(
            settings=settings,
            vault_id=row.vault_id,
            controller=row.controller,
            zone=row.zone,
            origin=row.origin,
            simulated=row.simulated_now is not None,
            database=database,
            clock=clock,
            roots=roots,
            store=_store(settings, must_exist=not new),
            keyring=keyring,
            signer=signer,
            documents=DocumentSigner(
                seed, origin=row.origin, controller=row.controller, since=row.created_at
            ),
            log=log,
            ledger=Ledger(database=database, log=log, clock=clock),
        )

    def set_clock(self, actor: Actor, moment: datetime) -> None:
        """Move a simulated vault's time, forward only.

        Raises:
            InvalidInputError: The vault is real, or the time lies behind.
        """
        with self.ledger.act(Event.CLOCK_SET, actor, subject=self.vault_id) as act:
            row = act.session.exec(select(VaultRow)).one()
            if row.simulated_now is None:
                raise InvalidInputError(
                    "this is a real vault: its time is the machine's and cannot be set here"
                )
            if moment < row.simulated_now:
                raise InvalidInputError(
                    f"simulated time runs forward only; it is {iso(row.simulated_now)}"
                )
            before, row.simulated_now = row.simulated_now, moment
            act.session.add(row)
            act.record(
                Event.CLOCK_SET,
                self.vault_id,
                facts={"from": iso(before), "to": iso(moment), "true_time": _true_time()},
            )

    def close(self) -> None:
        """Give back the database's connections."""
        self.database.close()


def known_zone(zone: str) -> ZoneInfo:
    """The IANA zone of that name.

    Raises:
        InvalidInputError: There is none.
    """
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            f"{zone!r} is no IANA time zone; write one like Europe/Stockholm"
        ) from None


def _true_time() -> str:
    return iso(SystemClock().now())


def _simulated_now(database: Database) -> datetime:
    with database.read() as session:
        moment = session.exec(select(VaultRow.simulated_now)).one()
    if moment is None:
        raise ConfigError("the vault's simulated time is gone from the index")
    return moment


def _store(settings: Settings, *, must_exist: bool) -> BlobStore:
    """The blobs; a store that must exist and does not is a disk that is not mounted."""
    if settings.s3_bucket is None:
        return DirectoryStore(settings.home / "blobs", must_exist=must_exist)
    if not (settings.s3_endpoint and settings.s3_access_key and settings.s3_secret_key):
        raise ConfigError(
            "a vault on S3 needs CCTV_VAULT_S3_ENDPOINT, CCTV_VAULT_S3_ACCESS_KEY and "
            "CCTV_VAULT_S3_SECRET_KEY"
        )
    from storage.s3 import S3Store  # noqa: PLC0415 - only a vault on S3 pays for its client

    return S3Store(
        settings.s3_bucket,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        must_exist=must_exist,
    )


def _database_path(settings: Settings) -> Path:
    return settings.home / _DATABASE_FILE


def _database_url(settings: Settings) -> str:
    if settings.database_url is not None:
        return settings.database_url
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite:///{_database_path(settings)}"


def _refuse_nested(settings: Settings) -> None:
    home, keys = (Path(os.path.realpath(each)) for each in (settings.home, settings.key_folder))
    if keys == home or home in keys.parents:
        raise ConfigError(
            f"the key folder {keys} lies inside the home {home}, so a copy of the home would open "
            "expired footage; put it elsewhere with --keys or CCTV_VAULT_KEYS"
        )


def _vault_row(database: Database) -> VaultRow:
    with database.read() as session:
        row = session.exec(select(VaultRow)).first()
    if row is None:
        raise ConfigError("the database holds no vault; make one with 'cctv-vault init'")
    return row


def _open_roots(settings: Settings, vault_id: str) -> RootFolder:
    try:
        return RootFolder.open(settings.key_folder, vault_id)
    except KeyUnavailableError as error:
        raise ConfigError(str(error)) from error


def _has_vault(database: Database) -> bool:
    with database.read() as session:
        connection = session.connection()
        return inspect(connection).has_table(VaultRow.__tablename__) and bool(
            session.exec(select(VaultRow)).first()
        )
