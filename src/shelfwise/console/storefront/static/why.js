// "Why am I seeing this": how the answer came to an item, as the shop itself has written it down.

import { openDrawer } from "../dialog.js";
import { element } from "../dom.js";
import { dateTime, number, percent } from "../format.js";
import { text } from "../texts.js";
import { asVisitor } from "./visit.js";
import { textOr } from "./words.js";

const TRIES = 3;
const PAUSE_MS = 700;

/** Open the drawer for one item of an answer. */
export async function openWhy({ item, card, slate }) {
  const trace = element("div", { class: "stack tight", "aria-live": "polite" });
  const content = element(
    "div",
    { class: "stack why-drawer" },
    element("p", { class: "why-title", text: card.title ?? card.item_id, dir: "auto" }),
    element("blockquote", { class: "why-reason", text: item.reason, dir: "auto" }),
    part("why.found_by", foundBy(item)),
    part("why.predicted", predicted(item)),
    part("why.moved", moved(item)),
    part("why.answer", trace),
  );
  openDrawer({ title: text("why.title"), content });
  trace.replaceChildren(...facts(item, slate, await written(slate.slate_id)));
}

function part(key, content) {
  return element("section", { class: "why-part" }, element("h3", { text: text(key) }), content);
}

function foundBy(item) {
  if (!item.sources.length) return element("p", { class: "soft", text: text("why.by_rule") });
  return element("ol", { class: "sources" }, item.sources.map((name) => element("li", {}, element("strong", { text: name }), element("span", { class: "soft", text: meaning(name) }))));
}

const meaning = (name) => textOr(`retriever.${name}`, "");

function predicted(item) {
  const told = Object.entries(item.predictions);
  if (!told.length) return element("p", { class: "soft", text: text("why.no_predictions") });
  return element("dl", { class: "facts" }, told.flatMap(([name, value]) => [
    element("dt", { text: textOr(`objective.${name}`, name) }),
    element("dd", { text: value <= 1 ? percent(value, 1) : number(value, 1) }),
  ]));
}

function moved(item) {
  if (!item.steps.length) return element("p", { class: "soft", text: text("why.not_moved") });
  return element("ul", { class: "plain" }, item.steps.map((step) => element("li", { text: step })));
}

// An answer is written down within some seconds after it was given.
async function written(slateId, tries = TRIES) {
  try {
    return await asVisitor("GET", `/v1/slates/${encodeURIComponent(slateId)}`);
  } catch (error) {
    if (error.status !== 404 || tries === 1) return null;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return written(slateId, tries - 1);
  }
}

function facts(item, slate, found) {
  const own = found?.items.find((one) => one.item_id === item.item_id);
  const rows = [
    ["why.place", textOr(`place.${slate.scenario}`, slate.scenario)],
    ["why.position", number(item.position)],
    ["why.model", slate.model_version],
    ["why.rules", found && (found.rules_version ? text("why.rules_version", { version: found.rules_version }) : text("why.no_rules"))],
    ["why.chance", own && own.propensity < 1 ? percent(own.propensity, 1) : null],
    ["why.at", found && dateTime(found.at)],
    ["why.id", slate.slate_id],
  ].filter(([, value]) => value);
  const told = [element("dl", { class: "facts" }, rows.flatMap(([key, value]) => [element("dt", { text: text(key) }), element("dd", { text: value })]))];
  if (slate.degraded.length) told.push(element("ul", { class: "plain soft" }, slate.degraded.map((one) => element("li", { text: one }))));
  if (!found) told.push(element("p", { class: "soft", text: text("why.not_written") }));
  return told;
}
