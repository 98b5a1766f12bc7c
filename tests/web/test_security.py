"""The fence: origins, tokens, ways back, ranges."""

import pytest
from starlette.datastructures import Headers

from web.ranges import ByteRange, RangeNotSatisfiableError, read_range
from web.security import comes_from_us, form_token, is_form_token, local_path


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://vault.example:8080", "host": "vault.example:8080"}, True),
        ({"origin": "https://vault.example", "host": "vault.example"}, True),
        ({"origin": "http://evil.example", "host": "vault.example"}, False),
        ({"origin": "http://vault.example:81", "host": "vault.example"}, False),
        ({"origin": "null", "host": "vault.example"}, False),
        ({"host": "vault.example"}, True),
    ],
)
def test_a_form_comes_from_our_own_pages_or_from_no_browser(
    headers: dict[str, str], *, ours: bool
) -> None:
    assert comes_from_us(Headers(headers)) is ours


def test_a_form_token_fits_one_session_only() -> None:
    token = form_token("one session")
    assert is_form_token(token, "one session")
    assert not is_form_token(token, "another session")
    assert not is_form_token("", "one session")
    assert not is_form_token("å", "one session")


@pytest.mark.parametrize(
    "elsewhere",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example"),
        *("/a\\b", "javascript:alert(1)", "", "/\r\nSet-Cookie: a=b", "/\t/evil.example"),
    ],
)
def test_no_way_back_leads_to_another_site(elsewhere: str) -> None:
    assert local_path(elsewhere) == "/"


def test_a_way_back_on_this_site_is_kept() -> None:
    assert local_path("/timeline?from=2026-03-01&span=1h") == "/timeline?from=2026-03-01&span=1h"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-", ByteRange(0, 100, 100)),
        ("bytes=0-0", ByteRange(0, 1, 100)),
        ("bytes=10-19", ByteRange(10, 20, 100)),
        ("bytes=90-900", ByteRange(90, 100, 100)),
        ("bytes=-10", ByteRange(90, 100, 100)),
        ("bytes=-900", ByteRange(0, 100, 100)),
        (f"bytes=0-{'9' * 5000}", None),
        (f"bytes=-{'9' * 5000}", None),
        ("bytes=0-1,5-6", None),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=\N{ARABIC-INDIC DIGIT ONE}-", None),
        ("bytes=+1-2", None),
        ("items=0-1", None),
        ("bytes", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(
    header: str | None, expected: ByteRange | None
) -> None:
    assert read_range(header, 100) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=-0", 5), ("bytes=0-", 0)]
)
def test_a_range_beyond_the_end_cannot_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiableError):
        read_range(header, size)


def test_a_range_says_what_it_is_of() -> None:
    assert ByteRange(10, 20, 100).content_range == "bytes 10-19/100"
