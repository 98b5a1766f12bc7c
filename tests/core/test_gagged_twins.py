"""Two vaults that live through the same, but for an order nobody may be told of in one of them.

RB 27:16 a: whoever is not cleared must not learn of it. Every answer of a service, of the command
line and of a page is compared, for each kind of person who is not cleared, before and after the
footage has expired for them. Ids are the same in both, because they are drawn from what the act is
called; what still may differ is listed below, and stands in docs/threat-model.md.
"""

import asyncio
import contextlib
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from cctv_vault.cli.main import main
from cctv_vault.errors import VaultError
from cctv_vault.people.actors import Actor, Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import PictureNote
from cctv_vault.vault import Vault
from cctv_vault.views import iso, to_json
from storage.directory import DirectoryStore
from tests.shop import NOW, SYSTEM, film, open_shop, picture, put, settings_of
from web.app import create_app

T0 = NOW.astimezone(UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WINDOW = (T0 - 3 * HOUR, T0 - HOUR)
WATCHERS = {
    "Maja": [Role.MANAGER],
    "Pia": [Role.PRIVACY_OFFICER],
    "Dag": [Role.DPO],
    "Rut": [Role.AUDITOR],
}
# What cannot be hidden: how many entries the log has, so their numbers, and what is computed over
# all of them. And what differs between any two vaults: keys, and the sealing of each blob.
_FREE = {
    *("index", "log_size", "leaf_index", "body", "segment_root", "root", "checkpoint", "custody"),
    *("true_time", "key", "signature", "statement", "from_epoch", "to_epoch"),
}
_FREE_TEXT = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"simulated\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+"), "KEY"),
    (re.compile(r'(true_time</dt><dd class="mono">)[^<]+'), r"\1TIME"),
    (re.compile(r"/log/(entry|proof)/\d+"), "/log/N"),
    (re.compile(r'(<td data-label="Nr">)\d+<'), r"\1N<"),
    (re.compile(r"\b\d+ (loggposter|poster)\b"), r"N \1"),
    (re.compile(r"^log \d+:", re.MULTILINE), "log N:"),
    (re.compile(r"root key of epoch \d+"), "root key of epoch N"),
)


class Ids:
    """Ids by the name of the act that draws them, so that an act more moves no other's."""

    def __init__(self) -> None:
        self._act, self._drawn = "", 0

    def during(self, act: str) -> None:
        self._act, self._drawn = act, 0

    def choice(self, among: Sequence[Any]) -> Any:  # noqa: ANN401
        self._drawn += 1
        digest = hashlib.sha256(f"{self._act}/{self._drawn}".encode()).digest()
        return among[digest[0] % len(among)]

    def letters(self, count: int) -> str:
        return "".join(self.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(count))


@dataclass
class Twin:
    """One of the two, and everything it says to the uncleared."""

    folder: Path
    gagged: bool
    ids: Ids
    vault: Vault = field(init=False)
    people: dict[str, Actor] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)
    recordings: list[str] = field(default_factory=list)
    things: dict[str, str] = field(default_factory=dict)
    outcomes: list[object] = field(default_factory=list)

    def do(self, name: str, act: Callable[[], Any]) -> Any:  # noqa: ANN401
        """An act both go through; what it answers is compared too."""
        self.ids.during(name)
        try:
            answer = act()
        except VaultError as error:
            answer = f"{type(error).__name__}: {error}"
        self.outcomes.append((name, settled(to_json(answer), self)))
        return answer

    def secretly(self, name: str, act: Callable[[], Any]) -> Any:  # noqa: ANN401
        """An act of the one that has the order, by somebody cleared for it."""
        if self.gagged:
            self.ids.during(f"secret {name}")
            return act()
        return None


