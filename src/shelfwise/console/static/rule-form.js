// The form of one rule, in a drawer: for the usual kinds nobody has to know how rules are written.

import { post } from "./api.js";
import { openDrawer } from "./dialog.js";
import { element } from "./dom.js";
import { number } from "./format.js";
import { completeIn, wholeBox } from "./rule-completion.js";
import { text } from "./texts.js";

export const KINDS = ["pin", "boost", "bury", "block", "require"];
const WAIT_MS = 250;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** What a rule does. */
export const kindOf = (rule) => KINDS.find((kind) => rule[kind] !== undefined) ?? "boost";

/**
 * Let somebody write a rule.
 * @param {{name: string, rule: Object, taken: string[], onDone: (name: string, rule: Object) => void}} options
 *   `name` is empty for a new rule; `rule` as in the document of rules; `taken` are the names of the others.
 */
export function openRuleForm({ name, rule, taken, onDone }) {
  const state = { kind: kindOf(rule), pins: [rule.pin ?? []].flat() };
  const nameBox = element("input", { id: "rule-name", value: name, maxlength: "64", required: true, autocomplete: "off" });
  const condition = element("input", { id: "rule-items", class: "mono", value: state.kind === "pin" ? "" : rule[state.kind] ?? "", spellcheck: "false" });
  const pinBox = element("input", { id: "rule-pins", spellcheck: "false" });
  const position = element("input", { id: "rule-position", type: "number", min: "1", max: "1000", value: rule.position ?? 1 });
  const places = element("input", { id: "rule-places", type: "number", min: "1", max: "10000", value: rule.places ?? "" });
  const when = element("input", { id: "rule-when", class: "mono", value: rule.when ?? "", spellcheck: "false" });
  const from = element("input", { id: "rule-from", type: "date", value: (rule.from ?? "").slice(0, 10) });
  const until = element("input", { id: "rule-until", type: "date", value: (rule.until ?? "").slice(0, 10) });
  const enabled = element("input", { id: "rule-enabled", type: "checkbox" });
  enabled.checked = rule.enabled !== false;
  const note = element("input", { id: "rule-note", value: rule.note ?? "", maxlength: "1000" });
  const chips = element("ul", { class: "row pins" });
  const said = element("div", { class: "stack tight", role: "status" });

  const field = (label, box, help) => element("div", { class: "field" }, element("label", { for: box.id, text: label }), box, help && element("p", { class: "help", text: help }));
  const itemsField = field(text("form.items"), condition, text("form.items_help"));
  const pinsField = field(text("form.pins"), pinBox, text("form.pins_help"));
  pinsField.append(chips);
  const positionField = field(text("form.position"), position);
  const placesField = field(text("form.places"), places, text("form.places_help"));
  const kinds = element("div", { class: "kinds" }, KINDS.map(kindChoice));
  completeIn(condition, wholeBox("items"));
  completeIn(when, wholeBox("requests"));
  completeIn(pinBox, wholeBox("ids"), { onTake: (one) => (addPin(one.text), true) });

  function kindChoice(kind) {
    const box = element("input", { type: "radio", name: "kind", id: `kind-${kind}`, value: kind, on: { change: () => choose(kind) } });
    box.checked = kind === state.kind;
    return element("label", { class: "kind-choice", for: box.id }, box, element("span", {}, element("strong", { text: text(`kind.${kind}`) }), element("small", { class: "soft", text: text(`kind.${kind}_help`) })));
  }

  function choose(kind) {
    state.kind = kind;
    itemsField.hidden = kind === "pin";
    pinsField.hidden = positionField.hidden = kind !== "pin";
    placesField.hidden = kind !== "boost" && kind !== "bury";
    checkSoon();
  }

  function addPin(itemId) {
    pinBox.value = "";
    if (!state.pins.includes(itemId)) state.pins.push(itemId);
    drawPins();
    checkSoon();
  }

  function drawPins() {
    chips.replaceChildren(...state.pins.map((itemId) => {
      const take = () => {
        state.pins = state.pins.filter((one) => one !== itemId);
        drawPins();
        checkSoon();
      };
      return element("li", { class: "chip" }, element("span", { class: "mono", text: itemId }), element("button", { type: "button", class: "button quiet small", "aria-label": text("form.pin_remove", { item: itemId }), text: "×", on: { click: take } }));
    }));
  }

  function written() {
    const made = { [state.kind]: state.kind === "pin" ? state.pins : condition.value.trim() };
    if (state.kind === "pin" && Number(position.value) > 1) made.position = Number(position.value);
    if ((state.kind === "boost" || state.kind === "bury") && places.value) made.places = Number(places.value);
    if (when.value.trim()) made.when = when.value.trim();
    if (from.value) made.from = from.value === (rule.from ?? "").slice(0, 10) ? rule.from : from.value;
    if (until.value) made.until = until.value === (rule.until ?? "").slice(0, 10) ? rule.until : until.value;
    if (!enabled.checked) made.enabled = false;
    if (note.value.trim()) made.note = note.value.trim();
    return made;
  }

  function nameProblem() {
    if (!NAME.test(nameBox.value.trim())) return text("form.name_bad");
    return taken.includes(nameBox.value.trim()) ? text("form.name_taken") : null;
  }

  let timer = 0;
  function checkSoon() {
    clearTimeout(timer);
    timer = setTimeout(check, WAIT_MS);
  }

  async function check() {
    const isBegun = state.kind === "pin" ? state.pins.length : condition.value.trim();
    if (!isBegun) return said.replaceChildren();
    const own = NAME.test(nameBox.value.trim()) ? nameBox.value.trim() : "rule";
    const answer = await post("/v1/rules/check", { document: { rules: { [own]: written() } } }).catch(() => null);
    if (!answer) return;
    const problems = answer.problems.map((one) => element("p", { class: "notice danger", text: [one.message, one.hint].filter(Boolean).join(" · ") }));
    const warnings = answer.warnings.map((one) => element("p", { class: "notice careful", text: one.message }));
    const hits = answer.rules.map((one) => element("p", { class: "badge accent", text: text("form.matches", { count: number(one.n_items) }) }));
    said.replaceChildren(...problems, ...warnings, ...hits);
  }

  const form = element("form", { class: "stack rule-form", novalidate: true },
    field(text("form.name"), nameBox, text("form.name_help")),
    element("fieldset", { class: "field" }, element("legend", { text: text("form.kind") }), kinds),
    itemsField, pinsField, positionField, placesField, said,
    field(text("form.when"), when, text("form.when_help")),
    element("div", { class: "columns narrow" }, field(text("form.from"), from), field(text("form.until"), until)),
    field(text("form.note"), note),
    element("label", { class: "row", for: enabled.id }, enabled, text("form.enabled")),
    element("div", { class: "dialog-actions" }, element("button", { type: "submit", class: "button primary", text: text("action.done") })));
  form.addEventListener("input", checkSoon);
  const drawer = openDrawer({ title: text(name ? "form.edit_title" : "form.new_title"), content: form });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (state.kind === "pin" && pinBox.value.trim()) addPin(pinBox.value.trim());
    const problem = nameProblem();
    nameBox.setAttribute("aria-invalid", String(problem !== null));
    if (problem) {
      said.replaceChildren(element("p", { class: "notice danger", text: problem }));
      nameBox.focus();
      return;
    }
    drawer.close();
    onDone(nameBox.value.trim(), written());
  });
  drawPins();
  choose(state.kind);
  nameBox.focus();
}
