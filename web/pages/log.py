"""Logg: what happened to this, and can it be proven? Entries, verification, checkpoint, proofs.

The log's tree is also served in the C2SP tlog-tiles layout below ``/log/``, for tools to watch.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import PlainTextResponse, Response

from cctv_vault.custody.events import Event
from cctv_vault.custody.tiles import TILE_WIDTH
from cctv_vault.errors import AccessDeniedError, NotFoundError
from cctv_vault.people.actors import Right
from web.desk import Here, Posted, Visit

router = APIRouter()
_PAGE: Final = 100
_ELEMENT: Final = 1000
_LEVELS: Final = 64
_ELEMENTS: Final = 5
_HIGHEST: Final = 2**53  # beyond any log; databases and browsers count no further
_FOREVER: Final = "private, max-age=31536000, immutable"  # a full tile never changes

Index = Annotated[int, Path(ge=0, le=_HIGHEST)]


@router.get("/log")
def log(
    visit: Here,
    subject: str = "",
    event: str = "",
    before: Annotated[int | None, Query(ge=0, le=_HIGHEST)] = None,
) -> Response:
    """The entries, newest first, of one subject or one kind where asked for."""
    return visit.page("log.html", _listed(visit, subject.strip(), event, before))


@router.post("/log/verify")
def verify(visit: Here, _form: Posted) -> Response:
    """Recompute the whole log and compare it with everything that was ever signed."""
    _may_read(visit)
    verdict = visit.vault.log.verify()
    visit.vault.ledger.record(
        Event.CHECK_RUN,
        visit.actor,
        facts={"what": "log", "size": verdict.size, "findings": len(verdict.findings)},
    )
    return visit.page("log.html", {**_listed(visit, "", "", None), "verdict": verdict})


@router.get("/log/checkpoint")
def checkpoint(visit: Here) -> Response:
    """The signed checkpoint over everything so far, as a C2SP signed note."""
    _may_read(visit)
    return PlainTextResponse(visit.vault.log.checkpoint(visit.vault.clock.now()))


@router.get("/log/key")
def key(visit: Here) -> Response:
    """The log's public key, as a C2SP verifier string."""
    _may_read(visit)
    return PlainTextResponse(visit.vault.log.vkey + "\n")


@router.get("/log/proof/{index}")
def proof(visit: Here, index: Index) -> Response:
    """The proof that an entry is in the log, as a C2SP tlog-proof file."""
    _may_read(visit)
    text = visit.vault.log.proof(index, visit.vault.clock.now())
    name = f"{index}.tlog-proof"
    return PlainTextResponse(
        text, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.get("/log/entry/{index}")
def entry(visit: Here, index: Index) -> Response:
    """An entry's bytes, exactly as they stand in the log: what a proof is about."""
    _may_read(visit)
    found = visit.vault.visible_entries(visit.actor, before=index + 1, limit=1)
    if not found or found[0].index != index:
        raise NotFoundError("log entry", str(index))
    headers = {"Content-Disposition": f'attachment; filename="{index}.json"'}
    return Response(found[0].body, media_type="application/json", headers=headers)


@router.get("/log/tile/{path:path}")
def tile(visit: Here, path: str) -> Response:
    """A tile of hashes or a bundle of entries (C2SP tlog-tiles), by its path."""
    _may_read(visit)
    kind, _, number = path.partition("/")
    index, width = _tile_number(path, number)
    if kind == "entries":
        if not visit.actor.cleared:
            raise AccessDeniedError(
                "a bundle holds every entry, gagged matters too: it needs the mark cleared"
            )
        data = visit.vault.log.bundle(index, width)
    elif kind.isascii() and kind.isdigit() and int(kind) < _LEVELS:
        data = visit.vault.log.tile(int(kind), index, width)
    else:
        raise NotFoundError("tile", path)
    headers = {"Cache-Control": _FOREVER} if width == TILE_WIDTH else None
    return Response(data, media_type="application/octet-stream", headers=headers)


def _tile_number(path: str, text: str) -> tuple[int, int]:
    """``x001/x234/067.p/12`` is number 1234067, 12 wide."""
    whole, partial, width = text.partition(".p/")
    index = 0
    elements = whole.split("/")
    if len(elements) > _ELEMENTS:
        raise NotFoundError("tile", path)
    for at, element in enumerate(elements):
        digits = element.removeprefix("x") if at < len(elements) - 1 else element
        if len(digits) != 3 or not (digits.isascii() and digits.isdigit()):  # noqa: PLR2004
            raise NotFoundError("tile", path)
        index = index * _ELEMENT + int(digits)
    if not partial:
        return index, TILE_WIDTH
    if not (width.isascii() and width.isdigit() and 0 < int(width) < TILE_WIDTH):
        raise NotFoundError("tile", path)
    return index, int(width)


def _listed(visit: Visit, subject: str, event: str, before: int | None) -> dict[str, object]:
    _may_read(visit)
    found = visit.vault.visible_entries(
        visit.actor, subject=subject or None, event=event or None, before=before, limit=_PAGE
    )
    return {
        "entries": found,
        "names": visit.names(each.actor for each in found),
        "subject": subject,
        "event": event,
        "events": [(each.value, visit.words.text(f"event.{each.value}")) for each in Event],
        "older": found[-1].index if len(found) == _PAGE else None,
        "log_size": visit.vault.log.size(),
        "origin": visit.vault.log.origin,
        "verdict": None,
    }


def _may_read(visit: Visit) -> None:
    visit.require(Right.LOG_READ, event=Event.LOG_READ)
