"""Polisen är här: whoever is on duty hands footage to an officer who stands before them.

One form, one wait, one folder: at most twelve taps from signing in. What the law takes (seizure,
search, copying) has a form of its own, and so has an emergency, in which nobody waits. Everything
is the service's to judge; the page says in words what it refused, and what to do instead.
"""

from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response, StreamingResponse

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.folder import StandingCase
from cctv_vault.disclosure.legal import (
    CALL_BACK,
    GROUNDS,
    IN_PERSON,
    ON_THE_SPOT_LIMIT,
    REQUESTERS,
    RESCUERS,
    Words,
)
from cctv_vault.disclosure.workflow import State
from cctv_vault.errors import InvalidInputError, VaultError
from cctv_vault.people.actors import Right
from cctv_vault.views import iso
from web.desk import Form, Here, Posted, Visit, see
from web.filing import footage_of, in_words, measure_of
from web.pages.incidents import camera_options
from web.pages.requests import disclosure_words
from web.uploads import PostedFile, file_of

router = APIRouter()

AUTHORITIES: Final = (
    *("Polismyndigheten", "Säkerhetspolisen", "Åklagarmyndigheten", "Ekobrottsmyndigheten"),
    *("Tullverket", "Kustbevakningen", "Skatteverket"),
)
"""The seven that DSL 2:5 names."""
OFFENCES: Final = {
    "theft": Words("stöld", "theft"),
    "robbery": Words("rån", "robbery"),
    "assault": Words("misshandel", "assault"),
    "threat": Words("olaga hot", "threat"),
    "damage": Words("skadegörelse", "damage"),
    "fraud": Words("bedrägeri", "fraud"),
}
"""Those a shop meets, to be chosen with one tap; any other is typed. Written in Swedish."""
WHO: Final = ("police", "insurer", "media")
"""Who may stand there: the last two are told why they get nothing."""
KINDS: Final = {
    "danger": ("emergency", "GDPR 6.1 d"),
    "missing": ("police-not-crime", "GDPR 6.1 d"),
    "accident": ("police-not-crime", "GDPR 6.1 f"),
}
"""What has happened, as the form of an emergency asks: the requester's row and its statute."""
_SPANS: Final = ("15", "30", "60")
_OTHER: Final = "other"
_MINUTE: Final = timedelta(minutes=1)


@router.get("/spot")
def ask(visit: Here) -> Response:
    """The form, and the cases of this person that are under way or owe a case number."""
    return visit.page("spot.html", _asking(visit))


@router.post("/spot")
def call(visit: Here, form: Posted) -> Response:
    """Register what the officer asks for, freeze it, and call those who may approve."""
    try:
        body = _body(visit, form)
        called = visit.vault.requests.call(visit.actor, body, officer_seen=_seen(visit, form))
    except VaultError as error:
        return visit.refused("spot.html", _asking(visit), error, form)
    return see(f"/spot/{called.id}")


@router.get("/spot/seizure")
def seizing(visit: Here) -> Response:
    """The form for what the law takes: seizure, search and copying."""
    return visit.page("seizure.html", _seizing(visit))


@router.post("/spot/seizure")
def seize(visit: Here, form: Posted) -> Response:
    """Record it; where it is footage, make the package that is carried away."""
    held = visit.vault.requests
    try:
        body, seen = _seizure(visit, form), _seen(visit, form)
        if form.text("takes") == "thing":
            spot = held.record_taken(visit.actor, body, officer_seen=seen)
        else:
            spot = held.on_the_spot(visit.actor, body, officer_seen=seen, out_dir=None)
    except VaultError as error:
        return visit.refused("seizure.html", _seizing(visit), error, form)
    return see(f"/spot/{spot.id}", "seizure-recorded")


@router.get("/spot/emergency")
def endangered(visit: Here) -> Response:
    """The form for where life or health is in danger, or somebody is missing."""
    return visit.page("emergency.html", _endangered(visit))


@router.post("/spot/emergency")
def help_now(visit: Here, form: Posted) -> Response:
    """Make the package and hand it over at once; somebody else reviews it afterwards."""
    try:
        body, (method, seen) = _danger(visit, form), _known(visit, form)
        spot = visit.vault.requests.on_the_spot(
            visit.actor, body, officer_seen=seen, out_dir=None, method=method
        )
    except VaultError as error:
        return visit.refused("emergency.html", _endangered(visit), error, form)
    return see(f"/spot/{spot.id}", "spot-handed-over")


