// Charts: finds the figures of a page, asks for their numbers and draws them with uPlot. The time shown stands in the address, so that a
// picture can be shared. Every chart has a table of its figures beside it; the keyboard moves the cursor as the mouse does.
"use strict";
(() => {
  const root = document.querySelector("[data-charts]");
  if (!root) return;
  const STATES = ["ok", "warn", "fail", "unknown"];
  const COLOURS = 8;
  const BRIDGED = 2.5; // so many steps without a sample are no gap yet: looks are not made to the millisecond
  const KINDS = { gauge: "avg,count,min,max,last", counter: "rate,count" };
  const every = Number(root.dataset.every ?? 0);
  const figures = [...root.querySelectorAll("[data-chart], [data-band]")].map((element) => ({ element, canvas: element.querySelector("[data-canvas]"), hidden: new Set() }));
  const style = getComputedStyle(document.documentElement);
  const css = (name) => style.getPropertyValue(name).trim();
  const make = (tag, options = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), options);
    element.append(...children);
    return element;
  };

  // The time shown -------------------------------------------------------------------------------------------------
  let view = readView();
  let shown = null; // what the newest answer is of: start, end, step, tier
  let asking = null;
  let timer = 0;

  function readView() {
    const asked = new URLSearchParams(location.search);
    const [start, end] = [Number(asked.get("start")), Number(asked.get("end"))];
    if (asked.has("start") && asked.has("end") && end > start) return { start, end };
    return { over: asked.get("over") in units.spans ? asked.get("over") : root.dataset.over };
  }

  const length = () => (view.over ? units.spans[view.over] : view.end - view.start);

  function address(changed) {
    const asked = new URLSearchParams(location.search);
    for (const name of ["over", "start", "end"]) asked.delete(name);
    for (const [name, value] of Object.entries(changed)) asked.set(name, String(value));
    return `${location.pathname}?${asked}`;
  }

  function show(changed) {
    view = changed;
    history.pushState(null, "", address(changed));
    load();
  }

  function move(direction) {
    const seconds = length();
    const end = Math.round((shown ? shown.end : Date.now() / 1000) + (direction * seconds) / 2);
    const known = Object.keys(units.spans).find((over) => units.spans[over] === seconds);
    if (known && end >= Date.now() / 1000) show({ over: known });
    else show({ start: Math.round(end - seconds), end });
  }

  function tellView() {
    for (const link of root.querySelectorAll("[data-ranges] a")) {
      link.href = address({ over: link.dataset.over });
      if (view.over === link.dataset.over) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const time = view.over ? { start: `-${view.over}` } : view;
    for (const link of root.querySelectorAll("[data-numbers]")) {
      const asked = new URLSearchParams({ match: link.dataset.match, ...time });
      if (link.dataset.numbers === "export") asked.set("format", "csv");
      link.href = `/api/v1/samples/${link.dataset.numbers}?${asked}`;
    }
  }

  function tellShown() {
    const place = root.querySelector("[data-shown-time]");
    const times = `${units.between(shown.start, shown.end)}, ${units.zoneWords(shown.end)}`;
    const tier = shown.tier === "raw" ? "from every sample" : `from roll-ups of ${shown.tier.replace("5m", "5 minutes").replace("1h", "an hour")}`;
    const words = `${times}. A point every ${units.spanWords(shown.step)}, ${tier}${shown.exact ? "" : `; approximate: ${shown.note || "it lies between stored rows"}`}.`;
    if (place.textContent !== words) place.textContent = words;
    place.hidden = false;
  }

  // Asking ---------------------------------------------------------------------------------------------------------
  async function fetched(path, asked, signal) {
    const answer = await fetch(`${path}?${new URLSearchParams(asked)}`, { signal, headers: { accept: "application/json" } });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error([told.error?.message ?? `The server answered ${answer.status}`, told.error?.hint].filter(Boolean).join(": "));
    return told;
  }

  const instant = (value) => (typeof value === "number" ? value : Date.parse(value) / 1000);

  function ask(figure, signal) {
    const pixels = Math.max(240, ...(figures.length > 1 ? figures.slice(1) : figures).map((other) => other.canvas.clientWidth)); // the first may be the band
    const step = units.stepFor(length(), pixels, every);
    const time = view.over ? { start: `-${view.over}` } : { start: view.start, end: view.end };
    const of = KINDS[figure.element.dataset.kind] ?? KINDS.gauge;
    const asked = { match: root.dataset.match ?? figure.element.dataset.match, ...time, step, of };
    if (root.dataset.limit) asked.limit = root.dataset.limit;
    return { key: JSON.stringify(asked), fetch: () => fetched("/api/v1/samples/range", asked, signal).then(gathered) };
  }

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

  async function load() {
    clearTimeout(timer);
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    tellView();
    root.setAttribute("aria-busy", "true");
    const answers = new Map();
    await Promise.all(figures.map(async (figure) => {
      const question = ask(figure, signal);
      if (!answers.has(question.key)) answers.set(question.key, question.fetch());
      try {
        const answer = await answers.get(question.key);
        if (signal.aborted) return;
        shown = answer;
        tellShown();
        draw(figure, answer);
      } catch (error) {
        if (!signal.aborted) tell(figure, error.message);
      }
    }));
    if (signal.aborted) return;
    root.removeAttribute("aria-busy");
    document.dispatchEvent(new CustomEvent("keepwell:shown", { detail: view.over ? { over: view.over } : view }));
    root.dataset.drawn = String(Number(root.dataset.drawn ?? 0) + 1);
    if (view.over) timer = setTimeout(again, 1000 * Math.min(60, Math.max(10, (shown?.step ?? 60) / 2)));
  }

  function again() {
    if (document.hidden) document.addEventListener("visibilitychange", again, { once: true });
    else load();
  }

  function tell(figure, words) {
    const place = figure.element.querySelector("[data-told]") ?? figure.element.querySelector("[data-spells]");
    if (place.textContent !== words) place.textContent = words;
  }

  // States ---------------------------------------------------------------------------------------------------------
  // Stretches of one state each, {from, to, state}. A step in which the check was down at all is one of fail; check_up has no sample
  // where nobody knows, so the largest check_state alone would hide a failure behind what is unknown.
  function spells(answer) {
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

  let maintenance = []; // stretches {from, to}, as answers.js learns them

  document.addEventListener("keepwell:maintenance", (event) => {
    if (JSON.stringify(event.detail) === JSON.stringify(maintenance)) return;
    maintenance = event.detail;
    for (const figure of figures) {
      figure.chart?.redraw(false);
      if (figure.element.dataset.band !== undefined && figure.answer) tellSpells(figure, figure.spells);
    }
  });

  function rectangles(chart, stretches, paint) {
    const { left, width } = chart.bbox;
    for (const stretch of stretches) {
      const from = Math.max(left, chart.valToPos(stretch.from, "x", true));
      const to = Math.min(left + width, chart.valToPos(stretch.to, "x", true));
      if (to > left && from < left + width) paint(from, Math.max(to - from, devicePixelRatio), stretch);
    }
  }

  function tint(chart, stretches) {
    const { ctx, bbox } = chart;
    ctx.save();
    rectangles(chart, stretches.filter(({ state }) => state !== "ok"), (x, width, { state }) => {
      ctx.fillStyle = css(`--${state}-soft`);
      ctx.fillRect(x, bbox.top, width, bbox.height);
    });
    rectangles(chart, maintenance, (x, width) => hatch(ctx, x, bbox.top, width, bbox.height));
    ctx.restore();
  }

  function hatch(ctx, x, y, width, height) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, width, height);
    ctx.clip();
    ctx.strokeStyle = css("--line");
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    for (let at = x - height; at < x + width; at += 10 * devicePixelRatio) {
      ctx.moveTo(at, y + height);
      ctx.lineTo(at + height, y);
    }
    ctx.stroke();
    ctx.restore();
  }

  const TALL = { ok: 0.42, warn: 0.8, fail: 1, unknown: 0.66 }; // a state is its height too, not its colour alone

  function strip(chart, stretches, height) {
    const { ctx, bbox } = chart;
    ctx.save();
    rectangles(chart, stretches, (x, width, { state }) => {
      ctx.fillStyle = css(`--${state}-cell`);
      ctx.fillRect(x, bbox.top + bbox.height - height * TALL[state], width, height * TALL[state]);
    });
    ctx.restore();
  }

  // What was not ok, and when nobody looked; the newest first.
  function troubles(figure, stretches) {
    const { start, end, step } = figure.answer;
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

  function tellSpells(figure, stretches) {
    const list = figure.element.querySelector("[data-spells]");
    const about = figure.answer.step > Math.max(every, 1) ? "about " : "";
    const all = troubles(figure, stretches);
    const words = all.slice(0, 5).map(({ from, to, state }) => {
      const seen = STATES.includes(state);
      const what = seen ? make("span", { className: `badge ${state}`, textContent: state }) : state || "no looks";
      return make("li", {}, what, ` ${state === "maintenance" ? "" : about}${units.between(from, to)}`);
    });
    if (all.length > 5) words.push(make("li", { textContent: `and ${all.length - 5} more` }));
    if (stretches.length && !all.some(({ state }) => STATES.includes(state))) words.unshift(make("li", { textContent: "Every look was ok." }));
    if (!stretches.length) words.splice(0, words.length, make("li", { textContent: "There are no looks in this time." }));
    list.replaceChildren(...words);
  }

  // Drawing --------------------------------------------------------------------------------------------------------
  function draw(figure, answer) {
    figure.answer = answer;
    figure.spells = spells(answer);
    if (figure.element.dataset.band !== undefined) return drawBand(figure);
    const names = figure.element.dataset.names ? JSON.parse(figure.element.dataset.names) : null;
    figure.series = answer.series.filter((one) => !names || names.includes(one.name));
    if (names) figure.series.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
    figure.kind = figure.element.dataset.kind === "counter" ? "rate" : "avg";
    figure.unit = figure.element.dataset.unit || common(figure.series.map((one) => units.ofName(one.name)));
    const { columns, spread } = aligned(figure);
    const kept = JSON.stringify([figure.series.map((one) => one.key), spread]);
    if (figure.chart && figure.kept === kept) {
      figure.chart.setData(columns, false);
      figure.chart.batch(() => rescale(figure));
    } else {
      figure.chart?.destroy();
      figure.kept = kept;
      figure.chart = new uPlot(options(figure, spread), columns, figure.canvas);
      rescale(figure);
    }
    tellFigure(figure);
    legend(figure);
  }

  const common = (found) => (found.length && found.every((unit) => unit === found[0]) ? found[0] : "number");

  function rescale(figure) {
    const { start, end, step } = figure.answer;
    const now = Date.now() / 1000;
    figure.chart.setScale("x", { min: start, max: view.over && end - now < step && now > start ? Math.min(end, now) : end });
  }

  // The columns of uPlot: times, then of each series its line and, where they differ anywhere, the least and the largest. A time without
  // a number is null where a gap shall be seen and undefined where the line goes on.
  function aligned(figure) {
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
    const columns = figure.series.flatMap((one) => used.map((kind) => column(one.of[kind] ?? new Map(), all, Math.max(figure.answer.step, every) * BRIDGED)));
    return { columns: [all.map((at) => at + figure.answer.step / 2), ...columns], spread }; // a point stands in the middle of its step
  }

  function usualDistance(sorted) {
    const distances = sorted.slice(1).map((at, index) => at - sorted[index]).sort((a, b) => a - b);
    return distances[Math.floor(distances.length / 2)] ?? 0;
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

  const colour = (index) => css(`--s${(index % COLOURS) + 1}`);
  const dash = (index) => [[], [6, 4], [2, 3]][Math.floor(index / COLOURS) % 3].map((part) => part * devicePixelRatio);
  const font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
  const describe = (figure, value) => (figure.kind === "rate" && value !== null && value !== undefined ? `${units.describe(Number(value.toPrecision(4)), figure.unit)}/s` : units.describe(value, figure.unit));

  function axes(figure) {
    const shared = { font, stroke: () => css("--dim"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { stroke: () => css("--line"), width: 1, size: 5 } };
    return [
      { ...shared, values: units.ticks, space: 64, size: 44 },
      {
        ...shared,
        values: (chart, splits) => splits.map((value) => describe(figure, value)),
        incrs: units.steps(figure.unit),
        space: 34,
        size: (chart, values) => 16 + 6.8 * Math.max(3, ...(values ?? []).map((text) => text.length)),
      },
    ];
  }

  function options(figure, spread) {
    const series = figure.series.flatMap((one, index) => {
      const line = { label: one.name, show: !figure.hidden.has(one.key), stroke: () => colour(index), dash: dash(index), width: 1.6, points: { size: 4 } };
      const edge = { label: one.name, show: line.show, stroke: "transparent", width: 0, points: { show: false } };
      return spread ? [line, edge, edge].map((each) => ({ ...each })) : [line];
    });
    const bands = spread ? figure.series.map((one, index) => ({ series: [3 * index + 3, 3 * index + 2], fill: () => `${colour(index)}2b` })) : [];
    return {
      width: figure.canvas.clientWidth,
      height: 220,
      series: [{}, ...series],
      bands,
      axes: axes(figure),
      scales: { x: { time: true }, y: { range: (chart, low, high) => (figure.drawn = reach(figure, low, high)) } },
      legend: { show: false },
      cursor: cursor(),
      hooks: {
        setScale: [(chart, key) => { if (key === "y") tellFigure(figure); }],
        drawClear: [(chart) => tint(chart, figure.spells)],
        draw: [(chart) => { limits(chart, figure); strip(chart, figure.spells, 5 * devicePixelRatio); }],
        setCursor: [(chart) => tellCursor(figure, chart.cursor.idx)],
        setSelect: [zoom],
      },
    };
  }

  const cursor = () => ({ sync: { key: "page", scales: ["x", null] }, drag: { x: true, y: false, setScale: false, dist: 8 }, points: { size: 7 }, y: false });

  function zoom(chart) {
    const { left, width } = chart.select;
    if (width < 8) return;
    const [start, end] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")].map(Math.round);
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (end - start >= 60 && (view.start !== start || view.end !== end)) show({ start, end });
  }

  const lines = (figure) => JSON.parse(figure.element.dataset.lines || "[]");

  // From zero, unless all is far above it; limits are shown where that does not flatten what was measured.
  function reach(figure, low, high) {
    if (low === null || high === null) return [0, 1];
    const near = lines(figure).map(({ bound }) => bound).filter((bound) => bound <= 4 * Math.max(high, 0) && bound >= Math.min(low, 0));
    let [least, most] = [Math.min(low, ...near), Math.max(high, ...near)];
    if (figure.unit !== "number" || least < 0.7 * most) least = Math.min(0, least);
    if (least === most) [least, most] = least === 0 ? [0, 1] : [least - Math.abs(least) * 0.1, most + Math.abs(most) * 0.1];
    const room = (most - least) * 0.07;
    return [least === 0 ? 0 : least - room, most + room];
  }

  function limits(chart, figure) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    for (const { state, bound, text } of lines(figure)) {
      if (bound < chart.scales.y.min || bound > chart.scales.y.max) continue;
      const y = chart.valToPos(bound, "y", true);
      ctx.strokeStyle = ctx.fillStyle = css(`--${state}`);
      ctx.lineWidth = 1.4 * devicePixelRatio;
      ctx.setLineDash([5, 4].map((part) => part * devicePixelRatio));
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(`${state} ${text}`, bbox.left + bbox.width - 4 * devicePixelRatio, y - devicePixelRatio);
    }
    ctx.restore();
  }

  function drawBand(figure) {
    const columns = [[figure.answer.start, figure.answer.end], [0, 0]];
    if (!figure.chart) {
      const shared = { font, stroke: () => css("--dim"), grid: { show: false }, ticks: { stroke: () => css("--line"), width: 1, size: 5 } };
      figure.chart = new uPlot({
        width: figure.canvas.clientWidth,
        height: 78,
        padding: [2, 12, 0, 12],
        series: [{}, { show: false }],
        axes: [{ ...shared, values: units.ticks, space: 64, size: 44 }, { show: false }],
        scales: { x: { time: true }, y: { range: [0, 1] } },
        legend: { show: false },
        cursor: { ...cursor(), points: { show: false } },
        hooks: { draw: [(chart) => strip(chart, figure.spells, chart.bbox.height)], drawClear: [(chart) => tint(chart, [])], setSelect: [zoom] },
      }, columns, figure.canvas);
    } else figure.chart.setData(columns, false);
    rescale(figure);
    tellSpells(figure, figure.spells);
    figure.canvas.setAttribute("role", "img");
    figure.canvas.setAttribute("aria-label", "States over time; the list after it names what was not ok");
  }

  // What stands beside a chart -------------------------------------------------------------------------------------
  function tellFigure(figure) {
    const { answer, series } = figure;
    const told = [];
    if (!series.length) told.push("There are no samples in this time.");
    if (answer.total > answer.series.length && !root.dataset.match) told.push(`${answer.total} series fit; ${series.length} are drawn: ask for fewer to see the others.`);
    const above = lines(figure).filter(({ bound }) => figure.drawn && (bound > figure.drawn[1] || bound < figure.drawn[0]));
    if (series.length && above.length) told.push(`Outside the picture: ${above.map(({ state, text }) => `${state} ${text}`).join(", ")}.`);
    tell(figure, told.join(" "));
    figure.canvas.setAttribute("role", "group");
    figure.canvas.setAttribute("aria-roledescription", "chart");
    figure.canvas.setAttribute("aria-label", "Arrow keys read single points; the table after the chart has its figures");
    figure.canvas.tabIndex = series.length ? 0 : -1;
    figure.element.classList.toggle("empty-chart", !series.length);
  }

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

  function legend(figure) {
    const place = figure.element.querySelector("[data-legend]");
    if (!figure.series.length) return place.replaceChildren();
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const head = make("tr", {}, ...["Series", "At cursor", "Last", "Mean", "Min", "Max"].map((text) => make("th", { scope: "col", textContent: text })));
    const names = titles(figure.series);
    const rows = figure.series.map((one, index) => {
      const found = figuresOf(figure, one);
      const button = make("button", { type: "button", title: names[index] }, make("span", { className: `swatch s${(index % COLOURS) + 1} d${Math.floor(index / COLOURS) % 3}` }), make("bdi", { textContent: names[index] }));
      button.dataset.key = one.key;
      button.setAttribute("aria-pressed", String(!figure.hidden.has(one.key)));
      button.addEventListener("click", () => toggle(figure, one.key, button));
      const cells = ["last", "mean", "min", "max"].map((what) => {
        const cell = make("td", { textContent: describe(figure, found[what]) });
        cell.dataset.what = what;
        return cell;
      });
      const at = make("td", { textContent: "" });
      at.dataset.cursor = "";
      return make("tr", {}, make("th", { scope: "row" }, button), at, ...cells);
    });
    const caption = make("caption", { className: "hidden", textContent: `Figures of ${figure.element.querySelector("h3")?.textContent ?? "the chart"} in the time shown` });
    place.replaceChildren(make("table", { className: "legend" }, caption, make("thead", {}, head), make("tbody", {}, ...rows)));
    tellCursor(figure, figure.chart.cursor.idx);
    if (focused) [...place.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus();
  }

  function toggle(figure, key, button) {
    if (!figure.hidden.delete(key)) figure.hidden.add(key);
    button.setAttribute("aria-pressed", String(!figure.hidden.has(key)));
    const columns = (figure.chart.series.length - 1) / figure.series.length;
    const first = 1 + figure.series.findIndex((one) => one.key === key) * columns;
    for (let index = first; index < first + columns; index++) figure.chart.setSeries(index, { show: !figure.hidden.has(key) });
  }

  const stretch = (middle, step) => units.between(middle - step / 2, middle + step / 2, step);

  function tellCursor(figure, index) {
    const cells = figure.element.querySelectorAll("[data-cursor]");
    const columns = (figure.chart?.series.length - 1) / figure.series.length;
    cells.forEach((cell, place) => {
      const value = index === null || index === undefined ? null : figure.chart.data[1 + place * columns][index];
      const text = value === null || value === undefined ? "" : describe(figure, value);
      if (cell.textContent !== text) cell.textContent = text;
    });
    const time = figure.element.querySelector("figcaption");
    const at = index === null || index === undefined ? undefined : figure.chart.data[0][index];
    if (at === undefined) delete time.dataset.at;
    else time.dataset.at = stretch(at, figure.answer.step);
  }

  // The keyboard ---------------------------------------------------------------------------------------------------
  const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

  root.addEventListener("keydown", (event) => {
    const figure = figures.find((one) => one.canvas === event.target);
    const chart = figure?.chart;
    if (!chart || !figure.series?.length || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return chart.setCursor({ left: -10, top: -10 });
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    const last = chart.data[0].length - 1;
    const from = chart.cursor.idx ?? (KEYS[event.key] < 0 ? last + 1 : -1);
    const index = Math.max(0, Math.min(last, from + KEYS[event.key]));
    chart.setCursor({ left: chart.valToPos(chart.data[0][index], "x"), top: 10 });
    const words = [...figure.element.querySelectorAll(".legend tbody tr")].map((row) => `${row.cells[0].textContent} ${row.cells[1].textContent || "no sample"}`);
    figure.element.querySelector("[data-spoken]").textContent = `${stretch(chart.data[0][index], figure.answer.step)}: ${words.join(", ")}`;
  });

  root.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-ranges] a");
    if (link && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      show({ over: link.dataset.over });
    }
    const button = event.target.closest?.("[data-move]");
    if (button) move(Number(button.dataset.move));
  });
  window.addEventListener("popstate", () => { view = readView(); load(); });

  // What is around it changes --------------------------------------------------------------------------------------
  const sizes = new ResizeObserver(() => {
    for (const { chart, canvas } of figures) if (chart && canvas.clientWidth && chart.width !== canvas.clientWidth) chart.setSize({ width: canvas.clientWidth, height: chart.height });
  });
  for (const { canvas } of figures) sizes.observe(canvas);
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", () => { for (const { chart } of figures) chart?.redraw(false); });
  for (const moves of root.querySelectorAll("[data-moves]")) moves.hidden = false;
  if (figures.length) load();
  else tellView();
})();
