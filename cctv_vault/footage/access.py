"""Opening footage: for a person with a reason, for the product's own work, and out into a file.

Owns the composition of the only ways from a recording to its plain bytes: `viewing` and `leaving`,
each by way of `opening`.
"""

import contextlib

from cctv_vault.errors import IntakeStoppedError
from cctv_vault.footage.leaving import Leaving
from cctv_vault.footage.viewing import Viewing
from cctv_vault.people.actors import system_actor


class FootageAccess(Viewing, Leaving):
    """Opens footage."""

    def resume(self) -> None:
        """Settle what was leaving when its process died; call at start."""
        # Footage can be seen though nothing can be written; a later start tries again.
        with contextlib.suppress(IntakeStoppedError):
            self.copies.resume(system_actor())
