// What lies at points: titles and ids, asked for when they are needed and remembered.

import { post } from "../api.js";

const AT_ONCE = 100;

/** @param {import("./points.js").Points} points */
export function names(points) {
  const known = new Map();

  return {
    /** What is known already of a point; null otherwise. */
    of: (place) => known.get(points.rows[place]) ?? null,
    /** Ask for some points. @returns {Promise<Array<{row, item_id, title, category, brand}>>} In their order. */
    async load(places, options = {}) {
      const rows = [...places].map((place) => points.rows[place]);
      const missing = rows.filter((row) => !known.has(row));
      for (let at = 0; at < missing.length; at += AT_ONCE) {
        const { items } = await post("/v1/map/items", { rows: missing.slice(at, at + AT_ONCE) }, options);
        items.forEach((item) => known.set(item.row, item));
      }
      return rows.map((row) => known.get(row)).filter(Boolean);
    },
    /** Rows of items by their ids, in the order of the ids. */
    async rowsOf(itemIds, options = {}) {
      if (!itemIds.length) return [];
      const { items } = await post("/v1/map/items", { item_ids: itemIds }, options);
      items.forEach((item) => known.set(item.row, item));
      return items.map((item) => item.row);
    },
  };
}
