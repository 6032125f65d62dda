// Texts of the page: one catalogue a language in text/, English behind each. A value may be a set of
// plural forms ({"one": …, "other": …}), chosen by {n}.
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
const catalogues = signal({ en: {} });
const plural = computed(() => new Intl.PluralRules(language.value));

const files = {
  en: () => import.meta.resolve('../text/en.json'),
  pt: () => import.meta.resolve('../text/pt.json'),
  es: () => import.meta.resolve('../text/es.json'),
  ar: () => import.meta.resolve('../text/ar.json'),
  fa: () => import.meta.resolve('../text/fa.json'),
};
async function load(name) {
  if (catalogues.value[name] && Object.keys(catalogues.value[name]).length) return;
  const response = await fetch(files[name](), { credentials: 'omit' });
  if (!response.ok) throw new Error(`catalogue ${name}: ${response.status}`);
  const texts = await response.json();   // before the spread: another language may have come meanwhile
  catalogues.value = { ...catalogues.value, [name]: texts };
}

// English first, so that there is always something to fall back on.
export async function useLanguage(name = preferred(), { store = false } = {}) {
  await Promise.all([load('en'), load(name).catch(() => (name = 'en'))]);
  language.value = name;
  document.documentElement.lang = name;
  document.documentElement.dir = direction.value;
  if (store) localStorage.setItem(STORED, name);
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
export const has = (key) => find(catalogues.value.en, key) !== undefined;
