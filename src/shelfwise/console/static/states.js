// What stands in the place of a list or a chart: while it loads, where there is nothing, and where loading failed.

import { drawing, element } from "./dom.js";
import { text } from "./texts.js";

/** Grey lines where something will be. */
export function showLoading(place, lines = 5) {
  const bars = Array.from({ length: lines }, () => element("span"));
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(
    element("div", { class: "skeleton", "aria-hidden": "true" }, bars),
    element("p", { class: "visually-hidden", text: text("state.loading") }),
  );
}

/**
 * Nothing is there, and that is no mistake.
 * @param {Element} place
 * @param {{title?: string, body?: string, action?: Node}} [told]
 */
export function showEmpty(place, { title = text("state.empty"), body = null, action = null } = {}) {
  show(place, "state", shelf(), element("h2", { text: title }), body && element("p", { text: body }), action);
}

/**
 * Loading failed.
 * @param {Element} place
 * @param {Error} error A `Problem` says what to do as well.
 * @param {() => void} [retry]
 */
export function showError(place, error, retry) {
  const button = retry && element("button", { type: "button", class: "button", text: text("action.retry"), on: { click: retry } });
  const title = error.code === "no_model" ? text("state.no_model") : error.status === 403 ? text("state.not_permitted") : text("state.failed");
  const hint = error.code === "no_model" ? text("state.no_model_hint") : error.hint;
  const detail = error.code === "no_model" ? null : error.message;
  show(place, "state failed", element("h2", { text: title }), detail && element("p", { text: detail }), hint && element("p", { text: hint }), button);
  place.firstElementChild.setAttribute("role", "alert");
}

/** Put what was loaded in place. */
export function showContent(place, ...content) {
  place.removeAttribute("aria-busy");
  place.replaceChildren(...content);
}

/**
 * Load something and show it: grey lines meanwhile, the error with a button where it fails.
 * @param {Element} place
 * @param {() => Promise<any>} load
 * @param {(found: any) => Node|Node[]|null} draw Null where it drew by itself.
 */
export async function loadInto(place, load, draw) {
  showLoading(place);
  try {
    const drawn = draw(await load());
    if (drawn) showContent(place, ...[drawn].flat());
    else place.removeAttribute("aria-busy");
  } catch (error) {
    if (error.name !== "AbortError") showError(place, error, () => loadInto(place, load, draw));
  }
}

/** An empty shelf. */
function shelf() {
  const lines = ["M6 10h36", "M6 24h36", "M6 38h36", "M6 6v36", "M42 6v36"].map((d) => drawing("path", { d }));
  const box = { viewBox: "0 0 48 48", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round" };
  return drawing("svg", { class: "state-drawing", "aria-hidden": "true", ...box }, lines);
}

function show(place, name, ...parts) {
  showContent(place, element("div", { class: name }, parts));
}
