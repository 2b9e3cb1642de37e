// A product: what it is, what could be taken instead, what goes with it, and where the shop would lead from here.

import { element } from "../dom.js";
import { money } from "../format.js";
import { showEmpty } from "../states.js";
import { text } from "../texts.js";
import { toast } from "../toast.js";
import { cardsOf } from "./answers.js";
import { add } from "./basket.js";
import { trail } from "./category.js";
import { complementsFilter, pathOf } from "./matching.js";
import { showMix } from "./mix.js";
import { fill, section } from "./rows.js";
import { cameFrom, colourChip, faceOf } from "./tiles.js";
import { lookAt, noteNow } from "./visit.js";
import { textOr } from "./words.js";

const SHOWN = 6;
const SHOWN_FOR_YOU = 12;

/** Show the page. */
export async function show(place, address) {
  const id = address.get("id") ?? "";
  const card = id ? (await cardsOf([id])).get(id) : undefined;
  if (!card) {
    showEmpty(place, { title: text("item.none"), action: element("a", { class: "button", href: "/shop", text: text("to_home") }) });
    return;
  }
  document.title = `${card.title ?? card.item_id} · ${document.title.split(" · ").at(-1)}`;
  const instead = section(text("item.alternatives"), text("item.alternatives_lead"), "alternatives");
  const beside = section(text("item.complements"), text("item.complements_lead"), "complements");
  const forYou = section(text("item.for_you"), text("item.for_you_lead"), "for-you");
  const mix = element("div", { class: "mix-place" });
  forYou.place.before(mix);
  place.replaceChildren(productOf(card), instead, beside, forYou);

  async function follow() {
    showMix(mix, await fill(forYou, { scenario: "home", k: SHOWN_FOR_YOU, exclude: [id] }, { onLiked: follow }));
  }
  const asked = { scenario: "item", items: [id], k: SHOWN };
  const viewed = noteNow({ event: "view", item_id: id, ...cameFrom(id) });
  lookAt(id);
  await Promise.all([
    fill(instead, { ...asked, relation: "alternatives" }).then((shown) =>
      // In a shop that does not sort its items, what is bought together may also be what is alike: once is enough.
      fill(beside, { ...asked, relation: "complements", filter: complementsFilter([card]), exclude: shown.map((entry) => entry.card.item_id) })),
    viewed.then(() => {
      document.dispatchEvent(new Event("shop:acted"));
      return follow();
    }),
  ]);
}

function productOf(card) {
  const buy = element("button", { type: "button", class: "button primary buy", id: "add-to-cart", text: text("item.add"), disabled: !card.available });
  buy.addEventListener("click", async () => {
    buy.disabled = true;
    await add(card, cameFrom(card.item_id));
    buy.disabled = false;
    document.dispatchEvent(new Event("shop:acted"));
    toast(text("item.added"), { action: text("item.to_cart"), onAction: () => location.assign("/shop/cart") });
  });
  const traits = Object.entries(card.attributes);
  return element("article", { class: "detail" },
    element("div", { class: "detail-face" }, faceOf(card, 640)),
    element("div", { class: "detail-text" },
      trail(pathOf(card.category)),
      element("h1", { text: card.title ?? card.item_id, dir: "auto" }),
      card.brand ? element("p", { class: "soft", text: card.brand, dir: "auto" }) : null,
      typeof card.price === "number" ? element("p", { class: "detail-price", text: money(card.price, card.currency) }) : null,
      card.description ? element("p", { class: "detail-description", text: card.description, dir: "auto" }) : null,
      traits.length ? element("dl", { class: "facts" }, traits.flatMap(([name, value]) => [
        element("dt", { text: textOr(`attribute.${name}`, name) }),
        element("dd", {}, name === "colour" ? colourChip(value) : value),
      ])) : null,
      card.available ? null : element("p", { class: "notice careful", text: text("item.sold_out") }),
      buy));
}
