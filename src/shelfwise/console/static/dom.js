// Elements made without markup: whatever is put in is text, so nothing that a shop stores can become code.

/**
 * Make an element.
 * @param {string} tag
 * @param {Object} [properties] `class`, `text`, `data` (an object), `style` (an object of CSS properties), `on` (an
 *   object of listeners); everything else is an attribute, left out where it is null or false.
 * @param {...(Node|string|null)} children Strings become text.
 * @returns {HTMLElement}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  fill(made, properties);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an element of a drawing; as `element`. */
export function drawing(tag, properties = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  fill(made, properties);
  made.append(...children.flat());
  return made;
}

function fill(made, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.setAttribute("class", value);
    else if (name === "text") made.textContent = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) made.style.setProperty(key, one);
    else if (name === "on") for (const [key, one] of Object.entries(value)) made.addEventListener(key, one);
    else made.setAttribute(name, value === true ? "" : value);
  }
}
