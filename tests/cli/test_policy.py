"""`policy check` on the command line."""

from pathlib import Path

from tests.cli.conftest import Run


def test_a_document_whose_form_is_wrong_says_that_more_may_follow(
    shop: Run, tmp_path: Path
) -> None:
    document = tmp_path / "policy.toml"
    text = shop("policy", "show", "--document").out
    document.write_text(text.replace('period = "72h"', 'period = "72x"'), encoding="utf-8")
    ran = shop("policy", "check", document)
    assert ran.status == 1
    assert "72x" in ran.out
    assert "more may follow" in ran.out

    document.write_text(text.replace('period = "72h"', 'period = "500h"'), encoding="utf-8")
    ran = shop("policy", "check", document)
    assert ran.status == 1
    assert "more may follow" not in ran.out


def test_the_shipped_policy_holds(shop: Run, tmp_path: Path) -> None:
    document = tmp_path / "policy.toml"
    document.write_text(shop("policy", "show", "--document").out, encoding="utf-8")
    ran = shop("policy", "check", document)
    assert (ran.status, ran.out.strip().splitlines()[-1]) == (0, "The policy holds.")
