// Offers only the statute codes that can carry a release to the chosen requester.

export function offerGrounds(form) {
  const select = form.elements.ground;
  const admitted = (JSON.parse(select.dataset.grounds)[form.elements.type.value] ?? "")
    .split(" ").filter(Boolean).map((code) => code.replaceAll("_", " "));
  for (const option of select.options) {
    option.hidden = Boolean(option.value) && !admitted.includes(option.value);
    option.disabled = option.hidden;
  }
  if (!select.value || select.selectedOptions[0].disabled) {
    const usual = JSON.parse(select.dataset.usual)[form.elements.type.value] ?? "";
    select.value = admitted.length === 1 ? admitted[0] : usual;
  }
}

for (const select of document.querySelectorAll("select[data-grounds]")) {
  const { form } = select;
  form.elements.type.addEventListener("change", () => offerGrounds(form));
  offerGrounds(form);
}
