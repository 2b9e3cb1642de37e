// Puts versions in service: asks first, and offers the way back.

import { post } from "../api.js";
import { confirmed } from "../dialog.js";
import { text } from "../texts.js";
import { toast } from "../toast.js";

const promoted = (version) => post(`/v1/models/${encodeURIComponent(version)}/promote`);

/**
 * Put a version in service after a question.
 * @param {string} version
 * @param {string|null} before What is in service now.
 * @param {() => Promise<void>} onChanged
 */
export async function promote(version, before, onChanged) {
  const question = { title: text("promote.title"), body: text("promote.body", { version }), confirm: text("promote.button") };
  if (await confirmed(question)) await change(() => promoted(version), before, onChanged);
}

/** Put the version in service that was there before, after a question. */
export async function rollBack(before, onChanged) {
  const question = { title: text("roll_back.title"), body: text("roll_back.body", { version: before }), confirm: text("roll_back.button"), isDangerous: true };
  if (await confirmed(question)) await change(() => post("/v1/models/rollback"), before, onChanged);
}

async function change(act, before, onChanged) {
  try {
    const { version } = await act();
    await onChanged();
    const undo = () => change(() => promoted(before), null, onChanged);
    toast(text("service.changed", { version }), before ? { action: text("action.undo"), onAction: undo } : {});
  } catch (error) {
    toast([error.message, error.hint].filter(Boolean).join(". "), { isBad: true });
  }
}
