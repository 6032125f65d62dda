// What the server said, in the reader's language, with its own words behind it to be copied.
import { html } from 'htm/preact';
import { own, said } from '../core/codes.js';
import { duration } from '../core/format.js';
import { has, t } from '../core/i18n.js';

// of: {code, detail or message, status, request}, as a Problem or the error of an object is.
export function Said({ of: error, section = 'problems', values }) {
  const detail = error.detail || error.message;
  const text = said(section, error.code, detail, values);
  return html`<p dir="auto">${text}</p>${text && text !== detail && detail && html`<details class="own-words"><summary>${said('more', 'own')}</summary><code dir="ltr" lang="en">${own(error)}</code></details>`}`;
}

// The same on one line, where there is no room: its own words are the title.
export function SaidShort({ of: error, section = 'problems', values, ...rest }) {
  const detail = error.detail || error.message;
  const text = said(section, error.code, detail, values);
  return html`<span dir="auto" title=${text === detail ? undefined : own(error)} ...${rest}>${text}</span>`;
}

// What an alert is about, with its number. Its texts are few and belong to the first page.
export function AlertWords({ alert }) {
  const key = `overview.alerts.details.${alert.alert}`;
  const text = has(key) ? t(key, { n: Math.round(alert.value), time: duration(alert.value) }) : alert.detail;
  return html`<span dir="auto" title=${text === alert.detail ? undefined : alert.detail}>${text}</span>`;
}