@router.post("/spot/{request}/measure")
def measure(visit: Here, form: Posted, request: str) -> Response:
    """Enter what became known of a measure since."""
    try:
        visit.vault.requests.note_measure(visit.actor, request, measure_of(form))
    except VaultError as error:
        return visit.refused("spot-case.html", _shown(visit, request), error, form)
    return see(f"/spot/{request}", "request-measure")


@router.get("/spot/{request}")
def case(visit: Here, request: str) -> Response:
    """Where the case stands: wait, hand over, fetch, and what is owed afterwards."""
    return visit.page("spot-case.html", _shown(visit, request))


@router.get("/spot/{request}/state")
def state(visit: Here, request: str) -> Response:
    """Whether somebody has answered, for the page that waits."""
    found = visit.vault.requests.standing(visit.actor, request)
    return JSONResponse({"state": found.state, "left": _left(visit, found)})


@router.post("/spot/{request}/hand-over")
def hand_over(visit: Here, form: Posted, request: str) -> Response:
    """Make the package and hand it over; its folder is fetched from the page that follows."""
    try:
        visit.vault.requests.hand_over(visit.actor, request, None)
    except VaultError as error:
        return visit.refused("spot-case.html", _shown(visit, request), error, form)
    return see(f"/spot/{request}", "spot-handed-over")


@router.get("/spot/{request}/folder")
def folder(visit: Here, request: str) -> Response:
    """The folder with film, frames, report, receipt and package, as one zip for the stick."""
    found = visit.vault.requests.open_folder(visit.actor, request)
    return StreamingResponse(
        found.pieces,
        media_type="application/zip",
        headers={
            "Content-Length": str(found.size),
            "Content-Disposition": f'attachment; filename="{found.name}"',
        },
    )


@router.post("/spot/{request}/number")
def number(visit: Here, form: Posted, request: str) -> Response:
    """Enter the case number that was to follow."""
    try:
        visit.vault.requests.enter_number(visit.actor, request, form.text("number"))
    except VaultError as error:
        return visit.refused("spot-case.html", _shown(visit, request), error, form)
    return see(f"/spot/{request}", "request-number")


@router.post("/spot/{request}/documents")
def attach(visit: Here, data: PostedFile, request: str) -> Response:
    """Add the signed receipt, photographed or scanned."""
    try:
        visit.vault.case_files.add(visit.actor, request, *file_of(data))
    except VaultError as error:
        form = Form(data, visit.vault.zone)
        return visit.refused("spot-case.html", _shown(visit, request), error, form)
    return see(f"/spot/{request}", "request-attached")


def _body(visit: Visit, form: Form) -> dict[str, Any]:
    """The request of the form, in the one shape that every way of filing shares.

    Raises:
        InvalidInputError: No camera, no time or nobody is chosen.
    """
    kind = form.text("who")
    if kind not in WHO:
        raise InvalidInputError("say who stands here")
    bases = REQUESTERS[kind].bases
    offence = OFFENCES.get(form.text("offence"))
    return {
        "requester": {
            "type": kind,
            "authority": form.text("authority") if kind == "police" else None,
            "name": form.text("officer") or None,
        },
        "ground": {"code": bases[0] if bases else None},
        "matter": {
            "number": form.text("number") or None,
            "offence": form.text("offence_text") or (offence.sv if offence else None),
        },
        "footage": _footage(visit, form),
        "description": form.text("description"),
        "language": "sv",
        "delivery": "in-person",
    }


def _seizure(visit: Visit, form: Form) -> dict[str, Any]:
    """As `_body`, of what the law takes."""
    return {
        "requester": {
            "type": "seizure",
            "authority": form.text("authority"),
            "name": form.text("officer") or None,
        },
        "ground": {
            "code": form.text("ground") or None,
            "decision_maker": form.text("decision_maker") or None,
        },
        "matter": {"number": form.text("number") or None},
        "footage": _footage(visit, form),
        "language": "sv",
        "delivery": "in-person",
        "measure": measure_of(form),
    }


def _danger(visit: Visit, form: Form) -> dict[str, Any]:
    """As `_body`, of an emergency; an insurer or a stranger is filed as what they are."""
    who, kind = form.text("who"), form.text("kind")
    if kind not in KINDS:
        raise InvalidInputError("say what has happened")
    if who not in RESCUERS and who not in WHO:
        raise InvalidInputError("say who asks")
    type_, ground = KINDS[kind]
    danger = {"asked_by": who, "at_stake": form.text("at_stake"), "told": form.text("told")}
    if who not in RESCUERS:
        bases = REQUESTERS[who].bases
        type_, ground, danger = who, bases[0] if bases else "", {}
    return {
        "requester": {
            "type": type_,
            "authority": RESCUERS[who].sv if who in RESCUERS else None,
            "name": form.text("officer") or None,
        },
        "ground": {"code": ground or None},
        "matter": {"number": form.text("number") or None},
        "footage": _footage(visit, form),
        "language": "sv",
        "delivery": "in-person",
        **({"danger": danger} if danger else {}),
    }


