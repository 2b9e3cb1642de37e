// The page's texts in the chosen language, as the server put them into the page.

const known = JSON.parse(document.getElementById("texts").textContent);

/** The language of the page as a tag (BCP 47), for `Intl`. */
export const language = document.documentElement.lang;

const plurals = new Intl.PluralRules(language);

/**
 * A text by its key.
 * @param {string} key As in `texts/<page>.toml` or `texts/shared.toml`.
 * @param {Object<string, string|number>} [values] What stands in for `{name}`.
 */
export function text(key, values = {}) {
  const found = known[key];
  if (found === undefined) throw new Error(`no text is called ${key}`);
  return found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether there is a text of that key. */
export const isText = (key) => Object.hasOwn(known, key);

/** A text that depends on a number: `<key>.one` or `<key>.other`. */
export function countedText(key, count, values = {}) {
  return text(`${key}.${plurals.select(count) === "one" ? "one" : "other"}`, values);
}
