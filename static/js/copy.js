// data-copy="text" copies the text; data-copy-link copies the address of the page, with the step that is open.
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

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-link]");
  if (!button) return;
  await copy(button.dataset.copy ?? location.href);
  say(button.dataset.says ?? "Copied");
});
