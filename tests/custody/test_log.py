"""The log in the index: appended with its act, proven, checkpointed, and every damage named."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cctv_vault.custody.checkpoints import Checkpoint
from cctv_vault.custody.errors import CustodyError
from cctv_vault.custody.events import Event
from cctv_vault.custody.notes import parse_vkey
from cctv_vault.custody.proofs import verify_proof
from cctv_vault.custody.tiles import decode_bundle, decode_tile
from cctv_vault.errors import CustodyBrokenError, InvalidInputError
from cctv_vault.home import Home
from cctv_vault.people.actors import Actor, system_actor
from cctv_vault.settings import Settings
from cctv_vault.views import parse_time
from storage.merkle import leaf_hash, root_of, verify_consistency

START = parse_time("2026-03-02T08:00:00+01:00", "Europe/Stockholm")
SYSTEM = system_actor("tester")


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    settings = Settings(home=tmp_path / "vault", database_url=database_url)
    made = Home.create(
        settings, SYSTEM, controller="Butiken AB", zone="Europe/Stockholm", simulated_clock=START
    )
    yield made
    made.close()


def record(home: Home, count: int, **details: str) -> None:
    with home.ledger.act(Event.CHECK_RUN, SYSTEM) as act:
        for number in range(count):
            act.record(
                Event.CHECK_RUN, f"thing-{number}", facts={"number": number}, details=details
            )


def run_sql(home: Home, statement: str) -> None:
    with home.database.write() as session:
        session.execute(text(statement))


def test_a_new_vault_has_one_entry_that_says_when_it_was_truly_made(home: Home) -> None:
    (first,) = home.log.entries()

    assert first.event == "vault.created"
    assert first.facts["simulated"] is True
    assert str(first.facts["true_time"]) > "2026-03-03"
    assert first.details == {"controller": "Butiken AB", "os_user": "tester"}


def test_entries_are_numbered_without_gaps_and_found_under_every_subject(home: Home) -> None:
    with home.ledger.act(Event.HOLD_PLACED, SYSTEM) as act:
        act.record(Event.HOLD_PLACED, "S-1", also=["rec-a", "rec-b", "S-1"])
        act.record(Event.HOLD_CHANGED, "S-1", also=["rec-b"])

    assert [entry.index for entry in home.log.entries()] == [0, 1, 2]
    assert [entry.event for entry in home.log.entries(subject="rec-b")] == [
        "hold.placed",
        "hold.changed",
    ]
    assert [entry.index for entry in home.log.entries(subject="rec-a")] == [1]
    assert [entry.index for entry in home.log.entries(subject="S-1")] == [1, 2]


def test_an_act_that_fails_leaves_no_entry_and_no_gap(home: Home) -> None:
    def fail() -> None:
        with home.ledger.act(Event.CHECK_RUN, SYSTEM) as act:
            act.record(Event.CHECK_RUN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    record(home, 1)

    assert [entry.index for entry in home.log.entries()] == [0, 1]
    assert home.log.verify().sound


def test_a_refusal_is_entered_before_the_error_leaves(home: Home) -> None:
    def flag() -> None:
        with home.ledger.act(Event.INCIDENT_FLAGGED, SYSTEM, subject="H-7K2M9Q4X") as act:
            act.record(Event.INCIDENT_FLAGGED, "H-1")
            raise InvalidInputError("the window ends before it begins")

    with pytest.raises(InvalidInputError):
        flag()
    last = home.log.entries()[-1]
    assert (last.event, last.subject) == ("act.refused", "H-7K2M9Q4X")
    assert last.facts["act"] == "incident.flagged"
    assert last.facts["code"] == "invalid-input"
    assert last.details is not None
    assert last.details["message"] == "the window ends before it begins"


@pytest.mark.parametrize("asked", ["Anna Andersson 850101-1234", "x" * 5000, "\n", "kassa\udcff"])
def test_what_somebody_typed_does_not_stand_in_the_log_forever(home: Home, asked: str) -> None:
    with (
        pytest.raises(InvalidInputError),
        home.ledger.act(Event.FOOTAGE_VIEWED, SYSTEM, subject=asked),
    ):
        raise InvalidInputError("no")

    last = home.log.entries()[-1]
    assert (last.event, last.subject) == ("act.refused", None)
    assert asked[:20].encode("utf-8", "replace") not in last.body
    assert last.details is not None  # sealed, and gone with its key
    assert last.details["subject"] == asked[:200].encode("utf-8", "replace").decode()


def test_repeated_refusals_from_one_source_are_counted_into_one_entry(home: Home) -> None:
    def refuse(actor: Actor) -> None:
        with pytest.raises(InvalidInputError), home.ledger.act(Event.SIGN_IN, actor):
            raise InvalidInputError("no")

    for _ in range(5):
        refuse(SYSTEM)
    refuse(Actor(id="u-other", name="", means="none"))
    assert home.log.size() == 3

    home.set_clock(SYSTEM, parse_time("2026-03-02T08:30:00+01:00", ""))
    refuse(SYSTEM)

    assert home.log.entries()[-1].facts["repeated_before"] == 4


def test_every_entry_is_proven_to_a_stranger_across_tile_borders(home: Home) -> None:
    record(home, 700)
    note = home.log.checkpoint(START)
    verifier = parse_vkey(home.log.vkey)
    bodies = [entry.body for entry in home.log.entries(limit=1000)]

    assert Checkpoint.open(note, [verifier]).root == root_of([leaf_hash(each) for each in bodies])
    for index in (0, 1, 255, 256, 257, 511, 512, 699, 700):
        proven = verify_proof(bodies[index], home.log.proof(index, START), [verifier])
        assert proven.index == index
    batch = dict(home.log.proofs([3, 300, 699], note))
    assert verify_proof(bodies[300], batch[300], [verifier]).index == 300


def test_a_later_checkpoint_contains_every_earlier_one(home: Home) -> None:
    record(home, 300)
    verifier = parse_vkey(home.log.vkey)
    old = Checkpoint.open(home.log.checkpoint(START), [verifier])
    record(home, 400)
    new = Checkpoint.open(home.log.checkpoint(START), [verifier])

    path = home.log.consistency(old.size, new.size)

    verify_consistency(old.size, new.size, old.root, new.root, path)


def test_tiles_and_bundles_are_served_as_the_standard_lays_them_out(home: Home) -> None:
    record(home, 299)

    assert len(decode_tile(home.log.tile(0, 0, 256))) == 256
    partial = decode_tile(home.log.tile(0, 1, 44))
    bundle = decode_bundle(home.log.bundle(1, 44))
    assert [leaf_hash(each) for each in bundle] == list(partial)
    assert decode_tile(home.log.tile(1, 0, 1)) == [root_of(decode_tile(home.log.tile(0, 0, 256)))]


def _change_body(home: Home) -> None:
    with home.database.write() as session:
        body = session.execute(
            text("SELECT body FROM custody_entry WHERE leaf_index = 2")
        ).scalar_one()
        session.execute(
            text("UPDATE custody_entry SET body = :body WHERE leaf_index = 2"),
            {"body": bytes(body).replace(b"thing-1", b"thing-9")},
        )


def _sql(statement: str) -> Callable[[Home], None]:
    return lambda home: run_sql(home, statement)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_change_body, "entry 2 was changed"),
        (_sql("UPDATE custody_entry SET actor = 'x' WHERE leaf_index = 2"), "entry 2: its columns"),
        (_sql("DELETE FROM custody_entry WHERE leaf_index = 2"), "entry 2 is missing"),
        (_sql("DELETE FROM custody_entry WHERE leaf_index = 300"), "the head of the log says 301"),
        (_sql("DELETE FROM custody_tile"), "tile 0 of level 0 is missing"),
        (_sql("UPDATE custody_head SET size = 300"), "the head of the log says 300"),
        (
            _sql("UPDATE sealed_text SET binding = 'details/00' WHERE id = 2"),
            "the details of entry 1",
        ),
        (
            _sql("UPDATE custody_checkpoint SET note = 'none' WHERE size = 301"),
            "the checkpoint over 301 entries",
        ),
    ],
    ids=["body", "columns", "gap", "cut short", "tile", "head", "details", "checkpoint"],
)
def test_any_change_to_the_stored_log_is_found_and_named(
    home: Home, damage: Callable[[Home], None], words: str
) -> None:
    record(home, 300, name="a name")
    home.log.checkpoint(START)
    assert home.log.verify().findings == ()

    damage(home)

    assert any(words in finding for finding in home.log.verify().findings)


def test_a_log_that_was_rolled_back_is_refused_at_the_start(home: Home) -> None:
    record(home, 20)
    home.log.checkpoint(START)
    run_sql(home, "DELETE FROM custody_entry WHERE leaf_index >= 10")

    with pytest.raises(CustodyBrokenError, match="entries are missing"):
        Home.open(home.settings)


def test_an_older_copy_of_the_index_is_refused_at_the_start(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "vault")
    home = Home.create(
        settings, SYSTEM, controller="Butiken AB", zone="Europe/Stockholm", simulated_clock=START
    )
    home.database.scrub_free_pages()
    before = (settings.home / "index.db").read_bytes()
    record(home, 20)
    home.log.checkpoint(START)
    home.close()
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (settings.home / name).unlink(missing_ok=True)
    (settings.home / "index.db").write_bytes(before)

    with pytest.raises(CustodyBrokenError, match="rolled back or replaced"):
        Home.open(settings)


def test_taking_the_checkpoint_outside_away_is_a_finding(home: Home) -> None:
    record(home, 5)
    home.log.checkpoint(START)
    (home.settings.key_folder / "checkpoint.note").unlink()

    (finding,) = home.log.verify().findings
    assert "kept outside the index, is missing" in finding


def test_a_log_that_another_vault_signed_is_refused_at_the_start(home: Home) -> None:
    keys = home.settings.key_folder / "checkpoint.note"
    record(home, 5)
    home.log.checkpoint(START)
    signed = keys.read_text(encoding="utf-8")
    other = Home.create(
        Settings(home=home.settings.home.with_name("other")),
        SYSTEM,
        controller="Annan AB",
        zone="Europe/Stockholm",
        simulated_clock=START,
    )
    other.close()
    (other.settings.key_folder / "checkpoint.note").write_text(signed, encoding="utf-8")

    with pytest.raises(CustodyError, match="signed note"):
        Home.open(other.settings)


def test_two_heads_of_one_size_are_never_both_signed(home: Home) -> None:
    record(home, 5)
    home.log.checkpoint(START)
    run_sql(home, "DELETE FROM custody_checkpoint")
    _change_body(home)
    run_sql(home, "UPDATE custody_entry SET leaf_hash = zeroblob(32) WHERE leaf_index = 2") if (
        home.database.dialect == "sqlite"
    ) else run_sql(
        home,
        "UPDATE custody_entry SET leaf_hash = decode(repeat('00', 32), 'hex') WHERE leaf_index = 2",
    )
    record(home, 1)

    with pytest.raises(CustodyBrokenError, match="not those of the checkpoint"):
        home.log.checkpoint(START)


def test_details_that_were_erased_with_their_key_leave_the_log_verifying(home: Home) -> None:
    record(home, 3, name="Anna")
    run_sql(home, "DELETE FROM purpose_key")

    verdict = home.log.verify()

    assert verdict.sound
    assert verdict.details_erased == 4
    assert all(entry.details is None for entry in home.log.entries())
