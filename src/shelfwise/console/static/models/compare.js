// Two versions beside each other: which is better, whether that is certain, and in what they differ.

import { get } from "../api.js";
import { element } from "../dom.js";
import { change, dateTime, duration, number } from "../format.js";
import { loadInto } from "../states.js";
import { table } from "../table.js";
import { text } from "../texts.js";
import { interval, scaleOf } from "./interval.js";

const CERTAIN_BELOW = 0.05;

/** @param {HTMLElement} place @param {string} baseline @param {string} other */
export function compare(place, baseline, other) {
  const asked = { version: [baseline, other] };
  return loadInto(place, () => get("/v1/models/compare", asked), (found) => [verdict(found), measured(found), configuration(found), about(found)].filter(Boolean));
}

function verdict({ differences: [found], notes }) {
  if (!found) return element("div", { class: "notice careful" }, notes.map((note) => element("p", { text: note })));
  const isCertain = found.p_adjusted < CERTAIN_BELOW;
  const key = !isCertain ? "verdict.open" : found.mean > 0 ? "verdict.better" : "verdict.worse";
  const values = { version: found.version, against: found.against, change: found.relative === null ? number(found.mean, 4) : change(found.relative), p: found.p_adjusted < 0.001 ? "< 0.001" : `= ${number(found.p_adjusted, 3)}`, users: number(found.n_users) };
  const scale = scaleOf([{ low: Math.min(found.low, 0), high: Math.max(found.high, 0) }]);
  return element(
    "div", { class: `notice verdict ${isCertain ? (found.mean > 0 ? "good" : "danger") : ""}` },
    element("p", {}, element("strong", { text: text(key, values) })),
    element("p", { text: text("verdict.evidence", values) }),
    element("div", { class: "row" }, element("span", { text: text("verdict.difference") }), interval(found, scale, { zero: true, signed: true })),
  );
}

function measured({ columns }) {
  const known = columns.filter((column) => column.measured);
  if (!known.length) return null;
  const metrics = Object.keys(known[0].measured.metrics).filter((metric) => known.every((column) => metric in column.measured.metrics));
  const rows = metrics.map((metric) => ({ metric, scale: scaleOf(known.map((column) => column.measured.metrics[metric])) }));
  const ofMetric = (column) => (row) => (column.measured ? interval(column.measured.metrics[row.metric], row.scale) : null);
  const k = known[0].measured.k;
  return section(text("compare.measured"), table({
    caption: text("compare.measured"),
    rows,
    columns: [{ title: text("compare.metric", { k }), cell: (row) => metricName(row.metric) }, ...columns.map((column) => ({ title: column.version, cell: ofMetric(column) }))],
  }));
}

const NAMES = { ndcg: "NDCG", mrr: "MRR", recall: "Recall", precision: "Precision", hit_rate: "Hit rate" };
const metricName = (metric) => NAMES[metric] ?? metric.replaceAll("_", " ");

function configuration({ columns, configuration: found }) {
  const rows = Object.entries(found).map(([key, values]) => ({ key, values }));
  if (!rows.length) return section(text("compare.configuration"), element("p", { class: "soft", text: text("compare.same_configuration") }));
  return section(text("compare.configuration"), table({
    caption: text("compare.configuration"),
    rows,
    columns: [{ title: text("compare.key"), cell: ({ key }) => element("code", { text: key }) }, ...columns.map((column, n) => ({ title: column.version, cell: ({ values }) => (values[n] === null ? null : element("code", { text: String(values[n]) })) }))],
  }));
}

function about({ columns }) {
  const facts = [
    ["compare.trained", (column) => dateTime(column.created_at)],
    ["compare.commit", (column) => column.commit && element("code", { text: column.commit })],
    ["compare.release", (column) => column.shelfwise],
    ["compare.events", (column) => number(column.data.n_events)],
    ["compare.items", (column) => number(column.data.n_items)],
    ["compare.users", (column) => number(column.data.n_users)],
    ["compare.last_event", (column) => dateTime(column.data.last_event_at)],
    ["compare.took", (column) => duration(column.seconds)],
  ];
  return section(text("compare.about"), table({
    caption: text("compare.about"),
    rows: facts,
    columns: [{ title: text("compare.fact"), cell: ([key]) => text(key) }, ...columns.map((column) => ({ title: column.version, cell: ([, of]) => of(column) }))],
  }));
}

const section = (title, content) => element("div", { class: "stack tight" }, element("h3", { text: title }), content);
