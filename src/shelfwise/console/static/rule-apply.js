// Before rules are in force: who applies them and why, and what happens where they are in each other's way.

import { get, put } from "./api.js";
import { openDrawer } from "./dialog.js";
import { element } from "./dom.js";
import { text } from "./texts.js";

const AUTHOR = "shelfwise.author";

/** Who applied rules in this browser last. */
export const author = () => localStorage.getItem(AUTHOR) || "console";

/**
 * Ask, and apply.
 * @param {{toml: string, replaces: number, conflicts: Array}} draft `replaces`: the version that was looked at.
 * @param {(answer: Object) => void} onApplied
 */
export function askToApply({ toml, replaces, conflicts }, onApplied) {
  const who = element("input", { id: "apply-author", required: true, maxlength: "256", value: localStorage.getItem(AUTHOR) ?? "" });
  const why = element("input", { id: "apply-note", maxlength: "1000" });
  const accept = element("input", { type: "checkbox", id: "apply-accept" });
  const said = element("p", { class: "field-error", role: "alert" });
  const go = element("button", { type: "submit", class: "button primary", text: text("action.apply"), disabled: conflicts.length > 0 });
  accept.addEventListener("change", () => (go.disabled = !accept.checked));
  const field = (label, box) => element("div", { class: "field" }, element("label", { for: box.id, text: label }), box);
  const form = element("form", { class: "stack" },
    element("p", { class: "soft", text: text("apply.body") }),
    conflicts.map((one) => element("p", { class: "notice danger", text: one.message })),
    field(text("apply.author"), who), field(text("apply.note"), why),
    conflicts.length ? element("label", { class: "row", for: accept.id }, accept, text("apply.accept")) : null,
    said, element("div", { class: "dialog-actions" }, go));
  const drawer = openDrawer({ title: text("apply.title"), content: form });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    localStorage.setItem(AUTHOR, who.value.trim());
    try {
      const answer = await put("/v1/rules", { toml, author: author(), note: why.value, replaces, accept_conflicts: accept.checked });
      drawer.close();
      onApplied(answer);
    } catch (error) {
      go.disabled = false;
      said.textContent = error.code === "rules_changed" ? text("draft.elsewhere", { version: (await get("/v1/rules")).version }) : [error.message, error.hint].filter(Boolean).join(" · ");
    }
  });
  who.focus();
}
