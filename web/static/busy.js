// A form whose act takes a while says so, and is not sent twice.

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy === "true") {
      event.preventDefault();
      return;
    }
    form.ariaBusy = "true";
    form.querySelector("button").textContent = form.dataset.busy;
  });
}
