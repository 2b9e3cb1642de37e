// Model versions: which is in service, which is better, where each comes from; and trainings.

import { get } from "./api.js";
import { element } from "./dom.js";
import { compare } from "./models/compare.js";
import { openDetail } from "./models/detail.js";
import { promote, rollBack } from "./models/service.js";
import { watchTrainings } from "./models/training.js";
import { versionTable } from "./models/versions.js";
import { showContent, showEmpty, showError, showLoading } from "./states.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const DETAILED = 20;
// Ten looks in a minute: what is not loaded then was refused, as the server's log says.
const [LOOK_FIRST_MS, LOOK_SLOWER, LOOK_LAST_MS] = [500, 1.5, 20_000];
const by = (id) => document.getElementById(id);
const places = { versions: by("versions"), comparison: by("comparison") };
let inService = null;
let looking = null;

const detailOf = (version) => get(`/v1/models/${encodeURIComponent(version)}`);

async function load() {
  if (!places.versions.childElementCount) showLoading(places.versions, 4);
  try {
    const { models } = await get("/v1/models");
    // What was measured stands in the details; those of the latest versions are enough for a page.
    const latest = models.slice(-DETAILED);
    const details = await Promise.all(latest.map((model) => detailOf(model.version)));
    show(latest.map((model, n) => ({ ...model, detail: details[n] })));
    lookUntilLoaded(models);
  } catch (error) {
    showError(places.versions, error, load);
  }
}

/** A server loads a new version beside the old one; look again, ever less often, until it answers with it. */
function lookUntilLoaded(models, wait = LOOK_FIRST_MS) {
  clearTimeout(looking);
  const serving = models.find((model) => model.in_service);
  if (!serving || serving.is_loaded || wait > LOOK_LAST_MS) return;
  looking = setTimeout(async () => {
    const found = await get("/v1/models").catch(() => ({ models }));
    if (found.models.some((model) => model.in_service && model.is_loaded)) load();
    else lookUntilLoaded(found.models, wait * LOOK_SLOWER);
  }, wait);
}

function show(models) {
  inService = models.find((model) => model.in_service)?.version ?? null;
  by("roll-back").disabled = models.length < 2;
  if (!models.length) {
    showEmpty(places.versions, { title: text("state.no_model"), body: text("state.no_model_hint") });
    return;
  }
  const onPromote = (model) => promote(model.version, inService, load);
  const onOpen = (model) => detailOf(model.version).then(openDetail, (error) => toast(error.message, { isBad: true }));
  showContent(places.versions, versionTable(models, { onOpen, onPromote }));
  offerComparison(models);
}

function offerComparison(models) {
  const [first, second] = [by("baseline"), by("other")];
  if (models.length < 2) {
    by("comparing").hidden = true;
    showEmpty(places.comparison, { title: text("compare.none"), body: text("compare.none_hint") });
    return;
  }
  by("comparing").hidden = false;
  const chosen = [first.value, second.value];
  const newest = [...models].reverse().map((model) => model.version);
  for (const select of [first, second]) select.replaceChildren(...newest.map((version) => element("option", { value: version, text: version === inService ? text("compare.option_in_service", { version }) : version })));
  // Is the newest better than what is in service, or than what came before it?
  const usual = [inService && inService !== newest[0] ? inService : newest[1], newest[0]];
  [first, second].forEach((select, n) => { select.value = newest.includes(chosen[n]) && chosen[n] ? chosen[n] : usual[n]; });
  if (chosen[0] !== first.value || chosen[1] !== second.value) showComparison();
}

function showComparison() {
  const [baseline, other] = [by("baseline").value, by("other").value];
  if (baseline === other) showEmpty(places.comparison, { title: text("compare.same"), body: text("compare.same_hint") });
  else compare(places.comparison, baseline, other);
}

by("baseline").addEventListener("change", showComparison);
by("other").addEventListener("change", showComparison);
by("roll-back").addEventListener("click", () => rollBack(inService, load));
const buttons = [by("train-full"), by("train-on")];
const trainings = watchTrainings({ now: by("training-now"), past: by("training-past"), start: buttons }, load);
by("train-full").addEventListener("click", () => trainings.begin("full"));
by("train-on").addEventListener("click", () => trainings.begin("continue"));
load();
