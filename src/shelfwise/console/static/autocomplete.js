// A search box with suggestions, by the combobox pattern of ARIA: arrow keys choose, Enter takes, Escape closes.

import { element } from "./dom.js";
import { text } from "./texts.js";

const WAIT_MS = 150;

let made = 0;

/**
 * Let a text box suggest.
 * @param {HTMLInputElement} input Has its own label.
 * @param {Object} options
 * @param {(typed: string, signal: AbortSignal) => Promise<Array<{id: string, title: string, detail?: string}>>}
 *   options.search Called a moment after typing; an older call is aborted.
 * @param {(found: {id: string, title: string, detail?: string}) => void} options.onPick
 * @param {boolean} [options.keepsText] Whether the box shows what was picked; else it is emptied.
 * @param {number} [options.minChars] Suggestions begin with so many characters.
 */
export function autocomplete(input, { search, onPick, keepsText = false, minChars = 1 }) {
  made += 1;
  const list = element("ul", { class: "suggestions", role: "listbox", id: `suggestions-${made}`, "aria-label": text("search.label"), hidden: true });
  const told = element("p", { class: "visually-hidden", role: "status" });
  const frame = element("div", { class: "autocomplete" });
  input.replaceWith(frame);
  frame.append(input, list, told);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off" })) {
    input.setAttribute(name, value);
  }
  let found = [];
  let at = -1;
  let timer = 0;
  let running = null;

  function close() {
    clearTimeout(timer);
    running?.abort();
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function pick(one) {
    close();
    input.value = keepsText ? one.title : "";
    onPick(one);
  }

  function mark(place) {
    at = found.length ? (place + found.length) % found.length : -1;
    [...list.children].forEach((option, n) => option.setAttribute("aria-selected", String(n === at)));
    if (at < 0) return;
    input.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  async function suggest() {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    try {
      const answer = await search(input.value.trim(), signal);
      if (signal.aborted) return;
      found = answer;
    } catch (error) {
      if (error.name !== "AbortError") close();
      return;
    }
    list.replaceChildren(...found.map((one, n) => optionOf(one, n)));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    told.textContent = found.length ? text("search.some", { count: found.length }) : text("search.none");
    at = -1;
  }

  function optionOf(one, n) {
    const option = element("li", { role: "option", id: `${list.id}-${n}`, "aria-selected": "false" }, element("span", { class: "clip-lines", text: one.title }), one.detail ? element("small", { class: "clip", text: one.detail }) : null);
    option.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    option.addEventListener("click", () => pick(one));
    return option;
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (input.value.trim().length < minChars) close();
    else timer = setTimeout(suggest, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      mark(event.key === "ArrowDown" ? at + 1 : at < 0 ? found.length - 1 : at - 1);
    } else if (!list.hidden && event.key === "Enter" && at >= 0) {
      event.preventDefault();
      pick(found[at]);
    }
  });
  input.addEventListener("blur", close);
}
