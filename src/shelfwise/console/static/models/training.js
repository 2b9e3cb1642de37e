// Trainings: started, watched while they run, stopped, and the last ones remembered.

import { get, post, remove } from "../api.js";
import { confirmed } from "../dialog.js";
import { element } from "../dom.js";
import { ago, dateTime, duration } from "../format.js";
import { showContent, showEmpty, showError } from "../states.js";
import { table } from "../table.js";
import { text } from "../texts.js";
import { toast } from "../toast.js";
import { curveCharts } from "./curves.js";
import { stageList, stagesOf } from "./stages.js";

const RUNNING_MS = 1_000;
const IDLE_MS = 5_000;
const KINDS = { running: "accent", done: "good", unchanged: "", failed: "bad", stopped: "careful", interrupted: "careful" };

/** What a training is and how it went, in a word. */
const badge = (run) => element("span", { class: `badge ${KINDS[run.state]}`, text: text(`training.state.${run.state}`) });
const PEOPLE = { "command line": "training.command_line", "this machine": "training.this_machine" };
const whoStarted = (run) => (PEOPLE[run.by] ? text(PEOPLE[run.by]) : run.by);
const address = (name) => `/v1/trainings/${encodeURIComponent(name)}`;

/**
 * Watch trainings, whoever starts them.
 * @param {{now: HTMLElement, past: HTMLElement, start: HTMLButtonElement[]}} places
 * @param {() => void} onEnded A training ended: there may be another version.
 */
export function watchTrainings({ now, past, start }, onEnded) {
  let shown = null;
  let charts = null;
  let running = null;
  let told = "";

  async function look() {
    let wait = IDLE_MS;
    try {
      const { trainings } = await get("/v1/trainings");
      // What runs; else the last that made a model; else whatever there was.
      const latest = trainings.find((run) => run.state === "running") ?? trainings.find((run) => run.what !== "map") ?? trainings[0] ?? null;
      const before = running;
      running = latest?.state === "running" ? latest.name : null;
      start.forEach((button) => { button.disabled = running !== null; });
      if (running) wait = RUNNING_MS;
      if (!latest) showEmpty(now, { title: text("training.none"), body: text("training.none_hint") });
      else if (running || shown !== latest.name || before) await showRun(latest.name);
      const telling = JSON.stringify(trainings.map((run) => [run.name, run.state]));
      if (telling !== told) showPast(trainings);
      told = telling;
      if (before && before !== running) onEnded();
    } catch (error) {
      if (!shown) showError(now, error, () => {});
    }
    timer = setTimeout(look, wait);
  }
  let timer = setTimeout(look, 0);
  const lookNow = () => {
    clearTimeout(timer);
    look();
  };

  async function showRun(name) {
    const run = await get(address(name));
    if (shown !== name) {
      charts?.dispose();
      shown = name;
      showContent(now, ...parts());
      charts = curveCharts(now.querySelector(".curves"));
    }
    now.querySelector(".run-head").replaceChildren(...headOf(run));
    const stages = stagesOf(run);
    now.querySelector(".run-stages").replaceChildren(stages.length ? stageList(stages) : element("p", { class: "soft", text: text("training.begins") }));
    if (run.state === "running") now.querySelector(".run-stages").scrollTop = Number.MAX_SAFE_INTEGER;
    charts.update(run.curves);
  }

  function headOf(run) {
    const what = element("div", { class: "row" }, element("strong", { text: text(`training.what.${run.what}`) }), badge(run), element("span", { class: "soft", text: text("training.by", { who: whoStarted(run), when: ago(run.started_at) }) }), element("span", { class: "soft number", text: duration(run.seconds) }));
    const stop = run.state === "running" && element("button", { type: "button", class: "button small danger", text: text("training.stop"), on: { click: (event) => stopRun(run.name, event.target) } });
    const error = run.error && element("p", { class: "notice danger", text: [run.error, run.hint].filter(Boolean).join(". ") });
    return [element("div", { class: "row apart" }, what, stop), error].filter(Boolean);
  }

  async function stopRun(name, button) {
    if (!(await confirmed({ title: text("training.stop_title"), body: text("training.stop_body"), confirm: text("training.stop"), isDangerous: true }))) return;
    button.disabled = true;
    await remove(address(name)).catch((error) => toast(error.message, { isBad: true }));
    lookNow();
  }

  function showPast(trainings) {
    const columns = [
      { title: text("training.started"), value: (run) => run.started_at, cell: (run) => dateTime(run.started_at) },
      { title: text("training.kind"), cell: (run) => text(`training.what.${run.what}`) },
      { title: text("training.outcome"), cell: (run) => element("span", { title: run.error ?? "" }, badge(run)) },
      { title: text("training.took"), isNumber: true, value: (run) => run.seconds, cell: (run) => duration(run.seconds) },
      { title: text("training.who"), cell: whoStarted },
      { title: text("training.result"), cell: (run) => (run.version ? element("span", { class: "mono", text: run.version }) : run.error ? element("span", { class: "clip-lines run-error", text: run.error }) : null) },
    ];
    if (trainings.length) showContent(past, table({ columns, rows: trainings, caption: text("training.past") }));
    else showEmpty(past);
  }

  const parts = () => [
    element("div", { class: "run-head stack tight" }),
    element("div", { class: "run-body" },
      element("div", { class: "stack tight" }, element("h3", { text: text("training.stages") }), element("div", { class: "run-stages", tabindex: "0", role: "region", "aria-label": text("training.stages") })),
      element("div", { class: "stack tight" }, element("h3", { text: text("training.curves") }), element("div", { class: "curves" }))),
  ];

  return {
    /** Start one after a question. @param {"full"|"continue"} what */
    async begin(what) {
      if (!(await confirmed({ title: text(`training.start_title.${what}`), body: text(`training.start_body.${what}`), confirm: text("training.start") }))) return;
      try {
        await post("/v1/trainings", { what });
      } catch (error) {
        toast([error.message, error.hint].filter(Boolean).join(". "), { isBad: true });
      }
      lookNow();
    },
  };
}
