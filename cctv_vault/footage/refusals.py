"""Refusals of reading: a look that is denied leaves its entry, though looking opens no act."""

from collections.abc import Iterator
from contextlib import contextmanager

from cctv_vault.custody.events import Event
from cctv_vault.errors import VaultError
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor


@contextmanager
def entered_if_refused(
    ledger: Ledger, event: Event, actor: Actor, subject: str | None = None
) -> Iterator[None]:
    """Run a body that changes nothing; where it raises a `VaultError`, enter that, then raise it.

    Reading needs no write transaction; being refused does.
    """
    try:
        yield
    except VaultError as error:
        with ledger.act(event, actor, subject=subject):
            raise error from None
