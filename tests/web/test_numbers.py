"""Whatever stands where a number or a time belongs, a page answers, and never by breaking."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Shop

STRANGE = (
    "0",
    "-1",
    "9" * 30,
    str(2**63),
    str(2**63 - 1),
    str(2**31),
    "1e999",
    "nan",
    "-inf",
    "0x10",
    "1_000",
    "\u0663",
    "1.5",
    " ",
    "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00",
    "9999-12-31",
    "%00",
)
PLACES = (
    "/log?before={}",
    "/log?subject={}",
    "/log/entry/{}",
    "/log/proof/{}",
    "/log/tile/0/{}",
    "/log/tile/{}/000",
    "/log/tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    "/log/tile/0/000.p/{}",
    "/log/tile/entries/x999/x999/x999/x999/999",
    "/timeline?from={}",
    "/timeline?span={}",
    "/timeline?from={}&span=31d",
    "/timeline/at?camera=kassa&at={}",
    "/timeline?camera={}",
    "/footage/{recording}?t={}",
    "/footage/{}",
    "/incidents/{}",
    "/requests/{}",
    "/expiry?days={}",
)


@pytest.mark.parametrize("place", PLACES)
def test_a_strange_number_is_answered_and_never_breaks_a_page(shop: "Shop", place: str) -> None:
    officer = shop.person("Petra")
    recording = shop.recording()
    for strange in STRANGE:
        path = place.replace("{recording}", recording).replace("{}", strange.replace(" ", "%20"))
        answer = officer.get(path)
        assert answer.status_code < 500, path
        assert "inf" not in answer.text.partition("data-start=")[2][:20], path


@pytest.mark.parametrize("sent", ["bytes=0-" + "9" * 30, "bytes=" + "9" * 30 + "-", "bytes=-0"])
def test_a_strange_range_is_answered(shop: "Shop", sent: str) -> None:
    officer = shop.person("Petra")
    path = f"/footage/{shop.recording()}/stream"
    assert officer.get(path, Range=sent).status_code < 500


def test_strange_numbers_in_forms_are_refused_in_words(shop: "Shop") -> None:
    admin = shop.person("Adam")
    for strange in STRANGE:
        fields = {"code": "ny", "drop": "/nowhere", "recorder_retention": strange}
        assert admin.post("/cameras", **fields).status_code < 500
        clock = {"offset": strange, "uncertainty": strange, "measured_at": strange}
        assert admin.post("/cameras/kassa/clock", **clock).status_code < 500
    with shop.portal() as portal:
        for strange in STRANGE:
            form = {"from": strange, "to": strange, "type": "police", "authority": "X"}
            assert portal.post("/begaran", data=form).status_code < 500
            assert (
                portal.post("/status", data={"reference": strange, "code": strange}).status_code
                < 500
            )
