// What would become of an event, told while it is pasted or typed; nothing is stored.

import { get, isAborted, post } from "./api.js";
import { element } from "./dom.js";
import { table } from "./table.js";
import { text } from "./texts.js";

const WAIT_MS = 250;
const KINDS = ["impression", "view", "click", "favourite", "cart", "cart_remove", "purchase", "return", "rating", "review", "search", "dwell"];
const FIELDS = ["event", "user_id", "session_id", "item_id", "timestamp", "event_id", "value", "quantity", "price", "currency", "scenario", "position", "slate_id", "query", "device"];
const NEEDED = new Set(["event"]);
/** Examples of an item that the shop has. */
const examplesOf = (itemId) => [
  { event_id: "order-1042-line-1", user_id: "customer-42", item_id: itemId, event: "purchase", timestamp: "2026-11-26T14:03:00+01:00", quantity: 2, price: 7.5, currency: "EUR" },
  { session_id: "b7f0", item_id: itemId, event: "click", slate_id: "vZc2mTQ7", position: 3 },
  { session_id: "b7f0", event: "search", query: "red mug" },
  { user: "customer-42", item_id: itemId, event: "bought", price: -1 },
];

/** The checker: a text on the left, what would become of it on the right, and the fields that events have. */
export function eventChecker() {
  const box = element("textarea", { id: "event-text", class: "mono event-text", spellcheck: "false", "aria-describedby": "event-help" });
  const result = element("div", { class: "stack tight", role: "status" });
  let examples = examplesOf("mug-red");
  let at = 0;
  let timer = 0;
  let running = null;

  async function check() {
    running?.abort();
    let sent;
    try {
      sent = JSON.parse(box.value);
    } catch (error) {
      return result.replaceChildren(element("p", { class: "notice careful", text: text("event.not_json", { message: error.message }) }));
    }
    running = new AbortController();
    try {
      const { events } = await post("/v1/events/check", sent, { signal: running.signal });
      const all = Array.isArray(sent) ? sent : Array.isArray(sent.events) ? sent.events : [sent];
      result.replaceChildren(...events.map((one, place) => resultOf(one, all[place], events.length > 1 ? place + 1 : null)));
    } catch (error) {
      if (!isAborted(error)) result.replaceChildren(element("p", { class: "notice danger", text: [error.message, error.hint].filter(Boolean).join(" · ") }));
    }
  }

  function show(example) {
    box.value = JSON.stringify(example, null, 2);
    check();
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, WAIT_MS);
  });
  const next = element("button", { type: "button", class: "button small", text: text("action.example"), on: { click: () => show(examples[(at += 1) % examples.length]) } });
  const left = element("section", { class: "card stack tight" }, element("div", { class: "field" }, element("div", { class: "row apart" }, element("label", { for: box.id, text: text("event.paste") }), next), box, element("p", { class: "help", id: "event-help", text: text("event.help") })));
  const right = element("section", { class: "card stack tight" }, element("h2", { text: text("event.result") }), result);
  const schema = element("section", { class: "card flush" }, element("header", { class: "card-header" }, element("h2", { text: text("event.schema") })), schemaTable());
  get("/v1/items", { limit: 1 }).then(({ items }) => items[0]?.item_id, () => null).then((itemId) => {
    examples = examplesOf(itemId ?? "mug-red");
    if (!box.value) show(examples[0]);
  });
  return element("div", { class: "stack" }, element("div", { class: "columns" }, left, right), schema);
}

function resultOf(one, sent, number) {
  const look = { stored: "good", already_stored: "accent", refused: "bad" }[one.outcome];
  const head = element("div", { class: "row" }, number && element("h3", { text: text("event.number", { number }) }), element("span", { class: `badge ${look}`, text: text(`event.${one.outcome}`) }));
  const fields = table({
    caption: text("event.result"),
    rows: one.fields,
    columns: [
      { title: text("event.field"), cell: (field) => element("span", { class: field.field ? "mono whole" : "", text: field.field || text("event.whole") }) },
      { title: text("event.sent"), cell: (field) => (sent && field.field in sent ? element("code", { class: "mono clip-lines sent", text: JSON.stringify(sent[field.field]) }) : element("span", { class: "soft", text: field.field ? text("event.not_sent") : "–" })) },
      { title: text("event.verdict"), cell: verdictOf },
    ],
  });
  const stored = one.stored && element("details", { open: number === null }, element("summary", { class: "help", text: text("event.what_is_stored") }), element("pre", { class: "mono stored", tabindex: "0", text: JSON.stringify(one.stored, null, 2) }));
  return element("article", { class: "stack tight" }, head, fields, stored);
}

function verdictOf(field) {
  if (field.is_known && !field.errors.length) return element("span", { class: "verdict good", text: `✓ ${text("event.fine")}` });
  const said = field.is_known ? field.errors.map((error) => error.message).join("; ") : text("event.unknown_field");
  return element("span", { class: "verdict bad", text: `✗ ${[said, field.hint].filter(Boolean).join(" · ")}` });
}

function schemaTable() {
  return table({
    caption: text("event.schema"),
    rows: FIELDS,
    columns: [
      { title: text("event.field"), cell: (name) => element("span", { class: "row" }, element("span", { class: "mono whole", text: name }), NEEDED.has(name) ? element("span", { class: "badge accent", text: text("event.needed") }) : null) },
      { title: text("event.meaning"), cell: (name) => text(`field.${name}`, { kinds: KINDS.join(", ") }) },
    ],
  });
}
