// What somebody turns to, as bars with the evidence beside them.

import { element } from "./dom.js";
import { date, money, number, percent } from "./format.js";
import { kindBadge, meter } from "./people.js";
import { showContent, showEmpty } from "./states.js";
import { countedText, text } from "./texts.js";

const ORDER = ["categories", "brands", "themes", "prices"];
const SHOWN = 6;

/** The card of a person's interests. */
export function interestsCard(person) {
  const place = element("div", { class: "stack" });
  const kinds = ORDER.filter((kind) => person.interests[kind]?.length);
  if (kinds.length) showContent(place, ...kinds.map((kind) => group(kind, person)));
  else showEmpty(place, { title: text("interests.none"), body: text("interests.none_hint") });
  return element("section", { class: "card" },
    element("header", { class: "card-header" }, element("div", {}, element("h2", { text: text("interests.title") }),
      kinds.length ? element("p", { text: countedText("interests.about", person.n_read, { count: number(person.n_read) }) }) : null)),
    place);
}

function group(kind, person) {
  const all = person.interests[kind];
  const lines = all.map((interest) => line(interest, kind === "prices" ? priceLevel(interest.name, person) : interest.name));
  const rest = lines.splice(SHOWN);
  const more = rest.length
    ? element("details", {}, element("summary", { class: "help", text: `${text("action.more")} (${number(rest.length)})` }), element("ul", { class: "bars" }, rest))
    : null;
  return element("section", { class: "stack tight" }, element("h3", { text: text(`interests.${kind}`) }), element("ul", { class: "bars" }, lines), more);
}

function line(interest, name) {
  const kinds = Object.entries(interest.kinds).map(([kind, count]) => kindBadge(kind, count));
  const evidence = [
    countedText("interests.evidence", interest.n_events, { count: number(interest.n_events) }),
    countedText("interests.evidence_items", interest.n_items, { count: number(interest.n_items) }),
  ].join(" ");
  return element("li", {},
    element("div", { class: "bar-line" }, element("span", { class: "clip", title: name, text: name }), element("span", { class: "number", text: percent(interest.share, 0) })),
    meter(interest.share),
    element("small", { class: "row evidence soft" }, element("span", { text: `${evidence} · ${date(interest.last_at)}` }), kinds));
}

function priceLevel(name, person) {
  const [low, high] = person.price_cuts.map((price) => money(price, person.currency));
  if (name === "lower third") return text("interests.lower", { high: low });
  return name === "middle third" ? text("interests.middle", { low, high }) : text("interests.upper", { low: high });
}
