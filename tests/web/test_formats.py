"""Whatever a camera's pictures are coded in, the page plays them in a real browser."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.shop import SYSTEM
from tests.web.conftest import Screen, until

VIDEO = "document.querySelector('video')"
FILMS = {
    "hevc": "faces-walking_hevc_ct.mp4",
    "mpeg2": "forecourt_mpeg2_ps_interlaced.mpg",
    "mjpeg": "faces-pause_mjpeg_g711u.avi",
    "dav": "dahua-like_h264_one-by-one.dav",
    "ps": "hikvision-like_imkh_ps_h264.mp4",
}
# Of what the page shows, the brightness of its pixels: a black or grey area is no picture.
_SPREAD = f"""(() => {{
  const canvas = document.createElement("canvas");
  canvas.width = 64; canvas.height = 36;
  const drawn = canvas.getContext("2d");
  drawn.drawImage({VIDEO}, 0, 0, 64, 36);
  const green = drawn.getImageData(0, 0, 64, 36).data.filter((_, place) => place % 4 === 1);
  return Math.max(...green) - Math.min(...green);
}})()"""


@pytest.mark.parametrize("screen", ["desk"], indirect=True)
@pytest.mark.parametrize("name", FILMS)
def test_a_film_of_every_coding_plays_on_its_page(
    screen: Screen, media: Path | None, tmp_path: Path, name: str
) -> None:
    if media is None:
        pytest.skip("there are no real camera files here")
    vault, camera = screen.shop.vault, f"{name}-{screen.name}"
    source = media / "cctv" / FILMS[name]
    vault.register.add_camera(SYSTEM, camera, drop=tmp_path / "drop", name=camera, view="-")
    began = datetime(2026, 3, 2, 4, tzinfo=UTC)
    local = began.astimezone(ZoneInfo(vault.zone))
    film = tmp_path / "drop" / f"{local:%Y%m%d_%H%M%S}_A{source.suffix}"
    film.write_bytes(source.read_bytes())
    (sealed,) = vault.ingest.offer_all(SYSTEM, [film], camera=camera)
    assert sealed.outcome == "sealed", sealed.reason

    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}/footage/{sealed.recording}?t=0")
    page.fill("#reason", "to see it")
    page.click("main form button")
    page.wait_for_selector("video", timeout=120_000)  # some are coded anew first
    until(page, f"{VIDEO}.readyState >= 3")
    page.evaluate(f"{VIDEO}.play()")
    until(page, f"{VIDEO}.currentTime > 1")
    page.evaluate(f"{VIDEO}.pause()")

    assert page.evaluate(f"{VIDEO}.videoWidth") > 0
    assert page.evaluate(_SPREAD) > 60
    until(page, f"{VIDEO}.duration > 2")
    screen.look(page, f"plays-{name}")
