// The curves of a training: one chart per kind of value, one line per part that learns.

import { lineChart } from "../charts.js";
import { element } from "../dom.js";
import { number } from "../format.js";
import { text } from "../texts.js";

const MAX_CHARTS = 4;
const MAX_LINES = 6;
const FEWEST_POINTS = 2;

const NAMES = {
  loss: "curve.loss", held_out_loss: "curve.held_out_loss", held_out_ndcg: "curve.held_out_ndcg", held_out_mrr: "curve.held_out_mrr",
  learning_rate: "curve.learning_rate", events_per_s: "curve.events_per_s",
};
const FIRST = Object.keys(NAMES);

/** Curves by the last part of their name: `sequence/everything/loss` is a line of the chart of losses. */
function byKind(curves) {
  const kinds = new Map();
  for (const [name, points] of Object.entries(curves)) {
    if (points.length < FEWEST_POINTS) continue;
    const parts = name.split("/");
    const kind = parts.pop();
    if (!kinds.has(kind)) kinds.set(kind, []);
    kinds.get(kind).push({ name: parts.join(" / ") || kind, values: points });
  }
  const rank = (kind) => (FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length);
  return [...kinds].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b)).slice(0, MAX_CHARTS);
}

/** Charts that grow with the training. @param {HTMLElement} place */
export function curveCharts(place) {
  const charts = new Map();

  return {
    update(curves) {
      const kinds = byKind(curves);
      if (!kinds.length && !charts.size) {
        place.replaceChildren(element("p", { class: "soft", text: text("curve.none") }));
        return;
      }
      if (!charts.size) place.replaceChildren();
      for (const [kind, lines] of kinds) {
        const series = lines.slice(-MAX_LINES);
        if (charts.has(kind)) charts.get(kind).update(series);
        else charts.set(kind, added(kind, series));
      }
    },
    dispose() {
      charts.forEach((chart) => chart.dispose());
      charts.clear();
    },
  };

  function added(kind, series) {
    const name = NAMES[kind] ? text(NAMES[kind]) : kind.replaceAll("_", " ");
    const frame = element("div");
    place.append(element("figure", { class: "curve" }, element("figcaption", { text: series.length === 1 ? `${name} · ${series[0].name}` : name }), frame));
    return lineChart(frame, series, { title: name, x: { name: text("curve.step"), kind: "number", format: (value) => number(value) }, y: { name, kind: "number" } });
  }
}
