"use strict";

// Keeps the page as the server would show it now. The server says when something
// has changed; then the same page is fetched again, and what differs is altered in
// place, so that scroll, focus, selection, what is typed and what is open stay.
(() => {
  const REFRESH = 30_000; // looks again though nothing was said, as times pass
  const SILENCE = 40_000; // a stream that says nothing for so long is dead
  const SLOWEST = 60_000; // between two tries to connect

  const { since, target } = document.body.dataset;
  const state = document.getElementById("live");
  const said = document.getElementById("said");
  let version = since; // of what was told
  let assets; // the version of what the first answer came with
  let source, silence, retry, wait = 1000;
  let streams = false, looked = true; // whether it is told of changes, and whether the last look was answered
  let heard = new Date(); // when it was
  let due, busy = false, wanted = false;

  const announce = (text) => { said.textContent = text; };

  // How well the page is kept: by what was told, by looking now and then, or not at all.
  const tell = () => {
    const now = !looked ? "stale" : streams ? "live" : "slow", was = state.dataset.is;
    if (now === was) return;
    state.dataset.is = now;
    state.textContent = { live: "Live", slow: "Looks again every 30 s", stale: `Not live since ${heard.toISOString().slice(11, 19)} UTC. ` }[now];
    if (now === "stale") state.append(Object.assign(document.createElement("a"), { href: location.href, textContent: "Reload" }));
    if (was) announce(now === "stale" ? state.firstChild.textContent : state.textContent);
  };

  // What is told to those who don't see the page change: the texts of what has data-say.
  const sayings = () => new Map([...document.querySelectorAll("main [data-say]")].map((e) => [e.dataset.say, e.textContent.trim()]));

  const dirty = () => [...document.querySelectorAll("main input, main textarea")].some((e) => e === document.activeElement || e.value !== e.defaultValue);

  const show = (next) => {
    const before = sayings();
    for (const part of ["#main", "#asof"]) {
      const from = document.querySelector(part), to = next.querySelector(part);
      if (from && to) Idiomorph.morph(from, to, {
        callbacks: {
          // What people typed and opened is theirs.
          beforeAttributeUpdated: (name, e) => !(name === "open" || (name === "value" && e.matches("input, textarea"))),
        },
      });
    }
    if (document.title !== next.title) document.title = next.title;
    const news = [...sayings()].filter(([key, text]) => before.has(key) && before.get(key) !== text);
    if (news.length) announce(news.map(([key, text]) => `${key}: ${text}`).join(". "));
  };

  const look = async () => {
    const answer = await fetch(location.href, { cache: "no-store", headers: { Accept: "text/html" } });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.redirected || (!answer.ok && answer.status !== 404) || !next.querySelector("#main")) throw new Error(`status ${answer.status}`);
    show(next);
  };

  // One look at a time, and no more than a tenth of the time spent on them.
  const pump = async () => {
    if (busy || !wanted || document.hidden) return;
    busy = true;
    wanted = false;
    clearTimeout(due);
    const began = performance.now();
    try {
      await look();
      [looked, heard] = [true, new Date()];
    } catch {
      looked = false;
    }
    tell();
    due = setTimeout(want, REFRESH);
    setTimeout(() => { busy = false; pump(); }, Math.max(1000, 10 * (performance.now() - began)));
  };
  const want = () => { wanted = true; pump(); };

  const alive = () => {
    [streams, wait] = [true, 1000];
    tell();
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE);
  };

  const close = () => {
    clearTimeout(silence);
    clearTimeout(retry);
    source?.close();
    source = undefined;
  };

  // A stream ends now and then by itself: only if the next doesn't come, the page isn't live.
  const lost = () => {
    close();
    if (wait > 1000) {
      streams = false;
      want(); // tells whether anybody is there
    }
    retry = setTimeout(open, wait * (0.75 + Math.random() / 2));
    wait = Math.min(2 * wait, SLOWEST);
  };

  const open = () => {
    close();
    if (document.hidden) return;
    source = new EventSource(`/events?since=${encodeURIComponent(version)}`);
    source.onerror = lost;
    source.addEventListener("hello", (e) => {
      alive();
      assets ??= e.data;
      if (assets !== e.data && !dirty()) location.reload(); // policysync has become another version
    });
    source.addEventListener("beat", alive);
    source.addEventListener("change", (e) => {
      alive();
      version = e.lastEventId;
      if (e.data === "*" || !target || e.data === target) want();
    });
  };

  // A browser opens six connections to a server: pages that nobody sees hold none.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return close();
    wait = 1000;
    want();
    open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (e) => { if (e.persisted) { want(); open(); } });

  due = setTimeout(want, REFRESH);
  open();
})();
