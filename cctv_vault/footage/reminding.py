"""Reminders of copies: whoever took footage out for use in the house is told when it must be gone.

Owns when a copy is reminded of: once before its end and once after it, by mail and webhook. A copy
of what only a secret keeps is told to nobody: a message reaches whoever reads the house's mail.
"""

from datetime import timedelta
from typing import Final

from sqlmodel import col, select

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.gags import hidden_from
from cctv_vault.ledger import Ledger
from cctv_vault.mail.messages import Notice
from cctv_vault.mail.outbox import Outbox
from cctv_vault.people.actors import Actor, Sight
from cctv_vault.schema import FootageCopy
from cctv_vault.views import iso

COPY_SOON: Final = timedelta(days=2)
"""How long before its end a copy is reminded of (D)."""
COPIES_PAGE: Final = "/registers/copies"


class CopyReminders:
    """Tells of copies whose destruction nobody has confirmed."""

    def __init__(self, *, database: Database, ledger: Ledger, outbox: Outbox) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._outbox = outbox

    def remind(self, actor: Actor) -> None:
        """Tell the house of each copy that must soon be gone, and of each that should be; once."""
        if not self._outbox.carries:
            return
        hidden = hidden_from(self._database, Sight())
        with self._ledger.act(Event.MESSAGE_INTENDED, actor) as act:
            due = act.session.exec(
                select(FootageCopy)
                .where(
                    col(FootageCopy.destroyed_confirmed_at).is_(None),
                    col(FootageCopy.end_at) <= act.now + COPY_SOON,
                )
                .order_by(col(FootageCopy.end_at), col(FootageCopy.id))
            )
            for copy in due.all():
                if copy.id in hidden:
                    continue
                notice = Notice.COPY_OVERDUE if copy.end_at < act.now else Notice.COPY_SOON
                self._outbox.tell_house(
                    act,
                    notice,
                    copy.id,
                    key=iso(copy.end_at),
                    path=f"{COPIES_PAGE}#copy-{copy.id}",
                )
