// Keys that act from anywhere: ? for help, g and a letter to go to a page. Whoever speaks to the
// computer, or types by accident, turns single keys off (WCAG 2.1.4).
import { signal } from '@preact/signals';

const STORED = 'wabridge.single-keys';
const CHORD_MS = 1500;   // between g and the letter
const read = () => {
  try {
    return localStorage.getItem(STORED) !== 'off';
  } catch {
    return true;
  }
};
export const singleKeys = signal(read());
export function useSingleKeys(yes) {
  singleKeys.value = yes;
  localStorage.setItem(STORED, yes ? 'on' : 'off');
}

export const GO = { o: 'overview', i: 'inbox', s: 'sessions', w: 'webhooks', a: 'activity', u: 'usage', k: 'keys', l: 'audit', t: 'settings' };
// Is this key meant for what has the focus, or for what lies above the page?
export const isTaken = (e) => e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey
  || e.target.closest?.('input, textarea, select, [contenteditable], dialog, [popover]') || document.querySelector('dialog[open]');

// acts: {help(), open(page)}; returns what ends it.
export function listen({ help, open }) {
  let since = -CHORD_MS;
  const press = (e) => {
    if (!singleKeys.value || isTaken(e)) return;
    const chord = e.timeStamp - since < CHORD_MS;   // when it was pressed, however busy the page was
    since = -CHORD_MS;
    if (e.key === '?') help();
    else if (chord && GO[e.key]) open(GO[e.key]);
    else if (e.key === 'g') return void (since = e.timeStamp);
    else return;
    e.preventDefault();
    e.stopImmediatePropagation();   // the letter of a chord is no key of the page
  };
  addEventListener('keydown', press, { capture: true });
  return () => removeEventListener('keydown', press, { capture: true });
}
