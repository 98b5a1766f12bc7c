"""The outbox: what is to be told is written down with the act it tells of, and then sent.

Owns when a message is due, how often it is tried, and that nothing is told twice. A message is a
row of the same transaction as what it tells of, so neither comes without the other; whoever dies
while sending leaves the row, and the next attempt has the same message id. What is gagged is told
to nobody, and without a mail server and a webhook nothing is written down at all.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import Json, canonical_json, parse_canonical
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.ids import long_id
from cctv_vault.ledger import Act, Ledger
from cctv_vault.mail.carriers import Carriers, UndeliveredError
from cctv_vault.mail.messages import Message, Notice
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import OutboxMessage

_WAITS: Final = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 240, 720, 1440, 1440))
"""Between attempts; after the last the message is given up."""
_AT_ONCE: Final = 50
_LEASE: Final = timedelta(minutes=2)
MAIL: Final = "mail"
WEBHOOK: Final = "webhook"


@dataclass(frozen=True)
class MessageView:
    """A message in the outbox, without whom it is for."""

    id: str
    channel: str
    notice: str
    about: str | None
    created_at: datetime
    attempts: int
    next_at: datetime | None
    sent_at: datetime | None
    failure: str


class Outbox:
    """Keeps and sends the messages of a vault."""

    def __init__(
        self, *, database: Database, ledger: Ledger, keyring: Keyring, carriers: Carriers
    ) -> None:
        """All belong to the vault; ``carriers`` is what was set up."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._carriers = carriers

    @property
    def carries(self) -> bool:
        """Whether anything is set up that a message could leave by."""
        return self._carriers.smtp is not None or self._carriers.webhook is not None

    # --- writing down -------------------------------------------------------------------------

    def tell_house(
        self, act: Act, notice: Notice, reference: str, *, key: str = "", path: str = ""
    ) -> None:
        """Tell those who work here, by mail to the house's addresses and by webhook.

        ``key`` sets apart what may be told again of the same reference, for example a second
        review; without one a notice of a reference is told once. ``path`` is where the link leads
        on the staff pages, for what is no request.
        """
        path = path or f"/requests/{reference}"
        link = f"{self._carriers.staff_url}{path}" if self._carriers.staff_url else ""
        message = Message(notice, reference, link)
        if self._carriers.smtp is not None:
            for address in self._carriers.house:
                self._queue(act, MAIL, message, key, address)
        if self._carriers.webhook is not None:
            self._queue(act, WEBHOOK, message, key, "")

    def tell(
        self, act: Act, notice: Notice, reference: str, to: str | None, path: str, *, key: str = ""
    ) -> None:
        """Tell whoever asked, where they gave an address; ``path`` is on the portal."""
        if to and self._carriers.smtp is not None and self._carriers.portal_url:
            message = Message(notice, reference, f"{self._carriers.portal_url}{path}")
            self._queue(act, MAIL, message, key, to)

    def list(self, actor: Actor, *, limit: int = 200) -> tuple[MessageView, ...]:
        """The newest messages, sent and waiting.

        Raises:
            AccessDeniedError: The person sets nothing up.
        """
        if actor.is_person:
            with self._ledger.act(Event.LOG_READ, actor):
                actor.require(Right.SETUP)
        with self._database.read() as session:
            rows = session.execute(
                select(OutboxMessage).order_by(col(OutboxMessage.created_at).desc()).limit(limit)
            ).scalars()
            return tuple(self._view(session, row) for row in rows)

    # --- sending ------------------------------------------------------------------------------

    def deliver(self, actor: Actor) -> int:
        """Send what is due; how many left. What fails is tried again, later and later."""
        sent = 0
        for _ in range(_AT_ONCE):
            taken = self._take(actor)
            if taken is None:
                break
            message_id, attempts, words = taken
            try:
                self._send(message_id, words)
            except UndeliveredError as error:
                self._failed(actor, message_id, attempts, error)
            else:
                self._sent(actor, message_id)
                sent += 1
        return sent

    # --- inside -------------------------------------------------------------------------------

    def _queue(self, act: Act, channel: str, message: Message, key: str, to: str) -> None:
        whole = "/".join(
            each for each in (message.reference, message.notice.value, key, channel, to) if each
        )
        mark = _digest(whole)
        if act.session.execute(
            select(col(OutboxMessage.id)).where(col(OutboxMessage.key) == mark)
        ).first():
            return
        message_id = long_id()
        words: Json = {
            "to": to,
            "notice": message.notice.value,
            "reference": message.reference,
            "link": message.link,
        }
        text = self._keyring.seal_text(
            act.session, canonical_json(words), f"outbox/{message_id}", act.now
        )
        act.session.add(
            OutboxMessage(
                id=message_id,
                key=mark,
                channel=channel,
                about=message.reference,
                words_text=text,
                created_at=act.now,
                next_at=act.now,
            )
        )
        act.session.flush()

    def _take(self, actor: Actor) -> tuple[str, int, dict[str, Any]] | None:
        """The next message that is due, entered as intended and leased for as long as it takes."""
        with self._ledger.act(Event.MESSAGE_INTENDED, actor) as act:
            row = act.session.execute(
                select(OutboxMessage)
                .where(col(OutboxMessage.next_at) <= act.now)
                .order_by(col(OutboxMessage.next_at), col(OutboxMessage.id))
                .limit(1)
                .with_for_update(skip_locked=True)
            ).scalar()
            if row is None:
                return None
            words = self._words(act.session, row)
            if not words:
                row.next_at, row.failure = None, "words-gone"
                act.session.add(row)
                return None
            row.attempts += 1
            row.next_at = act.now + _LEASE
            act.session.add(row)
            act.record(
                Event.MESSAGE_INTENDED,
                row.id,
                facts={
                    "channel": row.channel,
                    "notice": str(words["notice"]),
                    "attempt": row.attempts,
                },
                also=(row.about,) if row.about else (),
            )
            return row.id, row.attempts, {**words, "channel": row.channel}

    def _send(self, message_id: str, words: dict[str, Any]) -> None:
        message = Message(Notice(words["notice"]), words["reference"], words["link"])
        now = self._ledger.clock.now()
        if words["channel"] == WEBHOOK:
            if self._carriers.webhook is None:
                raise UndeliveredError("not-set-up")
            self._carriers.webhook.send(message, message_id, now)
        elif self._carriers.smtp is None:
            raise UndeliveredError("not-set-up")
        else:
            self._carriers.smtp.send(words["to"], message, message_id, now)

    def _sent(self, actor: Actor, message_id: str) -> None:
        with self._ledger.act(Event.MESSAGE_SENT, actor) as act:
            row = act.session.get_one(OutboxMessage, message_id, with_for_update=True)
            row.sent_at, row.next_at, row.failure = act.now, None, ""
            act.session.add(row)
            act.record(
                Event.MESSAGE_SENT,
                message_id,
                facts={"channel": row.channel},
                also=(row.about,) if row.about else (),
            )

    def _failed(
        self, actor: Actor, message_id: str, attempts: int, error: UndeliveredError
    ) -> None:
        with self._ledger.act(Event.MESSAGE_FAILED, actor) as act:
            row = act.session.get_one(OutboxMessage, message_id, with_for_update=True)
            over = error.final or attempts > len(_WAITS)
            row.next_at = None if over else act.now + _WAITS[attempts - 1]
            row.failure = error.code
            act.session.add(row)
            act.record(
                Event.MESSAGE_FAILED,
                message_id,
                facts={"channel": row.channel, "why": error.code, "given_up": over},
                also=(row.about,) if row.about else (),
            )

    def _words(self, session: Session, row: OutboxMessage) -> dict[str, Any]:
        data = self._keyring.open_text(session, row.words_text)
        value = None if data is None else parse_canonical(data)
        return dict(value) if isinstance(value, dict) else {}

    def _view(self, session: Session, row: OutboxMessage) -> MessageView:
        return MessageView(
            id=row.id,
            channel=row.channel,
            notice=str(self._words(session, row).get("notice", "")),
            about=row.about,
            created_at=row.created_at,
            attempts=row.attempts,
            next_at=row.next_at,
            sent_at=row.sent_at,
            failure=row.failure,
        )


def _digest(text: str) -> str:
    """What a message is recognised by; it may hold an address, so only its hash is kept."""
    return hashlib.sha256(text.encode()).hexdigest()
