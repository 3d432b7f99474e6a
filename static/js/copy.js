// data-copy="text" copies the text, data-copy-of="id" what stands in that element; data-copy-link copies the address of
// the page, or the one that it names, such as that of the open step.
import { say } from "./toast.js";

// navigator.clipboard is missing on plain http, as in many an office network.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

function wanted({ copy: text, copyOf, copyLink }) {
  if (copyOf) return document.getElementById(copyOf).textContent;
  return text ?? new URL(copyLink, location.href).href;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-of], [data-copy-link]");
  if (!button) return;
  await copy(wanted(button.dataset));
  say(button.dataset.says ?? "Copied");
});
