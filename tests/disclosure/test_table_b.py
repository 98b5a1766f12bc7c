"""Table B told through the services: for each requester the whole way, and how it must be refused.

The rows are written here once more, from the requirements and not from the product, so that a row
that changes there without a decision fails here. One shop on each engine serves all scenarios.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.disclosure.workflow import HANDS_OVER_NOW, TRANSITIONS, Action, State
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import PORTAL_ACTOR, Actor, Role
from tests.disclosure.conftest import FROM, TO, Read, Shop, opened
from tests.shop import ENGINES, SYSTEM, Lay, person

SEEN = "tjänstekort visat i butiken kl. 08.00"
CALL_BACK, IN_PERSON, SIGNED = "call-back", "in-person", "signed-order"
EVERY_WAY = (CALL_BACK, IN_PERSON, SIGNED)
SECOND, PRIVACY = (Role.APPROVER, Role.PRIVACY_OFFICER), (Role.PRIVACY_OFFICER,)
RECEIVED = "2026-03-02T08:00:00+01:00"
BODY_WINDOW = {"from": FROM, "to": TO}
STATED = {"ground__due": "2026-03-20"}


@dataclass(frozen=True)
class Row:
    """A row of table B: what the law and our design demand, in the requirement's words.

    ``due`` is the deadline of a request received on Monday 2 March 2026 at 08:00.
    """

    type: str
    ways: tuple[str, ...]
    bases: tuple[str, ...]
    approvers: tuple[Role, ...]
    masked: bool
    due: str | None
    changes: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.type


DECIDED = (
    Row(
        "police",
        EVERY_WAY,
        ("DSL 2:5", "RB 23:14", "RB 27:1", "RB 27:4", "RB 28:1"),
        SECOND,
        masked=False,
        due="2026-03-05T00:00:00+01:00",
        changes={"ground__decision_maker": "kammaråklagare Åsa Berg"},
    ),
    Row(
        "police-not-crime",
        (CALL_BACK, IN_PERSON),
        ("GDPR 6.1 d", "GDPR 6.1 f"),
        PRIVACY,
        masked=False,
        due="2026-03-02T12:00:00+01:00",
    ),
    Row(
        "court",
        (CALL_BACK, SIGNED),
        ("RB 23:14", "RB 38:2", "RB 38:3", "RB 38:4", "RB 38:5", "RB 39:5"),
        PRIVACY,
        masked=False,
        due="2026-03-21T00:00:00+01:00",
        changes={
            **STATED,
            "matter__number": "T 1234-26",
            "ground__document": "föreläggande 2026-02-27",
            "ground__decision_maker": "Solna tingsrätt",
        },
        needs=("number", "document"),
    ),
    Row(
        "supervisor",
        (CALL_BACK, SIGNED),
        ("GDPR 58", "KBL 24", "AML 7:3"),
        PRIVACY,
        masked=False,
        due="2026-03-21T00:00:00+01:00",
        changes={**STATED, "ground__document": "tillsynsskrivelse IMY-2026-1"},
        needs=("document",),
    ),
    Row(
        "agency",
        (CALL_BACK, SIGNED),
        ("SFB 110:31", "GDPR 6.1 c"),
        PRIVACY,
        masked=True,
        due="2026-03-21T00:00:00+01:00",
        changes={**STATED, "ground__document": "föreläggande"},
        needs=("document",),
    ),
    Row(
        "insurer",
        (CALL_BACK, SIGNED),
        ("GDPR 6.1 f",),
        PRIVACY,
        masked=True,
        due="2026-03-13T00:00:00+01:00",
        changes={"matter__number": "skada 17", "ground__document": "uppdrag"},
        needs=("number", "document"),
    ),
    Row(
        "lawyer",
        EVERY_WAY,
        ("GDPR 6.1 f", "RB 38:2", "RB 38:4"),
        PRIVACY,
        masked=True,
        due="2026-04-02T00:00:00+02:00",
        changes={"ground__document": "fullmakt"},
        needs=("document",),
    ),
    Row(
        "data-subject",
        EVERY_WAY,
        ("GDPR 15",),
        PRIVACY,
        masked=True,
        due="2026-04-03T00:00:00+02:00",
    ),
    Row(
        "employee",
        EVERY_WAY,
        ("GDPR 15", "GDPR 6.1 c", "GDPR 6.1 f"),
        PRIVACY,
        masked=True,
        due="2026-04-03T00:00:00+02:00",
        needs=("heard",),
    ),
    Row(
        "foreign-police",
        (CALL_BACK, SIGNED),
        ("EIO 2017:1000",),
        PRIVACY,
        masked=False,
        due="2026-03-04T00:00:00+01:00",
        changes={"ground__document": "åklagarens beslut om utredningsorder"},
        needs=("document",),
    ),
)
TURN_TO = {
    **dict.fromkeys(("police", "police-not-crime"), "undersökningsledaren eller åklagaren"),
    **dict.fromkeys(("court", "supervisor", "agency"), "föreläggande där lagrummet anges"),
    **dict.fromkeys(("insurer", "lawyer"), "38 kap. 2–5 §§ rättegångsbalken"),
    **dict.fromkeys(("data-subject", "employee"), "Integritetsskyddsmyndigheten"),
    "foreign-police": "Vänd er till Åklagarmyndigheten",
}
"""What whoever is refused can do, as their letter says."""
GROUNDS = sorted({base for row in DECIDED for base in row.bases} | {"RB 27:16", "RB 27:17 a"})


@pytest.fixture(scope="module", params=ENGINES)
def table(
    request: pytest.FixtureRequest, lay: Lay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The shop of the scenarios: it stays Monday morning, and each files requests of its own."""
    with opened(lay, request.param, tmp_path_factory.mktemp("table")) as shop:
        yield shop


