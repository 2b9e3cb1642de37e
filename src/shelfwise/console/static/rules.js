// The rules page: what is in force, a draft that is checked while it is written, its preview, and the history.

import { get, isAborted, post, put } from "./api.js";
import { openDrawer } from "./dialog.js";
import { element } from "./dom.js";
import { ago, number } from "./format.js";
import { KINDS, kindOf, openRuleForm } from "./rule-form.js";
import { showHistory } from "./rule-history.js";
import { effectBar, measured, showPreview } from "./rule-preview.js";
import { ruleText } from "./rule-text.js";
import { loadInto, showEmpty } from "./states.js";
import { table } from "./table.js";
import { tabs } from "./tabs.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const WAIT_MS = 300;
const REPLAYED = [100, 200, 500, 1000];
const AUTHOR = "shelfwise.author";

const area = document.getElementById("content-area");
const newButton = document.getElementById("new-rule");
const undoButton = document.getElementById("undo-rules");

const listPlace = element("div");
const checkPlace = element("div", { class: "stack tight", role: "status" });
const historyPlace = element("section", { class: "card flush" });
const previewPlace = element("div", { class: "stack tight" });
const bar = element("section", { class: "card draft-bar", hidden: true, "aria-label": text("draft.title") });
const editor = ruleText((toml) => changeTo(toml));
const state = { inForce: null, draft: "", found: null, effects: null, previewed: null, selected: "list" };
let timer = 0;
let running = null;

const isChanged = () => state.inForce !== null && state.draft.trim() !== state.inForce.toml.trim();
const author = () => localStorage.getItem(AUTHOR) || "console";

function changeTo(toml, isFromEditor = true) {
  state.draft = toml;
  if (!isFromEditor) editor.value = toml;
  clearTimeout(timer);
  timer = setTimeout(check, WAIT_MS);
}

async function check(sent = { toml: state.draft }) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  try {
    const found = await post("/v1/rules/check", sent, { signal });
    if (sent.document) {
      state.draft = found.toml;
      editor.value = found.toml;
      return check();
    }
    state.found = found;
    draw();
  } catch (error) {
    if (!isAborted(error)) toast(error.message, { isBad: true });
  }
}

function draw() {
  if (state.previewed !== state.draft) previewPlace.replaceChildren(); // it was of other rules
  drawList();
  drawFindings();
  drawBar();
}

function drawList() {
  const { document: doc, rules: facts } = state.found;
  const rules = Object.entries(doc?.rules ?? {});
  const factOf = new Map(facts.map((one) => [one.name, one]));
  if (!rules.length) {
    const action = element("button", { type: "button", class: "button primary", text: text("action.new"), on: { click: () => edit("", { boost: "" }) } });
    return showEmpty(listPlace, { title: text("list.empty"), body: text("list.empty_body"), action });
  }
  const before = state.inForce.document.rules ?? {};
  listPlace.replaceChildren(table({
    caption: text("column.caption"),
    rows: rules.map(([name, rule]) => ({ name, rule, fact: factOf.get(name), isNew: JSON.stringify(before[name]) !== JSON.stringify(rule) })),
    columns: [
      { title: text("column.name"), cell: nameOf, value: (one) => one.name },
      { title: text("column.does"), cell: deedOf },
      { title: text("column.standing"), cell: standingOf, value: (one) => one.fact?.standing ?? "" },
      { title: text("column.items"), cell: (one) => (one.fact ? number(one.fact.n_items) : "–"), value: (one) => one.fact?.n_items ?? -1, isNumber: true },
      { title: text("column.effect"), cell: effectOf },
      { title: text("column.actions"), cell: actionsOf },
    ],
  }));
}

const nameOf = ({ name, rule }) => element("div", { class: "rule-name" }, element("span", { class: "mono", text: name }), rule.note ? element("small", { class: "soft clip-lines note", text: rule.note }) : null);

function deedOf({ rule }) {
  const kind = kindOf(rule);
  const what = kind === "pin" ? [rule.pin].flat().join(", ") : rule[kind];
  const said = [];
  if (kind === "pin") said.push(text("list.position", { position: number(rule.position ?? 1) }));
  if (kind === "boost") said.push(rule.places ? text("list.up", { places: number(rule.places) }) : text("list.to_top"));
  if (kind === "bury") said.push(rule.places ? text("list.down", { places: number(rule.places) }) : text("list.to_end"));
  said.push(rule.when ? text("list.when", { when: rule.when }) : text("list.always"));
  if (rule.from) said.push(text("list.from", { date: rule.from }));
  if (rule.until) said.push(text("list.until", { date: rule.until }));
  return element("div", { class: "deed" }, element("span", { class: `badge kind-${kind}`, text: text(`kind.${kind}`) }), element("span", { class: "mono what", text: what }), element("small", { class: "soft", text: said.join(" · ") }));
}

