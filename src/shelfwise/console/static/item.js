// One item from all sides.

import { get } from "./api.js";
import { element } from "./dom.js";
import { date, money } from "./format.js";
import { faultList } from "./item-faults.js";
import { neighboursCard } from "./item-neighbours.js";
import { showingsCards } from "./item-showings.js";
import { picture } from "./picture.js";
import { loadInto, showEmpty } from "./states.js";
import { text } from "./texts.js";

const LONG = 280;

/** Show an item in a place. */
export function showItem(place, id) {
  return loadInto(place, () => found(id), (told) => (told ? drawn(told) : absent(place)));
}

async function found(id) {
  try {
    return await get(`/v1/items/${encodeURIComponent(id)}/insight`);
  } catch (error) {
    if (error.code === "unknown_item") return null;
    throw error;
  }
}

function absent(place) {
  const action = element("a", { class: "button", href: "/console/items", text: text("item.back") });
  showEmpty(place, { title: text("item.gone"), body: text("item.gone_hint"), action });
  return null;
}

function drawn(told) {
  const title = told.item.title ?? told.item.item_id;
  document.title = `${title.slice(0, 80)} · ${document.title}`;
  return [header(told, title), neighboursCard(told.neighbours), ...showingsCards(told.showings)];
}

function header({ item, findings }, title) {
  const state = element("span", { class: `badge ${item.available ? "good" : "careful"}`, text: text(item.available ? "item.available" : "item.not_available") });
  const known = {
    "item.id": item.item_id,
    "item.price": item.price === null ? null : money(item.price, item.currency),
    "item.category": item.category,
    "item.brand": item.brand,
    "item.group": item.group_id,
    "item.created": item.created_at && date(item.created_at),
  };
  const facts = [
    ...Object.entries(known).filter(([, value]) => value).map(([key, value]) => [text(key), value]),
    ...Object.entries(item.attributes),
  ];
  return element("section", { class: "card item-card" },
    picture({ ...item, has_image: Boolean(item.image) }, { pixels: 240, name: "large", label: item.image ? text("item.picture_of", { title }) : text("item.no_picture") }),
    element("div", { class: "stack tight" },
      element("a", { class: "back", href: "/console/items", text: `← ${text("item.back")}` }),
      element("div", { class: "row" }, element("h2", { class: "item-title clip-lines", text: title, title: title.length > LONG ? null : title }), state),
      item.description ? description(item.description) : null,
      element("dl", { class: "facts", "aria-label": text("item.facts") }, facts.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { class: name === text("item.id") ? "mono" : null, text: value })])),
      findings.length ? faultList(findings, item) : null));
}

function description(words) {
  if (words.length <= LONG) return element("p", { class: "soft", text: words });
  return element("details", {}, element("summary", { class: "soft" }, element("span", { text: `${words.slice(0, LONG).trimEnd()}… ` }), element("span", { class: "help", text: text("item.more") })), element("p", { class: "soft whole", text: words }));
}
