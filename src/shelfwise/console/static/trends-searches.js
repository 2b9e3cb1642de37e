// What is searched for, and what in vain.

import { element } from "./dom.js";
import { number } from "./format.js";
import { showContent, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";

const TONES = { all_words: "good", some_words: "careful", nothing: "bad", unknown: "" };

const place = (id) => document.getElementById(id);

/** Draw a report of `GET /v1/insight/searches`. */
export function drawSearches(report) {
  const told = { searches: number(report.searches), people: number(report.people), terms: number(report.terms), untold: number(report.untold) };
  place("searched").textContent = report.searches ? text("searches.told", told) : "";
  const none = report.searches ? { title: text("searches.few") } : { title: text("searches.none"), body: text("searches.none_about") };
  if (report.most.length) showContent(place("most"), termTable(report.most, text("searches.most")));
  else showEmpty(place("most"), none);
  if (report.without_results.length) showContent(place("without"), termTable(report.without_results, text("searches.without")));
  else showEmpty(place("without"), report.most.length ? { title: text("searches.all_found") } : none);
}

const termTable = (rows, caption) => table({
  caption,
  rows,
  columns: [
    { title: text("searches.term"), cell: (row) => element("span", { class: "name clip", text: row.term, title: row.term }), value: (row) => row.term },
    { title: text("searches.people"), cell: (row) => number(row.people), value: (row) => row.people, isNumber: true },
    { title: text("searches.searches"), cell: (row) => number(row.searches), value: (row) => row.searches, isNumber: true },
    { title: text("searches.before"), cell: (row) => number(row.searches_before), value: (row) => row.searches_before, isNumber: true },
    { title: text("searches.found"), cell: (row) => element("span", { class: `badge ${TONES[row.found]}`, text: text(`found.${row.found}`) }), value: (row) => row.found },
  ],
});
