// Keys of one letter press what carries them: data-key="a", or data-key="g l" for two in a row.
// They never fire in a field or a dialog, and a member can switch them off (WCAG 2.1.4).

const SECOND_KEY_MS = 1500;
let first = "";

const FIELDS = "input:not([data-pick]), textarea, select, [contenteditable]";
// Nothing is typed into the box of a row; the blank ticks it.
const typing = ({ target, key }) =>
  target instanceof Element && (target.closest(FIELDS) || (key === " " && target.matches("[data-pick]")));
const covered = () => document.querySelector("dialog[open], [popover]:popover-open");
export const off = () => document.documentElement.dataset.singleKeys === "off";

export const onKey = new Map([["p", () => window.print()]]);

export function press(element) {
  if (element.matches("input, textarea")) {
    element.focus();
    element.select();
  } else if (element.matches("details")) {
    element.open = !element.open;
  } else {
    element.click();
  }
}

// What waits in a closed menu can be pressed while the menu can be opened.
const reached = (one) => (one.closest("details.menu")?.querySelector("summary") ?? one).checkVisibility();

function carriers(word) {
  const wanted = CSS.escape(word);
  const group = document.querySelectorAll(`[data-key-group="${wanted}"]`);
  if (group.length) return [...group];
  return [...document.querySelectorAll(`[data-key="${wanted}"]`)].filter(reached).slice(0, 1);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event) || covered() || off()) return;
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
