// Tables of the overview: places of the shop, and routes.

import { element } from "./dom.js";
import { change, number, percent } from "./format.js";
import { sparkline } from "./sparkline.js";
import { showContent, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";

const scenarios = document.getElementById("scenarios"), routes = document.getElementById("routes");

/** Draw the tables, or bring them up to date. */
export function drawTables({ traffic, outcomes }) {
  const came = new Map((outcomes?.scenarios ?? []).map((one) => [one.scenario, one.now]));
  show(scenarios, traffic.scenarios.map((one) => ({ ...one, came: came.get(one.scenario) })), scenarioTable);
  show(routes, traffic.routes, routeTable);
}

const scenarioTable = (rows) => table({
  caption: text("scenarios.title"),
  rows,
  columns: [
    { title: text("scenarios.scenario"), cell: (row) => element("span", { class: "name", text: row.scenario }), value: (row) => row.scenario },
    { title: text("scenarios.answers"), cell: (row) => number(row.answers.n), value: (row) => row.answers.n, isNumber: true },
    { title: text("scenarios.change"), cell: (row) => change(risen(row)), value: risen, isNumber: true },
    ...times((row) => row.answers),
    { title: text("scenarios.degraded"), cell: (row) => percent(row.degraded / row.answers.n), value: (row) => row.degraded / row.answers.n, isNumber: true },
    { title: text("scenarios.clicked"), cell: (row) => certain(row.came?.clicked), value: (row) => row.came?.clicked.share, isNumber: true },
    { title: text("scenarios.bought"), cell: (row) => certain(row.came?.bought), value: (row) => row.came?.bought.share, isNumber: true },
    { title: text("scenarios.over_time"), cell: (row) => sparkline(row.steps) },
  ],
});

const routeTable = (rows) => table({
  caption: text("routes.title"),
  rows,
  columns: [
    { title: text("routes.route"), cell: (row) => element("span", { class: "mono name", text: row.route }), value: (row) => row.route },
    { title: text("routes.requests"), cell: (row) => number(row.requests.n), value: (row) => row.requests.n, isNumber: true },
    ...times((row) => row.requests),
  ],
});

const times = (of) => ["p50", "p95", "p99"].map((name) => ({
  title: text(`scenarios.${name}`), cell: (row) => number(of(row)[`${name}_ms`], 1), value: (row) => of(row)[`${name}_ms`], isNumber: true,
}));

const risen = (row) => (row.answers_before ? row.answers.n / row.answers_before - 1 : null);

function certain(rate) {
  if (!rate?.of) return null;
  const said = text("scenarios.certain", { n: number(rate.n), of: number(rate.of), low: percent(rate.low), high: percent(rate.high) });
  return element("span", { title: said, text: percent(rate.share) });
}

function show(place, rows, make) {
  if (place.contains(document.activeElement)) return; // somebody is in it with the keyboard
  if (!rows.length) {
    showEmpty(place, { title: text("nothing_in_period") });
    return;
  }
  const sorted = place.querySelector("[aria-sort]");
  const column = sorted && [...sorted.parentElement.children].indexOf(sorted), way = sorted?.getAttribute("aria-sort");
  showContent(place, make(rows));
  if (!sorted) return;
  const head = place.querySelectorAll("thead th")[column];
  const button = head.querySelector("button");
  button.click();
  if (head.getAttribute("aria-sort") !== way) button.click();
}
