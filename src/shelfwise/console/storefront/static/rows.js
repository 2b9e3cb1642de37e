// A row of products with a heading, filled by an answer of the shop.

import { element } from "../dom.js";
import { showError, showLoading } from "../states.js";
import { recommend } from "./answers.js";
import { showProducts } from "./tiles.js";

/**
 * A section with a heading and a place for products.
 * @returns {HTMLElement & {place: HTMLElement, heading: HTMLElement, lead: HTMLElement}}
 */
export function section(title, lead = "", name = "") {
  const heading = element("h2", { text: title });
  const told = element("p", { class: "section-lead", text: lead });
  const place = element("div", { class: "section-place" });
  const made = element("section", { class: "shelf", data: { name } }, element("header", { class: "section-header" }, heading, told), place);
  return Object.assign(made, { place, heading, lead: told });
}

/**
 * Ask for a slate and show it; a section to which nothing belongs goes away.
 * @param {HTMLElement} made By `section`.
 * @param {Object} query
 * @param {Object} [options] As `showProducts` takes them.
 * @returns {Promise<Array>} What was shown.
 */
export async function fill(made, query, options = {}) {
  if (!made.place.childElementCount) showLoading(made.place, 3);
  try {
    const { entries } = await recommend(query);
    made.hidden = !entries.length;
    if (entries.length) showProducts(made.place, entries, options);
    return entries;
  } catch (error) {
    showError(made.place, error, () => fill(made, query, options));
    return [];
  }
}
