// The columns of the list of traces: moved in their form without asking, and widened by the edges of their heads.

const STEP_PX = 16;
const NARROWEST_PX = 48;
const WIDEST_PX = 1200;
const LEFT_PX = 240; // of a column that takes what is left, at least
const KEEP_AFTER_MS = 400;
let timer = 0;

const form = () => document.querySelector("[data-columns]");
const table = () => document.querySelector("#trace-rows .trace-table");
const wide = () => matchMedia("(width >= 44rem)").matches;

// Up and down in the form: the line moves, and the focus stays on its button.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-columns] [name=move]");
  if (!button) return;
  event.preventDefault();
  const line = button.closest("li");
  const up = button.value.endsWith(":up");
  const beside = up ? line.previousElementSibling : line.nextElementSibling;
  if (!beside) return;
  if (up) beside.before(line);
  else beside.after(line);
  button.focus();
});

// What the window has no room for is taken out before the first width is changed: from then on all stay as they are.
function freeze(all) {
  const hidden = [...all.tHead.rows[0].cells].map((head) => !head.checkVisibility());
  const widths = [...all.tHead.rows[0].cells].map((head) => Math.round(head.getBoundingClientRect().width));
  const cols = [...all.querySelectorAll("col")];
  cols.forEach((col, at) => hidden[at] || !col.hasAttribute("width") || col.setAttribute("width", widths[at]));
  for (const row of all.rows) {
    if (row.cells.length === cols.length) [...row.cells].forEach((cell, at) => hidden[at] && cell.remove());
  }
  cols.forEach((col, at) => hidden[at] && col.remove());
  total(all);
}

function total(all) {
  const widths = [...all.querySelectorAll("col")].map((col) => Number(col.getAttribute("width")) || LEFT_PX);
  all.setAttribute("width", widths.reduce((sum, one) => sum + one, 0));
  all.parentElement.classList.add("table-wrap");
}

function widen(edge, width) {
  const all = table();
  const at = edge.closest("th").cellIndex;
  const said = Math.min(Math.max(Math.round(width), NARROWEST_PX), WIDEST_PX);
  all.querySelectorAll("col")[at].setAttribute("width", said);
  edge.setAttribute("aria-valuenow", said);
  total(all);
  clearTimeout(timer);
  timer = setTimeout(keep, KEEP_AFTER_MS);
}

// Kept for the member or, in a saved view, in the address: the answer is the address of this list.
async function keep() {
  const said = new FormData(form());
  said.delete("columns");
  said.delete("key");
  for (const col of table().querySelectorAll("col[data-column]")) {
    said.append("columns", [col.dataset.column, col.getAttribute("width")].filter(Boolean).join(":"));
  }
  const answer = await fetch(form().action, { method: "POST", body: said, headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return; // the widths hold until the page is left
  const there = new URL(await answer.text(), location);
  const place = new URLSearchParams(location.search).get("after");
  if (place) there.searchParams.set("after", place);
  history.replaceState(history.state, "", there);
}

function ready(edge) {
  if (!table().hasAttribute("data-frozen")) {
    table().setAttribute("data-frozen", "");
    freeze(table());
  }
  return edge.closest("th").getBoundingClientRect().width;
}

function drag(event) {
  if (event.button) return;
  event.preventDefault();
  const edge = event.currentTarget;
  const begin = ready(edge) - event.clientX * direction();
  edge.setPointerCapture(event.pointerId);
  const move = (moved) => widen(edge, begin + moved.clientX * direction());
  edge.addEventListener("pointermove", move);
  edge.addEventListener("lostpointercapture", () => edge.removeEventListener("pointermove", move), { once: true });
}

const direction = () => (getComputedStyle(table()).direction === "rtl" ? -1 : 1);

function step(event) {
  const by = { ArrowLeft: -STEP_PX, ArrowRight: STEP_PX }[event.key];
  if (!by) return;
  event.preventDefault();
  event.stopPropagation();
  const edge = event.currentTarget;
  widen(edge, ready(edge) + by * direction());
}

function edges() {
  if (!table() || !wide()) return;
  for (const head of table().tHead.rows[0].cells) {
    if (head.querySelector(".trace-table__edge") || !head.dataset.label) continue;
    const edge = document.createElement("span");
    edge.className = "trace-table__edge";
    for (const [name, value] of [
      ["role", "separator"], ["tabindex", "0"], ["aria-orientation", "vertical"], ["aria-label", `Width of ${head.dataset.label}`],
      ["aria-valuemin", NARROWEST_PX], ["aria-valuemax", WIDEST_PX], ["aria-valuenow", Math.round(head.getBoundingClientRect().width)],
    ]) edge.setAttribute(name, value);
    edge.addEventListener("pointerdown", drag);
    edge.addEventListener("keydown", step);
    head.append(edge);
  }
}

edges();
document.addEventListener("htmx:afterSettle", edges);

// After a column was moved without scripts the page comes back to it: its menu is open.
if (location.hash.startsWith("#columns")) {
  document.querySelector("#columns").open = true;
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ block: "center" });
}
