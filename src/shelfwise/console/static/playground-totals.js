// What both lists are expected to bring, in figures side by side.

import { element } from "./dom.js";
import { change, number, percent } from "./format.js";
import { objectiveName, total } from "./playground-words.js";
import { text } from "./texts.js";

/** @param {Object} answer Of `POST /v1/playground`. @returns {HTMLElement} */
export function totals(answer) {
  const { usual, tried, weighable } = answer;
  const rows = weighable.map(({ objective, measure }) =>
    row(objective, objectiveName(objective), usual.expected[objective], tried.expected[objective], (value) => total(value, measure)));
  rows.push(row("relevance", text("objective.relevance"), usual.relevance, tried.relevance, (value) => percent(value)));
  if (tried.distance !== null) rows.push(row("distance", text("objective.distance"), usual.distance, tried.distance, (value) => number(value, 3)));
  const heads = [text("totals.measure"), text("list.usual"), text("list.tried"), text("totals.change")];
  return element("table", { class: "totals" },
    element("caption", { class: "visually-hidden", text: text("totals.title") }),
    element("thead", {}, element("tr", {}, heads.map((title, place) => element("th", { scope: "col", class: place ? "number" : null, text: title })))),
    element("tbody", {}, rows));
}

function row(name, title, usual, tried, said) {
  const moved = usual ? (tried - usual) / Math.abs(usual) : null;
  const isSame = moved !== null && Math.abs(moved) < 0.0005;
  const kind = moved === null || isSame ? "" : moved > 0 ? "good" : "bad";
  return element("tr", { data: { measure: name } },
    element("th", { scope: "row", text: title }),
    element("td", { class: "number", text: said(usual) }),
    element("td", { class: "number tried", text: said(tried) }),
    element("td", { class: "number" }, element("span", { class: `change ${kind}`, text: isSame ? "=" : change(moved) })));
}
