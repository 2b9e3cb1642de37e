// A table of items with their pictures.

import { element } from "./dom.js";
import { money } from "./format.js";
import { addressOfItem } from "./people.js";
import { picture } from "./picture.js";
import { table } from "./table.js";
import { text } from "./texts.js";

/**
 * Make the table.
 * @param {Array} rows Items as the API tells them.
 * @param {string} caption
 * @param {Object|null} [last] A column in the place of the items' state; see table.js.
 */
export function itemTable(rows, caption, last = null) {
  return table({
    caption,
    rows,
    columns: [
      { title: text("column.item"), value: (item) => item.title ?? item.item_id, cell: named },
      { title: text("column.category"), value: (item) => item.category, cell: (item) => item.category && element("span", { class: "clip-lines category", text: item.category }) },
      { title: text("column.price"), isNumber: true, value: (item) => item.price, cell: (item) => money(item.price, item.currency) },
      last ?? { title: text("column.available"), value: (item) => Number(item.available), cell: available },
    ],
  });
}

function named(item) {
  return element("span", { class: "item-name" },
    picture({ ...item, has_image: Boolean(item.image) }),
    element("span", { class: "item-words" },
      element("a", { class: "clip-lines", href: addressOfItem(item.item_id), text: item.title ?? item.item_id }),
      element("small", { class: "clip mono soft", text: item.item_id })));
}

const available = (item) =>
  element("span", { class: `badge ${item.available ? "good" : "careful"}`, text: text(item.available ? "item.available" : "item.not_available") });
