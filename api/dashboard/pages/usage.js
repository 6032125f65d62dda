// What a tenant used in a month, and what its quotas leave.
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { get, of } from '../core/api.js';
import { tenant } from '../core/auth.js';
import { csv, saveText } from '../core/download.js';
import { bytes, money, number } from '../core/format.js';
import { has, t } from '../core/i18n.js';
import { throttled, useEvents, useInterval, useLoad } from '../core/load.js';
import { setQuery } from '../core/router.js';
import { Button, Card, Empty, IconButton, Loaded, PageHead, Select, Tabs } from '../ui/controls.js';
import { Chart } from '../ui/chart.js';
import { monthName, monthsBack, rangeOf, shift } from './usage/months.js';
import { Quotas } from './usage/quotas.js';

const GROUPS = ['day', 'session', 'country', 'channel'];
const COLUMNS = ['messages_out', 'messages_in', 'media_bytes_out', 'media_bytes_in'];
const NAMES = { messages_out: 'out', messages_in: 'in', media_bytes_out: 'media_out', media_bytes_in: 'media_in' };
const MONTHS = 13;

// The month's days are those of the tenant's own time zone, which the first answer tells.
async function load(month, group, signal) {
  const query = { group_by: group };
  const now = await get(of`/usage`, query, { signal });
  const present = now.until.slice(0, 7);
  if (!month || month >= present) return { ...now, group, month: present, present };
  const past = await get(of`/usage`, { ...query, ...rangeOf(month, now.time_zone) }, { signal });
  return { ...past, group, month, present, quotas: now.quotas };
}

const cost = (value, currency) => (value == null ? '–' : money(Number(value), currency));
const shown = (column, value) => (column.startsWith('media') ? bytes(value) : number(value));

function named(group, item) {
  const word = item[group];
  if (group === 'country') return ['group', 'unknown'].includes(word) ? t(`usage.${word}`) : `+${word}`;
  return group === 'channel' && has(`usage.${word}`) ? t(`usage.${word}`) : word;
}

function Table({ data, group }) {
  const head = [t(`usage.by.${group}`), ...COLUMNS.map((c) => t(`usage.${NAMES[c]}`)), t('usage.cost')];
  const cells = (item) => html`${COLUMNS.map((c, i) => html`<td key=${c} class="num" data-label=${head[i + 1]}>${shown(c, item[c])}</td>`)}<td class="num" data-label=${head[5]}>${cost(item.cost, data.currency)}</td>`;
  return html`<div class="table-wrap"><table class="usage-table"><thead><tr>${head.map((text, i) => html`<th key=${text} scope="col" class=${i ? 'num' : ''}>${text}</th>`)}</tr></thead>
    <tbody>${data.items.map((item) => html`<tr key=${item[group]}><th scope="row"><bdi>${named(group, item)}</bdi></th>${cells(item)}</tr>`)}</tbody>
    <tfoot><tr><th scope="row">${t('usage.total')}</th>${cells(data.total)}</tr></tfoot></table></div>`;
}

function download(data, group) {
  const rows = [[group, ...COLUMNS, 'cost', 'currency'], ...data.items.map((item) => [item[group], ...COLUMNS.map((c) => item[c]), item.cost ?? '', data.currency ?? ''])];
  saveText(`${rows.map((row) => row.map(csv).join(',')).join('\r\n')}\r\n`, `usage-${tenant.value}-${data.month}-${group}.csv`, 'text/csv');
}

