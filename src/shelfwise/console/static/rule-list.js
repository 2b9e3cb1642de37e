// The list of rules: what each does, its state, how many items it takes hold of, and its measured effect.

import { element } from "./dom.js";
import { number } from "./format.js";
import { kindOf } from "./rule-form.js";
import { effectBar } from "./rule-preview.js";
import { table } from "./table.js";
import { text } from "./texts.js";

/**
 * @typedef {Object} Shown
 * @property {string} name
 * @property {Object} rule As in the document of rules.
 * @property {Object|undefined} fact What the check knows of it.
 * @property {boolean} isNew Whether it is not in force as it stands here.
 *
 * @param {Array<Shown>} rules
 * @param {{effects: Object|null, isLocked: boolean, onEdit: (one: Shown) => void, onRemove: (one: Shown) => void}} options
 *   `effects`: as `measured` gives them; `isLocked`: nothing can be changed by form at present.
 */
export function ruleTable(rules, { effects, isLocked, onEdit, onRemove }) {
  const effectOf = ({ name }) => {
    const n = effects?.byRule.get(name);
    return n === undefined ? element("span", { class: "soft", text: text("list.not_measured") }) : effectBar(n, effects.ofAll);
  };
  const button = (one, look, title, onClick) => element("button", { type: "button", class: `button small ${look}`, disabled: isLocked, "aria-label": `${title} ${one.name}`, text: title, on: { click: () => onClick(one) } });
  const actionsOf = (one) => element("span", { class: "row tight actions" }, button(one, "", text("action.edit"), onEdit), button(one, "quiet", text("action.remove"), onRemove));
  return table({
    caption: text("column.caption"),
    rows: rules,
    rowProperties: (one) => ({ data: { rule: one.name } }),
    columns: [
      { title: text("column.name"), cell: nameOf, value: (one) => one.name },
      { title: text("column.does"), cell: deedOf },
      { title: text("column.standing"), cell: standingOf, value: (one) => one.fact?.standing ?? "" },
      { title: text("column.items"), cell: (one) => (one.fact ? number(one.fact.n_items) : "–"), value: (one) => one.fact?.n_items ?? -1, isNumber: true },
      { title: text("column.effect"), cell: effectOf, value: (one) => effects?.byRule.get(one.name) ?? -1 },
      { title: text("column.actions"), cell: actionsOf },
    ],
  });
}

const nameOf = ({ name, rule }) => element("div", { class: "rule-name" }, element("span", { class: "mono", text: name }), rule.note ? element("small", { class: "soft clip-lines note", text: rule.note }) : null);

function deedOf({ rule, fact }) {
  const kind = kindOf(rule);
  const pinned = [rule.pin].flat().map((itemId, place) => (fact?.titles[place] ? `${fact.titles[place]} (${itemId})` : itemId));
  const what = kind === "pin" ? pinned.join(", ") : rule[kind];
  const said = [];
  if (kind === "pin") said.push(text("list.position", { position: number(rule.position ?? 1) }));
  if (kind === "boost") said.push(rule.places ? text("list.up", { places: number(rule.places) }) : text("list.to_top"));
  if (kind === "bury") said.push(rule.places ? text("list.down", { places: number(rule.places) }) : text("list.to_end"));
  said.push(rule.when ? text("list.when", { when: rule.when }) : text("list.always"));
  if (rule.from) said.push(text("list.from", { date: rule.from }));
  if (rule.until) said.push(text("list.until", { date: rule.until }));
  return element("div", { class: "deed" }, element("span", { class: `badge kind-${kind}`, text: text(`kind.${kind}`) }), element("span", { class: kind === "pin" ? "what clip-lines" : "mono what", text: what }), element("small", { class: "soft", text: said.join(" · ") }));
}

function standingOf({ fact, isNew }) {
  const standing = fact ? (isNew ? "draft" : fact.standing) : "broken";
  const look = { holds: "good", waits: "careful", broken: "bad", draft: "accent" }[standing] ?? "";
  return element("span", { class: `badge ${look}`, text: text(`standing.${standing}`) });
}
