// The model in service, how fresh the shop is, and why answers were degraded.

import { element } from "./dom.js";
import { ago, dateTime, number } from "./format.js";
import { showContent, showEmpty } from "./states.js";
import { text } from "./texts.js";

const model = document.getElementById("model"), fresh = document.getElementById("fresh"), shortfalls = document.getElementById("shortfalls");

/** Draw all three. */
export function drawState({ state, traffic }) {
  if (!state.model) showEmpty(model, { title: text("model.none"), body: text("model.none_about") });
  else showContent(model, facts(modelFacts(state.model)));
  showContent(fresh, facts(freshFacts(state)), ...(state.is_replay ? [element("p", { class: "notice", text: text("fresh.replay") })] : []));
  drawShortfalls(traffic);
}

const modelFacts = (found) => [
  ["model.version", element("span", { class: "mono", text: found.version })],
  ["model.trained", found.created_at ? moment(found.created_at) : "–"],
  ["model.with_events", number(found.n_events)],
  ["model.with_items", number(found.n_items)],
  ["model.ranker", found.ranker ?? "–"],
  ["model.held_out", number(found.held_out_ndcg, 4)],
  ["model.new_items", number(found.new_items)],
  ["model.waiting", `${number(found.waiting_events)}, ${number(found.waiting_items)}`],
];

function freshFacts(state) {
  const now = new Date(state.now).getTime();
  return [
    ["fresh.shop_time", dateTime(state.now)],
    ["fresh.newest", moment(state.newest_event_at, now)],
    ["fresh.came", moment(state.event_came_at)],
    ["fresh.changed", moment(state.item_changed_at)],
    ["fresh.events", number(state.events)],
    ["fresh.items", number(state.items)],
  ];
}

const moment = (at, now) => (at ? element("time", { datetime: at, title: dateTime(at), text: ago(at, now) }) : text("fresh.never"));

const facts = (pairs) => element("dl", { class: "facts" }, pairs.map(([key, value]) => element("div", {}, element("dt", { text: text(key) }), element("dd", {}, value))));

function drawShortfalls(traffic) {
  if (!traffic.shortfalls.length) {
    showEmpty(shortfalls, { title: text("shortfalls.none") });
    return;
  }
  const most = traffic.shortfalls[0].n;
  showContent(shortfalls, element("ul", { class: "bars" }, traffic.shortfalls.map((one) => element(
    "li",
    {},
    element("span", { text: text(`shortfalls.${one.kind}`) }),
    element("span", { class: "number", text: number(one.n) }),
    element("span", { class: "meter" }, element("span", { style: { "inline-size": `${(100 * one.n) / most}%` } })),
  ))));
}
