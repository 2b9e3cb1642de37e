// Shelfwise in the browser: events are kept until the server acknowledged them, and nothing is ever thrown into the page.
(() => {
  "use strict";
  if (window.shelfwise) return;
  const script = document.currentScript, {key, url} = script.dataset, base = (url || new URL(script.src).origin) + "/v1";
  const BATCH = 50, BYTES = 50000, ROOM = 1000, WAIT = 1000, LONGEST = 300000, ALONE = 10000, HELD = 1800000, RENEW = 6e8;
  const NAME = "shelfwise.", VISITOR = "Shelfwise-Visitor";
  const memory = new Map(), mine = new Set(); // what storage does not take; events of this page
  let user = "", held, dwelling, asking, busy = false, failed = 0, notBefore = 0, timer = 0, due = 0;

  const warn = (why) => { try { console.warn("shelfwise:", why); } catch {} };
  const safe = (work) => (...given) => { try { return work(...given); } catch (error) { warn(error); } };
  const parse = (text) => { try { return JSON.parse(text); } catch { return null; } };
  const whose = (token) => token.split(".")[1] || "";

  // Storage may be forbidden or full: then this page's memory has to do.
  const get = (name) => { try { return memory.get(name) ?? localStorage.getItem(NAME + name); } catch { return null; } };
  const put = (name, text) => {
    try { localStorage.setItem(NAME + name, text); memory.delete(name); } catch { memory.set(name, text); }
  };
  const drop = (name) => { memory.delete(name); mine.delete(name); try { localStorage.removeItem(NAME + name); } catch {} };
  const names = () => { // of events, oldest first: a name begins with the time
    const found = [...memory.keys()];
    try { for (const one of Object.keys(localStorage)) if (one.startsWith(NAME)) found.push(one.slice(NAME.length)); } catch {}
    return found.filter((one) => one.startsWith("e.")).sort();
  };

  // An entry for each event: tabs that write at the same moment do not overwrite each other's.
  const keep = ({user_id, session_id, ...event}, alone, name) => { // whose it is, the token says
    if (!name) {
      const all = names(), drawn = crypto.getRandomValues(new Uint32Array(3));
      if (all.length >= ROOM) { drop(all[0]); warn("no room: the oldest event was dropped"); }
      name = "e." + Date.now().toString(36).padStart(9, "0") + Array.from(drawn, (n) => n.toString(36)).join("");
    }
    const at = Date.now(), entry = {at, until: at + alone, who: whose(user), event: {event_id: name.slice(2), ...event}};
    put(name, JSON.stringify(entry));
    mine.add(name);
    return name;
  };

  const call = (method, path, headers, more) =>
    fetch(base + path, {method, credentials: "omit", headers: {Authorization: "Bearer " + key, ...headers}, ...more});
  const post = (path, body, more) =>
    call("POST", path, {"Content-Type": "application/json", ...more}, {body, keepalive: body.length < 60000});

  // A token lasts ninety days; another one that is asked for in time is the same visitor's.
  const ask = async () => {
    const known = parse(get("visitor")), left = known ? Date.parse(known.expires_at) - Date.now() : 0;
    if (left > RENEW) return known.token;
    const answer = await post("/visitors", "{}", left > 0 ? {[VISITOR]: known.token} : {});
    if (!answer.ok) {
      if (/_visitor$/.test(parse(await answer.text())?.code)) drop("visitor");
      throw answer;
    }
    const fresh = await answer.json();
    put("visitor", JSON.stringify(fresh));
    return fresh.token;
  };
  const visitor = () => (asking ??= ask().finally(() => { asking = null; }));

  // The oldest events of one person, that are this page's or that another page left behind.
  const next = () => {
    let who, bytes = 0;
    const batch = [];
    for (const name of names()) {
      const {event, at, until, who: owner} = parse(get(name)) || {};
      if (!event) { drop(name); continue; }
      if (name === held || (!mine.has(name) && Date.now() < until)) continue;
      if (owner && owner !== whose(user)) continue; // waits until that person is signed in again
      // The server's clock is right, the visitor's perhaps not: only what had to wait brings its own time.
      const sent = Date.now() - at > ALONE ? {timestamp: new Date(at).toISOString(), ...event} : event;
      bytes += JSON.stringify(sent).length * 3;
      who ??= owner;
      if (owner !== who || batch.length === BATCH || (batch.length && bytes > BYTES)) break;
      batch.push({name, sent});
    }
    return {who, batch};
  };

  const send = async () => {
    const {who, batch} = next();
    if (!batch.length) return;
    const token = who ? user : await visitor();
    const answer = await post("/events", JSON.stringify(batch.map((one) => one.sent)), {[VISITOR]: token});
    const told = parse(await answer.text()) || {};
    const none = told.code === "all_refused" || answer.status === 413;
    if (!none && (!answer.ok || !told.events)) {
      if (/_visitor$/.test(told.code)) who ? (user = "") : drop("visitor");
      throw answer;
    }
    if (none || told.refused) warn(["refused", told.detail || told.events.filter((one) => one.status === "refused")]);
    batch.forEach((one) => drop(one.name));
  };

  const flush = async () => {
    clearTimeout(timer);
    timer = 0;
    if (busy || !key) return;
    if (Date.now() < notBefore) return later(notBefore - Date.now());
    busy = true;
    try {
      await send();
      failed = 0;
    } catch (failure) {
      const asked = 1000 * (failure.headers?.get("Retry-After") || 0) || 0, most = Math.min(LONGEST, WAIT * 2 ** failed++);
      notBefore = Date.now() + asked + (most / 2) * (1 + Math.random());
    }
    busy = false;
    if (next().batch.length) later(notBefore - Date.now());
    else if (names().length) later(ALONE); // of another page
  };
  const quiet = () => flush().catch(warn);
  const later = (ms) => {
    const at = Date.now() + Math.max(0, ms);
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(quiet, at - Date.now());
  };

  // How long something was looked at, in seconds. Kept as it grows and held back until it ends: a phone may end a page
  // in the background without a word, and a later page sends it then.
  const look = (alone) => {
    if (!dwelling) return;
    const now = performance.now();
    if (dwelling.since !== null) dwelling.ms += now - dwelling.since;
    dwelling.since = document.visibilityState === "visible" ? now : null;
    if (dwelling.ms >= WAIT) held = keep({...dwelling.event, value: Math.round(dwelling.ms / 100) / 10}, alone, held);
  };
  const looked = () => { look(ALONE); dwelling = held = null; };

  // Nothing that waits arrives after the erasure; where the person may not be erased from a page, it goes on waiting.
  const forget = async () => {
    const token = user || parse(get("visitor"))?.token;
    dwelling = held = null;
    const waiting = names().filter((one) => parse(get(one))?.who === whose(user)).map((one) => [one, get(one)]);
    waiting.forEach(([name]) => drop(name));
    while (busy) await new Promise((go) => setTimeout(go, 9));
    if (!token) return null;
    const answer = await call("DELETE", "/visitors/me", {[VISITOR]: token}), {ok} = answer;
    if (answer.status === 403) waiting.forEach(([name, entry]) => put(name, entry));
    if (!ok && answer.status !== 404) throw answer;
    if (!user) drop("visitor");
    return ok ? answer.json() : null;
  };

  window.shelfwise = {
    track: safe((event) => { keep(event, ALONE); mine.size < BATCH ? later(WAIT) : quiet(); }),
    dwell: safe((item_id, more) => {
      looked();
      if (item_id) dwelling = {event: {event: "dwell", item_id, ...more}, ms: 0, since: null};
      look(HELD);
      later(WAIT);
    }),
    identify: safe((token) => { looked(); user = token || ""; later(0); }),
    visitor: async () => { try { return user || (await visitor()); } catch { return null; } },
    forget,
    flush: quiet,
  };

  addEventListener("visibilitychange", safe(() => { look(HELD); if (document.visibilityState === "hidden") quiet(); }), true);
  // Nothing is heard any more: what is sent now is stored, and what was not is sent again by the next page.
  addEventListener("pagehide", safe(() => { looked(); busy = false; notBefore = 0; quiet(); }));
  addEventListener("pageshow", safe(() => later(WAIT)));
  addEventListener("online", safe(() => { notBefore = 0; quiet(); }));
  if (!key) warn("the script has no data-key");
  later(WAIT);
})();
