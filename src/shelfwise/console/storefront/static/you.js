// "What does the shop think of me": own events, what they say together, and the button that ends it.

import { confirmed, openDrawer } from "../dialog.js";
import { element } from "../dom.js";
import { ago, number, percent } from "../format.js";
import { showError, showLoading } from "../states.js";
import { countedText, text } from "../texts.js";
import { clear } from "./basket.js";
import { asVisitor, forget } from "./visit.js";
import { textOr } from "./words.js";

const SHOWN_EVENTS = 30;
const SHOWN_INTERESTS = 5;

/** What the shop knows of this visitor. */
export const ownData = () => asVisitor("GET", "/v1/visitors/me");

/** Open the drawer. */
export async function openYou() {
  const content = element("div", { class: "stack you-drawer" });
  openDrawer({ title: text("you.title"), content });
  showLoading(content);
  await window.shelfwise.flush();
  try {
    draw(content, await ownData());
  } catch (error) {
    showError(content, error);
  }
}

function draw(content, known) {
  content.removeAttribute("aria-busy");
  if (!known.n_events) {
    content.replaceChildren(element("p", { text: text("you.nothing") }), element("p", { class: "soft", text: text("you.nothing_hint") }));
    return;
  }
  content.replaceChildren(
    element("p", { class: "soft", text: text("you.about", { events: countedText("you.events", known.n_events, { count: number(known.n_events) }), slates: countedText("you.slates", known.n_slates, { count: number(known.n_slates) }) }) }),
    element("section", { class: "stack tight" }, element("h3", { text: text("you.interests") }), interests(known)),
    element("section", { class: "stack tight" }, element("h3", { text: text("you.did") }), events(known)),
    element("section", { class: "forget" },
      element("h3", { text: text("forget.title") }),
      element("p", { class: "soft", text: text("forget.about") }),
      element("button", { type: "button", class: "button danger", id: "forget-me", text: text("forget.button"), on: { click: () => ask(content) } })),
  );
}

function interests(known) {
  const groups = Object.entries(known.interests);
  if (!groups.length) return element("p", { class: "soft", text: text("you.no_interests") });
  return element("div", { class: "interests" }, groups.map(([name, found]) => element("div", {},
    element("h4", { text: textOr(`attribute.${name}`, name) }),
    element("ul", { class: "bars" }, found.slice(0, SHOWN_INTERESTS).map(bar)))));
}

function bar(interest) {
  return element("li", {},
    element("span", { class: "bar-name", text: interest.name, dir: "auto" }),
    element("span", { class: "bar-number", text: text("you.evidence", { share: percent(interest.share, 0), events: countedText("you.events", interest.n_events, { count: number(interest.n_events) }) }) }),
    element("span", { class: "bar", "aria-hidden": "true" }, element("span", { style: { "inline-size": `${Math.round(interest.share * 100)}%` } })));
}

function events(known) {
  // What was merely shown is much, and says little: it is counted.
  const done = known.events.filter((event) => event.event !== "impression");
  const shown = done.slice(0, SHOWN_EVENTS);
  const now = Date.parse(known.now);
  const rest = known.n_events - shown.length;
  return element("div", {},
    element("ol", { class: "did" }, shown.map((event) => element("li", {},
      element("span", { class: "did-kind", text: textOr(`event.${event.event}`, event.event) }),
      element("span", { class: "did-what", text: event.title ?? event.query ?? event.item_id ?? "", dir: "auto" }),
      element("time", { class: "soft", datetime: event.timestamp, text: ago(event.timestamp, now) })))),
    rest > 0 && element("p", { class: "soft", text: countedText("you.more", rest, { count: number(rest) }) }));
}

async function ask(content) {
  const isMeant = await confirmed({ title: text("forget.ask"), body: text("forget.ask_body"), confirm: text("forget.button"), isDangerous: true });
  if (!isMeant) return;
  showLoading(content, 3);
  try {
    const receipt = await forget();
    clear();
    drawReceipt(content, receipt);
    document.dispatchEvent(new Event("shop:forgotten"));
  } catch (error) {
    showError(content, error);
  }
}

function drawReceipt(content, receipt) {
  content.removeAttribute("aria-busy");
  content.replaceChildren(
    element("p", { class: "notice good", role: "status", id: "forgotten", text: text("forget.done") }),
    receipt && element("dl", { class: "facts" },
      element("dt", { text: text("forget.receipt") }), element("dd", { class: "mono", text: receipt.receipt }),
      element("dt", { text: text("forget.events") }), element("dd", { text: number(receipt.events) }),
      element("dt", { text: text("forget.slates") }), element("dd", { text: number(receipt.slates) })),
    element("p", { class: "soft", text: text("forget.after") }),
  );
}
