// Charts of a period: requests, how long answers took, events, what came of answers.

import { barChart, lineChart } from "./charts.js";
import { duration, number } from "./format.js";
import { showEmpty } from "./states.js";
import { FEWEST_STEPS, finished } from "./steps.js";
import { text } from "./texts.js";

const FEW_POINTS = 12;

/** More would fill a legend, and on a phone the chart. */
const MOST_KINDS = matchMedia("(max-width: 40rem)").matches ? 3 : 5;

const cards = Object.fromEntries([...document.querySelectorAll("[data-chart]")].map((card) => [card.dataset.chart, { card, place: card.querySelector(".place"), chart: null, drawn: null }]));

/** Draw the charts, or bring them up to date; one that somebody points at is left as it is. */
export function drawCharts({ traffic, outcomes, step_s, from }) {
  const step = duration(step_s);
  const { steps } = traffic;
  const along = (values) => over(traffic, values).slice(from);

  const answered = steps.requests.map((n, place) => n - steps.refused[place] - steps.failed[place]);
  show("requests", barChart, traffic.now.requests.n, [
    { name: text("requests.answered"), values: along(answered), colour: "--series-1" },
    { name: text("requests.refused"), values: along(steps.refused), colour: "--series-5" },
    { name: text("requests.failed"), values: along(steps.failed), colour: "--bad" },
  ], { y: { name: text("requests.axis", { step }), min: 0 }, isStacked: true });

  show("times", lineChart, traffic.now.answers.n, ["p50", "p95", "p99"].map((name, place) => ({ name: `${name.slice(1)} %`, values: along(finished(steps[`${name}_ms`])), colour: `--series-${3 - place}` })), {
    y: { name: text("times.axis"), min: 0, format: (ms) => number(ms, 1) },
  });

  const kinds = traffic.events.slice(0, MOST_KINDS).map((one) => ({ name: text(`kinds.${one.kind}`), values: along(one.steps) }));
  const others = traffic.events.slice(MOST_KINDS);
  if (others.length) kinds.push({ name: text("kinds.other"), values: along(steps.events.map((_, place) => others.reduce((sum, one) => sum + one.steps[place], 0))) });
  show("events", barChart, traffic.now.events, kinds, { y: { name: text("events.axis", { step }), min: 0 }, isStacked: true });

  if (!outcomes) return;
  const first = outcomes.click_share.findIndex((share) => share !== null);
  const since = Math.max(0, Math.min(first, outcomes.click_share.length - FEWEST_STEPS));
  const shares = (values) => over(outcomes, finished(values).map((share) => (share === null ? null : share * 100))).slice(since);
  show("rates", lineChart, outcomes.now.answers, [
    { name: text("rates.clicked"), values: shares(outcomes.click_share) },
    { name: text("rates.bought"), values: shares(outcomes.purchase_share) },
  ], { y: { name: text("rates.axis"), min: 0, format: (share) => number(share, 1) } });
}

/** Values of a report's steps, each with the beginning of its step. */
function over({ begins_at, step_s }, values) {
  const begins = new Date(begins_at).getTime();
  return values.map((value, place) => [new Date(begins + place * step_s * 1_000), value]);
}

function show(name, kind, n, series, options) {
  const shown = cards[name];
  const told = JSON.stringify([series, options.y.name]);
  if (told === shown.drawn || (shown.chart && shown.card.matches(":hover, :focus-within"))) return;
  shown.drawn = told;
  if (!n) {
    shown.chart?.dispose();
    shown.chart = null;
    showEmpty(shown.place, name === "rates" ? { title: text("rates.none"), body: text("rates.none_about") } : { title: text("nothing_in_period") });
    return;
  }
  // A line needs two points in a row: where there are few, they are seen by themselves.
  for (const one of series) one.hasPoints = one.values.filter(([, value]) => value !== null).length <= FEW_POINTS;
  const whole = { title: text(`${name}.title`), x: { name: text("period.axis"), kind: "time" }, ...options, y: { ...options.y } };
  shown.place.removeAttribute("aria-busy");
  if (shown.chart) shown.chart.update(series, whole);
  else shown.chart = kind(shown.place, series, whole);
}
