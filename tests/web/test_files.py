"""Files that forms bring, and letters that pages give: kept by the browser, shown by no page."""

import tempfile
from typing import Any

import httpx
import pytest

from tests.web.conftest import Shop
from tests.web.test_portal import file

PDF = b"%PDF-1.7\n" + b"1 0 obj <</JS (app.alert(1))>> endobj\n" + bytes(2 * 1024 * 1024)


@pytest.fixture
def no_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lays a file down in the clear fails the test."""

    def refuse(*_words: Any, **_named: Any) -> None:  # noqa: ANN401
        pytest.fail("a plaintext was laid down in a temporary file")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)


@pytest.mark.usefixtures("no_temporary_files")
def test_a_stranger_attaches_an_order_and_staff_get_it_as_a_file(shop: Shop) -> None:
    with shop.portal() as portal:
        reference, code = file(portal)
        sent = {"reference": reference, "code": code}
        page = portal.post("/handlingar", data=sent, files={"file": ("beslut.pdf", PDF)})
        assert page.status_code == 201
        assert "sealed" in page.text
        wrong = portal.post("/handlingar", data=sent, files={"file": ("x.pdf", b"<html>")})
        assert wrong.status_code == 422
        sent["code"] = "WRONGCOD"
        other = portal.post("/handlingar", data=sent, files={"file": ("x.pdf", PDF)})
        assert other.status_code == 404
    maria = shop.person("Maria")
    assert "beslut.pdf" in maria.get(f"/requests/{reference}").text
    (found,) = shop.vault.case_files.list(shop_actor(shop), reference)
    answer = maria.get(f"/requests/{reference}/files/{found.id}")
    assert answer.content == PDF
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert shop.person("Rut").get(f"/requests/{reference}/files/{found.id}").status_code == 403


def shop_actor(shop: Shop) -> Any:  # noqa: ANN401
    return shop.vault.people.asserted("Maria")


def test_staff_attach_what_came_by_mail_and_only_from_a_page_of_theirs(shop: Shop) -> None:
    with shop.portal() as portal:
        reference, _ = file(portal)
    maria = shop.person("Maria")

    def send(token: str) -> httpx.Response:
        return maria.client.post(
            f"/requests/{reference}/documents",
            data={"token": token},
            files={"file": ("fullmakt.pdf", PDF)},
        )

    assert send("0" * 64).status_code == 403
    assert send(maria.token).status_code == 303
    assert "fullmakt.pdf" in maria.get(f"/requests/{reference}").text
    plain = maria.post(f"/requests/{reference}/documents", file="x")
    assert plain.status_code == 415


def test_letters_are_given_as_files_to_who_reads_requests(shop: Shop) -> None:
    with shop.portal() as portal:
        reference, code = file(portal)
        receipt = portal.post("/mottagningsbevis", data={"reference": reference, "code": code})
        assert receipt.content.startswith(b"%PDF-")
        assert receipt.headers["content-disposition"].startswith("attachment;")
        wrong = portal.post("/mottagningsbevis", data={"reference": reference, "code": "X"})
        assert wrong.status_code == 404
    letter = shop.person("Petra").get(f"/requests/{reference}/letters/receipt.pdf")
    assert letter.content.startswith(b"%PDF-")
    for kind, status in (("refusal", 409), ("love", 422)):
        got = shop.person("Petra").get(f"/requests/{reference}/letters/{kind}.pdf")
        assert got.status_code == status
    assert shop.person("Rut").get(f"/requests/{reference}/letters/receipt.pdf").status_code == 403
