// What the server says with a stable code, in the reader's language: the files text/codes/, which are
// a part of the catalogue that comes when the first such text is to be shown. What has no text there,
// being newer than the page say, is shown in the server's own words.
import { signal } from '@preact/signals';
import { has, language, t, useTexts } from './i18n.js';

const AGAIN_MS = 10_000;
const failed = signal(false);
let coming = null;
function need() {
  coming ||= useTexts('codes').then(() => (failed.value = false), () => (failed.value = true))
    .finally(() => setTimeout(() => (coming = null), AGAIN_MS));
}

// said('reasons', session.reason_code, session.status_reason): sections are problems, messages,
// reasons and deliveries. Nothing for the moment in which the texts come.
export function said(section, code, own = '', values = {}) {
  if (!code) return own ?? '';
  if (!has('codes.more.own')) {
    if (!failed.value) return need() ?? '';
    need();
    return own ?? '';
  }
  const key = [`codes.${section}.${code}`, section === 'messages' && `codes.problems.${code}`].find((k) => k && has(k));
  return key ? t(key, values) : own || code;
}

// What is wrong with one field of a form. The server's own words name the value and the bound, which
// our text cannot: who reads English gets them.
export function fault(error, fits) {
  const one = error?.errors?.find((e) => (typeof fits === 'string' ? e.field === fits : fits(e.field ?? '')));
  return one && (language.value === 'en' ? one.detail : said('problems', error.code, one.detail) || one.detail);
}

// The same where the form has one place for all that can go wrong: said when it is drawn, as the texts
// may come after the error. error: a Problem, or a text of our own.
export const trouble = (error, name) => (!error || typeof error === 'string' ? error : error.status === 0 ? t('errors.offline_detail')
  : fault(error, name) || said('problems', error.code, error.message));

// What the server said, for whoever helps: its words, the code and the request.
export const own = ({ code, detail, message, status, request }) => [detail || message, [code, status && `HTTP ${status}`, request].filter(Boolean).join(' · ')].filter(Boolean).join('\n');
