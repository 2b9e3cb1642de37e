// An item's neighbours by text, picture and behaviour, side by side.

import { element } from "./dom.js";
import { percent } from "./format.js";
import { addressOfItem, meter } from "./people.js";
import { picture } from "./picture.js";
import { showEmpty } from "./states.js";
import { text } from "./texts.js";

const SIDES = ["text", "picture", "behaviour"];

/** The card of an item's neighbours. */
export function neighboursCard(neighbours) {
  return element("section", { class: "card" },
    element("header", { class: "card-header" }, element("div", {}, element("h2", { text: text("near.title") }), element("p", { text: text("near.about") }))),
    element("div", { class: "near-columns" }, SIDES.map((side) => column(side, neighbours[side]))));
}

function column(side, near) {
  const list = element("div");
  if (near?.length) list.append(element("ol", { class: "near" }, near.map(line)));
  else showEmpty(list, { title: text("near.none"), body: text(`near.none_${side}`) });
  return element("section", { class: "stack tight" },
    element("div", {}, element("h3", { text: text(`near.${side}`) }), element("small", { class: "soft", text: text(`near.${side}_help`) })), list);
}

function line(item) {
  const share = percent(item.likeness, 0);
  return element("li", {},
    picture(item),
    element("div", { class: "near-words" },
      element("div", { class: "bar-line" },
        element("a", { class: "clip", href: addressOfItem(item.item_id), title: item.title ?? item.item_id, text: item.title ?? item.item_id }),
        element("span", { class: "number soft", title: text("near.likeness", { share }), text: share })),
      meter(item.likeness)));
}
