// The quarantine: what was refused and why, the lines themselves, a correction, and another try.

import { get, post } from "./api.js";
import { barChart } from "./charts.js";
import { openDrawer } from "./dialog.js";
import { element } from "./dom.js";
import { number } from "./format.js";
import { ended } from "./import-list.js";
import { loadInto, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const LINES = 20;
const BAR_HEIGHT = 34;

/**
 * Show the quarantine in a place.
 * @param {Element} place
 * @param {{source: string, reason: string}} chosen Of which file and reason; kept here while it is shown.
 */
export function showQuarantine(place, chosen) {
  const again = () => showQuarantine(place, chosen);
  return loadInto(place, () => get("/v1/quarantine"), ({ counts }) => {
    if (!counts.length) return void showEmpty(place, { title: text("quarantine.empty"), body: text("quarantine.empty_body") });
    place.replaceChildren(...parts(counts, chosen, again));
    place.removeAttribute("aria-busy");
    return null;
  });
}

const reasonName = (reason) => text(`reason.${reason}`);

function parts(counts, chosen, again) {
  if (!counts.some((one) => String(one.source) === chosen.source)) chosen.source = "";
  const ofFile = counts.filter((one) => !chosen.source || String(one.source) === chosen.source);
  if (!ofFile.some((one) => one.reason === chosen.reason)) chosen.reason = "";
  const byReason = new Map();
  for (const one of ofFile) byReason.set(one.reason, { n: (byReason.get(one.reason)?.n ?? 0) + one.count, explanation: one.explanation });
  const reasons = [...byReason].sort((a, b) => b[1].n - a[1].n);
  const files = new Map(counts.map((one) => [String(one.source), one.name]));
  const choose = (key) => (event) => {
    chosen[key] = event.target.value;
    again();
  };
  const file = selectOf("quarantine-file", [["", text("quarantine.all_files")], ...[...files].map(([source, name]) => [source, `${name.split("/").at(-1)} (#${source})`])], chosen.source, choose("source"));
  const reason = selectOf("quarantine-reason", [["", text("quarantine.all_reasons")], ...reasons.map(([one, { n }]) => [one, `${reasonName(one)} (${number(n)})`])], chosen.reason, choose("reason"));
  const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value));
  const link = (format, label) => element("a", { class: "button small", href: `/v1/quarantine/download?${new URLSearchParams([...query, ["format", format]])}`, download: `quarantine.${format}`, text: label });
  const retry = element("button", { type: "button", class: "button small primary", id: "retry", disabled: !chosen.source, title: chosen.source ? text("quarantine.again_help") : text("quarantine.choose_file"), text: text("action.again"), on: { click: () => tryAgain(chosen, again) } });
  const field = (label, box) => element("div", { class: "field grow" }, element("label", { for: box.id, text: label }), box);
  const chartPlace = element("div", { class: "chart" });
  const chartCard = element("section", { class: "card" }, element("header", { class: "card-header" }, element("h2", { text: text("quarantine.by_reason") })), chartPlace);
  const linesPlace = element("div");
  const lines = element("section", { class: "card flush" }, element("header", { class: "card-header" }, element("h2", { text: text("quarantine.lines") }), element("div", { class: "row" }, link("csv", text("action.csv")), link("jsonl", text("action.jsonl")), retry)), linesPlace);
  showLines(linesPlace, chosen, again);
  requestAnimationFrame(() => drawReasons(chartPlace, reasons, (picked) => {
    chosen.reason = picked;
    again();
  }));
  return [element("section", { class: "card row end" }, field(text("quarantine.file"), file), field(text("quarantine.reason"), reason)), chartCard, lines];
}

function selectOf(id, options, chosen, onChange) {
  return element("select", { id, class: "input", on: { change: onChange } }, options.map(([value, title]) => element("option", { value, text: title, selected: value === chosen })));
}

