"""What is wrong with a policy document, in words and with its line."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.retention.policies import default_policy_text
from cctv_vault.retention.policy import Keep, Policy
from cctv_vault.retention.policy_check import Checked, Known, KnownCamera, check_policy
from cctv_vault.retention.policy_lines import lines_of

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SHIPPED = default_policy_text()
KNOWN = Known(
    sites={"butik"},
    cameras=[KnownCamera("kassa", "surveillance", 5), KnownCamera("kurs", "production", None)],
)


def check(text: str, known: Known | None = KNOWN) -> Checked:
    return check_policy(text, published_at=NOW, known=known)


def line_with(text: str, part: str) -> int:
    """The line on which a part begins."""
    return text[: text.index(part)].count("\n") + 1


def test_the_shipped_policy_has_no_fault() -> None:
    assert check(SHIPPED) == Checked(Policy.parse(SHIPPED), ())


@pytest.mark.parametrize(
    ("before", "after", "sentence", "on"),
    [
        ('period = "72h"', 'period = "72 h"', "no period", ""),
        ('period = "72h"', 'period = "0h"', "no period", ""),
        ('period = "72h"', 'periode = "72h"', "no setting 'periode'", ""),
        ('period = "72h"', 'period = "73h"', "longer than the guideline's 72h", ""),
        ('ceiling = "120h"', 'ceiling = "121h"', "longer than the guideline's 120h", ""),
        ('ceiling = "120h"', 'ceiling = "71h"', "shorter than the period", ""),
        ('after_report = "90d"', 'after_report = "91d"', "guideline's 90d", ""),
        ('limit = "180d"', 'limit = "181d"\nreason = "wished"', "RB 27:16", 'limit = "181d"'),
        (
            'period = "12mo"',
            'period = "13mo"\nreason = "wished"',
            "lag 2021:34 23 §",
            'period = "13mo"',
        ),
        ('period = "5y"', 'period = "6y"', "cannot be set here", ""),
        ('starts = "capture"', 'starts = "whim"', "'whim' is none of capture, arrival", ""),
        ('starts = "capture"', 'starts = "arrival"', "counted from its capture", ""),
        ('statute = "GDPR 6.1 f"', 'statute = "GDPR 7"', "'GDPR 7' is no statute", ""),
        ('statute = "GDPR 6.1 f"', 'statute = "GDPR 6.1 a"', "never rests on consent", ""),
        ('sv = "Utredning av en händelse"', 'sv = " "', "'sv' must be given", ""),
        ('missed_review = "ends"', 'missed_review = "forgets"', "'forgets' is none of", ""),
        ('review = "25d"', 'review = "30d"', "not before the end", ""),
        ('extend_by = ["privacy-officer"]', "", "'extend_by' which roles", 'extension = "90d"'),
        ('extend_by = ["privacy-officer"]', 'extend_by = ["boss"]', "'boss' is none of staff", ""),
        ("extensions = 1", "extensions = 0", "a number from 1", ""),
        (
            'after_report = "90d"',
            'base_for = "surveillance"',
            "is no hold",
            'hold = true\nreview = "25d"',
        ),
        ('base_for = "surveillance"', 'base_for = "espionage"', "surveillance or production", ""),
        (
            'base_for = "surveillance"',
            'base_for = "production"',
            "keeps all production",
            'base_for = "production"\n# table A, course',
        ),
        ('base_for = "surveillance"', 'cameras = ["kassa"]', "with 'base_for' names cameras", ""),
        (
            'code = "claim"',
            'code = "incident"',
            "stands there twice",
            'code = "incident"\nsv = "Skade',
        ),
        ('holidays = "SE"', 'holidays = "ZZ"', "no holidays are known", ""),
        ("version = 1", "version = true", "number from 1", ""),
        ("version = 1", "version = 1\nowner = 1", "no setting 'owner'", ""),
        ("version = 1", "version = 1\neffective_at = 2026-03-01", "with its offset", ""),
        (
            "version = 1",
            "version = 1\neffective_at = 2026-03-02T07:59:59Z",
            "before its publication",
            "",
        ),
        ('require = ["purpose"', 'require = ["colour"', "some of purpose, view, sound", ""),
        ("in_simulated = false", 'in_simulated = "no"', "true or false", ""),
        ("number_within_days = 7", "number_within_days = 0", "a number from 1 to 30", ""),
        ("alone_after_minutes = 15", "alone_after_hours = 1", "no setting 'alone_after_h", ""),
    ],
)
def test_a_fault_is_told_in_words_with_its_line(
    before: str, after: str, sentence: str, on: str
) -> None:
    text = SHIPPED.replace(before, after, 1)
    assert text != SHIPPED
    told = [each for each in check(text).faults if sentence in each.sentence]

    assert told, check(text).faults
    assert told[0].line == line_with(text, on or after.splitlines()[-1])


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("[site.butik]\nclosed = [2026-02-30]", "TOML"),
        ('[site.butik]\nclosed = ["midsommar"]', "'midsommar' is no day"),
        ('[site.butik]\nopened = "2026-06-19"', "must be a list"),
        ('[site.butik]\nmonday = [["10:00", "18:00"]]', "a site knows mon"),
        ('[site.butik]\nmon = [["18:00", "10:00"]]', "the first before the second"),
        ('[site.butik]\nmon = [["25:00", "26:00"]]', "no time of day"),
        ("[site.lager]\nclosed = []", "there is no site 'lager'; the sites are butik"),
    ],
)
def test_opening_days_that_mean_nothing_are_told_with_their_line(lines: str, sentence: str) -> None:
    text = f"{SHIPPED}\n{lines}\n"
    (fault,) = check(text).faults

    assert sentence in fault.sentence
    assert fault.line in {text.count("\n"), text.count("\n") - 1}


def test_longer_than_the_guideline_needs_a_written_reason() -> None:
    longer = SHIPPED.replace('period = "72h"', 'period = "96h"')
    (fault,) = check(longer).faults
    assert fault.line == line_with(longer, 'period = "96h"')
    assert "'reason'" in fault.sentence
    assert check(
        longer.replace('period = "96h"', 'period = "96h"\nreason = "återkommande inbrott"')
    )


def test_a_purpose_of_some_cameras_goes_before_the_one_for_all() -> None:
    own = (
        '[[purpose]]\ncode = "kassan"\nsv = "Kassan"\nen = "The till"\nstatute = "GDPR 6.1 f"\n'
        'starts = "capture"\nsource = "24 h option"\nperiod = "24h"\nbase_for = "surveillance"\n'
        'cameras = ["kassa"]\n'
    )
    checked = check(f"{SHIPPED}\n{own}")
    assert checked.policy is not None
    assert not checked.faults
    assert checked.policy.base("surveillance", "kassa").code == "kassan"
    assert checked.policy.base("surveillance", "entre").code == "prevention"

    twice = own.replace('"kassan"', '"kassan2"')
    assert "keeps the camera kassa" in check(f"{SHIPPED}\n{own}\n{twice}").faults[0].sentence
    there_is_none = own.replace('["kassa"]', '["dörr"]')
    assert "no camera 'dörr'" in check(f"{SHIPPED}\n{there_is_none}").faults[0].sentence
    other_origin = own.replace('["kassa"]', '["kurs"]')
    assert "origin production" in check(f"{SHIPPED}\n{other_origin}").faults[0].sentence


def test_without_any_purpose_that_the_product_needs_nothing_is_published() -> None:
    text = SHIPPED.replace('code = "late-arrival"', 'code = "later-arrival"')
    assert any("'late-arrival' is missing" in each.sentence for each in check(text).faults)


def test_a_recorder_that_keeps_its_copy_longer_than_the_policy_is_told() -> None:
    known = Known({"butik"}, [KnownCamera("kassa", "surveillance", 6)])
    checked = check(SHIPPED, known)
    (found,) = checked.recorders

    assert not checked.faults
    assert not checked.sound
    assert "camera kassa keeps its own copy for 6d" in found.sentence
    assert found.line == line_with(SHIPPED, 'ceiling = "120h"')


def test_every_fault_is_told_at_once_in_the_order_of_the_lines() -> None:
    text = SHIPPED.replace('"72h"', '"0h"').replace('"5y"', '"-1y"').replace('"24mo"', '"24"')
    lines = [each.line for each in check(text).faults]
    assert len(lines) == 3
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    "text", ["", "=", "purpose = 3", "[purpose]\ncode = 1", "x = '''", "[[site]]"]
)
def test_what_is_no_policy_at_all_is_told_and_nothing_breaks(text: str) -> None:
    assert check(text).faults


@given(
    st.lists(st.sampled_from([*SHIPPED.splitlines(keepends=True), '"""\n', "]\n", "[\n", "[x]\n"]))
)
def test_no_document_breaks_the_check(lines: list[str]) -> None:
    check("".join(lines))


