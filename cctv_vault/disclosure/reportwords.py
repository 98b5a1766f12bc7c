"""The report's words for what the record says in codes, Swedish and English. Pure.

The record in a package is for machines and keeps its codes and its English; a page that a court
reads says the same in words.
"""

from collections.abc import Mapping
from typing import Any, Final

from cctv_vault.disclosure.history import act_words
from cctv_vault.disclosure.legal import Words

CAUSES: Final[Mapping[str, Words]] = {
    "silent": Words("kameran skickade inget", "the camera sent nothing"),
    "quarantined": Words("filen gick inte att läsa", "the file could not be read"),
    "clock-step": Words("klockan ställdes om", "the clock was set"),
    "intake-stopped": Words("intaget stod stilla", "the intake had stopped"),
    "expired": Words("gallrat", "expired"),
}
"""Why there is no footage, as `footage.gaps` divides a hole."""

TIME_SOURCES: Final[Mapping[str, Words]] = {
    "name": Words("filens namn", "the file's name"),
    "container": Words("filens innehåll", "the file's content"),
    "arrival": Words("när filen kom", "the file's arrival"),
}

PARTICULARS: Final[Mapping[str, Words]] = {
    "camera": Words("vilken kamera", "which camera"),
    "content": Words("vad den visar", "what it shows"),
    "title": Words("vad den heter", "what it is called"),
    "other": Words("annat", "else"),
}

UNLAWFUL_SOUND: Final = Words(
    "det har ljud, som kamerans uppgifter inte tillåter; filmen har bilderna utan ljudet",
    "it holds sound, which the register of the camera forbids; the clip has the pictures without "
    "the sound",
)
MASKED_INSTEAD: Final = Words(
    "andra syns i bild; den maskade filmen lämnas i stället",
    "others are in the picture; the masked film is handed over in its place",
)
NO_VIDEO: Final = Words("ingen film finns från den här tiden", "no video lies in this window")
NO_FRAME: Final = Words("ingen film visar den här stunden", "no film shows this moment")
_REASONS: Final = {each.en: each for each in (UNLAWFUL_SOUND, MASKED_INSTEAD, NO_VIDEO, NO_FRAME)}
_UNREADABLE: Final = "det gick inte att läsa ur inspelningen"


def cause_words(code: str) -> dict[str, str]:
    """Why footage is missing."""
    return _both(CAUSES.get(code, Words("okänd orsak", code)))


def time_source_words(code: str) -> dict[str, str]:
    """Where a recording's time comes from."""
    return _both(TIME_SOURCES.get(code, Words("okänt", code)))


def particular_words(code: str) -> dict[str, str]:
    """Which particular of a recording a correction is of."""
    return _both(PARTICULARS.get(code, Words("annat", code)))


def reason_words(english: str) -> dict[str, str]:
    """Why something is not in the package; what a decoder says of a file it says in English."""
    return _both(_REASONS.get(english, Words(_UNREADABLE, english)))


def event_words(event: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """What an entry of the log tells of."""
    return _both(act_words(event, facts))


def _both(words: Words) -> dict[str, str]:
    return {"sv": words.sv, "en": words.en}
