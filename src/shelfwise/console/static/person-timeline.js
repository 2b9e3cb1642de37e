// What somebody did, day by day, the latest first.

import { element } from "./dom.js";
import { date, money, number, time } from "./format.js";
import { paged } from "./paged.js";
import { addressOfItem, kindBadge } from "./people.js";
import { text } from "./texts.js";

/** Show a person's events in a place; what was merely shown only where it is asked for. */
export function timeline(place, path) {
  const events = element("div");
  const box = element("input", { type: "checkbox", id: "with-impressions", on: { change: () => load() } });
  const head = element("header", { class: "card-header timeline-header" }, element("h2", { class: "visually-hidden", text: text("activity.timeline") }), element("label", { class: "row check", for: box.id }, box, text("timeline.impressions")));
  place.replaceChildren(head, events);
  load();

  function load() {
    paged(events, {
      path,
      query: { limit: 40, impressions: box.checked },
      name: "events",
      list: element("ol", { class: "timeline" }),
      draw: moment,
      empty: { title: text("timeline.none"), body: text("timeline.none_hint") },
    });
  }
}

function moment(event, before) {
  const day = date(event.at);
  const isNewDay = !before || date(before.at) !== day;
  return element("li", { class: isNewDay ? "new-day" : null },
    isNewDay ? element("p", { class: "day", text: day }) : null,
    element("div", { class: "moment" },
      element("time", { class: "soft number", datetime: event.at, text: time(event.at) }),
      kindBadge(event.event),
      element("div", { class: "what" }, what(event), element("small", { class: "soft", text: told(event).join(" · ") }))));
}

function what(event) {
  if (event.item_id) return element("a", { class: "clip-lines", href: addressOfItem(event.item_id), text: event.title ?? event.item_id });
  if (event.query) return element("q", { class: "clip-lines", text: event.query });
  return element("span", { class: "soft", text: text("timeline.unknown_item") });
}

function told(event) {
  const parts = [];
  if (event.price !== null) {
    const price = money(event.price, event.currency);
    parts.push(event.quantity !== null && event.quantity !== 1 ? `${text("timeline.pieces", { count: number(event.quantity, 2) })} ${price}` : price);
  }
  if (event.value !== null) parts.push(event.event === "dwell" ? text("timeline.seconds", { count: number(event.value, 1) }) : number(event.value, 2));
  if (event.scenario) parts.push(text("timeline.in_place", { scenario: event.scenario }));
  if (event.position) parts.push(text("timeline.at_position", { position: number(event.position) }));
  if (event.item_id && event.query) parts.push(`“${event.query}”`);
  if (event.slate_id) parts.push(text("timeline.answers_list"));
  return parts;
}
