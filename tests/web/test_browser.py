"""All of it in a real browser, on a desk and on a phone: see, flag, ask, decide, fetch, verify.

Every page on the way is checked with axe and left as a picture in ``test-artefacts``.
"""

import re
from pathlib import Path

from playwright.sync_api import Page

from cctv_vault.disclosure.verification import verify_package
from tests.shop import SYSTEM, put
from tests.web.conftest import Screen, follow, until

VIDEO = "document.querySelector('video')"


def test_every_page_is_accessible_and_fits_the_screen(screen: Screen) -> None:
    screen.look(screen.open(screen.shop.base), "sign-in")
    page = screen.signed_in("Maria")
    screen.look(page, "overview")
    pages = (
        *("timeline", "incidents", "holds", "requests", "requests/new"),
        *("expiry", "policy", "consents", "log", "cameras"),
    )
    kept = ("", "/disclosures", "/copies", "/art30", "/statistics", "/deletions", "/certificates")
    for name in (*pages, *(f"registers{each}" for each in kept)):
        page.goto(f"{screen.shop.base}/{name}")
        screen.look(page, name.replace("/", "-"))
    page.goto(f"{screen.shop.base}/nothing")
    screen.look(page, "nothing")
    administrator = screen.signed_in("Adam")
    for name in ("accounts", "cameras"):
        administrator.goto(f"{screen.shop.base}/{name}")
        screen.look(administrator, f"administrator-{name}")
    portal = screen.open(screen.shop.portal_base)
    for name in ("", "begaran", "status", "kontrollera", "hamta/x"):
        portal.goto(f"{screen.shop.portal_base}/{name}")
        screen.look(portal, "portal-" + (name.partition("/")[0] or "start"))


def test_a_film_plays_with_its_time_and_the_viewers_name_across_it(screen: Screen) -> None:
    page = screen.signed_in("Maria")
    film = screen.shop.recording("gang")
    page.goto(f"{screen.shop.base}/footage/{film}?t=5")
    screen.look(page, "player-why")
    page.fill("#reason", "stöld i gången")
    page.click("main form button")
    until(page, f"{VIDEO}?.readyState >= 3")
    page.evaluate(f"{VIDEO}.play()")
    until(page, f"{VIDEO}.currentTime > 6")
    assert page.evaluate(f"{VIDEO}.videoWidth") > 0
    shown = page.inner_text("[data-shown]")
    assert re.fullmatch(r"2026-03-02 07:30:\d\d,\d CET", shown)
    assert "Maria" in page.inner_text(".viewer")
    page.evaluate(f"{VIDEO}.pause()")
    screen.look(page, "player")
    before = page.evaluate(f"{VIDEO}.currentTime")
    page.click("[data-step='1']")
    until(page, f"{VIDEO}.currentTime > {before}")


def test_a_window_over_several_recordings_plays_and_says_where_nothing_was_recorded(
    screen: Screen,
) -> None:
    page = screen.signed_in("Maria")
    window = "camera=gang&from=2026-03-02T06:29:50Z&to=2026-03-02T06:30:30Z"
    page.goto(f"{screen.shop.base}/footage/window?{window}")
    page.fill("#reason", "stöld i gången")
    page.click("main form button")
    page.wait_for_selector("video")
    until(page, f"{VIDEO}.readyState >= 3")
    page.evaluate(f"{VIDEO}.play()")
    until(page, f"{VIDEO}.currentTime > 1")
    page.evaluate(f"{VIDEO}.pause()")
    assert page.locator(".mark.gap").count() == 2  # before it and after it
    screen.look(page, "window")


def test_what_could_not_be_read_is_looked_at_and_tried_again(
    screen: Screen, tmp_path: Path
) -> None:
    code = f"lastkaj-{screen.name}"
    screen.shop.vault.register.add_camera(
        SYSTEM, code, drop=tmp_path, name="Lastkajen", view="porten"
    )
    for name, data in (("trasig.mp4", b"no film"), ("rörlig.gif", b"GIF89a" + bytes(40))):
        path = put(tmp_path, name, data)
        assert screen.shop.vault.ingest.offer(SYSTEM, path).outcome == "quarantined"
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}/quarantine")
    assert "rörlig.gif" in page.inner_text("main")
    screen.look(page, "quarantine")
    follow(page, "form[action$='/retry'] button >> nth=0")
    screen.look(page, "quarantine-retried")


