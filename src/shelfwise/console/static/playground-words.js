// Objectives and numbers in words: what is predicted has a unit everywhere.

import { compact, number, percent } from "./format.js";
import { text } from "./texts.js";

const NAMES = {
  click: text("objective.click"), cart: text("objective.cart"), purchase: text("objective.purchase"),
  dwell: text("objective.dwell"), satisfaction: text("objective.satisfaction"), revenue: text("objective.revenue"),
  distance: text("objective.distance"), relevance: text("objective.relevance"),
};

/** What an objective is called; one of the shop's own by its own name. */
export const objectiveName = (name) => NAMES[name] ?? name;

/** An axis of the chart, with its unit. */
export function axisName(name, measure) {
  const key = name === "distance" || name === "relevance" ? name : measure;
  const unit = {
    happens: text("unit.count"), seconds: text("unit.seconds"), money: text("unit.money"),
    distance: text("unit.distance"), relevance: text("unit.share"),
  }[key];
  return `${objectiveName(name)} (${unit})`;
}

/** What a whole list is expected to bring. */
export function total(value, measure) {
  if (value === null || value === undefined) return number(null);
  if (measure === "seconds") return text("amount.seconds", { amount: number(value, 1) });
  if (measure === "money") return number(value, 2);
  return value >= 1_000 ? compact(value) : number(value, value < 1 ? 3 : 2);
}

/** What one item is expected to bring. */
export function prediction(value, measure) {
  if (value === null || value === undefined) return number(null);
  if (measure === "seconds") return text("amount.seconds", { amount: number(value, 1) });
  return percent(value, value < 0.1 ? 2 : 1);
}

/** A setting as it is written: numbers in few digits, "automatic". */
export function setting(value) {
  if (value === null || value === undefined) return "–";
  return value === "auto" ? text("slider.automatic") : number(value, 3);
}

/** Weights in one line. */
export function weightsSaid(weights) {
  const some = Object.entries(weights).filter(([, weight]) => weight > 0);
  return some.length ? some.map(([name, weight]) => `${objectiveName(name)} ${number(weight, 3)}`).join(" · ") : "–";
}
