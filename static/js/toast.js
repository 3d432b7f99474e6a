// Only for what happened elsewhere, such as in the clipboard. Never for errors.

const SHOWN_MS = 4000;
let timer = 0;

export function say(text) {
  const toast = document.getElementById("toast");
  clearTimeout(timer);
  toast.textContent = text;
  timer = setTimeout(() => (toast.textContent = ""), SHOWN_MS);
}
