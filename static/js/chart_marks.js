// What Plotly has no word for: the firm upper edge of a volume, bars that begin where their bucket does, a last stretch
// that is not finished yet.
import { dressedTrace, ink } from "./chart_style.js";

const CLOCK = /(Z|[+-]\d\d:?\d\d)$/;
const GAP = 0.08; // of a bucket, on either side of its bar

// The server writes moments with the offset of the member's zone; Plotly drops the offset and draws the clock.
export const bare = (moment) => String(moment).replace(" ", "T").replace(CLOCK, "");
export const milliseconds = (moment) => Date.parse(`${bare(moment)}Z`);
const clock = (value) => new Date(value).toISOString().slice(0, 23);

export function offsetAt(traces, moment) {
  const all = traces.find((trace) => trace.x?.length)?.x ?? [];
  const before = all.filter((x) => milliseconds(x) <= milliseconds(moment)).at(-1) ?? all[0] ?? "";
  return CLOCK.exec(before)?.[0] ?? "Z";
}

const isDated = (trace) => trace.x?.length > 1 && !Number.isNaN(milliseconds(trace.x[0]));
const bucket = (trace) => milliseconds(trace.x[1]) - milliseconds(trace.x[0]);

function placed(trace) {
  return isDated(trace) ? { ...trace, offset: GAP * bucket(trace), width: (1 - 2 * GAP) * bucket(trace) } : trace;
}

function edge(trace, below) {
  const step = bucket(trace);
  const heights = trace.y.map((value, index) => (value ? value + below.reduce((sum, one) => sum + (one.y[index] ?? 0), 0) : null));
  return {
    type: "scatter", mode: "lines", hoverinfo: "skip", connectgaps: false,
    line: { color: ink(trace.meta?.ink ?? "series-1"), width: 1.75 },
    x: trace.x.flatMap((x) => [milliseconds(x) + GAP * step, milliseconds(x) + (1 - GAP) * step, milliseconds(x)].map(clock)),
    y: heights.flatMap((height) => [height, height, null]),
  };
}

function stretches(trace) {
  const part = (from, to) => {
    const marker = { ...trace.marker, size: trace.marker?.size?.slice(from, to) };
    return { ...trace, x: trace.x.slice(from, to), y: trace.y.slice(from, to), marker };
  };
  return [part(0, -1), { ...part(-2), line: { ...trace.line, dash: "dot" }, hoverinfo: "skip" }];
}

// The traces as Plotly draws them. More come out than went in, the server's own first and in their order.
export function dressed(traces) {
  const bars = traces.filter((one) => one.type === "bar");
  const volumes = bars.filter((one) => one.meta?.ink !== "bad-fill");
  const drawn = [];
  const added = [];
  for (const trace of traces) {
    const one = dressedTrace(trace, traces);
    if (trace.type === "bar") drawn.push(placed(one));
    else if (trace.meta?.open && trace.x.length > 1) {
      const [firm, tail] = stretches(one);
      drawn.push(firm);
      added.push(tail);
    } else drawn.push(one);
  }
  if (volumes.length === 1 && isDated(volumes[0])) added.push(edge(volumes[0], bars.slice(0, bars.indexOf(volumes[0]))));
  return [...drawn, ...added];
}
