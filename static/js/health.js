// The line about what comes in: asked for once the page is there, and every half minute while somebody looks at it. A
// page that is opened within that time shows what was told last, so that walking through pages asks no oftener.

const EVERY_MS = 30_000;
const EMPTY_MS = 5000; // until the first trace comes, which the page beside it may show at once
const ANSWER_MS = 10_000;
const line = document.querySelector("[data-health]");
const zone = document.querySelector("[data-zone]")?.dataset.zone || undefined;
const KEPT = `health ${line?.dataset.health} ${zone}`;
let timer = 0;
let asking = false;
let lostAt = "";
let drawn = "";

const clock = () => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone }).format(new Date());
const isEmpty = () => Boolean(line.querySelector("a"));

// What has the focus stays until the next time, and what says the same for good.
function draw(html) {
  if (html === drawn || line.contains(document.activeElement)) return;
  drawn = html;
  line.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes); // our own template
}

// Nothing that was known is left standing: it may not be so any more.
function drawLost() {
  lostAt ||= clock();
  drawn = "";
  const dot = Object.assign(document.createElement("i"), { className: "live live--still" });
  line.replaceChildren(dot, `Not known since ${lostAt}`);
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  const answer = await fetch(line.dataset.health, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
  const html = answer?.ok && !answer.redirected ? await answer.text().catch(() => "") : "";
  asking = false;
  if (html) {
    lostAt = "";
    draw(html);
    if (isEmpty()) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, JSON.stringify({ html, at: Date.now() }));
  } else if (answer?.redirected) {
    drawn = "";
    line.replaceChildren(); // logged out: there is nothing to be known here any more
  } else {
    drawLost();
  }
  plan(isEmpty() ? EMPTY_MS : EVERY_MS);
}

function plan(wait) {
  clearTimeout(timer);
  timer = setTimeout(ask, wait);
}

function begin() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  const left = kept ? EVERY_MS - (Date.now() - kept.at) : 0;
  const isFresh = left > 0 && left <= EVERY_MS;
  if (isFresh && !lostAt) draw(kept.html);
  plan(isFresh ? left : 0);
}

if (line) {
  addEventListener("pageshow", begin); // after load, and when the back button brings the page
  addEventListener("online", () => plan(0));
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : begin()));
}
