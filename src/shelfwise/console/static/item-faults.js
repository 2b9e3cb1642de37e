// What is wrong with items' data: over the whole catalogue, and with one.

import { get } from "./api.js";
import { element } from "./dom.js";
import { ago, money, number, percent } from "./format.js";
import { addressOfItem, meter } from "./people.js";
import { loadInto, showEmpty } from "./states.js";
import { countedText, text } from "./texts.js";

const GRAVE = new Set(["no_title", "duplicate", "picture_missing", "picture_unreadable", "price_outlier"]);
const toneOf = (kind) => (GRAVE.has(kind) ? "bad" : "careful");

/** Kinds of faults as badges. */
export const faultBadges = (kinds) =>
  element("span", { class: "row faults" }, kinds.map((kind) => element("span", { class: `badge ${toneOf(kind)}`, text: text(`fault.${kind}`) })));

/** The catalogue's faults by kind, each a button that lists its items. */
export function qualityCard(onPick) {
  const place = element("div", { class: "stack tight" });
  const card = element("section", { class: "card" }, element("header", { class: "card-header" }, element("h2", { text: text("quality.title") })), place);
  loadInto(place, () => get("/v1/catalogue/warnings"), (found) => {
    const kinds = Object.entries(found.counts).filter(([, count]) => count).sort((a, b) => b[1] - a[1]);
    if (!kinds.length) {
      showEmpty(place, { title: text("quality.fine"), body: text("quality.fine_hint") });
      return null;
    }
    return [
      element("p", { class: "soft", text: countedText("quality.about", found.n_items, { clean: number(found.n_without), count: number(found.n_items) }) }),
      element("ul", { class: "bars" }, kinds.map(([kind, count]) => line(kind, count, found.n_items, onPick))),
      element("small", { class: "soft", text: text("quality.looked", { at: ago(found.at) }) }),
    ];
  });
  return card;
}

function line(kind, count, all, onPick) {
  const share = count / all;
  return element("li", {},
    element("div", { class: "bar-line" },
      element("button", { type: "button", class: "link", text: text(`fault.${kind}`), on: { click: () => onPick(kind) } }),
      element("span", { class: "number" }, count === all ? null : number(count), element("small", { class: "soft", text: ` ${count === all ? text("quality.of_all") : percent(share, share < 0.1 ? 1 : 0)}` }))),
    meter(share));
}

/** What is wrong with one item, with what there is to say of it. */
export function faultList(findings, item) {
  return element("ul", { class: "fault-list" }, findings.map((one) => element("li", { class: "row" },
    element("span", { class: `badge ${toneOf(one.kind)}`, text: text(`fault.${one.kind}`) }),
    element("span", { class: "soft grow" }, text(`fault_help.${one.kind}`, { usual: money(one.usual, item.currency) }),
      one.items.flatMap((twin, n) => [n ? ", " : " ", element("a", { href: addressOfItem(twin.item_id), text: twin.title ?? twin.item_id, title: twin.item_id })])))));
}
