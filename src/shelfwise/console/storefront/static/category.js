// A category: everything on its shelf in the order of this visitor, narrowed by kind, colour and the like.

import { element } from "../dom.js";
import { number } from "../format.js";
import { showEmpty } from "../states.js";
import { countedText, text } from "../texts.js";
import { shelves } from "./answers.js";
import { oneOf, pathOf } from "./matching.js";
import { fill, section } from "./rows.js";
import { colourChip } from "./tiles.js";
import { textOr } from "./words.js";

const PAGE = 48;
const MOST = 480;
const OFFERED_ATTRIBUTES = 2;
const OFFERED_VALUES = 12;

/** Show the page. */
export async function show(place, address) {
  const path = address.get("path") ?? "";
  const { shelf, attributes } = await shelves(path);
  if (!shelf.n_items) {
    showEmpty(place, { title: text("category.none"), action: element("a", { class: "button", href: "/shop", text: text("to_home") }) });
    return;
  }
  const names = pathOf(path);
  document.title = `${names.at(-1)} · ${document.title.split(" · ").at(-1)}`;
  const chosen = {};
  let wanted = PAGE;
  const made = section("", countedText("category.count", shelf.n_items, { count: number(shelf.n_items) }), "category");
  made.heading.remove();
  const more = element("button", { type: "button", class: "button more", text: text("action.more"), hidden: true });

  async function ask() {
    const filter = Object.entries(chosen).map(([name, value]) => oneOf(name, value)).join(" and ") || undefined;
    const entries = await fill(made, { scenario: "category", category: path, k: wanted, filter }, { onLiked: ask });
    more.hidden = entries.length < wanted || wanted >= MOST;
    if (made.hidden) {
      made.hidden = false;
      showEmpty(made.place, { title: text("category.none_such"), body: text("category.none_such_hint") });
    }
  }
  more.addEventListener("click", () => {
    wanted += PAGE;
    ask();
  });

  place.replaceChildren(
    element("header", { class: "opening" }, trail(names.slice(0, -1)), element("h1", { text: names.at(-1) })),
    element("div", { class: "narrowing" },
      shelf.below.length ? below(shelf) : null,
      ...Object.entries(attributes).slice(0, OFFERED_ATTRIBUTES).map(([name, values]) => values.length > 1 ? choices(name, values, chosen, ask) : null)),
    made,
    more,
  );
  await ask();
}

/** The way down to a category, as links. */
export function trail(names) {
  if (!names.length) return null;
  const links = names.map((name, n) => element("li", {}, element("a", { href: `/shop/category?path=${encodeURIComponent(names.slice(0, n + 1).join(" > "))}`, text: name })));
  return element("nav", { class: "trail", "aria-label": text("category.trail") }, element("ol", {}, links));
}

function below(shelf) {
  return element("ul", { class: "pills", "aria-label": text("category.below") }, shelf.below.map((one) => element("li", {}, element("a", {
    class: "pill", href: `/shop/category?path=${encodeURIComponent(one.category)}`,
  }, pathOf(one.category).at(-1), element("small", { text: number(one.n_items) })))));
}

function choices(name, values, chosen, ask) {
  const buttons = values.slice(0, OFFERED_VALUES).map(({ value }) => element("button", { type: "button", class: "pill", "aria-pressed": "false", data: { value } }, name === "colour" ? colourChip(value) : value));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const isChosen = chosen[name] === button.dataset.value;
      delete chosen[name];
      if (!isChosen) chosen[name] = button.dataset.value;
      for (const one of buttons) one.setAttribute("aria-pressed", String(chosen[name] === one.dataset.value));
      ask();
    });
  }
  return element("div", { class: "choices", role: "group", "aria-label": textOr(`attribute.${name}`, name) }, element("span", { class: "choices-name", text: textOr(`attribute.${name}`, name) }), buttons);
}
