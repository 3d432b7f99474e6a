// The palette: look up, go to, or do, by keyboard (the combobox pattern of ARIA). Ctrl K or ⌘ K opens it everywhere.
import { onKey, press } from "./keys.js";
import { actionsOf, keyHint, line, mark, score, wordsOf } from "./palette_entries.js";

const dialog = document.getElementById("palette");
const field = dialog?.querySelector("input");
const box = dialog?.querySelector("[role=listbox]");
const failed = dialog?.querySelector("[role=status]");
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
const NOT_LOADED = "Pages and earlier look-ups could not be loaded. What is typed can still be looked up.";
const MOST_WAITING_MS = 1000;
let asked = 0;
let pending = null; // the lines that are on their way
let pasted = false;
const doing = new Map(); // what a line does, where it does not lead somewhere

const entries = () => [...box.querySelectorAll("[role=option]")];
const shown = () => entries().filter((entry) => !entry.hidden);
const current = () => box.querySelector("[aria-selected=true]");

function group(title, lines) {
  const part = document.createElement("div");
  const head = document.createElement("p");
  part.className = "palette__group";
  part.setAttribute("role", "group");
  part.ariaLabel = title;
  head.className = "palette__title";
  head.setAttribute("aria-hidden", "true");
  head.textContent = title;
  part.append(head, ...lines);
  return part;
}

function select(entry) {
  current()?.setAttribute("aria-selected", "false");
  field.removeAttribute("aria-activedescendant");
  if (!entry) return;
  entry.setAttribute("aria-selected", "true");
  entry.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", entry.id);
}

function step(by) {
  const all = shown();
  if (!all.length) return;
  const here = all.indexOf(current());
  select(all[here < 0 ? (by > 0 ? 0 : all.length - 1) : (here + by + all.length) % all.length]);
}

// "Look up …" stands first and is what Enter does when no line answers the words, and after something was pasted.
function find() {
  const words = wordsOf(field.value);
  const look = box.querySelector("#palette-look");
  look.parentElement.hidden = look.hidden = !words.length;
  look.querySelector("[data-label]").textContent = `Look up “${field.value.trim().slice(0, 80)}”`;
  let best = null;
  const worths = new Map();
  for (const part of box.querySelectorAll(".palette__group")) {
    if (part.contains(look)) continue;
    let top = 0;
    for (const entry of part.querySelectorAll("[role=option]")) {
      const value = words.length ? score(entry, words) : "later" in entry.dataset ? 0 : 1;
      entry.hidden = !value;
      mark(entry, value ? words : []);
      if (words.length && value > (best?.value ?? 0)) best = { value, entry };
      top = Math.max(top, value);
    }
    part.hidden = !top;
    worths.set(part, top);
  }
  // The parts keep their order until something is typed; then the one with the best line comes first.
  const parts = [...worths.keys()].sort((a, b) => (words.length ? worths.get(b) - worths.get(a) : 0) || a.dataset.place - b.dataset.place);
  box.append(...parts);
  field.setAttribute("aria-expanded", String(shown().length > 0));
  select(words.length ? (pasted ? look : (best?.entry ?? look)) : null);
  box.scrollTop = 0;
}

function draw(fetched) {
  const more = [["Print this page", "p", { click: () => onKey.get("p")() }]];
  const tables = document.querySelectorAll("[data-key-group=t]");
  if (tables.length) more.push(["Tables under the charts", "t", { click: () => tables.forEach(press) }]);
  doing.clear();
  const lines = actionsOf(document, more).map(([name, key, element], place) => {
    const entry = line(`palette-do-${place}`, name, keyHint(key), "chain");
    doing.set(entry, element);
    return entry;
  });
  box.replaceChildren(group("Look up", [line("palette-look", "", null, "lookup")]), ...fetched, group("On this page", lines));
  box.querySelectorAll("a[role=option]").forEach((entry, place) => (entry.id = `palette-go-${place}`));
  box.querySelectorAll(".palette__group").forEach((part, place) => (part.dataset.place = place));
  find();
}

async function load() {
  asked += 1;
  const mine = asked;
  const answer = await fetch(dialog.dataset.palette).catch(() => null);
  const html = answer?.ok && !answer.redirected ? await answer.text().catch(() => "") : "";
  if (mine !== asked || !dialog.open) return;
  failed.hidden = Boolean(html);
  failed.textContent = html ? "" : NOT_LOADED;
  if (!html) return;
  const chosen = current()?.id;
  draw(new DOMParser().parseFromString(html, "text/html").querySelectorAll(".palette__group")); // our own template
  if (chosen?.startsWith("palette-do-") && !field.value) select(document.getElementById(chosen));
}

function open() {
  document.querySelectorAll("dialog[open]").forEach((other) => other.close());
  document.querySelectorAll("details.menu[open]").forEach((menu) => (menu.open = false));
  field.value = "";
  pasted = false;
  failed.hidden = true;
  draw([]);
  dialog.showModal();
  pending = load();
}

// Enter may come sooner than the lines do, and means what it would have meant a moment later.
async function enter(elsewhere) {
  await Promise.race([pending, new Promise((done) => setTimeout(done, MOST_WAITING_MS))]);
  if (dialog.open && (current() || field.value.trim())) run(current(), elsewhere);
}

// The focus goes back to where it was; where that was nowhere, the field must not keep it.
function shut() {
  dialog.close();
  if (document.activeElement === field) field.blur();
}

function run(entry, elsewhere) {
  if (!entry || entry.id === "palette-look") return field.form.requestSubmit();
  if (entry.href) return elsewhere ? window.open(entry.href, "_blank", "noopener") : location.assign(entry.href);
  const element = doing.get(entry);
  shut(); // the focus is back where it was before anything happens
  if (element instanceof Element) press(element);
  else element.click();
}

function listen() {
  field.addEventListener("input", (event) => {
    pasted = event.inputType === "insertFromPaste" || (pasted && Boolean(field.value));
    find();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      event.preventDefault();
      shut();
    } else if (event.key === "Enter" && event.target === field) {
      event.preventDefault();
      enter(event.ctrlKey || event.metaKey);
    }
  });
  box.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  box.addEventListener("click", (event) => {
    const entry = event.target.closest("[role=option]");
    if (!entry || (entry.href && (event.ctrlKey || event.metaKey || event.shiftKey))) return;
    event.preventDefault();
    run(entry, false);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-closes]")) shut();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-opens-palette]")) open();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey || event.repeat) return;
    if (isMac ? !event.metaKey : !event.ctrlKey) return;
    event.preventDefault();
    if (dialog.open) shut();
    else open();
  });
  addEventListener("pagehide", () => dialog.close()); // the back button brings the page, not the palette
}

if (dialog) listen();
if (isMac) document.querySelectorAll("[data-ctrl]").forEach((key) => (key.textContent = "⌘"));
