// The versions of the rules: who put which in force, what each changed, and the way back.

import { get, post } from "./api.js";
import { confirmed, openDrawer } from "./dialog.js";
import { differences } from "./diff.js";
import { element } from "./dom.js";
import { dateTime, number } from "./format.js";
import { loadInto, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

/**
 * Show the history in a place.
 * @param {Element} place
 * @param {() => string} author Who goes back.
 * @param {(answer: Object) => void} onRestored
 */
export function showHistory(place, author, onRestored) {
  return loadInto(place, () => get("/v1/rules/history"), ({ versions }) => {
    if (!versions.length) return void showEmpty(place, { title: text("history.empty") });
    const newest = versions[0].version;
    return table({
      caption: text("history.caption"),
      rows: versions,
      columns: [
        { title: text("history.version"), cell: (one) => element("span", { class: "row" }, number(one.version), one.version === newest ? element("span", { class: "badge good", text: text("history.in_force") }) : null), value: (one) => one.version },
        { title: text("history.at"), cell: (one) => element("span", { class: "whole", text: dateTime(one.at) }), value: (one) => one.at },
        { title: text("history.author"), cell: (one) => one.author, value: (one) => one.author },
        { title: text("history.rules"), cell: (one) => number(one.n_rules), value: (one) => one.n_rules, isNumber: true },
        { title: text("history.note"), cell: (one) => one.note || "–" },
        { title: text("column.actions"), cell: (one) => actionsOf(one, newest, author, onRestored) },
      ],
    });
  });
}

function actionsOf(one, newest, author, onRestored) {
  const compare = element("button", { type: "button", class: "button small", text: text("action.compare"), on: { click: () => showChange(one.version) } });
  const restore = element("button", { type: "button", class: "button small", text: text("action.restore"), on: { click: () => goBack(one.version, author, onRestored) } });
  return element("span", { class: "row tight actions" }, compare, one.version === newest ? null : restore);
}

async function goBack(version, author, onRestored) {
  const isSure = await confirmed({ title: text("history.restore_title", { version }), body: text("history.restore_body"), confirm: text("action.restore") });
  if (!isSure) return;
  try {
    onRestored(await post("/v1/rules/rollback", { version, author: author() }));
  } catch (error) {
    toast(error.message, { isBad: true });
  }
}

function showChange(version) {
  const place = element("div", { class: "stack tight" });
  openDrawer({ title: text("history.diff_title", { version }), content: place });
  const load = () => Promise.all([version > 1 ? get(`/v1/rules/history/${version - 1}`) : { toml: "" }, get(`/v1/rules/history/${version}`)]);
  loadInto(place, load, ([before, after]) => differenceOf(before.toml, after.toml));
}

/** Two texts of rules as their differences. */
export function differenceOf(before, after) {
  const found = differences(before, after);
  if (found.every((one) => one.kind === "same")) return element("p", { class: "soft", text: text("history.same") });
  const sign = { same: " ", gone: "−", new: "+" };
  return element("pre", { class: "diff", tabindex: "0" }, found.map((one) => element("span", { class: one.kind, text: `${sign[one.kind]} ${one.line}\n` })));
}
