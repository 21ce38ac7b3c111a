// Charts: finds the figures of a page, asks for their numbers and draws them with uPlot. The time shown stands in the address, so that a
// picture can be shared. Every chart has a table of its figures beside it; the keyboard moves the cursor as the mouse does.
"use strict";
(() => {
  const root = document.querySelector("[data-charts]");
  if (!root) return;
  const KINDS = { gauge: "avg,count,min,max,last", counter: "rate,count" };
  const every = Number(root.dataset.every ?? 0);
  const figures = [...root.querySelectorAll("[data-chart], [data-band]")].map((element) => ({ element, canvas: element.querySelector("[data-canvas]"), hidden: new Set() }));
  const { STATES } = columns;
  const { COLOURS, css, colour, dash, font } = pictures;
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

  function ask(figure, signal) {
    const pixels = Math.max(240, ...(figures.length > 1 ? figures.slice(1) : figures).map((other) => other.canvas.clientWidth)); // the first may be the band
    const step = units.stepFor(length(), pixels, every);
    const time = view.over ? { start: `-${view.over}` } : { start: view.start, end: view.end };
    const of = KINDS[figure.element.dataset.kind] ?? KINDS.gauge;
    const asked = { match: root.dataset.match ?? figure.element.dataset.match, ...time, step, of };
    if (root.dataset.limit) asked.limit = root.dataset.limit;
    return { key: JSON.stringify(asked), fetch: () => fetched("/api/v1/samples/range", asked, signal).then(columns.gathered) };
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
  let maintenance = []; // stretches {from, to}, as answers.js learns them

  document.addEventListener("keepwell:maintenance", (event) => {
    if (JSON.stringify(event.detail) === JSON.stringify(maintenance)) return;
    maintenance = event.detail;
    for (const figure of figures) {
      figure.chart?.redraw(false);
      if (figure.element.dataset.band !== undefined && figure.answer) tellSpells(figure, figure.spells);
    }
  });

  function tellSpells(figure, stretches) {
    const list = figure.element.querySelector("[data-spells]");
    const about = figure.answer.step > Math.max(every, 1) ? "about " : "";
    const all = columns.troubles(figure.answer, stretches, maintenance, every);
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
    figure.spells = columns.spells(answer, every);
    if (figure.element.dataset.band !== undefined) return drawBand(figure);
    const names = figure.element.dataset.names ? JSON.parse(figure.element.dataset.names) : null;
    figure.series = answer.series.filter((one) => !names || names.includes(one.name));
    if (names) figure.series.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
    figure.kind = figure.element.dataset.kind === "counter" ? "rate" : "avg";
    if (view.over && answer.end > Date.now() / 1000) for (const one of figure.series) one.of.rate?.delete(answer.end - answer.step); // a step under way: too low a rate
    figure.unit = figure.element.dataset.unit || columns.common(figure.series.map((one) => units.ofName(one.name)));
    const { columns: drawn, spread } = columns.aligned(figure, every);
    const kept = JSON.stringify([figure.series.map((one) => one.key), spread]);
    if (figure.chart && figure.kept === kept) {
      figure.chart.setData(drawn, false);
      figure.chart.batch(() => rescale(figure));
    } else {
      figure.chart?.destroy();
      figure.kept = kept;
      figure.chart = new uPlot(options(figure, spread), drawn, figure.canvas);
      rescale(figure);
    }
    tellFigure(figure);
    legend(figure);
  }

  function rescale(figure) {
    const { start, end, step } = figure.answer;
    const now = Date.now() / 1000;
    figure.chart.setScale("x", { min: start, max: view.over && end - now < step && now > start ? Math.min(end, now) : end });
  }

  const describe = (figure, value) => (figure.kind === "rate" && value !== null && value !== undefined ? `${units.describe(Number(value.toPrecision(4)), figure.unit)}/s` : units.describe(value, figure.unit));

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
      axes: pictures.axes(figure.unit, (value) => describe(figure, value)),
      scales: { x: { time: true }, y: { range: (chart, low, high) => (figure.drawn = reach(figure, low, high)) } },
      legend: { show: false },
      cursor: cursor(),
      hooks: {
        setScale: [(chart, key) => { if (key === "y") tellFigure(figure); }],
        drawClear: [(chart) => pictures.tint(chart, figure.spells, maintenance)],
        draw: [(chart) => { pictures.limits(chart, lines(figure)); pictures.strip(chart, figure.spells, 5 * devicePixelRatio); }],
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

  function drawBand(figure) {
    const edges = [[figure.answer.start, figure.answer.end], [0, 0]];
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
        hooks: { draw: [(chart) => pictures.strip(chart, figure.spells, chart.bbox.height)], drawClear: [(chart) => pictures.tint(chart, [], maintenance)], setSelect: [zoom] },
      }, edges, figure.canvas);
    } else figure.chart.setData(edges, false);
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

  function legend(figure) {
    const place = figure.element.querySelector("[data-legend]");
    if (!figure.series.length) return place.replaceChildren();
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const head = make("tr", {}, ...["Series", "At cursor", "Last", "Mean", "Min", "Max"].map((text) => make("th", { scope: "col", textContent: text })));
    const names = columns.titles(figure.series);
    const rows = figure.series.map((one, index) => {
      const found = columns.figuresOf(figure, one);
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
    const each = (figure.chart.series.length - 1) / figure.series.length;
    const first = 1 + figure.series.findIndex((one) => one.key === key) * each;
    for (let index = first; index < first + each; index++) figure.chart.setSeries(index, { show: !figure.hidden.has(key) });
  }

  const stretch = (middle, step) => units.between(middle - step / 2, middle + step / 2, step);

  function tellCursor(figure, index) {
    const cells = figure.element.querySelectorAll("[data-cursor]");
    const each = (figure.chart?.series.length - 1) / figure.series.length;
    cells.forEach((cell, place) => {
      const value = index === null || index === undefined ? null : figure.chart.data[1 + place * each][index];
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

  // A check whose first look came after the page has more to draw by then.
  document.addEventListener("htmx:load", ({ target }) => {
    if (target.id === "live" && Number(target.dataset.figures ?? 0) > root.querySelectorAll("[data-chart]").length) location.reload();
  });

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
