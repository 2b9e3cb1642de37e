// Waits for a map: says that there is none, and has one drawn.

import { get, post } from "../api.js";
import { element } from "../dom.js";
import { percent } from "../format.js";
import { stageName } from "../stage-name.js";
import { showContent, showEmpty, showError } from "../states.js";
import { text } from "../texts.js";

const LOOK_EVERY_MS = 1_000;

/** No map was drawn yet: offer to draw one. @param {HTMLElement} place @param {() => void} onDrawn */
export function offerMap(place, onDrawn) {
  const button = element("button", { type: "button", class: "button primary", text: text("draw.start") });
  button.addEventListener("click", async () => {
    button.disabled = true;
    await draw(place, onDrawn);
  });
  showEmpty(place, { title: text("draw.none"), body: text("draw.none_hint"), action: button });
}

async function draw(place, onDrawn) {
  const again = () => draw(place, onDrawn);
  try {
    const { name } = await post("/v1/trainings", { what: "map" });
    for (;;) {
      const run = await get(`/v1/trainings/${encodeURIComponent(name)}`);
      if (run.state === "done") return onDrawn();
      if (run.state !== "running") throw Object.assign(new Error(run.error ?? text("draw.stopped")), { hint: run.hint });
      showProgress(place, run);
      await new Promise((go) => setTimeout(go, LOOK_EVERY_MS));
    }
  } catch (error) {
    return showError(place, error, again);
  }
}

function showProgress(place, run) {
  const stage = run.stages.at(-1);
  const share = stage?.total ? stage.done / stage.total : null;
  const meter = element("span", { class: "meter map-progress" }, element("span", { style: { width: `${(share ?? 0) * 100}%` } }));
  const said = stage ? `${stageName(stage.parts)}${share === null ? "" : ` · ${percent(share, 0)}`}` : text("state.loading");
  showContent(place, element("div", { class: "state", role: "status" }, element("h2", { text: text("draw.running") }), element("p", { text: said }), meter));
}
