"""What the vault says in English, told in the reader's language. Pure.

The vault says and logs a sentence in one language, English; the sentence itself is the key, as with
gettext, and what varies in it is read back out of it. The files ``translations/said.*.toml`` hold
one line for each sentence (docs/decisions/0012). What is not known there is not guessed at.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from markupsafe import Markup, escape

from cctv_vault.errors import GateNotMetError, VaultError
from cctv_vault.views import in_local_time, printable
from web.i18n import ENGLISH, SWEDISH, Catalogue

_FOLDER: Final = Path(__file__).with_name("translations")
_FIELD: Final = re.compile(r"\{([a-z]+)(?::([a-z_]+))?\}")
_NUMBERED: Final = re.compile(r"\[([0-9]+)\]")
_LISTED: Final = re.compile(r", | or ")
_NESTED: Final = "said"
"""The kind of what is a sentence of its own; where it is unknown it stays as it is."""
_KNOWN: Final = "known"
"""The kind of what is a sentence of its own that must be known, or the whole is another one."""
_JOINT: Final = "; "
_MOST_JOINTS: Final = 4
_LONGEST: Final = 4000
_QUOTE: Final = " – ”"


@dataclass(frozen=True)
class _Sentence:
    """A sentence in English with what varies in it, and how it is told."""

    fixed: tuple[str, ...]
    varying: tuple[tuple[str, str], ...]
    told: str

    @classmethod
    def parse(cls, english: str, told: str) -> Self:
        """``{name}`` varies; ``{name:kind}`` is looked up among the words of that kind."""
        parts = _FIELD.split(english)
        kinds = (each or "" for each in parts[2::3])
        return cls(tuple(parts[::3]), tuple(zip(parts[1::3], kinds, strict=True)), told)

    def read(self, sentence: str) -> tuple[str, ...] | None:
        """What stands where something varies; None where it is another sentence.

        Each fixed part is looked for once, from the left: linear, whatever is in it.
        """
        first, *others = self.fixed
        if not sentence.startswith(first):
            return None
        at, found = len(first), []
        for number, part in enumerate(others, start=1):
            last = number == len(others)
            end = (len(sentence) - len(part)) if last else sentence.find(part, at)
            if end < at or not sentence.startswith(part, end):
                return None
            found.append(sentence[at:end])
            at = end + len(part)
        return tuple(found) if at == len(sentence) else None


class Sayings:
    """The sentences of the vault in one language."""

    def __init__(
        self, sentences: Mapping[str, str], words: Mapping[str, Mapping[str, str]], also: Catalogue
    ) -> None:
        """``words`` are what varies, by kind; ``also`` is asked for the kinds it has as tables."""
        every = (_Sentence.parse(english, told) for english, told in sentences.items())
        # One that begins with words of its own comes before one that begins with anything, and then
        # the one that says most of itself: it leaves least to what varies.
        self._sentences = sorted(
            every, key=lambda each: (not each.fixed[0], -len("".join(each.fixed)))
        )
        self._words = words
        self._also = also

    def told(self, sentence: str) -> str | None:
        """A sentence in this language, or several that ``; `` joins; None where one is unknown."""
        if len(sentence) > _LONGEST:
            return None
        # Several first: what varies in one would else take in the sentences that follow it.
        several = self._several(sentence) if _JOINT in sentence else None
        return self._one(sentence) if several is None else several

    def _several(self, sentence: str) -> str | None:
        parts, told = sentence.split(_JOINT), ""
        while parts:
            # A sentence may hold the sign that joins them: the shortest that is known is taken.
            for count in range(1, min(len(parts), _MOST_JOINTS) + 1):
                one = self._one(_JOINT.join(parts[:count]))
                if one is not None:
                    told += (" " if told.endswith(".") else _JOINT if told else "") + one
                    del parts[:count]
                    break
            else:
                return None
        return told

    def _one(self, sentence: str) -> str | None:
        for each in self._sentences:
            found = each.read(sentence)
            if found is None:
                continue
            values = {
                name: self._value(kind, text)
                for (name, kind), text in zip(each.varying, found, strict=True)
            }
            if None not in values.values():
                return _filled(each.told, values)
        return None

    def _value(self, kind: str, text: str) -> str | None:
        """What varies, in words; None where it must be a sentence that is known and is none."""
        if kind == _KNOWN:
            return self.told(text)
        if kind == _NESTED:
            return self.told(text) or text
        if not kind:
            return f"”{text[1:-1]}”" if _is_quoted(text) else text
        return ", ".join(self._word(kind, each) for each in _LISTED.split(text.strip("'")))

    def _word(self, kind: str, value: str) -> str:
        number = _NUMBERED.search(value)
        key = _NUMBERED.sub("[]", value)
        word = self._words.get(kind, {}).get(key) or self._also.known(f"{kind}.{key}", value)
        return word.format(n=int(number[1]) + 1) if number and "{n}" in word else word


@dataclass(frozen=True)
class Teller:
    """What a page shows of what the vault says: in its language, on the clocks of its zone."""

    sayings: Sayings
    language: str
    zone: str

    def said(self, sentence: str, *, whole: bool = False) -> Markup:
        """A sentence, marked as English where it is not known in another language.

        ``whole`` gives it the capital letter and the full stop of one that stands alone.
        """
        plain = printable(sentence)
        told = self.sayings.told(plain)
        text = in_local_time(told or plain, self.zone)
        shown = escape(_as_sentence(text) if whole else text)
        if told is not None or self.language == ENGLISH:
            return shown
        return Markup('<span lang="en">{}</span>').format(shown)

    def reasons(self, error: VaultError) -> list[Markup]:
        """Why something was refused, one sentence each."""
        theirs = error.in_swedish if self.language == SWEDISH else ()
        points = [escape(_as_sentence(in_local_time(each, self.zone))) for each in theirs]
        if isinstance(error, GateNotMetError):
            points = points or [self.said(each, whole=True) for each in error.unmet]
            return [self.said(error.summary, whole=True), *points]
        return points or [self.said(str(error), whole=True)]

    def quoting(self, sentence: str) -> Markup:
        """A sentence of this language that ends in what the vault said, quoted."""
        before, mark, quoted = sentence.partition(_QUOTE)
        if not mark:
            return escape(sentence)
        said = self.said(quoted.removesuffix(".").removesuffix("”"))
        return escape(before) + escape(mark) + said + "”."


def load_sayings(catalogue: Catalogue) -> Sayings:
    """The sentences in a catalogue's language."""
    with (_FOLDER / f"said.{catalogue.language}.toml").open("rb") as file:
        tables = tomllib.load(file)
    return Sayings(tables["sentences"], tables["words"], catalogue)


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ":")) else ".")


def _filled(told: str, values: Mapping[str, str | None]) -> str:
    def value(found: re.Match[str]) -> str:
        text = values[found[1]] or ""
        return text[:1].upper() + text[1:] if found[2] else text

    return _FIELD.sub(value, told)


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
