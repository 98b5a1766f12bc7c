"""The files of a request: what they are by their own bytes, sealed, and gone with the case."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from sqlmodel import select

from cctv_vault.check import check_vault
from cctv_vault.disclosure.casefiles import MOST_DOCUMENT, Declaration
from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import (
    AccessDeniedError,
    ExpiredError,
    GateNotMetError,
    IntakeStoppedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import PORTAL_ACTOR, Role
from cctv_vault.schema import CaseFile, Intent
from tests.disclosure.conftest import BLURRED
from tests.shop import SYSTEM, film, person, picture

Shop = Any
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
INSURER: dict[str, Any] = {
    "requester__type": "insurer",
    "ground__code": "GDPR 6.1 f",
    "matter__number": "skada 17",
}


def added(shop: Shop, request: str, data: bytes = PDF, name: str = "order.pdf") -> Any:  # noqa: ANN401
    return shop.vault.case_files.add(shop.handler, request, name, io.BytesIO(data))


def test_an_order_is_sealed_with_the_case_and_comes_back_bit_for_bit(shop: Shop) -> None:
    request = shop.filed(**INSURER)
    assert not point(shop, request, "document")
    file = added(shop, request)
    assert (file.media_type, file.size, file.name) == ("application/pdf", len(PDF), "order.pdf")
    assert point(shop, request, "document")
    blobs = [path for path in (shop.folder / "home").rglob("*") if path.is_file()]
    assert not any(b"endobj" in path.read_bytes() for path in blobs)
    collected = shop.vault.case_files.open(shop.officer, request, file.id)
    with collected.reader as reader:
        assert reader.read() == PDF
    assert collected.name.endswith(".pdf")
    assert shop.events(request)[-2:] == ["request.file-added", "request.file-read"]
    (entry,) = shop.vault.log.entries(event="request.file-added")
    assert entry.facts["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert "order.pdf" not in json.dumps(entry.facts)
    assert not [each for each in check_vault(shop.vault).findings if each.level == "broken"]


def point(shop: Shop, request: str, code: str) -> bool:
    detail = shop.requests.show(shop.officer, request)
    return next(bool(each.met) for each in detail.checklist if each.code == code)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "a PDF, a JPEG or a PNG"),
        (b"MZ\x90\x00 not a document", "a PDF, a JPEG or a PNG"),
        (b"<html><script>alert(1)</script>", "a PDF, a JPEG or a PNG"),
        (b"GIF89a" + PDF, "a PDF, a JPEG or a PNG"),
        (b"%PDF-1.7" + bytes(MOST_DOCUMENT), "more than 10 MiB"),
    ],
)
def test_what_is_no_document_or_too_large_is_refused_whatever_it_is_called(
    quick_shop: Shop, data: bytes, says: str
) -> None:
    request = quick_shop.filed()
    before = sorted((quick_shop.folder / "home").rglob("*"))
    with pytest.raises(InvalidInputError, match=says):
        added(quick_shop, request, data)
    assert quick_shop.vault.case_files.list(quick_shop.officer, request) == ()
    assert quick_shop.refusals() == ["invalid-input"]
    after = sorted((quick_shop.folder / "home").rglob("*"))
    assert {each for each in after if "blobs" in each.parts} <= set(before)


def test_a_picture_of_an_order_will_do(quick_shop: Shop) -> None:
    request = quick_shop.filed()
    kinds = [added(quick_shop, request, data).media_type for data in (PNG, picture(1))]
    assert kinds == ["image/png", "image/jpeg"]


def test_a_stranger_adds_with_reference_and_code_and_only_a_few(shop: Shop) -> None:
    filed = shop.requests.file(PORTAL_ACTOR, shop.body(**INSURER, footage=[BODY]))
    files = shop.vault.case_files
    for reference, code in ((filed.id, "WRONGCOD"), ("B-NOTTHERE", filed.code)):
        with pytest.raises(NotFoundError):
            files.add_with_code(reference, code, "a.pdf", io.BytesIO(PDF))
    for _ in range(3):
        files.add_with_code(filed.id, filed.code, "../../a\n.pdf", io.BytesIO(PDF))
    with pytest.raises(TransitionNotAllowedError, match="takes no more"):
        files.add_with_code(filed.id, filed.code, "a.pdf", io.BytesIO(PDF))
    assert {each.name for each in files.list(shop.officer, filed.id)} == {"a.pdf"}


BODY = {"from": "2026-03-01T09:00:05+01:00", "to": "2026-03-01T09:00:30+01:00"}


def test_files_end_with_the_case_and_no_sweep_leaves_them_readable(shop: Shop) -> None:
    request = shop.filed()
    file = added(shop, request)
    name = f"{file.id[:2]}/{file.id}/case-file"
    assert shop.vault.store.exists(name)
    shop.requests.withdraw(shop.handler, request, "Behövs inte.")
    shop.pass_time(days=29)
    shop.vault.sweeper.run(SYSTEM)
    assert shop.vault.case_files.list(shop.officer, request)
    shop.requests.close(shop.handler, request, "Klart.")
    with pytest.raises(ExpiredError):
        shop.vault.case_files.open(shop.officer, request, file.id)
    shop.vault.sweeper.run(SYSTEM)
    assert not shop.vault.store.exists(name)
    assert not [each for each in check_vault(shop.vault).findings if each.level == "broken"]


def test_the_files_of_one_case_outlive_the_end_of_another(shop: Shop) -> None:
    first, second = shop.filed(), shop.filed()
    added(shop, first)
    kept = added(shop, second)
    shop.requests.withdraw(shop.handler, first, "Behövs inte.")
    shop.requests.close(shop.handler, first, "Klart.")
    shop.vault.sweeper.run(SYSTEM)
    with shop.vault.case_files.open(shop.officer, second, kept.id).reader as reader:
        assert reader.read() == PDF


def test_who_may_not_know_of_a_case_does_not_know_of_its_files(quick_shop: Shop) -> None:
    cleared = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
    body = quick_shop.body(requester__type="preservation-order", ground__code="RB 27:16 a")
    order = quick_shop.requests.file(cleared, body).id
    file = quick_shop.vault.case_files.add(cleared, order, "a.pdf", io.BytesIO(PDF))
    with pytest.raises(NotFoundError):
        quick_shop.vault.case_files.open(quick_shop.officer, order, file.id)
    with pytest.raises(NotFoundError):
        quick_shop.vault.case_files.list(quick_shop.officer, order)
    with pytest.raises(NotFoundError):
        added(quick_shop, order)
    mine = quick_shop.filed()
    with pytest.raises(NotFoundError):
        quick_shop.vault.case_files.open(quick_shop.officer, mine, file.id)
    for actor in (quick_shop.staff, person(Role.AUDITOR)):
        with pytest.raises(AccessDeniedError):
            quick_shop.vault.case_files.open(actor, mine, file.id)


# --- masked films -----------------------------------------------------------------------------


def _assessed(shop: Shop) -> str:
    request = str(shop.filed(**INSURER, ground__document="uppdrag"))
    shop.requests.verify(shop.handler, request, "signed-order", "uppdraget läst")
    shop.requests.assess(shop.handler, request, "Skada.", "Behövs.")
    return request


def test_a_masked_film_opens_the_gate_and_alone_is_handed_over(shop: Shop, tmp_path: Path) -> None:
    request = _assessed(shop)
    shop.requests.decide(shop.officer, request, approve=True, reason="Behövs.")
    out = tmp_path / "p.zip"
    with pytest.raises(GateNotMetError, match="no masked version was supplied"):
        shop.requests.prepare(shop.handler, request, out)
    assert not point(shop, request, "masking")
    data = shop.masked(request)
    assert point(shop, request, "masking")
    shop.requests.decide(shop.officer, request, approve=True, reason="Filmen är sedd.")

    made = shop.requests.prepare(shop.handler, request, out)

    assert (made.originals, made.clips, made.withheld) == (0, 0, 2)
    verdict = verify_package(out, key=shop.vault.log.vkey, allow_simulated=True)
    assert verdict.sound, [each.sentence for each in verdict.findings if each.level == "bad"]
    with zipfile.ZipFile(out) as package:
        names = [each.partition("/")[2] for each in package.namelist()]
        media = [each for each in names if each.endswith((".mp4", ".jpg", ".mkv"))]
        assert media == ["data/masked/kassa-1.mp4"]
        assert package.read(f"{request}/data/masked/kassa-1.mp4") == data
        record = json.loads(package.read(f"{request}/data/record.json"))
    (masked,) = record["masked"]
    assert masked["sha256"] == hashlib.sha256(data).hexdigest()
    assert (masked["masked_by"], masked["how"]) == (BLURRED.masked_by, BLURRED.how)
    assert len(masked["made_from"]) == 2
    shop.requests.release(shop.handler, request, "usb")


def test_the_second_person_decides_on_the_very_film_that_is_handed_over(
    shop: Shop, tmp_path: Path
) -> None:
    request = _assessed(shop)
    first = hashlib.sha256(shop.masked(request)).hexdigest()
    # Whoever supplied it had a part in what is decided.
    supplier = person(Role.PRIVACY_OFFICER, name="Maja")
    with pytest.raises(AccessDeniedError):
        shop.requests.decide(supplier, request, approve=True, reason="Min egen.")
    shop.requests.decide(shop.officer, request, approve=True, reason="Filmen är sedd.")
    (approved,) = shop.vault.log.entries(event="request.approved")
    assert approved.facts["masked"] == [first]
    shop.requests.prepare(shop.handler, request)

    second = hashlib.sha256(shop.masked(request, number=98)).hexdigest()

    # It stands before the second person again, and the package of what they saw is gone.
    shown = shop.requests.show(shop.officer, request)
    assert (shown.state, shown.decision) == ("assessed", None)
    told = " ".join(line.en for line in shown.history)
    assert "the decision is made anew: a masked film came after it" in told
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.release(shop.handler, request, "usb")
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.open_package(shop.handler, request)
    shop.requests.decide(shop.officer, request, approve=True, reason="Båda är sedda.")
    *_, again = shop.vault.log.entries(event="request.approved")
    assert again.facts["masked"] == sorted([first, second])
    shop.requests.prepare(shop.handler, request, tmp_path / "p.zip")


def test_a_film_swapped_behind_the_decision_is_not_what_was_decided_on(quick_shop: Shop) -> None:
    request = _assessed(quick_shop)
    quick_shop.masked(request)
    quick_shop.requests.decide(quick_shop.officer, request, approve=True, reason="Sedd.")
    assert point(quick_shop, request, "masking")
    with quick_shop.vault.database.write() as session:
        row = session.exec(select(CaseFile).where(CaseFile.kind == "masked")).one()
        row.sha256 = bytes(32)
        session.add(row)
    assert not point(quick_shop, request, "masking")
    with pytest.raises(GateNotMetError, match="masked"):
        quick_shop.requests.prepare(quick_shop.handler, request)


def _mp4(*, seconds: float = 25, size: tuple[int, int] = (64, 48), sound: bool = False) -> bytes:
    if size == (64, 48):
        return film(97, seconds, sound=sound)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=5, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(round(seconds * 5)):
            pixels = np.full((size[1], size[0], 3), index % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_mp4(seconds=60), "lasts 60 s and the time that is released 25 s"),
        (_mp4(seconds=10), "lasts 10 s"),
        (_mp4(size=(128, 96)), "128 × 96 pixels .* 64 × 48"),
        (_mp4(size=(48, 48)), "48 × 48 pixels"),
        (_mp4(sound=True), "sound"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(4096), "cannot be read as a film"),
    ],
    ids=["longer", "shorter", "larger", "cropped", "sound", "nothing"],
)
def test_a_film_that_cannot_be_of_the_time_released_is_refused_and_leaves_nothing(
    quick_shop: Shop, data: bytes, says: str
) -> None:
    request = _assessed(quick_shop)
    before = set(quick_shop.vault.store.names())
    with pytest.raises(InvalidInputError, match=says):
        quick_shop.vault.case_files.add_masked(
            quick_shop.handler, request, "m.mp4", io.BytesIO(data), BLURRED
        )
    assert set(quick_shop.vault.store.names()) == before
    assert not point(quick_shop, request, "masking")
    assert quick_shop.refusals() == ["invalid-input"]
    with quick_shop.vault.database.read() as session:
        assert session.exec(select(Intent)).all() == []


def test_a_smaller_film_of_the_same_shape_and_a_cut_at_a_key_frame_are_taken(
    quick_shop: Shop,
) -> None:
    request = _assessed(quick_shop)
    for data in (_mp4(size=(32, 24)), _mp4(seconds=28)):
        quick_shop.vault.case_files.add_masked(
            quick_shop.handler, request, "m.mp4", io.BytesIO(data), BLURRED
        )
    assert point(quick_shop, request, "masking")


def test_no_file_takes_of_the_room_that_is_kept_for_footage(
    quick_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = _assessed(quick_shop)
    files, reserve = quick_shop.vault.case_files, quick_shop.vault.settings.reserve_bytes
    free = reserve + 40 * 1024 * 1024
    monkeypatch.setattr(type(quick_shop.vault.store), "free_bytes", lambda _store: free)

    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError(size)

    with pytest.raises(IntakeStoppedError, match="no room for this file"):
        files.add_masked(
            quick_shop.handler, request, "m.mp4", Unread(), BLURRED, size=41 * 1024 * 1024
        )
    before = set(quick_shop.vault.store.names())
    sent = io.BytesIO(film(1, 5) + bytes(64 * 1024 * 1024))

    def filling(_store: object) -> int:
        return int(free - sent.tell())

    monkeypatch.setattr(type(quick_shop.vault.store), "free_bytes", filling)
    with pytest.raises(IntakeStoppedError, match="no room for this file"):
        files.add_masked(quick_shop.handler, request, "m.mp4", sent, BLURRED)
    assert sent.tell() < 64 * 1024 * 1024
    assert set(quick_shop.vault.store.names()) == before
    monkeypatch.setattr(type(quick_shop.vault.store), "free_bytes", lambda _store: reserve)
    with pytest.raises(IntakeStoppedError):
        added(quick_shop, request)
    assert set(quick_shop.refusals()) == {"intake-stopped"}


def test_a_masked_film_is_of_each_camera_needed_and_of_no_other(quick_shop: Shop) -> None:
    both = [{"cameras": ["kassa", "entre"], **BODY}]
    request = quick_shop.filed(**INSURER, ground__document="uppdrag", footage=both)
    early = Declaration("kassa", "Byrån", "pixlat")
    with pytest.raises(TransitionNotAllowedError, match="assess first"):
        quick_shop.masked(request, early)
    quick_shop.requests.verify(quick_shop.handler, request, "signed-order", "läst")
    quick_shop.requests.assess(quick_shop.handler, request, "Skada.", "Behövs.")
    with pytest.raises(InvalidInputError, match="one of those needed: entre, kassa"):
        quick_shop.masked(request, Declaration("lager", "Byrån", "pixlat"))
    quick_shop.masked(request)
    assert not point(quick_shop, request, "masking")
    quick_shop.masked(request, Declaration("entre", "Byrån", "pixlat"))
    assert point(quick_shop, request, "masking")


def test_without_saying_who_and_how_nothing_is_masked(quick_shop: Shop) -> None:
    request = _assessed(quick_shop)
    for declared in (Declaration("kassa", " ", "pixlat"), Declaration("kassa", "Byrån", "")):
        with pytest.raises(InvalidInputError, match="must not be empty"):
            quick_shop.masked(request, declared)
    with pytest.raises(InvalidInputError, match="MP4"):
        quick_shop.vault.case_files.add_masked(
            quick_shop.handler, request, "m.mp4", io.BytesIO(PDF), BLURRED
        )
    with pytest.raises(AccessDeniedError):
        quick_shop.vault.case_files.add_masked(
            quick_shop.approver, request, "m.mp4", io.BytesIO(film(1, 1)), BLURRED
        )
    assert not point(quick_shop, request, "masking")


def test_assessing_anew_asks_for_a_masked_film_anew(quick_shop: Shop) -> None:
    request = _assessed(quick_shop)
    quick_shop.masked(request)
    less = [{"cameras": ["kassa"], **BODY, "to": "2026-03-01T09:00:10+01:00"}]
    quick_shop.requests.assess(quick_shop.handler, request, "Skada.", "Mindre.", footage=less)
    assert not point(quick_shop, request, "masking")


def test_a_masked_film_where_nobody_must_be_masked_changes_nothing(
    quick_shop: Shop, tmp_path: Path
) -> None:
    request = quick_shop.approved()
    quick_shop.masked(request)
    assert quick_shop.requests.prepare(quick_shop.handler, request, tmp_path / "p.zip").originals
