// Imports: what was read when and with what outcome, followed while one goes on, and a file that is uploaded.

import { get, post } from "./api.js";
import { element } from "./dom.js";
import { dateTime, duration, number, percent } from "./format.js";
import { loadInto, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const LOOK_EVERY_MS = 700;
const TYPES = { csv: "text/csv", tsv: "text/tab-separated-values", jsonl: "application/x-ndjson", ndjson: "application/x-ndjson", parquet: "application/vnd.apache.parquet" };

/** Show the list in a place; again a moment later while an import goes on. */
export function showImports(place) {
  return loadInto(place, () => get("/v1/imports"), ({ imports }) => {
    if (!imports.length) return void showEmpty(place, { title: text("imports.empty"), body: text("imports.empty_body") });
    if (imports.some((one) => one.state === "running")) setTimeout(() => place.isConnected && refresh(place), LOOK_EVERY_MS);
    return tableOf(imports);
  });
}

async function refresh(place) {
  const { imports } = await get("/v1/imports").catch(() => ({ imports: null }));
  if (imports) place.replaceChildren(tableOf(imports));
  if (!imports || imports.some((one) => one.state === "running")) setTimeout(() => place.isConnected && refresh(place), LOOK_EVERY_MS);
}

/**
 * Wait for an import to end.
 * @param {Object} begun As the server answered.
 * @returns {Promise<Object>} As it ended.
 */
export async function ended(begun) {
  let now = begun;
  while (now.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, 200));
    now = await get(`/v1/imports/${now.import_id}`);
  }
  return now;
}

// Of runs before the store kept both, only the start is known.
const seconds = (one) => (one.finished_at && one.finished_at !== one.started_at ? (new Date(one.finished_at) - new Date(one.started_at)) / 1_000 : null);

function tableOf(imports) {
  const count = (key, title, look = () => null) => ({ title, cell: (one) => element("span", { class: look(one[key]), text: number(one[key]) }), value: (one) => one[key], isNumber: true });
  return table({
    caption: text("imports.caption"),
    rows: imports,
    rowProperties: (one) => ({ data: { import: one.import_id } }),
    columns: [
      { title: text("imports.file"), cell: fileOf, value: (one) => one.name },
      { title: text("imports.holds"), cell: (one) => text(`table_name.${one.table}`), value: (one) => one.table },
      { title: text("imports.at"), cell: (one) => element("span", { class: "whole", text: dateTime(one.started_at) }), value: (one) => one.started_at },
      { title: text("imports.took"), cell: (one) => duration(seconds(one)), value: seconds, isNumber: true },
      count("lines", text("imports.lines")),
      count("stored", text("imports.stored")),
      count("already_stored", text("imports.before")),
      count("quarantined", text("imports.refused"), (n) => (n ? "refused" : null)),
      { title: text("imports.state"), cell: stateOf, value: (one) => one.state },
    ],
  });
}

function fileOf(one) {
  const said = [text(`kind.${one.kind}`), one.actor && text("imports.by", { actor: one.actor })].filter(Boolean).join(" · ");
  return element("div", { class: "file-cell" }, element("span", { class: "clip", title: one.name, text: one.name.split("/").at(-1) }), element("small", { class: "soft clip", text: said }));
}

function stateOf(one) {
  const look = { done: "good", failed: "bad", interrupted: "careful", running: "accent" }[one.state];
  const badge = element("span", { class: `badge ${look}`, title: one.failure, text: one.state === "running" ? `${text("state_name.running")} ${percent(one.progress, 0)}` : text(`state_name.${one.state}`) });
  return one.failure ? element("div", { class: "failure" }, badge, element("small", { class: "soft clip-lines", text: one.failure })) : badge;
}

/** The form that sends a file. */
export function uploadForm(onBegun, onEnded) {
  const holds = element("select", { id: "upload-table", class: "input" }, ["events", "items", "users"].map((name) => element("option", { value: name, text: text(`table_name.${name}`) })));
  const file = element("input", { id: "upload-file", type: "file", accept: ".csv,.tsv,.jsonl,.ndjson,.parquet,.gz,.zst" });
  const said = element("p", { class: "field-error", role: "alert" });
  const go = element("button", { type: "submit", class: "button primary", text: text("action.upload") });
  const field = (label, box) => element("div", { class: "field grow" }, element("label", { for: box.id, text: label }), box);
  const form = element("form", { class: "row end" }, field(text("upload.table"), holds), field(text("upload.file"), file), go);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = file.files[0];
    said.textContent = chosen ? "" : text("upload.choose");
    if (!chosen) return;
    go.disabled = true;
    try {
      const ending = chosen.name.split(".").at(-1).toLowerCase();
      const headers = { "Content-Type": TYPES[ending] ?? "application/octet-stream" };
      const begun = await post("/v1/imports", chosen, { query: { table: holds.value, name: chosen.name }, headers });
      toast(text("upload.begun", { name: chosen.name }));
      onBegun();
      const done = await ended(begun);
      const counts = { name: chosen.name, stored: number(done.stored), refused: number(done.quarantined) };
      toast(done.failure ?? text("upload.done", counts), { isBad: done.state !== "done" });
      onEnded();
      form.reset();
    } catch (error) {
      said.textContent = [error.message, error.hint].filter(Boolean).join(" · ");
    }
    go.disabled = false;
  });
  return element("section", { class: "card stack tight" }, element("h2", { text: text("upload.title") }), element("p", { class: "help", text: text("upload.body") }), form, said);
}
