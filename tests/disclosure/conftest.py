"""A shop with footage of a Sunday morning, the people who handle a request, and the request."""

import copy
import io
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctv_vault.disclosure.casefiles import Declaration
from cctv_vault.disclosure.results import PreparedPackage
from cctv_vault.people.actors import Actor, Role
from cctv_vault.vault import Vault
from tests.disclosure.tampering import Sample, read_sample
from tests.shop import ENGINES, SYSTEM, Lay, film, open_shop, person, put, settings_of

SHOWN = datetime.fromisoformat("2026-03-01T09:00:00+01:00")
FROM, TO = "2026-03-01T09:00:05+01:00", "2026-03-01T09:00:30+01:00"
CHOSEN = datetime.fromisoformat("2026-03-01T09:00:12.1+01:00")
BODY: dict[str, Any] = {
    "requester": {
        "type": "police",
        "authority": "Polismyndigheten",
        "unit": "Region Stockholm",
        "name": "Eva Exempel",
        "role": "utredare",
        "email": "eva@example.org",
        "phone": "114 14",
    },
    "ground": {"code": "DSL 2:5", "decision_maker": None, "document": None},
    "matter": {"number": "5000-K123456-26", "offence": "stöld"},
    "footage": [{"cameras": ["kassa"], "from": FROM, "to": TO}],
    "description": "Stöld vid kassan.",
    "language": "sv",
    "delivery": "link",
}
BLURRED = Declaration("kassa", "Bildbyrån AB", "ansikten pixlade för hand, bild för bild")
Read = Callable[[bytes], str]


@dataclass
class Shop:
    """A vault with footage, and who works there."""

    vault: Vault
    folder: Path
    handler: Actor = field(default_factory=lambda: person(Role.MANAGER, name="Maja"))
    approver: Actor = field(default_factory=lambda: person(Role.APPROVER, name="Anders"))
    officer: Actor = field(default_factory=lambda: person(Role.PRIVACY_OFFICER, name="Pia"))
    staff: Actor = field(default_factory=lambda: person(Role.STAFF, name="Sara"))

    @property
    def requests(self) -> Any:  # noqa: ANN401 - the service, whose every method is tried here
        return self.vault.requests

    def body(self, **changes: object) -> dict[str, Any]:
        """The request of the police, with changes by dotted name (``ground__code``)."""
        body = copy.deepcopy(BODY)
        for name, value in changes.items():
            *path, last = name.split("__")
            at = body
            for part in path:
                at = at[part]
            at[last] = value
        return body

    def filed(self, **changes: object) -> str:
        """A request that the handler registered."""
        return str(self.requests.file(self.handler, self.body(**changes)).id)

    def assessed(self, **changes: object) -> str:
        """A request that the handler verified and assessed."""
        request = self.filed(**changes)
        self.requests.verify(self.handler, request, "call-back", "växeln 114 14")
        self.requests.assess(self.handler, request, "Anmäld stöld.", "Tjugofem sekunder behövs.")
        return request

    def approved(self, **changes: object) -> str:
        """A request that a second person approved."""
        request = self.assessed(**changes)
        self.requests.decide(self.approver, request, approve=True, reason="Behövs.")
        return request

    def masked(self, request: str, declared: Declaration = BLURRED, number: int = 99) -> bytes:
        """A masked film of the window, as the handler supplies it."""
        data = film(number, 25)
        self.vault.case_files.add_masked(self.handler, request, "m.mp4", io.BytesIO(data), declared)
        return data

    def prepared(
        self, name: str = "package.zip", **changes: object
    ) -> tuple[Path, PreparedPackage]:
        """The package of an approved request, as a file."""
        out = self.folder / name
        package = self.requests.prepare(self.handler, self.approved(**changes), out)
        return out, package

    def pass_time(self, **span: float) -> None:
        """Move the vault's clock."""
        now = self.vault.clock.now()
        self.vault.set_clock(SYSTEM, now + timedelta(**span))

    def events(self, request: str) -> list[str]:
        """The request's entries in order, but for readings and refusals."""
        return [
            entry.event
            for entry in self.vault.log.entries(subject=request, limit=1000)
            if entry.subject == request and entry.event not in {"request.read", "act.refused"}
        ]

    def refusals(self) -> list[str]:
        """What was refused, by its code, in order."""
        return [
            str(entry.facts.get("code"))
            for entry in self.vault.log.entries(event="act.refused", limit=1000)
        ]


def furnish(folder: Path, url: str | None = None) -> Vault:
    """The shop's vault with a minute of footage of two cameras, whose clocks are measured."""
    vault = open_shop(folder, url)
    for code in ("kassa", "entre"):
        vault.register.measure_clock(
            SYSTEM, code, offset_s=0, uncertainty_s=1, measured_at=vault.clock.now()
        )
        for number in range(3):
            at = SHOWN + timedelta(seconds=20 * number)
            data = film(number + (10 if code == "entre" else 0), 20)
            put(folder / "drop" / code, f"{at:%Y%m%d_%H%M%S}.mp4", data)
        outcomes = list(vault.ingest.offer_all(SYSTEM, [folder / "drop" / code]))
        assert [each.outcome for each in outcomes] == ["sealed"] * 3
    return vault


@contextmanager
def opened(lay: Lay, engine: str, folder: Path) -> Iterator[Shop]:
    """A furnished shop of one's own, in an empty folder."""
    with lay(furnish, engine, folder) as url:
        vault = Vault.open(settings_of(folder, url))
        yield Shop(vault, folder)
        vault.close()


@pytest.fixture(scope="session")
def words(program: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Read:
    """The text of a PDF, by a program that is not ours, in one line."""
    tool = program("pdftotext", "poppler-utils")
    file = tmp_path_factory.mktemp("read") / "letter.pdf"

    def read(pdf: bytes) -> str:
        assert pdf.startswith(b"%PDF-1.")
        file.write_bytes(pdf)
        run = subprocess.run([tool, file, "-"], check=True, capture_output=True, text=True)
        return " ".join(run.stdout.split())

    return read


@pytest.fixture(scope="session")
def furnished_shop(lay: Lay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A furnished shop that lives as long as the tests, for what many look at and none changes."""
    with opened(lay, "sqlite", tmp_path_factory.mktemp("looked-at")) as shop:
        yield shop


@pytest.fixture(scope="session")
def sample(furnished_shop: Shop) -> Sample:
    """A sound package of the furnished shop."""
    request, path = furnished_shop.approved(), furnished_shop.folder / "package.zip"
    furnished_shop.requests.choose_frame(furnished_shop.handler, request, "kassa", CHOSEN)
    furnished_shop.requests.prepare(furnished_shop.handler, request, path)
    return read_sample(path.read_bytes(), furnished_shop.vault.home.signer)


@pytest.fixture
def quick_shop(lay: Lay, tmp_path: Path) -> Iterator[Shop]:
    """The shop on SQLite alone, for what no database decides."""
    with opened(lay, "sqlite", tmp_path) as shop:
        yield shop


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, lay: Lay, tmp_path: Path) -> Iterator[Shop]:
    """The shop, once on each engine."""
    with opened(lay, request.param, tmp_path) as shop:
        yield shop
