// A line as small as a word: where a figure came from. The figure beside it says what it shows.

import { drawing } from "./dom.js";

const WIDTH = 120, HEIGHT = 28, EDGE = 2;

/**
 * Draw a small line.
 * @param {Array<number|null>} values In their order; nothing where it is null.
 * @param {{marksFrom?: number}} [options] `marksFrom`: the place from which the line is strong; what comes before is there
 *   to compare with.
 * @returns {SVGElement} Hidden from screen readers.
 */
export function sparkline(values, { marksFrom = 0 } = {}) {
  const known = values.filter((value) => value !== null);
  const top = Math.max(...known, 0), bottom = Math.min(...known, 0);
  const x = (place) => EDGE + (place * (WIDTH - 2 * EDGE)) / Math.max(values.length - 1, 1);
  const y = (value) => (top === bottom ? HEIGHT - EDGE : HEIGHT - EDGE - ((value - bottom) * (HEIGHT - 2 * EDGE)) / (top - bottom));
  const last = values.findLastIndex((value) => value !== null);
  return drawing(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    marksFrom > 0 ? drawing("path", { class: "earlier", d: path(values.slice(0, marksFrom + 1), x, y) }) : [],
    drawing("path", { d: path(values, x, y, marksFrom) }),
    last >= 0 && values.length > 1 ? drawing("path", { class: "end", d: `M${x(last)} ${y(values[last])}h0` }) : [],
  );
}

function path(values, x, y, from = 0) {
  let isDown = false;
  return values.map((value, place) => {
    if (value === null || place < from) {
      isDown = false;
      return "";
    }
    const move = `${isDown ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
    return move;
  }).join("");
}
