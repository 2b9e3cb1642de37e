// The two lists beside each other, and what moved.

import { element } from "./dom.js";
import { objectiveName, prediction } from "./playground-words.js";
import { showEmpty } from "./states.js";
import { text } from "./texts.js";

/**
 * Draw one list.
 * @param {HTMLElement} place
 * @param {Object} list `usual` or `tried` of an answer.
 * @param {Array<{objective: string, measure: string}>} weighable
 * @param {{isTried: boolean, onAdd: ((item: Object) => void)|null}} how `onAdd`: an item can be added to a history.
 */
export function showList(place, list, weighable, { isTried, onAdd }) {
  if (!list.items.length) {
    showEmpty(place, { title: text("list.empty"), body: text("list.empty_hint") });
    return;
  }
  const kept = new Map([...place.querySelectorAll("li[data-item]")].map((line) => [line.dataset.item, line.getBoundingClientRect().top]));
  place.replaceChildren(element("ol", { class: "slate" }, list.items.map((item) => lineOf(item, weighable, isTried, onAdd))));
  glide(place, kept);
}

function lineOf(item, weighable, isTried, onAdd) {
  const title = item.title || item.item_id;
  return element("li", { data: { item: item.item_id } },
    element("span", { class: "place number", text: item.position }),
    pictureOf(item, title),
    element("div", { class: "grow" },
      element("span", { class: "title", dir: "auto", title: [title, item.reason, ...item.steps].filter(Boolean).join("\n"), text: title }),
      predictedOf(item, weighable)),
    moveOf(item, isTried),
    onAdd && element("button", { type: "button", class: "icon-button add", "aria-label": text("who.add_item", { title }), title: text("who.add"), text: "+", on: { click: () => onAdd(item) } }));
}

/** What is predicted of an item; why it is there, where nothing is. */
function predictedOf(item, weighable) {
  const predicted = weighable.filter(({ objective }) => objective in item.predictions);
  if (!predicted.length) return element("span", { class: "predicted clip", text: item.reason });
  return element("span", { class: "predicted" }, predicted.map(({ objective, measure }) =>
    element("span", { data: { objective } }, `${objectiveName(objective)} `, element("b", { text: prediction(item.predictions[objective], measure) }))));
}

function moveOf({ position, elsewhere }, isTried) {
  if (elsewhere === null) {
    return element("span", { class: `badge ${isTried ? "accent" : ""}`, data: { move: isTried ? "entered" : "left" }, text: text(isTried ? "move.entered" : "move.left") });
  }
  const steps = isTried ? elsewhere - position : 0;
  if (!isTried || steps === 0) return element("span", { class: "move", data: { move: "same" } });
  const said = text(steps > 0 ? "move.up" : "move.down", { steps: Math.abs(steps), before: elsewhere });
  return element("span", { class: `move ${steps > 0 ? "up" : "down"}`, data: { move: steps > 0 ? "up" : "down" }, title: said },
    element("span", { "aria-hidden": "true", text: `${steps > 0 ? "↑" : "↓"} ${Math.abs(steps)}` }), element("span", { class: "visually-hidden", text: said }));
}

/** The item's picture, or a tile with its first letters in a colour of its own. */
function pictureOf(item, title) {
  if (item.has_picture) {
    const picture = element("img", { class: "picture", alt: "", loading: "lazy", width: 40, height: 40, src: `/v1/items/${encodeURIComponent(item.item_id)}/picture?size=160` });
    picture.addEventListener("error", () => picture.replaceWith(tileOf(item, title)));
    return picture;
  }
  return tileOf(item, title);
}

function tileOf(item, title) {
  const letters = [...title.trim()].slice(0, 1).join("").toLocaleUpperCase();
  const hue = [...item.item_id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 6, 0) + 1;
  return element("span", { class: "picture letters", "aria-hidden": "true", data: { hue }, text: letters });
}

/** Lines that stay slide from where they stood, unless less motion is wanted. */
function glide(place, kept) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const line of place.querySelectorAll("li[data-item]")) {
    const before = kept.get(line.dataset.item);
    const by = before === undefined ? 0 : before - line.getBoundingClientRect().top;
    if (by) line.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 180, easing: "ease-out" });
    else if (before === undefined && kept.size) line.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 180 });
  }
}
