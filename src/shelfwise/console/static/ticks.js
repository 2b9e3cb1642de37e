// Round numbers for an axis.

/**
 * Round numbers, about as many as wanted, the first at or below `low` and the last at or above `high`.
 * @param {number} low
 * @param {number} high
 * @param {number} n Wanted.
 * @returns {number[]} Two at least, rising.
 */
export function ticks(low, high, n) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / Math.max(n - 1, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough - 1e-12);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}
