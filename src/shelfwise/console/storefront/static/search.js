// What was found by words; where nothing was, where the shop would lead instead.

import { element } from "../dom.js";
import { number } from "../format.js";
import { showEmpty, showLoading } from "../states.js";
import { text } from "../texts.js";
import { find } from "./answers.js";
import { fill, section } from "./rows.js";
import { showProducts } from "./tiles.js";
import { hasPlace, noteNow } from "./visit.js";

const PAGE = 24;
const SHOWN_BESIDE = 12;

/** Show the page. */
export async function show(place, address) {
  const query = (address.get("q") ?? "").trim();
  const found = section("", "", "found");
  found.heading.remove();
  const more = element("button", { type: "button", class: "button more", text: text("action.more"), hidden: true });
  const beside = section(text("search.beside"), text("search.beside_lead"), "beside");
  place.replaceChildren(element("header", { class: "opening" }, element("h1", { text: query ? text("search.title", { query }) : text("search.empty_title"), dir: "auto" })), found, more, beside);
  if (!query) {
    showEmpty(found.place, { title: text("search.empty"), body: text("search.empty_hint") });
  } else {
    const told = noteNow({ event: "search", query, scenario: "search" });
    await showPages(query, found, more);
    await told;
  }
  await fill(beside, { scenario: hasPlace("search") ? "search" : "home", k: SHOWN_BESIDE });
}

async function showPages(query, found, more) {
  const all = [];
  showLoading(found.place, 3);
  async function next(offset) {
    const { answer, entries } = await find(query, { k: PAGE, offset });
    all.push(...entries);
    found.lead.textContent = all.length ? text("search.shown", { count: number(all.length) }) : "";
    if (all.length) showProducts(found.place, all);
    else showEmpty(found.place, { title: text("search.nothing"), body: text("search.nothing_hint") });
    more.hidden = answer.next === null;
    more.onclick = () => next(answer.next);
  }
  await next(0);
}