function standingOf({ fact, isNew }) {
  const standing = fact ? (isNew ? "draft" : fact.standing) : "broken";
  const look = { holds: "good", waits: "careful", broken: "bad", draft: "accent" }[standing] ?? "";
  return element("span", { class: `badge ${look}`, text: text(`standing.${standing}`) });
}

function effectOf({ name }) {
  const n = state.effects?.byRule.get(name);
  return n === undefined ? element("span", { class: "soft", text: text("list.not_measured") }) : effectBar(n, state.effects.ofAll);
}

function actionsOf({ name, rule }) {
  const isLocked = state.found.problems.length > 0;
  const change = element("button", { type: "button", class: "button small", disabled: isLocked, "aria-label": `${text("action.edit")} ${name}`, text: text("action.edit"), on: { click: () => edit(name, rule) } });
  const remove = element("button", { type: "button", class: "button quiet small", disabled: isLocked, "aria-label": `${text("action.remove")} ${name}`, text: text("action.remove"), on: { click: () => putRule(name, null, null) } });
  return element("span", { class: "row tight actions" }, change, remove);
}

function edit(name, rule) {
  const taken = Object.keys(state.found?.document?.rules ?? {}).filter((one) => one !== name);
  openRuleForm({ name, rule, taken, onDone: (newName, made) => putRule(name, newName, made) });
}

/** A rule in the place of another one, behind all where there was none, or taken away. */
function putRule(name, newName, rule) {
  const doc = state.found?.document ?? { version: 1 };
  const entries = Object.entries(doc.rules ?? {});
  const place = entries.findIndex(([one]) => one === name);
  if (rule === null) entries.splice(place, 1);
  else if (place < 0) entries.push([newName, rule]);
  else entries[place] = [newName, rule];
  check({ document: { ...doc, rules: Object.fromEntries(entries) } });
}

function drawFindings() {
  const { problems, conflicts, warnings, rules } = state.found;
  const lineOf = new Map(rules.map((one) => [one.name, one.line]));
  const lines = new Map();
  const all = [
    ...problems.map((one) => ({ look: "danger", kind: text("check.problem"), line: one.line, said: [one.where && `${one.where}: ${one.message}`, !one.where && one.message, one.hint].filter(Boolean).join(" · ") })),
    ...conflicts.map((one) => ({ look: "danger", kind: text("check.conflict"), line: lineOf.get(one.rules.at(-1)), said: one.message })),
    ...warnings.map((one) => ({ look: "careful", kind: text("check.warning"), line: lineOf.get(one.rules.at(-1)), said: one.message })),
  ];
  for (const one of [...all].reverse()) if (one.line) lines.set(one.line, one.look);
  editor.mark(lines);
  const shown = all.map((one) => element("div", { class: `notice finding ${one.look}` }, element("strong", { text: one.kind }), element("span", { class: "grow", text: one.said }), one.line ? element("button", { type: "button", class: "button quiet small", text: text("check.line", { line: one.line }), on: { click: () => showLine(one.line) } }) : null));
  checkPlace.replaceChildren(...(shown.length ? shown : [element("p", { class: "soft", text: text("check.fine") })]));
  newButton.disabled = problems.length > 0;
  newButton.title = problems.length ? text("draft.text_broken") : "";
}

function showLine(line) {
  area.querySelectorAll('[role="tab"]')[1].click();
  editor.goTo(line);
}

function drawBar() {
  bar.hidden = !isChanged();
  const canApply = state.found.problems.length === 0;
  bar.replaceChildren(
    element("p", { class: "grow", text: canApply ? text("draft.title") : text("draft.text_broken") }),
    element("button", { type: "button", class: "button", text: text("action.discard"), on: { click: () => changeNow(state.inForce.toml) } }),
    element("button", { type: "button", class: "button primary", id: "apply-rules", disabled: !canApply, text: text("action.apply"), on: { click: askToApply } }),
  );
}

function changeNow(toml) {
  state.draft = toml;
  editor.value = toml;
  return check();
}

