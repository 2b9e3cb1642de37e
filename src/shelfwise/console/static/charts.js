// Charts: lines, bars and points, in the theme's colours, with a unit on every axis and a table for who cannot see them.

import { element } from "./dom.js";
import { number } from "./format.js";
import { text } from "./texts.js";
import { colour, onThemeChange, seriesColours, wantsLessMotion } from "./theme.js";
import * as echarts from "./vendor/echarts.js";

/**
 * @typedef {Object} Axis
 * @property {string} name What it shows, with its unit, as in "Latency (ms)".
 * @property {"number"|"time"|"category"} [kind] Of values; x is "time" and y "number" where omitted.
 * @property {(value: any) => string} [format] How a value is written.
 * @property {number} [min] Where it begins; a number axis of lines and points begins near its values, of bars at 0.
 * @property {number} [max]
 * @property {boolean} [isLog]
 *
 * @typedef {Object} Options
 * @property {string} title For screen readers, and the caption of the table.
 * @property {Axis} x
 * @property {Axis} y
 * @property {boolean} [isStacked] Bars and areas upon each other.
 * @property {boolean} [isArea] Lines are filled down to the axis.
 * @property {boolean} [isHorizontal] Bars lie.
 * @property {Array<{at: any, label: string, axis?: "x"|"y"}>} [marks] Lines across the chart.
 * @property {(picked: {series: string, datum: any}) => void} [onPick] Something was clicked.
 *
 * A series is `{name, values: [[x, y], …]}`; y is null where there is nothing. Further members are kept: a point may be
 * `{value: [x, y], label, …}`, and `colour` names a variable of `tokens.css`.
 */

/** Draw lines over time, numbers or categories. See `Options`. */
export const lineChart = (place, series, options) => draw(place, series, options, lines);

/** Draw bars by category or time. See `Options`. */
export const barChart = (place, series, options) => draw(place, series, options, bars);

/** Draw points. See `Options`; x is "number" where omitted. */
export const scatterChart = (place, series, options) => draw(place, series, { ...options, x: { kind: "number", ...options.x } }, points);

/**
 * A chart in its place.
 * @returns {{update: (series: Array, options?: Object) => void, dispose: () => void}}
 */
function draw(place, series, options, kind) {
  for (const axis of ["x", "y"]) if (!options[axis]?.name) throw new Error(`the chart's ${axis} axis has no name and unit`);
  const canvas = element("div", { class: "chart", role: "img", "aria-label": options.title });
  const values = element("details", { class: "chart-values" }, element("summary", { class: "help", text: text("chart.as_table") }));
  if (place.classList.contains("tall")) canvas.classList.add("tall");
  place.replaceChildren(canvas, values);
  place.classList.remove("chart", "tall");
  const chart = echarts.init(canvas, null, { renderer: "svg" });
  const state = { series, options };
  const show = () => chart.setOption(described(state.series, state.options, kind), { notMerge: true });
  const fillTable = () => values.open && values.replaceChildren(values.firstElementChild, tableOf(state.series, state.options));
  values.addEventListener("toggle", fillTable);
  show();
  const sizes = new ResizeObserver(() => chart.resize());
  sizes.observe(canvas);
  const forgetTheme = onThemeChange(show);
  chart.on("click", (event) => state.options.onPick?.({ series: event.seriesName, datum: event.data }));
  return {
    update(next, more = {}) {
      Object.assign(state, { series: next, options: { ...state.options, ...more } });
      show();
      fillTable();
    },
    dispose() {
      forgetTheme();
      sizes.disconnect();
      chart.dispose();
    },
  };
}

function described(series, options, kind) {
  const palette = seriesColours();
  const [x, y] = options.isHorizontal ? [{ ...options.y, isAcross: true }, options.x] : [options.x, options.y];
  return {
    animation: !wantsLessMotion(),
    animationDuration: 200,
    animationDurationUpdate: 200,
    color: palette,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("--text-soft") },
    aria: { enabled: false }, // the table says more
    grid: { left: 8, right: 16, top: series.length > 1 ? 40 : 28, bottom: 28, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { show: series.length > 1, top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, textStyle: { color: colour("--text-soft") }, inactiveColor: colour("--line-strong") },
    tooltip: tooltip(options, kind),
    xAxis: axis(x, options.isHorizontal ? "number" : "time", true),
    yAxis: axis(y, options.isHorizontal ? "category" : "number", false),
    series: series.map((one, n) => ({
      name: one.name,
      data: options.isHorizontal ? one.values.map(turned) : one.values,
      ...(one.colour ? { color: colour(one.colour) } : {}),
      ...kind(options, one),
      ...(n === 0 ? { markLine: marks(options) } : {}),
    })),
  };
}

