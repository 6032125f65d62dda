// A person's or group's sign: initials on one of eight colours, always the same one.
import { html } from 'htm/preact';
import { Icon } from '../../ui/controls.js';
import { hueOf } from './hue.js';

const SEGMENTS = new Intl.Segmenter('en', { granularity: 'grapheme' });
const first = (word) => SEGMENTS.segment(word)[Symbol.iterator]().next().value?.segment || '';
function initials(name) {
  const words = (name || '').split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  return (words.length > 1 ? first(words[0]) + first(words.at(-1)) : first(words[0] || '')).toLocaleUpperCase();
}
export function Avatar({ chat, size = 48 }) {
  const letters = chat?.type === 'group' ? '' : initials(chat?.name);
  return html`<span class=${`avatar tint-${hueOf(chat?.contact_id || chat?.id || '')}`} style=${{ inlineSize: `${size}px`, blockSize: `${size}px`, fontSize: `${Math.round(size * 0.38)}px` }} aria-hidden="true">
    ${letters || html`<${Icon} name=${chat?.type === 'group' ? 'user-group' : 'user'} size=${Math.round(size * 0.5)} />`}</span>`;
}
