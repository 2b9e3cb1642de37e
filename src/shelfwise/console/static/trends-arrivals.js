// What is new, and how it does beside what else is new.

import { element } from "./dom.js";
import { date, number } from "./format.js";
import { sparkline } from "./sparkline.js";
import { showContent, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";
import { named } from "./trends-moved.js";

/** Draw a report of `GET /v1/insight/arrivals`. */
export function drawArrivals(report) {
  const told = { n: number(report.n_arrivals), median: number(report.median_people_a_week, 1), unnoticed: number(report.n_unnoticed) };
  document.getElementById("arrived").textContent = report.n_arrivals ? text("arrivals.arrived", told) : "";
  if (!report.n_arrivals) {
    showEmpty(document.getElementById("arrivals"), { title: text("arrivals.none"), body: text("arrivals.none_about") });
    return;
  }
  showContent(document.getElementById("arrivals"), table({
    caption: text("arrivals.title"),
    rows: report.arrivals,
    columns: [
      { title: text("arrivals.name"), cell: (row) => named(row.what), value: (row) => row.what.name },
      { title: text("arrivals.when"), cell: arrived, value: (row) => new Date(row.arrived_at).getTime(), isNumber: true },
      { title: text("arrivals.people"), cell: (row) => number(row.people), value: (row) => row.people, isNumber: true },
      { title: text("arrivals.buyers"), cell: (row) => number(row.buyers), value: (row) => row.buyers, isNumber: true },
      { title: text("arrivals.pace"), cell: (row) => number(row.people_a_week, 1), value: (row) => row.people_a_week, isNumber: true },
      { title: text("arrivals.median"), cell: (row) => (row.by_median === null ? null : text("moved.times", { n: number(row.by_median, 1) })), value: (row) => row.by_median, isNumber: true },
      { title: text("moved.over_time"), cell: (row) => sparkline(row.steps) },
    ],
  }));
}

const arrived = (row) => element("time", { datetime: row.arrived_at, title: row.arrived_by === "first_event" ? text("arrivals.by_event") : null, text: date(row.arrived_at) });
