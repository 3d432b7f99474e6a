// Keys of one letter press what carries them: data-key="a", or data-key="g l" for two in a row.
// They never fire in a field and can be switched off (WCAG 2.1.4); the choice stays in this browser.

const SECOND_KEY_MS = 1500;
const OFF = "keys-off";
let first = "";

const typing = (target) => target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
const covered = () => document.querySelector("dialog[open], [popover]:popover-open");
const off = () => localStorage.getItem(OFF) === "1";

export const onKey = new Map([["p", () => window.print()]]);

function press(element) {
  if (element.matches("input, textarea")) {
    element.focus();
    element.select();
  } else if (element.matches("details")) {
    element.open = !element.open;
  } else {
    element.click();
  }
}

function carriers(word) {
  const wanted = CSS.escape(word);
  const group = document.querySelectorAll(`[data-key-group="${wanted}"]`);
  if (group.length) return [...group];
  return [...document.querySelectorAll(`[data-key="${wanted}"]`)].filter((one) => one.checkVisibility()).slice(0, 1);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target) || covered() || off()) return;
  const word = first ? `${first} ${event.key}` : event.key;
  first = "";
  if (word === "g") {
    first = word;
    setTimeout(() => (first = ""), SECOND_KEY_MS);
    return;
  }
  const action = onKey.get(word);
  const found = action ? [] : carriers(word);
  if (!action && !found.length) return;
  event.preventDefault();
  if (action) action();
  found.forEach(press);
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
});

const choice = document.querySelector("[data-keys-on]");
if (choice) {
  choice.checked = !off();
  choice.addEventListener("change", () => localStorage.setItem(OFF, choice.checked ? "0" : "1"));
}