def opens(twin: Twin) -> None:
    """A shop, its people, and footage of the morning."""
    twin.ids.during("opening")
    twin.vault = vault = open_shop(twin.folder)
    for name, roles in {
        **WATCHERS,
        "Clara": [Role.PRIVACY_OFFICER],
        "Adam": [Role.APPROVER],
    }.items():
        twin.ids.during(f"account of {name}")
        added = vault.people.add(SYSTEM, name, roles, cleared=name == "Clara")
        twin.credentials[name] = str(added.credential)
        twin.people[name] = vault.people.asserted(name)
    for code in ("kassa", "entre"):
        vault.register.measure_clock(SYSTEM, code, offset_s=0, uncertainty_s=1, measured_at=T0)
    for number, (code, at) in enumerate(
        (code, T0 - HOUR * hours) for code in ("kassa", "entre") for hours in (1.5, 2.5, 4)
    ):
        takes_in(twin, f"film {number}", code, at, film(number, 2))
    takes_in(twin, "still", "kassa", T0 - 2 * HOUR, picture(7))


def takes_in(twin: Twin, name: str, code: str, at: Any, data: bytes) -> None:  # noqa: ANN401
    suffix = "mp4" if b"ftyp" in data[:32] else "jpg"
    file = f"{at.astimezone(NOW.tzinfo):%Y%m%d_%H%M%S}.{suffix}"
    path = put(twin.folder / "drop" / code, file, data)
    outcome = twin.do(name, lambda: twin.vault.ingest.offer(SYSTEM, path))
    twin.outcomes.append(path.exists())
    if outcome.recording:
        twin.recordings.append(outcome.recording)


def order(twin: Twin) -> None:
    """The order, and another secret hold, in one of the two."""
    body = request(
        {"type": "preservation-order", "authority": "Åklagarmyndigheten"}, "RB 27:16 a", WINDOW
    )
    clara = twin.people["Clara"]
    filed = twin.secretly("order", lambda: twin.vault.requests.file(clara, body))
    if filed is not None:
        twin.things["secret request"] = filed.id
    windows = (("entre", *WINDOW), ("kassa", T0 - 30 * DAY, T0 - 29 * DAY))
    held = twin.secretly(
        "hold",
        lambda: twin.vault.holds.place_as(
            clara,
            HoldOrder(purpose="preservation-order", windows=windows, reason="hemligt", gagged=True),
        ),
    )
    if held is not None:
        twin.things["secret hold"] = held.id


def looks_after(twin: Twin) -> None:
    """Pictures are looked at, those too that only the order keeps, and the cameras judged."""
    twin.ids.during("pictures")
    twin.vault.posters.catch_up()
    twin.vault.posters.work()
    twin.do("health", lambda: twin.vault.health.look(SYSTEM))
    with twin.vault.database.read() as session:
        notes = session.exec(select(PictureNote).order_by(col(PictureNote.id))).all()
    twin.outcomes.append([(each.recording_id, each.at, each.viewed) for each in notes])


def request(requester: dict[str, str], ground: str, window: tuple[Any, Any]) -> dict[str, Any]:
    return {
        "requester": {"name": "Eva Exempel", **requester},
        "ground": {"code": ground, "document": "beslut"},
        "matter": {"number": "5000-K123456-26", "offence": "stöld"},
        "footage": [{"cameras": ["kassa", "entre"], "from": iso(window[0]), "to": iso(window[1])}],
    }