def _known(visit: Visit, form: Form) -> tuple[str, str]:
    """How whoever asks was verified, and what is noted of it; empty where nobody was."""
    if form.text("method") == CALL_BACK:
        number = form.text("called")
        note = visit.words.text("emergency.called_note", who=form.text("officer"), number=number)
        return CALL_BACK, note if number else ""
    seen = form.text("method") == IN_PERSON
    note = visit.words.text("spot.seen_note", who=form.text("officer"))
    return IN_PERSON, note if seen else ""


def _seen(visit: Visit, form: Form) -> str:
    """What was checked of who stands here; empty where nobody ticked it."""
    note = visit.words.text("spot.seen_note", who=form.text("officer"))
    return note if form.ticked("seen") else ""


def _footage(visit: Visit, form: Form) -> list[dict[str, Any]]:
    """The last minutes, or the time that was typed, of the cameras chosen."""
    cameras = form.all("cameras")
    if not cameras:
        raise InvalidInputError("choose the cameras that are needed, and no more")
    span = form.text("span")
    if span == _OTHER:
        return footage_of(form, cameras)
    if span not in _SPANS:
        raise InvalidInputError("choose the time that is needed")
    now = visit.vault.clock.now()
    # To the minute: the same form sent twice is the same request.
    end = now - timedelta(seconds=now.second, microseconds=now.microsecond)
    start = end - int(span) * _MINUTE
    return [{"cameras": list(cameras), "from": iso(start), "to": iso(end)}]


def _asking(visit: Visit) -> dict[str, object]:
    visit.require(Right.RELEASE_ON_THE_SPOT, event=Event.REQUEST_APPROVERS_CALLED)
    words = visit.words
    return {
        "who_options": [(each, words.text(f"spot.who_{each}")) for each in WHO],
        "offence_options": [
            *((code, in_words(each, words.language)) for code, each in OFFENCES.items()),
            (_OTHER, words.text("spot.other_offence")),
        ],
        "limit": int(ON_THE_SPOT_LIMIT / _MINUTE),
        "cases": visit.vault.requests.standings(visit.actor),
        **_choosing(visit),
    }


def _seizing(visit: Visit) -> dict[str, object]:
    visit.require(Right.REQUEST_REGISTER, event=Event.REQUEST_RELEASED)
    language = visit.words.language
    return {
        "seizure_options": [
            (code, f"{in_words(GROUNDS[code], language)} ({code})")
            for code in REQUESTERS["seizure"].bases
        ],
        **_choosing(visit),
    }


def _endangered(visit: Visit) -> dict[str, object]:
    visit.require(Right.RELEASE_ON_THE_SPOT, event=Event.REQUEST_RELEASE_INTENDED)
    words = visit.words
    return {
        "kind_options": [(each, words.text(f"emergency.kind_{each}")) for each in KINDS],
        "who_options": [
            *((code, in_words(each, words.language)) for code, each in RESCUERS.items()),
            *((each, words.text(f"spot.who_{each}")) for each in WHO if each not in RESCUERS),
        ],
        "method_options": [
            (each, words.text(f"emergency.{each.replace('-', '_')}"))
            for each in (IN_PERSON, CALL_BACK)
        ],
        "limit": visit.vault.policies.in_force().on_the_spot.emergency_minutes,
        **_choosing(visit),
    }


def _choosing(visit: Visit) -> dict[str, object]:
    words = visit.words
    return {
        "authority_options": [(each, each) for each in AUTHORITIES],
        "span_options": [
            *((each, words.text("spot.last_minutes", minutes=each)) for each in _SPANS),
            (_OTHER, words.text("spot.other_time")),
        ],
        "camera_options": camera_options(visit),
        **disclosure_words(visit),
    }


def _shown(visit: Visit, request_id: str) -> dict[str, object]:
    found = visit.vault.requests.standing(visit.actor, request_id)
    return {
        "case": found,
        "left": _left(visit, found),
        "names": visit.names((found.decided_by,)),
        "approved": found.state in {State.APPROVED, State.PARTLY_APPROVED},
        **disclosure_words(visit),
    }


def _left(visit: Visit, found: StandingCase) -> int:
    """Seconds until the person on duty may hand over alone."""
    if found.called is None or found.called.bound:
        return 0
    left = found.called.alone_from - visit.vault.clock.now()
    return max(0, -(-left // timedelta(seconds=1)))