const turned = (datum) => (Array.isArray(datum) ? [datum[1], datum[0]] : { ...datum, value: [datum.value[1], datum.value[0]] });

const lines = (options) => ({
  type: "line", symbol: "circle", symbolSize: 5, showSymbol: false, lineStyle: { width: 2 }, connectNulls: false,
  ...(options.isArea ? { areaStyle: { opacity: 0.12 } } : {}), ...(options.isStacked ? { stack: "all" } : {}),
});
const bars = (options) => ({ type: "bar", barMaxWidth: 28, itemStyle: { borderRadius: 2 }, ...(options.isStacked ? { stack: "all" } : {}) });
const points = (options, one) => ({ type: "scatter", symbolSize: one.size ?? 9, itemStyle: { opacity: 0.85 } });

function axis(described, usual, isBelow) {
  const kind = described.kind ?? usual;
  const line = { lineStyle: { color: colour("--line") } };
  return {
    type: described.isLog ? "log" : { number: "value", time: "time", category: "category" }[kind],
    name: described.name,
    nameLocation: isBelow ? "middle" : kind === "category" ? "start" : "end",
    nameGap: isBelow ? 26 : 10,
    nameTextStyle: { color: colour("--text-faint"), fontSize: 11, align: isBelow ? "center" : "left" },
    min: described.min, max: described.max, scale: described.min === undefined,
    inverse: kind === "category" && !isBelow,
    axisLabel: { color: colour("--text-faint"), fontSize: 11, hideOverlap: true, ...(kind === "category" ? { width: 140, overflow: "truncate" } : {}), ...(described.format ? { formatter: (value) => described.format(value) } : kind === "number" ? { formatter: (value) => number(value, 3) } : {}) },
    axisLine: isBelow ? { show: true, ...line } : { show: false },
    axisTick: { show: false },
    splitLine: { show: kind === "number" && (!isBelow || described.isAcross === true), ...line },
  };
}

function tooltip(options, kind) {
  return {
    trigger: kind === points ? "item" : "axis",
    confine: true,
    backgroundColor: colour("--surface-raised"),
    borderColor: colour("--line"),
    padding: [8, 12],
    axisPointer: { type: kind === bars ? "none" : "line", lineStyle: { color: colour("--line-strong") } },
    // Elements and no markup: the texts are the shop's, and styles in markup are not allowed here.
    formatter: (found) => tip([found].flat(), options),
  };
}

function tip(found, options) {
  const of = (one, way) => {
    const pair = Array.isArray(one.data) ? one.data : one.data?.value ?? [];
    return pair[options.isHorizontal ? 1 - way : way];
  };
  const said = found[0]?.data?.label ?? written(options.x, of(found[0], 0));
  return element("div", { class: "chart-tip" }, element("strong", { text: said }), found.map((one) => element("span", {}, element("span", { text: one.seriesName }), element("span", { text: written(options.y, of(one, 1)) }))));
}

function written(axis, value) {
  if (value === null || value === undefined) return "–";
  if (axis.format) return axis.format(value);
  return typeof value === "number" ? number(value, 3) : value instanceof Date ? value.toLocaleString(document.documentElement.lang) : String(value);
}

function marks(options) {
  if (!options.marks?.length) return undefined;
  return {
    silent: true, symbol: "none",
    lineStyle: { color: colour("--line-strong"), type: "dashed" },
    label: { color: colour("--text-soft"), fontSize: 11, formatter: ({ name }) => name },
    data: options.marks.map((mark) => ({ name: mark.label, [mark.axis === "y" ? "yAxis" : "xAxis"]: mark.at })),
  };
}

function tableOf(series, options) {
  const rows = series.flatMap((one) => one.values.map((datum) => [one.name, ...(Array.isArray(datum) ? datum : datum.value).slice(0, 2)]));
  const cells = ([name, x, y]) => [element("th", { scope: "row", text: name }), element("td", { text: written(options.x, x) }), element("td", { class: "number", text: written(options.y, y) })];
  const head = ["", options.x.name, options.y.name].map((name) => element("th", { scope: "col", text: name }));
  return element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": options.title }, element("table", {}, element("caption", { class: "visually-hidden", text: options.title }), element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows.map((row) => element("tr", {}, cells(row))))));
}