def test_an_incident_is_flagged_in_three_actions(screen: Screen) -> None:
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}/timeline?from=2026-03-02T06:00:00&span=1h")
    track = page.locator(".track[data-camera=kassa]")
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.49, box["y"] + box["height"] * 0.9)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.53, box["y"] + box["height"] * 0.9, steps=4)
    page.mouse.up()
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.id") == "title"
    assert page.input_value("#flag-from").startswith("2026-03-02T06:2")
    assert page.input_value("#flag-to").startswith("2026-03-02T06:3")
    assert page.is_checked("#flag input[value=kassa]")
    assert not page.is_checked("#flag input[value=entre]")
    page.keyboard.type("Stöld vid kassan")
    screen.look(page, "timeline-flagging")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/H-*")
    screen.look(page, "incident")
    page.goto(f"{screen.shop.base}/timeline?from=2026-03-02T06:00:00&span=1h")
    assert page.locator(".track[data-camera=kassa] .incident").count() >= 1


def test_the_timeline_is_worked_by_the_keyboard_alone(screen: Screen) -> None:
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}/timeline?from=2026-03-02T06:00:00&span=1h")
    page.focus("time-line")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    assert page.locator(".track[data-camera=kassa] .chosen").count() == 1
    assert "kassa 2026-03-02 06:" in page.inner_text("[data-announce]")
    page.keyboard.press("f")
    assert page.is_checked("#flag input[value=kassa]")


def ask(screen: Screen) -> tuple[str, str]:
    """File a request on the portal as an officer would; its reference and code."""
    officer = screen.open(f"{screen.shop.portal_base}/begaran")
    officer.fill("#authority", "Polismyndigheten")
    officer.click("text=Nästa")  # the name is missing: the step stays
    assert officer.locator("fieldset.step:visible").count() == 1
    for field, text in {"unit": "Region Stockholm", "name": "Eva Exempel", "role": "utredare",
                        "email": "eva@example.org", "phone": "114 14"}.items():  # fmt: skip
        officer.fill(f"#{field}", text)
    officer.click("text=Nästa")
    officer.select_option("#ground", "DSL 2:5")
    officer.fill("#number", "5000-K123456-26")
    officer.fill("#offence", "stöld")
    screen.look(officer, "portal-grund")
    officer.click("button:visible:text('Nästa')")
    officer.fill("#from-1", "2026-03-02T07:30:05")
    officer.fill("#to-1", "2026-03-02T07:30:15")
    officer.fill("#description", "I gången, en man i röd jacka.")
    screen.look(officer, "portal-tid")
    officer.click("button:visible:text('Nästa')")
    screen.look(officer, "portal-svar")
    officer.click("button:visible:text('Skicka begäran')")
    officer.wait_for_selector(".secret")
    screen.look(officer, "portal-mottagen")
    reference, code = officer.locator(".secret").all_inner_texts()
    return reference, code


def test_what_an_officer_typed_survives_a_lost_connection(screen: Screen) -> None:
    officer = screen.open(f"{screen.shop.portal_base}/begaran")
    officer.fill("#authority", "Polismyndigheten")
    officer.fill("#name", "Eva Exempel")
    for _ in range(2):
        officer.click("button:visible:text('Nästa')")
    officer.fill("#from-1", "2026-03-02T07:30:05")
    officer.fill("#to-1", "2026-03-02T07:30:15")
    officer.check("input[name=clock][value=picture]")
    officer.click("button:visible:text('Nästa')")
    officer.context.set_offline(True)
    officer.click("button:visible:text('Skicka begäran')")
    officer.wait_for_selector("text=Det finns ingen uppkoppling just nu.")
    officer.context.set_offline(False)
    officer.reload()
    assert officer.input_value("#name") == "Eva Exempel"
    assert officer.input_value("#to-1") == "2026-03-02T07:30:15"
    assert officer.is_checked("input[name=clock][value=picture]")
    for _ in range(3):
        officer.click("button:visible:text('Nästa')")
    officer.click("button:visible:text('Skicka begäran')")
    officer.wait_for_selector(".secret")
    officer.goto(f"{screen.shop.portal_base}/begaran")
    assert officer.input_value("#name") == ""


def test_what_was_typed_is_not_shown_to_who_comes_an_hour_later(screen: Screen) -> None:
    officer = screen.open(f"{screen.shop.portal_base}/begaran")
    officer.fill("#name", "Eva Exempel")
    officer.reload()
    assert officer.input_value("#name") == "Eva Exempel"
    later = "const now = Date.now; Date.now = () => now() + 3600001;"
    officer.add_init_script(later)
    officer.reload()
    assert officer.input_value("#name") == ""
    assert officer.evaluate("sessionStorage.length") == 0


