// A chart over time: uPlot in the colours of the theme, with its own legend, a readout that follows
// the pointer and the arrow keys, and the same numbers as a table for who does not see it.
// <Chart title times series format kind="line|bars" step />; series: [{label, values, color: '--info', fill}];
// times in seconds, step: between them; most: the top of the scale; scale: 'whole' numbers, 'seconds', 'ms'.
import { html } from 'htm/preact';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import { number, shortDate, time } from '../core/format.js';
import { direction, language, t } from '../core/i18n.js';
import { connection } from '../core/live.js';
import { theme } from '../core/theme.js';

const DAY = 86400;
// The library is asked for when the first chart is there: what is around it does not wait.
let uPlot = null;
const library = async () => (uPlot ||= (await import('uplot')).default);
const colour = (name) => {
  // light-dark() is resolved by the browser, in a property that takes a colour
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};
const faint = (rgb) => rgb.replace(/^rgb\(([^)]+)\)$/, 'rgb($1 / .16)').replaceAll(',', ' ');
const SCALES = {
  whole: [1, 2, 5].flatMap((n) => Array.from({ length: 10 }, (_, i) => n * 10 ** i)).sort((a, b) => a - b),
  seconds: [1, 5, 10, 15, 30, ...[1, 2, 5, 10, 15, 30].map((n) => n * 60), ...[1, 2, 4, 8, 12].map((n) => n * 3600), ...[1, 2, 5, 10].map((n) => n * DAY)],
};
const LEAST = { whole: 4, seconds: 60, ms: 100 };   // the top of a scale on which nothing is
// Which values get a dot: all when there are few, else those that no line reaches.
const dots = (values) => {
  const there = values.map((v, i) => (v != null ? i : -1)).filter((i) => i >= 0);
  return there.length <= 40 ? there : there.filter((i) => values[i - 1] == null && values[i + 1] == null);
};

// The time of a step, as long as it must be to be told from the others.
export const stepName = (at, step) => (step >= DAY ? shortDate(at * 1000) : `${shortDate(at * 1000)}, ${time(at * 1000)}`);

// As wide as the longest text of the scale, in any language; decided in the first of uPlot's rounds.
function wide(u, values, at, round) {
  const axis = u.axes[at];
  if (round > 1) return axis._size;
  u.ctx.font = axis.font[0];
  const longest = Math.max(0, ...(values || []).map((text) => u.ctx.measureText(text ?? '').width / devicePixelRatio));
  return Math.max(36, Math.ceil(longest) + axis.gap + 6);
}

function options({ series, kind, step, times, format, most, scale, width, height, onIndex }) {
  const rtl = direction.value === 'rtl';
  const font = `12px ${getComputedStyle(document.documentElement).fontFamily}`;
  const line = colour('--line'), muted = colour('--muted');
  const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    width, height, ms: 1e-3, legend: { show: false }, padding: [12, rtl ? 4 : 22, 0, rtl ? 22 : 4],
    cursor: { x: true, y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { dir: rtl ? -1 : 1, range: () => [times[0] - step / 2, times.at(-1) + step / 2] },
      y: { range: (u, low, high) => [0, most ?? Math.max((high || 0) * 1.08, LEAST[scale] || 1)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 28, gap: 6, space: 64, values: (u, splits, i, space, gap) => splits.map((at) => (gap >= DAY || new Date(at * 1000).getHours() + new Date(at * 1000).getMinutes() === 0 ? shortDate(at * 1000) : time(at * 1000))) },
      { ...axis, side: rtl ? 1 : 3, size: wide, space: 34, ...(SCALES[scale] && { incrs: SCALES[scale] }), values: (u, splits) => splits.map((v) => format(v)) },
    ],
    series: [{}, ...series.map((s, i) => {
      const stroke = colour(s.color);
      const bars = kind === 'bars' && uPlot.paths.bars({ size: [series.length > 1 ? 0.38 : 0.7, 28], align: series.length > 1 ? (i === 0 ? -1 : 1) : 0, radius: 0.15 });
      return { label: s.label, stroke, width: bars ? 0 : 2, points: bars ? { show: false } : { show: true, size: 5, fill: stroke, filter: (u, at) => dots(u.data[at]) },
        ...(bars ? { paths: bars, fill: stroke } : s.fill && { fill: faint(stroke) }) };
    })],
    hooks: { setCursor: [(u) => onIndex(u.cursor.idx ?? null)] },
  };
}

