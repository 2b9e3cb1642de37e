// Tabs by the pattern of ARIA: one of several panels is shown; arrow keys move between them.

import { element } from "./dom.js";

let made = 0;

/**
 * Make tabs.
 * @param {Array<{key: string, title: string, panel: HTMLElement}>} all
 * @param {{label: string, selected?: string, onSelect?: (key: string) => void}} options
 * @returns {HTMLElement} The tabs with their panels.
 */
export function tabs(all, { label, selected = all[0].key, onSelect }) {
  made += 1;
  const heads = all.map(({ key, title, panel }, place) => {
    panel.id ||= `panel-${made}-${place}`;
    panel.setAttribute("role", "tabpanel");
    const head = element("button", { type: "button", role: "tab", id: `tab-${made}-${place}`, "aria-controls": panel.id, text: title, on: { click: () => select(key) } });
    panel.setAttribute("aria-labelledby", head.id);
    return head;
  });
  const list = element("div", { class: "tabs", role: "tablist", "aria-label": label }, heads);

  function select(key, isTold = true) {
    all.forEach((one, place) => {
      const isSelected = one.key === key;
      heads[place].setAttribute("aria-selected", String(isSelected));
      heads[place].tabIndex = isSelected ? 0 : -1;
      one.panel.hidden = !isSelected;
    });
    if (isTold) onSelect?.(key);
  }

  list.addEventListener("keydown", (event) => {
    const place = heads.indexOf(document.activeElement);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: heads.length - 1 }[event.key];
    if (place < 0 || next === undefined) return;
    event.preventDefault();
    const at = (next + heads.length) % heads.length;
    heads[at].focus();
    select(all[at].key);
  });
  select(selected, false);
  return element("div", { class: "stack" }, list, all.map((one) => one.panel));
}
