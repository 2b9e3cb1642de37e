// The frame of every page of the shop: departments, search with suggestions, the cart's number, what is known of the visitor.

import { autocomplete } from "../autocomplete.js";
import { element } from "../dom.js";
import { money, number } from "../format.js";
import { showError } from "../states.js";
import { text } from "../texts.js";
import { find, shelves } from "./answers.js";
import { pieces } from "./basket.js";
import { kindOf, pathOf } from "./matching.js";

import { openYou, ownData } from "./you.js";

const VIEWS = new Set(["home", "category", "item", "search", "cart", "checkout"]);
const SUGGESTED = 7;
const OTHER_EVERY_MS = 4_000;

const address = new URLSearchParams(location.search);

async function showView() {
  const name = document.body.dataset.view;
  delete document.body.dataset.ready;
  const place = document.getElementById("view");
  if (!VIEWS.has(name)) return;
  try {
    const view = await import(`./${name}.js`);
    await view.show(place, address);
  } catch (error) {
    showError(place, error, () => location.reload());
  }
  document.body.dataset.ready = "";
}

async function showDepartments() {
  const place = document.getElementById("departments");
  const { shelf } = await shelves();
  const here = pathOf(address.get("path"))[0];
  const links = shelf.below.map((one) => {
    const name = pathOf(one.category).at(-1);
    return element("li", {}, element("a", { href: addressOf(one.category), text: name, "aria-current": name === here ? "page" : null }));
  });
  place.replaceChildren(...links);
  place.closest("nav").hidden = !links.length;
}

const addressOf = (category) => `/shop/category?path=${encodeURIComponent(category)}`;

function startSearch() {
  const input = document.getElementById("search");
  if (document.body.dataset.view === "search") input.value = address.get("q") ?? "";
  autocomplete(input, {
    keepsText: true,
    minChars: 2,
    search: async (typed, signal) => {
      const { entries } = await find(typed, { k: SUGGESTED }, signal);
      return entries.map(({ card }) => ({ id: card.item_id, title: card.title ?? card.item_id, detail: detailOf(card) }));
    },
    onPick: (found) => location.assign(`/shop/item?id=${encodeURIComponent(found.id)}`),
  });
}

const detailOf = (card) => [kindOf(card), typeof card.price === "number" ? money(card.price, card.currency) : ""].filter(Boolean).join(" · ");

function showCount(id, count) {
  const place = document.getElementById(id);
  place.textContent = number(count);
  place.hidden = !count;
}

const showCart = () => showCount("cart-count", pieces());

async function showYou() {
  try {
    showCount("you-count", (await ownData()).n_read);
  } catch {
    showCount("you-count", 0);
  }
}

async function followOther() {
  const place = document.getElementById("other-state");
  if (!place) return;
  const answer = await fetch("/shop/other").then((found) => found.json(), () => ({ ready: false }));
  const link = document.getElementById("other-link");
  link.toggleAttribute("data-waiting", !answer.ready);
  place.textContent = answer.ready ? "" : text("other.preparing");
  if (!answer.ready) setTimeout(followOther, OTHER_EVERY_MS);
}

document.getElementById("you-button").addEventListener("click", openYou);
document.addEventListener("shop:cart", showCart);
document.addEventListener("shop:acted", showYou);
document.addEventListener("shop:forgotten", () => {
  showYou();
  showView();
});
// A page that comes back from the browser's memory is a page of before: the shop has learned since.
addEventListener("pageshow", (event) => event.persisted && showView());

showCart();
startSearch();
showDepartments().catch(() => {});
showView().then(showYou);
followOther();
