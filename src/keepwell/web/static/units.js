// Numbers and times as a person reads them, the same words as the server uses (kernel/comparisons.py), and the steps of axes.
"use strict";
const units = (() => {
  // At least so many significant digits, never fewer than the whole part has; exponents only far out.
  function rounded(value, digits) {
    if (value >= 1e15 || (value > 0 && value < 1e-6)) return Number(value.toPrecision(digits)).toExponential().replace(/e([+-])(\d)$/, "e$10$2");
    const whole = String(Math.floor(value)).length;
    const leading = value > 0 && value < 1 ? Math.max(0, -Math.floor(Math.log10(value)) - 1) : 0;
    const decimals = value >= 1 ? Math.max(0, digits - whole) : digits + leading;
    const text = value.toFixed(Math.min(20, decimals));
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  }

  function seconds(value) {
    if (value > 0 && value < 0.001) return `${rounded(value * 1e6, 3)} µs`;
    if (value > 0 && value < 1) return `${rounded(value * 1000, 3)} ms`;
    if (value < 60 || value > 1e12) return `${rounded(value, 3)} s`;
    const [length, unit, smallerLength, smaller] = value >= 86400 ? [86400, "d", 3600, "h"] : value >= 3600 ? [3600, "h", 60, "min"] : [60, "min", 1, "s"];
    const parts = Math.floor(Math.floor(value) / smallerLength);
    const rest = parts % (length / smallerLength);
    const whole = Math.floor(parts / (length / smallerLength));
    return rest ? `${whole} ${unit} ${rest} ${smaller}` : `${whole} ${unit}`;
  }

  function bytes(value) {
    if (value < 1024) return `${rounded(value, 4)} B`;
    let left = value;
    for (const prefix of ["K", "M", "G", "T", "P"]) {
      left /= 1024;
      if (left < 1024 || prefix === "P") return `${rounded(left, 4)} ${prefix}iB`;
    }
    return "";
  }

  const ways = { seconds, bytes, ratio: (value) => `${rounded(value * 100, 4)} %`, number: (value) => rounded(value, 6) };

  function describe(value, unit) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (!Number.isFinite(value)) return value > 0 ? "infinity" : "minus infinity";
    return (value < 0 ? "-" : "") + (ways[unit] ?? ways.number)(Math.abs(value));
  }

  const ofName = (name) => (/_seconds(_total|_sum)?$/.test(name) ? "seconds" : /_bytes(_total)?$/.test(name) ? "bytes" : name.endsWith("_ratio") ? "ratio" : "number");

  // Distances between the ticks of an axis of values: round ones in the unit that its words are in.
  const decimal = [];
  for (let power = -12; power <= 18; power++) for (const part of [1, 2, 2.5, 5]) decimal.push(Number(`${part}e${power}`));
  const binary = [];
  for (let power = 0; power <= 60; power++) binary.push(2 ** power);
  const time = [...decimal.filter((step) => step < 10), 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000, 1728000, 4320000, 8640000, 17280000, 43200000, 86400000, 315360000, 3153600000];
  const steps = (unit) => ({ seconds: time, bytes: binary })[unit] ?? decimal;

  // Times are the viewer's own, in 24 hours.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "the browser's zone";
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const precise = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
  const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });

  function zoneWords(at) {
    const minutes = -new Date(at * 1000).getTimezoneOffset();
    const size = Math.abs(minutes);
    const offset = minutes === 0 ? "" : `${minutes < 0 ? "-" : "+"}${Math.floor(size / 60)}${size % 60 ? `:${String(size % 60).padStart(2, "0")}` : ""}`;
    return zone === "UTC" && !offset ? "UTC" : `${zone} (UTC${offset})`;
  }

  const hour = (at, step = 60) => (step < 60 ? precise : clock).format(at * 1000);
  const moment = (at, step = 60) => `${weekday.format(at * 1000)}, ${hour(at, step)}`;

  const between = (from, to, step = 60) => `${moment(from, step)} to ${day.format(from * 1000) === day.format(to * 1000) ? hour(to, step) : moment(to, step)}`;

  // The labels of a time axis: the hour, and the day where it begins.
  function ticks(chart, splits, axis, space, distance) {
    let before = null;
    return splits.map((at) => {
      const date = day.format(at * 1000);
      const text = distance >= 86400 ? date : (distance < 60 ? precise : clock).format(at * 1000) + (date === before ? "" : `\n${date}`);
      before = date;
      return text;
    });
  }

  const spans = { "1h": 3600, "6h": 21600, "24h": 86400, "7d": 604800, "30d": 2592000 };
  const distances = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

  // The step of a question: the shortest round one that gives a point every three pixels at most.
  function stepFor(seconds, pixels, least) {
    const wanted = Math.max(seconds / Math.max(60, Math.min(500, pixels / 3)), least || 0);
    return distances.find((step) => step >= wanted) ?? distances[distances.length - 1];
  }

  function spanWords(seconds) {
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
    return `${rounded(seconds, 3)} s`;
  }

  return { describe, ofName, steps, ticks, moment, between, zoneWords, spans, stepFor, spanWords };
})();
