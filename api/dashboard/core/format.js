// Numbers, times and sizes as the reader's language writes them.
import { language } from './i18n.js';

const cache = new Map();
function formatter(kind, options) {
  const name = `${kind.name}|${language.value}|${JSON.stringify(options)}`;
  if (!cache.has(name)) cache.set(name, new kind(language.value, options));
  return cache.get(name);
}
export const number = (n, options = {}) => formatter(Intl.NumberFormat, options).format(n);
export const compact = (n) => number(n, { notation: 'compact', maximumFractionDigits: 1 });
export const percent = (share, digits = 0) => (share == null ? '–' : number(share, { style: 'percent', maximumFractionDigits: digits }));
export const money = (amount, currency) => number(amount, currency ? { style: 'currency', currency } : { minimumFractionDigits: 2 });

export function bytes(n) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return number(n, { style: 'unit', unit: units[i], unitDisplay: i > 0 ? 'short' : 'long', maximumFractionDigits: n < 10 && i > 0 ? 1 : 0 });
}

// As [memory] of the configuration counts.
export const mebibytes = (n) => `${number(Math.round(n / 1048576))}\u00a0MiB`;

// Narrow units are Latin letters in Persian, and a single letter for a day in Arabic.
const unitDisplay = () => (['ar', 'fa'].includes(language.value) ? 'short' : 'narrow');

// 95 → "1 min 35 s", in at most two parts.
export function duration(seconds) {
  if (seconds == null) return '–';
  const parts = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const out = [];
  let left = Math.round(seconds);
  for (const [unit, size] of parts) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0 || (unit === 'second' && out.length === 0)) out.push(number(n, { style: 'unit', unit, unitDisplay: unitDisplay() }));
    if (out.length === 2) break;
  }
  return out.join(' ');
}
// Where a sound is: 65 → "1:05".
export const playTime = (seconds) => `${number(Math.floor(seconds / 60))}:${number(Math.floor(seconds % 60), { minimumIntegerDigits: 2 })}`;
export const milliseconds = (ms) => (ms == null ? '–' : ms < 1000 ? number(ms, { style: 'unit', unit: 'millisecond', unitDisplay: 'short', maximumFractionDigits: 0 }) : duration(ms / 1000));

const date = (at, options) => formatter(Intl.DateTimeFormat, options).format(at instanceof Date ? at : new Date(at));
export const time = (at) => date(at, { hour: 'numeric', minute: '2-digit' });
export const clock = (at) => date(at, { hour: 'numeric', minute: '2-digit', second: '2-digit' });
export const dateTime = (at) => (at ? date(at, { dateStyle: 'medium', timeStyle: 'short' }) : '–');
export const exactTime = (at) => (at ? date(at, { dateStyle: 'full', timeStyle: 'medium' }) : '');
export const shortDate = (at) => date(at, { day: 'numeric', month: 'short' });
export const longDate = (at) => date(at, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

const day = (at) => new Date(at).setHours(0, 0, 0, 0);
const daysAgo = (at) => Math.round((day(Date.now()) - day(at)) / 86400000);
const relative = (n, unit, options = { numeric: 'auto' }) => formatter(Intl.RelativeTimeFormat, options).format(n, unit);
// "today", "yesterday", "Monday", else the date: for separators between days.
export function dayName(at) {
  const ago = daysAgo(at);
  if (ago >= 0 && ago < 2) return relative(-ago, 'day');
  if (ago > 0 && ago < 7) return date(at, { weekday: 'long' });
  return longDate(at);
}
// As a list of chats shows it: the time today, else the day.
export const recent = (at) => (daysAgo(at) === 0 ? time(at) : daysAgo(at) === 1 ? relative(-1, 'day') : shortDate(at));
export function ago(at) {
  if (!at) return '–';
  const seconds = (Date.now() - new Date(at)) / 1000;
  const unit = [['day', 86400], ['hour', 3600], ['minute', 60]].find(([, size]) => Math.abs(seconds) >= size);
  return unit ? relative(-Math.round(seconds / unit[1]), unit[0], { numeric: 'always', style: 'short' }) : relative(0, 'second');
}
// +55 11 98888-7777 is best read in groups; the country's own grouping is not known here.
export const phone = (digits) => (digits ? `\u2066+${String(digits).replace(/^\+/, '')}\u2069` : '');
