// j and k walk through rows, steps and pairs of steps ([data-row], a link each); h and l fold what the open one says;
// [ and ] change the period.
import { onKey } from "./keys.js";

const OPENS = '[data-row="step"], [data-row="pair"]';
const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());

function walk(by) {
  const all = rows();
  if (!all.length) return;
  const focused = all.indexOf(document.activeElement);
  const here = focused >= 0 ? focused : all.findIndex((row) => row.hasAttribute("aria-current"));
  const next = all[Math.min(Math.max(here + by, 0), all.length - 1)];
  next.focus();
  // The step that is selected is also the one that has the focus.
  if (next.matches(OPENS) && next !== all[here]) next.click();
}

function fold(open) {
  document.querySelectorAll("#step details.fold, #pair details.fold").forEach((one) => (one.open = open));
}

function period(by) {
  const all = [...document.querySelectorAll("[data-periods] a")];
  const next = all[all.findIndex((one) => one.hasAttribute("aria-current")) + by];
  if (next) next.click();
}

onKey.set("j", () => walk(1)).set("k", () => walk(-1));
onKey.set("h", () => fold(false)).set("l", () => fold(true));
onKey.set("[", () => period(-1)).set("]", () => period(1));

// In two columns the step opens beside its row, however far down that is; in one column the page goes to it.
function place(row) {
  const step = document.getElementById("step");
  if (matchMedia("(width < 60rem)").matches) {
    step.scrollIntoView();
    return;
  }
  const above = row.closest(".case").getBoundingClientRect().top;
  step.style.marginTop = above < 0 ? `${-above}px` : "";
}

// htmx brings the step; which row is the current one is marked here.
document.addEventListener("htmx:afterSwap", (event) => {
  const row = event.detail.requestConfig?.elt?.closest?.(OPENS);
  if (!row) return;
  rows().forEach((one) => one.removeAttribute("aria-current"));
  row.setAttribute("aria-current", "step");
  row.scrollIntoView({ block: "nearest" });
  if (row.dataset.row === "step") place(row);
});

// "Show more" gives way to what it brought: the focus goes to the first of it.
let came = -1;
document.addEventListener("htmx:beforeSwap", (event) => {
  came = rows().indexOf(event.detail.requestConfig?.elt?.closest?.('[data-row="more"]'));
});
document.addEventListener("htmx:afterSettle", () => {
  if (came >= 0) rows()[came]?.focus();
  came = -1;
});
