"""Begäranden: who asks for what, on what ground, by when; and each act on the way to release."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.casefiles import MASKED_IN, Declaration, FileView
from cctv_vault.disclosure.codes import new_passphrase
from cctv_vault.disclosure.fees import BECAUSE
from cctv_vault.disclosure.frames import CHOSEN_IN
from cctv_vault.disclosure.legal import (
    EXCEPTIONS,
    GROUNDS,
    METHODS,
    PROLONGABLE,
    REQUESTERS,
    RESCUERS,
)
from cctv_vault.disclosure.letters import letters_of
from cctv_vault.disclosure.results import Collected, RequestDetail
from cctv_vault.disclosure.verifypage import VERIFY_PAGE, verify_page
from cctv_vault.disclosure.workflow import (
    FINISHED,
    RIGHT_FOR,
    STATE_WORDS,
    UNANSWERED_STATES,
    Action,
    State,
)
from cctv_vault.errors import (
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
    VaultError,
)
from cctv_vault.people.actors import Right, Role
from web.desk import ForgedFormError, Form, Here, Posted, Visit, see
from web.filing import body_of, decided_of, footage_of, in_words, measure_of, options
from web.films import SentFilm
from web.pages.incidents import camera_options
from web.security import is_form_token
from web.sending import MOST_AT_ONCE, as_pdf, in_steps
from web.uploads import PostedFile, file_of

router = APIRouter()

WAY: Final = (
    *(State.RECEIVED, State.CONFIRMED, State.VERIFIED, State.ASSESSED, State.APPROVED),
    *(State.PREPARED, State.RELEASED, State.ACKNOWLEDGED, State.CLOSED),
)
"""The way a request goes when all is well, as the page draws it."""

WAY_OF_ERASURE: Final = (
    *(State.RECEIVED, State.CONFIRMED, State.VERIFIED, State.ASSESSED, State.CLOSED),
)
"""The same where footage is to be erased: nothing is handed over."""

ANSWERED: Final = FINISHED | {State.RELEASED, State.ACKNOWLEDGED}
"""Where no answer is due any more."""

_DRAINED: Final = 64 * 1024 * 1024
"""Bytes of a refused film that are still taken, so that its sender hears why."""

_ASIDE: Final[Mapping[State, State]] = {
    State.CLARIFYING: State.CONFIRMED,
    State.PARTLY_APPROVED: State.APPROVED,
    State.REFUSED: State.ASSESSED,
    State.WITHDRAWN: State.CONFIRMED,
    State.EXPIRED: State.RECEIVED,
    State.UNDER_REVIEW: State.RELEASED,
}


@router.get("/requests")
def requests(visit: Here) -> Response:
    """All requests, the nearest deadline first."""
    visit.require(Right.REQUEST_READ, Right.REQUEST_REGISTER, event=Event.REQUEST_READ)
    found = visit.vault.requests.list(visit.actor) if visit.actor.may(Right.REQUEST_READ) else ()
    return visit.page(
        "requests.html",
        {
            "waiting": [each for each in found if State(each.state) not in FINISHED],
            "finished": [each for each in found if State(each.state) in FINISHED],
            "answered": ANSWERED,
            **disclosure_words(visit),
        },
    )


@router.get("/requests/new")
def new(visit: Here) -> Response:
    """The form on which staff register a request that came by mail, telephone or in person."""
    visit.require(Right.REQUEST_REGISTER, event=Event.REQUEST_RECEIVED)
    return visit.page("request-new.html", _registering(visit))


@router.post("/requests")
def register(visit: Here, form: Posted) -> Response:
    """Register a request; the footage it asks for is frozen in the same act."""
    try:
        filed = visit.vault.requests.file(visit.actor, body_of(form, form.text("language") or "sv"))
    except VaultError as error:
        return visit.refused("request-new.html", _registering(visit), error, form)
    if not visit.actor.may(Right.REQUEST_READ):
        return visit.page("request-filed.html", {"filed": filed})
    return see(f"/requests/{filed.id}", "registered")


@router.get("/requests/{request}")
def request(visit: Here, request: str) -> Response:
    """One request: as received, what is met and what is not, and what can be done now."""
    return visit.page("request.html", _shown(visit, request))


@router.get("/requests/{request}/medium")
def medium(visit: Here, request: str) -> Response:
    """Where an encrypted package is fetched: its passphrase is made here and kept nowhere."""
    shown = _shown(visit, request)
    if not shown["medium"]:
        raise TransitionNotAllowedError("no package waits here to be copied to a medium")
    return visit.page("medium.html", {**shown, "passphrase": new_passphrase()})


@router.get("/requests/{request}/package")
def package(visit: Here, request: str) -> Response:
    """The released package, for the medium it is handed over on."""
    return _sent(visit.vault.requests.open_package(visit.actor, request))


@router.post("/requests/{request}/package")
def locked_package(visit: Here, form: Posted, request: str) -> Response:
    """The same under the passphrase that the page before it showed."""
    secret = form.text("passphrase")
    return _sent(visit.vault.requests.open_package(visit.actor, request, secret))


@router.get("/verify.html")
def verifier(_visit: Here) -> Response:
    """The page that opens and verifies a package, to be put beside it on a medium."""
    return Response(
        verify_page().content,
        media_type="text/html",
        headers={"Content-Disposition": f'attachment; filename="{VERIFY_PAGE}"'},
    )


def _sent(collected: Collected) -> Response:
    return StreamingResponse(
        in_steps(collected.reader, collected.size, MOST_AT_ONCE, collected.again),
        media_type="application/zip"
        if collected.name.endswith(".zip")
        else "application/octet-stream",
        headers={
            "Content-Length": str(collected.size),
            "Content-Disposition": f'attachment; filename="{collected.name}"',
        },
    )


@router.post("/requests/{request}/documents")
def attach(visit: Here, data: PostedFile, request: str) -> Response:
    """Add a document that came with the request."""
    try:
        visit.vault.case_files.add(visit.actor, request, *file_of(data))
    except VaultError as error:
        form = Form(data, visit.vault.zone)
        return visit.refused("request.html", _shown(visit, request), error, form)
    return see(f"/requests/{request}", "request-attached")


@router.post("/requests/{request}/masked")
async def add_masked(visit: Here, sent: Request, request: str) -> Response:
    """Add a film in which others are masked; it is sealed while it comes."""
    film = SentFilm(sent)
    await film.begin()
    token = film.fields.get("token", "")
    if not isinstance(token, str) or not is_form_token(token, visit.token):
        raise ForgedFormError
    form = Form(film.fields, visit.vault.zone)
    try:
        declared = Declaration(form.text("camera"), form.text("masked_by"), form.text("how"))
        add = visit.vault.case_files.add_masked
        await run_in_threadpool(
            partial(add, size=film.announced),
            visit.actor,
            request,
            film.name,
            film.reader(),
            declared,
        )
    except VaultError as error:
        await film.drain(_DRAINED)
        return await run_in_threadpool(_masked_refused, visit, request, error, form)
    return see(f"/requests/{request}", "request-masked")


def _masked_refused(visit: Visit, request_id: str, error: VaultError, form: Form) -> Response:
    return visit.refused("request.html", _shown(visit, request_id), error, form)


@router.get("/requests/{request}/files/{file}")
def case_file(visit: Here, request: str, file: str) -> Response:
    """A file of the request, to be kept: nothing that others sent is shown by a page."""
    found = visit.vault.case_files.open(visit.actor, request, file)
    return StreamingResponse(
        in_steps(found.reader, found.size, MOST_AT_ONCE, found.again),
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(found.size),
            "Content-Disposition": f'attachment; filename="{found.name}"',
        },
    )


@router.get("/requests/{request}/letters/{kind}.pdf")
def write_letter(visit: Here, request: str, kind: str) -> Response:
    """A letter to the requester, written anew from the case."""
    return as_pdf(visit.vault.letters.write(visit.actor, request, kind), f"{request}-{kind}")


@router.post("/requests/{request}/{act}")
def act(visit: Here, form: Posted, request: str, act: str) -> Response:
    """Do one act with a request."""
    doing = _ACTS.get(act)
    if doing is None:
        raise NotFoundError("act", act)
    try:
        extra = doing(visit, request, form)
    except VaultError as error:
        return visit.refused("request.html", _shown(visit, request), error, form)
    if extra:
        # A link and its code are shown on this one page and never again.
        return visit.page("request.html", {**_shown(visit, request), **extra})
    return see(f"/requests/{request}", f"request-{act}")


def _confirm(visit: Visit, request_id: str, _form: Form) -> None:
    visit.vault.requests.confirm(visit.actor, request_id)


def _clarify(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.clarify(visit.actor, request_id, form.text("text"))


def _answer(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.answer(
        visit.actor,
        request_id,
        form.text("text"),
        ground=form.text("ground") or None,
        number=form.text("number") or None,
        document=form.text("document") or None,
        decision_maker=form.text("decision_maker") or None,
        decided_at=decided_of(form),
    )


def _verify(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.verify(visit.actor, request_id, form.text("method"), form.text("detail"))


def _assess(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.assess(
        visit.actor,
        request_id,
        form.text("facts"),
        form.text("necessity"),
        footage=footage_of(form, form.all("cameras")),
        heard=form.text("heard") or None,
    )


def _decide(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.decide(
        visit.actor,
        request_id,
        approve=_yes_or_no(form),
        reason=form.text("reason"),
        exception=form.text("exception") or None,
    )


def _frame(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.choose_frame(visit.actor, request_id, form.text("camera"), form.time("at"))


def _frame_out(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.drop_frame(visit.actor, request_id, form.text("camera"), form.time("at"))


def _prepare(visit: Visit, request_id: str, _form: Form) -> None:
    visit.vault.requests.prepare(visit.actor, request_id)


def _release(visit: Visit, request_id: str, form: Form) -> dict[str, object] | None:
    released = visit.vault.requests.release(visit.actor, request_id, form.text("channel"))
    return {"released": released} if released.token else None


def _receipt(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.receipt(visit.actor, request_id, form.text("by"))


def _withdraw(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.withdraw(visit.actor, request_id, form.text("reason"))


def _revoke(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.revoke(visit.actor, request_id, form.text("reason"))


def _reopen(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.reopen(visit.actor, request_id, form.text("reason"))


def _close(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.close(visit.actor, request_id, form.text("reason"))


def _review(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.review(
        visit.actor, request_id, approve=_yes_or_no(form), reason=form.text("reason")
    )


def _prolong(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.prolong(visit.actor, request_id, form.text("reason"))


def _charge(visit: Visit, request_id: str, form: Form) -> None:
    try:
        kronor = int(form.text("kronor"))
    except ValueError:
        raise InvalidInputError("the fee is a whole number of kronor") from None
    visit.vault.requests.charge(
        visit.actor, request_id, kronor, form.text("because"), form.text("reason")
    )


def _number(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.enter_number(visit.actor, request_id, form.text("number"))


def _measure(visit: Visit, request_id: str, form: Form) -> None:
    visit.vault.requests.note_measure(visit.actor, request_id, measure_of(form))


_ACTS: Final[Mapping[str, Callable[[Visit, str, Form], dict[str, object] | None]]] = {
    "confirm": _confirm,
    "clarify": _clarify,
    "answer": _answer,
    "verify": _verify,
    "assess": _assess,
    "decide": _decide,
    "frame": _frame,
    "frame-out": _frame_out,
    "prepare": _prepare,
    "release": _release,
    "receipt": _receipt,
    "withdraw": _withdraw,
    "revoke": _revoke,
    "reopen": _reopen,
    "close": _close,
    "review": _review,
    "measure": _measure,
    "prolong": _prolong,
    "charge": _charge,
    "number": _number,
}


def _yes_or_no(form: Form) -> bool:
    answer = form.text("answer")
    if answer not in {"yes", "no"}:
        raise InvalidInputError("choose one of the two answers")
    return answer == "yes"


def _may_choose(visit: Visit, detail: RequestDetail) -> bool:
    """Whether frames can be chosen here now."""
    on_the_spot = detail.asked_at is not None and visit.actor.may(Right.RELEASE_ON_THE_SPOT)
    return (
        State(detail.state) in CHOSEN_IN
        and not REQUESTERS[detail.requester_type].masking.demanded
        and (on_the_spot or visit.actor.may(Right.REQUEST_HANDLE))
    )


def disclosure_words(visit: Visit) -> dict[str, object]:
    """The words for states and types of requester, in the reader's language."""
    language = visit.words.language
    return {
        "state_words": {
            state.value: in_words(text, language) for state, text in STATE_WORDS.items()
        },
        "type_words": {row.type: in_words(row.name, language) for row in REQUESTERS.values()},
        "rescuer_words": {code: in_words(text, language) for code, text in RESCUERS.items()},
    }


