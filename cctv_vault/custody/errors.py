"""What can be wrong with the things the custody log is made of.

Every reader in this folder answers malformed or altered input with one of these and
with nothing else.  A message names the thing, the place in it and what is wrong there;
it never repeats the content found there, which may be personal data or a secret.
"""

from typing import ClassVar

from cctv_vault.errors import VaultError


class CustodyError(VaultError):
    """A part of the custody log is not what it must be.

    Attributes:
        where: The place in the thing that was read: a field, a line, a JSON path.
        what: What is wrong there.
    """

    code: ClassVar[str] = "custody-invalid"
    thing: ClassVar[str] = "custody log"

    def __init__(self, where: str, what: str) -> None:
        """Name the place and the fault; both are shown to people."""
        super().__init__(where, what)
        self.where = where
        self.what = what

    def __str__(self) -> str:
        """The thing, the place in it and the fault, in one line."""
        return f"{self.thing}, {self.where}: {self.what}"


class CanonicalError(CustodyError):
    """A value has no canonical JSON form, or bytes are not in that form (RFC 8785)."""

    thing = "canonical JSON"


class NoteError(CustodyError):
    """A signed note, a verifier key or a signature is malformed or does not verify."""

    thing = "signed note"


class CheckpointError(CustodyError):
    """A checkpoint is malformed, impossible, or not signed by the log it names."""

    thing = "checkpoint"


class TileError(CustodyError):
    """A tile or an entry bundle has another shape than the size of the log demands."""

    thing = "tile"


class ProofFormatError(CustodyError):
    """A tlog-proof file is malformed."""

    thing = "log proof"


class InclusionError(CustodyError):
    """A well-formed proof does not prove that this entry is in the signed log."""

    thing = "log proof"


class EntryError(CustodyError):
    """A log entry is malformed, of an unknown version, or too large for the log."""

    thing = "log entry"


class DetailsError(CustodyError):
    """An entry's details are malformed or not the ones the entry commits to."""

    thing = "entry details"
