// Products in a grid: picture or set title, what it is, why it is here.

import { element } from "../dom.js";
import { money } from "../format.js";
import { text } from "../texts.js";
import { colourOf } from "./colours.js";
import { kindOf } from "./matching.js";
import { note, noteNow, pictureOf } from "./visit.js";
import { openWhy } from "./why.js";

const SEEN_SHARE = 0.5;
const SEEN_MS = 600;
const MOVE_MS = 420;
const N_TINTS = 6;

/** Where an event of an item answers a slate; empty for what no slate named. */
export const attribution = ({ item, slate }) =>
  slate ? { slate_id: slate.slate_id, position: item.position, scenario: slate.scenario } : {};

/**
 * Show products in a place; those that stand there already move to where they belong.
 * @param {Element} place
 * @param {Array<{item: Object, card: Object, slate: Object}>} entries
 * @param {{onLiked?: () => void, isWide?: boolean}} [options] `onLiked`: told once the shop knows of a favourite.
 */
export function showProducts(place, entries, options = {}) {
  const grid = gridIn(place);
  const before = new Map([...grid.children].map((tile) => [tile.dataset.itemId, { tile, at: tile.getBoundingClientRect() }]));
  const tiles = entries.map((entry) => {
    const was = before.get(entry.card.item_id);
    const made = tileOf(entry, options);
    if (was?.tile.contains(document.activeElement)) was.tile.dataset.hadFocus = focusedPart(was.tile);
    return made;
  });
  grid.replaceChildren(...tiles);
  for (const tile of tiles) {
    const was = before.get(tile.dataset.itemId);
    if (was?.tile.dataset.hadFocus) tile.querySelector(was.tile.dataset.hadFocus)?.focus({ preventScroll: true });
    if (before.size) moved(tile, was?.at);
    watched.observe(tile);
  }
}

function gridIn(place) {
  const found = place.querySelector(":scope > .products");
  if (found) return found;
  const made = element("ul", { class: "products", role: "list" });
  place.removeAttribute("aria-busy");
  place.replaceChildren(made);
  return made;
}

const focusedPart = (tile) => (document.activeElement.matches(".heart") ? ".heart" : tile.contains(document.activeElement) ? "a" : "");

// First, last, invert, play: a product that stays slides, a new one fades in.
function moved(tile, from) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  if (!from) {
    tile.animate([{ opacity: 0, transform: "translateY(12px)" }, { opacity: 1, transform: "none" }], { duration: MOVE_MS, easing: "ease-out" });
    return;
  }
  const to = tile.getBoundingClientRect();
  const shift = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
  if (from.left !== to.left || from.top !== to.top) {
    tile.animate([{ transform: shift }, { transform: "none" }], { duration: MOVE_MS, easing: "cubic-bezier(.2,.7,.2,1)" });
  }
}

function tileOf(entry, { onLiked }) {
  const { item, card, slate } = entry;
  const address = `/shop/item?id=${encodeURIComponent(card.item_id)}`;
  const link = element("a", { class: "product-link", href: address, on: { click: () => chosen(entry) } }, faceOf(card, 320), nameOf(card));
  const tile = element("li", { class: "product", data: { itemId: card.item_id, kind: kindOf(card) } }, link, heartOf(entry, onLiked), factsOf(card));
  if (slate) {
    tile.append(
      element("button", { type: "button", class: "why", on: { click: () => openWhy(entry) } }, item.reason,
        element("span", { class: "visually-hidden", text: text("why.open", { title: shortOf(card) }) })),
    );
  }
  entryOf.set(tile, entry);
  return tile;
}

/** A product's picture, or its title set in type where there is none or it cannot be shown. */
export function faceOf(card, size) {
  const face = element("div", { class: "face" });
  if (!card.has_picture) return typeset(face, card);
  const picture = element("img", { src: pictureOf(card.item_id, size), alt: "", loading: "lazy", decoding: "async", width: 180, height: 240 });
  picture.addEventListener("error", () => typeset(face, card), { once: true });
  face.append(picture);
  return face;
}

function typeset(face, card) {
  const title = card.title ?? card.item_id;
  face.classList.add("typeset", `tint-${tintOf(kindOf(card) || title)}`);
  face.replaceChildren(element("span", { "aria-hidden": "true", class: title.length > 34 ? "long" : "", text: title, dir: "auto" }));
  return face;
}

function tintOf(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 65_521;
  return sum % N_TINTS;
}

/** A title for where it is only read out. */
const shortOf = (card) => (card.title ?? card.item_id).slice(0, 80);

const nameOf = (card) => element("span", { class: "product-name", text: card.title ?? card.item_id, dir: "auto" });

/** What else is known of it, in a line: price, colour, kind. */
export function factsOf(card) {
  const parts = [];
  if (typeof card.price === "number") parts.push(element("span", { class: "price", text: money(card.price, card.currency) }));
  if (card.attributes.colour) parts.push(colourChip(card.attributes.colour));
  else if (kindOf(card)) parts.push(element("span", { text: kindOf(card) }));
  return element("p", { class: "product-facts" }, parts);
}

/** A colour with its name. */
export function colourChip(name) {
  const value = colourOf(name);
  return element("span", { class: "colour" }, value && element("span", { class: "colour-dot", style: { background: value } }), element("span", { text: name }));
}

function heartOf(entry, onLiked) {
  const { card } = entry;
  const heart = element("button", {
    type: "button", class: "heart", "aria-pressed": String(liked.has(card.item_id)),
    "aria-label": text("product.like", { title: shortOf(card) }), text: "♥",
  });
  heart.addEventListener("click", async () => {
    if (liked.has(card.item_id)) return;
    liked.add(card.item_id);
    heart.setAttribute("aria-pressed", "true");
    await noteNow({ event: "favourite", item_id: card.item_id, ...attribution(entry) });
    document.dispatchEvent(new Event("shop:acted"));
    onLiked?.();
  });
  return heart;
}

const liked = new Set();
const entryOf = new WeakMap();
const seen = new Set();
const waiting = new Map();

function chosen(entry) {
  note({ event: "click", item_id: entry.card.item_id, ...attribution(entry) });
  remember(entry);
}

// What was seen goes back too, once for every answer: a list that nobody scrolled to was not shown.
const watched = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) {
    clearTimeout(waiting.get(target));
    waiting.delete(target);
    if (isIntersecting) waiting.set(target, setTimeout(() => shown(target), SEEN_MS));
  }
}, { threshold: SEEN_SHARE });

function shown(tile) {
  const entry = entryOf.get(tile);
  watched.unobserve(tile);
  if (!entry?.slate || !tile.isConnected) return;
  const name = `${entry.slate.slate_id} ${entry.card.item_id}`;
  if (seen.has(name)) return;
  seen.add(name);
  note({ event: "impression", item_id: entry.card.item_id, ...attribution(entry) });
}

const FROM = "shelfwise-shop.from";

// The product's page tells with its own events which answer led there.
function remember(entry) {
  try {
    sessionStorage.setItem(FROM, JSON.stringify({ id: entry.card.item_id, ...attribution(entry) }));
  } catch {} // eslint-disable-line no-empty
}

/** Which answer led to a product's page; empty where none did. */
export function cameFrom(itemId) {
  try {
    const { id, ...from } = JSON.parse(sessionStorage.getItem(FROM) ?? "{}");
    return id === itemId && from.slate_id ? from : {};
  } catch {
    return {};
  }
}
