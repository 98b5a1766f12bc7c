"""``verify.html`` in a browser, from a file and without a network, says what the program says."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from cctv_vault.disclosure.sentences import PAGE, SENTENCES
from cctv_vault.disclosure.verification import PackageVerdict, verify_package
from cctv_vault.disclosure.verifypage import VERIFY_PAGE, verify_page
from storage.passphrase import PassphraseLock
from tests.chromium import ARGUMENTS
from tests.disclosure.tampering import (
    FRAME,
    KEY,
    TAMPERED,
    UNUSUAL,
    Sample,
    flipped,
    of_a_real_vault,
)

_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_FINDINGS = """() => ["bad", "note", "ok"].flatMap((level) =>
  [...document.querySelectorAll(`#result section.${level} li`)].map((item) => [
    level, item.querySelector(".file")?.textContent ?? null, item.dataset.code,
    item.querySelector(".sentence").textContent,
  ]))"""
Said = list[tuple[str, str | None, str, str]]


@pytest.fixture(scope="module")
def browser(program: Callable[[str, str], Path]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = program("chromium", "chromium")
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Reader:
    """Somebody with the page on a stick, and no network."""

    page: Page
    folder: Path

    def choose(self, package: bytes | Path) -> "Reader":
        """Choose a package and wait for the verdict."""
        if isinstance(package, bytes):
            path = self.folder / "package.zip"
            path.write_bytes(package)
            self.page.set_input_files("#zip", path)
        else:
            self.page.set_input_files("#folder", package)
        self.page.wait_for_selector("#result:not([hidden])")
        return self

    def says(self) -> Said:
        """The findings as they stand on the page."""
        return [tuple(each) for each in self.page.evaluate(_FINDINGS)]

    @property
    def verdict(self) -> str:
        return self.page.inner_text("#verdict")


def opened(browser: Browser, folder: Path, language: str, **context: Any) -> Reader:  # noqa: ANN401
    (folder / VERIFY_PAGE).write_bytes(verify_page().content)
    window = browser.new_context(locale=language, **context)
    window.set_offline(True)
    page = window.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    page.on("console", lambda message: pytest.fail(f"the browser complains: {message.text}"))
    page.goto((folder / VERIFY_PAGE).as_uri())
    return Reader(page, folder)


@pytest.fixture(scope="module")
def reader(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """An English window for all packages, in which drills are accepted."""
    reader = opened(browser, tmp_path_factory.mktemp("stick"), "en-GB")
    reader.page.click("summary")
    reader.page.check("#allow")
    yield reader
    reader.page.context.close()


@pytest.fixture
def swedish(browser: Browser, tmp_path: Path) -> Iterator[Reader]:
    reader = opened(browser, tmp_path, "sv-SE", timezone_id="America/New_York")
    yield reader
    reader.page.context.close()


def told(found: PackageVerdict) -> Said:
    """What the program says, in the order of the page."""
    return [
        (each.level, each.file, each.code, each.sentence)
        for level in ("bad", "note", "ok")
        for each in found.findings
        if each.level == level
    ]


@pytest.mark.parametrize("name", ["untouched", *TAMPERED, *UNUSUAL])
def test_the_page_and_the_program_say_the_same(reader: Reader, sample: Sample, name: str) -> None:
    every = {**TAMPERED, **UNUSUAL}
    reader.choose(every[name][0](sample) if name in every else sample.data)
    path = reader.folder / "package.zip"
    found = verify_package(path, allow_simulated=True)
    assert reader.says() == told(found)
    assert reader.verdict == (PAGE["drill"] if found.sound else PAGE["unsound"]).en


@pytest.mark.parametrize("change", ["nothing", "a file changed", "a file less", "computer's own"])
def test_of_an_unpacked_folder_too(
    reader: Reader, sample: Sample, tmp_path: Path, change: str
) -> None:
    files = dict(sample.files)
    if change == "a file changed":
        files["data/report.pdf"] = flipped(files["data/report.pdf"])
    if change == "a file less":
        del files["data/report.pdf"]
    if change == "computer's own":
        files |= {".DS_Store": b"x", "data/Thumbs.db": b"x"}
    top = sample.unpacked(tmp_path, files)
    found = verify_package(top, allow_simulated=True)
    assert reader.choose(top).says() == told(found)
    assert found.sound == (change in {"nothing", "computer's own"})


def test_a_drill_is_no_evidence_unless_that_is_accepted(swedish: Reader, sample: Sample) -> None:
    swedish.choose(sample.data)
    assert swedish.verdict == PAGE["unsound"].sv
    assert [(file, code) for level, file, code, _ in swedish.says() if level == "bad"] == [
        ("data/custody/checkpoint.txt", "simulated")
    ]
    assert SENTENCES["simulated"].sv in swedish.page.inner_text("#result")


@pytest.mark.parametrize("key", ["the vault's", "another", "none at all"])
def test_a_pinned_key_is_compared(swedish: Reader, sample: Sample, key: str) -> None:
    other = "stranger+25f2b1f5+AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
    pinned = {"the vault's": sample.signer.vkey, "another": other, "none at all": "key"}[key]
    swedish.page.click("[data-language=en]")
    swedish.page.click("summary")
    swedish.page.check("#allow")
    swedish.page.fill("#pinned", f"  {pinned}\n")
    found = verify_package(_written(swedish.folder, sample.data), key=pinned, allow_simulated=True)
    assert swedish.choose(sample.data).says() == told(found)
    assert found.sound == (key == "the vault's")
    assert {"key-pinned", "key-other", "pin-malformed"} & {code for _, _, code, _ in told(found)}


def test_a_whole_package_is_called_sound_only_when_its_key_was_compared(
    swedish: Reader, sample: Sample
) -> None:
    data, key = of_a_real_vault(sample)
    assert swedish.choose(data).verdict == PAGE["unpinned"].sv
    assert swedish.says()
    swedish.page.click("summary")
    swedish.page.fill("#pinned", key)
    assert swedish.choose(data).verdict == PAGE["sound"].sv
    assert verify_package(_written(swedish.folder, data), key=key).sound


# --- a package under a passphrase


PASSPHRASE = "7K2M-9Q4X-HJ3W-RT6P-4NBD"


def locked(data: bytes) -> bytes:
    lock = PassphraseLock(PASSPHRASE.replace("-", "").encode())
    return lock.sealed(io.BytesIO(data), len(data)).read()


def unlock(reader: Reader, data: bytes, typed: str) -> None:
    """Choose an encrypted package and type a passphrase, from the keyboard alone."""
    (reader.folder / "package.zip.locked").write_bytes(data)
    reader.page.set_input_files("#zip", reader.folder / "package.zip.locked")
    reader.page.wait_for_selector("#unlock:not([hidden])")
    assert reader.page.evaluate("document.activeElement.id") == "passphrase"
    reader.page.keyboard.type(typed)
    reader.page.keyboard.press("Enter")


@pytest.mark.parametrize("typed", [PASSPHRASE, " 7k2m 9q4x hj3w rt6p 4nbd"])
def test_an_encrypted_package_is_opened_checked_and_saved_without_a_network(
    swedish: Reader, sample: Sample, typed: str
) -> None:
    swedish.page.click("[data-language=en]")
    swedish.page.click("summary")
    swedish.page.check("#allow")
    data = locked(sample.data)
    unlock(swedish, data, typed)
    swedish.page.wait_for_selector("#result:not([hidden])")
    path = swedish.folder / "package.zip.locked"
    found = verify_package(path, allow_simulated=True, passphrase=PASSPHRASE)
    assert found.sound
    assert swedish.says() == told(found)
    for name, wanted in {
        "package.zip": sample.data,
        "report.pdf": sample.files["data/report.pdf"],
        FRAME.rpartition("/")[2]: sample.files[FRAME],
        "LÄS MIG.txt": sample.files["LÄS MIG.txt"],
    }.items():
        with swedish.page.expect_download() as download:
            swedish.page.click(f".saves li:has-text('{name}') button")
        assert download.value.suggested_filename == name
        assert Path(download.value.path()).read_bytes() == wanted
        swedish.page.wait_for_function("name => told.textContent === name", arg=f"Saved: {name}")


def test_a_wrong_passphrase_is_told_and_can_be_tried_again(swedish: Reader, sample: Sample) -> None:
    data = locked(sample.data)
    unlock(swedish, data, PASSPHRASE[:-1])
    swedish.page.wait_for_selector("#unlock-told:not(:empty)")
    assert swedish.page.inner_text("#unlock-told") == SENTENCES["locked"].sv
    path = swedish.folder / "package.zip.locked"
    (finding,) = verify_package(path, passphrase=PASSPHRASE[:-1]).findings
    assert finding.code == "locked"
    swedish.page.fill("#passphrase", PASSPHRASE)
    swedish.page.keyboard.press("Enter")
    swedish.page.wait_for_selector("#result:not([hidden])")
    assert swedish.page.inner_text(".saves")


@pytest.mark.parametrize("at", ["its first bytes", "its rounds", "its header", "its end", "a byte"])
def test_an_encrypted_package_that_was_changed_is_told_of_alike(
    swedish: Reader, sample: Sample, at: str
) -> None:
    data = locked(sample.data)
    forged = {
        "its first bytes": b"x" + data[1:],
        "its rounds": data[:25] + bytes(4) + data[29:],
        "its header": data[:45] + bytes([41]) + data[46:],
        "its end": data[:-1],
        "a byte": flipped(data),
    }[at]
    path = swedish.folder / "package.zip.locked"
    if at == "its first bytes":  # no longer known as one that is encrypted
        swedish.page.click("[data-language=en]")
        assert swedish.choose(forged).says() == told(verify_package(io.BytesIO(forged)))
        return
    unlock(swedish, forged, PASSPHRASE)
    swedish.page.wait_for_selector("#unlock-told:not(:empty)")
    (finding,) = verify_package(path, passphrase=PASSPHRASE).findings
    assert finding.code == "locked"


def test_damage_within_an_encrypted_package_is_told_of_alike(
    swedish: Reader, sample: Sample
) -> None:
    large = {**sample.files, "data/originals/kassa/large.bin": bytes(5 * 2**20)}
    data = locked(sample.resigned(large))
    forged = flipped(data, 3 * 2**20)
    swedish.page.click("[data-language=en]")
    unlock(swedish, forged, PASSPHRASE)
    swedish.page.wait_for_selector("#result:not([hidden])")
    found = verify_package(io.BytesIO(forged), passphrase=PASSPHRASE)
    assert not found.sound
    assert "unreadable" in {each.code for each in found.findings}
    assert swedish.says() == told(found)
    with_fault = next(each.file for each in found.findings if each.code == "unreadable")
    assert with_fault is not None
    name = with_fault.rpartition("/")[2]
    swedish.page.click(f".saves li:has-text('{name}') button")
    swedish.page.wait_for_function(
        "begins => told.textContent.startsWith(begins)", arg="It could not be saved"
    )


def test_a_browser_without_cryptography_says_that_it_cannot_open(
    swedish: Reader, sample: Sample
) -> None:
    swedish.page.evaluate(
        "Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true })"
    )
    unlock(swedish, locked(sample.data), PASSPHRASE)
    assert swedish.page.inner_text("#unlock-told") == PAGE["no-crypto"].sv
    assert swedish.page.is_hidden("#result")


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "the.zip"
    path.write_bytes(data)
    return path


def test_the_page_speaks_both_languages_of_the_same_package(
    swedish: Reader, sample: Sample
) -> None:
    swedish.choose(sample.data)
    assert swedish.page.evaluate("document.documentElement.lang") == "sv"
    nobody = SENTENCES["anchored-nobody"]
    name = sample.signer.name
    assert nobody.sv.format(name=name) in swedish.page.inner_text("#result")
    assert "2026-03-01 09:00:05 CET" in swedish.page.inner_text("dl")
    swedish.page.click("[data-language=en]")
    assert nobody.en.format(name=name) in swedish.page.inner_text("#result")
    assert swedish.page.evaluate("document.documentElement.lang") == "en"


def test_a_browser_without_signatures_is_told_and_finds_the_same(
    browser: Browser, sample: Sample, tmp_path: Path
) -> None:
    reader = opened(browser, tmp_path, "en-GB")
    assert PAGE["by-browser"].en in reader.choose(sample.data).page.inner_text("#result")
    before = reader.says()
    forged = reader.choose(TAMPERED["a forged checkpoint"][0](sample)).says()
    reader.page.evaluate(
        "Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true })"
    )
    assert PAGE["by-page"].en in reader.choose(sample.data).page.inner_text("#result")
    assert reader.says() == before
    assert reader.choose(TAMPERED["a forged checkpoint"][0](sample)).says() == forged
    reader.page.context.close()


RFC_8032 = (  # section 7.1: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
            "b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
            "c6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
)
_HERE = """([key, message, signature]) => {
  const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return verifyEd25519Here(bytes(key), bytes(signature), bytes(message));
}"""


def test_the_pages_own_signatures_follow_the_standard(reader: Reader) -> None:
    for key, message, signature in RFC_8032:
        assert reader.page.evaluate(_HERE, [key, message, signature])
        assert not reader.page.evaluate(_HERE, [key, f"{message}00", signature])
        # RFC 8032, 5.1.7: S must be smaller than the order of the group.
        order = 2**252 + 27742317777372353535851937790883648493
        scalar = int.from_bytes(bytes.fromhex(signature[64:]), "little") + order
        same = signature[:64] + scalar.to_bytes(32, "little").hex()
        assert not reader.page.evaluate(_HERE, [key, message, same])


def test_the_pages_own_hashes_follow_the_standard(reader: Reader) -> None:
    lengths = [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 1000]
    found = reader.page.evaluate(
        """(lengths) => lengths.map((length) => {
          const bytes = Uint8Array.from({ length }, (_, i) => i & 255), hash = new Sha256();
          for (let at = 0; at < length; at += 37) hash.update(bytes.subarray(at, at + 37));
          return [hex(hash.digest()), hex(sha512(bytes))];
        })""",
        lengths,
    )
    texts = [bytes(i & 255 for i in range(length)) for length in lengths]
    assert found == [
        [hashlib.sha256(text).hexdigest(), hashlib.sha512(text).hexdigest()] for text in texts
    ]


def test_it_can_be_stopped_and_begun_anew(reader: Reader, sample: Sample) -> None:
    page = reader.page
    page.evaluate("() => { globalThis.readAll = File.prototype.slice; }")
    page.evaluate(
        """() => { File.prototype.slice = function (...span) {
          const piece = readAll.apply(this, span), read = piece.arrayBuffer.bind(piece);
          piece.arrayBuffer = async () => {
            await new Promise((resolve) => { setTimeout(resolve, 20); });
            return read();
          };
          return piece;
        }; }"""
    )
    page.set_input_files("#zip", _written(reader.folder, sample.data))
    page.click("#stop")
    page.wait_for_selector(f"text={PAGE['stopped'].en}")
    assert page.is_hidden("#result")
    page.evaluate("() => { File.prototype.slice = readAll; }")
    assert reader.choose(sample.data).verdict == PAGE["drill"].en


def test_the_page_can_ask_nobody_for_anything(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / VERIFY_PAGE
    path.write_bytes(verify_page().content)
    context: BrowserContext = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    refused = page.evaluate(
        """async () => {
          const ways = [
            () => fetch("http://127.0.0.1:9/"),
            () => new Promise((ok, no) => {
              const picture = new Image();
              Object.assign(picture, { onload: ok, onerror: no, src: "http://127.0.0.1:9/x.png" });
            }),
            () => new Promise((ok, no) => {
              const script = document.createElement("script");
              Object.assign(script, { onload: ok, onerror: no, src: "http://127.0.0.1:9/x.js" });
              document.head.append(script);
            }),
          ];
          const blocked = [];
          document.addEventListener("securitypolicyviolation", (event) => {
            blocked.push(event.effectiveDirective);
          });
          for (const way of ways) await way().catch(() => {});
          return blocked;
        }"""
    )
    assert {each.partition("-elem")[0] for each in refused} == {
        *("connect-src", "img-src", "script-src"),
    }
    context.close()


@pytest.mark.parametrize(
    "screen", [(1280, 900, "light"), (1280, 900, "dark"), (360, 740, "light"), (360, 740, "dark")]
)
def test_it_is_accessible_and_fits_the_screen(
    browser: Browser,
    sample: Sample,
    tmp_path: Path,
    repository: Path,
    screen: Any,  # noqa: ANN401 - width, height and one of Playwright's words
) -> None:
    pictures = repository / "test-artefacts"
    pictures.mkdir(exist_ok=True)
    width, height, scheme = screen
    seen = {"width": width, "height": height}
    reader = opened(browser, tmp_path, "sv-SE", viewport=seen, color_scheme=scheme)

    def look(name: str) -> None:
        at = pictures / f"verify-{width}-{scheme}-{name}.png"
        reader.page.screenshot(path=at, full_page=True)
        assert reader.page.evaluate(_WIDE) <= 0, f"{name} is wider than the screen"

    look("open")
    reader.page.click("summary")
    reader.page.check("#allow")
    look("key")
    reader.choose(TAMPERED["an original exchanged"][0](sample))
    look("bad")
    reader.choose(sample.data)
    look("drill")
    unlock(reader, locked(sample.data), PASSPHRASE[1:])
    reader.page.wait_for_selector("#unlock-told:not(:empty)")
    look("locked")
    reader.page.fill("#passphrase", PASSPHRASE)
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_selector("#result:not([hidden])")
    look("unlocked")
    # The checker is code of its own, which the page's policy rightly lets nobody bring along.
    text = verify_page().content.decode()
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    (tmp_path / "free.html").write_text(free)
    reader.page.goto((tmp_path / "free.html").as_uri())
    axe = Axe()
    for package in (None, TAMPERED["no approval"][0](sample), sample.data):
        if package is not None:
            reader.choose(package)
        violations = axe.run(reader.page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
    for typed in (PASSPHRASE[1:], PASSPHRASE):
        unlock(reader, locked(sample.data), typed)
        reader.page.wait_for_selector(
            "#unlock-told:not(:empty)" if typed != PASSPHRASE else "#result:not([hidden])"
        )
        violations = axe.run(reader.page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
    reader.page.context.close()


def test_every_package_brings_the_page(sample: Sample) -> None:
    assert sample.files[VERIFY_PAGE] == verify_page().content


def test_the_page_is_one_file_with_one_script() -> None:
    text = verify_page().content.decode()
    assert text.count("<script>") == text.count("</script>") == 1
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)
    assert script is not None
    assert KEY in script[1]
