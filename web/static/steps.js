// The portal's form, one step at a time. Without this module all steps stand on one page.

class FormSteps extends HTMLElement {
  connectedCallback() {
    this.steps = [...this.querySelectorAll("fieldset.step")];
    this.form = this.closest("form");
    this.list = this.querySelector("ol.progress");
    if (!this.form || this.steps.length < 2) return;
    this.list.hidden = false;
    this.classList.add("stepping");
    this.steps.forEach((step, at) => step.append(this.buttons(at)));
    this.querySelector("[data-send]").hidden = true;
    const wrong = this.steps.findIndex((step) => step.querySelector("[aria-invalid]"));
    this.show(Math.max(0, wrong), false);
    this.form.addEventListener("invalid", (event) => {
      const at = this.steps.findIndex((step) => step.contains(event.target));
      if (at >= 0 && at !== this.at) this.show(at, false);
    }, true);
  }

  buttons(at) {
    const row = document.createElement("div");
    row.className = "buttons";
    const last = at === this.steps.length - 1;
    if (last) {
      const send = this.querySelector("[data-send] button").cloneNode(true);
      row.append(send);
    } else {
      row.append(this.button(this.dataset.next, "", () => this.forward()));
    }
    if (at > 0) row.append(this.button(this.dataset.back, "quiet", () => this.show(at - 1)));
    return row;
  }

  button(text, kind, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.textContent = text;
    button.addEventListener("click", act);
    return button;
  }

  forward() {
    const fields = [...this.steps[this.at].elements];
    const wrong = fields.find((field) => !field.checkValidity());
    if (wrong) wrong.reportValidity();
    else this.show(this.at + 1);
  }

  show(at, focus = true) {
    this.at = at;
    this.steps.forEach((step, each) => { step.hidden = each !== at; });
    [...this.list.children].forEach((item, each) => {
      item.classList.toggle("passed", each < at);
      if (each === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    if (focus) {
      const legend = this.steps[at].querySelector("legend");
      legend.tabIndex = -1;
      legend.focus();
      this.scrollIntoView({ block: "start" });
    }
  }
}

customElements.define("form-steps", FormSteps);
