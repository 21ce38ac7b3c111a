// What keeps a page honest after it was rendered: relative times, the connection's state, filters. Works without any of it.
"use strict";
(() => {
  const clockError = Date.parse(document.documentElement.dataset.now) - Date.now();
  const plainTitle = document.title;
  const rank = { fail: 0, warn: 1, unknown: 2, ok: 3 };

  // Relative times -------------------------------------------------------------------------------------------------
  function span(seconds) {
    if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  }

  function tellTime(element, now) {
    const words = span((now - Date.parse(element.dateTime)) / 1000);
    const text = element.dataset.relative === "for" ? `for ${words}` : `${words} ago`;
    if (element.textContent !== text) element.textContent = text;
  }

  function tellTimes(root) {
    const now = Date.now() + clockError;
    for (const element of root.querySelectorAll("time[data-relative]")) tellTime(element, now);
  }

  setInterval(() => { if (!document.hidden) { tellTimes(document); tellConnection(); } }, 5000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tellTimes(document); });
  document.addEventListener("mouseover", (event) => {
    const time = event.target.closest?.("time[datetime]");
    if (time) time.title = new Date(time.dateTime).toLocaleString();
  });

  // The connection -------------------------------------------------------------------------------------------------
  const indicator = document.getElementById("connection");
  const quiet = indicator?.hasAttribute("data-quiet"); // a page that asks now and then: it speaks only where nobody answers
  const sources = new WeakSet();
  let lostAt = null;
  let opened = false;

  function tellConnection() {
    if (!indicator) return;
    if (quiet && lostAt === null) {
      indicator.textContent = "";
      indicator.dataset.connection = "none";
      document.body.classList.remove("stale");
      return;
    }
    const state = lostAt !== null ? "lost" : opened ? "live" : "opening";
    const text = { live: "Live", opening: "Connecting", lost: `Connection lost ${span((Date.now() - (lostAt ?? 0)) / 1000)} ago, the state shown is old` }[state];
    if (indicator.dataset.connection !== state) indicator.dataset.connection = state;
    if (indicator.textContent !== text) indicator.textContent = text;
    document.body.classList.toggle("stale", state === "lost");
  }

  const fetchesItself = () => document.getElementById("live")?.hasAttribute("hx-get");

  function refresh() {
    if (fetchesItself()) htmx.trigger("#live", "again"); // it knows what belongs to it
    else htmx.ajax("GET", location.pathname + location.search, { target: "#live", select: "#live", swap: "outerHTML" });
  }

  document.addEventListener("htmx:sseOpen", (event) => {
    const again = opened;
    opened = true;
    lostAt = null;
    tellConnection();
    // What happened meanwhile was told to nobody: while the connection was lost, and between this page and its first connection. (The
    // large page of checks is told of each check with its next look.)
    if (again || fetchesItself()) refresh();
    const source = event.detail.source;
    if (sources.has(source)) return;
    sources.add(source);
    source.addEventListener("refresh", refresh);
  });
  document.addEventListener("htmx:sseError", () => {
    lostAt ??= Date.now();
    tellConnection();
  });

  function answered(event, isWell) {
    if (!quiet || event.detail.target?.id !== "live") return; // what was swapped is no longer the target of the event itself
    lostAt = isWell ? null : lostAt ?? Date.now();
    tellConnection();
  }

  document.addEventListener("htmx:afterRequest", (event) => answered(event, event.detail.successful === true));

  // The filter -----------------------------------------------------------------------------------------------------
  let only = "";

  function fits(row, words) {
    if (only && row.dataset.state !== only) return false;
    const text = row.dataset.words.toLowerCase();
    return words.every((word) => text.includes(word));
  }

  function filterWords() {
    return (document.getElementById("filter")?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  }

  function filterRow(row, words) {
    const hidden = !fits(row, words);
    if (row.hidden !== hidden) row.hidden = hidden;
  }

  function rows() {
    const filter = document.querySelector("[data-filter]");
    return filter ? document.querySelectorAll(`${filter.dataset.filter} tbody > tr`) : [];
  }

  function tellFiltered(words) {
    const all = rows();
    if (!all.length) return;
    const shown = [...all].filter((row) => !row.hidden).length;
    document.querySelector("[data-filter] output").textContent = words.length || only ? `${shown} of ${all.length}` : "";
    document.querySelector("[data-nothing]").hidden = shown > 0;
  }

  function filterAll() {
    const words = filterWords();
    for (const row of rows()) filterRow(row, words);
    tellFiltered(words);
  }

  function showOnly() {
    for (const button of document.querySelectorAll("[data-only]")) button.setAttribute("aria-pressed", String(button.dataset.only === only));
  }

  document.addEventListener("input", (event) => { if (event.target.id === "filter") filterAll(); });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-only]");
    if (!button) return;
    only = only === button.dataset.only ? "" : button.dataset.only;
    showOnly();
    filterAll();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const input = document.getElementById("filter");
    if (input) { event.preventDefault(); input.focus(); }
  });

  // What server-sent events put in ---------------------------------------------------------------------------------
  const before = new Map();
  let typed = "";
  let focused = "";

  function place(row) {
    const own = rank[row.dataset.state];
    for (const other of row.parentElement.children) {
      if (other !== row && rank[other.dataset.state] >= own) { other.before(row); return; }
    }
    row.parentElement.append(row);
  }

  function tookRow(row) {
    const earlier = before.get(row.id);
    before.delete(row.id);
    if (earlier !== undefined && earlier !== row.dataset.state) {
      place(row);
      row.classList.add("changed");
      row.addEventListener("animationend", () => row.classList.remove("changed"), { once: true });
    }
    const words = filterWords();
    filterRow(row, words);
    if (words.length || only) tellFiltered(words);
  }

  function shorten(list) {
    while (list.children.length > Number(list.dataset.longest) + 1) list.children[list.children.length - 2].remove(); // the last one says "nothing"
  }

  function tellTitle() {
    const headline = document.querySelector("[data-title]");
    if (headline) document.title = headline.dataset.title ? `${headline.dataset.title} · ${plainTitle}` : plainTitle;
  }

  function settle(root) {
    for (const filter of document.querySelectorAll("[data-filter]")) filter.hidden = false;
    tellTimes(root);
    tellTitle();
    showOnly();
  }

  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (event.target.dataset.state) before.set(event.target.id, event.target.dataset.state);
    focused = event.target.contains(document.activeElement) ? document.activeElement.dataset.only ?? "" : "";
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.querySelector("details[open]")) event.detail.shouldSwap = false; // somebody reads there
  });
  document.addEventListener("htmx:beforeSwap", () => { typed = document.getElementById("filter")?.value ?? ""; });
  document.addEventListener("htmx:load", (event) => {
    const element = event.target;
    if (element.matches("tr[data-state]")) {
      tellTimes(element);
      tookRow(element);
      return;
    }
    if (element.parentElement?.dataset.longest) shorten(element.parentElement);
    settle(element);
    if (focused) document.querySelector(`[data-only="${focused}"]`)?.focus();
    if (element.id !== "live") return;
    const input = document.getElementById("filter");
    if (input) input.value = typed;
    filterAll();
  });

  document.addEventListener("DOMContentLoaded", () => { settle(document); tellConnection(); });
})();
