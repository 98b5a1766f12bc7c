"""The page of the retention policy: a version is shown with what it does before it is published."""

import re

from tests.shop import MANAGER
from tests.web.conftest import Shop

_SEEN = re.compile(r'name="seen" value="([0-9a-f]{64})"')


def test_a_version_is_published_only_after_what_it_does_was_shown(shop: Shop) -> None:
    petra = shop.person("Petra")
    kept = len(list(shop.vault.catalogue.list(MANAGER)))
    assert kept
    text = petra.get("/policy/1.toml").text
    shorter = text.replace("version = 1\n", "version = 2\n", 1).replace(
        'period = "72h"\nfirst_opening = "12:00"\nceiling = "120h"', 'period = "24h"'
    )
    form = {"document": shorter, "published_at": "2026-03-02T08:00"}
    unseen = petra.post("/policy", do="publish", **form)
    assert unseen.status_code == 200  # shown, as nobody had seen what it does
    assert shop.vault.policies.show().version == 1

    (seen,) = _SEEN.findall(petra.post("/policy", do="preview", **form).text)
    other = petra.post(
        "/policy", do="publish", seen=seen, **{**form, "document": shorter.replace("24h", "12h", 1)}
    )
    assert other.status_code == 200  # another document than the one that was shown
    assert shop.vault.policies.show().version == 1
    assert petra.post("/policy", do="publish", seen=seen, **form).status_code == 303
    assert shop.vault.policies.show().versions[-1].version == 2
    assert "24" in petra.get("/policy").text


def test_a_document_with_faults_is_told_with_their_lines_and_published_by_nobody(
    shop: Shop,
) -> None:
    petra, maria = shop.person("Petra"), shop.person("Maria")
    form = {"document": "version = 9\nnonsense = 1", "published_at": "2026-03-02T08:00"}
    refused = petra.post("/policy", do="preview", **form)
    assert refused.status_code == 422
    assert "line 2" in refused.text
    assert "<textarea" not in maria.get("/policy").text
    version = shop.vault.policies.show().versions[-1].version
    sound = shop.vault.policies.show(version).document
    newer = sound.replace(f"version = {version}\n", f"version = {version + 1}\n", 1)
    told = petra.post("/policy", do="preview", document=newer, published_at="2026-03-02T08:00")
    (seen,) = _SEEN.findall(told.text)
    denied = maria.post(
        "/policy", do="publish", seen=seen, document=newer, published_at="2026-03-02T08:00"
    )
    assert denied.status_code == 403
    assert shop.vault.policies.show().versions[-1].version == version
