// Colours, letters and axes of a chart. The server sends figures and names of inks; the tokens say what they look like.

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

// A custom property with light-dark() does not resolve by itself; a colour that uses it does. A mixed colour comes out as
// color(srgb 0.1 0.2 0.3), which Plotly cannot read.
function resolved(colour) {
  probe.style.color = colour;
  const found = getComputedStyle(probe).color;
  const parts = /^color\(srgb ([\d.]+) ([\d.]+) ([\d.]+)/.exec(found);
  return parts ? `rgb(${parts.slice(1).map((part) => Math.round(part * 255)).join(",")})` : found;
}

export const ink = (name) => resolved(`var(--${name})`);
const pale = (name, share) => resolved(`color-mix(in srgb, var(--${name}) ${share * 100}%, var(--surface))`);

function merged(below, above) {
  const both = { ...below };
  for (const [key, value] of Object.entries(above ?? {})) {
    const deep = value && typeof value === "object" && !Array.isArray(value) && typeof both[key] === "object";
    both[key] = deep ? merged(both[key], value) : value;
  }
  return both;
}

const GROUNDS = new Set(["usual", "usual-band", "incident-band"]);

function line(trace, name) {
  const ghost = name === "ghost";
  const base = { mode: "lines", connectgaps: false, line: { width: ghost ? 1.25 : 1.75, color: ink(name), dash: ghost ? "dot" : "solid" } };
  base.marker = { color: ink(name), opacity: 1, line: { width: 0 } }; // a value without neighbours is a dot
  if (GROUNDS.has(name)) Object.assign(base, { line: { width: 0, color: ink(name) }, fillcolor: ink(name), hoverinfo: "skip" });
  else if (trace.fill) base.fillcolor = pale(name, 0.26);
  return merged(base, trace);
}

function bar(trace, name, volume) {
  const marker = { color: volume ? pale(name, 0.26) : ink(name), line: { width: 0 } };
  if (trace.meta?.open) {
    // The last bucket is not finished: hatched, as everything that is not known yet.
    const last = trace.x.length - 1;
    const shape = trace.x.map((_, index) => (index === last ? "/" : ""));
    marker.pattern = { shape, fgcolor: ink("unknown"), bgcolor: ink("surface"), size: 5, solidity: 0.25 };
  }
  return merged({ marker }, trace);
}

export function dressedTrace(trace, traces) {
  const name = trace.meta?.ink ?? "series-1";
  if (trace.type !== "bar") return line(trace, name);
  const volumes = traces.filter((one) => one.type === "bar" && one.meta?.ink !== "bad-fill");
  return bar(trace, name, name !== "bad-fill" && volumes.length === 1);
}

export function dressedShape(shape) {
  const name = shape.meta?.ink ?? "text-2";
  if (shape.type !== "line") return merged({ fillcolor: ink(name), line: { width: 0 }, layer: "below" }, shape);
  return merged({ line: { color: ink(name), width: 1, dash: name === "warn-fill" ? "longdash" : "dash" } }, shape);
}

export function dressedNote(note) {
  const name = note.meta?.ink ?? "text-2";
  return merged({ showarrow: false, font: { color: ink(name), size: 11 }, bgcolor: ink("surface") }, note);
}

export function dressedLayout(layout) {
  const letters = getComputedStyle(document.body);
  const axis = { linecolor: ink("line-control"), gridcolor: ink("grid"), zeroline: false, title: { text: "" }, ticks: "" };
  const spike = { showspikes: true, spikecolor: ink("line-control"), spikethickness: 1, spikedash: "solid", spikemode: "across" };
  const hour = { dtickrange: [null, 43_200_000], value: "%H:%M" };
  const day = { dtickrange: [43_200_000, null], value: "%-d %b" };
  return merged(
    {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true, showlegend: false,
      margin: { l: 44, r: 8, t: 16, b: 24 }, font: { size: 11, color: ink("text-3"), family: letters.fontFamily },
      hovermode: "x unified", dragmode: "zoom", bargap: 0.16, barmode: "stack",
      hoverlabel: { bgcolor: ink("raised"), bordercolor: ink("line"), font: { color: ink("text"), size: 12, family: letters.fontFamily } },
      xaxis: { ...axis, showgrid: false, showline: true, nticks: 8, tickformatstops: [hour, day], hoverformat: "%-d %b, %H:%M", ...spike },
      yaxis: { ...axis, showgrid: true, showline: false, nticks: 5, rangemode: "tozero", fixedrange: true, hoverformat: ",.3~f" },
    },
    layout,
  );
}
