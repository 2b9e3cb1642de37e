// What rules would change: lists made again, before and after, side by side.

import { post } from "./api.js";
import { element } from "./dom.js";
import { number } from "./format.js";
import { loadInto } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";

const SHOWN = 8;

/**
 * Show the effect of rules in a place.
 * @param {Element} place
 * @param {string} toml
 * @param {{slates: number, scenario: string|null}} options
 * @returns {Promise<void>}
 */
export function showPreview(place, toml, { slates, scenario }) {
  return loadInto(place, () => post("/v1/rules/preview", { toml, slates, scenario }), drawn);
}

/** Of each rule, the lists that it changes, compared with no rules at all; and of how many. */
export async function measured(toml, slates) {
  const found = await post("/v1/rules/preview", { toml, slates, against: "none" });
  return { ofAll: found.n_replayed, byRule: new Map(found.by_rule.map((one) => [one.rule, one.n_changed])) };
}

/** A share of lists as a bar with its numbers. */
export function effectBar(changed, ofAll) {
  const bar = element("span", { style: { "inline-size": `${ofAll ? (100 * changed) / ofAll : 0}%` } });
  return element("span", { class: "effect" }, element("span", { class: "meter", "aria-hidden": "true" }, bar), element("span", { class: "number", text: `${number(changed)} / ${number(ofAll)}` }));
}

function drawn(found) {
  const head = element("p", { class: "figure-line", role: "status", text: text("preview.changes", { changed: number(found.n_changed), replayed: number(found.n_replayed) }) });
  const parts = [head, effectBar(found.n_changed, found.n_replayed)];
  if (found.n_logged < found.n_replayed) parts.push(element("p", { class: "help", text: text("preview.stand_in", { count: number(found.n_replayed - found.n_logged) }) }));
  if (found.n_changed === 0) return [...parts, element("p", { class: "soft", text: text("preview.none") })];
  if (found.by_rule.length) {
    parts.push(table({
      caption: text("preview.n_changed"),
      rows: found.by_rule,
      columns: [
        { title: text("preview.rule"), cell: (one) => element("span", { class: "mono", text: one.rule }), value: (one) => one.rule },
        { title: text("preview.n_changed"), cell: (one) => effectBar(one.n_changed, found.n_replayed), value: (one) => one.n_changed },
      ],
    }));
  }
  return [...parts, ...found.examples.map(exampleOf)];
}

function exampleOf(one) {
  const who = one.user_id === null ? text("preview.somebody") : text("preview.user", { user: one.user_id });
  const head = element("div", { class: "row apart" }, element("h3", { class: "clip", text: text("preview.of_user", { user: who, scenario: one.scenario }) }), element("span", { class: "row" }, one.rules.length ? one.rules.map((rule) => element("span", { class: "badge accent", text: rule })) : element("span", { class: "badge", text: text("preview.made_room") })));
  const placeBefore = new Map(one.before.map((item, place) => [item.item_id, place]));
  const stays = new Set(one.after.map((item) => item.item_id));
  // As far as the first change at least.
  const first = one.after.findIndex((item, place) => item.item_id !== one.before[place]?.item_id);
  const n = Math.max(SHOWN, first + 4);
  const before = list(text("preview.before"), one.before.slice(0, n), (item) => (stays.has(item.item_id) ? null : element("span", { class: "badge bad", text: text("preview.gone") })));
  const after = list(text("preview.after"), one.after.slice(0, n), (item, place) => moved(placeBefore.get(item.item_id), place));
  return element("article", { class: "example" }, head, element("div", { class: "before-after" }, before, after));
}

function list(title, items, mark) {
  const lines = items.map((item, place) => element("li", {}, element("span", { class: "clip", title: item.title ?? item.item_id, text: item.title ?? item.item_id }), mark(item, place)));
  return element("div", {}, element("h4", { class: "help", text: title }), element("ol", {}, lines));
}

function moved(from, to) {
  if (from === undefined) return element("span", { class: "badge good", text: text("preview.new") });
  if (from === to) return null;
  return from > to ? element("span", { class: "badge good", text: text("preview.up", { places: number(from - to) }) }) : element("span", { class: "badge", text: text("preview.down", { places: number(to - from) }) });
}
