// Choosing items by their words: one box, and what was chosen as lines that can be moved and taken out.

import { get, post } from "./api.js";
import { autocomplete } from "./autocomplete.js";
import { element } from "./dom.js";
import { text } from "./texts.js";

const FOUND = 8;
const titles = new Map();

/** Remember what items are called, so that nobody has to ask. */
export function remember(items) {
  for (const one of items) titles.set(one.item_id ?? one.id, one.title ?? one.item_id ?? one.id);
}

/** What an item is called; asked of the server once. */
async function titleOf(id) {
  if (!titles.has(id)) {
    const found = await get(`/v1/items/${encodeURIComponent(id)}`).catch(() => null);
    titles.set(id, found?.title ?? id);
  }
  return titles.get(id);
}

/** Let a box suggest items. */
export function itemSearch(input, onPick) {
  autocomplete(input, {
    search: async (typed, signal) => {
      const { items } = await post("/v1/search", { query: typed, k: FOUND }, { signal });
      remember(items);
      return items.map((one) => ({ id: one.item_id, title: one.title ?? one.item_id, detail: one.item_id }));
    },
    onPick: (one) => onPick(one.id),
  });
}

/**
 * Show chosen items.
 * @param {HTMLElement} place
 * @param {Array<{id: string, event?: string}>} chosen
 * @param {{onChange: (chosen: Array) => void, events?: Array<{value: string, title: string}>}} how With `events` each line
 *   says what was done to the item.
 */
export function showChosen(place, chosen, { onChange, events = null }) {
  const without = (at) => chosen.filter((_, n) => n !== at);
  const swapped = (at, by) => {
    const next = [...chosen];
    [next[at], next[at + by]] = [next[at + by], next[at]];
    return next;
  };
  const focusOn = (selector) => queueMicrotask(() => place.querySelector(selector)?.focus());
  place.replaceChildren(...chosen.map((one, at) => {
    const title = element("span", { class: "clip grow", dir: "auto", text: titles.get(one.id) ?? one.id });
    titleOf(one.id).then((found) => { title.textContent = found; title.title = found; });
    const move = (by, sign, key) => element("button", {
      type: "button", class: "icon-button small", text: sign, disabled: at + by < 0 || at + by >= chosen.length,
      "aria-label": text(key, { title: titles.get(one.id) ?? one.id }), data: { move: `${at}${sign}` },
      on: { click: () => { onChange(swapped(at, by)); focusOn(`[data-move="${at + by}${sign}"]`); } },
    });
    return element("li", { data: { item: one.id } }, title,
      events && element("select", { "aria-label": text("who.event_of", { title: one.id }), on: { change: (event) => onChange(chosen.map((other, n) => (n === at ? { ...other, event: event.target.value } : other))) } },
        events.map(({ value, title: name }) => element("option", { value, selected: value === one.event, text: name }))),
      events && chosen.length > 1 ? [move(-1, "↑", "who.earlier"), move(1, "↓", "who.later")] : null,
      element("button", { type: "button", class: "icon-button small", text: "×", "aria-label": text("who.remove", { title: titles.get(one.id) ?? one.id }), on: { click: () => onChange(without(at)) } }));
  }));
}
