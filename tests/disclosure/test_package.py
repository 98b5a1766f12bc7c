"""What goes into a package: real cameras' files bit for bit, clips, sound, clocks, gaps."""

import hashlib
import io
import json
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pypdf
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from cctv_vault.disclosure.bag import safe_name
from cctv_vault.disclosure.clockwords import clock_words
from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import AlreadyExistsError, DamagedError, InvalidInputError
from tests.shop import SYSTEM, film, picture, put

Shop = Any
SHOWN = datetime.fromisoformat("2026-03-01T14:00:00+01:00")
REAL = (
    "store-aisle_h264_aac_ct.mp4",
    "dahua-like_h264_one-by-one.dav",
    "stockroom_h264_g711a_ct.mkv",
    "faces-walking_hevc_ct.mp4",
    "faces-pause_mjpeg_g711u.avi",
    "hikvision-like_imkh_ps_h264.mp4",
)


def window(camera: str, start: datetime, seconds: float) -> dict[str, Any]:
    end = start + timedelta(seconds=seconds)
    return {"cameras": [camera], "from": start.isoformat(), "to": end.isoformat()}


def taken_in(shop: Shop, camera: str, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        put(shop.folder / "drop" / camera, name, data)
    outcomes = list(shop.vault.ingest.offer_all(SYSTEM, [shop.folder / "drop" / camera]))
    assert {each.outcome for each in outcomes} == {"sealed"}


def unzipped(path: Path | io.BytesIO) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of a package by their path in the bag, and its record."""
    with zipfile.ZipFile(path) as opened:
        files = {info.filename.partition("/")[2]: opened.read(info) for info in opened.infolist()}
    return files, json.loads(files["data/record.json"])


def add_camera(shop: Shop, code: str, **register: object) -> None:
    shop.vault.register.add_camera(SYSTEM, code, drop=shop.folder / "drop" / code, **register)


@pytest.mark.parametrize("name", REAL)
def test_a_real_cameras_file_goes_out_bit_for_bit_with_a_clip_that_plays(
    quick_shop: Shop, media: Path | None, name: str
) -> None:
    if media is None:
        pytest.skip("there are no real camera files here")
    source = media / "cctv" / name
    add_camera(quick_shop, "gang")
    taken_in(
        quick_shop, "gang", {f"gang_{SHOWN:%Y%m%d_%H%M%S}{source.suffix}": source.read_bytes()}
    )
    out, _ = quick_shop.prepared(footage=[window("gang", SHOWN + timedelta(seconds=1), 2)])

    assert verify_package(out, allow_simulated=True).sound
    files, record = unzipped(out)
    (recording,) = record["recordings"]
    assert files[recording["file"]] == source.read_bytes()
    (clip,) = record["clips"]
    with av.open(io.BytesIO(files[clip["file"]]), "r") as opened:
        assert next(opened.decode(video=0))
        assert not opened.streams.audio
    delivered = datetime.fromisoformat(clip["delivered_from"])
    assert delivered <= SHOWN + timedelta(seconds=1, milliseconds=200)


def test_a_still_goes_out_as_it_is_and_no_clip_is_made_of_it(quick_shop: Shop) -> None:
    add_camera(quick_shop, "gang")
    data = picture(7)
    taken_in(quick_shop, "gang", {f"gang_{SHOWN:%Y%m%d_%H%M%S}.jpg": data})
    out, prepared = quick_shop.prepared(footage=[window("gang", SHOWN, 10)])
    assert (prepared.originals, prepared.clips) == (1, 0)
    files, record = unzipped(out)
    assert files[record["recordings"][0]["file"]] == data
    assert "no video" in record["without_clip"][0]["reason"]
    assert verify_package(out, allow_simulated=True).sound


def test_sound_that_the_register_forbids_goes_out_only_by_a_decision_of_its_own(
    quick_shop: Shop,
) -> None:
    add_camera(quick_shop, "disk", sound="no")
    taken_in(quick_shop, "disk", {f"disk_{SHOWN:%Y%m%d_%H%M%S}.mp4": film(3, 8, sound=True)})
    asked = [window("disk", SHOWN, 4)]
    out, prepared = quick_shop.prepared(footage=asked)
    assert (prepared.originals, prepared.withheld, prepared.clips) == (0, 1, 1)
    _, record = unzipped(out)
    assert "sound" in record["withheld"][0]["reason"]
    found = verify_package(out, allow_simulated=True)
    assert found.sound
    assert any("original is not included" in each.sentence for each in found.findings)

    request = quick_shop.assessed(footage=asked)
    quick_shop.requests.decide(
        quick_shop.approver, request, approve=True, reason="Ljudet behövs.", sound=True
    )
    again = quick_shop.folder / "with-sound.zip"
    assert quick_shop.requests.prepare(quick_shop.handler, request, again).originals == 1
    assert verify_package(again, allow_simulated=True).sound


def test_a_clip_has_sound_only_where_the_register_says_yes(quick_shop: Shop) -> None:
    for code, sound in (("tyst", ""), ("ljud", "yes")):
        add_camera(quick_shop, code, sound=sound)
        name = f"{code}_{SHOWN:%Y%m%d_%H%M%S}.mp4"
        taken_in(quick_shop, code, {name: film(len(code) + len(sound), 8, sound=True)})
    out, _ = quick_shop.prepared(footage=[window("tyst", SHOWN, 4), window("ljud", SHOWN, 4)])
    files, record = unzipped(out)
    heard = {}
    for clip in record["clips"]:
        with av.open(io.BytesIO(files[clip["file"]]), "r") as opened:
            heard[clip["camera"]] = bool(opened.streams.audio)
    assert heard == {"tyst": False, "ljud": True}


def test_an_odd_name_is_made_safe_and_kept_verbatim_in_the_record(quick_shop: Shop) -> None:
    add_camera(quick_shop, "gang")
    name = f"Kassa #1 (å) {SHOWN:%Y%m%d_%H%M%S}'; rm -rf.mp4"
    taken_in(quick_shop, "gang", {name: film(1, 4)})
    out, _ = quick_shop.prepared(footage=[window("gang", SHOWN, 4)])
    _, record = unzipped(out)
    assert record["recordings"][0]["original_name"] == name
    assert verify_package(out, allow_simulated=True).sound


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.mp4", "a.mp4"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("CON.mp4", "_CON.mp4"),
        ("å ä.mp4", "å_ä.mp4"),
        ("...", "file"),
        ("x" * 300 + ".mp4", "x" * 100 + ".mp4"),
        ("rad\nbrytning.mp4", "rad_brytning.mp4"),
        ("\udcff.mp4", "_.mp4"),
    ],
)
def test_names_are_made_safe_for_every_system(name: str, safe: str) -> None:
    assert safe_name(name, set()) == safe


def test_two_files_of_one_name_do_not_hide_each_other() -> None:
    taken: set[str] = set()
    assert [safe_name(name, taken) for name in ("a.mp4", "A.mp4", "a.mp4")] == [
        *("a.mp4", "A-2.mp4", "a-3.mp4"),
    ]


def test_the_report_is_signed_with_the_certificate_the_log_began_with(quick_shop: Shop) -> None:
    out = quick_shop.folder / "p.zip"
    quick_shop.requests.prepare(quick_shop.handler, quick_shop.approved(), out)
    files, record = unzipped(out)
    signature = PdfFileReader(io.BytesIO(files["data/report.pdf"])).embedded_signatures[0]
    fingerprint = signature.signer_cert.sha256.hex()
    assert fingerprint == record["custody"]["document_certificate"]
    (founding,) = quick_shop.vault.log.entries(event="vault.created")
    assert founding.facts["document_certificate"] == fingerprint
    trusted = ValidationContext(trust_roots=[signature.signer_cert])
    assert validate_pdf_signature(signature, trusted).bottom_line


def test_gaps_are_told_with_their_cause(quick_shop: Shop) -> None:
    start = datetime.fromisoformat("2026-03-01T09:00:50+01:00")
    out, _ = quick_shop.prepared(footage=[window("kassa", start, 30)])
    _, record = unzipped(out)
    assert [(gap["from"], gap["cause"]) for gap in record["gaps"]] == [
        ("2026-03-01T08:01:00Z", "silent")
    ]


def test_a_camera_an_hour_behind_gives_the_right_minutes_and_says_what_the_picture_shows(
    quick_shop: Shop,
) -> None:
    add_camera(quick_shop, "sen")
    quick_shop.vault.register.measure_clock(
        SYSTEM, "sen", offset_s=-3600, uncertainty_s=2, measured_at=SHOWN.astimezone(UTC)
    )
    shown = SHOWN - timedelta(hours=1)
    taken_in(quick_shop, "sen", {f"sen_{shown:%Y%m%d_%H%M%S}.mp4": film(5, 20)})
    out, prepared = quick_shop.prepared(footage=[window("sen", SHOWN, 10)])
    assert (prepared.originals, prepared.clips) == (1, 1)
    _, record = unzipped(out)
    assert record["recordings"][0]["started_at"] == "2026-03-01T13:00:00Z"
    clock = record["cameras"][0]["clock"]
    assert "gick 1 tim efter rätt tid" in clock["sv"]
    assert "earlier than the true one" in clock["en"]


def test_a_time_read_off_the_picture_of_a_camera_an_hour_behind_gives_the_same_minutes(
    quick_shop: Shop,
) -> None:
    add_camera(quick_shop, "sen")
    quick_shop.vault.register.measure_clock(
        SYSTEM, "sen", offset_s=-3600, uncertainty_s=2, measured_at=SHOWN.astimezone(UTC)
    )
    shown = SHOWN - timedelta(hours=1)
    taken_in(quick_shop, "sen", {f"sen_{shown:%Y%m%d_%H%M%S}.mp4": film(5, 20)})
    out, prepared = quick_shop.prepared(footage=[{**window("sen", shown, 10), "clock": "picture"}])
    assert (prepared.originals, prepared.clips) == (1, 1)
    _, record = unzipped(out)
    assert record["recordings"][0]["started_at"] == "2026-03-01T13:00:00Z"


def test_a_clock_that_was_measured_afterwards_makes_no_time_a_corrected_one(
    quick_shop: Shop,
) -> None:
    quick_shop.vault.register.measure_clock(
        SYSTEM, "kassa", offset_s=-3600, uncertainty_s=2, measured_at=SHOWN.astimezone(UTC)
    )
    out, _ = quick_shop.prepared()
    _, record = unzipped(out)
    assert record["recordings"][0]["clock_offset_s"] == 0.0
    clock = record["cameras"][0]["clock"]
    assert "gick 1 tim efter rätt tid" in clock["sv"]
    assert "Tiderna i paketet är rättade" not in clock["sv"]
    assert "togs emot före mätningen är inte rättade" in clock["sv"]
    assert "visar de vad som hände 1 tim senare än tiden anger" in clock["sv"]
    assert "are corrected" not in clock["en"]
    assert "what happened 1 h later than the time says" in clock["en"]


@pytest.mark.parametrize(
    ("offset", "taken_off", "says"),
    [
        (-3600.0, {-3600.0}, "Times in this package are corrected: the time in the picture is 1 h"),
        (-3600.0, {-3601.0}, "Times in this package are corrected"),
        (-3600.0, {0.0, -3600.0}, "Times of what was taken in after that are corrected"),
        (0.0, {-3600.0}, "before the measurement were corrected by an earlier one, 1 h slow"),
        (0.0, {-3600.0}, "what happened 1 h earlier than the time says"),
        (0.0, {0.0}, "was right within 2 s"),
    ],
)
def test_what_was_taken_off_a_time_is_told_and_not_what_is_known_since(
    offset: float, taken_off: set[float], says: str
) -> None:
    measured = SHOWN.astimezone(UTC)
    assert says in clock_words(offset, 2.0, measured, "Europe/Stockholm", taken_off).en


@pytest.mark.parametrize(
    ("offset", "uncertainty", "says"),
    [
        (0.0, None, "has not been measured"),
        (0.4, 1.0, "right within 1 s"),
        (-3600.0, 2.0, "1 h slow, ± 2 s"),
        (754.0, 2.0, "12 min 34 s fast"),
    ],
)
def test_a_clock_is_described_in_words(offset: float, uncertainty: float | None, says: str) -> None:
    measured = None if uncertainty is None else SHOWN.astimezone(UTC)
    assert says in clock_words(offset, uncertainty, measured, "Europe/Stockholm").en


def test_no_plain_byte_of_a_package_lies_in_the_vault(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    sealed = quick_shop.requests.prepare(quick_shop.handler, request)
    out = io.BytesIO()
    quick_shop.requests.prepare(quick_shop.handler, request, out)
    assert hashlib.sha256(out.getvalue()).digest() != sealed.sha256
    files, _ = unzipped(io.BytesIO(out.getvalue()))
    footage = [data for path, data in files.items() if path.endswith((".mp4", ".pdf"))]
    fragments = [data[at : at + 64] for data in footage for at in range(0, len(data) - 64, 1024)]
    assert len(fragments) > 30
    for path in (quick_shop.folder / "home").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(fragment in data for fragment in fragments), path


def test_a_clip_of_many_recordings_has_few_of_them_open_at_once(
    quick_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = SHOWN.replace(hour=9)
    add_camera(quick_shop, "gang")
    starts = [start + timedelta(seconds=4 * number) for number in range(8)]
    films = {f"gang_{at:%Y%m%d_%H%M%S}.mp4": film(n, 4) for n, at in enumerate(starts)}
    taken_in(quick_shop, "gang", films)
    access = quick_shop.requests._packaging._access
    opened: list[Any] = []
    most = 0

    def open_internal(recording: str, **named: Any) -> Any:  # noqa: ANN401
        nonlocal most
        opened.append(real(recording, **named))
        most = max(most, sum(1 for each in opened if not each.closed))
        return opened[-1]

    real = access.open_internal
    monkeypatch.setattr(access, "open_internal", open_internal)
    out, _ = quick_shop.prepared(footage=[window("gang", start, 32)])
    _, record = unzipped(out)
    assert len(record["clips"][0]["recordings"]) == len(films)
    assert 0 < most <= 5
    assert all(each.closed for each in opened)
    assert verify_package(out, allow_simulated=True).sound


def test_a_file_that_is_there_is_not_replaced(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    out = put(quick_shop.folder, "package.zip", b"mine")
    with pytest.raises(AlreadyExistsError):
        quick_shop.requests.prepare(quick_shop.handler, request, out)
    assert out.read_bytes() == b"mine"
    with pytest.raises(InvalidInputError):
        quick_shop.requests.prepare(quick_shop.handler, request, quick_shop.folder / "no" / "p.zip")
    assert quick_shop.requests.show(quick_shop.officer, request).state == "approved"


def test_damaged_footage_makes_no_package_and_leaves_nothing(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    recording = next(
        each
        for each in quick_shop.vault.catalogue.list(quick_shop.handler)
        if each.camera == "kassa"
    )
    blob = quick_shop.folder / "home" / "blobs" / recording.id[:2] / recording.id / "original"
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(data)
    with pytest.raises(DamagedError):
        quick_shop.requests.prepare(quick_shop.handler, request, quick_shop.folder / "p.zip")
    assert not (quick_shop.folder / "p.zip").exists()
    assert not list((quick_shop.folder / "home" / "blobs").rglob("package*"))
    assert quick_shop.requests.show(quick_shop.officer, request).state == "approved"


def test_what_a_process_that_died_left_of_a_package_is_removed_at_a_later_start(
    quick_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = quick_shop.approved()
    packaging = quick_shop.requests._packaging
    monkeypatch.setattr(packaging, "keep", _die)
    monkeypatch.setattr(packaging, "discard", lambda _package: None)
    with pytest.raises(KeyboardInterrupt):
        quick_shop.requests.prepare(quick_shop.handler, request)
    monkeypatch.undo()
    blobs = quick_shop.folder / "home" / "blobs"
    assert list(blobs.rglob("package"))
    quick_shop.requests.resume()
    assert list(blobs.rglob("package"))  # it may be another process that is making it now
    quick_shop.pass_time(hours=7)
    quick_shop.requests.resume()
    assert not list(blobs.rglob("package"))


def _die(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_package_whose_key_ended_cannot_be_opened_from_a_copy_of_the_home(
    quick_shop: Shop,
) -> None:
    request = quick_shop.approved()
    quick_shop.requests.prepare(quick_shop.handler, request)
    quick_shop.requests.withdraw(quick_shop.handler, request, "Behövs inte.")
    with pytest.raises(Exception, match="only what is prepared"):
        quick_shop.requests.open_package(quick_shop.handler, request)
    shutil.copytree(quick_shop.folder / "home", quick_shop.folder / "copy")
    report = quick_shop.vault.sweeper.run(SYSTEM)
    assert report.keys_destroyed > 0
    assert not list((quick_shop.folder / "home" / "blobs").rglob("package"))


def test_what_had_been_destroyed_is_told_with_its_certificates_entry_and_proof(
    shop: Shop,
) -> None:
    early = datetime.fromisoformat("2026-02-27T09:00:00+01:00")
    add_camera(shop, "gang")
    taken_in(
        shop,
        "gang",
        {f"gang_{at:%Y%m%d_%H%M%S}.mp4": film(at.day, 10) for at in (early, SHOWN)},
    )
    shop.pass_time(hours=2)
    certificate = shop.vault.sweeper.run(SYSTEM).certificate_id
    out, _ = shop.prepared(footage=[window("gang", early, 10), window("gang", SHOWN, 10)])
    files, record = unzipped(out)
    assert record["destroyed"] == {"recordings": 1, "certificates": [certificate]}
    assert [gap["cause"] for gap in record["gaps"]] == ["expired"]
    verdict = verify_package(out, allow_simulated=True)
    assert verdict.sound, verdict.findings
    (said,) = [each for each in verdict.findings if each.code == "certificate-ok"]
    assert said.facts["certificate"] == certificate
    entry = json.loads(files[f"data/custody/entries/{said.facts['index']}.json"])
    assert (entry["event"], entry["subject"]) == ("certificate.issued", certificate)
    pages = pypdf.PdfReader(io.BytesIO(files["data/report.pdf"])).pages
    assert certificate in "".join(page.extract_text() for page in pages)
