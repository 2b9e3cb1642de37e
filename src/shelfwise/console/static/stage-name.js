// What a training does, in the language of the page.

import { isText, text } from "./texts.js";

/**
 * The name of a stage; what no text is there for stays as it was written.
 * @param {Array<{text: string, id: string|null, values: Object<string, string>}>} parts As of `GET /v1/trainings/{name}`.
 */
export function stageName(parts) {
  const said = parts.map((part) => (part.id && isText(`stage.${part.id}`) ? text(`stage.${part.id}`, part.values) : part.text));
  return said.reduce((before, after) => text("stages.joined", { before, after }));
}

/** The name of what a version's manifest counts seconds for, as in `rank` and `retrieve.transitions`. */
export function timedName(name) {
  const [kind, ...rest] = name.split(".");
  const of = rest.join(".");
  return isText(`timed.${kind}`) ? text(`timed.${kind}`, { name: of }) : name;
}
