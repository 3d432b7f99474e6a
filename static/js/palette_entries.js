// The lines of the palette: what the open page can do, and how well a line answers what is typed.
import { off } from "./keys.js";

const MOST_ACTIONS = 60;
const NAVIGATION = ".frame__nav, .lookup, #palette"; // what the server's lines lead to, and the box itself
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const spaced = (text) => text.replace(/\s+/g, " ").trim();

function nameOf(element) {
  const said = element.dataset.action || element.ariaLabel || element.labels?.[0]?.textContent || element.textContent;
  return spaced(said);
}

function isOffered(element) {
  if (element.closest(NAVIGATION) || element.disabled || element.ariaDisabled === "true") return false;
  if (element.ariaCurrent || element.ariaPressed === "true") return false; // it is so already
  return element.dataset.action ? true : element.checkVisibility();
}

// What can be done here, once each: [name, key or "", what does it]. `more` are those that no element stands for.
export function actionsOf(page, more) {
  const ofPage = (element) => (element.closest("main") ? 0 : 1); // before what every page has around it
  const found = [...page.querySelectorAll("[data-action], [data-key]")].filter(isOffered).sort((a, b) => ofPage(a) - ofPage(b));
  const all = found.map((element) => [nameOf(element), element.dataset.key ?? "", element]).filter(([name]) => name);
  return [...new Map([...all, ...more].map((one) => [one[0], one])).values()].slice(0, MOST_ACTIONS);
}

export function line(id, name, hint, sign) {
  const entry = document.createElement("button");
  const label = document.createElement("span");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#sign-${sign}`);
  svg.append(use);
  svg.setAttribute("class", "sign");
  svg.setAttribute("aria-hidden", "true");
  label.className = "cut";
  label.dataset.label = "";
  label.textContent = name;
  Object.assign(entry, { type: "button", className: "palette__entry", role: "option", ariaSelected: "false", tabIndex: -1 });
  entry.append(svg, label);
  if (hint) entry.append(hint);
  entry.id = id;
  return entry;
}

export function keyHint(key) {
  if (!key || (off() && key.length === 1)) return null;
  const hint = document.createElement("kbd");
  hint.textContent = { ArrowLeft: "←", ArrowRight: "→" }[key] ?? key;
  return hint;
}

// How well a text answers the words, 0: not at all. Each word must begin a word of it, or stand within it if it is longer.
function worth(words, text, most) {
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return 0;
    if (at === 0) sum += most;
    else if (text.includes(` ${word}`) || /[^\p{L}\p{N}]$/u.test(text.slice(0, at))) sum += most - 1;
    else if (word.length > 2) sum += 1;
    else return 0;
  }
  return sum / words.length;
}

export function wordsOf(typed) {
  return plain(spaced(typed)).split(" ").filter(Boolean);
}

export function score(entry, words) {
  const label = plain(entry.querySelector("[data-label]").textContent);
  const hint = entry.querySelector("small")?.textContent ?? "";
  return worth(words, label, 4) || worth(words, plain(`${label} ${hint} ${entry.dataset.also ?? ""}`), 2);
}

// Mark the words in the label of a line; no words: nothing is marked.
export function mark(entry, words) {
  const label = entry.querySelector("[data-label]");
  const text = label.textContent;
  const lower = text.toLowerCase();
  const spans = words.map((word) => [lower.indexOf(word), word.length]).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0]);
  label.replaceChildren();
  let done = 0;
  if (lower.length !== text.length) spans.length = 0; // letters that grow in lower case: the places would not fit
  for (const [at, length] of spans) {
    if (at < done) continue;
    const found = document.createElement("mark");
    found.textContent = text.slice(at, at + length);
    label.append(text.slice(done, at), found);
    done = at + length;
  }
  label.append(text.slice(done));
}
