// Numbers, money and moments as the chosen language writes them.

import { language } from "./texts.js";

const formats = new Map();

function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language, options));
  return formats.get(key);
}

const NONE = "–";
const isNothing = (value) => value === null || value === undefined || Number.isNaN(value);

/** A number with so many digits after the point at most. */
export const number = (value, digits = 0) => (isNothing(value) ? NONE : format({ maximumFractionDigits: digits }).format(value));

/** A large number in short: 12.3K. */
export const compact = (value) =>
  isNothing(value) ? NONE : format({ notation: "compact", maximumFractionDigits: 1 }).format(value);

/** A share in per cent. */
export const percent = (value, digits = 1) =>
  isNothing(value) ? NONE : format({ style: "percent", maximumFractionDigits: digits }).format(value);

/** A change in per cent, with its sign. */
export const change = (value, digits = 1) =>
  isNothing(value) ? NONE : format({ style: "percent", maximumFractionDigits: digits, signDisplay: "exceptZero" }).format(value);

/** An amount of money; without a currency, a number with two digits. */
export function money(value, currency) {
  if (isNothing(value)) return NONE;
  if (!/^[A-Za-z]{3}$/.test(currency ?? "")) return format({ minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);
  return format({ style: "currency", currency: currency.toUpperCase() }).format(value);
}

/** Seconds as a person says them: 4 min, 2 h. */
export function duration(seconds) {
  if (isNothing(seconds)) return NONE;
  for (const [unit, length] of [["day", 86_400], ["hour", 3_600], ["minute", 60]]) {
    if (seconds >= length) return format({ style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 }).format(seconds / length);
  }
  return seconds >= 1 || seconds === 0
    ? format({ style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: 1 }).format(seconds)
    : format({ style: "unit", unit: "millisecond", unitDisplay: "short", maximumFractionDigits: 1 }).format(seconds * 1_000);
}

const moment = (value) => (value instanceof Date ? value : new Date(value));

const DATE = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const DATE_TIME = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const TIME = new Intl.DateTimeFormat(language, { timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });

/** A day. */
export const date = (value) => (isNothing(value) ? NONE : DATE.format(moment(value)));

/** A moment. */
export const dateTime = (value) => (isNothing(value) ? NONE : DATE_TIME.format(moment(value)));

/** A moment of a day. */
export const time = (value) => (isNothing(value) ? NONE : TIME.format(moment(value)));

/** How long ago a moment was, or how far ahead it is. */
export function ago(value, now = Date.now()) {
  if (isNothing(value)) return NONE;
  const seconds = (moment(value).getTime() - now) / 1_000;
  for (const [unit, length] of [["year", 31_557_600], ["month", 2_629_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return AGO.format(Math.trunc(seconds / length), unit);
  }
  return AGO.format(Math.trunc(seconds), "second");
}
