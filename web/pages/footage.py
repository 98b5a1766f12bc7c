"""Spelare: what do I see, when was it, and why is it still here? Footage is decrypted on the fly.

A person is asked once per matter why they look; every recording opened for it is entered in the
log under that reason. Bytes leave in bounded ranges, each of which asks anew whether the recording
may still be seen, so that nothing plays on past its end.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from cctv_vault.custody.events import Event
from cctv_vault.errors import PersonNeededError, VaultError
from cctv_vault.footage.corrections import PARTICULARS
from cctv_vault.ids import is_id
from cctv_vault.people.actors import Right
from cctv_vault.views import iso
from web.desk import Here, Posted, Visit, see
from web.ranges import ByteRange, RangeNotSatisfiableError, read_range
from web.security import local_path
from web.sending import MOST_AT_ONCE, Readable, in_steps, pieces
from web.words import read_time

router = APIRouter()


@router.get("/footage/window")
def window(
    visit: Here, camera: str, start: Annotated[str, Query(alias="from")], to: str
) -> Response:
    """A window of a camera across its recordings; first of all it asks why, as the player does."""
    visit.require(Right.FOOTAGE_VIEW, event=Event.FOOTAGE_VIEWED)
    shown = visit.vault.register.camera(visit.actor, camera)
    begins, ends = read_time(start, shown.zone), read_time(to, shown.zone)
    found = None
    if visit.viewing_reason:
        found = visit.vault.access.play_window(
            visit.actor, camera=camera, start=begins, end=ends, reason=visit.viewing_reason
        )
        found.chunks.close()
    query = urlencode({"camera": camera, "from": iso(begins), "to": iso(ends)})
    return visit.page(
        "window.html",
        {
            "camera": shown,
            "starts_at": begins,
            "ends_at": ends,
            "found": found,
            "reason": visit.viewing_reason,
            "source": f"/footage/window/stream?{query}",
            "here": f"/footage/window?{query}",
        },
    )


@router.post("/footage/window/reason")
def window_reason(visit: Here, form: Posted) -> Response:
    """Say what a window is looked at for."""
    visit.require(Right.FOOTAGE_VIEW, event=Event.FOOTAGE_VIEWED)
    visit.vault.people.view_for(visit.token, form.text("reason"))
    return see(local_path(form.text("target"), "/timeline"))


@router.get("/footage/window/stream")
def window_stream(
    visit: Here, camera: str, start: Annotated[str, Query(alias="from")], to: str
) -> Response:
    """The film of a window, made as it is sent."""
    zone = visit.vault.register.camera(visit.actor, camera).zone
    made = visit.vault.access.play_window(
        visit.actor,
        camera=camera,
        start=read_time(start, zone),
        end=read_time(to, zone),
        reason=visit.viewing_reason,
    )

    def sent() -> Iterator[bytes]:
        unasked = 0
        with closing(made.chunks):
            for chunk in made.chunks:
                unasked += len(chunk)
                if unasked >= MOST_AT_ONCE:
                    unasked = 0
                    if visit.vault.people.session(visit.token) is None:
                        raise PersonNeededError("the session has ended; sign in again")
                yield chunk

    return StreamingResponse(sent(), media_type="video/mp4")


@router.get("/footage/{recording}")
def player(visit: Here, recording: str, t: float = 0.0, request: str = "") -> Response:
    """The player; first of all it asks why, where nothing has been said in this session.

    Come to from a ``request``, it offers to choose the picture shown for its package.
    """
    visit.require(Right.FOOTAGE_VIEW, event=Event.FOOTAGE_VIEWED, subject=recording)
    choosing = request if is_id(request) else ""
    return visit.page("player.html", {**_shown(visit, recording, t), "choosing": choosing})


@router.post("/footage/{recording}/reason")
def reason(visit: Here, form: Posted, recording: str) -> Response:
    """Say what footage is looked at for; it holds for this matter, until another is given."""
    visit.require(Right.FOOTAGE_VIEW, event=Event.FOOTAGE_VIEWED, subject=recording)
    try:
        visit.vault.people.view_for(visit.token, form.text("reason"))
    except VaultError as error:
        return visit.refused("player.html", _shown(visit, recording, 0.0), error, form)
    return see(local_path(form.text("target"), f"/footage/{recording}"))


@router.post("/footage/{recording}/correct")
def correct(visit: Here, form: Posted, recording: str) -> Response:
    """Say how a particular of the recording should read; what was sealed stays."""
    try:
        visit.vault.corrections.add(
            visit.actor,
            recording,
            form.text("particular"),
            form.text("says"),
            form.text("reason"),
        )
    except VaultError as error:
        return visit.refused("player.html", _shown(visit, recording, 0.0), error, form)
    return see(f"/footage/{recording}", "corrected")


@router.get("/footage/{recording}/stream")
def stream(
    visit: Here, recording: str, wanted: Annotated[str | None, Header(alias="Range")] = None
) -> Response:
    """The recording as a browser shows it, whole or the range asked for."""
    shown = visit.vault.access.play(visit.actor, recording, visit.viewing_reason)
    reader, media_type = shown.reader, shown.media_type
    headers = {"Accept-Ranges": "bytes"}
    try:
        part = read_range(wanted, reader.size)
    except RangeNotSatisfiableError:
        size = reader.size
        reader.close()
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    if part is None:

        def again() -> Readable:
            if visit.vault.people.session(visit.token) is None:
                raise PersonNeededError("the session has ended; sign in again")
            return visit.vault.access.play(visit.actor, recording, visit.viewing_reason).reader

        headers["Content-Length"] = str(reader.size)
        whole = in_steps(reader, reader.size, MOST_AT_ONCE, again)
        return StreamingResponse(whole, media_type=media_type, headers=headers)
    part = ByteRange(part.start, min(part.end, part.start + MOST_AT_ONCE), part.size)
    headers["Content-Range"] = part.content_range
    headers["Content-Length"] = str(part.end - part.start)
    return StreamingResponse(
        pieces(reader, part.start, part.end),
        206,
        media_type=media_type,
        headers=headers,
    )


@router.get("/footage/{recording}/thumbnail")
def thumbnail(visit: Here, recording: str) -> Response:
    """A small still of the recording."""
    return Response(visit.vault.access.thumbnail(visit.actor, recording), media_type="image/jpeg")


@router.get("/footage/{recording}/strip")
def strip(visit: Here, recording: str) -> Response:
    """Small pictures along the recording, side by side."""
    return Response(visit.vault.access.strip(visit.actor, recording), media_type="image/jpeg")


def _shown(visit: Visit, recording_id: str, at: float) -> dict[str, object]:
    detail = visit.vault.catalogue.show(visit.actor, recording_id)
    beside = visit.vault.catalogue.neighbours(visit.actor, recording_id)
    return {
        "recording": detail,
        "camera": visit.vault.register.camera(visit.actor, detail.camera),
        "source": f"/footage/{detail.id}/stream",
        "start": at,
        "reason": visit.viewing_reason,
        "before": beside.before,
        "after": beside.after,
        "names": visit.names(each.actor for each in detail.entries),
        "playing": bool(detail.grants) and bool(visit.viewing_reason),
        "choosing": "",
        "particulars": [(each, visit.words.text(f"particular.{each}")) for each in PARTICULARS],
    }
