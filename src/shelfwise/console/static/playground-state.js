// What is tried, as an address: a link reproduces it.

/**
 * @typedef {Object} Trial
 * @property {string|null} user Whose answer it is; null: a stranger's.
 * @property {Array<{id: string, event: string}>|null} history What a made-up shopper did, oldest first; null: nobody is
 *   made up.
 * @property {string} scenario
 * @property {string[]} items What the place is about.
 * @property {string} category
 * @property {string} brand
 * @property {Object<string, number>|null} weights Null: the scenario's own.
 * @property {number|string|null} diversity Null: the scenario's own.
 * @property {number|null} exploration Null: the scenario's own.
 * @property {string[]} trade The two axes of the chart; empty: the server chooses.
 */

const numberOr = (text, other) => (text === null || text === "" || !Number.isFinite(Number(text)) ? other : Number(text));

/** @returns {Trial} What an address asks for. */
export function fromAddress(search) {
  const told = new URLSearchParams(search);
  const weights = {};
  for (const [name, value] of told) {
    if (name.startsWith("w.") && Number(value) >= 0) weights[name.slice(2)] = Number(value);
  }
  const diversity = told.get("diversity");
  return {
    user: told.get("user") || null,
    history: told.has("made-up") ? told.getAll("did").map(eventOf).filter((one) => one.id) : null,
    scenario: told.get("scenario") || "home",
    items: told.getAll("item"),
    category: told.get("category") ?? "",
    brand: told.get("brand") ?? "",
    weights: Object.keys(weights).length ? weights : null,
    diversity: diversity === "auto" ? "auto" : numberOr(diversity, null),
    exploration: numberOr(told.get("exploration"), null),
    trade: told.getAll("axis").slice(0, 2),
  };
}

/** @param {Trial} trial @returns {string} The address's query, without the question mark. */
export function toAddress(trial) {
  const told = new URLSearchParams();
  if (trial.history) {
    told.set("made-up", "1");
    for (const one of trial.history) told.append("did", `${one.event}:${one.id}`);
  } else if (trial.user) told.set("user", trial.user);
  told.set("scenario", trial.scenario);
  for (const id of trial.items) told.append("item", id);
  if (trial.category) told.set("category", trial.category);
  if (trial.brand) told.set("brand", trial.brand);
  for (const [name, weight] of Object.entries(trial.weights ?? {})) told.set(`w.${name}`, rounded(weight));
  if (trial.diversity !== null) told.set("diversity", trial.diversity);
  if (trial.exploration !== null) told.set("exploration", trial.exploration);
  for (const name of trial.trade) told.append("axis", name);
  return told.toString();
}

/** @param {Trial} trial @returns {Object} As `POST /v1/playground` takes it. */
export function toRequest(trial, { front = false } = {}) {
  const query = { scenario: trial.scenario, items: trial.items };
  if (trial.user && !trial.history) query.user_id = trial.user;
  if (trial.category) query.category = trial.category;
  if (trial.brand) query.brand = trial.brand;
  if (trial.weights) query.weights = trial.weights;
  if (trial.diversity !== null) query.diversity = trial.diversity;
  const asked = { query, front };
  if (trial.history) asked.history = trial.history.map((one) => ({ item_id: one.id, event: one.event }));
  if (trial.exploration !== null) asked.exploration = trial.exploration;
  if (front && trial.trade.length === 2) asked.trade = trial.trade;
  return asked;
}

/** Whether anything is tried that the scenario does not do by itself. */
export const differs = (trial) => trial.weights !== null || trial.diversity !== null || trial.exploration !== null;

/** A number in few digits, as it is shown, sent and put into an address. */
export const rounded = (value) => Number(Number(value).toPrecision(3));

function eventOf(written) {
  const [event, ...rest] = written.split(":");
  return { event, id: rest.join(":") };
}
