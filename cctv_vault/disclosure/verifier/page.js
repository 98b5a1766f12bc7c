// What is seen: choosing, progress, the verdict in the reader's language. Text from a package goes
// in as text only, never as markup.

const $ = (id) => document.getElementById(id);
const ICONS = { ok: "M4 10.5l4 4 8-9", bad: "M5 5l10 10M15 5L5 15", note: "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15M10 9.5v4M10 6.5v.01" };
const SVG = "http://www.w3.org/2000/svg";

let language = /^sv\b/i.test(navigator.language) ? "sv" : "en";
let verdict = null; // of the package that was checked last
let stopping = false;
let progressed = { done: 0, total: 0 };

const t = (name, facts = {}) => filled(RULES.words[name][language], facts);

function made(tag, { text = "", ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function icon(level) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[level]);
  svg.append(path);
  return svg;
}

function size(bytes) {
  const step = bytes < 1e6 ? 0 : bytes < 1e9 ? 1 : 2;
  const number = bytes / [1e3, 1e6, 1e9][step];
  const digits = step && number < 100 ? 1 : 0;
  return `${number.toLocaleString(language, { maximumFractionDigits: digits })} ${["kB", "MB", "GB"][step]}`;
}

function speak() {
  document.documentElement.lang = language;
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  $("told").textContent = $("unlock-told").textContent = "";
  showProgress();
  if (verdict) showVerdict();
}

// --- the work -----------------------------------------------------------------------------------

function showProgress() {
  const { done, total } = progressed;
  $("done").textContent = t("working", { done: size(done), total: size(total) });
  $("bar").value = total ? done / total : 0;
}

async function check(total, open, unlocked = null) {
  if (!$("working").hidden) return;
  verdict = null;
  stopping = false;
  progressed = { done: 0, total };
  $("result").hidden = $("choose").hidden = $("unlock").hidden = true;
  $("working").hidden = false;
  $("told").textContent = $("now").textContent = "";
  showProgress();
  $("stop").focus();
  let shown = 0;
  const progress = async (count, path) => {
    if (stopping) throw new Stopped();
    progressed.done += count;
    if (performance.now() - shown < 100) return;
    shown = performance.now();
    $("now").textContent = path;
    showProgress();
  };
  try {
    verdict = await verify(open, {
      pinned: $("pinned").value.trim(), allowSimulated: $("allow").checked, progress,
      unlocked: unlocked !== null,
    });
    verdict.unlocked = unlocked;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  } finally {
    $("working").hidden = true;
    $("choose").hidden = false;
  }
  if (verdict) {
    showVerdict();
    $("result").focus();
  } else {
    $("told").textContent = t("stopped");
  }
}

async function checkZip(file) {
  if (!$("working").hidden) return;
  $("result").hidden = true;
  if (await isLocked(file).catch(() => false)) askForPassphrase(file);
  else await check(file.size, () => openZip(file));
}

// --- a package under a passphrase

let locked = null; // the file whose passphrase is asked for

function askForPassphrase(file) {
  locked = file;
  $("result").hidden = $("choose").hidden = true;
  $("unlock").hidden = false;
  $("told").textContent = "";
  $("locked-name").textContent = file.name;
  $("passphrase").value = "";
  $("unlock-told").textContent = canUnlock() ? "" : t("no-crypto");
  $("passphrase").focus();
}

async function openLocked(event) {
  event.preventDefault();
  if (!canUnlock() || $("open").disabled) return;
  const file = locked;
  $("open").disabled = true;
  $("unlock-told").textContent = "";
  $("open").textContent = t("opening");
  try {
    const opened = await unlock(file, $("passphrase").value);
    $("passphrase").value = "";
    check(opened.size, () => openZip(opened), { name: file.name, file: opened });
  } catch (error) {
    if (!(error instanceof WrongPassphrase)) throw error;
    $("unlock-told").textContent = sentence({ code: "locked", facts: {} }, language);
    $("passphrase").focus();
  } finally {
    $("open").disabled = false;
    $("open").textContent = t("open");
  }
}

function checkFolder(list) {
  const files = [...list].map((file) => [
    file.webkitRelativePath.slice(file.webkitRelativePath.indexOf("/") + 1), file,
  ]);
  return check(files.reduce((sum, [, file]) => sum + file.size, 0), async () => openFolder(files));
}

// --- the verdict --------------------------------------------------------------------------------

function banner() {
  const found = new Set(verdict.findings.map(({ code }) => code));
  const [level, title] = !verdict.sound ? ["bad", "unsound"]
    : found.has("simulated") ? ["note", "drill"]
      : found.has("key-not-pinned") ? ["note", "unpinned"] : ["ok", "sound"];
  return made("div", { class: `banner ${level}` },
    made("h2", { id: "verdict", text: t(title) }), made("p", { text: t(`${title}-text`) }));
}

