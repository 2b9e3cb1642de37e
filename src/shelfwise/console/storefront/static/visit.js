// Who is here, and how this page speaks to the shop: a browser key and the visitor's own token, as on any shop's pages.

import { ask, Problem } from "../api.js";

/** What the server says of the shop: its name, its key for pages, the places that it answers. */
export const shop = JSON.parse(document.getElementById("shop").textContent);

const client = window.shelfwise;

async function headers() {
  const token = await client.visitor();
  if (!token) throw new Problem({ status: 0, code: "no_visitor", detail: "", hint: null });
  return { Authorization: `Bearer ${shop.key}`, "Shelfwise-Visitor": token };
}

/** Ask the API as this visitor; see `api.js`. */
export async function asVisitor(method, path, options = {}) {
  return ask(method, path, { ...options, headers: await headers() });
}

/** Tell the shop what was done; it is sent within a second. */
export const note = (event) => client.track(event);

/** The same, and wait until the shop has acknowledged it: the next answer knows of it. */
export async function noteNow(event) {
  client.track(event);
  await client.flush();
}

/** Measure how long an item is looked at, from now on. */
export const lookAt = (itemId) => client.dwell(itemId, { scenario: "item" });

/** Have the shop forget this visitor. @returns {Promise<Object|null>} The receipt; null where nothing was known. */
export const forget = () => client.forget();

/** Where a picture of an item is fetched; an `<img>` sends no headers, so that the key stands in the address. */
export function pictureOf(itemId, size) {
  return `/v1/items/${encodeURIComponent(itemId)}/picture?size=${size}&key=${encodeURIComponent(shop.key)}`;
}

/** Whether this shop answers in some place. */
export const hasPlace = (scenario) => shop.scenarios.includes(scenario);
