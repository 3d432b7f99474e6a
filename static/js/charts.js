// Draws every [data-chart] with Plotly. Its value is the id of the JSON beside it: {"data": […], "layout": {…}}.
// A stretch that is dragged, or a point that is clicked, opens the traces behind it (data-traces-url).
import { dressedLayout, dressedNote, dressedShape, dressedTrace } from "./chart_style.js";

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };
const drawn = new Set();

const seconds = (moment) => Date.parse(moment.replace(" ", "T").replace(/(Z|[+-]\d\d:?\d\d)$/, "") + "Z") / 1000;

// The server writes moments with the offset of the member's zone; Plotly drops it and draws the clock. Here it comes back.
function offsetAt(figure, moment) {
  const all = figure.data.find((trace) => trace.x?.length)?.x ?? [];
  const before = all.filter((x) => seconds(x) <= seconds(moment)).at(-1) ?? all[0] ?? "";
  return /(Z|[+-]\d\d:?\d\d)$/.exec(before)?.[0] ?? "Z";
}

function withOffset(figure, moment) {
  return `${moment.replace(" ", "T").replace(/(Z|[+-]\d\d:?\d\d)$/, "")}${offsetAt(figure, moment)}`;
}

function openTraces(panel, figure, from, to) {
  const url = new URL(panel.dataset.tracesUrl, location.href);
  url.searchParams.delete("period");
  url.searchParams.set("from", withOffset(figure, from));
  url.searchParams.set("to", withOffset(figure, to));
  location.assign(url);
}

function openBucket(panel, figure, point) {
  const x = figure.data[point.curveNumber]?.x ?? figure.data[0].x;
  const index = x.findIndex((one) => seconds(one) === seconds(String(point.x)));
  if (index < 0 || x.length < 2) return;
  const length = index + 1 < x.length ? seconds(x[index + 1]) - seconds(x[index]) : seconds(x[index]) - seconds(x[index - 1]);
  const end = new Date((seconds(x[index]) + length) * 1000).toISOString().slice(0, 19);
  openTraces(panel, figure, x[index], end);
}

// The firm upper edge of the bars of a volume, and the last stretch of a line that is not finished.
function finished(figure) {
  const traces = figure.data.map((trace) => dressedTrace(trace, figure.data));
  return traces.flatMap((trace, index) => {
    const open = figure.data[index].meta?.open && trace.type !== "bar" && trace.x.length > 1;
    if (!open) return [trace];
    const tail = { ...trace, x: trace.x.slice(-2), y: trace.y.slice(-2), line: { ...trace.line, dash: "dot" }, hoverinfo: "skip" };
    return [{ ...trace, x: trace.x.slice(0, -1), y: trace.y.slice(0, -1) }, tail];
  });
}

function draw(panel) {
  const source = document.getElementById(panel.dataset.chart);
  const place = panel.querySelector(".plot");
  if (!source || !place) return;
  const figure = JSON.parse(source.textContent);
  const layout = dressedLayout(figure.layout ?? {});
  layout.shapes = (layout.shapes ?? []).map(dressedShape);
  layout.annotations = (layout.annotations ?? []).map(dressedNote);
  Plotly.react(place, finished(figure), layout, CONFIG);
  if (drawn.has(panel) || !panel.dataset.tracesUrl) return void drawn.add(panel);
  drawn.add(panel);
  place.on("plotly_click", (event) => openBucket(panel, figure, event.points[0]));
  place.on("plotly_relayout", (change) => {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (from && to) openTraces(panel, figure, from.slice(0, 19), to.slice(0, 19));
  });
}

function drawWithin(root) {
  if (root.matches?.("[data-chart]")) draw(root);
  root.querySelectorAll("[data-chart]").forEach(draw);
}

const again = () => [...drawn].filter((panel) => panel.isConnected).forEach(draw);
new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
document.addEventListener("htmx:load", (event) => event.detail.elt !== document.body && drawWithin(event.detail.elt));
drawWithin(document);
