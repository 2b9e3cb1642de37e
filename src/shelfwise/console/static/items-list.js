// Items to choose from: the catalogue, what a search finds, or those of which something is wrong.

import { get, isAborted, post } from "./api.js";
import { element } from "./dom.js";
import { faultBadges, qualityCard } from "./item-faults.js";
import { itemTable } from "./item-table.js";
import { showContent, showEmpty, showError, showLoading } from "./states.js";
import { text } from "./texts.js";

const PAGE = 25;
const WAIT_MS = 250;
const FILTERS = ["category", "brand", "filter"];

/** Show search, list and data quality in a place; the address keeps what was asked. */
export function showItems(place) {
  const asked = new URLSearchParams(location.search);
  const state = { warning: asked.get("warning"), query: asked.get("query") ?? "", items: [], next: null };
  for (const name of FILTERS) state[name] = asked.get(name) ?? "";
  const found = element("section", { class: "card flush", "aria-live": "polite" });
  const quality = qualityCard((kind) => change({ warning: kind, query: "" }));
  const inputs = { query: input("query", "find.placeholder"), category: input("category", "find.category_example"), brand: input("brand"), filter: input("filter", "find.condition_example") };
  for (const [name, one] of Object.entries(inputs)) one.value = state[name];
  place.replaceChildren(form(inputs, FILTERS.some((name) => state[name])), element("div", { class: "items-columns" }, found, quality));

  let timer = 0;
  let running = null;
  for (const one of Object.values(inputs)) {
    one.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => change({ ...typed(inputs), warning: null }), WAIT_MS);
    });
  }
  change({});

  function change(next) {
    Object.assign(state, next, { items: [], next: null });
    if (inputs.query.value.trim() !== state.query) inputs.query.value = state.query;
    const told = Object.entries({ warning: state.warning, query: state.query, category: state.category, brand: state.brand, filter: state.filter }).filter(([, value]) => value);
    history.replaceState(null, "", told.length ? `?${new URLSearchParams(told)}` : location.pathname);
    load();
  }

  async function load() {
    running?.abort();
    running = new AbortController();
    if (!state.items.length) showLoading(found, 8);
    try {
      const page = await pageOf(state, running.signal);
      state.items.push(...page.items);
      state.next = page.next;
      draw();
    } catch (error) {
      if (!isAborted(error)) showError(found, error, load);
    }
  }

  function draw() {
    const key = state.warning ? "find.none_of_kind" : state.query ? "find.nothing" : "find.none";
    if (!state.items.length) return showEmpty(found, { title: text(key), body: text(`${key}_hint`) });
    const kind = state.warning && text(`fault.${state.warning}`);
    const title = kind ? text("find.of_kind", { kind }) : state.query ? text("find.found", { query: state.query }) : text("find.all");
    const clear = kind && element("button", { type: "button", class: "button small", text: text("find.clear"), on: { click: () => change({ warning: null }) } });
    const more = state.next !== null && element("div", { class: "list-end" }, element("button", { type: "button", class: "button", text: text("action.more"), on: { click: load } }));
    const cell = kind ? { title: text("column.faults"), cell: (item) => faultBadges(item.kinds) } : null;
    showContent(found, element("header", { class: "card-header" }, element("h2", { class: "clip", text: title }), clear || null), itemTable(state.items, title, cell), more || "");
  }
}

const typed = (inputs) => Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, one.value.trim()]));

/** One page of what is asked for: `next` is null at the end. */
async function pageOf(state, signal) {
  if (state.warning) {
    const answer = await get("/v1/catalogue/warnings", { kind: state.warning, limit: PAGE, after: state.next }, { signal });
    return { items: answer.items, next: answer.next };
  }
  if (!state.query) return get("/v1/items", { limit: PAGE, after: state.next }, { signal });
  const filters = Object.fromEntries(FILTERS.filter((name) => state[name]).map((name) => [name, state[name]]));
  const [hits, byId] = await Promise.all([
    post("/v1/search", { query: state.query, k: PAGE, offset: state.next ?? 0, ...filters }, { signal }),
    state.next === null ? get("/v1/items", { item_id: state.query.slice(0, 256) }, { signal }) : { items: [] },
  ]);
  const ids = hits.items.map((hit) => hit.item_id).filter((id) => id !== byId.items[0]?.item_id);
  const items = ids.length ? (await get("/v1/items", { item_id: ids }, { signal })).items : [];
  return { items: [...byId.items, ...items], next: hits.next };
}

function input(name, placeholder = null) {
  return element("input", { id: `find-${name}`, type: name === "query" ? "search" : "text", placeholder: placeholder && text(placeholder), autocomplete: "off", spellcheck: "false", maxlength: 1_000 });
}

function form(inputs, isOpen) {
  const field = (name, key, className = "field") => element("div", { class: className }, element("label", { for: inputs[name].id, text: text(key) }), inputs[name]);
  return element("form", { class: "stack tight", role: "search", on: { submit: (event) => event.preventDefault() } },
    field("query", "find.label", "field find-field"),
    element("details", { class: "filters", open: isOpen },
      element("summary", { text: text("find.filters") }),
      element("div", { class: "columns" }, field("category", "find.category"), field("brand", "find.brand"), field("filter", "find.condition")),
      element("p", { class: "help", text: text("find.help") })));
}