// Each day of the month so far, also those without a row.
function Days({ data }) {
  const days = useMemo(() => {
    const found = new Map(data.items.map((item) => [item.day, item]));
    const names = [];
    for (let day = new Date(`${data.month}-01T12:00:00Z`); day.toISOString().slice(0, 10) <= data.until && names.length < 31; day.setUTCDate(day.getUTCDate() + 1)) names.push(day.toISOString().slice(0, 10));
    return { times: names.map((name) => new Date(`${name}T00:00:00`).getTime() / 1000), out: names.map((n) => found.get(n)?.messages_out ?? 0), in: names.map((n) => found.get(n)?.messages_in ?? 0) };
  }, [data]);
  return html`<${Card}><${Chart} title=${t('usage.chart')} kind="bars" scale="whole" step=${86400} times=${days.times} series=${[
    { label: t('usage.in'), values: days.in, color: '--info' }, { label: t('usage.out'), values: days.out, color: '--accent' }]} /></${Card}>`;
}

const Totals = ({ data }) => html`<dl class="totals">${COLUMNS.map((c) => html`<div key=${c} class="card tile"><dt class="tile-name">${t(`usage.${NAMES[c]}`)}</dt><dd class="tile-value">${shown(c, data.total[c])}</dd></div>`)}
  <div class="card tile"><dt class="tile-name">${t('usage.cost')}</dt><dd class="tile-value">${cost(data.total.cost, data.currency)}</dd>${data.total.cost == null && html`<dd class="tile-hint">${t('usage.no_tariff')}</dd>`}</div></dl>`;

export default function Usage({ query }) {
  const group = GROUPS.includes(query.by) ? query.by : 'day';
  const month = /^\d{4}-(0[1-9]|1[0-2])$/.test(query.month || '') ? query.month : '';
  const wanted = useRef();
  wanted.current = [month, group];
  const state = useLoad((signal) => load(...wanted.current, signal), []);   // what is shown stays until the next is here
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) state.reload();
    first.current = false;
  }, [month, group]);
  const soon = useMemo(() => throttled(state.reload, 3000), [state.reload]);
  useEffect(() => soon.cancel, [soon]);
  useEvents(['message.received', 'message.status', 'gap', 'reconnected'], soon, [soon]);
  useInterval(state.reload, 60_000, [state.reload]);
  const { data } = state;
  const present = data?.present || new Date().toISOString().slice(0, 7);
  const here = month || present;
  const oldest = shift(present, 1 - MONTHS);
  const turn = (to) => setQuery({ month: to >= present ? undefined : to });
  return html`<${PageHead} title=${t('pages.usage')} about=${t('usage.about')}>
      <div class="months"><${IconButton} icon="chevron-left" class="flips" label=${t('usage.before')} disabled=${here <= oldest} onClick=${() => turn(shift(here, -1))} />
      <${Select} label=${t('usage.month')} value=${here} options=${monthsBack(present, MONTHS).map((m) => [m, monthName(m)])} onValue=${turn} />
      <${IconButton} icon="chevron-right" class="flips" label=${t('usage.after')} disabled=${here >= present} onClick=${() => turn(shift(here, 1))} /></div></${PageHead}>
    <${Loaded} of=${state} lines=${6} height=${48}>${() => html`<div class="stack" data-ready aria-busy=${String(state.loading && data.group !== group)}>
      <${Totals} data=${data} />
      ${data.quotas.length > 0 && html`<${Quotas} quotas=${data.quotas} />`}
      <${Card} class="report"><div class="report-head"><${Tabs} label=${t('usage.by.label')} value=${group} onValue=${(by) => setQuery({ by: by === 'day' ? undefined : by })} tabs=${GROUPS.map((g) => [g, t(`usage.by.${g}`)])} />
        <${Button} small icon="arrow-down-tray" disabled=${data.items.length === 0} onClick=${() => download(data, data.group)}>${t('usage.csv')}</${Button}></div>
        ${data.items.length === 0 ? html`<${Empty} icon="chart-bar" title=${t('usage.empty')}>${t('usage.empty_about')}</${Empty}>` : html`<${Table} data=${data} group=${data.group} />`}
        <p class="muted">${t('usage.zone', { zone: data.time_zone })}</p></${Card}>
      ${data.group === 'day' && data.items.length > 0 && html`<${Days} data=${data} />`}</div>`}</${Loaded}>`;
}
