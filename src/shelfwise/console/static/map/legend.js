// The legend: groups with their colours as buttons that pick them, or a scale of amounts.

import { element } from "../dom.js";
import { compact, number } from "../format.js";
import { countedText, text } from "../texts.js";
import { colour } from "../theme.js";

/**
 * Groups by size; pressing one lists and marks its items.
 * @param {{largest: Array, nOther: number}} colours
 * @param {{nWithout: number, picked: number|null, onPick: (group: Object|null) => void}} options
 */
export function groupLegend({ largest, nOther }, { nWithout, picked, onPick }) {
  const entries = largest.map((group) => {
    const isPicked = group.code === picked;
    const label = [element("span", { class: "map-dot", style: { background: `var(${group.variable})` } }), element("span", { class: "clip grow", text: group.name }), element("span", { class: "number soft", text: number(group.n_items) })];
    return element("li", {}, element("button", { type: "button", class: "map-group", "aria-pressed": String(isPicked), title: group.name, on: { click: () => onPick(isPicked ? null : group) } }, label));
  });
  const rest = nOther + nWithout;
  if (rest) {
    const others = [element("span", { class: "map-dot", style: { background: "var(--map-other)" } }), element("span", { class: "grow", text: text("legend.other") }), element("span", { class: "number soft", text: number(rest) })];
    entries.push(element("li", { class: "map-group" }, others));
  }
  return element("ul", { class: "map-groups" }, entries);
}

/** A scale from the least to the most. @param {{most: number}} colours @param {string} unit */
export function amountLegend({ most }, unit) {
  const bar = element("span", { class: "map-scale", "aria-hidden": "true" });
  bar.style.setProperty("background", `linear-gradient(to right, ${colour("--map-low")}, ${colour("--map-high")})`);
  const middle = Math.round(Math.expm1(Math.log1p(most) / 2));
  const ticks = most > 1 ? [1, middle, most] : [1];
  return element(
    "div", { class: "stack tight" },
    element("p", { class: "help", text: unit }),
    bar,
    element("div", { class: "row apart number help" }, ticks.map((tick) => element("span", { text: compact(tick) }))),
    element("p", { class: "row help" }, element("span", { class: "map-dot", style: { background: "var(--map-none)" } }), text("legend.none")),
  );
}

/** A sentence on what is on the map, and what is not. */
export function mapFacts(map) {
  const said = [countedText("facts.items", map.n_items, { count: number(map.n_items) })];
  if (map.n_new) said.push(countedText("facts.new", map.n_new, { count: number(map.n_new) }));
  if (map.n_unplaced) said.push(countedText("facts.unplaced", map.n_unplaced, { count: number(map.n_unplaced) }));
  return said.join(" ");
}
