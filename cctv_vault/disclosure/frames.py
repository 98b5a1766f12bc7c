"""Chosen frames: moments whose very picture is to lie in the package beside film and originals.

Owns the choosing and its limits: a frame lies in the time that is needed, so it never shows more
than is decided on. Refuses one where others must be masked, which a picture of the original would
undo, and one where no film is. The picture itself is made with the package and kept nowhere else;
a package that was made before the choice changed ends with it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, delete

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.cases import (
    APPROVED,
    footage_in,
    frames_of,
    load,
    sight_of,
    windows_of,
)
from cctv_vault.disclosure.desk import Desk, Step
from cctv_vault.disclosure.legal import REQUESTERS
from cctv_vault.disclosure.results import Moved
from cctv_vault.disclosure.windows import Moment, Window
from cctv_vault.disclosure.workflow import State
from cctv_vault.errors import GateNotMetError, InvalidInputError, TransitionNotAllowedError
from cctv_vault.footage.stills import film_at
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right
from cctv_vault.schema import Recording, Request, RequestFrame
from cctv_vault.views import iso

MOST_FRAMES: Final = 50
_OF_EACH_WINDOW: Final = 3
_TICK: Final = timedelta(microseconds=1)
CHOSEN_IN: Final = frozenset(
    {State.ASSESSED, State.APPROVED, State.PARTLY_APPROVED, State.PREPARED}
)


class Frames(Desk):
    """Choosing frames, and taking the choice back."""

    def choose_frame(self, actor: Actor, request_id: str, camera: str, at: datetime) -> Moved:
        """Choose the picture that a camera showed at a moment for the package; twice is once.

        Raises:
            InvalidInputError: The moment lies outside the time needed, or no film shows it.
            GateNotMetError: Others must be masked.
            TransitionNotAllowedError: The case is not assessed, or its package has left.
        """
        event = Event.REQUEST_FRAME_CHOSEN
        with self._choosing(actor, request_id, event) as step:
            act, row = step.act, step.row
            if REQUESTERS[row.requester_type].masking.demanded:
                raise GateNotMetError(
                    "no frame is handed over", ("others in the picture must be masked in it",)
                )
            moment = Moment(camera, at)
            if not moment.within(windows_of(act.session, row.id, APPROVED)):
                raise InvalidInputError(
                    f"the moment lies outside the time of {camera} that is needed; "
                    "choose one within it"
                )
            chosen = frames_of(act.session, row.id)
            if moment not in chosen:
                if len(chosen) >= MOST_FRAMES:
                    raise InvalidInputError(f"a package holds at most {MOST_FRAMES} chosen frames")
                there = Window(camera, at, at + _TICK)
                found = footage_in(
                    act.session, self._grants, (there,), act.now, sight_of(actor, row)
                )
                if film_at(found.kept, at) is None:
                    raise InvalidInputError(f"no film of {camera} shows that moment")
                act.session.add(RequestFrame(request_id=row.id, camera_code=camera, at=at))
                act.session.flush()
                act.record(event, row.id, facts=_facts(moment))
                self._packaging.end(act.session, row.id, act.now)
            return Moved(row.id, row.state)

    def drop_frame(self, actor: Actor, request_id: str, camera: str, at: datetime) -> Moved:
        """Take a chosen frame out again.

        Raises:
            InvalidInputError: It was not chosen.
            TransitionNotAllowedError: The package has left.
        """
        event = Event.REQUEST_FRAME_DROPPED
        with self._choosing(actor, request_id, event) as step:
            moment = Moment(camera, at)
            if moment not in frames_of(step.act.session, step.row.id):
                raise InvalidInputError("no such frame was chosen")
            drop_frames(step.act, step.row, (moment,))
            self._packaging.end(step.act.session, step.row.id, step.act.now)
            return Moved(step.row.id, step.row.state)

    @contextmanager
    def _choosing(self, actor: Actor, request_id: str, event: Event) -> Iterator[Step]:
        with self._ledger.act(event, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor, lock=True)
            # Whoever stands before the officer chooses there and then.
            on_the_spot = (
                row.asked_at is not None
                and row.registered_by == actor.id
                and actor.may(Right.RELEASE_ON_THE_SPOT)
            )
            if not on_the_spot:
                actor.require(Right.REQUEST_HANDLE)
            if State(row.state) not in CHOSEN_IN:
                raise TransitionNotAllowedError(
                    f"the request is {row.state}: frames are chosen from when it is assessed until "
                    "its package is released"
                )
            yield Step(act, row)


def choose_evenly(
    act: Act, row: Request, windows: Sequence[Window], kept: Sequence[Recording]
) -> None:
    """Choose a few frames of each window, spread over what was filmed of it.

    For where nobody has the time to look: an officer who waits gets pictures of each camera, and
    none that the window does not hold.
    """
    moments: list[Moment] = []
    for window in windows:
        films = [
            (max(each.started_at, window.starts_at), min(each.ended_at, window.ends_at))
            for each in kept
            if each.kind == "video"
            and each.camera_code == window.camera
            and each.started_at < window.ends_at
            and each.ended_at > window.starts_at
        ]
        moments += [Moment(window.camera, at) for at in _spread(films)]
    for moment in sorted(set(moments))[:MOST_FRAMES]:
        act.session.add(RequestFrame(request_id=row.id, camera_code=moment.camera, at=moment.at))
        act.record(Event.REQUEST_FRAME_CHOSEN, row.id, facts=_facts(moment))
    act.session.flush()


def _spread(films: Sequence[tuple[datetime, datetime]]) -> Iterator[datetime]:
    """Moments spread evenly over films, as if they were one."""
    whole = sum((end - start for start, end in films), timedelta())
    for number in range(_OF_EACH_WINDOW if films else 0):
        into = whole * (2 * number + 1) / (2 * _OF_EACH_WINDOW)
        for start, end in films:
            if into < end - start:
                at = start + into
                yield at - timedelta(microseconds=at.microsecond % 1000)
                break
            into -= end - start


def drop_frames(act: Act, row: Request, moments: Sequence[Moment]) -> None:
    """Take chosen frames out, each with its entry."""
    for each in moments:
        act.session.execute(
            delete(RequestFrame).where(
                col(RequestFrame.request_id) == row.id,
                col(RequestFrame.camera_code) == each.camera,
                col(RequestFrame.at) == each.at,
            )
        )
        act.record(Event.REQUEST_FRAME_DROPPED, row.id, facts=_facts(each))


def drop_outside(act: Act, row: Request, windows: Sequence[Window]) -> None:
    """Take out what lies outside the time that is needed now."""
    chosen = frames_of(act.session, row.id)
    drop_frames(act, row, [each for each in chosen if not each.within(windows)])


def _facts(moment: Moment) -> dict[str, Json]:
    return {"camera": moment.camera, "at": iso(moment.at)}
