// One person: facts, interests, whom they are like, what they did, and what they were shown.

import { get, remove } from "./api.js";
import { confirmed } from "./dialog.js";
import { element } from "./dom.js";
import { date, dateTime, number, percent } from "./format.js";
import { interestsCard } from "./person-interests.js";
import { shownLists } from "./person-shown.js";
import { timeline } from "./person-timeline.js";
import { addressOfItem, addressOfUser, countOf, kindBadge, meter } from "./people.js";
import { loadInto, showContent, showEmpty } from "./states.js";
import { tabs } from "./tabs.js";
import { countedText, text } from "./texts.js";
import { toast } from "./toast.js";

const pathOf = (id) => `/v1/users/${encodeURIComponent(id)}`;

/** Show a person in a place. */
export function showPerson(place, id) {
  document.title = `${id} · ${document.title}`;
  return loadInto(place, () => found(id), (person) => (person ? drawn(place, person) : absent(place)));
}

async function found(id) {
  try {
    return await get(pathOf(id));
  } catch (error) {
    if (error.code === "unknown_user") return null;
    throw error;
  }
}

function absent(place) {
  showEmpty(place, { title: text("person.gone"), body: text("person.gone_hint"), action: back("button") });
  return null;
}

const back = (kind) => element("a", { href: "/console/users", class: kind, text: kind ? text("person.back") : `← ${text("person.back")}` });

function drawn(place, person) {
  return [
    header(place, person),
    facts(person),
    element("div", { class: "person-columns" },
      element("div", { class: "stack" }, activity(person.user_id)),
      element("div", { class: "stack" }, interestsCard(person), alikeCard(person.alike))),
  ];
}

function header(place, person) {
  const id = person.user_id;
  const name = `${id.replace(/[^\w.-]+/g, "_")}.json`;
  return element("header", { class: "row apart" },
    element("div", { class: "stack tight person-title" }, back(null),
      element("div", { class: "row" }, element("h2", { class: "person-id", text: id }),
        element("span", { class: `badge ${person.is_visitor ? "" : "accent"}`, text: text(person.is_visitor ? "person.visitor" : "person.known") }))),
    element("div", { class: "row" },
      element("a", { class: "button", href: `${pathOf(id)}/export`, download: name, text: text("person.export") }),
      element("button", { type: "button", class: "button danger", text: text("person.erase"), on: { click: () => erase(place, id) } })));
}

async function erase(place, id) {
  const question = { title: text("person.erase_title", { user: id }), body: text("person.erase_body"), confirm: text("person.erase_confirm"), isDangerous: true };
  if (!(await confirmed(question))) return;
  try {
    const receipt = await remove(pathOf(id));
    const told = { events: number(receipt.events), slates: number(receipt.slates), receipt: receipt.receipt };
    showEmpty(place, { title: text("person.erased", { user: id }), body: text("person.erased_body", told), action: back("button") });
    history.replaceState(null, "", "/console/users");
  } catch (error) {
    toast(text("person.erase_failed", { reason: error.message }), { isBad: true });
  }
}

function facts(person) {
  const kinds = Object.entries(person.kinds).map(([kind, count]) => kindBadge(kind, count));
  const tiles = [
    tile("fact.events", countOf(person.n_events), element("div", { class: "row kinds" }, kinds)),
    tile("fact.first", date(person.first_at)),
    tile("fact.last", date(person.last_at), element("p", { class: "change", text: dateTime(person.last_at) })),
  ];
  if (person.region) tiles.push(tile("fact.region", person.region));
  const all = person.is_unreadable ? [[text("person.unreadable"), text("person.unreadable_help")]] : Object.entries(person.attributes);
  const known = all.length || person.profile_text
    ? element("section", { class: "card" },
        element("h2", { class: "visually-hidden", text: text("fact.attributes") }),
        element("dl", { class: "facts" },
          all.map(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]).flat(),
          person.profile_text ? [element("dt", { text: text("fact.profile") }), element("dd", { text: person.profile_text })] : []))
    : null;
  return element("div", { class: "stack" }, element("div", { class: "tiles person-tiles" }, tiles), known);
}

const tile = (key, figure, more = null) =>
  element("section", { class: "card tile" }, element("h3", { text: text(key) }), element("p", { class: "figure", text: figure }), more);

function activity(id) {
  const events = element("section", { class: "card flush" });
  const shown = element("section", { class: "stack tight" });
  timeline(events, `${pathOf(id)}/events`);
  let isAsked = false;
  return tabs(
    [{ key: "timeline", title: text("activity.timeline"), panel: events }, { key: "shown", title: text("activity.shown"), panel: shown }],
    {
      label: text("activity.label"),
      onSelect(key) {
        if (key !== "shown" || isAsked) return;
        isAsked = true;
        shownLists(shown, `${pathOf(id)}/slates`);
      },
    },
  );
}

function alikeCard(alike) {
  const list = element("div");
  if (alike === null) showEmpty(list, { title: text("alike.without"), body: text("alike.without_hint") });
  else if (!alike.length) showEmpty(list, { title: text("alike.none"), body: text("alike.none_hint") });
  else showContent(list, element("ul", { class: "bars" }, alike.map(alikeLine)));
  return element("section", { class: "card" },
    element("header", { class: "card-header" }, element("div", {}, element("h2", { text: text("alike.title") }), element("p", { text: text("alike.about") }))), list);
}

function alikeLine(one) {
  const share = percent(one.likeness, 0);
  const items = one.shared.flatMap((item, n) => [n ? ", " : null, element("a", { href: addressOfItem(item.item_id), text: item.title ?? item.item_id })]);
  return element("li", {},
    element("div", { class: "bar-line" },
      element("a", { class: "clip", href: addressOfUser(one.user_id), text: one.user_id }),
      element("span", { class: "number", title: text("alike.likeness", { share }), text: share })),
    meter(one.likeness),
    element("small", { class: "soft clip-lines" }, countedText("alike.shared", one.n_shared, { count: number(one.n_shared) }), items.length ? ": " : null, items));
}
