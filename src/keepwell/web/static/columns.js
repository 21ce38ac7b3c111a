// What the answers of the API become before they are drawn or told: series, stretches of states, columns of numbers. No document.
"use strict";
const columns = (() => {
  const STATES = ["ok", "warn", "fail", "unknown"];
  const BRIDGED = 2.5; // so many steps without a sample are no gap yet: looks are not made to the millisecond

  const instant = (value) => (typeof value === "number" ? value : Date.parse(value) / 1000);

  // One entry a series, with its points by kind as {time: number}.
  function gathered(answer) {
    const series = new Map();
    for (const { labels, of, points } of answer.series) {
      const key = JSON.stringify(Object.entries(labels).sort());
      if (!series.has(key)) series.set(key, { key, labels, name: labels.__name__ ?? "", of: {} });
      series.get(key).of[of] = new Map(points.filter(([, value]) => value !== null).map(([at, value]) => [instant(at), value]));
    }
    return { ...answer, start: instant(answer.start), end: instant(answer.end), series: [...series.values()] };
  }

  // Stretches of one state each, {from, to, state}. A step in which the check was down at all is one of fail; check_up has no sample
  // where nobody knows, so the largest check_state alone would hide a failure behind what is unknown.
  function spells(answer, every) {
    const [states, ups] = ["check_state", "check_up"].map((name) => answer.series.filter((one) => one.name === name));
    const worst = new Map();
    for (const one of states) for (const [at, value] of one.of.max ?? []) worst.set(at, Math.max(worst.get(at) ?? 0, value));
    for (const one of ups) for (const [at, value] of one.of.min ?? []) if (value === 0) worst.set(at, 2);
    const found = [];
    const reach = Math.max(answer.step, every) * BRIDGED;
    const instants = [...worst.keys()].sort((a, b) => a - b);
    instants.forEach((at, index) => {
      const next = instants[index + 1] ?? Math.min(answer.end, at + Math.max(answer.step, every));
      const to = next - at > reach ? at + Math.max(answer.step, every) : next;
      const state = STATES[worst.get(at)] ?? "unknown";
      const last = found[found.length - 1];
      if (last && last.state === state && at - last.to < 1e-6) last.to = to;
      else found.push({ from: at, to, state });
    });
    return found;
  }

  // What was not ok, and when nobody looked; the newest first.
  function troubles({ start, end, step }, stretches, maintenance, every) {
    const found = [];
    let known = start;
    for (const stretch of [...stretches, { from: end, to: end, state: "ok" }]) {
      if (stretch.from - known > Math.max(step, every) * BRIDGED) found.push({ from: known, to: stretch.from, state: "" });
      if (stretch.state !== "ok") found.push(stretch);
      known = stretch.to;
    }
    for (const { from, to } of maintenance) if (to > start && from < end) found.push({ from: Math.max(from, start), to: Math.min(to, end), state: "maintenance" });
    return found.sort((a, b) => b.from - a.from);
  }

  // The columns of uPlot: times, then of each series its line and, where they differ anywhere, the least and the largest. A time without
  // a number is null where a gap shall be seen and undefined where the line goes on.
  function aligned(figure, every) {
    const kinds = figure.kind === "avg" ? ["avg", "min", "max"] : [figure.kind];
    const spread = kinds.length > 1 && figure.series.some((one) => [...(one.of.max ?? [])].some(([at, value]) => value !== one.of.min.get(at)));
    const used = spread ? kinds : [figure.kind];
    const times = new Set();
    for (const one of figure.series) for (const at of one.of[figure.kind]?.keys() ?? []) times.add(at);
    const sorted = [...times].sort((a, b) => a - b);
    const broken = new Set();
    const reach = Math.max(figure.answer.step, every, usualDistance(sorted)) * BRIDGED;
    sorted.forEach((at, index) => { if (index && at - sorted[index - 1] > reach) broken.add((at + sorted[index - 1]) / 2); });
    const all = [...sorted, ...broken].sort((a, b) => a - b);
    const lines = figure.series.flatMap((one) => used.map((kind) => column(one.of[kind] ?? new Map(), all, Math.max(figure.answer.step, every) * BRIDGED)));
    return { columns: [all.map((at) => at + figure.answer.step / 2), ...lines], spread }; // a point stands in the middle of its step
  }

  function usualDistance(sorted) {
    const distances = sorted.slice(1).map((at, index) => at - sorted[index]).sort((a, b) => a - b);
    return distances[Math.floor((distances.length - 1) / 2)] ?? 0;
  }

  function column(points, times, least) {
    const reach = Math.max(least, usualDistance([...points.keys()]) * BRIDGED);
    const following = [];
    let next = Infinity;
    for (let index = times.length - 1; index >= 0; index--) {
      following[index] = next;
      if (points.has(times[index])) next = times[index];
    }
    let last = -Infinity;
    return times.map((at, index) => {
      if (points.has(at)) {
        last = at;
        return points.get(at);
      }
      return following[index] - last > reach ? null : undefined;
    });
  }

  const common = (found) => (found.length && found.every((unit) => unit === found[0]) ? found[0] : "number");


  function figuresOf(figure, one) {
    const line = [...(one.of[figure.kind] ?? [])].sort(([a], [b]) => a - b);
    if (!line.length) return { last: null, mean: null, min: null, max: null };
    const weights = figure.kind === "avg" ? one.of.count : new Map(line.map(([at]) => [at, 1]));
    const total = line.reduce((sum, [at]) => sum + (weights.get(at) ?? 0), 0);
    const least = [...(one.of.min ?? new Map(line)).values()];
    const largest = [...(one.of.max ?? new Map(line)).values()];
    const lasts = [...(one.of.last ?? new Map(line))].sort(([a], [b]) => a - b);
    return {
      last: lasts[lasts.length - 1]?.[1] ?? null,
      mean: line.reduce((sum, [at, value]) => sum + value * (weights.get(at) ?? 0), 0) / total,
      min: Math.min(...least),
      max: Math.max(...largest),
    };
  }

  // What tells a series from the others in its chart: its name where they differ in it, and the labels in which they differ.
  function titles(series) {
    const differing = (label) => new Set(series.map((one) => one.labels[label] ?? "")).size > 1;
    const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter((label) => label !== "__name__" && differing(label));
    const many = differing("__name__");
    return series.map((one) => {
      const own = labels.filter((label) => one.labels[label] !== undefined).map((label) => `${label}=${one.labels[label]}`).join(", ");
      const name = many || !own ? one.name || "(no name)" : "";
      return visible([name, own].filter(Boolean).join(" · "));
    });
  }

  // As the server does (web/environment.py): controls and marks that reorder text become signs that can be seen.
  const visible = (text) => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (found) => {
    const code = found.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });

  return { STATES, instant, gathered, spells, troubles, aligned, common, figuresOf, titles };
})();
