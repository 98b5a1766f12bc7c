"""A masked film comes through the page: declared, sealed as it comes, and only then handed over."""

import json
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cctv_vault.people.actors import Actor
from cctv_vault.vault import Vault
from tests.shop import film
from tests.web.conftest import Person, Screen, Shop

DECLARED = {"camera": "kassa", "masked_by": "Byrån AB", "how": "Ansikten pixlade."}


def to_mask(shop: Shop, **changes: str) -> str:
    """The page of an insurer's request that is assessed: others must be masked."""
    maria = shop.person("Maria")
    fields: dict[str, str | list[str]] = {
        "type": "insurer",
        "authority": "Försäkring AB",
        "ground": "GDPR 6.1 f",
        "number": "S-2026-1",
        "document": "Uppdrag 2026-02-28",
        "cameras": ["kassa"],
        "from-1": "2026-03-02T06:30:05",
        "to-1": "2026-03-02T06:30:25",
        "delivery": "usb",
    }
    filed = maria.post("/requests", **{**fields, **changes})
    page = filed.headers["location"].partition("?")[0]
    maria.post(f"{page}/verify", method="call-back", detail="växeln")
    window = {name: str(fields[name]) for name in ("from-1", "to-1")}
    assessed = maria.post(
        f"{page}/assess", facts="Skada.", necessity="Behövs.", cameras=["kassa"], **window
    )
    assert assessed.status_code == 303
    return page


def send(
    person: Person, page: str, data: bytes, token: str | None = None, **changes: str
) -> httpx.Response:
    """The form with a film."""
    fields = {"token": person.token if token is None else token, **DECLARED, **changes}
    files = {"file": ("maskad.mp4", data, "video/mp4")}
    return person.client.post(f"{page}/masked", data=fields, files=files)


def test_the_gate_shuts_without_a_masked_film_and_opens_with_one(
    shop: Shop, tmp_path: Path
) -> None:
    page = to_mask(shop)
    case = page.rpartition("/")[2]
    maria, petra = shop.person("Maria"), shop.person("Petra")
    shown = maria.get(page).text
    assert "masking is required and no masked version was supplied" in shown
    assert "Missing for: kassa." in shown
    assert petra.post(f"{page}/decide", answer="yes", reason="Ja.").status_code == 303
    shut = maria.post(f"{page}/prepare")
    assert shut.status_code == 409
    assert "masking is required and no masked version was supplied" in shut.text

    data = film(31, 20)
    assert send(maria, page, data).status_code == 303
    # It was not there to be decided on: the second person sees it first.
    assert maria.post(f"{page}/prepare").status_code == 409
    assert petra.post(f"{page}/decide", answer="yes", reason="Sedd.").status_code == 303

    shown = maria.get(page).text
    assert "There is a masked film for each camera." in shown
    assert "others in the picture are masked" in shown
    assert "Byrån AB" in shown
    assert maria.post(f"{page}/prepare").status_code == 303
    archive = tmp_path / "package.zip"
    archive.write_bytes(maria.get(f"{page}/package").content)
    with zipfile.ZipFile(archive) as package:
        assert package.read(f"{case}/data/masked/kassa-1.mp4") == data
        assert not [name for name in package.namelist() if "/originals/" in name]
        record = json.loads(package.read(f"{case}/data/record.json"))
    assert record["masked"][0]["masked_by"] == "Byrån AB"


