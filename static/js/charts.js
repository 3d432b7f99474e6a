// Draws every [data-chart] with Plotly. Its value is the id of the JSON beside it: {"data": […], "layout": {…}}.
// A stretch that is dragged, or a point that is clicked, opens the traces behind it (data-traces-url).
import { bare, dressed, milliseconds, offsetAt } from "./chart_marks.js";
import { dressedLayout, dressedNote, dressedShape } from "./chart_style.js";

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };
const drawn = new Set();

const exact = (traces, moment) => bare(moment) + offsetAt(traces, moment);

function openTraces(panel, figure, from, to) {
  const url = new URL(panel.dataset.tracesUrl, location.href);
  url.searchParams.delete("period");
  url.searchParams.set("from", exact(figure.data, from));
  url.searchParams.set("to", exact(figure.data, to));
  location.assign(url);
}

function openBucket(panel, figure, point) {
  const x = (figure.data[point.curveNumber] ?? figure.data[0]).x.map(milliseconds);
  const index = x.indexOf(milliseconds(point.x));
  if (index < 0 || x.length < 2) return;
  const length = index + 1 < x.length ? x[index + 1] - x[index] : x[index] - x[index - 1];
  const [from, to] = [x[index], x[index] + length].map((value) => new Date(value).toISOString().slice(0, 19));
  openTraces(panel, figure, from, to);
}

function draw(panel) {
  const source = document.getElementById(panel.dataset.chart);
  const place = panel.querySelector(".plot");
  if (!source || !place) return;
  const figure = JSON.parse(source.textContent);
  const layout = dressedLayout(figure.layout ?? {});
  layout.shapes = (layout.shapes ?? []).map(dressedShape);
  layout.annotations = (layout.annotations ?? []).map(dressedNote);
  Plotly.react(place, dressed(figure.data), layout, CONFIG);
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
