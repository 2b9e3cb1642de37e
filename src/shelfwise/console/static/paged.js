// A list that is read page by page: a button at its end asks for more.

import { get } from "./api.js";
import { element } from "./dom.js";
import { showContent, showEmpty, showError, showLoading } from "./states.js";
import { text } from "./texts.js";

/**
 * Show a list in a place.
 * @param {Element} place
 * @param {Object} options
 * @param {string} options.path Of the API; its answers have `next`, which is sent as `after`.
 * @param {Object} [options.query] Further parameters.
 * @param {string} options.name Of the answer's list.
 * @param {Element} options.list What entries are added to.
 * @param {(entry: any, before: any) => Node} options.draw
 * @param {{title: string, body: string}} options.empty
 */
export function paged(place, { path, query = {}, name, list, draw, empty }) {
  const end = element("div", { class: "list-end" });
  let last = null;
  showLoading(place);
  load(null);

  async function load(after) {
    try {
      const answer = await get(path, { ...query, after });
      if (after === null) {
        if (!answer[name].length) return showEmpty(place, empty);
        showContent(place, list, end);
      }
      for (const entry of answer[name]) {
        list.append(draw(entry, last));
        last = entry;
      }
      const more = answer.next && element("button", { type: "button", class: "button", text: text("action.more"), on: { click: () => load(answer.next) } });
      end.replaceChildren(more ?? "");
    } catch (error) {
      showError(after === null ? place : end, error, () => load(after));
    }
  }
}