def test_a_film_larger_than_a_form_is_sealed_as_it_comes_and_lies_nowhere_in_the_clear(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    page = to_mask(shop)
    unseen = os.urandom(20 * 1024 * 1024)
    data = film(36, 20) + struct.pack(">I4s", len(unseen) + 8, b"free") + unseen
    assert send(shop.person("Maria"), page, data).status_code == 303
    (kept,) = shop.vault.case_files.list(_petra(shop.vault), page.rpartition("/")[2])
    assert (kept.size, kept.camera, kept.name) == (len(data), "kassa", "maskad.mp4")
    assert list(tmp_path.iterdir()) == []


def test_without_a_declaration_or_a_film_nothing_is_taken(shop: Shop) -> None:
    page, maria = to_mask(shop), shop.person("Maria")
    good = film(32, 5)
    for data, changes in (
        (good, {"masked_by": " "}),
        (good, {"how": ""}),
        (good, {"camera": "entre"}),
        (b"%PDF-1.7 no film", {}),
        (b"", {}),
    ):
        refused = send(maria, page, data, **changes)
        assert refused.status_code == 422
        assert 'role="alert"' in refused.text
    assert 'value="Byrån AB"' in send(maria, page, good, camera="entre").text
    assert shop.vault.case_files.list(_petra(shop.vault), page.rpartition("/")[2]) == ()


def test_a_film_is_taken_from_who_handles_requests_and_from_our_own_form(shop: Shop) -> None:
    page, data = to_mask(shop), film(33, 5)
    assert send(shop.person("Bo"), page, data).status_code == 403
    maria = shop.person("Maria")
    for token in ("", "0" * 64):
        assert send(maria, page, data, token=token).status_code == 403
    with shop.stranger() as stranger:
        sent = stranger.post(f"{page}/masked", files={"file": ("m.mp4", data, "video/mp4")})
        assert sent.status_code == 303  # to sign in
    later: list[tuple[str, tuple[str | None, bytes, str]]] = [
        ("file", ("m.mp4", data, "video/mp4")),
        ("token", (None, maria.token.encode(), "text/plain")),
    ]
    assert maria.client.post(f"{page}/masked", files=later).status_code == 403
    assert maria.client.post(f"{page}/masked", data={"token": maria.token}).status_code == 415
    bad = maria.client.post(
        f"{page}/masked",
        content=b"no parts at all",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert bad.status_code == 400


def test_a_film_that_is_no_masked_one_is_refused_in_words(shop: Shop) -> None:
    page, maria = to_mask(shop), shop.person("Maria")
    refused = send(maria, page, film(37, 40))
    assert refused.status_code == 422
    assert "lasts 40 s and the time that is released 20 s" in refused.text
    assert 'value="Byrån AB"' in refused.text
    assert shop.vault.case_files.list(_petra(shop.vault), page.rpartition("/")[2]) == ()


def test_a_film_there_is_no_room_for_is_refused_before_it_is_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, maria = to_mask(shop), shop.person("Maria")
    reserve = shop.vault.settings.reserve_bytes
    monkeypatch.setattr(
        type(shop.vault.store), "free_bytes", lambda _store: reserve + 10 * 1024 * 1024
    )
    refused = send(maria, page, film(38, 20) + bytes(11 * 1024 * 1024))
    assert refused.status_code == 503
    assert "no room for this file" in refused.text


def test_a_film_that_breaks_off_leaves_nothing(shop: Shop) -> None:
    page, maria = to_mask(shop), shop.person("Maria")
    whole = httpx.Request(
        "POST",
        f"{shop.base}{page}/masked",
        data={"token": maria.token, **DECLARED},
        files={"file": ("m.mp4", film(34, 20), "video/mp4")},
    )
    body = whole.read()

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]

    kind = {"content-type": whole.headers["content-type"]}
    broken = maria.client.post(f"{page}/masked", content=half(), headers=kind)
    assert broken.status_code == 422
    assert "broke off" in broken.text
    assert shop.vault.case_files.list(_petra(shop.vault), page.rpartition("/")[2]) == ()


def test_the_form_is_accessible_and_fits_the_screen(screen: Screen, tmp_path: Path) -> None:
    path = to_mask(screen.shop)
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}{path}")
    screen.look(page, "request-to-mask")
    masked = tmp_path / "maskad.mp4"
    masked.write_bytes(film(35, 20))
    page.fill("#masked_by", "Byrån AB")
    page.fill("#how", "Ansikten pixlade.")
    page.set_input_files("#masked-file", masked)
    page.click("text=Försäkra och lämna in")
    page.wait_for_selector("text=Den maskade filmen är inlämnad.")
    screen.look(page, "request-masked")


def _petra(vault: Vault) -> Actor:
    return vault.people.asserted("Petra")
