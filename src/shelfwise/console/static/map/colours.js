// What the map's colours say: the group of an item, or how much of something it has.

import { colour } from "../theme.js";
import { PALETTE_SIZE } from "./layer.js";
import { NO_GROUP } from "./points.js";

/** Groups that have a colour of their own; the smaller ones share a grey. */
export const N_COLOURS = 12;
const OTHER = N_COLOURS;

const numbersOf = (name) => colour(name).match(/[\d.]+/g).slice(0, 3).map(Number);

/**
 * Colours by group.
 * @param {import("./points.js").Points} points
 * @param {Array<{code: number, name: string, n_items: number}>} groups
 */
export function byGroup(points, groups) {
  const largest = [...groups].sort((a, b) => b.n_items - a.n_items).slice(0, N_COLOURS);
  const slots = new Map(largest.map((group, slot) => [group.code, slot]));
  const palette = new Uint8Array(PALETTE_SIZE * 4).fill(255);
  for (let slot = 0; slot <= N_COLOURS; slot += 1) palette.set(numbersOf(slot === OTHER ? "--map-other" : `--map-${slot + 1}`), slot * 4);
  return {
    palette,
    shadeOf: (place) => (points.groups[place] === NO_GROUP ? OTHER : slots.get(points.groups[place]) ?? OTHER),
    largest: largest.map((group, slot) => ({ ...group, variable: `--map-${slot + 1}` })),
    nOther: groups.reduce((sum, group) => sum + (slots.has(group.code) ? 0 : group.n_items), 0),
  };
}

/**
 * Colours by an amount, on a scale of logarithms: a few items have most of everything.
 * @param {Uint32Array} amounts
 */
export function byAmount(amounts) {
  const most = amounts.reduce((high, one) => Math.max(high, one), 0);
  const [none, low, high] = ["--map-none", "--map-low", "--map-high"].map(numbersOf);
  const palette = new Uint8Array(PALETTE_SIZE * 4).fill(255);
  palette.set(none, 0);
  for (let shade = 1; shade < PALETTE_SIZE; shade += 1) {
    const share = (shade - 1) / (PALETTE_SIZE - 2);
    palette.set(low.map((from, way) => from + (high[way] - from) * share), shade * 4);
  }
  const top = Math.log1p(most) || 1;
  return {
    palette,
    most,
    shadeOf: (place) => (amounts[place] === 0 ? 0 : 1 + Math.round((Math.log1p(amounts[place]) / top) * (PALETTE_SIZE - 2))),
  };
}
