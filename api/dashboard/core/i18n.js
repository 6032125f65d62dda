// Texts of the page: one catalogue a language in text/. A value may be a set of plural forms
// ({"one": …, "other": …}), chosen by {n}. The sections that PARTS names are files of their own (the
// build divides them): a page asks for those it needs with useTexts(), before it is shown.
import { computed, signal } from '@preact/signals';

export const LANGUAGES = { en: 'English', pt: 'Português', es: 'Español', ar: 'العربية', fa: 'فارسی' };
const RTL = new Set(['ar', 'fa']);
const STORED = 'wabridge.language';

function preferred() {
  const wanted = [stored(), ...navigator.languages];
  return wanted.map((l) => l?.slice(0, 2).toLowerCase()).find((l) => l in LANGUAGES) || 'en';
}
function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;   // a frame may have no storage
  }
}

export const language = signal('en');
export const direction = computed(() => (RTL.has(language.value) ? 'rtl' : 'ltr'));
const catalogues = signal({});   // by language
const plural = computed(() => new Intl.PluralRules(language.value));

// One line: the build reads it.
export const PARTS = ['inbox', 'composer', 'contact', 'sessions', 'webhooks', 'activity', 'usage', 'keys', 'audit', 'settings', 'widget'];
const files = {
  en: () => import.meta.resolve('../text/en.json'),
  pt: () => import.meta.resolve('../text/pt.json'),
  es: () => import.meta.resolve('../text/es.json'),
  ar: () => import.meta.resolve('../text/ar.json'),
  fa: () => import.meta.resolve('../text/fa.json'),
};
const ALWAYS = '';
const wanted = new Set([ALWAYS]);   // parts, whatever the language
const loads = new Map();            // "es inbox" → what will have loaded it
async function fetched(name, part) {
  const response = await fetch(part ? import.meta.resolve(`../text/${name}/${part}.json`) : files[name](), { credentials: 'omit' });
  if (!response.ok) throw new Error(`catalogue ${name} ${part}: ${response.status}`);
  const texts = await response.json();   // before the spread: another part may have come meanwhile
  catalogues.value = { ...catalogues.value, [name]: { ...catalogues.value[name], ...texts } };
}
function load(name, part) {
  const which = `${name} ${part}`;
  if (!loads.has(which)) {
    loads.set(which, fetched(name, part).catch((error) => {
      loads.delete(which);
      throw error;
    }));
  }
  return loads.get(which);
}
// All that is wanted; English stands in for a language that cannot be had.
const complete = (name) => Promise.all([...wanted].map((part) => load(name, part).catch((error) => {
  if (name === 'en') throw error;
  return load('en', part);
})));

let chosen;   // last, however late others come
export async function useLanguage(name = preferred(), { store = false, parts = [] } = {}) {
  chosen = name;
  for (const part of parts) wanted.add(part);
  for (let n = 0; n !== wanted.size; ) {   // a page may want one more meanwhile
    n = wanted.size;
    await complete(name);
  }
  if (chosen !== name) return;
  if (!catalogues.value[name]) name = 'en';   // nothing of it came
  language.value = name;
  document.documentElement.lang = name;
  document.documentElement.dir = direction.value;
  if (store) localStorage.setItem(STORED, name);
}
// Resolves when these parts are there; also in a language that is chosen meanwhile.
export async function useTexts(...parts) {
  for (const part of parts) wanted.add(part);
  for (let name = null; name !== language.value; ) await complete((name = language.value));
}

const find = (catalogue, key) => key.split('.').reduce((at, part) => at?.[part], catalogue);

// t('inbox.selected', {n: 3}); a key without text shows itself.
export function t(key, values = {}) {
  let text = find(catalogues.value[language.value], key) ?? find(catalogues.value.en, key) ?? key;
  if (typeof text === 'object') text = text[plural.value.select(Number(values.n))] ?? text.other ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? display(values[name]) : all));
}
// From right to left a text that is put in is isolated: a phone number or an id would lose its order.
const isolated = (value) => (typeof value === 'string' && value && direction.value === 'rtl' ? `\u2068${value}\u2069` : value);
const display = (value) => (typeof value === 'number' ? new Intl.NumberFormat(language.value).format(value) : isolated(value));
// Is there a text? For words of the server that may be newer than the page.
export const has = (key) => [language.value, 'en'].some((name) => find(catalogues.value[name], key) !== undefined);
