// The table of model versions.

import { element } from "../dom.js";
import { ago, date, dateTime, number } from "../format.js";
import { table } from "../table.js";
import { text } from "../texts.js";
import { interval, scaleOf } from "./interval.js";

/** What counts of an evaluation: one metric, chosen beforehand. */
export const METRIC = "ndcg";

/** The evaluation of a version that is shown: the latest. */
export const latestEvaluation = (detail) => [...(detail?.evaluations ?? [])].sort((a, b) => b.evaluated_at.localeCompare(a.evaluated_at))[0] ?? null;

/**
 * @param {Array} models As of `GET /v1/models`, with the `detail` of each.
 * @param {{onOpen: (model: Object) => void, onPromote: (model: Object) => void}} options
 */
export function versionTable(models, { onOpen, onPromote }) {
  const newest = [...models].reverse();
  const measured = newest.map((model) => latestEvaluation(model.detail)?.metrics[METRIC]).filter(Boolean);
  const scale = measured.length ? scaleOf(measured) : null;
  const columns = [
    { title: text("versions.version"), value: (model) => model.version, cell: (model) => nameOf(model, onOpen) },
    { title: text("versions.trained"), value: (model) => model.created_at, cell: (model) => element("time", { datetime: model.created_at, title: dateTime(model.created_at), text: model.created_at ? ago(model.created_at) : date(null) }) },
    { title: text("versions.fitted"), cell: (model) => text(model.continues ? "versions.continued" : "versions.anew") },
    { title: text("versions.events"), isNumber: true, value: (model) => model.n_events, cell: (model) => number(model.n_events) },
    { title: text("versions.items"), isNumber: true, value: (model) => model.n_items, cell: (model) => number(model.n_items) },
    { title: text("versions.held_out"), isNumber: true, value: (model) => model.held_out_ndcg, cell: (model) => number(model.held_out_ndcg, 4) },
    { title: text("versions.measured"), value: (model) => latestEvaluation(model.detail)?.metrics[METRIC].mean, cell: (model) => measuredOf(model, scale) },
    { title: text("versions.action"), cell: (model) => promoteButton(model, onPromote) },
  ];
  return table({ columns, rows: newest, caption: text("versions.title"), rowProperties: (model) => ({ data: { version: model.version } }) });
}

function nameOf(model, onOpen) {
  const open = element("button", { type: "button", class: "link-button mono", text: model.version, on: { click: () => onOpen(model) } });
  const badge = model.in_service && element("span", { class: `badge ${model.is_loaded ? "good" : "careful"}`, text: text(model.is_loaded ? "versions.in_service" : "versions.loading") });
  return element("div", { class: "row version-name" }, open, badge);
}

function measuredOf(model, scale) {
  const found = latestEvaluation(model.detail);
  if (!found) return element("span", { class: "soft", text: text("versions.unmeasured") });
  const asked = text("versions.asked", { protocol: found.protocol, k: found.k, users: number(found.n_users) });
  return element("div", { title: asked }, interval(found.metrics[METRIC], scale));
}

function promoteButton(model, onPromote) {
  if (model.in_service) return element("span", { class: "soft", text: "–" });
  return element("button", { type: "button", class: "button small", text: text("promote.button"), "aria-label": text("promote.label", { version: model.version }), on: { click: () => onPromote(model) } });
}