def days_go_by(twin: Twin) -> None:
    """Everybody's footage expires; only the order keeps some; people go on working."""
    vault, maja = twin.vault, twin.people["Maja"]
    twin.do("clock 1", lambda: vault.set_clock(SYSTEM, T0 + 6 * DAY))
    twin.do("sweep 1", lambda: vault.sweeper.run(SYSTEM))
    takes_in(twin, "late", "kassa", T0 - 2.2 * HOUR, film(40, 2))
    takes_in(twin, "late and older than all", "kassa", T0 - 29.5 * DAY, film(41, 2))
    takes_in(twin, "again", "kassa", T0 - 1.5 * HOUR, film(0, 2))
    looks_after(twin)
    twin.secretly("look", lambda: looks(twin))
    flagged = twin.do(
        "flag",
        lambda: vault.incidents.flag(
            maja,
            cameras=("kassa", "entre"),
            starts_at=WINDOW[0],
            ends_at=WINDOW[1],
            title="Stöld",
            category="theft",
        ),
    )
    twin.things["incident"] = flagged.id
    police = request({"type": "police"}, "DSL 2:5", WINDOW)
    twin.things["request"] = twin.do("police", lambda: vault.requests.file(maja, police)).id
    windows = (("entre", *WINDOW),)
    claim = HoldOrder(purpose="claim", windows=windows, reason="krav")
    twin.things["hold"] = twin.do("claim", lambda: vault.holds.place_as(maja, claim)).id
    twin.do("clock 2", lambda: vault.set_clock(SYSTEM, T0 + 8 * DAY))
    twin.do("sweep 2", lambda: vault.sweeper.run(maja))
    for one in dict.fromkeys(twin.recordings):
        twin.do(f"certificate of {one}", partial(certified, vault, maja, one))
    twin.do("release", lambda: vault.holds.release_as(maja, twin.things["hold"], "klart"))
    if "secret hold" in twin.things:
        twin.secretly(
            "release",
            lambda: vault.holds.release_as(
                twin.people["Clara"], twin.things["secret hold"], "slut"
            ),
        )
    twin.do("sweep 3", lambda: vault.sweeper.run(SYSTEM))
    for name, act in (
        ("guess", lambda: vault.holds.release_as(maja, "S-NOTTHERE", "nej")),
        ("guess 2", lambda: vault.requests.show(maja, "B-NOTTHERE")),
    ):
        twin.do(name, act)


def somebody_is_erased(twin: Twin) -> None:
    """Who was there has it erased, and a recording is corrected; a secret matter has its breach."""
    vault, maja, pia = twin.vault, twin.people["Maja"], twin.people["Pia"]
    said = {"what": "En lapp.", "categories": "Ett beslut.", "consequences": "Det kan bli känt."}
    twin.secretly(
        "breach",
        lambda: vault.breaches.enter(
            twin.people["Clara"], vault.clock.now(), {**said, "measures": "Bränd."}, gagged=True
        ),
    )
    wish = request({"type": "data-subject"}, "GDPR 17", WINDOW)
    filed = twin.do("erasure", lambda: vault.requests.file(maja, wish)).id
    twin.things["request"] = filed
    for name, act in (
        ("verified", lambda: vault.requests.verify(maja, filed, "in-person", "kort")),
        ("assessed", lambda: vault.requests.assess(maja, filed, "Handlade.", "Behövs inte.")),
        (
            "corrected",
            lambda: vault.corrections.add(maja, twin.recordings[0], "camera", "Lagret.", "Sett."),
        ),
        ("reach", lambda: vault.requests.show(pia, filed).erasure),
        ("erased", lambda: vault.requests.decide(pia, filed, approve=True, reason="Behövs inte.")),
        ("corrected too late", lambda: vault.corrections.add(maja, twin.recordings[0], *"xxx")),
        ("swept", lambda: vault.sweeper.run(SYSTEM)),
    ):
        twin.do(name, act)
    for one in dict.fromkeys(twin.recordings):
        twin.do(f"certificate of {one}", partial(certified, vault, maja, one))


def certified(vault: Vault, actor: Actor, recording: str) -> object:
    """What is certified of one recording."""
    return json.loads(vault.certificates.make(actor, recording))["certificate"]


def looks(twin: Twin) -> None:
    """Whoever is cleared looks at what the order keeps, and takes a copy."""
    clara = twin.people["Clara"]
    twin.vault.access.open(clara, twin.recordings[0], "för åklagaren").close()
    twin.vault.access.export(
        clara,
        twin.recordings[0],
        twin.folder / "copy.mp4",
        reason="åklagaren",
        purpose="police-report",
    )


def settled(value: Any, twin: Twin) -> Any:  # noqa: ANN401
    """An answer without what may differ."""
    if isinstance(value, dict):
        return {key: settled(each, twin) for key, each in value.items() if key not in _FREE}
    if isinstance(value, list | tuple):
        return [settled(each, twin) for each in value]
    if isinstance(value, str):
        value = value.replace(str(twin.folder), "FOLDER")
        for pattern, instead in _FREE_TEXT:
            value = pattern.sub(instead, value)
    return value


