// The data page: imports, the quarantine, and the check of events.

import { element } from "./dom.js";
import { eventChecker } from "./event-check.js";
import { showImports, uploadForm } from "./import-list.js";
import { showQuarantine } from "./quarantine.js";
import { tabs } from "./tabs.js";
import { text } from "./texts.js";

const VIEWS = ["imports", "quarantine", "events"];

const area = document.getElementById("content-area");
const importsPlace = element("section", { class: "card flush" });
const quarantinePlace = element("div", { class: "stack" });
const eventsPlace = element("div");
const asked = new URLSearchParams(location.search);
const chosen = { source: asked.get("source") ?? "", reason: asked.get("reason") ?? "" };
const shown = {
  imports: () => showImports(importsPlace),
  quarantine: () => showQuarantine(quarantinePlace, chosen),
  events: () => eventsPlace.childElementCount || eventsPlace.append(eventChecker()),
};

function select(key) {
  shown[key]();
  history.replaceState(null, "", `#${key}`);
}

const begin = VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "imports";
const upload = uploadForm(shown.imports, shown.imports);
area.replaceChildren(tabs([
  { key: "imports", title: text("tab.imports"), panel: element("div", { class: "stack" }, importsPlace, upload) },
  { key: "quarantine", title: text("tab.quarantine"), panel: quarantinePlace },
  { key: "events", title: text("tab.events"), panel: eventsPlace },
], { label: text("tab.label"), selected: begin, onSelect: select }));
shown[begin]();
