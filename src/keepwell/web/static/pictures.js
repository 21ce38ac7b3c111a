// What is painted on a chart beside its lines: states, maintenance, limits, axes. Colours are those of the style sheets at that moment.
"use strict";
const pictures = (() => {
  const COLOURS = 8;
  const style = getComputedStyle(document.documentElement);
  const css = (name) => style.getPropertyValue(name).trim();
  const colour = (index) => css(`--s${(index % COLOURS) + 1}`);
  const dash = (index) => [[], [6, 4], [2, 3]][Math.floor(index / COLOURS) % 3].map((part) => part * devicePixelRatio);
  const font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

  function rectangles(chart, stretches, paint) {
    const { left, width } = chart.bbox;
    for (const stretch of stretches) {
      const from = Math.max(left, chart.valToPos(stretch.from, "x", true));
      const to = Math.min(left + width, chart.valToPos(stretch.to, "x", true));
      if (to > left && from < left + width) paint(from, Math.max(to - from, devicePixelRatio), stretch);
    }
  }

  function tint(chart, stretches, maintenance) {
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

  function limits(chart, lines) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    for (const { state, bound, text } of lines) {
      if (bound < chart.scales.y.min || bound > chart.scales.y.max) continue;
      const y = chart.valToPos(bound, "y", true);
      ctx.strokeStyle = ctx.fillStyle = css(state in TALL ? `--${state}` : "--dim");
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

  function axes(unit, describe) {
    const shared = { font, stroke: () => css("--dim"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { stroke: () => css("--line"), width: 1, size: 5 } };
    return [
      { ...shared, values: units.ticks, space: 64, size: 44 },
      {
        ...shared,
        values: (chart, splits) => splits.map((value) => describe(value)),
        incrs: units.steps(unit),
        space: 34,
        size: (chart, values) => 16 + 6.8 * Math.max(3, ...(values ?? []).map((text) => text.length)),
      },
    ];
  }

  return { COLOURS, css, colour, dash, font, tint, strip, limits, axes };
})();