def services(twin: Twin) -> Iterator[tuple[str, object]]:
    """What each service says to each person who is not cleared."""
    for name in WATCHERS:
        for question, ask in questions(twin, twin.people[name]).items():
            twin.ids.during(f"{name} {question}")
            try:
                answer = ask()
            except VaultError as error:
                answer = f"{type(error).__name__}: {error}"
            yield f"{name}: {question}", settled(to_json(answer), twin)


def questions(twin: Twin, actor: Actor) -> dict[str, Callable[[], object]]:
    vault, (start, end) = twin.vault, WINDOW
    asked: dict[str, Callable[[], object]] = {
        "footage": lambda: list(vault.catalogue.list(actor)),
        "gaps": lambda: vault.catalogue.gaps(actor, start=start, end=end),
        "coverage": lambda: vault.catalogue.coverage(actor, start=start, end=end),
        "leaving": lambda: vault.catalogue.leaving(actor, timedelta(days=5)),
        "incidents": lambda: vault.incidents.list(actor),
        "holds": lambda: vault.holds.list(actor),
        "requests": lambda: vault.requests.list(actor),
        "due": lambda: vault.sweeper.run(actor, dry_run=True),
        "certificates": lambda: vault.certificates.list(actor),
        "what they certify": lambda: [
            [document["certificate"], document.get("recordings")]
            for each in vault.certificates.list(actor)
            for document in [json.loads(vault.certificates.document(actor, each.id))]
        ],
        "forecast": lambda: vault.forecaster.look(actor),
        "rules against deletions": lambda: vault.deletions.report(actor),
        "copies": lambda: vault.access.copies.list(actor),
        "cameras": lambda: vault.register.cameras(actor),
        "health": lambda: vault.health.list(actor),
        "signs": lambda: vault.signs.list(actor),
        "breaches": lambda: vault.breaches.list(actor),
        "log": lambda: vault.visible_entries(actor, limit=1000),
    }
    for one in dict.fromkeys(twin.recordings):
        asked |= {
            f"show {one}": partial(vault.catalogue.show, actor, one),
            f"poster {one}": partial(vault.access.thumbnail, actor, one),
            f"log {one}": partial(vault.visible_entries, actor, subject=one),
            f"open {one}": partial(opened, vault, actor, one),
        }
    things = twin.things
    for thing, show in (
        ("incident", vault.incidents.show),
        ("hold", vault.holds.show),
        ("request", vault.requests.show),
    ):
        if thing in things:
            asked[thing] = partial(show, actor, things[thing])
    return asked


def opened(vault: Vault, actor: Actor, recording: str) -> bytes:
    with vault.access.open(actor, recording, "tittar") as reader:
        return reader.read()


def pages(twin: Twin) -> Iterator[tuple[str, object]]:
    """Every page open to each of them."""
    things = [
        f"/{kind}s/{twin.things[kind]}" for kind in ("incident", "request") if kind in twin.things
    ]
    paths = [
        *("/", "/timeline?from=2026-03-02T05:00:00&span=6h", "/incidents", "/requests"),
        *("/requests/new", "/expiry", "/log", "/log?limit=1000", "/cameras", "/api/footage"),
        *("/api/incidents", "/api/requests", *things),
        *(f"/footage/{each}" for each in dict.fromkeys(twin.recordings)),
        *(f"/log?subject={each}" for each in ("kassa", *twin.recordings)),
    ]

    async def visits() -> list[tuple[str, object]]:
        found: list[tuple[str, object]] = []
        transport = httpx.ASGITransport(create_app(twin.vault))
        for name in WATCHERS:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as browser:
                form = {"name": name, "credential": twin.credentials[name]}
                await browser.post("/sign-in", data=form)
                for path in paths:
                    twin.ids.during(f"{name} visits {path}")
                    answer = await browser.get(path)
                    text = re.sub(r'name="token" value="[0-9a-f]+"', "TOKEN", answer.text)
                    said = [answer.status_code, *settled(text, twin).splitlines()]
                    found.append((f"{name}: {path}", said))
        return found

    yield from asyncio.run(visits())


