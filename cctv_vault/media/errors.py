"""How a job in the sandbox can end without an answer."""

from typing import ClassVar

from cctv_vault.errors import VaultError


class MediaError(VaultError):
    """A job on footage gave no answer."""

    code: ClassVar[str] = "media"


class MediaRefusedError(MediaError):
    """The footage itself was refused; ``reason_code`` is one of ``limits.REFUSALS``."""

    code: ClassVar[str] = "media-refused"

    def __init__(self, reason_code: str, sentence: str) -> None:
        """``sentence`` says in English what is wrong; it holds nothing of the content."""
        self.reason_code = reason_code
        self.sentence = sentence
        super().__init__(sentence)


class MediaLimitError(MediaRefusedError):
    """The job used up its memory, its processor time, its time or its output."""

    code: ClassVar[str] = "media-limits"

    def __init__(self, which: str) -> None:
        """``which`` limit, in words."""
        super().__init__("limits", f"reading this file took more {which} than any camera's file")


class MediaCrashError(MediaRefusedError):
    """The decoder itself fell over; only this job was lost."""

    code: ClassVar[str] = "media-crash"

    def __init__(self, how: str) -> None:
        """``how`` the worker's process ended, in words."""
        super().__init__("undecodable", f"the decoder failed on this file ({how})")


class SandboxError(MediaError):
    """The sandbox cannot run anything here; the footage is not to blame."""

    code: ClassVar[str] = "sandbox"
