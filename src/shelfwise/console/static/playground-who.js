// For whom and where: somebody of the shop or a made-up shopper, and the place that asks.

import { get } from "./api.js";
import { autocomplete } from "./autocomplete.js";
import { element } from "./dom.js";
import { itemSearch, showChosen } from "./playground-items.js";
import { countedText, text } from "./texts.js";

const EVENTS = [
  { value: "view", title: text("event.view") }, { value: "click", title: text("event.click") },
  { value: "favourite", title: text("event.favourite") }, { value: "cart", title: text("event.cart") },
  { value: "purchase", title: text("event.purchase") },
];
const ABOUT_ITEMS = ["item", "cart", "checkout"];

const byId = (id) => document.getElementById(id);

/** Whether a place of the shop can be tried: it answers with a list of items. */
export const isListed = (scenario) => scenario.answer !== "offers";

/** What a place needs and the trial does not name yet. */
export function missing(scenario, trial) {
  const needs = scenario.answer === "brands" ? [...scenario.needs, "brand"] : scenario.needs;
  return needs.find((need) => (need === "items" ? !trial.items.length : !trial[need]));
}

/**
 * The controls.
 * @param {Array<Object>} scenarios Of `GET /v1/scenarios`.
 * @param {() => Object} trial What is tried now.
 * @param {(change: Object) => void} onChange
 */
export function who(scenarios, trial, onChange) {
  const box = byId("user");
  autocomplete(box, {
    keepsText: true,
    search: async (typed, signal) => (await get("/v1/users", { query: typed, limit: 8 }, { signal })).users.map(personSaid),
    onPick: ({ id }) => onChange({ user: id }),
  });
  // Whoever knows an id types it; an empty box is a stranger.
  const taken = () => box.value.trim() !== (trial().user ?? "") && onChange({ user: box.value.trim() || null });
  box.addEventListener("change", taken);
  box.addEventListener("keydown", (event) => event.key === "Enter" && !event.defaultPrevented && taken());
  byId("mode-user").addEventListener("click", () => onChange({ history: null }));
  byId("mode-made-up").addEventListener("click", () => onChange({ history: trial().history ?? [], user: trial().user }));
  itemSearch(byId("history-search"), (id) => onChange({ history: [...(trial().history ?? []), { id, event: "click" }] }));
  const place = byId("scenario");
  place.replaceChildren(...scenarios.filter(isListed).map((one) => element("option", { value: one.scenario, text: one.scenario })));
  place.addEventListener("change", () => onChange({ scenario: place.value, weights: null, diversity: null, exploration: null, trade: [] }));
  itemSearch(byId("context-search"), (id) => trial().items.includes(id) || onChange({ items: [...trial().items, id] }));
  for (const name of ["category", "brand"]) byId(name).addEventListener("change", () => onChange({ [name]: byId(name).value.trim() }));

  function show() {
    const now = trial();
    const isMadeUp = now.history !== null;
    byId("mode-user").setAttribute("aria-pressed", String(!isMadeUp));
    byId("mode-made-up").setAttribute("aria-pressed", String(isMadeUp));
    byId("somebody").hidden = isMadeUp;
    byId("made-up").hidden = !isMadeUp;
    if (document.activeElement !== box) box.value = now.user ?? "";
    byId("stranger").hidden = Boolean(now.user);
    showChosen(byId("history"), now.history ?? [], { events: EVENTS, onChange: (history) => onChange({ history }) });
    byId("history-empty").hidden = !isMadeUp || now.history.length > 0;
    place.value = now.scenario;
    const scenario = scenarios.find((one) => one.scenario === now.scenario);
    const needs = scenario?.needs ?? [];
    byId("context-items").hidden = !needs.includes("items") && !ABOUT_ITEMS.includes(now.scenario) && !now.items.length;
    byId("context-category").hidden = !needs.includes("category") && !["category", "trending"].includes(now.scenario) && !now.category;
    byId("context-brand").hidden = !needs.includes("brand") && scenario?.answer !== "brands" && !now.brand;
    showChosen(byId("context"), now.items.map((id) => ({ id })), { onChange: (chosen) => onChange({ items: chosen.map((one) => one.id) }) });
    for (const name of ["category", "brand"]) if (document.activeElement !== byId(name)) byId(name).value = now[name];
  }

  return { show };
}

const personSaid = (one) => ({ id: one.user_id, title: one.user_id, detail: countedText("who.events", one.n_events, { count: one.n_events }) });