def commands(twin: Twin) -> Iterator[tuple[str, object]]:
    """What the command line says, as JSON; the vault is closed for it."""
    twin.vault.close()
    shows = [
        (kind, "show", twin.things[kind])
        for kind in ("incident", "hold", "request")
        if kind in twin.things
    ]
    asked: list[tuple[str, ...]] = [
        *(("footage", "list"), ("incident", "list"), ("hold", "list"), ("request", "list")),
        ("footage", "gaps", "--camera", "kassa", "--from", iso(WINDOW[0]), "--to", iso(WINDOW[1])),
        *(("sweep", "--dry-run"), ("certificate", "list"), ("log", "show"), ("camera", "list")),
        ("camera", "health"),
        *(("footage", "show", each) for each in dict.fromkeys(twin.recordings)),
        *shows,
    ]
    folders = ("--home", str(twin.folder / "home"), "--keys", str(twin.folder / "keys"))
    for words in asked:
        twin.ids.during(" ".join(words))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([*folders, "--as", "Maja", *words, "--json"])
        lines = [settled(json.loads(each), twin) for each in out.getvalue().splitlines()]
        yield " ".join(words), [status, lines, settled(err.getvalue(), twin)]
    twin.vault = Vault.open(settings_of(twin.folder))


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:  # noqa: ANN401
    """Each place where two answers differ."""
    if one == other:
        return
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{where}[{index}]")
    elif isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list) and isinstance(other, list):
        yield from (f"{where} only with the order: {each}" for each in one if each not in other)
        yield from (f"{where} only without it: {each}" for each in other if each not in one)
    else:
        yield f"{where}: {one!r} with the order, {other!r} without"


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Twin, Twin]]:
    ids = Ids()
    monkeypatch.setattr("secrets.choice", ids.choice)
    monkeypatch.setattr("cctv_vault.ids._letters", ids.letters)
    monkeypatch.setenv("CCTV_VAULT_SETTLE_S", "0")
    # How full a disk is cannot be hidden (the threat model says so); nor does it stand still.
    monkeypatch.setattr(DirectoryStore, "free_bytes", lambda _store: 10**12)
    both = (Twin(tmp_path / "a", gagged=True, ids=ids), Twin(tmp_path / "b", gagged=False, ids=ids))
    yield both
    for twin in both:
        twin.vault.close()


def test_a_gagged_order_shows_in_no_answer_to_anyone_who_is_not_cleared(
    twins: tuple[Twin, Twin],
) -> None:
    one, other = twins
    told: list[str] = []
    for part in (opens, order, days_go_by):
        for twin in twins:
            part(twin)
        told += differences(one.outcomes, other.outcomes, f"during {part.__name__} ")
        for say in (services, pages, commands) if part is days_go_by else (services,):
            for (question, answer), (_, expected) in zip(say(one), say(other), strict=True):
                told += differences(answer, expected, f"after {part.__name__}, {question} ")
    assert told == []
    secret = one.vault.catalogue.list(one.people["Clara"])
    assert {each.id for each in secret} > {
        each.id for each in other.vault.catalogue.list(other.people["Clara"])
    }


def test_an_erasure_tells_nobody_that_an_order_keeps_what_it_erased(
    twins: tuple[Twin, Twin],
) -> None:
    one, other = twins
    told: list[str] = []
    for part in (opens, order, somebody_is_erased):
        for twin in twins:
            part(twin)
    told += differences(one.outcomes, other.outcomes, "during ")
    for say in (services, pages, commands):
        for (question, answer), (_, expected) in zip(say(one), say(other), strict=True):
            told += differences(answer, expected, f"after, {question} ")
    assert told == []
    kept = {each.id for each in one.vault.catalogue.list(one.people["Clara"])}
    assert kept > {each.id for each in other.vault.catalogue.list(other.people["Clara"])}
    assert len(one.vault.breaches.list(one.people["Clara"])) == 1
