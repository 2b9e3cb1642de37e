// Making what is tried the default of a place: after a question that says what changes, with undo; and the history.

import { get, post, put } from "./api.js";
import { confirmed, openDrawer } from "./dialog.js";
import { element } from "./dom.js";
import { dateTime, percent } from "./format.js";
import { objectiveName, setting, weightsSaid } from "./playground-words.js";
import { loadInto, showEmpty } from "./states.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const of = (scenario) => `/v1/scenarios/${encodeURIComponent(scenario)}`;

/**
 * Ask, then write what is tried to its place.
 * @param {Object} trial
 * @param {Object} answer The playground's, which shows both settings.
 * @param {() => void} onDone Something changed: it was written, or taken back.
 */
export async function makeDefault(trial, answer, onDone) {
  const before = await get(of(trial.scenario));
  const question = element("div", { class: "stack tight" },
    element("p", { class: "soft", text: text("default.consequence", { scenario: trial.scenario }) }), changes(trial, answer));
  if (!(await confirmed({ title: text("default.question", { scenario: trial.scenario }), body: question, confirm: text("default.make") }))) return;
  const settings = { ...before.settings };
  for (const name of ["weights", "diversity", "exploration"]) if (trial[name] !== null) settings[name] = trial[name];
  try {
    await put(of(trial.scenario), { settings, replaces: before.version, note: text("default.note") });
  } catch (error) {
    toast([error.message, error.hint].filter(Boolean).join(" · "), { isBad: true });
    return;
  }
  toast(text("default.made", { scenario: trial.scenario }), { action: text("action.undo"), onAction: () => takeBack(trial.scenario, null, onDone) });
  onDone();
}

/** Let earlier settings hold again: those of a version, or those before the present ones. */
async function takeBack(scenario, version, onDone) {
  try {
    await post(`${of(scenario)}/undo`, { version });
    toast(text("default.undone", { scenario }));
    onDone();
  } catch (error) {
    toast([error.message, error.hint].filter(Boolean).join(" · "), { isBad: true });
  }
}

/** Who set the place to what, with a button to go back to each. */
export function showHistory(scenario, onDone) {
  const place = element("div");
  const drawer = openDrawer({ title: text("history.title", { scenario }), content: place });
  const back = (version) => element("button", { type: "button", class: "button small", text: text("history.restore"), on: { click: () => { drawer.close(); takeBack(scenario, version, onDone); } } });
  loadInto(place, () => get(`${of(scenario)}/history`), ({ versions }) => {
    if (!versions.length) {
      showEmpty(place, { title: text("history.none"), body: text("history.none_hint") });
      return null;
    }
    const lines = versions.map((one, at) => element("li", {},
      element("div", { class: "row apart" }, element("strong", { text: `${one.version}` }), at === 0 ? element("span", { class: "badge good", text: text("history.in_force") }) : back(one.version)),
      element("span", { text: settingsSaid(one.settings) }),
      element("span", { class: "help", text: [dateTime(one.at), one.author, one.note].filter(Boolean).join(" · ") })));
    const base = element("li", {}, element("div", { class: "row apart" }, element("strong", { text: "shop.toml" }), settingsSaid(versions[0].settings) === settingsSaid({}) ? null : back(0)), element("span", { class: "help", text: text("history.base") }));
    return element("ol", { class: "versions" }, lines, base);
  });
}

function settingsSaid(settings) {
  const parts = [];
  if (settings.weights) parts.push(weightsSaid(settings.weights));
  if (settings.diversity !== null && settings.diversity !== undefined) parts.push(`${text("slider.diversity")} ${setting(settings.diversity)}`);
  if (settings.exploration !== null && settings.exploration !== undefined) parts.push(`${text("slider.exploration")} ${percent(settings.exploration)}`);
  if (settings.latency_budget_ms) parts.push(text("history.at_most", { ms: settings.latency_budget_ms }));
  else if (settings.latency_budget_ms === 0) parts.push(text("history.no_limit"));
  return parts.join(" · ") || text("history.as_configured");
}

function changes(trial, { usual, tried }) {
  const rows = [];
  if (trial.weights) {
    for (const name of Object.keys(trial.weights)) {
      rows.push([objectiveName(name), setting(usual.settings.weights[name] ?? 0), setting(tried.settings.weights[name] ?? 0)]);
    }
  }
  if (trial.diversity !== null) rows.push([text("slider.diversity"), setting(usual.settings.diversity), setting(tried.settings.diversity)]);
  if (trial.exploration !== null) rows.push([text("slider.exploration"), percent(usual.settings.exploration), percent(tried.settings.exploration)]);
  const head = [text("default.setting"), text("default.now"), text("default.then")];
  return element("table", { class: "changes" },
    element("caption", { class: "visually-hidden", text: text("default.changes") }),
    element("thead", {}, element("tr", {}, head.map((title, at) => element("th", { scope: "col", class: at ? "number" : null, text: title })))),
    element("tbody", {}, rows.filter(([, now, then]) => now !== then).map(([name, now, then]) => element("tr", {},
      element("th", { scope: "row", text: name }), element("td", { class: "number", text: now }), element("td", { class: "number tried", text: then })))));
}
