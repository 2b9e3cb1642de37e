// The cart: what lies in it, and what goes with all of it.

import { element } from "../dom.js";
import { money, number } from "../format.js";
import { showEmpty } from "../states.js";
import { text } from "../texts.js";
import { cardsOf } from "./answers.js";
import { lines, remove } from "./basket.js";
import { complementsFilter } from "./matching.js";
import { fill, section } from "./rows.js";
import { faceOf, factsOf } from "./tiles.js";

const SHOWN = 6;
const MOST_CONTEXT = 100;

/** Show the page. */
export async function show(place) {
  const cards = await cardsOf(lines().map((line) => line.id));
  const own = lines().filter((line) => cards.has(line.id));
  const opening = element("header", { class: "opening" }, element("h1", { text: text("cart.title") }));
  if (!own.length) {
    const empty = element("div");
    showEmpty(empty, { title: text("cart.empty"), body: text("cart.empty_hint"), action: element("a", { class: "button", href: "/shop", text: text("to_home") }) });
    place.replaceChildren(opening, empty);
    return;
  }
  const beside = section(text("cart.beside"), text("cart.beside_lead"), "complements");
  const list = element("ul", { class: "cart-lines", role: "list" }, own.map((line) => lineOf(line, cards.get(line.id), () => show(place))));
  place.replaceChildren(opening, list, totalOf(own, cards) ?? "",
    element("p", {}, element("a", { class: "button primary", href: "/shop/checkout", id: "to-checkout", text: text("cart.checkout") })), beside);
  const items = own.map((line) => line.id).slice(-MOST_CONTEXT);
  await fill(beside, { scenario: "cart", items, k: SHOWN, relation: "complements", filter: complementsFilter([...cards.values()]) });
}

/** One line of a cart. */
export function lineOf(line, card, onRemoved = null) {
  const title = card.title ?? card.item_id;
  const take = onRemoved && element("button", { type: "button", class: "button quiet small", text: text("cart.remove"), "aria-label": text("cart.remove_named", { title }) });
  take?.addEventListener("click", async () => {
    take.disabled = true;
    await remove(line.id);
    onRemoved();
  });
  return element("li", { class: "cart-line" },
    element("div", { class: "cart-face" }, faceOf(card, 160)),
    element("div", { class: "cart-text" },
      element("a", { href: `/shop/item?id=${encodeURIComponent(line.id)}`, text: title, dir: "auto" }), factsOf(card)),
    element("span", { class: "cart-number", text: text("cart.pieces", { count: number(line.n) }) }),
    take);
}

/** What all of it costs; nothing in a shop without prices. */
export function totalOf(own, cards) {
  const priced = own.filter((line) => typeof cards.get(line.id).price === "number");
  if (priced.length !== own.length) return null;
  const sum = own.reduce((total, line) => total + line.n * cards.get(line.id).price, 0);
  return element("p", { class: "cart-total" }, element("span", { text: text("cart.total") }), element("strong", { text: money(sum, cards.get(own[0].id).currency) }));
}
