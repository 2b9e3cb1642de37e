// Sliders: a weight for each objective, on a scale on which the middle is a weight that means something; diversity,
// exploration.

import { element } from "./dom.js";
import { number, percent } from "./format.js";
import { rounded } from "./playground-state.js";
import { objectiveName, setting } from "./playground-words.js";
import { text } from "./texts.js";

const STEPS = 100;
const MIDDLE = 50;
const DECADE = 25; // of the slider: from one hundredth of the middle's weight to a hundred times

const weightAt = (step, unit) => (step === 0 ? 0 : rounded(unit * 10 ** ((step - MIDDLE) / DECADE)));
const stepOf = (weight, unit) => (weight > 0 ? Math.min(Math.max(Math.round(MIDDLE + DECADE * Math.log10(weight / unit)), 1), STEPS) : 0);

/**
 * Sliders that tell of every move.
 * @param {HTMLElement} place
 * @param {(change: {weights?: Object, diversity?: number, exploration?: number}) => void} onChange
 */
export function sliders(place, onChange) {
  const units = new Map();
  let drawn = "";
  let parts = {};

  /** Show what an answer of the playground says: what can be turned, and where it stands. */
  function show(answer) {
    const { weighable, tried, usual } = answer;
    for (const one of weighable) {
      const key = `${answer.scenario} ${one.objective}`;
      if (!units.has(key)) units.set(key, one.unit); // a thumb does not move because somebody else asks
    }
    const kind = JSON.stringify([answer.scenario, weighable.map((one) => one.objective), answer.trades_diversity, answer.explores]);
    if (kind !== drawn) {
      drawn = kind;
      draw(answer);
    }
    for (const { objective, usual: usualWeight } of weighable) {
      stand(parts[objective], stepOf(tried.settings.weights[objective] ?? 0, units.get(`${answer.scenario} ${objective}`)), number(tried.settings.weights[objective] ?? 0, 3), number(usualWeight, 3));
    }
    const { diversity, exploration } = tried.settings;
    if (parts.diversity) stand(parts.diversity, typeof diversity === "number" ? diversity * 100 : 0, setting(diversity), setting(usual.settings.diversity));
    if (parts.exploration) stand(parts.exploration, exploration * 100, percent(exploration), percent(usual.settings.exploration));
  }

  function draw({ scenario, weighable, trades_diversity: trades, explores }) {
    parts = {};
    const weights = weighable.map(({ objective }) => {
      parts[objective] = slider(objective, objectiveName(objective), STEPS, 1, () => onChange({ weights: readWeights(scenario, weighable) }));
      return parts[objective].frame;
    });
    if (trades) parts.diversity = slider("diversity", text("slider.diversity"), 100, 5, (value) => onChange({ diversity: value / 100 }));
    if (explores) parts.exploration = slider("exploration", text("slider.exploration"), 100, 1, (value) => onChange({ exploration: value / 100 }));
    place.replaceChildren(
      group(text("slider.weights"), weights.length ? weights : [element("p", { class: "help", text: text("slider.no_weights") })]),
      group(text("slider.list"), [
        parts.diversity?.frame ?? element("p", { class: "help", text: text("slider.no_diversity") }),
        parts.exploration?.frame ?? element("p", { class: "help", text: text("slider.no_exploration") }),
      ]),
    );
  }

  function readWeights(scenario, weighable) {
    return Object.fromEntries(weighable.map(({ objective }) => [objective, weightAt(Number(parts[objective].input.value), units.get(`${scenario} ${objective}`))]));
  }

  return { show, clear: () => { drawn = ""; place.replaceChildren(element("p", { class: "help", text: text("slider.later") })); } };
}

function slider(name, title, max, step, onInput) {
  const id = `slider-${name}`;
  const input = element("input", { type: "range", id, min: 0, max, step, "aria-describedby": `${id}-usual`, data: { setting: name } });
  const output = element("output", { for: id });
  const usual = element("p", { class: "usual", id: `${id}-usual` });
  input.addEventListener("input", () => onInput(Number(input.value)));
  return { input, output, usual, frame: element("div", { class: "slider" }, element("label", { for: id, text: title }), output, input, usual) };
}

function stand({ input, output, usual }, value, said, usualSaid) {
  if (document.activeElement !== input) input.value = value; // who drags leads
  input.setAttribute("aria-valuetext", said);
  output.textContent = said;
  usual.textContent = text("slider.usual", { value: usualSaid });
}

const group = (title, parts) => element("fieldset", { class: "slider-group" }, element("legend", { text: title }), parts);
