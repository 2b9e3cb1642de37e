// The catalogue's map: every item as a point, what is alike beside each other.

import { get, isAborted, post } from "./api.js";
import { element } from "./dom.js";
import { ago, number } from "./format.js";
import { camera } from "./map/camera.js";
import { byAmount, byGroup } from "./map/colours.js";
import { offerMap } from "./map/drawn.js";
import { pointLayer } from "./map/layer.js";
import { amountLegend, groupLegend, mapFacts } from "./map/legend.js";
import { names as namesOf } from "./map/names.js";
import { nearby } from "./map/nearby.js";
import { followPointers } from "./map/pointers.js";
import { unpacked } from "./map/points.js";
import { selectionList } from "./map/selection.js";
import { showContent, showError, showLoading } from "./states.js";
import { text } from "./texts.js";
import { onThemeChange } from "./theme.js";

const REACH_PX = 10;
const HOVER_WAIT_MS = 60;
const TYPING_WAIT_MS = 200;
const FOUND_AT_MOST = 100;

const place = document.getElementById("map-area");
const by = (id) => document.getElementById(id);

async function load() {
  showLoading(place, 6);
  try {
    const answer = await get("/v1/map/points", {}, { as: "response" });
    const points = unpacked(await answer.arrayBuffer());
    let map = await get("/v1/map");
    if (map.points !== answer.headers.get("ETag")) map = { ...map, groups: (await get("/v1/map")).groups };
    open(map, points);
  } catch (error) {
    if (error.code === "no_map") offerMap(place, load);
    else showError(place, error, load);
  }
}

