// The rules page: what is in force, a draft that is checked while it is written, its preview, and the history.

import { get, isAborted, post } from "./api.js";
import { element } from "./dom.js";
import { ago, number } from "./format.js";
import { askToApply, author } from "./rule-apply.js";
import { openRuleForm } from "./rule-form.js";
import { showHistory } from "./rule-history.js";
import { ruleTable } from "./rule-list.js";
import { measured, showPreview } from "./rule-preview.js";
import { ruleText } from "./rule-text.js";
import { loadInto, showEmpty } from "./states.js";
import { tabs } from "./tabs.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const WAIT_MS = 300;
const REPLAYED = [100, 200, 500, 1000];

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
  const { document: doc, rules: facts, problems } = state.found;
  const factOf = new Map(facts.map((one) => [one.name, one]));
  const before = state.inForce.document.rules ?? {};
  const rules = Object.entries(doc?.rules ?? {}).map(([name, rule]) => ({ name, rule, fact: factOf.get(name), isNew: JSON.stringify(before[name]) !== JSON.stringify(rule) }));
  if (!rules.length) {
    const action = element("button", { type: "button", class: "button primary", text: text("action.new"), on: { click: () => edit("", { boost: "" }) } });
    return showEmpty(listPlace, { title: text("list.empty"), body: text("list.empty_body"), action });
  }
  listPlace.replaceChildren(ruleTable(rules, {
    effects: state.effects,
    isLocked: problems.length > 0,
    onEdit: ({ name, rule }) => edit(name, rule),
    onRemove: ({ name }) => putRule(name, null, null),
  }));
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
    element("button", { type: "button", class: "button primary", id: "apply-rules", disabled: !canApply, text: text("action.apply"), on: { click: apply } }),
  );
}

function changeNow(toml) {
  state.draft = toml;
  editor.value = toml;
  return check();
}

function apply() {
  const draft = { toml: state.draft, replaces: state.inForce.version, conflicts: state.found.conflicts };
  askToApply(draft, (answer) => {
    nowInForce(answer);
    toast(text("apply.done", { version: answer.version }), { action: text("action.undo"), onAction: undo });
  });
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

newButton.addEventListener("click", () => edit("", { boost: "" }));
undoButton.addEventListener("click", undo);
loadInto(area, () => get("/v1/rules"), (answer) => {
  area.removeAttribute("aria-busy");
  area.replaceChildren(...build());
  nowInForce(answer);
});
