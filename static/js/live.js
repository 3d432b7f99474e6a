// The list that says what is new in it, and lets it in by itself if it is told to. While the tab is hidden nothing is
// asked; while the server does not answer, ever more rarely.
import { insert, isHeld, rowsOf, shown, update } from "./live_rows.js";

const WATCH_MS = 6000;
const FOLLOW_MS = 3000;
const AGAIN_MS = 300; // where the answer was not the whole of it
const MOST_MS = 60_000;
const ANSWER_MS = 20_000;
let timer = 0;
let asking = false;
let state = null; // of the bar that is on the page: another one comes with each list

const fresh = (bar) => ({
  bar, since: bar.dataset.since, seen: bar.dataset.seen, count: 0, waiting: new Map(), changed: [], passed: false, failures: 0, lostAt: "",
});
const mode = () => state.bar.dataset.mode;
const follows = () => mode() === "follow" && "follows" in state.bar.dataset;
const clock = () => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone() }).format(new Date());
const zone = () => document.querySelector("[data-zone]")?.dataset.zone || undefined;

function current() {
  const bar = document.querySelector("[data-live]");
  if (!bar) state = null;
  else if (state?.bar !== bar) state = fresh(bar);
  return state;
}

function draw() {
  const { bar, waiting, passed, count, lostAt } = state;
  const most = Number(bar.dataset.most);
  const number = follows() ? waiting.size : count;
  const link = document.querySelector("[data-live-newer]");
  const words = bar.querySelector("[data-live-state]");
  const many = passed || number > most ? `more than ${most}` : number.toLocaleString("en-GB");
  const said = number ? `${many} new since ${bar.dataset.at}. Show them` : "";
  if (link.querySelector("span").textContent !== said) link.querySelector("span").textContent = said;
  link.hidden = !number;
  const now = lostAt ? `No answer since ${lostAt}. It is tried again.` : "";
  if (words.textContent !== now) words.textContent = now;
  words.toggleAttribute("data-lost", Boolean(lostAt));
}

// htmx knows where a link leads from when it first saw it.
function lead(link, url) {
  link.href = url;
  if (!link.hasAttribute("hx-get")) return;
  link.setAttribute("hx-get", url.pathname + url.search);
  htmx.process(link);
}

// The way to older rows goes on behind the last that is left.
function mend(taken) {
  const pager = document.querySelector("#trace-rows .pager");
  const last = shown().at(-1);
  let older = pager?.querySelector("[rel=next]");
  if (taken && !older && last) {
    const nav = Object.assign(document.createElement("nav"), { className: "pager", ariaLabel: "Pages" });
    older = Object.assign(document.createElement("a"), { className: "btn", rel: "next", textContent: "Older →" });
    older.href = state.bar.dataset.list;
    nav.append(older);
    document.getElementById("trace-rows").append(nav);
  }
  if (older && last) {
    const url = new URL(older.href, location);
    url.searchParams.set("after", last.dataset.after);
    lead(older, url);
  }
  const number = shown().length;
  for (const place of document.querySelectorAll("#trace-rows .found strong, #trace-rows .pager span")) {
    place.textContent = place.textContent.replace(/\d+/, number).replace(/\btraces?\b/, number === 1 ? "trace" : "traces");
  }
}

function letIn() {
  state.changed = update(state.changed);
  if (!state.waiting.size || isHeld() || state.passed) return;
  const taken = insert([...state.waiting.values()], Number(state.bar.dataset.rows), Boolean(document.querySelector("#trace-rows [rel=next]")));
  state.waiting.clear();
  mend(taken);
}

function take(answer) {
  const { newer, since, seen } = answer.dataset;
  Object.assign(state, { since, seen, failures: 0, lostAt: "" });
  const on = new Set(shown().map((row) => row.dataset.trace));
  const most = Number(state.bar.dataset.most);
  if (follows()) {
    const rows = rowsOf(answer);
    state.changed = [...state.changed, ...rows.filter((row) => on.has(row.dataset.trace))].slice(-most);
    rows.filter((row) => !on.has(row.dataset.trace)).forEach((row) => state.waiting.set(row.dataset.trace, row));
    state.passed ||= state.waiting.size > most || Number(newer) > rows.length;
    for (const key of [...state.waiting.keys()].slice(0, -most)) state.waiting.delete(key);
    letIn();
  } else {
    state.count += Number(newer);
  }
}

