// The home page: what the shop would show this visitor now, and how that is made up.

import { element } from "../dom.js";
import { number } from "../format.js";
import { countedText, text } from "../texts.js";
import { cardsOf } from "./answers.js";
import { showMix } from "./mix.js";
import { fill, section } from "./rows.js";
import { faceOf } from "./tiles.js";
import { hasPlace, shop } from "./visit.js";
import { ownData } from "./you.js";

const SHOWN = 24;
const SHOWN_TRENDING = 12;
const LOOKED_AT = 8;

/** Show the page. */
export async function show(place) {
  const opening = element("header", { class: "opening" },
    element("h1", { text: text("home.title") }),
    shop.about ? element("p", { text: shop.about }) : null);
  const lookedAt = element("section", { class: "looked-at", hidden: true });
  const mix = element("section", { class: "mix-place", "aria-label": text("mix.title") });
  const forYou = section(text("home.for_you"), "", "for-you");
  forYou.place.before(mix);
  const trending = section(text("home.trending"), text("home.trending_lead"), "trending");
  trending.hidden = true;
  place.replaceChildren(opening, lookedAt, forYou, trending);

  async function ask() {
    const [known, entries] = await Promise.all([
      ownData().catch(() => null),
      fill(forYou, { scenario: "home", k: SHOWN }, { onLiked: ask }),
    ]);
    showMix(mix, entries);
    const n = known?.n_read ?? 0;
    forYou.lead.textContent = n ? countedText("home.following", n, { count: number(n) }) : text("home.stranger");
    await showLookedAt(lookedAt, known);
  }

  await ask();
  if (hasPlace("trending")) {
    const entries = await fill(trending, { scenario: "trending", k: SHOWN_TRENDING }, { onLiked: ask });
    trending.hidden = !entries.length;
  }
}

async function showLookedAt(place, known) {
  const events = (known?.events ?? []).filter((event) => event.item_id && event.event !== "impression");
  const ids = [...new Set(events.map((event) => event.item_id))].slice(0, LOOKED_AT);
  const cards = [...(ids.length ? await cardsOf(ids) : new Map()).values()];
  place.hidden = !cards.length;
  place.replaceChildren(
    element("h2", { class: "looked-at-title", text: text("home.looked_at") }),
    element("ul", { role: "list" }, cards.map((card) => element("li", {}, element("a", {
      href: `/shop/item?id=${encodeURIComponent(card.item_id)}`, "aria-label": card.title ?? card.item_id, title: card.title ?? card.item_id,
    }, faceOf(card, 160))))),
  );
}
