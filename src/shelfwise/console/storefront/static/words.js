// Texts for names that come from the shop's own configuration: not every shop's retrievers are known here.

const known = JSON.parse(document.getElementById("texts").textContent);

/** A text by its key; where the page has none, what stands in for it. */
export const textOr = (key, fallback) => known[key] ?? fallback;
