// The text of rules with line numbers, problems marked at their lines, and suggestions at the caret.

import { element } from "./dom.js";
import { completeIn, inRules } from "./rule-completion.js";
import { text } from "./texts.js";

/**
 * Make the editor.
 * @param {(toml: string) => void} onInput
 * @returns {{node: HTMLElement, value: string, mark: (lines: Map<number, string>) => void, goTo: (line: number) => void}}
 */
export function ruleText(onInput) {
  const box = element("textarea", { id: "rule-text", class: "mono", spellcheck: "false", wrap: "off", autocapitalize: "off", rows: "22", "aria-describedby": "rule-text-help" });
  const gutter = element("pre", { class: "gutter mono", "aria-hidden": "true" });
  const frame = element("div", { class: "editor" }, gutter, box);
  let marked = new Map();

  function drawGutter() {
    const n = box.value.split("\n").length;
    gutter.replaceChildren(...Array.from({ length: n }, (_, place) => element("span", { class: marked.get(place + 1) ?? null, text: `${place + 1}\n` })));
    gutter.scrollTop = box.scrollTop;
  }

  box.addEventListener("input", () => {
    drawGutter();
    onInput(box.value);
  });
  box.addEventListener("scroll", () => (gutter.scrollTop = box.scrollTop));
  completeIn(box, inRules);
  const node = element("div", { class: "field" }, element("label", { for: box.id, text: text("editor.label") }), frame, element("p", { class: "help", id: "rule-text-help", text: text("editor.help") }));
  return {
    node,
    get value() {
      return box.value;
    },
    set value(toml) {
      box.value = toml;
      drawGutter();
    },
    mark(lines) {
      marked = lines;
      drawGutter();
    },
    goTo(line) {
      const start = box.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      const end = box.value.indexOf("\n", start);
      box.focus();
      box.setSelectionRange(start, end < 0 ? box.value.length : end);
      box.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(box).lineHeight));
    },
  };
}
