// Where an item was shown, and whether what was predicted of it came true.

import { drawing, element } from "./dom.js";
import { number, percent } from "./format.js";
import { showEmpty } from "./states.js";
import { table } from "./table.js";
import { countedText, text } from "./texts.js";

const LAST = 20;

/** Shops declare objectives of their own: those go by the name that they were given. */
const NAMES = { click: text("rate.click"), cart: text("rate.cart"), purchase: text("rate.purchase") };
const nameOf = (objective) => NAMES[objective] ?? objective;

/** The cards of an item's showings. */
export function showingsCards(showings) {
  const count = number(showings.n_looked_through);
  const head = element("header", { class: "card-header" }, element("div", {}, element("h2", { text: text("shown.title") }), element("p", { text: countedText("shown.about", showings.n_looked_through, { count }) })));
  if (!showings.n_shown) {
    const place = element("div");
    showEmpty(place, { title: text("shown.none"), body: text("shown.none_hint", { count }) });
    return [element("section", { class: "card" }, element("h2", { text: text("shown.title") }), place)];
  }
  return [
    element("div", { class: "shown-columns" },
      element("section", { class: "card" }, head, places(showings.places), positions(showings.positions)),
      rates(showings.rates)),
  ];
}

function places(all) {
  const came = (name) => ({ title: nameOf(name), isNumber: true, value: (place) => place.outcomes[name], cell: (place) => number(place.outcomes[name]) });
  return table({
    caption: text("shown.by_place"),
    rows: all,
    columns: [
      { title: text("shown.scenario"), value: (place) => place.scenario, cell: (place) => place.scenario },
      { title: text("shown.times"), isNumber: true, value: (place) => place.n_shown, cell: (place) => number(place.n_shown) },
      { title: text("shown.position"), isNumber: true, value: (place) => place.mean_position, cell: (place) => number(place.mean_position, 1) },
      ...Object.keys(all[0].outcomes).map(came),
    ],
  });
}

function positions(counts) {
  const place = element("div", { class: "chart" });
  const values = counts.map((count, n) => [n === LAST ? text("shown.beyond") : String(n + 1), count]);
  drawPositions(place, values);
  return element("section", { class: "stack tight positions" }, element("h3", { text: text("shown.positions") }), place);
}

/** Charts are large: they are fetched once there is something to draw, when the rest can be read already. */
async function drawPositions(place, values) {
  const { barChart } = await import("./charts.js");
  barChart(place, [{ name: text("shown.times"), values }], {
    title: text("shown.positions"),
    x: { name: text("shown.axis_position"), kind: "category" },
    y: { name: text("shown.axis_times"), kind: "number", min: 0, format: (times) => (Number.isInteger(times) ? number(times) : "") },
  });
}

function rates(all) {
  const isPredicted = all.some((rate) => rate.predicted !== null);
  const end = Math.min(1, Math.max(...all.map((rate) => Math.max(rate.high, rate.predicted ?? 0))) * 1.05);
  const columns = [
    { title: text("rate.objective"), cell: (rate) => nameOf(rate.objective) },
    { title: text("rate.actual"), isNumber: true, cell: (rate) => percent(rate.actual, 2) },
    { title: text("rate.interval"), isNumber: true, cell: (rate) => `${percent(rate.low, 1)} – ${percent(rate.high, 1)}` },
    { title: text("rate.predicted"), isNumber: true, cell: (rate) => percent(rate.predicted, 2) },
  ];
  return element("section", { class: "card" },
    element("header", { class: "card-header" }, element("div", {}, element("h2", { text: text("rate.title") }), element("p", { text: text("rate.about") }))),
    table({ caption: text("rate.title"), rows: all, columns }),
    element("div", { class: "rate-lines" }, all.map((rate) => graph(rate, end)), scale(end)),
    isPredicted ? null : element("p", { class: "help", text: text("rate.not_predicted") }));
}

const HEIGHT = 20;

function graph(rate, end) {
  const at = (share) => `${(share / end) * 100}%`;
  const middle = HEIGHT / 2;
  const said = { objective: nameOf(rate.objective), actual: percent(rate.actual, 2), low: percent(rate.low, 2), high: percent(rate.high, 2), predicted: percent(rate.predicted, 2) };
  const shown = drawing("svg", { class: "rate-graph", height: HEIGHT, width: "100%", role: "img", "aria-label": text("rate.says", said) },
    drawing("line", { class: "track", x1: "0", x2: "100%", y1: middle, y2: middle }),
    drawing("line", { class: "interval", x1: at(rate.low), x2: at(rate.high), y1: middle, y2: middle }),
    drawing("circle", { class: "actual", cx: at(rate.actual ?? 0), cy: middle, r: 4.5 }),
    rate.predicted === null ? [] : [drawing("svg", { x: at(rate.predicted), y: middle, overflow: "visible" }, drawing("path", { class: "predicted", d: "M0-6 6 0 0 6-6 0z" }))]);
  return element("div", { class: "rate-line" }, element("span", { class: "soft", text: said.objective }), shown);
}

function scale(end) {
  const steps = [0, 0.5, 1].map((part) => element("span", { text: percent(end * part, 1) }));
  return element("div", { class: "rate-line" }, element("span"), element("div", { class: "rate-scale soft" }, steps, element("span", { class: "unit", text: text("rate.graph") })));
}
