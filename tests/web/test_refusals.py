"""Every refusal that a page can meet is told in Swedish: a new one needs its line in said.sv.toml.

The sentences are read out of the source: each ``raise`` of one of the vault's errors, with every
branch of its text and something put where a value stands.
"""

import ast
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest

from cctv_vault import errors
from web.i18n import load_catalogues
from web.saying import Sayings, load_sayings

_NOT_BY_PAGES = (
    *("cctv_vault/cli/", "cctv_vault/demo/", "cctv_vault/migrations/", "cctv_vault/custody/"),
    *("cctv_vault/home.py", "cctv_vault/database.py", "cctv_vault/footage/outfile.py"),
    *("cctv_vault/disclosure/archive.py", "cctv_vault/disclosure/bag.py"),
    *("cctv_vault/disclosure/contained.py", "cctv_vault/disclosure/claims.py"),
    *("cctv_vault/media/", "cctv_vault/mail/carriers.py", "web/server.py"),
)
"""The terminal, the start, the formats, the verifying of packages and the media worker."""
_ELSEWHERE = {
    ("cctv_vault/consent/desk.py", "refuse_faults"),
    ("cctv_vault/disclosure/casefiles.py", "_fits"),
    ("cctv_vault/disclosure/compelled.py", "record_taken"),
    ("cctv_vault/disclosure/desk.py", "refuse"),
    ("cctv_vault/disclosure/package.py", "_clip"),
    ("cctv_vault/incidents/changing.py", "extend"),
    ("cctv_vault/ingest/settling.py", "require_settled"),
    ("cctv_vault/ledger.py", "require_time"),
    ("cctv_vault/retention/holds.py", "_refuse"),
}
"""Raises of a sentence that stands elsewhere: a rule's, which the next test looks at, or the law's,
which has its words in both languages."""
_RULES = (
    *("retention/rules.py", "retention/policy.py", "retention/policy_check.py", "timeguard.py"),
    *("consent/rules.py", "disclosure/masking.py", "retention/holds.py"),
)
_FILL = "must be text"
"""What is put where a value stands: a sentence that is known, as some values have to be."""
_NO_FAULT = {
    f"the purpose {_FILL} has no period and cannot keep by itself",  # a fault of the program
    f"{_FILL} ({_FILL}), until {_FILL}: {_FILL}",  # grants, which `web.reasons` tells
    f"{_FILL} ({_FILL}), until it is released: {_FILL}",
}
_REPR = ord("r")


@pytest.fixture(scope="module")
def swedish() -> Sayings:
    return load_sayings(load_catalogues()["sv"])


