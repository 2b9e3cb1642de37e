// What lists of people and of items have in common: addresses, counts, the kinds of events.

import { element } from "./dom.js";
import { number } from "./format.js";
import { text } from "./texts.js";

/** Where a person's page is. */
export const addressOfUser = (id) => `/console/users?id=${encodeURIComponent(id)}`;

/** Where an item's page is. */
export const addressOfItem = (id) => `/console/items?id=${encodeURIComponent(id)}`;

const COUNTED = 10_000;

/** A count that the server stops at 10,000. */
export const countOf = (count) => (count >= COUNTED ? `${number(COUNTED)}+` : number(count));

const TONES = { purchase: "good", cart: "accent", favourite: "accent", click: "accent", return: "bad", cart_remove: "careful" };

/** The kind of an event as a badge; with a count where there were several. */
export function kindBadge(kind, count = 1) {
  const name = text(`kind.${kind}`);
  return element("span", { class: `badge ${TONES[kind] ?? ""}`, text: count > 1 ? `${name} × ${number(count)}` : name });
}

/** A share in [0, 1] as a bar; what it says stands beside it as text. */
export function meter(share) {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return element("span", { class: "meter", "aria-hidden": "true" }, element("span", { style: { "inline-size": width } }));
}
