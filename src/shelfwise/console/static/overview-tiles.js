// One tile for each figure: what it is, how it changed, and where it came from.

import { element } from "./dom.js";
import { ago, change, compact, number, percent } from "./format.js";
import { sparkline } from "./sparkline.js";
import { finished } from "./steps.js";
import { text } from "./texts.js";

/** Which way a figure should go; where it is neither good nor bad that it rises, null. */
const MORE = 1, LESS = -1;

/** Draw the tiles. */
export function drawTiles(place, told) {
  place.replaceChildren(...figures(told).map((figure) => tile(figure, told)));
}

function figures({ traffic, outcomes, state, from }) {
  const { now, before, steps } = traffic;
  const ofAnswers = (totals, n) => (totals && totals.answers.n ? n(totals) / totals.answers.n : null);
  const ofRequests = (totals) => (totals && totals.requests.n ? totals.failed / totals.requests.n : null);
  const byStep = (part, whole) => finished(part.map((n, step) => (whole[step] ? n / whole[step] : null)));
  const found = [
    { name: "requests", value: now.requests.n, before: before?.requests.n, write: compact, steps: steps.requests },
    { name: "answers", value: now.answers.n, before: before?.answers.n, write: compact, steps: steps.answers },
    { name: "time", value: now.answers.p95_ms, before: before?.answers.p95_ms, write: (ms) => number(ms, 1), unit: "ms", steps: finished(steps.p95_ms), better: LESS },
    { name: "degraded", value: ofAnswers(now, (all) => all.degraded), before: ofAnswers(before, (all) => all.degraded), isShare: true, steps: byStep(steps.degraded, steps.answers), better: LESS },
    { name: "failed", value: ofRequests(now), before: ofRequests(before), isShare: true, steps: byStep(steps.failed, steps.requests), better: LESS },
    { name: "events", value: now.events, before: before?.events, write: compact, steps: steps.events },
  ];
  if (outcomes) {
    found.push(
      { name: "clicked", value: outcomes.now.clicked.share, before: outcomes.before?.clicked.share, isShare: true, steps: finished(outcomes.click_share), better: MORE },
      { name: "bought", value: outcomes.now.bought.share, before: outcomes.before?.bought.share, isShare: true, steps: finished(outcomes.purchase_share), better: MORE },
      { name: "coverage", value: outcomes.coverage?.share ?? null, isShare: true, beside: outcomes.coverage && text("of", { n: number(outcomes.coverage.shown), all: number(outcomes.coverage.items) }) },
    );
  }
  for (const one of found) if (one.steps?.length === steps.requests.length) one.steps = one.steps.slice(from);
  found.push({ name: "newest", value: state.newest_event_at, write: (at) => ago(at, new Date(state.now).getTime()), isText: true, beside: "" });
  return found;
}

function tile({ name, value, before = null, write = percent, unit, isShare, isText, steps, better, beside }, told) {
  const shown = write(value ?? null);
  return element(
    "div",
    { class: "card tile", data: { figure: name } },
    element("h3", { text: text(`tiles.${name}`) }),
    element("p", { class: isText ? "figure is-text" : "figure" }, shown, unit && value !== null ? element("small", { text: ` ${unit}` }) : null),
    beside === undefined ? changed(value, before, { isShare, better }, told) : element("p", { class: "beside", text: beside }),
    steps && sparkline(steps),
  );
}

function changed(value, before, { isShare, better }, { period }) {
  if (value === null || before === null || before === undefined || (!isShare && before === 0)) {
    return element("p", { class: "change", text: text("none_before") });
  }
  const moved = isShare ? value - before : value / before - 1;
  const isNothing = Math.abs(moved) < 0.0005;
  const side = !better || isNothing ? "" : moved * better > 0 ? " good" : " bad";
  const said = isShare ? text("points", { change: change(moved).replace(/\s*%/, "") }) : change(moved);
  return element("p", { class: `change${side}`, text: text("against_before", { change: said, period: text(`period.${period}`) }) });
}
