// A trace in short below its row: by the sign at the row's end, or Space on the row. j and k take it along, Esc closes it.
// It is no place of its own: the address and the history stay as they are.

const FOLLOW_MS = 150;
let wanted = null; // the link of the row whose preview is, or will be, open
let timer = 0;

const box = () => document.querySelector("#trace-rows .preview-row");
const link = (row) => row?.querySelector("[data-preview]");

function close() {
  clearTimeout(timer);
  box()?.remove();
  wanted?.setAttribute("aria-expanded", "false");
  wanted = null;
}

async function open(peek) {
  const row = peek.closest("tr");
  const next = document.createElement("tr");
  const cell = document.createElement("td");
  const inside = document.createElement("div");
  close();
  wanted = peek;
  peek.setAttribute("aria-expanded", "true");
  next.className = "preview-row";
  inside.className = "preview";
  inside.setAttribute("role", "region");
  inside.setAttribute("aria-label", "Preview");
  inside.setAttribute("aria-live", "polite");
  const waiting = document.createElement("p");
  waiting.className = "skeleton";
  waiting.textContent = "Reading the trace";
  inside.append(waiting);
  cell.colSpan = [...row.cells].filter((one) => getComputedStyle(one).display !== "none").length;
  cell.append(inside);
  next.append(cell);
  row.after(next);
  const list = new URLSearchParams(location.search).toString();
  const address = `${peek.dataset.preview}?${new URLSearchParams({ list })}`;
  await htmx.ajax("GET", address, { target: inside, swap: "innerHTML" });
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  const peek = event.target.closest("[data-preview]");
  if (!peek || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (peek === wanted) close();
  else open(peek);
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const here = document.activeElement?.closest("#trace-rows tr");
  if (event.key === " " && document.activeElement.matches("#trace-rows [data-row], [data-preview]")) {
    event.preventDefault();
    link(here)?.click();
  } else if (event.key === "Escape" && wanted && !document.querySelector("dialog[open], details.menu[open], [popover]:popover-open")) {
    const row = wanted.closest("tr");
    close();
    row.querySelector("[data-row]")?.focus();
  }
});

// After rows.js moved the focus; what is passed by quickly is not read.
document.addEventListener("keyup", (event) => {
  if (!wanted || !["j", "k"].includes(event.key) || !document.activeElement.matches("#trace-rows [data-row]")) return;
  const peek = link(document.activeElement.closest("tr"));
  if (!peek || peek === wanted) return;
  clearTimeout(timer);
  timer = setTimeout(() => open(peek), FOLLOW_MS);
});

// Further rows came: the preview went with the row it belonged to.
document.addEventListener("htmx:afterSwap", () => {
  if (wanted && !wanted.isConnected) wanted = null;
});
for (const peek of document.querySelectorAll("[data-preview]")) peek.setAttribute("aria-expanded", "false");
