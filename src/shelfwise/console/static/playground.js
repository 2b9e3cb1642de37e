// The playground: one answer beside the other, moved by sliders. Nothing of it reaches a shopper before it is confirmed.

import { get, isAborted, post } from "./api.js";
import { tradeChart } from "./playground-chart.js";
import { makeDefault, showHistory } from "./playground-default.js";
import { remember } from "./playground-items.js";
import { showList } from "./playground-lists.js";
import { sliders } from "./playground-sliders.js";
import { differs, fromAddress, toAddress, toRequest } from "./playground-state.js";
import { totals } from "./playground-totals.js";
import { isListed, missing, who } from "./playground-who.js";
import { axisName, objectiveName } from "./playground-words.js";
import { element } from "./dom.js";
import { showContent, showEmpty, showError, showLoading } from "./states.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const WAIT_MS = 12; // a slider tells of every pixel; an answer takes about as long

const byId = (id) => document.getElementById(id);
const lists = { usual: byId("usual"), tried: byId("tried") };
const chart = tradeChart(byId("chart"));
const turned = sliders(byId("sliders"), (change) => turn(change, { isSlid: true }));

let trial = fromAddress(location.search);
let scenarios = [];
let controls = null;
let answer = null;
let front = null;
let frontOf = ""; // what the front in hand was asked for
let running = null;
let timer = 0;

/** Turn what is tried, and answer. Who asks and where is drawn anew, unless a slider was moved. */
function turn(change, { isSlid = false } = {}) {
  trial = { ...trial, ...change };
  if (!isSlid) controls.show();
  clearTimeout(timer);
  timer = setTimeout(answerIt, WAIT_MS);
}

async function answerIt() {
  running?.abort();
  history.replaceState(null, "", `?${toAddress(trial)}`);
  byId("make-default").disabled = byId("reset").disabled = true;
  const scenario = scenarios.find((one) => one.scenario === trial.scenario);
  const needed = scenario && missing(scenario, trial);
  if (needed) return wait(needed);
  if (trial.weights && !Object.values(trial.weights).some((weight) => weight > 0)) return tell(text("slider.nothing_counts"));
  running = new AbortController();
  const { signal } = running;
  const asked = JSON.stringify({ ...toRequest({ ...trial, weights: null, diversity: null, exploration: null }), trade: trial.trade });
  try {
    const found = await post("/v1/playground", toRequest(trial, { front: asked !== frontOf }), { signal });
    if (signal.aborted) return undefined;
    if (asked !== frontOf) [front, frontOf] = [found.front, asked];
    show(found);
  } catch (error) {
    if (!isAborted(error)) fail(error);
  }
  return undefined;
}

function show(found) {
  answer = found;
  byId("compared").hidden = false;
  remember([...found.usual.items, ...found.tried.items]);
  tell(found.degraded);
  turned.show(found);
  const onAdd = trial.history === null ? null : (item) => turn({ history: [...trial.history, { id: item.item_id, event: "click" }] });
  showList(lists.usual, found.usual, found.weighable, { isTried: false, onAdd });
  showList(lists.tried, found.tried, found.weighable, { isTried: true, onAdd });
  for (const place of Object.values(lists)) place.removeAttribute("aria-busy");
  showContent(byId("totals"), totals(found));
  chart.show(front, found);
  byId("chart-card").hidden = front === null;
  byId("totals-note").hidden = !found.weighable.length;
  showAxes(found);
  byId("make-default").disabled = byId("reset").disabled = !differs(trial);
  const moved = found.tried.items.filter((item) => item.elsewhere !== item.position).length;
  byId("moved").textContent = text("list.moved", { moved, all: found.tried.items.length });
}

/** The two objectives of the chart's axes, where there are more than two. */
function showAxes({ weighable }) {
  const isChoice = front !== null && weighable.length > 2;
  byId("axes").hidden = !isChoice;
  if (!isChoice) return;
  for (const [at, id] of ["axis-x", "axis-y"].entries()) {
    const box = byId(id);
    const mine = at ? front.y : front.x;
    const other = at ? front.x : front.y;
    box.replaceChildren(...weighable.filter((one) => one.objective !== other).map(({ objective, measure }) =>
      element("option", { value: objective, selected: objective === mine, title: axisName(objective, measure), text: objectiveName(objective) })));
  }
}

function wait(needed) {
  const hints = { items: text("need.items"), category: text("need.category"), brand: text("need.brand") };
  for (const place of Object.values(lists)) showEmpty(place, { title: text("need.title"), body: hints[needed] });
  byId("compared").hidden = true;
  turned.clear();
  byId("moved").textContent = "";
  tell([]);
  front = null;
  frontOf = "";
}

function tell(clauses) {
  const place = byId("told");
  place.hidden = !clauses.length;
  place.replaceChildren(...[clauses].flat().map((clause) => element("p", { text: clause })));
}

function fail(error) {
  if (answer && error.status === 422) return tell(error.message); // the lists stay, beside what is wrong
  showError(lists.tried, error, answerIt);
  if (!answer) showEmpty(lists.usual);
  return undefined;
}

/** Settings are the place's own again: after they were written or taken back, or given up. */
async function startAgain() {
  ({ scenarios } = await get("/v1/scenarios"));
  frontOf = "";
  turn({ weights: null, diversity: null, exploration: null });
}

async function open() {
  for (const place of Object.values(lists)) showLoading(place, 8);
  try {
    ({ scenarios } = await get("/v1/scenarios"));
  } catch (error) {
    showError(lists.tried, error, open);
    showEmpty(lists.usual);
    return;
  }
  if (!scenarios.some((one) => one.scenario === trial.scenario && isListed(one))) trial.scenario = scenarios.find(isListed)?.scenario ?? trial.scenario;
  if (!location.search) trial.user = await latestUser();
  controls = who(scenarios, () => trial, turn);
  byId("reset").addEventListener("click", () => turn({ weights: null, diversity: null, exploration: null }));
  byId("make-default").addEventListener("click", () => makeDefault(trial, answer, startAgain));
  byId("history-button").addEventListener("click", () => showHistory(trial.scenario, startAgain));
  byId("copy-link").addEventListener("click", copyLink);
  for (const id of ["axis-x", "axis-y"]) byId(id).addEventListener("change", () => turn({ trade: [byId("axis-x").value, byId("axis-y").value] }));
  turn({});
}

/** Somebody who was there lately, so that there is something to see; null where nobody is known. */
async function latestUser() {
  const found = await get("/v1/users", { limit: 1 }).catch(() => null);
  return found?.users?.[0]?.user_id ?? null;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    toast(text("link.copied"));
  } catch {
    toast(text("link.in_address"));
  }
}

open();
