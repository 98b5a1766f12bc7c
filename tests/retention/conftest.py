"""A vault with cameras, and footage of random bytes sealed and indexed as ingest does it."""

import io
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.errors import VaultError
from cctv_vault.footage.catalogue import Catalogue
from cctv_vault.footage.streams import ORIGINAL, blob_name, stream_context
from cctv_vault.home import Home
from cctv_vault.incidents.service import Incidents
from cctv_vault.people.actors import Actor, Role, Sight, system_actor
from cctv_vault.retention.certificates import Certificates
from cctv_vault.retention.grants import Grants, GrantView
from cctv_vault.retention.holds import HoldOrder, Holds
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.reviews import Reviews
from cctv_vault.retention.sweep import Sweeper
from cctv_vault.schema import Camera, Recording, Site
from cctv_vault.settings import Settings
from storage.errors import StorageError
from storage.secret import SecretKey
from storage.stream import open_sealed, seal

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)  # 09:00 in Stockholm
SYSTEM = system_actor()


def person(name: str, *roles: Role, cleared: bool = False) -> Actor:
    return Actor(f"u-{name}", name, "asserted", frozenset(roles), cleared=cleared, is_person=True)


STAFF = person("Sam", Role.STAFF)
MANAGER = person("Maja", Role.MANAGER)
OFFICER = person("Olle", Role.PRIVACY_OFFICER, cleared=True)


