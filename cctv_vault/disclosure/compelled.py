"""Seizure, search and copying: what the law takes, recorded as it happened.

Owns the case where the thing itself is taken (a recorder, a disk) and no footage leaves the vault,
and what becomes known of a measure afterwards: the number of its protocol, the day it was notified
and the day a court reviews it (RB 27:17 a-e). Where footage is copied for the officer, that is
`Spot.on_the_spot`. Refuses a measure that nobody is said to have decided, and an absent officer.
"""

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.cases import load, open_json
from cctv_vault.disclosure.codes import new_status_code
from cctv_vault.disclosure.desk import Step, not_met, window_facts
from cctv_vault.disclosure.folder import Folders
from cctv_vault.disclosure.intake import cameras_meant, read_measure, read_request
from cctv_vault.disclosure.legal import IN_PERSON, Words
from cctv_vault.disclosure.results import Moved, OnTheSpot
from cctv_vault.disclosure.spot import NOTHING, officer, path_of
from cctv_vault.disclosure.workflow import HANDS_OVER_NOW, RIGHT_FOR, Action
from cctv_vault.errors import InvalidInputError, TransitionNotAllowedError
from cctv_vault.people.actors import Actor, Right
from cctv_vault.views import iso

_COMPELLED = Action.HAND_OVER_COMPELLED
_NO_MEASURE = Words(
    "så lämnas bara det ut som tas med tvång: beslag, husrannsakan eller kopiering",
    "only what the law takes goes this way: seizure, search or copying",
)


class Compelled(Folders):
    """What the law takes."""

    def record_taken(self, actor: Actor, body: object, *, officer_seen: str) -> OnTheSpot:
        """Record that a thing was taken which holds footage; the vault hands over nothing itself.

        What the thing showed is frozen here, and another person reviews it as any release.

        Args:
            actor: Who was there.
            body: The request, as `file` reads it, with its ``measure``.
            officer_seen: What was checked: the card and whose it was, where and when.

        Raises:
            GateNotMetError: It is no such measure, nobody decided it, or nobody stood here.
            InvalidInputError: It does not say what was taken.
        """
        code_hash = self._codes.hash(new_status_code())
        places = self._places()
        cameras = cameras_meant(body, places)
        with self._ledger.act(Event.REQUEST_RELEASED, actor, cameras=cameras) as act:
            actor.require(RIGHT_FOR[_COMPELLED])
            filing = read_request(body, places, act.now, public=False)
            if path_of(filing.type) is not _COMPELLED:
                raise not_met(NOTHING, _NO_MEASURE)
            seen = officer(filing, officer_seen)
            taken = (filing.measure or {}).get("taken")
            if taken is None:
                raise InvalidInputError("measure.taken must say what was taken")
            row = self._receive(act, filing, code_hash, "staff")
            self._begin(act, row, public=False)
            self._stand(act, row, filing.windows, IN_PERSON)
            self._gate(_COMPELLED, self._facts(Step(act, row)), "a seizure")
            row.decision, row.decided_by = "before-decision", actor.id
            row.decided_at = row.released_at = act.now
            row.channel = "in-person"
            review_by = self._owe(act, row, reviewed=True)
            self._freezing.moved(act, row, _COMPELLED)
            self._move(
                act,
                row,
                _COMPELLED,
                facts={
                    "channel": HANDS_OVER_NOW[_COMPELLED],
                    "package": None,
                    "windows": window_facts(filing.windows),
                    "review_by": None if review_by is None else iso(review_by),
                },
                details={"detail": seen, "taken": taken},
            )
            return OnTheSpot(
                id=row.id,
                state=row.state,
                files=(),
                sha256=b"",
                review_by=review_by,
                number_by=None,
            )

    def note_measure(self, actor: Actor, request_id: str, known: object) -> Moved:
        """Enter what became known of a measure since; what is left out stays as it was.

        Args:
            actor: Who was there, or who handles requests.
            request_id: The case.
            known: ``taken``, ``protocol``, ``notified_on`` and ``court_on``, each where known.

        Raises:
            InvalidInputError: Nothing is filled in, or a day is none.
            TransitionNotAllowedError: It is no measure.
        """
        event = Event.REQUEST_MEASURE_NOTED
        with self._ledger.act(event, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor, lock=True)
            own = row.registered_by == actor.id
            actor.require(Right.REQUEST_REGISTER if own else Right.REQUEST_HANDLE)
            if row.requester_type != "seizure":
                raise TransitionNotAllowedError("this request is no seizure, search or copying")
            noted = read_measure(known)
            if not noted:
                raise InvalidInputError("fill in what became known")
            body = open_json(act.session, self._keyring, row.body_text)
            body["measure"] = {**(body.get("measure") or {}), **noted}
            row.body_text = self._seal(act, row.id, "body", body)
            act.session.add(row)
            act.record(event, row.id, facts={"fields": sorted(noted)}, details=dict(noted))
            return Moved(row.id, row.state)