function drawReasons(place, reasons, onPick) {
  const series = [{ name: text("quarantine.n_lines"), values: reasons.map(([reason, { n }]) => ({ value: [reasonName(reason), n], reason })) }];
  barChart(place, series, {
    title: text("quarantine.by_reason"),
    isHorizontal: true,
    x: { name: text("quarantine.reason"), kind: "category" },
    y: { name: text("quarantine.n_lines"), kind: "number", min: 0, format: (value) => (Number.isInteger(value) ? number(value) : "") },
    onPick: ({ datum }) => onPick(datum.reason),
  });
  place.firstElementChild.style.blockSize = `${90 + reasons.length * BAR_HEIGHT}px`;
}

async function showLines(place, chosen, again) {
  const rows = [];
  const columns = {};
  const load = (after = null) => get("/v1/quarantine/lines", { source: chosen.source, reason: chosen.reason, limit: LINES, after });
  const draw = (page) => {
    rows.push(...page.lines);
    Object.assign(columns, page.columns);
    const more = page.next && element("button", { type: "button", class: "button quiet more", text: text("quarantine.more"), on: { click: async () => place.replaceChildren(...draw(await load(page.next))) } });
    return [tableOf(rows, columns, again), more].filter(Boolean);
  };
  return loadInto(place, load, draw);
}

function tableOf(rows, columns, again) {
  return table({
    caption: text("quarantine.lines"),
    rows,
    columns: [
      { title: text("quarantine.line"), cell: (one) => element("span", { class: "whole", text: number(one.line) }), value: (one) => one.line },
      { title: text("quarantine.reason"), cell: (one) => element("span", { class: "badge careful", text: reasonName(one.reason) }), value: (one) => one.reason },
      { title: text("quarantine.why"), cell: (one) => element("span", { class: "why", text: one.message }) },
      { title: text("quarantine.raw"), cell: (one) => (one.raw ? element("code", { class: "mono clip-lines raw", text: one.raw }) : element("span", { class: "soft", text: text("quarantine.erased") })) },
      { title: text("action.correct"), cell: (one) => element("button", { type: "button", class: "button small", disabled: !one.raw, "aria-label": `${text("action.correct")} ${number(one.line)}`, text: text("action.correct"), on: { click: () => correct(one, columns[one.source], again) } }) },
    ],
  });
}

function correct(one, columns, again) {
  const box = element("textarea", { id: "corrected", class: "mono", spellcheck: "false", rows: "6" });
  box.value = one.raw;
  const said = element("p", { class: "notice danger", role: "alert", text: one.message });
  const go = element("button", { type: "submit", class: "button primary", text: text("action.send") });
  const form = element("form", { class: "stack" }, said, columns ? element("div", { class: "field" }, element("span", { class: "help", text: text("correct.columns") }), element("code", { class: "mono columns-line", text: columns.join(", ") })) : null, element("div", { class: "field" }, element("label", { for: box.id, text: text("correct.raw") }), box), element("div", { class: "dialog-actions" }, go));
  let isMended = false;
  const drawer = openDrawer({ title: text("correct.title", { line: number(one.line) }), content: form, onClose: () => isMended && again() });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    try {
      const done = await ended(await post("/v1/quarantine/retry", { source: one.source, corrected: [{ line: one.line, raw: box.value }] }));
      isMended = true;
      if (done.quarantined === 0 && done.state === "done") {
        drawer.close();
        toast(text("correct.stored"));
      } else {
        const page = await get("/v1/quarantine/lines", { source: one.source, after: `${one.source}:${one.line - 1}`, limit: 1 });
        said.textContent = text("correct.refused", { message: done.failure ?? page.lines[0].message });
      }
    } catch (error) {
      said.textContent = [error.message, error.hint].filter(Boolean).join(" · ");
    }
    go.disabled = false;
  });
  box.focus();
}

async function tryAgain(chosen, again) {
  const button = document.getElementById("retry");
  button.disabled = true;
  try {
    const done = await ended(await post("/v1/quarantine/retry", { source: Number(chosen.source), ...(chosen.reason ? { reason: chosen.reason } : {}) }));
    toast(done.failure ?? text("quarantine.tried", { stored: number(done.stored), refused: number(done.quarantined) }), { isBad: done.state !== "done" });
    again();
  } catch (error) {
    button.disabled = false;
    toast([error.message, error.hint].filter(Boolean).join(" · "), { isBad: true });
  }
}

