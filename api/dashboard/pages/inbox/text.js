// What people wrote, as elements: links, WhatsApp's *bold* _italic_ ~strike~ ```code```, mentions,
// and search hits. Nothing of it ever becomes markup.
import { html } from 'htm/preact';
import { personName } from './names.js';

// One pass from left to right. Lengths are bounded, so that no text can keep the page busy.
const PARTS = new RegExp([
  '```(?<code>[\\s\\S]{1,4000}?)```',
  '`(?<tick>[^`\\n]{1,500})`',
  '(?<![\\p{L}\\p{N}])(?<mark>[*_~])(?=\\S)(?<inner>[^\\n]{0,400}?\\S)\\k<mark>(?![\\p{L}\\p{N}])',
  '(?<url>(?:https?://|www\\.)[^\\s<>"]{2,2000})',
  '(?<mail>[\\w.+-]{1,64}@[\\w-]{1,63}(?:\\.[\\w-]{2,63}){1,4})',
  '@(?<mention>\\d{5,20})',
].join('|'), 'gu');
const TAGS = { '*': 'strong', _: 'em', '~': 's' };
const TRAILING = /[.,;:!?)\]}'"»”’]+$/u;

const link = (href, text) => html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow" dir="auto">${text}</a>`;

function one(groups, all, names, depth) {
  if (groups.code !== undefined) return html`<code class="block">${groups.code.replace(/^\n|\n$/g, '')}</code>`;
  if (groups.tick !== undefined) return html`<code>${groups.tick}</code>`;
  if (groups.mark) return html`<${TAGS[groups.mark]}>${pieces(groups.inner, names, depth + 1)}</${TAGS[groups.mark]}>`;
  if (groups.mail) return link(`mailto:${groups.mail}`, groups.mail);
  if (groups.url) {
    const tail = TRAILING.exec(groups.url)?.[0] || '';
    const balanced = tail.startsWith(')') && groups.url.includes('(') ? tail.slice(1) : tail;
    const url = groups.url.slice(0, groups.url.length - balanced.length);
    return [link(url.startsWith('www.') ? `https://${url}` : url, url), balanced];
  }
  const person = names.get(groups.mention);
  return person ? html`<span class="mention" dir="auto">@${person}</span>` : all;
}

function pieces(text, names, depth = 0) {
  if (depth > 4) return [text];
  const out = [];
  let at = 0;
  for (const match of text.matchAll(PARTS)) {
    if (match.index > at) out.push(text.slice(at, match.index));
    out.push(one(match.groups, match[0], names, depth));
    at = match.index + match[0].length;
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

function namesOf(mentions) {
  const names = new Map();
  for (const person of mentions || []) {
    for (const id of [person.phone, person.lid?.split('@')[0], person.id?.split('@')[0]]) if (id) names.set(String(id), personName(person));
  }
  return names;
}
export const Formatted = ({ text, mentions }) => html`${pieces(text, namesOf(mentions))}`;

// The marks of formatting left out: for one line of a list.
export const plain = (text) => text.replace(/```/g, '').replace(/(?<![\p{L}\p{N}])([*_~])(?=\S)([^\n]{0,400}?\S)\1(?![\p{L}\p{N}])/gu, '$2').replace(/\s+/g, ' ');

// A snippet of the search: its hits stand between **. It begins not far before the first.
const BEFORE = 28;
function near(text) {
  const at = text.indexOf('**');
  if (at <= BEFORE) return text;
  const space = text.indexOf(' ', at - BEFORE);
  return `…${text.slice(space >= 0 && space < at ? space + 1 : at)}`;
}
export const Snippet = ({ text }) => html`${near(text).replaceAll('```', '').split('**').map((part, i) => (i % 2 ? html`<mark key=${i}>${part}</mark>` : part))}`;

const JUMBO = /^(?:\p{RI}\p{RI}|\p{Emoji_Presentation}|\p{Emoji}\uFE0F)(?:\p{EMod}|\uFE0F|\u200D(?:\p{Emoji_Presentation}|\p{Emoji}\uFE0F?))*$/u;
const SIGNS = new Intl.Segmenter('en', { granularity: 'grapheme' });
const WORDS = /[\p{L}\p{N}]/u;
// Up to three emoji and nothing else are shown big.
export function isJumbo(text) {
  if (!text || text.length > 40 || WORDS.test(text)) return false;
  const signs = [...SIGNS.segment(text.trim())].map((s) => s.segment);
  return signs.length > 0 && signs.length <= 3 && signs.every((sign) => JUMBO.test(sign));
}
