// What this shop asks for beside an item: things of other departments, for the same people.

const quoted = (value) => `"${String(value).replace(/[\\"]/g, "\\$&")}"`;

/**
 * The filter for complements: nothing of the departments of these items, and nothing for others than whom they are for.
 * @param {Object[]} cards
 * @returns {string|undefined} As `POST /v1/recommend` takes it; undefined where the items say nothing.
 */
export function complementsFilter(cards) {
  const departments = new Set(cards.map((card) => department(card.category)).filter(Boolean));
  const parts = [...departments].slice(0, 20).map((path) => `not category under ${quoted(path)}`);
  const genders = new Set(cards.map((card) => card.attributes.gender).filter(Boolean));
  if (genders.size) parts.push(`gender in (${[...genders, "Unisex"].map(quoted).join(", ")})`);
  return parts.length ? parts.join(" and ") : undefined;
}

/** An attribute must be one of some values. */
export const oneOf = (name, value) => `${quoted(name)} = ${quoted(value)}`;

/** The first two levels of a path: what a person would call a department. */
export function department(category) {
  const names = pathOf(category);
  return names.length > 1 ? names.slice(0, 2).join(" > ") : null;
}

/** The names of a path, general first. */
export const pathOf = (category) => (category ?? "").split(">").map((name) => name.trim()).filter(Boolean);

/** The last name of a path; empty without one. */
export const kindOf = (card) => pathOf(card.category).at(-1) ?? "";
