import { showEmpty } from "./states.js";

showEmpty(document.getElementById("content-area"));
