// An item's picture, or a quiet tile with its first letter where there is none.

import { element } from "./dom.js";

const SIZES = [160, 320, 640];

/**
 * Make a picture.
 * @param {{item_id: string, title?: string|null, has_image?: boolean}} item Without `has_image` the server is not asked.
 * @param {{pixels?: number, label?: string, name?: string}} [options] `pixels`: of the longer side, as shown; `label`:
 *   read out, else the picture is decoration; `name`: a further class.
 */
export function picture(item, { pixels = 40, label = "", name = "" } = {}) {
  const place = element("span", { class: `picture picture-tile ${name}`, "aria-hidden": label ? null : "true", role: label ? "img" : null, "aria-label": label || null }, letter(item));
  if (!item.has_image) return place;
  const size = SIZES.find((one) => one >= pixels * devicePixelRatio) ?? SIZES.at(-1);
  const shown = element("img", { alt: "", loading: "lazy", decoding: "async", width: pixels, height: pixels, src: `/v1/items/${encodeURIComponent(item.item_id)}/picture?size=${size}` });
  shown.addEventListener("load", () => place.classList.add("has-picture"));
  shown.addEventListener("error", () => shown.remove());
  place.append(shown);
  return place;
}

function letter(item) {
  const name = (item.title ?? item.item_id).trim();
  const first = [...name].find((one) => /[\p{L}\p{N}]/u.test(one)) ?? "·";
  return element("span", { class: "letter", text: first.toUpperCase() });
}