def assess(screen: Screen, handler: Page, reference: str) -> None:
    """Confirm, verify and assess a request as its handler."""
    handler.goto(f"{screen.shop.base}/requests/{reference}")
    screen.look(handler, "request-received")
    handler.click("text=Bekräfta begäran >> nth=-1")
    handler.wait_for_selector("#detail")
    handler.fill("#detail", "114 14, kl. 08.05")
    handler.click("text=För in kontrollen")
    handler.wait_for_selector("#necessity")
    screen.look(handler, "request-verified")
    handler.fill("#facts", "Stölden är anmäld.")
    handler.fill("#necessity", "Visar gärningspersonen.")
    handler.uncheck("input[name=cameras][value=kassa]")
    handler.uncheck("input[name=cameras][value=entre]")
    handler.click("text=För in bedömningen")
    handler.wait_for_selector("text=Nu beslutar en annan person")


def approve(screen: Screen, reference: str) -> None:
    """Decide as somebody else."""
    approver = screen.signed_in("Bo")
    approver.goto(f"{screen.shop.base}/requests/{reference}")
    screen.look(approver, "request-to-decide")
    approver.check("input[name=answer][value=yes]")
    approver.fill("#decide-reason", "Tydlig begäran, snävt fönster.")
    approver.click("text=För in beslutet")
    approver.wait_for_selector("text=Beslutet är infört")


def choose(screen: Screen, handler: Page, reference: str) -> None:
    """Step to a picture in the player and choose it, and another one by its time."""
    handler.goto(f"{screen.shop.base}/requests/{reference}")
    follow(handler, "#footage ~ div table a")
    if handler.locator("#reason").count():
        handler.fill("#reason", "bilder till begäran")
        follow(handler, "main form button")
    until(handler, f"{VIDEO}?.readyState >= 3 && {VIDEO}.currentTime >= 5")
    handler.click("[data-step='1']")
    until(handler, f"!{VIDEO}.seeking")
    screen.look(handler, "player-choosing")
    follow(handler, "text=Välj den visade bilden")
    handler.wait_for_selector("text=Bilden är vald.")
    handler.click("text=Välj en bild efter tid")
    handler.fill("#frame-at", "2026-03-02T07:30:12.480")
    screen.look(handler, "request-frames")
    follow(handler, "button:text('Välj bilden')")
    handler.wait_for_selector("text=Bilden är vald.")
    assert handler.locator("#frames ~ ul li").count() == 2
    assert "2026-03-02 07:30:12,480 CET" in handler.inner_text("#frames ~ ul")


def release(screen: Screen, handler: Page) -> tuple[str, str]:
    """Prepare and release by link; the link and its code."""
    handler.reload()
    handler.click("button:text('Iordningställ paketet')")
    handler.wait_for_selector("text=Paketet är iordningställt.")
    screen.look(handler, "request-prepared")
    handler.check("input[name=channel][value=link]")
    handler.click("button:text('Lämna ut')")
    handler.wait_for_selector(".secret")
    screen.look(handler, "request-released")
    link, pickup = handler.locator(".secret").all_inner_texts()
    return link, pickup


def test_an_officer_asks_two_persons_decide_and_the_package_verifies(
    screen: Screen, tmp_path: Path
) -> None:
    reference, code = ask(screen)
    handler = screen.signed_in("Maria")
    assess(screen, handler, reference)
    approve(screen, reference)
    choose(screen, handler, reference)
    link, pickup = release(screen, handler)

    officer = screen.open(screen.shop.portal_base)
    officer.goto(screen.shop.portal_base + link)
    officer.fill("#code", pickup)
    with officer.expect_download() as download:
        officer.click("text=Hämta paketet")
    package = tmp_path / "package.zip"
    download.value.save_as(package)
    verdict = verify_package(package, key=screen.shop.vault.log.vkey, allow_simulated=True)
    assert verdict.sound, verdict.findings
    assert sum(each.code == "frame-ok" for each in verdict.findings) == 2
    assert not verify_package(package, key=None, allow_simulated=False).sound

    officer.goto(f"{screen.shop.portal_base}/status")
    officer.fill("#reference", reference)
    officer.fill("#code", code)
    officer.click("text=Visa")
    officer.wait_for_selector("text=utlämnad")
    screen.look(officer, "portal-status-utlamnad")
    assert {each.state for each in screen.shop.vault.requests.list(SYSTEM)} >= {"released"}
