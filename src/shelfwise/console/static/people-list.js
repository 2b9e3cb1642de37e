// Users to choose from: found by the start of an id, or those who did something lately.

import { get, isAborted } from "./api.js";
import { element } from "./dom.js";
import { date, number } from "./format.js";
import { addressOfUser, countOf } from "./people.js";
import { showContent, showEmpty, showError, showLoading } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";

const PAGE = 25;
const WAIT_MS = 200;

/** Show the search and its list in a place; the address keeps what was asked. */
export function showPeople(place) {
  const asked = new URLSearchParams(location.search);
  const state = { query: asked.get("query") ?? "", order: asked.get("order") === "active" ? "active" : "recent", users: [], next: null };
  const found = element("section", { class: "card flush", "aria-live": "polite" });
  const input = element("input", { id: "user-search", type: "search", value: state.query, placeholder: text("search.placeholder"), autocomplete: "off", spellcheck: "false" });
  const orders = ["recent", "active"].map((order) =>
    element("button", { type: "button", text: text(`search.${order}`), data: { order }, on: { click: () => change({ order, query: "" }) } }));
  const field = element("div", { class: "field grow" }, element("label", { for: "user-search", text: text("search.label_id") }), input);
  const segments = element("div", { class: "segments", role: "group", "aria-label": text("search.order") }, orders);
  place.replaceChildren(element("div", { class: "row people-search" }, field, segments), found);

  let timer = 0;
  let running = null;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => change({ query: input.value.trim() }), WAIT_MS);
  });
  change({});

  function change(next) {
    Object.assign(state, next, { users: [], next: null });
    if (input.value.trim() !== state.query) input.value = state.query;
    for (const one of orders) one.setAttribute("aria-pressed", String(!state.query && one.dataset.order === state.order));
    const address = new URLSearchParams(state.query ? { query: state.query } : state.order === "active" ? { order: "active" } : {});
    history.replaceState(null, "", address.size ? `?${address}` : location.pathname);
    load();
  }

  async function load() {
    running?.abort();
    running = new AbortController();
    if (!state.users.length) showLoading(found);
    try {
      const { query, order, next } = state;
      const answer = await get("/v1/users", { query, order, after: next, limit: PAGE }, { signal: running.signal });
      state.users.push(...answer.users);
      state.next = answer.next;
      draw();
    } catch (error) {
      if (!isAborted(error)) showError(found, error, load);
    }
  }

  function draw() {
    if (!state.users.length) {
      const key = state.query ? "search.nobody" : "search.nobody_yet";
      showEmpty(found, { title: text(key), body: text(`${key}_hint`) });
      return;
    }
    const title = state.query ? text("search.found", { query: state.query }) : text("search.latest");
    const more = state.next && element("div", { class: "list-end" }, element("button", { type: "button", class: "button", text: text("action.more"), on: { click: load } }));
    showContent(found, element("header", { class: "card-header" }, element("h2", { text: title })), listed(state.users, title), more ?? "");
  }
}

function listed(users, caption) {
  return table({
    caption,
    rows: users,
    columns: [
      { title: text("column.user"), value: (user) => user.user_id, cell: named },
      { title: text("column.events"), isNumber: true, value: (user) => user.n_events, cell: (user) => countOf(user.n_events) },
      { title: text("column.first"), value: (user) => user.first_at, cell: (user) => day(user.first_at) },
      { title: text("column.last"), value: (user) => user.last_at, cell: (user) => day(user.last_at) },
      { title: text("column.attributes"), cell: (user) => (user.is_unreadable ? unreadable() : attributes(user.attributes)) },
    ],
  });
}

const day = (moment) => element("span", { class: "day-cell", text: date(moment) });

function named(user) {
  return element("span", { class: "row person-name" },
    element("a", { href: addressOfUser(user.user_id), class: "clip", text: user.user_id }),
    user.is_visitor ? element("span", { class: "badge", text: text("person.visitor") }) : null);
}

const unreadable = () => element("span", { class: "badge bad", title: text("person.unreadable_help"), text: text("person.unreadable") });

const SHOWN = 3;

function attributes(known) {
  const all = Object.entries(known);
  if (!all.length) return "–";
  const chips = all.slice(0, SHOWN).map(([name, value]) => element("span", { class: "badge", title: `${name}: ${value}`, text: `${name}: ${value}` }));
  if (all.length > SHOWN) chips.push(element("span", { class: "badge", text: `+${number(all.length - SHOWN)}` }));
  return element("span", { class: "row attributes" }, chips);
}
