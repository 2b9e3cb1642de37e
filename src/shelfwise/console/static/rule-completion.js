// Suggestions while somebody writes a condition: in a box of a form, or anywhere in a text of rules.

import { get, isAborted } from "./api.js";
import { element } from "./dom.js";
import { number } from "./format.js";
import { text } from "./texts.js";

const WAIT_MS = 120;
const SHOWN = 12;
const KEYS = ["pin", "position", "boost", "bury", "places", "block", "require", "when", "from", "until", "enabled", "note"];

let made = 0;

/**
 * @typedef {Object} Context Where in a text something may be completed.
 * @property {"items"|"requests"|"ids"|"keys"} of
 * @property {string} prefix The condition up to the caret.
 * @property {number} start Where it starts in the box's text.
 * @property {string} [quote] The quotation mark around it, where it stands in a text of rules.
 */

/** A box that holds nothing but a condition. */
export const wholeBox = (of) => (box) => ({ of, prefix: box.value.slice(0, box.selectionStart), start: 0 });

/** A text of rules: what the caret's line says decides. */
export function inRules(box) {
  const before = box.value.slice(0, box.selectionStart);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.slice(lineStart);
  const condition = /^\s*(boost|bury|block|require|when)\s*=\s*(["'])(.*)$/.exec(line);
  if (condition && !isClosed(condition[3], condition[2])) {
    const [, key, quote, prefix] = condition;
    return { of: key === "when" ? "requests" : "items", prefix, start: lineStart + line.length - prefix.length, quote };
  }
  const pin = /^\s*pin\s*=.*?(["'])([^"']*)$/.exec(line);
  if (pin && (line.match(/["']/g) ?? []).length % 2 === 1) return { of: "ids", prefix: pin[2], start: lineStart + line.length - pin[2].length, quote: pin[1] };
  const key = /^([a-z]*)$/.exec(line);
  return key && before.includes("[rules.") ? { of: "keys", prefix: key[1], start: lineStart } : null;
}

const isClosed = (rest, quote) => rest.replace(/\\./g, "").includes(quote);

async function suggested(context, signal) {
  if (context.of === "keys") {
    const fitting = context.prefix ? KEYS.filter((key) => key.startsWith(context.prefix)) : [];
    return fitting.map((key) => ({ text: `${key} = `, kind: "word", detail: text(`key.${key}`), count: null, start: 0 }));
  }
  // In a string of TOML with double quotation marks those of a condition are escaped.
  const prefix = context.quote === '"' ? context.prefix.replace(/\\"/g, '"') : context.prefix;
  const answer = await get("/v1/rules/completions", { prefix, of: context.of, limit: SHOWN }, { signal });
  const shift = context.prefix.length - prefix.length;
  return answer.suggestions.map((one) => ({ ...one, start: answer.start + (answer.start > 0 ? shift : 0) }));
}

/**
 * Let a box suggest. Arrow keys choose, Enter or Tab takes, Escape closes, Ctrl+Space asks.
 * @param {HTMLInputElement|HTMLTextAreaElement} box
 * @param {(box: Element) => Context|null} contextOf
 * @param {{onTake?: (taken: Object) => boolean}} [options] `onTake` returns true where it dealt with it itself.
 */
export function completeIn(box, contextOf, { onTake = () => false } = {}) {
  made += 1;
  const isText = box.tagName === "TEXTAREA";
  const list = element("ul", { class: "suggestions completions", role: "listbox", id: `completions-${made}`, "aria-label": text("editor.suggestions"), hidden: true });
  const told = element("p", { class: "visually-hidden", role: "status" });
  const frame = element("div", { class: isText ? "autocomplete grow" : "autocomplete" });
  box.replaceWith(frame);
  frame.append(box, list, told);
  box.setAttribute("autocomplete", "off");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  if (!isText) box.setAttribute("role", "combobox");
  if (!isText) box.setAttribute("aria-expanded", "false");
  let state = { context: null, found: [], at: -1 };
  let timer = 0;
  let running = null;

  function close() {
    clearTimeout(timer);
    running?.abort();
    list.hidden = true;
    state = { context: null, found: [], at: -1 };
    if (!isText) box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  }

  async function suggest() {
    const context = contextOf(box);
    running?.abort();
    if (!context) return close();
    running = new AbortController();
    const { signal } = running;
    try {
      const found = await suggested(context, signal);
      if (!signal.aborted) show(context, found);
    } catch (error) {
      if (!isAborted(error)) close();
    }
  }

  function show(context, found) {
    const isWritten = context.of !== "ids" && found.length === 1 && context.prefix.slice(found[0].start) === found[0].text;
    state = { context, found: isWritten ? [] : found, at: -1 };
    list.replaceChildren(...state.found.map(optionOf));
    list.hidden = state.found.length === 0;
    if (!isText) box.setAttribute("aria-expanded", String(!list.hidden));
    told.textContent = state.found.length ? text("search.some", { count: state.found.length }) : "";
    if (!list.hidden && isText) placeAtCaret(box, list);
    if (!list.hidden) mark(0);
  }

  function optionOf(one, n) {
    const count = one.count === null ? null : element("span", { class: "soft number", text: number(one.count) });
    const option = element("li", { role: "option", id: `${list.id}-${n}`, "aria-selected": "false", class: "completion" }, element("span", { class: "mono clip", text: one.text.trim() }), element("span", { class: "soft clip", text: one.kind === "field" ? text(`holds.${one.detail}`) : one.detail }), count);
    option.addEventListener("mousedown", (event) => event.preventDefault());
    option.addEventListener("click", () => take(one));
    return option;
  }

  function mark(place) {
    const n = state.found.length;
    state.at = (place + n) % n;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === state.at)));
    box.setAttribute("aria-activedescendant", list.children[state.at].id);
    list.children[state.at].scrollIntoView({ block: "nearest" });
  }

  function take(one) {
    const { context } = state;
    close();
    if (onTake(one)) return;
    const isId = context.of === "ids";
    const quoted = context.quote === '"' && !isId ? one.text.replace(/"/g, '\\"') : one.text;
    const goesOn = !isId && context.of !== "keys" && one.text !== "(";
    box.setRangeText(quoted + (goesOn ? " " : ""), context.start + one.start, box.selectionStart, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, WAIT_MS);
  });
  if (!isText) box.addEventListener("focus", () => suggest());
  box.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      suggest();
    } else if (list.hidden) return;
    else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(state.at + (event.key === "ArrowDown" ? 1 : -1));
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) {
      event.preventDefault();
      take(state.found[state.at]);
    }
  });
  box.addEventListener("blur", close);
  if (isText) box.addEventListener("scroll", close);
}

/** Below the caret, inside the box's own frame. Letters of a monospaced text are all as wide. */
function placeAtCaret(box, list) {
  const style = getComputedStyle(box);
  const before = box.value.slice(0, box.selectionStart).split("\n");
  const pencil = document.createElement("canvas").getContext("2d");
  pencil.font = `${style.fontSize} ${style.fontFamily}`;
  const left = pencil.measureText(before.at(-1)).width + parseFloat(style.paddingLeft) - box.scrollLeft;
  const top = before.length * parseFloat(style.lineHeight) + parseFloat(style.paddingTop) - box.scrollTop;
  list.style.insetBlockStart = `${top + 4}px`;
  list.style.insetInlineStart = `${Math.max(0, Math.min(left, box.clientWidth - 320))}px`;
  list.style.insetInlineEnd = "auto";
}
