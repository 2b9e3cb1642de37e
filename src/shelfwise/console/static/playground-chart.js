// The trade-off as a picture: what settings would bring, the best of them, and the two lists' points; the tried one moves.
//
// Drawn here and not by the chart library, which would be three quarters of all that this page loads: one kind of points,
// one line, and a point that glides while a slider is held.

import { drawing, element } from "./dom.js";
import { number, percent } from "./format.js";
import { axisName, objectiveName, setting, total, weightsSaid } from "./playground-words.js";
import { table } from "./table.js";
import { text } from "./texts.js";
import { ticks } from "./ticks.js";

const HEIGHT = 248;
const EDGE = { top: 26, right: 14, bottom: 40, left: 52 };
const TICKS = { x: 6, y: 5 };

/**
 * A chart in its place.
 * @param {HTMLElement} place
 * @returns {{show: (front: Object|null, answer: Object) => void}} `front` as the playground answers it, null
 *   where nothing can be traded; `answer` whose two lists stand in it.
 */
export function tradeChart(place) {
  const canvas = drawing("svg", { class: "trade", role: "img" });
  const ground = drawing("g");
  const points = { usual: drawing("path", { class: "usual point", d: "M0 -8L8 0L0 8L-8 0Z" }), tried: drawing("circle", { class: "tried point", r: 8 }) };
  canvas.append(ground, points.usual, points.tried);
  const values = element("details", { class: "chart-values" }, element("summary", { class: "help", text: text("chart.as_table") }));
  let shown = null;
  let waiting = 0;

  function show(front, answer) {
    if (!front) return;
    shown = { front, answer };
    if (!canvas.isConnected) place.replaceChildren(legend(), canvas, values);
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => setTimeout(draw)); // after the lists: they are what is waited for
    fillTable();
  }

  function draw() {
    const width = canvas.clientWidth;
    if (!width || !shown) return;
    const axes = axesOf(shown);
    const at = { usual: pointOf(shown.answer.usual, axes), tried: pointOf(shown.answer.tried, axes) };
    const all = [...shown.front.points.map((one) => [one.x, one.y]), at.usual, at.tried];
    const scale = {
      x: scaleOf(all.map(([x]) => x), TICKS.x, EDGE.left, width - EDGE.right),
      y: scaleOf(all.map(([, y]) => y), TICKS.y, HEIGHT - EDGE.bottom, EDGE.top),
    };
    canvas.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    canvas.setAttribute("aria-label", text("chart.says", { x: axes.x.name, y: axes.y.name, tried: said(at.tried, axes), usual: said(at.usual, axes) }));
    ground.replaceChildren(...grid(scale, axes, width), ...possible(shown.front, scale, axes));
    for (const [name, point] of Object.entries(points)) {
      point.style.setProperty("transform", `translate(${scale.x.at(at[name][0])}px, ${scale.y.at(at[name][1])}px)`);
      point.replaceChildren(drawing("title", {}, `${text(name === "usual" ? "list.usual" : "list.tried")}\n${valuesSaid(at[name], axes)}`));
    }
    [canvas.dataset.x, canvas.dataset.y] = at.tried;
  }

  const fillTable = () => values.open && shown && values.replaceChildren(values.firstElementChild, asTable(shown));
  values.addEventListener("toggle", fillTable);
  new ResizeObserver(draw).observe(canvas);
  return { show };
}

const legend = () => element("ul", { class: "trade-legend", "aria-hidden": "true" }, [
  ["tried", text("list.tried")], ["usual", text("list.usual")], ["best", text("chart.best")], ["other", text("chart.possible")],
].map(([kind, title]) => element("li", { class: kind, text: title })));

function axesOf({ front, answer }) {
  const measures = Object.fromEntries(answer.weighable.map((one) => [one.objective, one.measure]));
  const axis = (objective) => ({
    objective,
    name: axisName(objective, measures[objective]),
    said: (value) => (objective === "relevance" ? percent(value) : objective === "distance" ? number(value, 3) : total(value, measures[objective])),
  });
  return { x: axis(front.x), y: axis(front.y) };
}

function pointOf(list, { x, y }) {
  const value = (name) => (name === "distance" || name === "relevance" ? list[name] : list.expected[name]) ?? 0;
  return [value(x.objective), value(y.objective)];
}

const said = ([x, y], axes) => `${axes.x.said(x)} / ${axes.y.said(y)}`;
const valuesSaid = ([x, y], axes) => [[axes.x, x], [axes.y, y]].map(([axis, value]) => `${objectiveName(axis.objective)} ${axis.said(value)}`).join("\n");

function scaleOf(values, n, from, to) {
  const marks = ticks(Math.min(...values), Math.max(...values), n);
  const [low, high] = [marks[0], marks.at(-1)];
  return { marks, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

function grid(scale, axes, width) {
  const bottom = HEIGHT - EDGE.bottom;
  const label = (properties, content) => drawing("text", properties, content);
  return [
    ...scale.y.marks.map((mark) => drawing("path", { class: "rule", d: `M${EDGE.left} ${scale.y.at(mark)}H${width - EDGE.right}` })),
    ...scale.y.marks.map((mark) => label({ class: "y", x: EDGE.left - 8, y: scale.y.at(mark) + 4 }, axes.y.said(mark))),
    ...scale.x.marks.map((mark) => label({ class: "x", x: scale.x.at(mark), y: bottom + 16 }, axes.x.said(mark))),
    label({ class: "name", x: 0, y: 12 }, axes.y.name),
    label({ class: "x name", x: (EDGE.left + width - EDGE.right) / 2, y: HEIGHT - 6 }, axes.x.name),
  ];
}

function possible(front, scale, axes) {
  const best = front.points.filter((one) => one.is_on_front).sort((a, b) => a.x - b.x || b.y - a.y);
  const place = (one) => [scale.x.at(one.x), scale.y.at(one.y)];
  const dot = (one) => {
    const [cx, cy] = place(one);
    const settings = [weightsSaid(one.weights), one.diversity === null ? null : `${text("slider.diversity")} ${setting(one.diversity)}`];
    return drawing("circle", { class: one.is_on_front ? "best" : "other", cx, cy, r: one.is_on_front ? 4 : 3 },
      drawing("title", {}, [valuesSaid([one.x, one.y], axes), ...settings.filter((said_) => said_ && said_ !== "–")].join("\n")));
  };
  return [
    ...front.points.filter((one) => !one.is_on_front).map(dot),
    drawing("path", { class: "best-line", d: `M${best.map((one) => place(one).join(" ")).join("L")}` }),
    ...best.map(dot),
  ];
}

function asTable({ front, answer }) {
  const axes = axesOf({ front, answer });
  return table({
    caption: text("chart.title"),
    rows: front.points,
    columns: [
      { title: text("slider.weights"), cell: (one) => weightsSaid(one.weights) },
      { title: text("slider.diversity"), isNumber: true, value: (one) => one.diversity, cell: (one) => setting(one.diversity) },
      { title: axes.x.name, isNumber: true, value: (one) => one.x, cell: (one) => axes.x.said(one.x) },
      { title: axes.y.name, isNumber: true, value: (one) => one.y, cell: (one) => axes.y.said(one.y) },
      { title: text("chart.best"), value: (one) => Number(one.is_on_front), cell: (one) => (one.is_on_front ? "✓" : "") },
    ],
  });
}
