// One line out of the chips and the field of the query line; a chip goes back into the field to be changed.

const form = document.querySelector("[data-query]");
const field = form.querySelector("#query");
const chips = () => [...form.querySelectorAll("[data-chip]")];

function edit(chip) {
  const hidden = form.querySelector("input[name=q][type=hidden]");
  if (hidden) hidden.value = chips().filter((one) => one !== chip).map((one) => one.dataset.chip).join(" ");
  field.value = [chip.dataset.chip, field.value].filter(Boolean).join(" ");
  chip.remove();
  field.focus();
}

// The last condition into the field; false where there is none.
export function takeBack() {
  const last = chips().at(-1);
  if (last) edit(last);
  return Boolean(last);
}

form.addEventListener("click", (event) => {
  const value = event.target.closest(".chip__value");
  if (value) edit(value.closest("[data-chip]"));
});
form.addEventListener("formdata", ({ formData }) => {
  const line = [...formData.getAll("q"), formData.get("add")].filter(Boolean).join(" ").trim();
  formData.delete("add");
  formData.delete("q");
  if (line) formData.set("q", line);
});
