// What lies in the cart: kept by this browser, told to the shop as events.

import { note, noteNow } from "./visit.js";

const NAME = "shelfwise-shop.cart";
const MOST = 99;
let memory = "[]"; // where storage is forbidden

function read() {
  try {
    memory = localStorage.getItem(NAME) ?? memory;
  } catch {} // eslint-disable-line no-empty
  try {
    const lines = JSON.parse(memory);
    return Array.isArray(lines) ? lines.filter((line) => typeof line?.id === "string" && line.n > 0) : [];
  } catch {
    return [];
  }
}

function write(lines) {
  memory = JSON.stringify(lines);
  try {
    localStorage.setItem(NAME, memory);
  } catch {} // eslint-disable-line no-empty
  document.dispatchEvent(new Event("shop:cart"));
}

/** The lines. @returns {Array<{id: string, n: number, slate_id?: string, position?: number}>} */
export const lines = read;

/** How many pieces. */
export const pieces = () => read().reduce((sum, line) => sum + line.n, 0);

/** Put one piece into the cart, and wait until the shop knows. */
export async function add(card, from = {}) {
  const found = read();
  const line = found.find((one) => one.id === card.item_id);
  if (line) line.n = Math.min(MOST, line.n + 1);
  else found.push({ id: card.item_id, n: 1, ...from });
  write(found);
  await noteNow({ event: "cart", item_id: card.item_id, quantity: 1, ...money(card), ...from });
}

/** Take a line out. */
export async function remove(id) {
  write(read().filter((line) => line.id !== id));
  await noteNow({ event: "cart_remove", item_id: id, scenario: "cart" });
}

/** Buy everything. @returns {Promise<number>} The number of lines. */
export async function buy(cards) {
  const bought = read();
  for (const line of bought) {
    const from = line.slate_id ? { slate_id: line.slate_id, position: line.position } : {};
    note({ event: "purchase", item_id: line.id, quantity: line.n, scenario: "checkout", ...money(cards.get(line.id)), ...from });
  }
  await window.shelfwise.flush();
  write([]);
  return bought.length;
}

/** Empty it without a word, as when somebody wants to be forgotten. */
export const clear = () => write([]);

function money(card) {
  if (typeof card?.price !== "number") return {};
  return { price: card.price, ...(card.currency ? { currency: card.currency } : {}) };
}