def test_the_line_of_a_setting_is_that_of_its_statement() -> None:
    text = (
        'a = 1\n# b = 2\nc = [\n  1,\n]\n[[p]]\nx = """\n[[p]]\n"""\n[[p]]\n"q.r" = 1\n'
        "[p.inner]\nz = { w = 1 }\n[s.t]\nu.v = 1\n"
    )
    assert lines_of(text) == {
        ("a",): 1,
        ("c",): 3,
        ("p", 0): 6,
        ("p", 0, "x"): 7,
        ("p", 1): 10,
        ("p", 1, "q.r"): 11,
        ("p", 1, "inner"): 12,
        ("p", 1, "inner", "z"): 13,
        ("p", 1, "inner", "z", "w"): 13,
        ("s", "t"): 14,
        ("s", "t", "u"): 15,
        ("s", "t", "u", "v"): 15,
    }


def test_only_a_hold_keeps_a_window() -> None:
    text = default_policy_text()
    incident = text.replace('code = "incident"\n', 'code = "incident"\nkeep = "window"\n')
    assert Policy.parse(incident).purpose("incident").keep is Keep.WINDOW
    assert Policy.parse(text).purpose("incident").keep is Keep.RECORDING
    for wrong in ('code = "prevention"\nkeep = "window"\n', 'code = "incident"\nkeep = "x"\n'):
        code = wrong.partition("\n")[0] + "\n"
        _, faults = Policy.read(text.replace(code, wrong))
        assert len(faults) == 1
        assert text.splitlines().index(code.strip()) + 2 == faults[0].line


@pytest.mark.parametrize("code", ["preservation-order", "restriction", "access-request"])
def test_what_somebody_else_has_a_right_to_as_it_is_is_never_cut(code: str) -> None:
    text = default_policy_text().replace(
        f'code = "{code}"\n', f'code = "{code}"\nkeep = "window"\n'
    )
    (fault,) = check(text).faults
    assert "as it is" in fault.sentence
    assert fault.line == line_with(text, f'code = "{code}"') + 1
