// Lists that somebody was shown, and what came of each.

import { element } from "./dom.js";
import { dateTime, number } from "./format.js";
import { paged } from "./paged.js";
import { addressOfItem, kindBadge } from "./people.js";
import { countedText, text } from "./texts.js";

/** Show a person's lists in a place. */
export function shownLists(place, path) {
  paged(place, {
    path,
    query: { limit: 8 },
    name: "slates",
    list: element("div", { class: "stack tight" }),
    draw: slate,
    empty: { title: text("shown.none"), body: text("shown.none_hint") },
  });
}

const badges = (outcomes) => Object.entries(outcomes).map(([kind, count]) => kindBadge(kind, count));

function slate(shown) {
  const came = badges(shown.outcomes);
  return element("details", { class: "card slate" },
    element("summary", {},
      element("span", { class: "row apart" },
        element("span", { class: "slate-title" }, element("strong", { text: shown.scenario }),
          element("small", { class: "soft", text: `${dateTime(shown.at)} · ${countedText("shown.count", shown.items.length, { count: number(shown.items.length) })}` })),
        element("span", { class: "row kinds" }, came.length ? came : element("small", { class: "soft", text: text("shown.nothing_came") })))),
    element("ol", { class: "slate-items" }, shown.items.map(item)),
    element("small", { class: "soft", text: text("shown.model", { version: shown.model_version }) }));
}

function item(one) {
  const came = badges(one.outcomes);
  return element("li", { class: came.length ? "has-outcome" : null },
    element("span", { class: "soft number", text: number(one.position) }),
    element("a", { class: "clip", href: addressOfItem(one.item_id), text: one.title ?? one.item_id }),
    element("span", { class: "row kinds" }, came));
}
