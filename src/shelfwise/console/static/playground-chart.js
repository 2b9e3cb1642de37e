// The trade-off as a picture: what settings would bring, the best of them, and the two lists' points; the tried one moves.

import { element } from "./dom.js";
import { number, percent } from "./format.js";
import { axisName, objectiveName, setting, total, weightsSaid } from "./playground-words.js";
import { table } from "./table.js";
import { text } from "./texts.js";
import { colour, onThemeChange, wantsLessMotion } from "./theme.js";
import * as echarts from "./vendor/echarts.js";

const MOVES_MS = 160;
const NARROW = 460; // the legend takes two lines

/**
 * A chart in its place.
 * @param {HTMLElement} place
 * @returns {{show: (front: Object|null, answer: Object) => void}} `front` as the playground answers it; `answer` whose
 *   two lists stand in it.
 */
export function tradeChart(place) {
  const canvas = element("div", { class: "chart trade", role: "img" });
  const values = element("details", { class: "chart-values" }, element("summary", { class: "help", text: text("chart.as_table") }));
  const none = element("p", { class: "soft", text: text("chart.none") });
  let chart = null;
  let shown = null;
  let waiting = 0;

  function show(front, answer) {
    if (!front) {
      place.replaceChildren(none);
      return;
    }
    shown = { front, answer };
    if (!canvas.isConnected) place.replaceChildren(canvas, values);
    if (!chart) {
      chart = echarts.init(canvas, null, { renderer: "svg" });
      new ResizeObserver(() => { chart.resize(); draw(); }).observe(canvas);
      onThemeChange(draw);
    }
    drawSoon();
    if (values.open) values.replaceChildren(values.firstElementChild, asTable(shown));
  }

  /** After the lists: they are what is waited for. */
  function drawSoon() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => setTimeout(draw));
  }

  function draw() {
    const axes = axesOf(shown);
    const [usual, tried] = ["usual", "tried"].map((which) => pointOf(shown.answer[which], axes));
    canvas.setAttribute("aria-label", text("chart.says", { x: axes.x.name, y: axes.y.name, tried: said(tried, axes), usual: said(usual, axes) }));
    canvas.dataset.x = tried[0];
    canvas.dataset.y = tried[1];
    chart.setOption(described(shown.front, axes, usual, tried, canvas.clientWidth));
  }

  values.addEventListener("toggle", () => values.open && shown && values.replaceChildren(values.firstElementChild, asTable(shown)));
  return { show };
}

function axesOf({ front, answer }) {
  const measures = Object.fromEntries(answer.weighable.map((one) => [one.objective, one.measure]));
  const axis = (objective) => ({
    objective,
    name: axisName(objective, measures[objective]),
    format: (value) => (objective === "relevance" ? percent(value) : objective === "distance" ? number(value, 3) : total(value, measures[objective])),
  });
  return { x: axis(front.x), y: axis(front.y) };
}

function pointOf(list, { x, y }) {
  const value = (name) => (name === "distance" || name === "relevance" ? list[name] : list.expected[name]);
  return [value(x.objective), value(y.objective)];
}

const said = ([x, y], axes) => `${axes.x.format(x)} / ${axes.y.format(y)}`;

function described(front, axes, usual, tried, width) {
  const [text_, faint, line, accent] = ["--text-soft", "--text-faint", "--line", "--accent"].map(colour);
  const best = front.points.filter((one) => one.is_on_front).sort((a, b) => a.x - b.x || b.y - a.y);
  const datum = (one) => ({ value: [one.x, one.y], said: [weightsSaid(one.weights), one.diversity === null ? null : `${text("slider.diversity")} ${setting(one.diversity)}`] });
  const big = (value, name) => [{ value, said: [name] }];
  return {
    animation: !wantsLessMotion(), animationDuration: 0, animationDurationUpdate: MOVES_MS, animationEasingUpdate: "cubicOut",
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: text_ },
    aria: { enabled: false },
    grid: { left: 8, right: 20, top: width < NARROW ? 76 : 52, bottom: 28, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 10, itemGap: 14, selectedMode: false, textStyle: { color: text_ } },
    tooltip: {
      trigger: "item", confine: true, backgroundColor: colour("--surface-raised"), borderColor: line, padding: [8, 12],
      formatter: ({ data, seriesName }) => tip(seriesName, data, axes),
    },
    xAxis: axis(axes.x, faint, line, true),
    yAxis: axis(axes.y, faint, line, false),
    series: [
      { id: "possible", name: text("chart.possible"), type: "scatter", symbolSize: 6, itemStyle: { color: faint, opacity: 0.45 }, data: front.points.filter((one) => !one.is_on_front).map(datum) },
      { id: "best", name: text("chart.best"), type: "line", symbol: "circle", symbolSize: 7, showSymbol: true, lineStyle: { color: colour("--series-3"), width: 2 }, itemStyle: { color: colour("--series-3") }, data: best.map(datum) },
      { id: "usual", name: text("list.usual"), type: "scatter", symbol: "diamond", symbolSize: 15, z: 4, itemStyle: { color: colour("--surface"), borderColor: text_, borderWidth: 2.5, opacity: 1 }, data: big(usual, text("list.usual")) },
      { id: "tried", name: text("list.tried"), type: "scatter", symbol: "circle", symbolSize: 16, z: 5, itemStyle: { color: accent, borderColor: colour("--surface"), borderWidth: 2, opacity: 1 }, data: big(tried, text("list.tried")) },
    ],
  };
}

const axis = ({ name, format }, faint, line, isBelow) => ({
  type: "value", scale: true, name, nameLocation: isBelow ? "middle" : "end", nameGap: isBelow ? 26 : 10,
  nameTextStyle: { color: faint, fontSize: 11, align: isBelow ? "center" : "left" },
  axisLabel: { color: faint, fontSize: 11, hideOverlap: true, formatter: format },
  axisLine: { show: isBelow, lineStyle: { color: line } }, axisTick: { show: false }, splitLine: { show: !isBelow, lineStyle: { color: line } },
  splitNumber: 5,
});

function tip(name, { value, said: lines }, axes) {
  const pair = (one, at) => element("span", {}, element("span", { text: objectiveName(one.objective) }), element("span", { text: one.format(at) }));
  return element("div", { class: "chart-tip" }, element("strong", { text: name }), pair(axes.x, value[0]), pair(axes.y, value[1]),
    lines.filter((one) => one && one !== name).map((one) => element("small", { text: one })));
}

function asTable({ front, answer }) {
  const axes = axesOf({ front, answer });
  return table({
    caption: text("chart.title"),
    rows: front.points,
    columns: [
      { title: text("slider.weights"), cell: (one) => weightsSaid(one.weights) },
      { title: text("slider.diversity"), isNumber: true, value: (one) => one.diversity, cell: (one) => setting(one.diversity) },
      { title: axes.x.name, isNumber: true, value: (one) => one.x, cell: (one) => axes.x.format(one.x) },
      { title: axes.y.name, isNumber: true, value: (one) => one.y, cell: (one) => axes.y.format(one.y) },
      { title: text("chart.best"), value: (one) => Number(one.is_on_front), cell: (one) => (one.is_on_front ? "✓" : "") },
    ],
  });
}
