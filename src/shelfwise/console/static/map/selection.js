// The items that were picked, as a list with links.

import { isAborted } from "../api.js";
import { element } from "../dom.js";
import { compact, number } from "../format.js";
import { showContent, showEmpty, showError, showLoading } from "../states.js";
import { countedText, text } from "../texts.js";

const AT_ONCE = 50;

/**
 * @param {HTMLElement} place
 * @param {Object} options
 * @param {import("./points.js").Points} options.points
 * @param {ReturnType<typeof import("./names.js").names>} options.names
 * @param {(place: number) => void} options.onShow Somebody wants to see where one lies.
 * @param {() => void} options.onClear
 */
export function selectionList(place, { points, names, onShow, onClear }) {
  let running = null;

  const row = (at, item) => element(
    "li", { class: "map-item" },
    element("button", { type: "button", class: "map-find", title: text("selection.show"), "aria-label": text("selection.show_item", { item: item.title || item.item_id }), on: { click: () => onShow(at) } }, element("span", { class: "map-dot", style: { background: "var(--accent)" } })),
    element("div", { class: "grow" },
      element("a", { class: "clip-lines", href: `/console/items?id=${encodeURIComponent(item.item_id)}`, text: item.title || item.item_id }),
      element("small", { class: "soft number", text: text("selection.counts", { popularity: compact(points.popularity[at]), exposure: compact(points.exposure[at]) }) })),
  );

  async function more(list, places, button) {
    running?.abort();
    running = new AbortController();
    const next = places.slice(list.childElementCount, list.childElementCount + AT_ONCE);
    const items = await names.load(next, { signal: running.signal });
    const byRow = new Map(items.map((item) => [item.row, item]));
    list.append(...next.filter((at) => byRow.has(points.rows[at])).map((at) => row(at, byRow.get(points.rows[at]))));
    button.hidden = list.childElementCount >= places.length;
  }

  return {
    /** Show what was picked. @param {string} title @param {number[]} found @param {{isSorted?: boolean}} [how] */
    async show(title, found, { isSorted = false } = {}) {
      const places = isSorted ? found : [...found].sort((a, b) => points.popularity[b] - points.popularity[a] || a - b);
      const clear = element("button", { type: "button", class: "button small quiet", text: text("selection.clear"), on: { click: onClear } });
      const head = element("div", { class: "row apart" }, element("div", {}, element("h2", { text: title }), element("p", { class: "help", role: "status", text: isSorted ? countedText("selection.matches", places.length, { count: number(places.length) }) : countedText("selection.count", places.length, { count: number(places.length) }) })), clear);
      if (!places.length) {
        showContent(place, head, element("p", { class: "soft", text: text("selection.nothing") }));
        return;
      }
      const list = element("ul", { class: "map-items", "aria-label": title });
      const button = element("button", { type: "button", class: "button small", text: text("action.more"), hidden: true });
      button.addEventListener("click", () => more(list, places, button).catch(() => {}));
      showLoading(place, 4);
      try {
        await more(list, places, button);
        showContent(place, head, list, button);
      } catch (error) {
        if (!isAborted(error)) showError(place, error, () => this.show(title, found, { isSorted }));
      }
    },
    /** Nothing is picked. */
    clear() {
      running?.abort();
      showEmpty(place, { title: text("selection.empty"), body: text("selection.empty_hint") });
    },
  };
}
