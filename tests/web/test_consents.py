"""The pages on consent: a photograph from its people to its publication, and back out again."""

import re
import secrets
from pathlib import Path

import pytest

from tests.shop import SYSTEM, picture, put
from tests.web.conftest import ROLES, Shop

PLACE = "https://butiken.se/kurser"


@pytest.fixture
def photograph(shop: Shop, tmp_path: Path) -> str:
    """A new course photograph in the shop that all tests of this process share."""
    if "kurs" not in {each.code for each in shop.vault.register.cameras(SYSTEM)}:
        shop.vault.register.add_camera(SYSTEM, "kurs", drop=tmp_path / "d", origin="production")
    known = {each.id for each in shop.vault.catalogue.list(SYSTEM, cameras=("kurs",))}
    another = int.from_bytes(secrets.token_bytes(3))
    path = put(tmp_path, "20260302_070000.jpg", picture(another))
    assert shop.vault.ingest.offer(SYSTEM, path, camera="kurs").outcome == "sealed"
    return next(
        each.id
        for each in shop.vault.catalogue.list(SYSTEM, cameras=("kurs",))
        if each.id not in known
    )


@pytest.mark.parametrize("name", ROLES)
def test_only_who_reads_registers_sees_consents(shop: Shop, photograph: str, name: str) -> None:
    wanted = 200 if name in {"Maria", "Bo", "Petra", "Dag", "Rut"} else 403
    assert shop.person(name).get("/consents").status_code == wanted
    assert shop.person(name).get(f"/consents/items/{photograph}").status_code == wanted


def test_a_photograph_is_declared_agreed_to_published_withdrawn_and_taken_down(
    shop: Shop, photograph: str
) -> None:
    maria, petra = shop.person("Maria"), shop.person("Petra")
    assert petra.post("/consents/text", document="Jag samtycker till …").status_code == 303
    added = maria.post("/consents/people", name="Anna Exempel", contact="070-000 00 00")
    person = added.headers["location"].partition("?")[0]
    subject, item = person.rpartition("/")[2], f"/consents/items/{photograph}"
    assert maria.post(f"{item}/people", people=["nobody", subject]).status_code == 422
    assert maria.post(f"{item}/people", people=[subject]).status_code == 303
    page = maria.get(item).text
    assert "Anna Exempel" in page
    assert f"{item}/publish" not in page
    given = {"subject": subject, "channels": "website", "method": "signed", "evidence": "pärm 3"}
    assert maria.post(f"{item}/give", **given).status_code == 303
    assert f"{item}/publish" in maria.get(item).text
    published = maria.post(f"{item}/publish", channel="website", place=PLACE)
    assert published.status_code == 303
    assert maria.get(f"/footage/{photograph}/thumbnail").status_code == 200

    assert maria.post(f"{item}/copy", channel="print").status_code == 409
    copy = maria.post(f"{item}/copy", channel="website")
    assert copy.headers["content-disposition"] == f'attachment; filename="{photograph}.jpg"'
    assert copy.content[:2] == b"\xff\xd8"
    assert "/consents/copies/" not in maria.get("/consents").text

    assert maria.get(person).status_code == 200
    assert maria.post(f"{person}/withdraw").headers["location"].startswith("/consents?")
    assert maria.get(f"/footage/{photograph}/thumbnail").status_code == 410
    page = maria.get("/consents").text
    assert PLACE in page
    (destroyed,) = re.findall(r'action="(/consents/copies/[^"]+)"', page)
    assert maria.client.post(destroyed).status_code == 403  # without the form's token
    assert maria.post(destroyed).status_code == 303
    (down,) = re.findall(r'action="(/consents/publications/[^"]+)"', page)
    assert maria.post(down, how="borttagen ur publiceringsverktyget").status_code == 303
    assert PLACE not in maria.get("/consents").text
    assert "borttagen" in maria.get(item).text


def test_footage_of_surveillance_has_no_page_here(shop: Shop, photograph: str) -> None:
    petra = shop.person("Petra")
    still = next(shop.vault.catalogue.list(SYSTEM, cameras=("entre",), kind="still")).id
    assert petra.get(f"/consents/items/{still}").status_code == 403
    for act in ("people", "publish", "give", "copy"):
        fields = {"people": "nobody", "channel": "website", "place": PLACE, "channels": "website"}
        assert petra.post(f"/consents/items/{still}/{act}", **fields).status_code in {403, 404}
    assert photograph in petra.get("/consents").text
    assert still not in petra.get("/consents").text