function askToApply() {
  const { conflicts } = state.found;
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
      const answer = await put("/v1/rules", { toml: state.draft, author: who.value.trim() || "console", note: why.value, replaces: state.inForce.version, accept_conflicts: accept.checked });
      drawer.close();
      nowInForce(answer);
      toast(text("apply.done", { version: answer.version }), { action: text("action.undo"), onAction: undo });
    } catch (error) {
      go.disabled = false;
      said.textContent = error.code === "rules_changed" ? text("draft.elsewhere", { version: (await get("/v1/rules")).version }) : [error.message, error.hint].filter(Boolean).join(" · ");
    }
  });
  who.focus();
}

async function undo() {
  try {
    const answer = await post("/v1/rules/rollback", { author: author() });
    nowInForce(answer);
    toast(text("apply.undone", { version: answer.version }));
  } catch (error) {
    toast([error.message, error.hint].filter(Boolean).join(" · "), { isBad: true });
  }
}

function nowInForce(answer) {
  state.inForce = answer;
  state.effects = null;
  undoButton.disabled = answer.version === 0;
  document.getElementById("in-force").textContent = answer.version ? text("list.in_force", { version: answer.version, ago: ago(answer.at), author: answer.author }) : text("list.none_in_force");
  if (state.selected === "history") drawHistory();
  return changeNow(answer.toml);
}

function drawHistory() {
  showHistory(historyPlace, author, (answer) => {
    nowInForce(answer);
    toast(text("apply.done", { version: answer.version }), { action: text("action.undo"), onAction: undo });
  });
}

function previewCard() {
  const count = element("select", { id: "preview-slates", class: "input" }, REPLAYED.map((n) => element("option", { value: n, text: number(n), selected: n === 200 })));
  const scenario = element("select", { id: "preview-scenario", class: "input" }, element("option", { value: "", text: text("preview.everywhere") }));
  get("/v1/rules/completions", { of: "requests", prefix: "scenario = " }).then(({ suggestions }) => {
    scenario.append(...suggestions.map((one) => element("option", { value: one.text.replaceAll('"', ""), text: one.text.replaceAll('"', "") })));
  }).catch(() => null);
  const go = element("button", { type: "button", class: "button", id: "show-preview", text: text("action.preview") });
  go.addEventListener("click", async () => {
    go.disabled = true;
    state.previewed = state.draft;
    await showPreview(previewPlace, state.draft, { slates: Number(count.value), scenario: scenario.value || null });
    go.disabled = false;
  });
  const field = (label, box) => element("div", { class: "field grow" }, element("label", { for: box.id, text: label }), box);
  return element("section", { class: "card stack tight" }, element("header", { class: "stack tight" }, element("h2", { text: text("preview.title") }), element("p", { class: "help", text: text("preview.body") })), element("div", { class: "row end" }, field(text("preview.scenario"), scenario), field(text("preview.slates"), count), go), previewPlace);
}

async function measureEffect(event) {
  event.target.disabled = true;
  try {
    state.effects = await measured(state.draft, 200);
    drawList();
  } catch (error) {
    toast([error.message, error.hint].filter(Boolean).join(" · "), { isBad: true });
  }
  event.target.disabled = false;
}

function build() {
  const measure = element("button", { type: "button", class: "button small", id: "measure-effect", text: text("action.effect"), on: { click: measureEffect } });
  const listCard = element("section", { class: "card flush" }, element("header", { class: "card-header" }, element("p", { id: "in-force" }), measure), listPlace);
  const listPanel = element("div", {}, listCard);
  const textPanel = element("div", {}, element("section", { class: "card" }, editor.node));
  const views = [
    { key: "list", title: text("tab.list"), panel: listPanel },
    { key: "text", title: text("tab.text"), panel: textPanel },
    { key: "history", title: text("tab.history"), panel: element("div", {}, historyPlace) },
  ];
  const aside = element("div", { class: "rule-desk" }, element("section", { class: "card stack tight" }, element("h2", { text: text("check.title") }), checkPlace), previewCard());
  const select = (key) => {
    state.selected = key;
    aside.hidden = key === "history";
    if (key === "history") drawHistory();
  };
  return [bar, tabs(views, { label: text("tab.label"), onSelect: select }), aside];
}

newButton.addEventListener("click", () => edit("", { [KINDS[1]]: "" }));
undoButton.addEventListener("click", undo);
loadInto(area, () => get("/v1/rules"), (answer) => {
  area.removeAttribute("aria-busy");
  area.replaceChildren(...build());
  nowInForce(answer);
});
