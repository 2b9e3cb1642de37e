// One version: where it comes from, what it was trained on and with, and how it was measured.

import { openDrawer } from "../dialog.js";
import { element } from "../dom.js";
import { dateTime, duration, number } from "../format.js";
import { timedName } from "../stage-name.js";
import { table } from "../table.js";
import { text } from "../texts.js";
import { stageList } from "./stages.js";

/** @param {Object} detail As of `GET /v1/models/{version}`. */
export function openDetail(detail) {
  const stages = Object.entries(detail.seconds_by_stage).map(([name, seconds]) => ({ name: timedName(name), seconds }));
  const content = element(
    "div", { class: "stack" },
    facts([
      ["detail.trained", dateTime(detail.created_at)],
      ["detail.predicts", detail.target],
      ["detail.ranker", detail.ranker],
      ["detail.took", duration(detail.seconds)],
    ]),
    group("detail.code", facts([["detail.release", detail.shelfwise], ["detail.commit", detail.commit]])),
    group("detail.data", facts([
      ["detail.events", number(detail.data.n_events)],
      ["detail.items", number(detail.data.n_items)],
      ["detail.users", number(detail.data.n_users)],
      ["detail.last_event", dateTime(detail.data.last_event_at)],
      ["detail.fingerprint", detail.data.fingerprint],
    ])),
    group("detail.lineage", detail.lineage ? facts([
      ["detail.continues", detail.lineage.continues],
      ["detail.full", detail.lineage.full],
      ["detail.times", number(detail.lineage.n_times)],
      ["detail.new_events", number(detail.lineage.n_new_events)],
    ]) : element("p", { class: "soft", text: text("detail.anew") })),
    stages.length ? group("detail.stages", stageList(stages)) : null,
    configuration(detail.configuration),
  );
  return openDrawer({ title: detail.version, content });
}

function group(key, content) {
  return element("section", { class: "stack tight" }, element("h3", { text: text(key) }), content);
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", { class: "facts" }, known.flatMap(([key, value]) => [element("dt", { text: text(key) }), element("dd", { class: "number", text: String(value) })]));
}

function configuration(found) {
  const rows = Object.entries(found);
  const shown = table({
    caption: text("detail.configuration"),
    rows,
    columns: [{ title: text("compare.key"), cell: ([key]) => element("code", { text: key }) }, { title: text("detail.value"), cell: ([, value]) => element("code", { text: String(value) }) }],
  });
  return element("details", { class: "stack tight" }, element("summary", { text: text("detail.configuration") }), shown);
}
