// Traces that are selected in the list: kept in this tab over its pages, as the boxes of other pages are not there.
import { onKey } from "./keys.js";

const MOST = 20;
const KEPT = `picked ${location.pathname}`;
const bar = document.getElementById("pick");
const boxes = () => [...document.querySelectorAll("[data-pick]")];

let picked = [];

function words() {
  if (picked.length < 2) return "1 selected; select another to compare.";
  return picked.length === 2 ? "2 selected" : `${picked.length} selected; two are compared at a time.`;
}

function show() {
  picked = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  boxes().forEach((box) => (box.checked = picked.includes(box.value)));
  bar.toggleAttribute("data-some", picked.length > 0);
  if (picked.length) bar.querySelector("[data-pick-words]").textContent = words();
  const button = bar.querySelector("[data-key]");
  button.disabled = picked.length !== 2;
  button.textContent = picked.length === 2 ? "Compare 2" : "Compare";
  button.title = button.disabled ? "Select two traces" : "Compare the two (c)";
}

function keep(addresses) {
  sessionStorage.setItem(KEPT, JSON.stringify(addresses.slice(-MOST)));
  show();
}

if (bar) {
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-pick]")) return;
    const others = picked.filter((one) => one !== target.value);
    keep(target.checked ? [...others, target.value] : others);
  });
  bar.addEventListener("reset", () => setTimeout(() => keep([])));
  // Those of other pages go along.
  bar.addEventListener("submit", () => {
    const here = boxes().map((box) => box.value);
    bar.querySelectorAll("[type=hidden]").forEach((one) => one.remove());
    for (const address of picked.filter((one) => !here.includes(one))) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "t", value: address });
      bar.append(field);
    }
  });
  addEventListener("pageshow", show);
  document.addEventListener("htmx:afterSettle", show);
  onKey.set("x", () => document.activeElement.closest("tr")?.querySelector("[data-pick]")?.click());
  show();
}