function list(level) {
  const found = verdict.findings.filter((finding) => finding.level === level);
  if (!found.length) return "";
  const items = found.map((finding) => {
    const words = made("div");
    if (finding.file) words.append(made("span", { class: "file", text: finding.file }));
    words.append(made("span", { class: "sentence", text: sentence(finding, language) }));
    if (finding.detail) words.append(made("span", { class: "detail", lang: "en", text: finding.detail }));
    return made("li", { "data-code": finding.code }, icon(level), words);
  });
  return made("section", { class: `sheet ${level}`, "aria-labelledby": `head-${level}` },
    made("h2", { id: `head-${level}`, text: t(level) }), made("ul", { class: "findings" }, ...items));
}

function local(text, zone) {
  const options = { dateStyle: "short", timeStyle: "long", timeZone: zone };
  const date = new Date(Number(moment(text) / 1000n));
  try {
    return new Intl.DateTimeFormat(language === "sv" ? "sv-SE" : "en-GB", options).format(date);
  } catch {
    return text; // a zone this browser does not know
  }
}

function says() {
  const { record, key, origin } = verdict.known;
  const rows = [];
  if (record) {
    const zone = String(record.zone);
    rows.push(["request", record.request.id]);
    if (typeof record.controller === "string") rows.push(["controller", record.controller]);
    rows.push(["made", local(record.made_at, zone)]);
    for (const span of record.approved) {
      rows.push(["approved", `${span.camera}: ${local(span.from, zone)} – ${local(span.to, zone)}`]);
    }
  }
  if (key) rows.push(["log", origin], ["named-key", key]);
  if (!rows.length) return "";
  const facts = rows.flatMap(([name, text]) => [made("dt", { text: t(name) }), made("dd", { text })]);
  return made("section", { class: "sheet", "aria-labelledby": "head-says" },
    made("h2", { id: "head-says", text: t("says") }), made("dl", {}, ...facts));
}

// What an encrypted package holds, to be saved: the zip, and each file that is to be looked at.
function saves() {
  const { unlocked, opened } = verdict;
  if (!unlocked) return "";
  const line = (name, size_, read, words) => {
    const button = made("button", { type: "button", class: "button quiet", text: words });
    button.setAttribute("aria-label", `${words}: ${name}`);
    button.addEventListener("click", async () => {
      button.disabled = true;
      let outcome = "saved";
      try {
        await save(name, size_, read);
      } catch {
        outcome = "not-saved"; // damaged there, no room, or the reader thought better of it
      } finally {
        button.disabled = false;
      }
      $("told").textContent = t(outcome, { name });
    });
    return made("li", {}, made("span", { class: "file", text: `${name} (${size(size_)})` }), button);
  };
  const zip = unlocked.name.replace(/\.locked$/i, "");
  const lines = [line(zip === unlocked.name ? `${zip}.zip` : zip, unlocked.file.size,
    () => wholeOf(unlocked.file), t("save-all"))];
  for (const [path, bytes] of opened?.sizes ?? []) {
    const shown = /^data\//.test(path) ? !/^data\/custody\//.test(path) : /^(LÄS MIG|READ ME)\.txt$/.test(path);
    if (shown) lines.push(line(path.split("/").at(-1), bytes, () => opened.read(path), t("save-one")));
  }
  return made("section", { class: "sheet", "aria-labelledby": "head-save" },
    made("h2", { id: "head-save", text: t("save") }), made("p", { class: "hint", text: t("save-text") }),
    made("ul", { class: "saves" }, ...lines));
}

function showVerdict() {
  const { signedBy } = verdict.known;
  $("result").replaceChildren(
    banner(), list("bad"), saves(), says(), list("note"), list("ok"),
    signedBy ? made("p", { class: "hint", text: t(signedBy) }) : "");
  $("result").hidden = false;
}

// --- hands --------------------------------------------------------------------------------------

$("zip").addEventListener("change", ({ target }) => {
  if (target.files.length) checkZip(target.files[0]).finally(() => { target.value = ""; });
});
$("folder").addEventListener("change", ({ target }) => {
  if (target.files.length) checkFolder(target.files).finally(() => { target.value = ""; });
});
$("unlocking").addEventListener("submit", openLocked);
$("back").addEventListener("click", () => {
  locked = null;
  $("unlock").hidden = true;
  $("choose").hidden = false;
  $("zip").focus();
});
$("stop").addEventListener("click", () => { stopping = true; });
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    language = button.dataset.language;
    speak();
  });
}
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  // The whole page takes the file: one dropped beside the box would replace the page.
  document.addEventListener(name, (event) => {
    event.preventDefault();
    $("choose").classList.toggle("over", name === "dragenter" || name === "dragover");
  });
}
document.addEventListener("drop", ({ dataTransfer }) => {
  const entries = [...dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
  const whole = dataTransfer.files.length === 1 && !entries[0]?.isDirectory;
  if (whole) checkZip(dataTransfer.files[0]);
  else $("told").textContent = t("drop-one");
});
if (!("webkitdirectory" in HTMLInputElement.prototype)) $("folder").parentElement.hidden = true;
$("choose").hidden = false;
speak();
