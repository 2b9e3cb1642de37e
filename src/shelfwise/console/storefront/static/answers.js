// Answers of the shop, with what a page shows of each item beside what the answer says of it.

import { asVisitor } from "./visit.js";

const CARDS_AT_ONCE = 100;
const known = new Map();

/**
 * What pages may show of items.
 * @param {string[]} itemIds
 * @returns {Promise<Map<string, Object>>} By id; items that the shop has not are left out.
 */
export async function cardsOf(itemIds) {
  const missing = [...new Set(itemIds)].filter((id) => !known.has(id));
  for (let first = 0; first < missing.length; first += CARDS_AT_ONCE) {
    const part = missing.slice(first, first + CARDS_AT_ONCE);
    const answer = await asVisitor("GET", "/v1/cards", { query: { item_id: part } });
    for (const card of answer.items) known.set(card.item_id, card);
  }
  return new Map(itemIds.filter((id) => known.has(id)).map((id) => [id, known.get(id)]));
}

/**
 * Ask for a slate.
 * @param {Object} query As `POST /v1/recommend` takes it.
 * @returns {Promise<{slate: Object, entries: Array<{item: Object, card: Object, slate: Object}>}>}
 */
export async function recommend(query) {
  const slate = await asVisitor("POST", "/v1/recommend", { body: { device: device(), ...query } });
  return { slate, entries: await withCards(slate.items, slate) };
}

/** Search by words. @returns {Promise<{answer: Object, entries: Array}>} */
export async function find(query, options = {}, signal = undefined) {
  const answer = await asVisitor("POST", "/v1/search", { body: { query, ...options }, signal });
  return { answer, entries: await withCards(answer.items, null) };
}

/** The categories below one, and what it can be narrowed by. */
export const shelves = (category = null) => asVisitor("GET", "/v1/shelves", { query: { category } });

async function withCards(items, slate) {
  const cards = await cardsOf(items.map((item) => item.item_id));
  return items.filter((item) => cards.has(item.item_id)).map((item) => ({ item, card: cards.get(item.item_id), slate }));
}

function device() {
  if (matchMedia("(max-width: 40rem)").matches) return "mobile";
  return matchMedia("(pointer: coarse)").matches ? "tablet" : "desktop";
}
