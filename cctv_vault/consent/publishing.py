"""Where an item is published: recorded, taken out for it, and confirmed gone.

It refuses publishing past anybody's answer, and to places no consent covers.
"""

from sqlmodel import col, select

from cctv_vault.consent.desk import channel_of, line
from cctv_vault.consent.reading import Reading
from cctv_vault.consent.rules import Obstacle, Verdict, place_faults, publishable
from cctv_vault.consent.views import PublicationView
from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    GateNotMetError,
    InvalidInputError,
    NotFoundError,
    ProhibitedError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.copies import PUBLICATION, CopyView
from cctv_vault.footage.leaving import Permit, PublishingCopy
from cctv_vault.ids import reference
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right
from cctv_vault.schema import Consent, Publication
from cctv_vault.views import iso


class Publishing(Reading):
    """The register of publications."""

    def publish(self, actor: Actor, item_id: str, channel: str, place: str) -> PublicationView:
        """Record that an item is published somewhere; only where everybody in it agrees (S7).

        Raises:
            ProhibitedError: It is footage of surveillance, or the place is Google's.
            GateNotMetError: Nobody said who is in it, or somebody has not agreed.
            ExpiredError: Its purpose has ended.
        """
        with self._acting(actor, Event.ITEM_PUBLISHED, item_id) as act:
            self._ledger.require_time(act.session)  # a clock set back revives no consent
            session, now = act.session, act.now
            recording, item = self._known(act, item_id)
            where = channel_of(channel).value
            _require_allowed(publishable(item, where, now), item_id, where)
            place = line(place, "place", empty=True)
            faults = place_faults(place)
            if faults:
                raise (ProhibitedError if place else InvalidInputError)("; ".join(faults))
            until = publishable(item, where, now).until or now
            publication_id = reference("U")
            row = Publication(
                id=publication_id,
                recording_id=item_id,
                channel=where,
                place_text=self._seal(act, {"place": place}, f"publication/{publication_id}"),
                published_at=now,
                published_by=actor.id,
                until=until,
            )
            session.add(row)
            act.record(
                Event.ITEM_PUBLISHED,
                publication_id,
                facts={"item": item_id, "channel": where},
                details={"place": place, "until": iso(until)},
                also=(item_id, recording.camera_code, *sorted(item.people or ())),
            )
            session.flush()
            return self._publication_view(session, row, allowed=True)

    def export(self, actor: Actor, item_id: str, channel: str) -> PublishingCopy:
        """Take an item out to publish it on a channel (S7): its original, bit for bit.

        Only what may be published there is handed out, and only until the first of the consents it
        rests on ends: then the copy must be destroyed, and a withdrawal ends it at once. The log
        names the channel and the versions of the text that were agreed to.

        Raises:
            ProhibitedError: It is footage of surveillance.
            GateNotMetError: Nobody said who is in it, or somebody has not agreed.
            ExpiredError: Its purpose has ended.
        """

        def permit(act: Act) -> Permit:
            actor.require(Right.CONSENT_KEEP)
            self._ledger.require_time(act.session)
            _, item = self._known(act, item_id)
            where = channel_of(channel).value
            verdict = publishable(item, where, act.now)
            _require_allowed(verdict, item_id, where)
            people = sorted(item.people or ())
            consents = act.session.exec(
                select(Consent.text_version).where(
                    col(Consent.recording_id) == item_id,
                    col(Consent.channel) == where,
                    col(Consent.subject_id).in_(people),
                    col(Consent.withdrawn_at).is_(None),
                    col(Consent.until) > act.now,
                )
            )
            facts: dict[str, Json] = {
                "channel": where,
                "people": list(people),
                "texts": sorted(set(consents)),
            }
            return Permit(where, verdict.until or act.now, facts)

        return self._access.publishing_copy(actor, item_id, f"publication: {channel}", permit)

    def copies_to_destroy(self, actor: Actor) -> tuple[CopyView, ...]:
        """Copies for publication that may be kept no longer and nobody has said are destroyed."""
        return tuple(
            each
            for each in self._access.copies.list(actor, open_only=True)
            if each.purpose.startswith(PUBLICATION) and each.end_at <= self._ledger.clock.now()
        )

    def confirm_taken_down(self, actor: Actor, publication_id: str, how: str) -> PublicationView:
        """A person confirms that a publication is gone, and how it was made sure.

        Raises:
            NotFoundError: There is no such publication.
            TransitionNotAllowedError: That was confirmed before.
        """
        with self._acting(actor, Event.ITEM_TAKEN_DOWN, publication_id) as act:
            session = act.session
            row = session.get(Publication, publication_id, with_for_update=True)
            if row is None:
                raise NotFoundError("publication", publication_id)
            if row.taken_down_at is not None:
                raise TransitionNotAllowedError(
                    f"that {publication_id} is taken down was confirmed {iso(row.taken_down_at)}"
                )
            detail = {"how": line(how, "way it was taken down")}
            row.taken_down_at, row.taken_down_by = act.now, actor.id
            row.taken_down_text = self._seal(act, detail, f"publication/{publication_id}/down")
            session.add(row)
            act.record(
                Event.ITEM_TAKEN_DOWN,
                publication_id,
                facts={"item": row.recording_id, "channel": row.channel},
                details=detail,
                also=(row.recording_id,),
            )
            session.flush()
            return self._publication_view(session, row, allowed=False)


def _require_allowed(verdict: Verdict, item_id: str, channel: str) -> None:
    """Raise unless an item may be published on a channel."""
    if verdict.obstacle is Obstacle.UNDECLARED:
        raise GateNotMetError(
            f"{item_id} is not published",
            ("say first who can be identified in it, or that nobody can",),
        )
    if verdict.obstacle is not None:
        raise GateNotMetError(
            f"{item_id} is not published on {channel}",
            tuple(f"{each} has not agreed to it" for each in verdict.missing),
        )
