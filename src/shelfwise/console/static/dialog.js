// Dialogs: questions before something changes, and drawers beside the page.

import { element } from "./dom.js";
import { text } from "./texts.js";

let made = 0;

/**
 * Ask before something is done.
 * @param {{title: string, body?: string|Node, confirm?: string, isDangerous?: boolean}} question
 * @returns {Promise<boolean>} Whether it was confirmed; false where the dialog was closed.
 */
export function confirmed({ title, body = null, confirm = text("action.confirm"), isDangerous = false }) {
  return new Promise((resolve) => {
    const { dialog, heading } = frame(title, "");
    const yes = element("button", { type: "button", class: `button ${isDangerous ? "danger" : "primary"}`, text: confirm });
    const no = element("button", { type: "button", class: "button", text: text("action.cancel") });
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    const said = typeof body === "string" ? element("p", { class: "soft", text: body }) : body;
    dialog.append(element("div", { class: "stack tight" }, heading, said), element("div", { class: "dialog-actions" }, no, yes));
    dialog.showModal();
    (isDangerous ? no : yes).focus();
  });
}

/**
 * Show something beside the page, until it is closed.
 * @param {{title: string, content: Node, onClose?: () => void}} shown
 * @returns {HTMLDialogElement}
 */
export function openDrawer({ title, content, onClose }) {
  const { dialog, heading } = frame(title, "drawer");
  const close = element("button", { type: "button", class: "button quiet small", text: text("action.close"), on: { click: () => dialog.close() } });
  dialog.append(element("div", { class: "stack" }, element("div", { class: "row apart" }, heading, close), content));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && event.offsetX < 0) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose?.();
  });
  dialog.showModal();
  return dialog;
}

function frame(title, kind) {
  made += 1;
  const heading = element("h2", { id: `dialog-${made}`, text: title });
  const dialog = element("dialog", { class: kind, "aria-labelledby": heading.id });
  document.body.append(dialog);
  return { dialog, heading };
}
