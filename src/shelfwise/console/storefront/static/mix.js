// What a page of products consists of, in one bar: how far the shop has followed can be seen at a glance.

import { element } from "../dom.js";
import { percent } from "../format.js";
import { text } from "../texts.js";
import { pathOf } from "./matching.js";

const SHOWN = 5;

/**
 * Draw the shares of categories.
 * @param {Element} place
 * @param {Array<{card: Object}>} entries
 */
export function showMix(place, entries) {
  const counts = new Map();
  for (const { card } of entries) {
    const name = pathOf(card.category)[1] ?? pathOf(card.category)[0];
    if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (counts.size < 2) {
    place.replaceChildren();
    return;
  }
  const sorted = [...counts].sort((one, other) => other[1] - one[1]);
  const parts = sorted.slice(0, SHOWN);
  const rest = sorted.slice(SHOWN).reduce((sum, [, n]) => sum + n, 0);
  if (rest) parts.push([text("mix.others"), rest]);
  place.replaceChildren(
    element("p", { class: "mix-title", text: text("mix.title") }),
    element("ul", { class: "mix" }, parts.map(([name, n], place) => element("li", {
      class: `mix-part mix-${place}`, data: { name, share: n / entries.length }, style: { "flex-grow": String(n) },
    }, element("span", { class: "mix-name", text: name }), element("span", { class: "mix-share", text: percent(n / entries.length, 0) })))),
  );
}
