// A number with its interval as a small drawing, on one scale for a whole column.

import { drawing, element } from "../dom.js";
import { number } from "../format.js";
import { text } from "../texts.js";

const [WIDTH, HEIGHT, EDGE] = [120, 16, 6];

/** The scale that holds all of some intervals. @param {Array<{low: number, high: number}>} all */
export function scaleOf(all) {
  const [low, high] = [Math.min(...all.map((one) => one.low)), Math.max(...all.map((one) => one.high))];
  const room = (high - low || high || 1) * 0.1;
  return { low: low - room, high: high + room };
}

/**
 * Draw a number and its interval.
 * @param {{mean: number, low: number, high: number}} measured
 * @param {{low: number, high: number}} scale
 * @param {{zero?: boolean, signed?: boolean}} [options] `zero`: a line where nothing differs.
 */
export function interval(measured, scale, { zero = false, signed = false } = {}) {
  const at = (value) => EDGE + ((value - scale.low) / (scale.high - scale.low)) * (WIDTH - 2 * EDGE);
  const middle = HEIGHT / 2;
  const said = (value) => `${signed && value > 0 ? "+" : ""}${number(value, 4)}`;
  const parts = [
    drawing("line", { x1: EDGE, x2: WIDTH - EDGE, y1: middle, y2: middle, class: "interval-track" }),
    drawing("line", { x1: at(measured.low), x2: at(measured.high), y1: middle, y2: middle, class: "interval-range" }),
    drawing("circle", { cx: at(measured.mean), cy: middle, r: 3.5, class: "interval-mean" }),
  ];
  if (zero && scale.low < 0 && scale.high > 0) parts.unshift(drawing("line", { x1: at(0), x2: at(0), y1: 0, y2: HEIGHT, class: "interval-zero" }));
  return element(
    "div", { class: "interval" },
    drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" }, parts),
    element("span", { class: "number" }, element("strong", { text: said(measured.mean) }), element("small", { class: "soft", text: ` ${text("interval", { low: said(measured.low), high: said(measured.high) })}` })),
  );
}