@pytest.fixture(scope="module")
def quick_table(lay: Lay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The same on SQLite alone, for what no database decides."""
    with opened(lay, "sqlite", tmp_path_factory.mktemp("table")) as shop:
        yield shop


@pytest.fixture(scope="module", params=ENGINES)
def matrix(
    request: pytest.FixtureRequest, lay: Lay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The shop in which every act is tried from every state."""
    with opened(lay, request.param, tmp_path_factory.mktemp("matrix")) as shop:
        yield shop


def _changes(row: Row, ground: str | None = None) -> dict[str, Any]:
    return {
        "requester__type": row.type,
        "ground__code": ground or row.bases[0],
        **row.changes,
    }


def _assessed(shop: Shop, row: Row, *, heard: bool = True, **changes: Any) -> str:  # noqa: ANN401
    request = shop.filed(**{**_changes(row), **changes})
    shop.requests.verify(shop.handler, request, row.ways[0], "kontrollerat mot växeln")
    shop.requests.assess(
        shop.handler,
        request,
        "Anmäld stöld.",
        "Tjugofem sekunder behövs.",
        heard="personalchef Per Ek" if "heard" in row.needs and heard else None,
    )
    return request


def _deciding(shop: Shop, row: Row) -> Actor:
    return shop.approver if Role.APPROVER in row.approvers else shop.officer


# --- who is decided about by a second person --------------------------------------------------


@pytest.mark.parametrize("row", DECIDED, ids=str)
def test_each_requester_goes_the_whole_way_of_its_row(table: Shop, row: Row, words: Read) -> None:
    shop, by = table, _deciding(table, row)
    filed = shop.requests.file(shop.handler, shop.body(**_changes(row)))
    assert (filed.state, filed.frozen) == ("confirmed", 2)
    received = shop.requests.show(shop.officer, filed.id)
    assert received.received_at == datetime.fromisoformat(RECEIVED)
    assert received.deadline_at == (row.due and datetime.fromisoformat(row.due))
    request = _assessed(shop, row)

    def letter(kind: str) -> str:
        return words(shop.vault.letters.write(shop.officer, request, kind))

    receipt = letter("receipt")
    assert "Mottagningsbevis" in receipt
    assert f"{row.bases[0]} – " in receipt
    for early in ("approval", "refusal", "handover"):
        with pytest.raises(TransitionNotAllowedError):
            letter(early)
    assert shop.requests.decide(by, request, approve=True, reason="Behövs.").state == "approved"
    out = shop.folder / f"{request}.zip"
    if row.masked:
        with pytest.raises(GateNotMetError, match="no masked version was supplied"):
            shop.requests.prepare(shop.handler, request, out)
        assert not out.exists()
        shop.masked(request)
        decided = shop.requests.decide(by, request, approve=True, reason="Filmen är sedd.")
        assert decided.state == "approved"
    made = shop.requests.prepare(shop.handler, request, out)
    assert (made.originals, made.withheld) == ((0, 2) if row.masked else (2, 0))
    assert verify_package(out, allow_simulated=True).sound
    shop.requests.release(shop.handler, request, "usb")
    approval = letter("approval")
    assert "Beslut om utlämnande" in approval
    assert f"{row.bases[0]} – " in approval
    assert ("Andra i bild är maskerade" in approval) is row.masked
    assert made.sha256.hex() in letter("handover").replace(" ", "")
    shop.requests.receipt(shop.handler, request, "mottagaren")
    assert shop.requests.close(shop.handler, request).state == "closed"
    assert [point.code for point in _points(shop, request) if not point.met] == []


def _points(shop: Shop, request: str) -> list[Any]:
    return list(shop.requests.show(shop.officer, request).checklist)


@pytest.mark.parametrize("row", DECIDED, ids=str)
def test_each_requester_is_verified_only_in_the_ways_of_its_row(table: Shop, row: Row) -> None:
    request = table.filed(**_changes(row))
    for way in EVERY_WAY:
        if way not in row.ways:
            with pytest.raises(GateNotMetError, match="does not verify this requester"):
                table.requests.verify(table.handler, request, way, "kontrollerat")
    for way in row.ways:
        other = table.filed(**_changes(row))
        assert table.requests.verify(table.handler, other, way, "kontrollerat").state == "verified"


@pytest.mark.parametrize("row", DECIDED, ids=str)
def test_only_the_statutes_of_the_row_carry_a_release(quick_table: Shop, row: Row) -> None:
    table = quick_table
    for ground in GROUNDS:
        request = _assessed(table, row, ground__code=ground, ground__decision_maker="Åsa Berg")
        if ground in row.bases:
            decided = table.requests.decide(
                _deciding(table, row), request, approve=True, reason="Behövs."
            )
            assert decided.state == "approved"
            continue
        with pytest.raises(GateNotMetError, match="a statute that can carry the release"):
            table.requests.decide(_deciding(table, row), request, approve=True, reason="Ändå.")


@pytest.mark.parametrize("row", DECIDED, ids=str)
def test_only_the_approvers_of_the_row_approve_and_never_who_handled_it(
    table: Shop, row: Row
) -> None:
    request = _assessed(table, row)
    wrong = [person(role, name=f"{role}-{row.type}") for role in Role if role not in row.approvers]
    everything = frozenset({*Role} - {Role.ADMINISTRATOR})
    wrong += [
        replace(table.handler, roles=everything),
        PORTAL_ACTOR,
        SYSTEM,
    ]
    for actor in wrong:
        with pytest.raises(AccessDeniedError):
            table.requests.decide(actor, request, approve=True, reason="Jag vill.")
    assert table.requests.show(table.officer, request).state == "assessed"
    assert table.requests.decide(
        person(row.approvers[0], name="Bo"), request, approve=True, reason="Behövs."
    )


_MISSING: dict[str, dict[str, Any]] = {
    "number": {"matter__number": None},
    "document": {"ground__document": None},
    "heard": {"heard": False},
}
_SAYS = {
    "number": "a matter or claim number is there",
    "document": "a document is there",
    "heard": "the personnel manager was heard",
}


@pytest.mark.parametrize(
    ("row", "what"), [(row, what) for row in DECIDED for what in row.needs], ids=str
)
def test_what_a_row_demands_beside_stops_the_approval_where_it_is_missing(
    table: Shop, row: Row, what: str
) -> None:
    request = _assessed(table, row, **_MISSING[what])
    with pytest.raises(GateNotMetError, match=_SAYS[what]):
        table.requests.decide(table.officer, request, approve=True, reason="Ändå.")
    refused = table.requests.decide(table.officer, request, approve=False, reason="Saknas.")
    assert refused.state == "refused"


@pytest.mark.parametrize("row", DECIDED, ids=str)
def test_nothing_leaves_unassessed_undecided_or_refused(table: Shop, row: Row, words: Read) -> None:
    out = table.folder / "never.zip"
    request = _assessed(table, row)
    with pytest.raises(TransitionNotAllowedError):
        table.requests.prepare(table.handler, request, out)
    table.requests.decide(_deciding(table, row), request, approve=False, reason="Nej.")
    with pytest.raises(TransitionNotAllowedError):
        table.requests.prepare(table.handler, request, out)
    with pytest.raises(TransitionNotAllowedError):
        table.requests.release(table.handler, request, "usb")
    assert not out.exists()
    told = words(table.vault.letters.write(table.handler, request, "refusal"))
    assert "Beslut om avslag" in told
    assert "Nej." in told
    assert TURN_TO[row.type] in told


# --- what the rows say beside -----------------------------------------------------------------


def test_a_police_request_that_is_broad_or_has_no_number_is_for_the_privacy_officer(
    table: Shop,
) -> None:
    row = DECIDED[0]
    hours = [{"from": "2026-03-01T07:00:00+01:00", "to": "2026-03-01T09:30:00+01:00"}]
    for changes in ({"matter__number": None}, {"footage": hours}):
        request = _assessed(table, row, **changes)
        with pytest.raises(AccessDeniedError, match="privacy-officer"):
            table.requests.decide(table.approver, request, approve=True, reason="Behövs.")
        decided = table.requests.decide(table.officer, request, approve=True, reason="Behövs.")
        assert decided.state == "approved"


def test_a_measure_that_somebody_decided_names_who_did(table: Shop) -> None:
    request = _assessed(table, DECIDED[0], ground__code="RB 27:1", ground__decision_maker=None)
    with pytest.raises(GateNotMetError, match="who decided the measure"):
        table.requests.decide(table.officer, request, approve=True, reason="Ändå.")
    table.requests.clarify(table.handler, request, "Vem har beslutat om beslaget?")
    table.requests.answer(
        table.handler, request, "Åklagaren.", decision_maker="kammaråklagare Åsa Berg"
    )
    table.requests.verify(table.handler, request, CALL_BACK, "växeln")
    table.requests.assess(table.handler, request, "Beslag.", "Behövs.")
    assert table.requests.decide(table.officer, request, approve=True, reason="Beslut finns.")


def test_the_day_an_order_states_is_its_deadline_and_nobody_else_states_one(table: Shop) -> None:
    court = next(row for row in DECIDED if row.type == "court")
    request = table.filed(**_changes(court) | {"ground__due": None})
    assert table.requests.show(table.officer, request).deadline_at is None
    table.requests.clarify(table.handler, request, "Till vilken dag?")
    table.requests.answer(table.handler, request, "Den tionde.", due="2026-03-10")
    due = table.requests.show(table.officer, request).deadline_at
    assert due == datetime.fromisoformat("2026-03-11T00:00:00+01:00")
    police = table.filed()
    table.requests.clarify(table.handler, police, "Mer?")
    with pytest.raises(InvalidInputError, match="only an order or an authority"):
        table.requests.answer(table.handler, police, "Nu.", due="2026-03-02")
    with pytest.raises(InvalidInputError, match=r"ground\.due must be a day"):
        table.filed(**_changes(court) | {"ground__due": "genast"})


def test_a_document_that_a_stranger_says_there_is_counts_once_somebody_here_has_it(
    table: Shop,
) -> None:
    lawyer = next(row for row in DECIDED if row.type == "lawyer")
    body = table.body(**_changes(lawyer), footage=[BODY_WINDOW])
    request = table.requests.file(PORTAL_ACTOR, body).id
    for _round in range(2):
        table.requests.verify(table.handler, request, SIGNED, "fullmakten läst")
        table.requests.assess(table.handler, request, "Krav.", "Behövs.")
        if not _round:
            with pytest.raises(GateNotMetError, match="a document is there"):
                table.requests.decide(table.officer, request, approve=True, reason="Behövs.")
            table.requests.clarify(table.handler, request, "Lämna fullmakten.")
            table.requests.answer(table.handler, request, "Här.", document="fullmakt i original")
    assert table.requests.decide(table.officer, request, approve=True, reason="Behövs.")


def test_an_answer_to_somebody_in_the_picture_is_put_off_once_by_two_months(table: Shop) -> None:
    subject = next(row for row in DECIDED if row.type == "data-subject")
    request = table.filed(**_changes(subject))
    with pytest.raises(AccessDeniedError):
        table.requests.prolong(table.approver, request, "Många i bild.")
    table.requests.prolong(table.handler, request, "Många i bild.")
    due = table.requests.show(table.officer, request).deadline_at
    assert due == datetime.fromisoformat("2026-06-03T00:00:00+02:00")
    with pytest.raises(GateNotMetError, match="possible once"):
        table.requests.prolong(table.handler, request, "Ännu fler.")
    with pytest.raises(GateNotMetError, match="only a request for access"):
        table.requests.prolong(table.handler, table.filed(), "Hinner inte.")
    refused = _assessed(table, subject)
    table.requests.decide(table.officer, refused, approve=False, reason="Syns inte.")
    with pytest.raises(TransitionNotAllowedError):
        table.requests.prolong(table.handler, refused, "Sent.")


# --- who is never decided about ---------------------------------------------------------------


def test_media_other_shops_and_the_public_are_refused_the_same_day_by_nobodys_decision(
    table: Shop,
) -> None:
    filed = table.requests.file(table.handler, table.body(requester__type="media"))
    for ground in (None, *GROUNDS):
        filed = table.requests.file(
            table.handler, table.body(requester__type="media", ground__code=ground)
        )
        assert (filed.state, filed.frozen) == ("refused", 0)
    detail = table.requests.show(table.officer, filed.id)
    assert detail.decided_by is None
    assert detail.deadline_at == datetime.fromisoformat("2026-03-03T00:00:00+01:00")
    reopened = table.requests.reopen(table.handler, filed.id, "De ber igen.").id
    other = person(Role.MANAGER, name="Olle")
    for way in EVERY_WAY:
        with pytest.raises(GateNotMetError):
            table.requests.verify(other, reopened, way, "presskort")
    with pytest.raises(TransitionNotAllowedError):
        table.requests.decide(table.officer, reopened, approve=True, reason="Allmänintresse.")


def test_a_preservation_order_is_kept_at_once_told_and_never_handed_over(table: Shop) -> None:
    filed = table.requests.file(
        table.handler,
        table.body(
            requester__type="preservation-order",
            ground__code="RB 27:16",
            ground__document="beslut 2026-03-02",
            ground__decision_maker="kammaråklagare Åsa Berg",
        ),
    )
    assert (filed.state, filed.frozen) == ("confirmed", 2)
    detail = table.requests.show(table.officer, filed.id)
    assert detail.deadline_at == datetime.fromisoformat(RECEIVED)
    assert detail.frozen_until == datetime.fromisoformat(RECEIVED) + timedelta(days=90)
    table.requests.verify(table.handler, filed.id, SIGNED, "beslutet läst")
    table.requests.assess(table.handler, filed.id, "Beslut.", "Beslut.")
    for role in Role:
        with pytest.raises(AccessDeniedError):
            table.requests.decide(
                person(role, name=f"{role}-order"), filed.id, approve=True, reason="De vill."
            )
    with pytest.raises(GateNotMetError):
        table.requests.on_the_spot(
            replace(table.staff, on_the_spot=True),
            table.body(requester__type="preservation-order", ground__code="RB 27:16"),
            officer_seen=SEEN,
            out_dir=table.folder / "order",
        )
    assert not list((table.folder / "order").glob("*"))


# --- before a decision ------------------------------------------------------------------------

_AT_ONCE = (
    ("seizure", "RB 27:1", False),
    ("seizure", "RB 27:4", False),
    ("seizure", "RB 27:17 a", False),
    ("seizure", "RB 28:1", False),
    ("emergency", "GDPR 6.1 d", True),
    ("police-not-crime", "GDPR 6.1 d", True),
)


@pytest.mark.parametrize(("type_", "ground", "marked"), _AT_ONCE)
def test_compulsion_and_danger_to_life_hand_over_now_and_another_reviews(
    shop: Shop,  # of its own: a no to anybody binds whoever asks for the same
    type_: str,
    ground: str,
    marked: bool,  # noqa: FBT001
) -> None:
    on_duty = replace(shop.staff, on_the_spot=marked)
    folder = shop.folder / f"{type_}-{ground}"
    body = shop.body(
        requester__type=type_, ground__code=ground, ground__decision_maker="kammaråklagare Åsa Berg"
    )
    if marked:
        with pytest.raises(AccessDeniedError):
            shop.requests.on_the_spot(shop.staff, body, officer_seen=SEEN, out_dir=folder)
    spot = shop.requests.on_the_spot(on_duty, body, officer_seen=SEEN, out_dir=folder)
    assert spot.state == "under-review"
    assert spot.review_by == datetime.fromisoformat("2026-03-04T00:00:00+01:00")
    assert verify_package(folder / f"{spot.id}.zip", allow_simulated=True).sound
    for actor in (
        replace(on_duty, roles=frozenset({Role.PRIVACY_OFFICER})),
        shop.handler,
        shop.staff,
    ):
        with pytest.raises(AccessDeniedError):
            shop.requests.review(actor, spot.id, approve=True, reason="I ordning.")
    reviewed = shop.requests.review(shop.approver, spot.id, approve=True, reason="I ordning.")
    assert reviewed.state == "acknowledged"


@pytest.mark.parametrize(
    ("changes", "seen", "says"),
    [
        ({"requester__type": "seizure", "ground__code": "RB 27:1"}, SEEN, "who decided"),
        ({"requester__type": "seizure", "ground__code": "DSL 2:5"}, SEEN, "a statute"),
        ({"requester__type": "emergency", "ground__code": "GDPR 6.1 f"}, SEEN, "a statute"),
        ({"requester__type": "emergency", "ground__code": "GDPR 6.1 d"}, "  ", "officer"),
        ({"requester__type": "court", "ground__code": "RB 38:4"}, SEEN, "no release before"),
        ({"requester__type": "lawyer", "ground__code": "GDPR 6.1 f"}, SEEN, "no release before"),
        ({"requester__type": "data-subject", "ground__code": "GDPR 15"}, SEEN, "no release before"),
        ({"requester__type": "media", "ground__code": None}, SEEN, "no legal ground"),
    ],
)
def test_nobody_else_and_nothing_less_is_handed_over_before_a_decision(
    table: Shop, changes: dict[str, Any], seen: str, says: str
) -> None:
    folder = table.folder / "nothing"
    before = len(table.requests.list(table.officer))
    with pytest.raises(GateNotMetError, match=says):
        table.requests.on_the_spot(
            replace(table.staff, on_the_spot=True),
            table.body(**changes),
            officer_seen=seen,
            out_dir=folder,
        )
    assert not list(folder.glob("*"))
    assert len(table.requests.list(table.officer)) == before


# --- every act from every state ---------------------------------------------------------------


def _police(shop: Shop) -> str:
    return _assessed(shop, DECIDED[0])


def _approved(shop: Shop) -> str:
    request = _police(shop)
    shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    return request


def _partly(shop: Shop) -> str:
    request = _police(shop)
    less = [{"cameras": ["kassa"], "from": FROM, "to": "2026-03-01T09:00:10+01:00"}]
    shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.", footage=less)
    shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    return request


def _refused(shop: Shop) -> str:
    request = _police(shop)
    shop.requests.decide(shop.approver, request, approve=False, reason="Behövs inte.")
    return request


def _prepared(shop: Shop) -> str:
    request = _approved(shop)
    shop.requests.prepare(shop.handler, request)
    return request


def _released(shop: Shop) -> str:
    request = _prepared(shop)
    shop.requests.release(shop.handler, request, "usb")
    return request


def _acknowledged(shop: Shop) -> str:
    request = _released(shop)
    shop.requests.receipt(shop.handler, request, "Eva")
    return request


def _closed(shop: Shop) -> str:
    request = _acknowledged(shop)
    shop.requests.close(shop.handler, request)
    return request


def _received(shop: Shop) -> str:
    return str(shop.requests.file(PORTAL_ACTOR, shop.body(footage=[BODY_WINDOW])).id)


def _clarifying(shop: Shop) -> str:
    request = shop.filed()
    shop.requests.clarify(shop.handler, request, "Vilken kassa?")
    return request


def _verified(shop: Shop) -> str:
    request = shop.filed()
    shop.requests.verify(shop.handler, request, CALL_BACK, "växeln")
    return request


def _withdrawn(shop: Shop) -> str:
    request = shop.filed()
    shop.requests.withdraw(shop.handler, request, "Behövs inte längre.")
    return request


def _expired(shop: Shop) -> str:
    request = _received(shop)
    shop.pass_time(days=7, seconds=1)
    assert request in shop.requests.lapse_due(SYSTEM)
    return request


def _under_review(shop: Shop) -> str:
    body = shop.body(
        requester__type="seizure", ground__code="RB 27:1", ground__decision_maker="Åsa Berg"
    )
    spot = shop.requests.on_the_spot(
        shop.staff, body, officer_seen=SEEN, out_dir=shop.folder / "seized"
    )
    return str(spot.id)


_STANDING: dict[State, Callable[[Shop], str]] = {
    State.RECEIVED: _received,
    State.CONFIRMED: lambda shop: shop.filed(),
    State.CLARIFYING: _clarifying,
    State.VERIFIED: _verified,
    State.ASSESSED: _police,
    State.APPROVED: _approved,
    State.PARTLY_APPROVED: _partly,
    State.REFUSED: _refused,
    State.PREPARED: _prepared,
    State.RELEASED: _released,
    State.ACKNOWLEDGED: _acknowledged,
    State.CLOSED: _closed,
    State.WITHDRAWN: _withdrawn,
    State.UNDER_REVIEW: _under_review,
    # Last: the time it takes ends what others keep.
    State.EXPIRED: _expired,
}
_TRIED: dict[Action, Callable[[Any, Actor, str], object]] = {
    Action.CONFIRM: lambda r, by, id_: r.confirm(by, id_),
    Action.CLARIFY: lambda r, by, id_: r.clarify(by, id_, "Vad?"),
    Action.ANSWER: lambda r, by, id_: r.answer(by, id_, "Detta."),
    Action.VERIFY: lambda r, by, id_: r.verify(by, id_, CALL_BACK, "växeln"),
    Action.ASSESS: lambda r, by, id_: r.assess(by, id_, "Stöld.", "Behövs."),
    Action.APPROVE: lambda r, by, id_: r.decide(by, id_, approve=True, reason="Ja."),
    Action.REFUSE: lambda r, by, id_: r.decide(by, id_, approve=False, reason="Nej."),
    Action.PREPARE: lambda r, by, id_: r.prepare(by, id_),
    Action.RELEASE: lambda r, by, id_: r.release(by, id_, "usb"),
    Action.REVIEW: lambda r, by, id_: r.review(by, id_, approve=True, reason="Ja."),
    Action.RECEIPT: lambda r, by, id_: r.receipt(by, id_, "Eva"),
    Action.WITHDRAW: lambda r, by, id_: r.withdraw(by, id_, "Ändrat sig."),
    Action.REVOKE: lambda r, by, id_: r.revoke(by, id_, "Fel."),
    Action.REOPEN: lambda r, by, id_: r.reopen(by, id_, "Nytt."),
    Action.CLOSE: lambda r, by, id_: r.close(by, id_, "Klart."),
}
_OTHERWISE = {
    Action.APPROVE_PARTLY: "what APPROVE becomes where less is needed than was asked",
    Action.ERASE: "what APPROVE becomes where erasure is asked for",
    Action.AUTO_REFUSE: "made at receipt, by nobody",
    Action.LAPSE: "made by time",
    Action.MASK: "made where a masked film comes after the decision",
    **dict.fromkeys(HANDS_OVER_NOW, "made of a request that comes to be in the same act"),
}


def test_every_act_of_the_table_is_tried_or_is_one_that_nobody_asks_for() -> None:
    assert set(_TRIED) | set(_OTHERWISE) == set(Action)
    assert not set(_TRIED) & set(_OTHERWISE)
    assert set(_STANDING) == set(State)


@pytest.mark.parametrize("state", _STANDING)
def test_every_act_that_the_table_does_not_have_is_refused_and_recorded(
    matrix: Shop, state: State
) -> None:
    request = _STANDING[state](matrix)
    everyone = [role for role in Role if role is not Role.ADMINISTRATOR]
    tried = 0
    for action, attempt in _TRIED.items():
        if (state, action) in TRANSITIONS or _confirmed_along(state, action):
            continue
        # A name of its own for each: the ledger counts what one person repeats into one entry.
        actor = person(*everyone, name=f"{state.value}-{action.value}")
        with pytest.raises(TransitionNotAllowedError, match=rf"is {state.value} cannot be moved"):
            attempt(matrix.requests, actor, request)
        (entry,) = matrix.vault.log.entries(actor=actor.id)
        assert (entry.event, entry.subject) == ("act.refused", request)
        assert entry.facts["code"] == "transition-not-allowed"
        tried += 1
    assert matrix.requests.show(matrix.officer, request).state == state.value
    assert tried >= len(_TRIED) - 8


def _confirmed_along(state: State, action: Action) -> bool:
    """Whether the act confirms a request of the portal first: two moves of the table in one."""
    return (
        state is State.RECEIVED
        and (State.RECEIVED, Action.CONFIRM) in TRANSITIONS
        and (State.CONFIRMED, action) in TRANSITIONS
    )


def test_time_alone_moves_no_request_that_waits_for_nobody(matrix: Shop) -> None:
    waiting = {
        state: make(matrix)
        for state, make in _STANDING.items()
        if (state, Action.LAPSE) not in TRANSITIONS
        and state not in {State.EXPIRED, State.PREPARED, State.RELEASED, State.ACKNOWLEDGED}
        and state not in {State.CLOSED, State.UNDER_REVIEW}
    }
    matrix.pass_time(days=31)
    assert not set(matrix.requests.lapse_due(SYSTEM)) & set(waiting.values())
    for state, request in waiting.items():
        assert matrix.requests.show(matrix.officer, request).state == state.value
