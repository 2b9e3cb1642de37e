// Asks the API: every page speaks to the server through here.

import { text } from "./texts.js";

const csrfToken = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** What the server said was wrong (RFC 9457), or that it could not be reached. */
export class Problem extends Error {
  /** @param {{status: number, code: string, detail: string, hint?: string, errors?: Array}} document */
  constructor(document) {
    super(document.detail);
    this.name = "Problem";
    this.status = document.status;
    this.code = document.code;
    this.hint = document.hint ?? null;
    this.errors = document.errors ?? [];
  }
}

/**
 * Send a request.
 * @param {string} method
 * @param {string} path As in `/v1/items`; parts of it that come from data go through `encodeURIComponent`.
 * @param {{query?: Object, body?: any, headers?: Object, signal?: AbortSignal, as?: "json"|"response"}} [options]
 *   `query`: parameters, left out where null; lists repeat. `body`: sent as JSON, unless it is a Blob or File.
 * @returns {Promise<any>} The answer's JSON; null where it is empty; the `Response` with `as: "response"`.
 * @throws {Problem} The server refused, or cannot be reached. An aborted request throws `AbortError` as `fetch` does.
 */
export async function ask(method, path, { query, body, headers = {}, signal, as = "json" } = {}) {
  const sent = new Headers(headers);
  const isRaw = body instanceof Blob;
  if (body !== undefined && !isRaw) sent.set("Content-Type", "application/json");
  if (method !== "GET" && csrfToken) sent.set("Shelfwise-CSRF", csrfToken);
  let answer;
  try {
    answer = await fetch(addressOf(path, query), {
      method, headers: sent, signal, credentials: "same-origin",
      body: body === undefined ? undefined : isRaw ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ status: 0, code: "unreachable", detail: text("state.offline"), hint: text("state.offline_hint") });
  }
  if (!answer.ok) throw await refused(answer);
  if (as === "response") return answer;
  return answer.status === 204 ? null : answer.json();
}

export const get = (path, query, options = {}) => ask("GET", path, { query, ...options });
export const post = (path, body = {}, options = {}) => ask("POST", path, { body, ...options });
export const put = (path, body, options = {}) => ask("PUT", path, { body, ...options });
export const patch = (path, body, options = {}) => ask("PATCH", path, { body, ...options });
export const remove = (path, options = {}) => ask("DELETE", path, options);

/** Whether an error only says that a newer request took the place of this one. */
export const isAborted = (error) => error?.name === "AbortError";

function addressOf(path, query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") parameters.append(name, one);
    }
  }
  return parameters.size ? `${path}?${parameters}` : path;
}

async function refused(answer) {
  const known = await answer.json().catch(() => ({}));
  if (answer.status === 401 && csrfToken) {
    const here = location.pathname + location.search;
    location.assign(`/console/sign-in?next=${encodeURIComponent(here)}`);
  }
  return new Problem({ status: answer.status, code: known.code ?? "unknown", detail: known.detail ?? answer.statusText, ...known });
}