def _registering(visit: Visit) -> dict[str, object]:
    return {"camera_options": camera_options(visit), **options(visit.words)}


def _shown(visit: Visit, request_id: str) -> dict[str, object]:
    detail = visit.vault.requests.show(visit.actor, request_id)
    state = State(detail.state)
    files = visit.vault.case_files.list(visit.actor, request_id)
    decided = detail.body["ground"].get("decided_at")
    here = _ASIDE.get(state, state)
    goes = WAY if detail.erasure is None else WAY_OF_ERASURE
    waiting = any(each.until > visit.vault.clock.now() for each in detail.packages)
    return {
        "request": detail,
        "ground_words": in_words(GROUNDS[detail.ground_code], visit.words.language)
        if detail.ground_code in GROUNDS
        else "",
        "way": [(each, goes.index(each) < goes.index(here), each is here) for each in goes],
        "aside": state not in goes,
        "names": visit.names((detail.registered_by, detail.handled_by, detail.decided_by)),
        "method_options": [
            (code, in_words(text, visit.words.language)) for code, text in METHODS.items()
        ],
        "can": {
            action
            for action in detail.actions
            if visit.actor.may(RIGHT_FOR.get(Action(action), Right.REQUEST_HANDLE))
        },
        "choosing": _may_choose(visit, detail),
        "begins": {
            each.id: max(
                0.0,
                *(
                    (window.starts_at - each.started_at).total_seconds()
                    for window in detail.approved
                    if window.camera == each.camera and window.starts_at < each.ended_at
                ),
                0.0,
            )
            for each in detail.footage
        },
        "needed_cameras": [
            (code, code) for code in sorted({each.camera for each in detail.approved})
        ],
        "playable": bool(detail.footage)
        and state not in ANSWERED
        and visit.actor.may(Right.FOOTAGE_VIEW),
        "waiting": waiting,
        "medium": waiting
        and state in {State.PREPARED, State.RELEASED}
        and detail.channel != "link"
        and visit.actor.may(Right.REQUEST_HANDLE),
        "files": files,
        "order_decided": None if decided is None else datetime.fromisoformat(decided),
        "prolongable": _prolongable(visit, detail),
        "may_charge": State(detail.state) in UNANSWERED_STATES
        and Role.PRIVACY_OFFICER in visit.actor.roles,
        "exception_options": [
            ("", visit.words.text("request.no_exception")),
            *(
                (code, f"{code}: {in_words(text, visit.words.language)}")
                for code, text in EXCEPTIONS.items()
            ),
        ],
        "because_options": [
            (code, in_words(text, visit.words.language)) for code, text in BECAUSE.items()
        ],
        "to_mask": _to_mask(detail, files),
        "masked_options": [(each, each) for each in sorted({w.camera for w in detail.approved})],
        "letters": letters_of(detail.state, detail.decision, detail.prolonged_at),
        "asked_spans": sorted({(each.starts_at, each.ends_at) for each in detail.asked}),
        "released": None,
        "answered": ANSWERED,
        **disclosure_words(visit),
        **_registering(visit),
    }


def _to_mask(detail: RequestDetail, files: Sequence[FileView]) -> tuple[str, ...] | None:
    """The cameras whose film is still to be masked; None where nothing is masked here."""
    demanded = any(point.code == "masking" for point in detail.checklist)
    if not demanded or State(detail.state) not in MASKED_IN:
        return None
    needed = {each.camera for each in detail.approved}
    return tuple(sorted(needed - {each.camera for each in files if each.kind == "masked"}))


def _prolongable(visit: Visit, detail: RequestDetail) -> bool:
    """Whether the answer may still be put off, once and within the first month (GDPR 12.3)."""
    return (
        detail.ground_code in PROLONGABLE
        and State(detail.state) in UNANSWERED_STATES
        and detail.prolonged_at is None
        and detail.deadline_at is not None
        and visit.vault.clock.now() <= detail.deadline_at
        and visit.actor.may(Right.REQUEST_HANDLE)
    )
