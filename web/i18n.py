"""Languages: Swedish first, English beside it, one catalogue file for each.

A catalogue is a TOML file of tables of sentences; a key is ``table.name``. Both files hold the
same keys, which a test proves, so there is no falling back at run time.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SWEDISH: Final = "sv"
ENGLISH: Final = "en"
LANGUAGES: Final = (SWEDISH, ENGLISH)
_FOLDER: Final = Path(__file__).with_name("translations")


@dataclass(frozen=True)
class Catalogue:
    """The sentences of one language."""

    language: str
    sentences: dict[str, str]

    def text(self, key: str, /, **values: object) -> str:
        """The sentence of a key, its ``{names}`` filled in.

        Raises:
            KeyError: There is no such sentence; a page that lacks its words is broken.
        """
        sentence = self.sentences[key]
        return sentence.format(**values) if values else sentence

    def count(self, key: str, number: int, /, **values: object) -> str:
        """The sentence of ``key.one`` or ``key.other``, with ``{n}`` the number."""
        form = "one" if number == 1 else "other"
        return self.text(f"{key}.{form}", n=number, **values)

    def known(self, key: str, fallback: str) -> str:
        """The word for a value from outside this package, or the value itself."""
        return self.sentences.get(key, fallback)


def load_catalogues() -> dict[str, Catalogue]:
    """Every language's catalogue."""
    return {language: _load(language) for language in LANGUAGES}


def choose_language(cookie: str | None, accepted: str | None) -> str:
    """The language chosen by the person, else the browser's first that there is, else Swedish.

    ``accepted`` is the Accept-Language header (RFC 9110, section 12.5.4).
    """
    if cookie in LANGUAGES:
        return cookie
    wishes: list[tuple[float, str]] = []
    for wish in (accepted or "").split(","):
        tag, _, weight = wish.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        wishes.append((quality, tag.strip().lower().partition("-")[0]))
    # Sorting is stable: of equal wishes the first named wins.
    for quality, language in sorted(wishes, key=lambda wish: -wish[0]):
        if quality > 0 and language in LANGUAGES:
            return language
    return SWEDISH


def _load(language: str) -> Catalogue:
    with (_FOLDER / f"{language}.toml").open("rb") as file:
        tables = tomllib.load(file)
    sentences: dict[str, str] = {}
    _flatten("", tables, sentences)
    return Catalogue(language, sentences)


def _flatten(prefix: str, table: dict[str, object], into: dict[str, str]) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}{name}.", value, into)
        else:
            into[f"{prefix}{name}"] = str(value)
