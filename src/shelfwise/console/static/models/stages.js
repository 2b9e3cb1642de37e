// The parts of a training with how long each took.

import { element } from "../dom.js";
import { duration, percent } from "../format.js";
import { stageName } from "../stage-name.js";

/**
 * @param {Array<{name: string, seconds: number, done?: number|null, total?: number|null, isRunning?: boolean}>} stages
 */
export function stageList(stages) {
  const longest = Math.max(...stages.map((stage) => stage.seconds), 0.001);
  return element("ul", { class: "stages" }, stages.map((stage) => {
    const share = stage.isRunning && stage.total ? stage.done / stage.total : stage.seconds / longest;
    const bar = element("span", { class: `meter ${stage.isRunning ? "is-running" : ""}`, "aria-hidden": "true" }, element("span", { style: { width: `${Math.min(1, share) * 100}%` } }));
    const said = stage.isRunning && stage.total ? percent(share, 0) : duration(stage.seconds);
    return element("li", {}, element("span", { class: "clip", text: stage.name, title: stage.name }), bar, element("span", { class: "number soft", text: said }));
  }));
}

/** The stages of a run as of `GET /v1/trainings/{name}`. */
export function stagesOf(run) {
  return run.stages.map((stage) => ({
    name: stageName(stage.parts),
    seconds: (stage.ends_s ?? run.seconds) - stage.begins_s,
    done: stage.done,
    total: stage.total,
    isRunning: run.state === "running" && stage.ends_s === null,
  }));
}
