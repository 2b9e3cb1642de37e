// Colours by the names that catalogues give them.

const BY_NAME = {
  black: "#1c1b1a", white: "#fbfaf7", "off white": "#f1ece0", cream: "#f0e4c8", beige: "#d9c7a3", nude: "#dcb99c", skin: "#e3bd9e",
  grey: "#8c8c8a", "grey melange": "#a3a3a1", charcoal: "#46484b", silver: "#c3c5c8", steel: "#8d97a0", metallic: "#a7a5a2",
  brown: "#6f4a32", "coffee brown": "#4b3425", "mushroom brown": "#93806e", tan: "#b98a5a", taupe: "#8a7a6c", khaki: "#9c9160",
  bronze: "#8c6a3c", copper: "#b0683d", rust: "#a4492a", gold: "#c8a24a", mustard: "#c9982b", yellow: "#ecc93f", orange: "#e27d2f",
  peach: "#f2b494", red: "#bf2f33", maroon: "#6d2030", burgundy: "#6a1f35", pink: "#e38aa5", rose: "#d9677f", magenta: "#bd2f7e",
  purple: "#6b4590", mauve: "#ab86a8", lavender: "#b5a3d4", blue: "#3363b3", "navy blue": "#1d2f57", "turquoise blue": "#39a7b6",
  teal: "#1d7274", "sea green": "#4a9a80", green: "#3f8050", olive: "#6d6d35", "lime green": "#94bd3d", "fluorescent green": "#8fe03a",
};

/** A colour's value; null where the name is none that is known here. */
export const colourOf = (name) => BY_NAME[String(name ?? "").trim().toLowerCase()] ?? null;
