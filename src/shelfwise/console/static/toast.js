// Short notes at the edge of the page, read out by screen readers, with one thing to do at most: undo.

import { element } from "./dom.js";
import { text } from "./texts.js";

const STAYS_MS = 6_000;
const STAYS_WITH_ACTION_MS = 12_000;

/**
 * Say something.
 * @param {string} message
 * @param {{action?: string, onAction?: () => void, isBad?: boolean}} [more] With an action it stays longer.
 */
export function toast(message, { action, onAction, isBad = false } = {}) {
  const note = element("div", { class: `toast ${isBad ? "bad" : ""}`, role: isBad ? "alert" : "status" }, element("span", { class: "grow", text: message }));
  const take = () => note.remove();
  if (action) {
    const act = () => {
      take();
      onAction();
    };
    note.append(element("button", { type: "button", class: "button small", text: action, on: { click: act } }));
  }
  note.append(element("button", { type: "button", class: "button quiet small", "aria-label": text("action.dismiss"), text: "×", on: { click: take } }));
  place().append(note);
  // Whoever reads it or is about to act keeps it.
  const leave = () => (note.matches(":hover, :focus-within") ? setTimeout(leave, 2_000) : take());
  setTimeout(leave, action ? STAYS_WITH_ACTION_MS : STAYS_MS);
}

function place() {
  const found = document.querySelector(".toasts") ?? element("div", { class: "toasts" });
  if (!found.isConnected) document.body.append(found);
  return found;
}