// The plot itself; made anew when its looks change, given new data when only that does.
function Plot({ data, height, index, ...looks }) {
  const box = useRef(null), plot = useRef(null);
  const [dark, setDark] = useState(0);
  const [ready, setReady] = useState(Boolean(uPlot));
  const live = connection.value.state === 'live';   // a daemon that was gone may give it now
  useEffect(() => {
    let here = true;
    if (!ready) library().then(() => here && setReady(true), () => {});   // the same numbers are in the table
    return () => (here = false);
  }, [live]);
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setDark((n) => n + 1);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  const shape = JSON.stringify([looks.series.map((s) => [s.label, s.color, s.fill]), looks.kind, looks.step, looks.times[0], looks.times.length, looks.most, height]);
  useEffect(() => {
    if (!ready) return undefined;
    const width = Math.max(120, box.current.clientWidth);
    plot.current = new uPlot(options({ ...looks, width, height }), data, box.current);
    const sized = new ResizeObserver(() => box.current && plot.current.setSize({ width: Math.max(120, box.current.clientWidth), height }));
    sized.observe(box.current);
    return () => {
      sized.disconnect();
      plot.current.destroy();
    };
  }, [ready, shape, theme.value, dark, language.value, direction.value]);
  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => {
    const u = plot.current;
    if (!u || index.by !== 'keys' || index.at == null) return;
    u.setCursor({ left: u.valToPos(looks.times[index.at], 'x'), top: 0 }, false);
  }, [index]);
  return html`<div class="plot" ref=${box} style=${{ height: `${height}px` }} aria-hidden="true" dir="ltr" />`;
}

export function Chart({ title, times, series, format = number, kind = 'line', step, most, scale, height = 180 }) {
  const id = useId();
  const [index, setIndex] = useState({ at: null });
  const data = useMemo(() => [times, ...series.map((s) => s.values)], [times, ...series.map((s) => s.values)]);
  const last = times.length - 1;
  const at = index.at == null ? null : Math.min(index.at, last);
  const empty = series.every((s) => s.values.every((v) => !v));
  const show = (value) => (value == null ? '–' : format(value));
  // kept while the pointer moves: it may have hundreds of rows
  const table = useMemo(() => html`<div class="hidden"><table><caption>${title}</caption><thead><tr><th scope="col">${t('chart.time')}</th>${series.map((s) => html`<th key=${s.label} scope="col">${s.label}</th>`)}</tr></thead>
    <tbody>${times.map((x, i) => html`<tr key=${x}><th scope="row">${stepName(x, step)}</th>${series.map((s) => html`<td key=${s.label}>${show(s.values[i])}</td>`)}</tr>`)}</tbody></table></div>`, [data, title, language.value]);
  const said = (i) => `${stepName(times[i], step)}: ${series.map((s) => `${s.label} ${show(s.values[i])}`).join(', ')}`;
  const keys = (e) => {
    const way = direction.value === 'rtl' ? -1 : 1;
    const from = at ?? last;
    const to = { ArrowRight: from + way, ArrowLeft: from - way, ArrowUp: from + 1, ArrowDown: from - 1, PageUp: from + 10, PageDown: from - 10, Home: 0, End: last }[e.key];
    if (to === undefined && e.key !== 'Escape') return;
    e.preventDefault();
    setIndex({ at: e.key === 'Escape' ? null : Math.max(0, Math.min(last, to)), by: 'keys' });
  };
  // a new plot knows of no place
  const onIndex = (i) => setIndex((now) => (now.at === i || (i == null && now.by === 'keys') ? now : { at: i, by: 'pointer' }));
  return html`<figure class="chart" aria-labelledby=${`${id}-title`}>
    <figcaption><h2 id=${`${id}-title`}>${title}</h2><ul class="legend">${series.map((s) => html`<li key=${s.label}><span class="swatch" style=${{ background: `var(${s.color})` }} aria-hidden="true" />${s.label}</li>`)}</ul></figcaption>
    <div class="plot-focus" role="slider" tabindex="0" aria-labelledby=${`${id}-title`} aria-orientation="horizontal" aria-valuemin="0" aria-valuemax=${last} aria-valuenow=${at ?? last}
      aria-valuetext=${said(at ?? last)} onKeyDown=${keys} onBlur=${() => setIndex({ at: null })}>
      <${Plot} data=${data} height=${height} index=${index} ...${{ times, series, format, kind, step, most, scale, onIndex }} />
      ${empty && at == null && html`<p class="nothing" aria-hidden="true"><span>${t('chart.empty')}</span></p>`}
      ${at != null && html`<div class="readout" aria-hidden="true"><span>${stepName(times[at], step)}</span>${series.map((s) => html`<span key=${s.label}><i class="swatch" style=${{ background: `var(${s.color})` }} /><strong>${show(s.values[at])}</strong></span>`)}</div>`}</div>
    ${table}
  </figure>`;
}
