// The query line: suggestions while typing (the combobox pattern of ARIA).
import { takeBack } from "./query_chips.js";

const form = document.querySelector("[data-query]");
const field = form.querySelector("#query");
const box = form.querySelector("#suggestions");
const WAIT_MS = 100;
let asked = 0;
let timer = 0;

const options = () => [...box.querySelectorAll("[role=option]")];
const current = () => box.querySelector("[aria-selected=true]");

for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", box.id], ["aria-expanded", "false"]]) {
  field.setAttribute(name, value);
}

function close() {
  asked += 1; // what is on its way comes too late
  clearTimeout(timer);
  box.hidden = true;
  box.replaceChildren();
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

async function ask() {
  asked += 1;
  const mine = asked;
  const url = new URL(form.dataset.query, location);
  url.searchParams.set("line", field.value);
  url.searchParams.set("at", field.selectionStart);
  const answer = await fetch(url).catch(() => null); // without suggestions the line works as well
  if (!answer?.ok || answer.redirected) return;
  const list = await answer.text();
  if (mine !== asked || document.activeElement !== field) return;
  box.innerHTML = list; // our own template, which escapes all values
  box.hidden = !options().length;
  field.setAttribute("aria-expanded", String(!box.hidden));
  field.removeAttribute("aria-activedescendant");
}

function select(option) {
  current()?.setAttribute("aria-selected", "false");
  if (!option) return field.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", option.id);
}

function step(by) {
  const all = options();
  const here = all.indexOf(current());
  select(all[here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by]); // past the ends: back in the field
}

function take(option) {
  const { text, start, end, complete } = option.dataset;
  const whole = complete !== undefined;
  const before = [...field.value]; // characters as Python counts them
  const rest = before.slice(Number(end)).join("");
  const put = text + (whole && !rest.startsWith(" ") ? " " : "");
  field.value = before.slice(0, Number(start)).join("") + put + rest;
  const at = field.value.length - rest.length;
  field.setSelectionRange(at, at);
  close();
  field.focus();
  if (!whole) ask();
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT_MS);
});
field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (box.hidden) ask();
    else step(event.key === "ArrowDown" ? 1 : -1);
  } else if ((event.key === "Enter" || event.key === "Tab") && current()) {
    event.preventDefault();
    take(current());
  } else if (event.key === "Escape" && !box.hidden) {
    event.preventDefault();
    close();
  } else if (event.key === "Backspace" && !field.value && takeBack()) {
    event.preventDefault(); // the condition comes back whole, with its last letter
  }
});
field.addEventListener("blur", close);
field.addEventListener("click", () => box.hidden && ask());
box.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
box.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) take(option);
});