@dataclass
class World:
    """The rooms a test of retention needs, built by hand on a real home."""

    home: Home
    policies: Policies
    grants: Grants
    holds: Holds
    certificates: Certificates
    sweeper: Sweeper
    incidents: Incidents
    reviews: Reviews
    keys: dict[str, bytes] = field(default_factory=dict, repr=False)
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)
    staff: Actor = STAFF
    manager: Actor = MANAGER
    officer: Actor = OFFICER

    @classmethod
    def on(cls, home: Home) -> "World":
        policies = Policies(database=home.database, clock=home.clock)
        grants = Grants(keyring=home.keyring, policies=policies)
        holds = Holds(
            database=home.database,
            ledger=home.ledger,
            keyring=home.keyring,
            grants=grants,
            policies=policies,
        )
        certificates = Certificates(
            database=home.database, ledger=home.ledger, log=home.log, roots=home.roots
        )
        return cls(
            home,
            policies,
            grants,
            holds,
            certificates,
            Sweeper(
                database=home.database,
                ledger=home.ledger,
                keyring=home.keyring,
                grants=grants,
                roots=home.roots,
                store=home.store,
                certificates=certificates,
            ),
            Incidents(
                database=home.database,
                ledger=home.ledger,
                keyring=home.keyring,
                holds=holds,
                policies=policies,
                catalogue=Catalogue(
                    database=home.database,
                    ledger=home.ledger,
                    grants=grants,
                    log=home.log,
                    keyring=home.keyring,
                ),
            ),
            Reviews(database=home.database, ledger=home.ledger, holds=holds, policies=policies),
        )

    def camera(
        self, code: str, *, origin: str = "surveillance", uncertainty_s: float | None = 2.0
    ) -> None:
        with self.home.database.write() as session:
            if session.get(Site, "butik") is None:
                session.add(
                    Site(
                        code="butik",
                        name="Butiken",
                        zone="Europe/Stockholm",
                        freeze_budget_bytes=10**9,
                        created_at=MONDAY,
                    )
                )
                session.flush()
            session.add(
                Camera(
                    code=code,
                    site_code="butik",
                    name=code,
                    zone="Europe/Stockholm",
                    drop_folder=f"/drop/{code}",
                    origin=origin,
                    clock_uncertainty_s=uncertainty_s,
                    created_at=MONDAY,
                )
            )

    def record(
        self,
        camera: str,
        started: datetime,
        *,
        minutes: float = 10,
        time_source: str = "name",
        uncertainty_s: float = 2.0,
        origin: str = "surveillance",
        arrived: datetime | None = None,
        content: bytes | None = None,
    ) -> str:
        """Seal and index one recording; returns its id."""
        recording_id, key = ids.long_id(), SecretKey.generate()
        content = secrets.token_bytes(5000) if content is None else content
        sealed = seal(
            io.BytesIO(content),
            self.home.store,
            blob_name(recording_id, ORIGINAL),
            key,
            stream_context(self.home.vault_id, recording_id, ORIGINAL),
        )
        with self.home.ledger.act(
            Event.RECORDING_SEALED, SYSTEM, cameras=[camera], subject=recording_id
        ) as act:
            recording = Recording(
                id=recording_id,
                camera_code=camera,
                kind="video" if minutes else "still",
                origin=origin,
                started_at=started,
                ended_at=started + timedelta(minutes=minutes),
                span_class=10,
                uncertainty_s=uncertainty_s,
                time_source=time_source,
                original_name="a-name-that-must-not-stay.mp4",
                arrived_at=arrived or act.now,
                sealed_at=act.now,
                size=len(content),
                sha256=sealed.sha256,
                ciphertext_size=sealed.ciphertext_size,
                segment_root=sealed.segment_root,
                container="mp4",
                codec="h264",
                width=640,
                height=360,
                fps=25.0,
                duration_s=minutes * 60,
                source_state="removed",
            )
            act.session.add(recording)
            act.session.flush()
            self.grants.on_arrival(act, [(recording, key)])
            act.record(
                Event.RECORDING_SEALED,
                recording_id,
                facts={"sha256": sealed.sha256.hex()},
                also=(camera,),
            )
        self.keys[recording_id], self.contents[recording_id] = key.reveal(), content
        return recording_id

    def at(self, moment: datetime) -> None:
        """Move the simulated time."""
        self.home.set_clock(SYSTEM, moment)

    def now(self) -> datetime:
        return self.home.clock.now()

    def read(self, recording_id: str, *, cleared: bool = True) -> bytes:
        """The whole original, through a live grant; raises where there is none."""
        with self.home.database.read() as session:
            key = self.grants.key_for(
                session, recording_id, self.now(), Sight(gagged=cleared, staff=True)
            )
            row = session.get_one(Recording, recording_id)
        with open_sealed(
            self.home.store,
            blob_name(recording_id, ORIGINAL),
            key,
            stream_context(self.home.vault_id, recording_id, ORIGINAL),
            segment_root=row.segment_root,
        ) as reader:
            return reader.readall()

    def readable(self, recording_id: str, *, cleared: bool = True) -> bool:
        try:
            return self.read(recording_id, cleared=cleared) == self.contents[recording_id]
        except (VaultError, StorageError):
            return False

    def live(self, recording_id: str) -> tuple[GrantView, ...]:
        with self.home.database.read() as session:
            return self.grants.live(session, [recording_id], self.now()).get(recording_id, ())

    def row(self, recording_id: str) -> Recording:
        with self.home.database.read() as session:
            return session.get_one(Recording, recording_id)

    def claim(
        self,
        camera: str,
        start: datetime,
        end: datetime,
        *,
        gagged: bool = False,
        purpose: str = "claim",
        until: datetime | None = None,
    ) -> str:
        """Place a hold as the privacy officer; returns its id."""
        order = HoldOrder(
            purpose=purpose,
            windows=((camera, start, end),),
            reason="ett skadeståndskrav",
            gagged=gagged,
            until=until,
            over_15=True,
        )
        return self.holds.place_as(self.officer, order).id

    def events(self, subject: str | None = None) -> list[str]:
        return [each.event for each in self.home.log.entries(subject=subject, limit=10_000)]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[str | None], World]]:
    """Makes vaults in simulated time, on the engine asked for."""
    made: list[Home] = []

    def make(database_url: str | None) -> World:
        settings = Settings(home=tmp_path / f"home{len(made)}", database_url=database_url)
        home = Home.create(
            settings,
            SYSTEM,
            controller="AllCall International AB",
            zone="Europe/Stockholm",
            simulated_clock=MONDAY,
        )
        made.append(home)
        world = World.on(home)
        world.camera("kassa")
        world.camera("entre")
        return world

    yield make
    for home in made:
        home.close()


@pytest.fixture
def world(make_world: Callable[[str | None], World], database_url: str | None) -> World:
    """A vault on each engine in turn."""
    return make_world(database_url)


@pytest.fixture
def sqlite_world(make_world: Callable[[str | None], World]) -> World:
    """A vault on SQLite, for what is the same on both or only SQLite's."""
    return make_world(None)