async function ask() {
  const asked = current();
  if (!asked || asking || document.hidden || mode() === "off") return;
  const url = new URL(asked.bar.dataset.live, location);
  const rows = shown().map((row) => row.dataset.trace).join(".");
  for (const [name, value] of [["since", asked.since], ["seen", asked.seen], ["shown", rows]]) url.searchParams.set(name, value);
  if (follows()) url.searchParams.set("follow", "1");
  asking = true;
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
  const html = answer?.ok && !answer.redirected ? await answer.text().catch(() => "") : "";
  asking = false;
  if (current() !== asked) return plan(0); // another list has come meanwhile
  const found = html && new DOMParser().parseFromString(html, "text/html").querySelector("[data-newer]");
  if (found && mode() !== "off") take(found);
  else if (!found) {
    asked.failures += 1;
    asked.lostAt ||= clock();
  }
  draw();
  plan(found && "more" in found.dataset && !asked.passed && asked.count <= Number(asked.bar.dataset.most) ? AGAIN_MS : undefined);
}

function plan(wait) {
  clearTimeout(timer);
  if (!current() || mode() === "off" || document.hidden) return;
  const usual = follows() ? FOLLOW_MS : WATCH_MS;
  timer = setTimeout(ask, wait ?? Math.min(usual * 2 ** state.failures, MOST_MS));
}

// The address holds how the list is watched, and so do the ways from here to the same list.
function keep(chosen) {
  state.bar.dataset.mode = chosen;
  const said = chosen === "watch" ? "" : chosen;
  const of = (address) => {
    const url = new URL(address, location);
    if (said) url.searchParams.set("live", said);
    else url.searchParams.delete("live");
    return url;
  };
  const list = new URL(state.bar.dataset.list, location).pathname;
  history.replaceState(history.state, "", of(location.href));
  document.querySelectorAll("a[href]").forEach((link) => {
    if (new URL(link.href, location).pathname !== list) return;
    lead(link, of(link.href));
  });
  const form = document.querySelector("form[data-query]");
  form?.querySelector("input[name=live]")?.remove();
  if (said) form?.append(Object.assign(document.createElement("input"), { type: "hidden", name: "live", value: said }));
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-live-watch], [data-live-follow]") || !current()) return;
  const watch = state.bar.querySelector("[data-live-watch]");
  const follow = state.bar.querySelector("[data-live-follow]");
  if (event.target === follow && follow.checked) watch.checked = true;
  if (event.target === watch && !watch.checked && follow) follow.checked = false;
  keep(!watch.checked ? "off" : follow?.checked ? "follow" : "watch");
  if (state.count) state.passed = follows(); // what was only counted has no rows: the list is read anew
  draw();
  plan(watch.checked ? 0 : undefined);
});
// Before htmx: what is here already need not be fetched.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-live-newer]") || !current() || !follows() || state.passed) return;
  event.preventDefault();
  event.stopPropagation();
  document.activeElement.blur();
  scrollTo(0, Math.min(scrollY, document.getElementById("trace-rows").getBoundingClientRect().top + scrollY));
  insertAll();
}, true);

function insertAll() {
  const taken = insert([...state.waiting.values()], Number(state.bar.dataset.rows), Boolean(document.querySelector("#trace-rows [rel=next]")));
  state.waiting.clear();
  mend(taken);
  draw();
}

addEventListener("scroll", () => state && follows() && state.waiting.size && (letIn(), draw()), { passive: true });
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : plan(0)));
document.addEventListener("htmx:afterSettle", () => current() && plan());
addEventListener("online", () => plan(0));
if (current()) plan();
