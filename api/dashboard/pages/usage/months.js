// Months by name, "2026-11", and when they begin in another time zone.
import { language } from '../../core/i18n.js';

export function shift(month, by) {
  const [year, number] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}
export const monthsBack = (month, count) => Array.from({ length: count }, (_, i) => shift(month, -i));
// What is counted are Gregorian months, also where another calendar is usual.
export const monthName = (month) => new Intl.DateTimeFormat(language.value, { calendar: 'gregory', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`));

// How far a zone's clocks are ahead of UTC at that moment.
function offset(at, zone) {
  const part = Object.fromEntries(new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
    .formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - at;
}
// The first moment of a month there.
function begin(month, zone) {
  const wall = Date.parse(`${month}-01T00:00:00Z`);
  return wall - offset(wall - offset(wall, zone), zone);
}
export const rangeOf = (month, zone) => ({ since: new Date(begin(month, zone)).toISOString(), until: new Date(begin(shift(month, 1), zone)).toISOString() });
