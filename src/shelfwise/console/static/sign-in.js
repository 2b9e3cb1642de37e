// Signing in: the key goes to the server once, which answers with a session that scripts cannot read.

import { post } from "./api.js";
import { text } from "./texts.js";

const form = document.getElementById("sign-in");
const message = document.getElementById("sign-in-error");
const button = form.querySelector("button[type=submit]");

const SAID = {
  wrong_key: "wrong",
  expired_key: "ended",
  revoked_key: "ended",
  not_allowed: "not_admin",
  too_many_attempts: "too_many",
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  message.hidden = true;
  button.disabled = true;
  try {
    const answer = await post("/console/session", { key: form.elements.key.value, next: form.elements.next.value });
    location.assign(answer.next);
  } catch (problem) {
    const isKeyWrong = problem.status === 422;
    message.textContent = isKeyWrong || SAID[problem.code] ? text(SAID[problem.code] ?? "wrong") : problem.message;
    message.hidden = false;
    form.elements.key.setAttribute("aria-invalid", "true");
    form.elements.key.select();
    button.disabled = false;
  }
});
