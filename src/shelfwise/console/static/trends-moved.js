// What rises and what falls, under the people of the whole shop.

import { barChart } from "./charts.js";
import { element } from "./dom.js";
import { change, date, number, percent } from "./format.js";
import { sparkline } from "./sparkline.js";
import { showContent, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";

const FEW_DAYS = 14;

const place = (id) => document.getElementById(id);

/** Draw a report of `GET /v1/insight/trends`. */
export function drawMoved(report) {
  drawPeople(report);
  place("tested").textContent = report.n_groups ? text("moved.tested", { n: number(report.n_tested), all: number(report.n_groups), share: percent(report.false_share) }) : "";
  for (const way of ["rising", "falling"]) {
    const n = report[`n_${way}`];
    place(`n-${way}`).hidden = !n;
    place(`n-${way}`).textContent = number(n);
    if (report[way].length) showContent(place(way), movedTable(report, way));
    else if (!report.n_groups) showEmpty(place(way), { title: text("moved.no_groups"), body: text("moved.no_groups_about") });
    else showEmpty(place(way), { title: text("moved.nothing"), body: text("moved.nothing_about") });
  }
}

let chart = null;

function drawPeople(report) {
  const whole = report.people_before ? change(report.people / report.people_before - 1) : "–";
  place("compared").textContent = text("people.compared", { from: date(report.begins_at), to: date(new Date(new Date(report.as_of).getTime() - 1)), days: number(report.days), people: number(report.people), change: whole });
  if (!report.people && !report.people_before) {
    chart?.dispose();
    chart = null;
    showEmpty(place("people"), { title: text("people.none"), body: text("people.none_about") });
    return;
  }
  const step = text(report.days <= FEW_DAYS ? "step_day" : "step_week");
  const [start, end] = [new Date(report.before_at).getTime(), new Date(report.as_of).getTime()];
  const length = (end - start) / report.steps.length;
  const half = report.steps.length / 2;
  const only = (isIn) => report.steps.map((n, at) => [new Date(start + at * length), isIn(at) ? n : null]);
  const series = [
    { name: text("people.before"), values: only((at) => at < half), colour: "--line-strong" },
    { name: text("people.now"), values: only((at) => at >= half), colour: "--series-1" },
  ];
  chart?.dispose();
  place("people").removeAttribute("aria-busy");
  chart = barChart(place("people"), series, {
    title: text("people.title"),
    x: { name: text("people.time", { step }), kind: "time", format: (at) => date(new Date(at)) },
    y: { name: text("people.axis", { step }), min: 0 },
    isStacked: true, // in one row, not side by side
  });
}

function movedTable(report, way) {
  const isRising = way === "rising";
  const bound = isRising ? "low" : "high";
  return table({
    caption: text(`moved.${way}`),
    rows: report[way],
    columns: [
      { title: text("moved.name"), cell: (row) => named(row.what), value: (row) => row.what.name },
      { title: text("moved.over_time"), cell: (row) => sparkline(row.steps, { marksFrom: row.steps.length / 2 }) },
      { title: text("moved.before"), cell: (row) => number(row.people_before), value: (row) => row.people_before, isNumber: true },
      { title: text("moved.people"), cell: (row) => number(row.people), value: (row) => row.people, isNumber: true },
      { title: text(isRising ? "moved.least" : "moved.most"), cell: (row) => certain(row, bound), value: (row) => row[bound], isNumber: true },
    ],
  });
}

function certain(row, bound) {
  const plain = row.ratio === null ? text("moved.new") : change(row.ratio - 1, 0);
  return element("span", { title: text("moved.bound", { change: plain }), text: text("moved.times", { n: number(row[bound], row[bound] < 10 ? 2 : 0) }) });
}

/** An item's or a group's name; an item leads to its page. */
export function named(what) {
  const name = element("span", { class: "name clip", text: what.name, title: what.name });
  return what.item_id === null ? name : element("a", { class: "name clip", href: `/console/items?id=${encodeURIComponent(what.item_id)}`, title: what.name, text: what.name });
}