function open(map, points) {
  showContent(place, by("map-parts").content.cloneNode(true));
  const frame = by("map-frame");
  const line = by("map-line");
  const tip = by("map-tip");
  const layer = pointLayer(by("map-canvas"), points);
  if (!layer) {
    frame.replaceChildren(element("p", { class: "notice careful map-notice", text: text("no_webgl") }));
  }
  const near = nearby(points);
  const names = namesOf(points);
  const state = { colouring: "group", group: null, isDrawing: false };
  const look = camera(frame, (view) => {
    tip.hidden = true;
    layer?.look(view);
  });
  const list = selectionList(by("map-selection"), { points, names, onShow: showPoint, onClear: clear });

  by("map-facts").textContent = mapFacts(map);
  by("map-drawn").textContent = text(map.in_service ? "facts.drawn" : "facts.drawn_before", { when: ago(map.drawn_at), version: map.version });
  if (map.grouped_by === "theme") by("colour-group").textContent = text("colour.theme");
  if (map.grouped_by === "none") by("colour-group").hidden = true;

  function recolour() {
    for (const button of by("map-colouring").children) button.setAttribute("aria-pressed", String(button.dataset.by === state.colouring));
    const amounts = { popularity: points.popularity, exposure: points.exposure }[state.colouring];
    const colours = amounts ? byAmount(amounts) : byGroup(points, map.groups);
    layer?.colour(colours.shadeOf, colours.palette);
    const legend = amounts
      ? amountLegend(colours, text(`legend.${state.colouring}`))
      : groupLegend(colours, { nWithout: map.n_without_group, picked: state.group, onPick: pickGroup });
    by("map-legend").replaceChildren(legend);
  }

  function pick(title, found, how) {
    layer?.mark(found);
    list.show(title, found, how);
  }

  function pickGroup(group) {
    state.group = group?.code ?? null;
    recolour();
    if (!group) return clear();
    const found = [];
    for (let at = 0; at < points.count; at += 1) if (points.groups[at] === group.code) found.push(at);
    return pick(group.name, found);
  }

  function clear() {
    layer?.mark(null);
    list.clear();
    line.setAttribute("points", "");
    by("map-search").value = "";
    if (state.group !== null) {
      state.group = null;
      recolour();
    }
  }

  async function showPoint(at) {
    look.fit([[points.x[at] - 0.05, points.y[at] - 0.05], [points.x[at] + 0.05, points.y[at] + 0.05]]);
    layer?.mark([at]);
    await showTip(at);
  }

  // What is under the pointer.
  let timer = 0;
  let hovered = -1;
  async function showTip(at) {
    hovered = at;
    const known = names.of(at) ?? (await names.load([at]).then(([item]) => item, () => null));
    if (hovered !== at || !known) return;
    const [px, py] = look.toPixels(points.x[at], points.y[at]);
    tip.replaceChildren(
      element("strong", { class: "clip-lines", text: known.title || known.item_id }),
      known.category && element("span", { class: "soft", text: known.category }),
      element("span", { class: "soft number", text: text("tip.counts", { popularity: number(points.popularity[at]), exposure: number(points.exposure[at]) }) }),
    );
    tip.hidden = false;
    const isRight = px > frame.clientWidth / 2;
    tip.style.setProperty("translate", `${Math.round(px + (isRight ? -12 - tip.offsetWidth : 12))}px ${Math.round(Math.min(py + 12, frame.clientHeight - tip.offsetHeight - 8))}px`);
  }

  const nearestTo = (px, py) => near.nearest(...look.toMap(px, py), REACH_PX / look.scale());
  followPointers(frame, {
    camera: look,
    isDrawing: () => state.isDrawing,
    onLine(pixels, isDone) {
      line.setAttribute("points", pixels.map((point) => point.map(Math.round).join(",")).join(" "));
      if (!isDone) return;
      setDrawing(false);
      if (pixels.length > 3) pick(text("selection.drawn"), near.within(pixels.map(([px, py]) => look.toMap(px, py))));
      line.setAttribute("points", "");
    },
    onHover(px, py) {
      clearTimeout(timer);
      const at = px === null ? -1 : nearestTo(px, py);
      frame.classList.toggle("is-over", at >= 0);
      if (at < 0) {
        hovered = -1;
        tip.hidden = true;
      } else if (at !== hovered) timer = setTimeout(() => showTip(at), HOVER_WAIT_MS);
    },
    onPick(px, py) {
      const at = nearestTo(px, py);
      if (at >= 0) pick(text("selection.one"), [at]);
    },
  });

  function setDrawing(isDrawing) {
    state.isDrawing = isDrawing;
    by("map-lasso").setAttribute("aria-pressed", String(isDrawing));
    frame.classList.toggle("is-drawing", isDrawing);
  }

  const listView = () => pick(text("selection.view"), [...near.inBox(look.bounds())]);
  by("map-colouring").addEventListener("click", (event) => {
    if (!event.target.dataset.by) return;
    state.colouring = event.target.dataset.by;
    recolour();
  });
  by("map-lasso").addEventListener("click", () => setDrawing(!state.isDrawing));
  by("map-in").addEventListener("click", look.zoomIn);
  by("map-out").addEventListener("click", look.zoomOut);
  by("map-fit").addEventListener("click", () => look.fit());
  by("map-list-view").addEventListener("click", listView);
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === frame) listView();
    if (event.key === "Escape") clear();
  });

  // Search.
  let typing = 0;
  let running = null;
  async function search() {
    running?.abort();
    running = new AbortController();
    const typed = by("map-search").value.trim();
    if (!typed) return clear();
    try {
      const { signal } = running;
      const { items } = await post("/v1/search", { query: typed, k: FOUND_AT_MOST }, { signal });
      const rows = await names.rowsOf(items.map((item) => item.item_id), { signal });
      const found = rows.map((row) => near.placeOf(row)).filter((at) => at >= 0);
      return pick(text("selection.search", { query: typed }), found, { isSorted: true });
    } catch (error) {
      return isAborted(error) ? undefined : showError(by("map-selection"), error, search);
    }
  }
  by("map-search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(search, TYPING_WAIT_MS);
  });

  new ResizeObserver(() => {
    layer?.resize(frame.clientWidth, frame.clientHeight, devicePixelRatio || 1);
    look.resized(frame.clientWidth, frame.clientHeight);
    line.ownerSVGElement?.setAttribute("viewBox", `0 0 ${frame.clientWidth} ${frame.clientHeight}`);
  }).observe(frame);
  onThemeChange(recolour);
  if (map.grouped_by === "none") state.colouring = "popularity";
  recolour();
  list.clear();
}

load();
