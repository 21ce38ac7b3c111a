// Figures of one check beside its charts: how much of the time it was up, and how long the phases of its looks took.
"use strict";
(() => {
  const availability = document.querySelector("[data-availability]");
  const percentiles = document.querySelector("[data-percentiles]");
  const EVERY = 60_000;

  async function fetched(path, asked) {
    const answer = await fetch(`${path}?${new URLSearchParams(asked)}`, { headers: { accept: "application/json" } });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error?.message ?? `The server answered ${answer.status}`);
    return told;
  }

  function tell(table, words) {
    table.parentElement.querySelector("[data-told]").textContent = words;
  }

  // Cut off, never rounded up: 100 % is said of nothing that was down for a second.
  const share = (ratio) => (ratio === null ? "–" : `${Math.floor(ratio * 1e5) / 1e3} %`);
  const spell = (seconds) => units.describe(seconds, "seconds");

  async function tellAvailability() {
    const check = availability.dataset.availability;
    await Promise.all([...availability.querySelectorAll("tbody tr")].map(async (row) => {
      try {
        const found = await fetched("/api/v1/samples/availability", { check, over: row.dataset.over });
        const outages = found.outages ? `${spell(found.down_seconds)} in ${found.outages === 1 ? "one outage" : `${found.outages} outages`}` : "none";
        row.querySelector("[data-up]").textContent = share(found.availability) + (found.exact ? "" : " (estimated)");
        row.querySelector("[data-down]").textContent = outages;
        row.querySelector("[data-unknown]").textContent = spell(Math.round(found.unknown_seconds + found.no_data_seconds));
        row.querySelector("[data-apart]").textContent = found.maintenance_seconds ? spell(found.maintenance_seconds) : "none";
        tell(availability, found.exact ? "" : `Estimated: ${found.note}.`);
      } catch (error) {
        tell(availability, error.message);
      }
    }));
  }

  function row(one) {
    const name = [one.step, (one.phase ?? one.labels.__name__).replaceAll("_", " ")].filter(Boolean).join(": ");
    const head = Object.assign(document.createElement("th"), { scope: "row" });
    head.append(Object.assign(document.createElement("bdi"), { textContent: name }));
    const cells = ["p50", "p95", "p99", "max"].map((what) => {
      const cell = Object.assign(document.createElement("td"), { textContent: units.describe(one[what], "seconds") });
      cell.dataset.what = what;
      return cell;
    });
    const line = document.createElement("tr");
    line.append(head, ...cells);
    return line;
  }

  async function tellPercentiles(time) {
    try {
      const found = await fetched("/api/v1/samples/percentiles", { check: percentiles.dataset.percentiles, ...time });
      percentiles.tBodies[0].replaceChildren(...found.series.map(row));
      tell(percentiles, found.series.length ? `In the time shown. ${found.exact ? "" : `Approximate: ${found.note}.`}` : "There are no samples in this time.");
    } catch (error) {
      tell(percentiles, error.message);
    }
  }

  if (availability) {
    tellAvailability();
    setInterval(() => { if (!document.hidden) tellAvailability(); }, EVERY);
  }
  // When maintenance windows were open in the time that the charts show: they shade it.
  async function tellMaintenance(time) {
    try {
      const found = await fetched("/api/v1/samples/availability", { check: availability.dataset.availability, ...time });
      const spans = found.newest_maintenance.map(({ start, end }) => ({ from: Date.parse(start) / 1000, to: Date.parse(end) / 1000 }));
      document.dispatchEvent(new CustomEvent("keepwell:maintenance", { detail: spans }));
    } catch {
      // The table says why.
    }
  }

  document.addEventListener("keepwell:shown", (event) => {
    if (percentiles) tellPercentiles(event.detail);
    if (availability) tellMaintenance(event.detail);
  });
})();
