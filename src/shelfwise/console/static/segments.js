// A choice among a few, all of them in sight.

import { element } from "./dom.js";

/**
 * Make a choice.
 * @param {Array<{key: string, title: string}>} all
 * @param {{label: string, selected: string, onSelect: (key: string) => void}} options
 * @returns {HTMLElement}
 */
export function segments(all, { label, selected, onSelect }) {
  const buttons = all.map(({ key, title }) => element("button", { type: "button", "aria-pressed": String(key === selected), text: title, data: { key }, on: { click: () => select(key) } }));
  function select(key) {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.key === key)));
    onSelect(key);
  }
  return element("div", { class: "segments", role: "group", "aria-label": label }, buttons);
}
