"""Both languages say the same things, and nothing is said that no page asks for."""

import re
from pathlib import Path
from string import Formatter

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.workflow import State
from cctv_vault.errors import VaultError
from cctv_vault.incidents.views import Category
from cctv_vault.ingest.probe import FAULTS
from cctv_vault.media.limits import REFUSALS
from cctv_vault.people.actors import Role
from web.faults import status_of
from web.i18n import choose_language, load_catalogues
from web.lanes import SPANS

CATALOGUES = load_catalogues()
_IN_TEMPLATES = re.compile(r"""\b(t|tn|known)\(\s*["']([a-z_.-]+)["']\s*(~?)""")
_IN_MODULES = re.compile(r"""(?:\bwords|catalogue)\.(text|count|known)\(\s*f?"([a-z_.-]+)(["{])""")
_ELSEWHERE = {"done", "time", "expiry", "unit", "reason"}
"""Tables of keys made by `web.rendering`, `web.reasons` or by what a page redirects to."""


@pytest.fixture(scope="module")
def asked(repository: Path) -> tuple[set[str], set[str]]:
    """The keys the pages name, and the beginnings of those they put together."""
    keys: set[str] = set()
    beginnings: set[str] = set()
    web = repository / "web"
    for path in [*web.rglob("*.html"), *web.rglob("*.py")]:
        pattern = _IN_TEMPLATES if path.suffix == ".html" else _IN_MODULES
        for kind, key, rest in pattern.findall(path.read_text(encoding="utf-8")):
            if rest in {"~", "{"}:
                beginnings.add(key)
            elif kind in {"tn", "count"}:
                keys |= {f"{key}.one", f"{key}.other"}
            else:
                keys.add(key)
    return keys, beginnings


def test_both_languages_have_the_same_sentences() -> None:
    assert CATALOGUES["sv"].sentences.keys() == CATALOGUES["en"].sentences.keys()


def test_a_sentence_takes_the_same_values_in_both_languages() -> None:
    for key, swedish in CATALOGUES["sv"].sentences.items():
        english = CATALOGUES["en"].sentences[key]
        wanted = [
            {name for _, name, _, _ in Formatter().parse(text) if name is not None}
            for text in (swedish, english)
        ]
        assert wanted[0] == wanted[1], key


def test_no_page_asks_for_a_sentence_that_is_missing(asked: tuple[set[str], set[str]]) -> None:
    keys, beginnings = asked
    assert len(keys) > 300
    assert keys - CATALOGUES["sv"].sentences.keys() == set()
    for beginning in beginnings:
        assert any(key.startswith(beginning) for key in CATALOGUES["sv"].sentences), beginning


def test_no_sentence_is_left_that_nothing_asks_for(asked: tuple[set[str], set[str]]) -> None:
    keys, beginnings = asked
    unused = {
        key
        for key in CATALOGUES["sv"].sentences
        if key not in keys
        and key.partition(".")[0] not in _ELSEWHERE
        and not key.startswith(tuple(beginnings))
    }
    assert unused == set()


def test_everything_the_vault_can_say_has_words() -> None:
    wanted = {
        *(f"event.{each.value}" for each in Event),
        *(f"damage.{each}" for each in FAULTS),
        *(f"role.{each.value}" for each in Role),
        *(f"category.{each.value}" for each in Category),
        *(f"state_text.{each.value}" for each in State),
        *(f"span.{each}" for each in SPANS),
        *(f"refusal.{each}" for each in REFUSALS),
    }
    assert wanted - CATALOGUES["sv"].sentences.keys() == set()


def test_every_error_of_the_vault_has_words_and_a_status() -> None:
    kinds: list[type[VaultError]] = []
    left = [VaultError]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        if kind.__module__ in {"cctv_vault.errors", "cctv_vault.people.attempts"}:
            kinds.append(kind)
    assert len(kinds) > 15
    for kind in kinds:
        assert f"error.{kind.code}.title" in CATALOGUES["sv"].sentences
        assert f"error.{kind.code}.advice" in CATALOGUES["sv"].sentences
        assert 400 <= status_of(kind.__new__(kind)) <= 503


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, None, "sv"),
        (None, "sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "de,en;q=0.3", "en"),
        (None, "fi", "sv"),
        (None, "en;q=0.1,sv;q=0.2", "sv"),
        (None, "en;q=0", "sv"),
        (None, ",;q=x,,en", "en"),
        ("en", "sv", "en"),
        ("tlh", "en", "en"),
    ],
)
def test_the_language_is_the_persons_choice_then_the_browsers_then_swedish(
    cookie: str | None, accepted: str | None, language: str
) -> None:
    assert choose_language(cookie, accepted) == language
