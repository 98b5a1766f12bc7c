// Keeps what is typed into a form while its tab is open, so that a lost connection loses nothing.
// It is gone with the tab, as soon as the form has arrived, and after an hour in which nobody typed:
// whoever opens the form next in the same browser may be somebody else.

const HOUR = 3600 * 1000;

const kept = (form) => `draft ${form.getAttribute("action")}`;
const fields = (form) => [...form.elements].filter((each) => each.name && each.type !== "hidden"
  && each.type !== "file" && each.type !== "password");

function restore(form) {
  const { at = 0, draft } = JSON.parse(sessionStorage.getItem(kept(form)) || "{}");
  if (!draft || Date.now() - at > HOUR) {
    sessionStorage.removeItem(kept(form));
    return;
  }
  for (const field of fields(form)) {
    if (!(field.name in draft)) continue;
    if (field.type === "radio" || field.type === "checkbox") {
      field.checked = draft[field.name].includes(field.value);
    } else {
      [field.value] = draft[field.name];
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
}

function keep(form) {
  const draft = {};
  for (const field of fields(form)) {
    const choice = field.type === "radio" || field.type === "checkbox";
    draft[field.name] ??= [];
    if (!choice || field.checked) draft[field.name].push(field.value);
  }
  sessionStorage.setItem(kept(form), JSON.stringify({ at: Date.now(), draft }));
}

for (const form of document.querySelectorAll("form[data-draft]")) {
  restore(form);
  form.addEventListener("input", () => keep(form));
  form.addEventListener("submit", (event) => {
    keep(form);
    if (navigator.onLine) return;
    event.preventDefault();
    const said = form.querySelector("[data-lost]");
    said.hidden = false;
    said.focus();
  });
}
for (const arrived of document.querySelectorAll("[data-draft-arrived]")) {
  sessionStorage.removeItem(`draft ${arrived.dataset.draftArrived}`);
}
