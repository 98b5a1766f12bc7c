"""``verify.html``: one file that opens and verifies a package in a browser, without a network.

Owns the putting together of the page out of the files in ``verifier/`` and the rules that the
verifier on the command line goes by. The page may run its own script and nothing else, and may
connect to nothing; its policy stands in the page itself, so that it holds from a USB stick too.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from cctv_vault.disclosure.sentences import PAGE
from cctv_vault.disclosure.verification import shared_rules

VERIFY_PAGE: Final = "verify.html"
"""Its path in a package, and its name wherever it is served."""

_FOLDER: Final = Path(__file__).with_name("verifier")
_SCRIPTS: Final = ("hashing.js", "archive.js", "checks.js", "locked.js", "saving.js", "page.js")


@dataclass(frozen=True)
class VerifyPage:
    """The page's bytes, and the Content-Security-Policy it lives by."""

    content: bytes
    policy: str


@cache
def verify_page() -> VerifyPage:
    """The page: the same bytes for every package of one release of the program."""
    rules = shared_rules() | {"words": {name: {"sv": w.sv, "en": w.en} for name, w in PAGE.items()}}
    # A less-than sign could end the script element; in JSON it may as well be escaped.
    told = json.dumps(rules, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    parts = [f"const RULES = {told};", *(_part(name) for name in _SCRIPTS)]
    script = "\n" + "\n".join(['"use strict";', *parts])
    style = "\n" + _part("page.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = _part("page.html")
    for name, text in (("policy", policy), ("style", style), ("script", script)):
        page = page.replace("{{" + name + "}}", text)
    return VerifyPage(page.encode(), policy)


def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
