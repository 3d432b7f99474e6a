// Rows that come by themselves. They never move what is being read: see isHeld, and update, which holds the place.

const JUST_MOVED_MS = 2000;
const NEW_MS = 4000;
let movedAt = -Infinity;

const body = () => document.querySelector("#trace-rows tbody");
export const rowsOf = (parent) => [...(parent?.querySelectorAll("tr[data-trace]") ?? [])];
export const shown = () => rowsOf(body());
const selecting = (part) => {
  const selection = getSelection();
  return selection.type === "Range" && (part.contains(selection.anchorNode) || part.contains(selection.focusNode));
};

document.addEventListener("pointermove", (event) => {
  if (event.target.closest?.("#trace-rows tbody")) movedAt = event.timeStamp;
});

// Whether somebody is at something that new rows would push away: further down, at a row, a preview, a choice or a menu.
export function isHeld() {
  const part = body();
  return (
    !part ||
    part.getBoundingClientRect().top < 0 ||
    part.contains(document.activeElement) ||
    selecting(part) ||
    Boolean(part.querySelector("tr:not([data-trace]), input:checked, [aria-expanded=true]")) ||
    Boolean(document.querySelector("dialog[open], details.menu[open], [popover]:popover-open, .suggest:not([hidden])")) ||
    performance.now() - movedAt < JUST_MOVED_MS
  );
}

const at = (row) => Number(row.dataset.at);

// Each row where it began; what began before all that is shown stands on a later page, if there is one. At most `most`
// rows stay; whether any was taken away at the end.
export function insert(rows, most, hasLater) {
  const part = body();
  for (const row of rows.toSorted((a, b) => at(a) - at(b))) {
    const all = shown();
    if (all.some((one) => one.dataset.trace === row.dataset.trace)) continue;
    const below = all.find((one) => at(one) < at(row));
    if (!below && hasLater) continue;
    row.dataset.new = "";
    setTimeout(() => delete row.dataset.new, NEW_MS);
    part.insertBefore(row, below ?? null);
    htmx.process(row);
  }
  const past = shown().slice(most);
  past.forEach((row) => row.remove());
  return past.length > 0;
}

// Draw rows anew that have changed; those that somebody is at are given back, to be tried again. Nothing moves.
export function update(rows) {
  const left = [];
  for (const row of rows) {
    const old = shown().find((one) => one.dataset.trace === row.dataset.trace);
    if (!old) continue;
    if (old.contains(document.activeElement) || selecting(old) || old.querySelector("input:checked, [aria-expanded=true]")) {
      left.push(row);
      continue;
    }
    const fixed = shown().find((one) => one !== old && one.getBoundingClientRect().bottom > 0);
    const before = fixed?.getBoundingClientRect().top;
    if (old.outerHTML !== row.outerHTML) {
      old.replaceWith(row);
      htmx.process(row);
    }
    if (fixed && scrollY > 0) scrollBy(0, fixed.getBoundingClientRect().top - before);
  }
  return left;
}
