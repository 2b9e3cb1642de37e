// The overview: figures of a period, beside the period before; looked at again and again.

import { get } from "./api.js";
import { element } from "./dom.js";
import { time } from "./format.js";
import { drawDrift } from "./overview-drift.js";
import { drawState } from "./overview-state.js";
import { drawTables } from "./overview-tables.js";
import { drawTiles } from "./overview-tiles.js";
import { segments } from "./segments.js";
import { showContent, showEmpty, showError, showLoading } from "./states.js";
import { FEWEST_STEPS } from "./steps.js";
import { text } from "./texts.js";

const HOUR_S = 3_600, DAY_S = 24 * HOUR_S;

const PERIODS = {
  hour: { length_s: HOUR_S, step_s: 60, traffic_ms: 2_000, rest_ms: 10_000 },
  day: { length_s: DAY_S, step_s: 900, traffic_ms: 4_000, rest_ms: 20_000 },
  week: { length_s: 7 * DAY_S, step_s: HOUR_S, traffic_ms: 20_000, rest_ms: 60_000 },
  month: { length_s: 30 * DAY_S, step_s: 6 * HOUR_S, traffic_ms: 60_000, rest_ms: 120_000 },
  quarter: { length_s: 90 * DAY_S, step_s: DAY_S, traffic_ms: 60_000, rest_ms: 120_000 },
};

const tiles = document.getElementById("tiles"), notice = document.getElementById("notice"), live = document.getElementById("live");
const places = [...document.querySelectorAll("[data-chart] .place, #scenarios, #routes, #drift, #model, #fresh, #shortfalls")];
const asked = location.hash.slice(1);
const known = { period: Object.hasOwn(PERIODS, asked) ? asked : "day", traffic: null, outcomes: null, state: null, drift: null, readAt: null };
/** The library of charts is large: figures do not wait for it. */
const charts = import("./overview-charts.js");

const waiting = { traffic: null, rest: null };
let asking = new AbortController();

document.getElementById("period").append(segments(
  Object.keys(PERIODS).map((key) => ({ key, title: text(`period.${key}`) })),
  { label: text("period.label"), selected: known.period, onSelect: choose },
));

function choose(period) {
  known.period = period;
  history.replaceState(null, "", `#${period}`);
  asking.abort();
  asking = new AbortController();
  known.traffic = known.outcomes = null;
  lookNow();
}

function lookNow() {
  for (const what of ["rest", "traffic"]) {
    look(what);
    lookEvery(what);
  }
}

async function look(what) {
  const { signal } = asking;
  const { length_s, step_s } = PERIODS[known.period];
  const query = { from: new Date(Date.now() - length_s * 1_000).toISOString(), step: step_s };
  try {
    if (what === "traffic") known.traffic = await get("/v1/insight/traffic", query, { signal });
    else [known.outcomes, known.state, known.drift] = await Promise.all([get("/v1/insight/outcomes", query, { signal }), get("/v1/insight/state", {}, { signal }), get("/v1/insight/drift", {}, { signal })]);
    if (signal.aborted) return;
    known.readAt = new Date();
    draw();
  } catch (error) {
    if (error.name !== "AbortError") failed(error);
  }
}

function draw() {
  live.className = "live is-on";
  live.textContent = text("live.on");
  if (!known.traffic || !known.state) return;
  const isNew = known.traffic.counted_since === null;
  notice.hidden = !isNew;
  notice.className = isNew ? "card" : "";
  if (isNew) showEmpty(notice, { title: text("nothing_yet"), body: text("nothing_yet_about") });
  const told = { ...known, ...PERIODS[known.period], from: firstStep(known.traffic) };
  drawTiles(tiles, told);
  charts.then(({ drawCharts }) => drawCharts(told));
  drawTables(told);
  drawState(told);
  drawDrift(told);
}

/** The step from which on servers counted: before it a chart would only show that nobody did. */
function firstStep({ begins_at, step_s, counted_since, steps }) {
  const since = counted_since === null ? 0 : (new Date(counted_since) - new Date(begins_at)) / 1_000 / step_s;
  return Math.max(0, Math.min(Math.floor(since), steps.requests.length - FEWEST_STEPS));
}

function failed(error) {
  live.className = "live is-off";
  live.textContent = known.readAt ? text("live.off", { time: time(known.readAt) }) : "";
  if (!known.readAt) {
    notice.hidden = false;
    notice.className = "card";
    places.forEach((one) => showContent(one));
    showError(notice, error, lookNow);
    tiles.replaceChildren();
  }
}

/** Look again and again; less often at a long period, of which a moment changes little. */
function lookEvery(what) {
  clearTimeout(waiting[what]);
  waiting[what] = setTimeout(async () => {
    if (document.visibilityState === "visible") await look(what);
    lookEvery(what);
  }, PERIODS[known.period][`${what}_ms`]);
}

tiles.replaceChildren(...Array.from({ length: 10 }, () => {
  const tile = element("div", { class: "card tile" });
  showLoading(tile, 3);
  return tile;
}));
places.forEach((one) => showLoading(one, 6));
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && lookNow());
lookNow();
