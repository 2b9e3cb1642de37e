// How far answers, and what people turn to, have moved since the model in service was trained; and what to do about it.

import { element } from "./dom.js";
import { number, percent } from "./format.js";
import { showContent, showEmpty } from "./states.js";
import { table } from "./table.js";
import { text } from "./texts.js";

const place = document.getElementById("drift"), reading = document.getElementById("drift-reading");

const SIDES = { stable: "good", moved: "careful", changed: "bad", too_few: "" };
const WORTH_A_LOOK = new Set(["moved", "changed"]);

/** Draw the card. */
export function drawDrift({ drift }) {
  if (place.contains(document.activeElement)) return; // somebody is in it with the keyboard
  if (!drift.is_stated) {
    reading.replaceChildren();
    showEmpty(place, drift.version ? { title: text("drift.unstated"), body: text("drift.unstated_about") } : { title: text("model.none"), body: text("model.none_about") });
    return;
  }
  reading.replaceChildren(badge(drift.reading));
  const rows = drift.places.filter((one) => one.scores || one.shown).map((one) => ({ name: one.scenario, ...one }));
  if (drift.wanted) rows.push({ name: text("drift.wanted"), scores: null, shown: drift.wanted });
  showContent(place, table({
    caption: text("drift.title"),
    rows,
    columns: [
      { title: text("drift.of"), cell: (row) => element("span", { class: "name", text: row.name }) },
      { title: text("drift.scores"), cell: (row) => told(row.scores) },
      { title: text("drift.shown"), cell: (row) => told(row.shown) },
      { title: text("drift.most_moved"), cell: (row) => moves(row.shown) },
      { title: text("drift.n"), cell: (row) => number((row.shown ?? row.scores).n), isNumber: true },
    ],
  }), advice(drift));
}

const badge = (name) => element("span", { class: `badge ${SIDES[name]}`, data: { reading: name }, text: text(`drift.${name}`) });

function told(figure) {
  if (!figure) return null;
  if (figure.reading !== "too_few") return element("span", { class: "row" }, badge(figure.reading), element("span", { class: "number", text: number(figure.value, 3) }));
  const title = figure.needed === null ? text("drift.never") : text("drift.waits", { n: number(figure.n), needed: number(figure.needed) });
  return element("span", { class: "row" }, badge("too_few"), element("span", { text: title }));
}

function moves(figure) {
  const moved = figure && WORTH_A_LOOK.has(figure.reading) ? figure.most_moved.slice(0, 2) : [];
  if (!moved.length) return null;
  return element("span", { text: moved.map((one) => text("drift.move", { category: category(one.category), from: percent(one.trained), to: percent(one.now) })).join("; ") });
}

const category = (name) => (name === "other" || name === "none" ? text(`drift.category_${name}`) : name);

/** What people want and what they are shown are told apart: a new training answers the one, a look at rules the other. */
function advice(drift) {
  if (!WORTH_A_LOOK.has(drift.reading)) return "";
  const isWanted = drift.wanted !== null && WORTH_A_LOOK.has(drift.wanted.reading);
  const isKnown = drift.wanted !== null && drift.wanted.reading !== "too_few";
  const said = isWanted ? "advice_wanted" : isKnown ? "advice_shown" : "advice";
  return element("p", { class: "notice drift-advice" }, text(`drift.${said}`), " ", element("a", { href: "/console/models", text: text("drift.train") }));
}
