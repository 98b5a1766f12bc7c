"""Chosen frames: the very picture of a moment, with where it comes from, and nothing more."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pypdf
import pytest

from cctv_vault.disclosure.frames import MOST_FRAMES
from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from tests.disclosure.conftest import CHOSEN, Shop
from tests.disclosure.test_package import unzipped

_STEP = timedelta(milliseconds=200)


def choose(shop: Shop, request: str, at: datetime = CHOSEN, camera: str = "kassa") -> None:
    shop.requests.choose_frame(shop.handler, request, camera, at)


def prepared(shop: Shop, request: str) -> tuple[Path, dict[str, bytes], dict[str, Any]]:
    out = shop.folder / f"{request}.zip"
    shop.requests.prepare(shop.handler, request, out)
    return out, *unzipped(out)


def pixels(data: bytes) -> Any:  # noqa: ANN401
    with av.open(io.BytesIO(data), "r") as opened:
        return next(opened.decode(video=0)).to_ndarray(format="rgb24")


def test_a_chosen_frame_is_the_picture_of_its_moment_and_says_where_it_is_from(shop: Shop) -> None:
    request = shop.approved()
    choose(shop, request)
    out, files, record = prepared(shop, request)
    (frame,) = record["frames"]
    (source,) = [each for each in record["recordings"] if each["id"] == frame["recording"]]
    original = files[source["file"]]
    with av.open(io.BytesIO(original), "r") as opened:
        shown = [picture.to_ndarray(format="rgb24") for picture in opened.decode(video=0)]
    # 12.1 s into a film of 5 pictures a second that began at 0: the one shown from 12.0 s.
    assert frame["frame"] == 61
    assert np.array_equal(pixels(files[frame["file"]]), shown[60])
    assert frame["shown_from"] == "2026-03-01T08:00:12Z"
    assert (frame["at"], frame["camera"]) == ("2026-03-01T08:00:12.100000Z", "kassa")
    assert frame["source_sha256"] == source["sha256"]
    assert (frame["width"], frame["height"]) == (64, 48)
    verdict = verify_package(out, allow_simulated=True)
    assert verdict.sound
    (said,) = [each for each in verdict.findings if each.code == "frame-ok"]
    assert said.file == frame["file"]


def test_the_report_names_each_frame(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    choose(quick_shop, request)
    _, files, record = prepared(quick_shop, request)
    pages = pypdf.PdfReader(io.BytesIO(files["data/report.pdf"])).pages
    text = " ".join("".join(page.extract_text() for page in pages).split())
    for words in ("Valda bilder", "2026-03-01 09:00:12.100 CET", "frame 61"):
        assert words in text, words
    assert record["frames"][0]["recording"] in text


def test_a_frame_lies_in_the_time_that_is_needed_or_is_refused(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    for at in ("2026-03-01T09:00:04.9+01:00", "2026-03-01T09:00:30+01:00"):
        with pytest.raises(InvalidInputError, match="outside the time"):
            choose(quick_shop, request, datetime.fromisoformat(at))
    with pytest.raises(InvalidInputError, match="outside the time"):
        choose(quick_shop, request, camera="entre")
    assert quick_shop.refusals()[-1] == "invalid-input"
    assert quick_shop.requests.show(quick_shop.handler, request).frames == ()


def test_a_moment_without_film_has_no_frame(quick_shop: Shop) -> None:
    asked = [
        {
            "cameras": ["kassa"],
            "from": "2026-03-01T09:00:50+01:00",
            "to": "2026-03-01T09:01:20+01:00",
        }
    ]
    request = quick_shop.approved(footage=asked)
    with pytest.raises(InvalidInputError, match="no film"):
        choose(quick_shop, request, datetime.fromisoformat("2026-03-01T09:01:10+01:00"))


def test_a_narrower_assessment_takes_out_the_frames_beyond_it(shop: Shop) -> None:
    request = shop.assessed()
    choose(shop, request)
    late = CHOSEN + timedelta(seconds=10)
    choose(shop, request, late)
    needed = [
        {
            "cameras": ["kassa"],
            "from": "2026-03-01T09:00:05+01:00",
            "to": "2026-03-01T09:00:15+01:00",
        }
    ]
    shop.requests.assess(shop.handler, request, "Anmäld stöld.", "Tio sekunder.", footage=needed)
    assert [each.at for each in shop.requests.show(shop.handler, request).frames] == [CHOSEN]
    assert shop.events(request).count("request.frame-dropped") == 1


def test_choosing_twice_is_choosing_once_and_taking_out_leaves_nothing(shop: Shop) -> None:
    request = shop.approved()
    choose(shop, request)
    choose(shop, request)
    assert shop.events(request).count("request.frame-chosen") == 1
    shop.requests.drop_frame(shop.handler, request, "kassa", CHOSEN)
    with pytest.raises(InvalidInputError, match="no such frame"):
        shop.requests.drop_frame(shop.handler, request, "kassa", CHOSEN)
    _, files, record = prepared(shop, request)
    assert record["frames"] == []
    assert not [path for path in files if path.startswith("data/frames/")]


def test_a_package_made_before_the_choice_changed_is_not_released(shop: Shop) -> None:
    _, package = shop.prepared()
    choose(shop, package.id)
    with pytest.raises(NotFoundError, match="prepare it again"):
        shop.requests.release(shop.handler, package.id, "usb")
    _, _, record = prepared(shop, package.id)
    assert len(record["frames"]) == 1
    assert shop.requests.release(shop.handler, package.id, "usb").state == "released"
    with pytest.raises(TransitionNotAllowedError):
        choose(shop, package.id, CHOSEN + _STEP)


def test_where_others_are_masked_no_frame_of_the_original_goes_out(quick_shop: Shop) -> None:
    request = quick_shop.assessed(
        requester__type="data-subject", ground={"code": "GDPR 15"}, matter={}
    )
    with pytest.raises(GateNotMetError, match="masked"):
        choose(quick_shop, request)


def test_frames_are_chosen_by_who_handles_and_within_bounds(quick_shop: Shop) -> None:
    request = quick_shop.filed()
    with pytest.raises(TransitionNotAllowedError, match="assessed"):
        choose(quick_shop, request)
    request = quick_shop.approved()
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.choose_frame(quick_shop.staff, request, "kassa", CHOSEN)
    for number in range(MOST_FRAMES):
        choose(quick_shop, request, CHOSEN + number * _STEP / 2)
    with pytest.raises(InvalidInputError, match="at most"):
        choose(quick_shop, request, CHOSEN - _STEP)


def test_two_moments_of_one_picture_are_two_files(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    choose(quick_shop, request)
    choose(quick_shop, request, CHOSEN + timedelta(milliseconds=50))
    out, files, record = prepared(quick_shop, request)
    assert len({each["file"] for each in record["frames"]}) == 2
    assert len({files[each["file"]] for each in record["frames"]}) == 1
    assert verify_package(out, allow_simulated=True).sound


def test_no_picture_is_on_the_disk_in_the_clear(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    choose(quick_shop, request)
    quick_shop.requests.prepare(quick_shop.handler, request)
    held = [path.read_bytes() for path in quick_shop.folder.rglob("*") if path.is_file()]
    assert held
    assert not any(b"\x89PNG\r\n" in data for data in held)
