// Finds points by place: the nearest to the pointer, those in view, those within a line.

const CELLS = 128;

/**
 * Sort points into cells.
 * @param {import("./points.js").Points} points
 */
export function nearby({ count, x, y, rows }) {
  const cellOf = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)));
  const starts = new Uint32Array(CELLS * CELLS + 1);
  const cells = new Uint16Array(count);
  for (let place = 0; place < count; place += 1) {
    cells[place] = cellOf(y[place]) * CELLS + cellOf(x[place]);
    starts[cells[place] + 1] += 1;
  }
  for (let cell = 0; cell < CELLS * CELLS; cell += 1) starts[cell + 1] += starts[cell];
  const next = starts.slice(0, -1);
  const sorted = new Uint32Array(count);
  for (let place = 0; place < count; place += 1) {
    sorted[next[cells[place]]] = place;
    next[cells[place]] += 1;
  }

  /** Points within `[left, bottom, right, top]`. */
  function* inBox([left, bottom, right, top]) {
    for (let row = cellOf(bottom); row <= cellOf(top); row += 1) {
      for (let at = starts[row * CELLS + cellOf(left)]; at < starts[row * CELLS + cellOf(right) + 1]; at += 1) {
        const place = sorted[at];
        if (x[place] >= left && x[place] <= right && y[place] >= bottom && y[place] <= top) yield place;
      }
    }
  }

  return {
    inBox,
    /** The nearest point, no further than `reach`; -1 where there is none. */
    nearest(px, py, reach) {
      let best = -1;
      let least = reach * reach;
      for (const place of inBox([px - reach, py - reach, px + reach, py + reach])) {
        const distance = (x[place] - px) ** 2 + (y[place] - py) ** 2;
        if (distance <= least) [best, least] = [place, distance];
      }
      return best;
    },
    /** The point of an item's row; -1 where it is not on the map. Rows rise from point to point. */
    placeOf(row) {
      let [low, high] = [0, count - 1];
      while (low <= high) {
        const middle = (low + high) >> 1;
        if (rows[middle] === row) return middle;
        if (rows[middle] < row) low = middle + 1;
        else high = middle - 1;
      }
      return -1;
    },
    /** Points within a closed line (even-odd). @param {Array<[number, number]>} line */
    within(line) {
      const [xs, ys] = [line.map((point) => point[0]), line.map((point) => point[1])];
      const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
      return [...inBox(box)].filter((place) => isWithin(line, x[place], y[place]));
    },
  };
}

/** Whether a point lies within a closed line: a ray from it crosses the line an odd number of times. */
export function isWithin(line, px, py) {
  let isInside = false;
  for (let now = 0, before = line.length - 1; now < line.length; before = now, now += 1) {
    const [ax, ay] = line[now];
    const [bx, by] = line[before];
    if (ay > py !== by > py && px < ((bx - ax) * (py - ay)) / (by - ay) + ax) isInside = !isInside;
  }
  return isInside;
}
