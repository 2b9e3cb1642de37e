// Trends: what rises and falls, what is new, what is searched for. The address holds what was chosen.

import { get } from "./api.js";
import { segments } from "./segments.js";
import { showContent, showError, showLoading } from "./states.js";
import { text } from "./texts.js";
import { drawArrivals } from "./trends-arrivals.js";
import { drawMoved } from "./trends-moved.js";
import { drawSearches } from "./trends-searches.js";

const DAYS = { week: 7, month: 28, quarter: 91 };
const LEAST_PEOPLE = 3;
const FEW = 10, MANY = 100;

const chosen = { days: "month", of: "interest", by: "item", to: "" };
for (const [name, value] of new URLSearchParams(location.search)) if (Object.hasOwn(chosen, name)) chosen[name] = value;
if (!Object.hasOwn(DAYS, chosen.days)) chosen.days = "month";
if (!["interest", "purchase"].includes(chosen.of)) chosen.of = "interest";
if (!["item", "category", "brand"].includes(chosen.by)) chosen.by = "item";
if (!/^\d{4}-\d\d-\d\d$/.test(chosen.to)) chosen.to = "";

const shown = { moved: FEW, arrivals: FEW };

const place = (id) => document.getElementById(id);
const choice = (id, keys) => place(id).append(segments(
  keys.map((key) => ({ key, title: text(`${id}.${key}`) })),
  { label: text(`${id}.label`), selected: chosen[id], onSelect: (key) => choose({ [id]: key }) },
));
choice("days", Object.keys(DAYS));
choice("of", ["interest", "purchase"]);
choice("by", ["item", "category", "brand"]);
place("as-of").value = chosen.to;
place("as-of").addEventListener("change", (event) => choose({ to: event.target.value }));
place("rare").addEventListener("change", loadSearches);
for (const [what, more] of [["moved", () => loadMoved()], ["arrivals", () => loadArrivals()]]) {
  place(`more-${what}`).addEventListener("click", () => {
    shown[what] = MANY;
    more();
  });
}

function choose(next) {
  Object.assign(chosen, next);
  shown.moved = FEW;
  history.replaceState(null, "", `?${new URLSearchParams(Object.entries(chosen).filter(([, value]) => value))}`);
  loadMoved();
  if ("of" in next || "by" in next) return;
  shown.arrivals = FEW;
  loadArrivals();
  loadSearches();
}

// A day is meant with its end.
const stretch = () => ({ days: DAYS[chosen.days], as_of: chosen.to ? new Date(new Date(`${chosen.to}T00:00:00Z`).getTime() + 86_400_000).toISOString() : null });

const asking = { moved: null, arrivals: null, searches: null };

/** Ask for a report, so that an earlier question that is still open is given up. */
function ask(what, path, query) {
  asking[what]?.abort();
  asking[what] = new AbortController();
  return get(path, query, { signal: asking[what].signal });
}

/** Load into several places at once; where that fails, the first says so. */
async function load(ids, report, draw) {
  const places = ids.map(place);
  places.forEach((one) => showLoading(one));
  try {
    draw(await report());
  } catch (error) {
    if (error.name === "AbortError") return;
    places.forEach((one) => showContent(one));
    showError(places[0], error, () => load(ids, report, draw));
  }
}

const loadMoved = () => load(["people", "rising", "falling"], () => ask("moved", "/v1/insight/trends", { ...stretch(), of: chosen.of, by: chosen.by, k: shown.moved }), (report) => {
  if (!place("as-of").value) place("as-of").value = new Date(new Date(report.as_of).getTime() - 1).toISOString().slice(0, 10);
  drawMoved(report);
  place("more-moved").hidden = shown.moved === MANY || Math.max(report.n_rising, report.n_falling) <= FEW;
});

const loadArrivals = () => load(["arrivals"], () => ask("arrivals", "/v1/insight/arrivals", { ...stretch(), k: shown.arrivals }), (report) => {
  drawArrivals(report);
  place("more-arrivals").hidden = shown.arrivals === MANY || report.n_arrivals <= FEW;
});

function loadSearches() {
  const least_people = place("rare").checked ? 1 : LEAST_PEOPLE;
  return load(["without", "most"], () => ask("searches", "/v1/insight/searches", { ...stretch(), least_people }), drawSearches);
}

loadMoved();
loadArrivals();
loadSearches();
