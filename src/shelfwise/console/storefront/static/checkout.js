// Checkout: one more look, the order, and what the shop has learned of it.

import { element } from "../dom.js";
import { number } from "../format.js";
import { showEmpty } from "../states.js";
import { countedText, text } from "../texts.js";
import { cardsOf } from "./answers.js";
import { buy, lines } from "./basket.js";
import { lineOf, totalOf } from "./cart.js";
import { complementsFilter } from "./matching.js";
import { fill, section } from "./rows.js";

const SHOWN = 4;
const SHOWN_AFTER = 12;

/** Show the page. */
export async function show(place) {
  const cards = await cardsOf(lines().map((line) => line.id));
  const own = lines().filter((line) => cards.has(line.id));
  const opening = element("header", { class: "opening" }, element("h1", { text: text("checkout.title") }));
  if (!own.length) {
    const empty = element("div");
    showEmpty(empty, { title: text("cart.empty"), body: text("cart.empty_hint"), action: element("a", { class: "button", href: "/shop", text: text("to_home") }) });
    place.replaceChildren(opening, empty);
    return;
  }
  const order = element("button", { type: "button", class: "button primary", id: "place-order", text: text("checkout.order") });
  order.addEventListener("click", async () => {
    order.disabled = true;
    await ordered(place, await buy(cards));
  });
  const beside = section(text("checkout.beside"), "", "complements");
  place.replaceChildren(opening,
    element("p", { class: "notice", text: text("checkout.demo") }),
    element("ul", { class: "cart-lines", role: "list" }, own.map((line) => lineOf(line, cards.get(line.id)))),
    totalOf(own, cards) ?? "", element("p", {}, order), beside);
  await fill(beside, { scenario: "checkout", items: own.map((line) => line.id).slice(-100), k: SHOWN, relation: "complements", filter: complementsFilter([...cards.values()]) });
}

async function ordered(place, count) {
  document.dispatchEvent(new Event("shop:acted"));
  const forYou = section(text("checkout.for_you"), text("checkout.for_you_lead"), "for-you");
  const heading = element("h1", { tabindex: "-1", text: text("checkout.thanks") });
  place.replaceChildren(
    element("header", { class: "opening" }, heading, element("p", { id: "ordered", role: "status", text: countedText("checkout.recorded", count, { count: number(count) }) })),
    element("p", {}, element("a", { class: "button", href: "/shop", text: text("to_home") })),
    forYou,
  );
  heading.focus();
  await fill(forYou, { scenario: "home", k: SHOWN_AFTER });
}