def _texts(node: ast.AST, named: Mapping[str, ast.expr]) -> list[str]:
    """Every text an expression may be, with something where a value stands."""
    found = [_FILL]
    match node:
        case ast.Constant(value=str(text)):
            found = [text]
        case ast.JoinedStr(values=values):
            found = ["".join(each) for each in product(*(_texts(each, named) for each in values))]
        case ast.FormattedValue(value=value, conversion=conversion):
            form = "'{}'" if conversion == _REPR else "{}"
            found = [form.format(each) for each in _texts(value, named)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            found = [a + b for a in _texts(left, named) for b in _texts(right, named)]
        case ast.IfExp(body=one, orelse=other):
            found = _texts(one, named) + _texts(other, named)
        case ast.Name(id=name) if name in named:
            found = _texts(named[name], {})
        case _:
            pass
    return found


def _named(tree: ast.AST) -> dict[str, ast.expr]:
    """What names of a module stand for."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
            case _:
                pass
    return found


def _raises(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each raise of one of the vault's errors: the function it stands in, and what it may say."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = _named(tree)
    inside = {
        id(below): each.name
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        for below in ast.walk(each)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=args)):
                kind = getattr(errors, name, None)
                if name == "not_met" or (
                    isinstance(kind, type) and issubclass(kind, errors.VaultError)
                ):
                    yield inside.get(id(node), ""), _sentences(name, args, named)
            case _:
                pass


def _sentences(name: str, args: list[ast.expr], named: Mapping[str, ast.expr]) -> list[str]:
    given = [_texts(each, named) for each in args]
    match name, given:
        case "NotFoundError", [what, _, *rest]:
            hints = rest[0] if rest else [""]
            return [str(errors.NotFoundError(one, _FILL, hint)) for one in what for hint in hints]
        case "NaiveTimeError", _:
            return [str(errors.NaiveTimeError("2026-03-01T09:00", "Europe/Stockholm"))]
        case _:
            return given[0] if given else []


def _sources(repository: Path) -> Iterator[tuple[str, Path]]:
    for package in ("cctv_vault", "web"):
        for path in sorted((repository / package).rglob("*.py")):
            name = path.relative_to(repository).as_posix()
            if not name.startswith(_NOT_BY_PAGES):
                yield name, path


def test_every_refusal_a_page_can_meet_is_told_in_swedish(
    repository: Path, swedish: Sayings
) -> None:
    asked, untold = 0, []
    for name, path in _sources(repository):
        for function, sentences in _raises(path):
            if sentences == [_FILL]:
                assert (name, function) in _ELSEWHERE, f"{name}: {function} raises what it is given"
                continue
            asked += len(sentences)
            untold += [(name, each) for each in sentences if swedish.told(each) is None]
    assert untold == [], "each needs its line in web/translations/said.sv.toml"
    assert asked > 300


def test_why_a_file_could_not_be_read_is_told_in_swedish(
    repository: Path, swedish: Sayings
) -> None:
    said = []
    for path in sorted((repository / "cctv_vault" / "media").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="MediaRefusedError"), args=[_, sentence]):
                    said += [each for each in _texts(sentence, _named(tree)) if each != _FILL]
                case _:
                    pass
    assert len(said) > 25
    assert [each for each in said if swedish.told(each) is None] == []


def test_what_a_rule_says_is_told_in_swedish(repository: Path, swedish: Sayings) -> None:
    asked, untold = 0, []
    for name in _RULES:
        tree = ast.parse((repository / "cctv_vault" / name).read_text(encoding="utf-8"))
        named = _named(tree)
        for text in {one for node in ast.walk(tree) for one in _given(node, named)} - _NO_FAULT:
            asked += 1
            untold += [(name, text)] if swedish.told(text) is None else []
    assert untold == []
    assert asked > 90


def _given(node: ast.AST, named: Mapping[str, ast.expr]) -> list[str]:
    """The sentences of a fault: appended, given to one, or returned in a list."""
    found: list[ast.expr] = []
    match node:
        case ast.Call(func=ast.Attribute(attr="append" | "_fault" | "_of"), args=args):
            found = args[-1:]
        case ast.Call(func=ast.Name(id="Fault" | "ValueError"), args=args):
            found = args[-1:]
        case ast.Return(value=ast.List(elts=elements)) | ast.List(elts=elements):
            found = elements
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
            found = [element]
        case _:
            pass
    return [text for each in found for text in _texts(each, named) if " " in text]


def test_a_refusal_says_in_swedish_what_it_says_in_english(swedish: Sayings) -> None:
    told = {
        str(errors.NotFoundError("camera", "kassa9", "there are: entre, kassa")): (
            "Kameran kassa9 finns inte. De som finns är: entre, kassa."
        ),
        "footage[1]: the window ends before it starts": (
            "Tid 2: sluttiden kommer före starttiden."
        ),
        "this needs the right request:decide, which the roles held (staff) do not carry; "
        "ask somebody with the role approver or privacy-officer": (
            "Din behörighet (personal) räcker inte för det här. "
            "Be någon som är beslutsfattare, dataskyddsansvarig."
        ),
        "a request that is assessed cannot be moved by release; from here it can be moved by: "
        "approve, refuse": (
            "Begäran är bedömd, så det går inte att lämna ut. Det som går nu är: bevilja, avslå."
        ),
        "the policy cannot be published: line 42: purpose prevention: 2000h is longer than the "
        "guideline's 72h; give the 'reason' why it is needed (EDPB 3/2019 § 121), or shorten it; "
        "line 44: purpose prevention: 120h is shorter than the period 2000h": (
            "Policyn kan inte publiceras: Rad 42: ändamålet prevention: 2000h är längre än "
            "riktlinjens 72h. Ange skälet i reason (EDPB 3/2019 § 121), eller korta tiden. "
            "Rad 44: ändamålet prevention: 120h är kortare än tiden 2000h"
        ),
        "the policy cannot be published: line 3: purpose incident: 'period': 'soon' is no period; "
        "write one like 72h, 30d, 24mo or 5y; line 9: it names no purposes": (
            "Policyn kan inte publiceras: Rad 3: ändamålet incident: ”period”: ”soon” är ingen "
            "tid. Skriv som 72h, 30d, 24mo eller 5y. Rad 9: den har inga ändamål"
        ),
    }
    for english, wanted in told.items():
        assert swedish.told(english) == wanted


def test_what_is_not_known_is_not_guessed_at(swedish: Sayings) -> None:
    assert swedish.told("the moon is full") is None
    assert swedish.told("a hold needs a reason; the moon is full") is None
    assert swedish.told("x" * 100_000) is None


def test_what_somebody_typed_changes_nothing_but_itself(swedish: Sayings) -> None:
    hostile = "'; a hold needs a reason; {name} {0.__class__} there is no camera 'x"
    told = swedish.told(str(errors.NotFoundError("camera", hostile)))
    assert told is not None
    assert told.startswith("Kameran ")
    assert "{name} {0.__class__}" in told
