// The theme's colours for what is drawn by scripts; styles use the variables themselves.

const probe = document.createElement("span");
probe.hidden = true;

/**
 * A colour of `tokens.css` as the theme in force has it.
 * @param {string} name As in `--accent`.
 * @returns {string} `rgb(…)`
 */
export function colour(name) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** The colours of a chart's series, in their order. */
export const seriesColours = () => [1, 2, 3, 4, 5, 6].map((n) => colour(`--series-${n}`));

/** Be told when the theme changes. */
export function onThemeChange(listener) {
  document.addEventListener("shelfwise:theme", listener);
  return () => document.removeEventListener("shelfwise:theme", listener);
}

/** Whether somebody asked for less motion. */
export const wantsLessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
