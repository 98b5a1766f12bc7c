"""Förteckningar: what was asked for and handed over, copied, processed and deleted, and the proofs.

Looking changes nothing; a register that is taken along as a file is entered in the log.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.registers import REGISTERS
from cctv_vault.errors import InvalidInputError, NotFoundError, VaultError
from cctv_vault.people.actors import Right
from cctv_vault.retention.deletions import DeletionReport
from web.desk import Here, Posted, Visit, see
from web.faults import status_of
from web.i18n import SWEDISH
from web.sending import as_pdf
from web.words import duration_words, moment_words, read_time

router = APIRouter()

DELETIONS: Final = "deletions"
ALL: Final = (*REGISTERS, DELETIONS)
_ACCOUNTS: Final = frozenset({"decided_by", "made_by"})
_MOST_SHOWN: Final = 500
_DAY: Final = timedelta(days=1)
_DELETION_COLUMNS: Final = (
    *("day", "purpose", "policy_version", "ended", "by_decision", "destroyed"),
    *("first_destroyed_at", "last_destroyed_at", "late", "waiting", "overdue", "longest"),
)
_Rows = Sequence[Sequence[str]]
_Moment = datetime | None


@router.get("/registers")
def registers(visit: Here) -> Response:
    """Which registers there are."""
    visit.require(Right.REGISTER_READ, event=Event.REGISTER_EXPORTED)
    return visit.page("registers.html", {"registers": ALL})


@router.get("/registers/certificates")
def certificates(visit: Here) -> Response:
    """The certificates of destruction, the newest first."""
    found = visit.vault.certificates.list(visit.actor)
    return visit.page(
        "certificates.html", {"found": found[:_MOST_SHOWN], "more": len(found) > _MOST_SHOWN}
    )


@router.get("/registers/certificates/{certificate}")
def certificate(visit: Here, certificate: str) -> Response:
    """A certificate as the file that a stranger can verify."""
    whole = visit.vault.certificates.document(visit.actor, certificate)
    return Response(
        whole,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{certificate}.json"'},
    )


@router.get("/registers/copies")
def copies(visit: Here) -> Response:
    """The copies that somebody still has, whenever made, and those of a period that are gone."""
    return _of_period(visit, "copies.html", partial(_copies, visit))


@router.post("/registers/copies/{copy}")
def destroyed(visit: Here, form: Posted, copy: str) -> Response:
    """Confirm that a copy has been destroyed."""
    try:
        visit.vault.access.copies.confirm_destroyed(visit.actor, copy)
    except InvalidInputError as error:
        return visit.refused("copies.html", _copies(visit), error, form)
    return see("/registers/copies", "copy-destroyed")


@router.get("/registers/{register}")
def register(visit: Here, register: str) -> Response:
    """A register of a period: the year up to now, or of deletions a month, where none is named."""
    if register not in ALL:
        raise NotFoundError("register", register)
    return _of_period(
        visit,
        "register.html",
        lambda *asked: {"register": register, **_read(visit, register, *asked)},
    )


@router.get("/registers/{register}/{form}")
def download(visit: Here, register: str, form: Literal["pdf", "csv"]) -> Response:
    """A register of a period as a signed PDF/A or as CSV; that it was taken along is entered."""
    if register not in ALL:
        raise NotFoundError("register", register)
    start, end = _asked(visit)
    if register == DELETIONS:
        whole = visit.vault.deletions.export(visit.actor, form, start, end)
    else:
        whole = visit.vault.registers.export(visit.actor, register, form, start, end)
    if form == "pdf":
        return as_pdf(whole, register)
    return Response(
        whole,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{register}.csv"'},
    )


def _of_period(
    visit: Visit, template: str, read: Callable[[_Moment, _Moment], dict[str, object]]
) -> Response:
    """A page of the days asked for; days that mean nothing are said to, over the usual ones."""
    typed = {name: visit.request.query_params.get(name, "") for name in ("from", "to")}
    error: VaultError | None = None
    try:
        shown = read(*_asked(visit))
    except InvalidInputError as refused:
        shown, error = read(None, None), refused
    return visit.page(
        template,
        {
            **shown,
            "typed": typed,
            "error": error,
            "query": f"?{visit.request.url.query}" if any(typed.values()) and not error else "",
        },
        status=200 if error is None else status_of(error),
    )


def _copies(visit: Visit, start: _Moment = None, end: _Moment = None) -> dict[str, object]:
    period = visit.vault.registers.read(visit.actor, "copies", start, end)
    found = visit.vault.access.copies.list(visit.actor)
    held = sorted(
        (each for each in found if each.destroyed_confirmed_at is None),
        key=lambda each: each.end_at,
    )
    gone = [
        each
        for each in found
        if each.destroyed_confirmed_at is not None and period.start <= each.made_at < period.end
    ]
    return {
        "starts_at": period.start,
        "ends_at": period.end - timedelta(microseconds=1),
        "typed": {"from": "", "to": ""},
        "query": "",
        "held": held,
        "overdue": sum(each.overdue for each in held),
        "gone": gone[:_MOST_SHOWN],
        "count": len(gone),
        "names": visit.names(each.made_by for each in found),
    }


def _asked(visit: Visit) -> tuple[datetime | None, datetime | None]:
    """The first and, exclusive, the last moment of the days asked for.

    Raises:
        InvalidInputError: What was typed is no day.
    """
    asked = visit.request.query_params
    start, last = asked.get("from", "").strip(), asked.get("to", "").strip()
    zone = visit.vault.zone
    return (
        read_time(start, zone) if start else None,
        _next_day(last, zone) if last else None,
    )


def _next_day(day: str, zone: str) -> datetime:
    """The end of a day on the clocks of a zone, however long that day is."""
    try:
        after = datetime.fromisoformat(day) + _DAY
    except (ValueError, OverflowError):
        return read_time(day, zone)
    return read_time(after.isoformat(), zone)


def _read(
    visit: Visit, register: str, start: datetime | None, end: datetime | None
) -> dict[str, object]:
    if register == DELETIONS:
        report = visit.vault.deletions.report(visit.actor, start, end)
        return {
            "columns": _DELETION_COLUMNS,
            "rows": _deleted(report, visit)[:_MOST_SHOWN],
            "count": len(report.rows),
            "lead": "",
            "overdue": report.overdue,
            "starts_at": report.start,
            "ends_at": report.end,
            "own_words": True,
        }
    found = visit.vault.registers.read(visit.actor, register, start, end)
    columns = [each.name for each in found.register.columns]
    rows = found.register.rows
    accounts = [number for number, name in enumerate(columns) if name in _ACCOUNTS]
    names = visit.names(row[number] for row in rows for number in accounts)
    return {
        "columns": columns,
        "rows": [
            [
                names.get(cell, cell) if number in accounts else cell
                for number, cell in enumerate(row)
            ]
            for row in rows[:_MOST_SHOWN]
        ],
        "count": len(rows),
        "lead": found.register.lead,
        "overdue": 0,
        "starts_at": found.start,
        "ends_at": found.end,
        "own_words": False,
    }


def _deleted(report: DeletionReport, visit: Visit) -> _Rows:
    swedish = visit.words.language == SWEDISH
    rules = {(each.purpose, each.policy_version): each for each in report.rules}

    def told(moment: datetime | None) -> str:
        return "" if moment is None else moment_words(moment, report.zone)

    rows = []
    for each in reversed(report.rows):
        rule = rules[each.purpose, each.policy_version]
        rows.append(
            (
                each.day.isoformat(),
                rule.sv if swedish else rule.en,
                str(each.policy_version),
                *(str(count) for count in (each.ended, each.by_decision, each.destroyed)),
                *(told(each.first_destroyed_at), told(each.last_destroyed_at)),
                *(str(count) if count else "" for count in (each.late, each.waiting, each.overdue)),
                duration_words(each.worst),
            )
        )
    return rows
