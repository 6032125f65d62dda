// Which keys do what. Opened by ? and from the menu of the person.
import { html } from 'htm/preact';
import { can } from '../core/auth.js';
import { GO, singleKeys, useSingleKeys } from '../core/keys.js';
import { t } from '../core/i18n.js';
import { PAGES } from '../core/pages.js';
import { Switch } from './controls.js';
import { Dialog } from './overlay.js';

const INBOX = { '/': 'search', r: 'reply', '↑ ↓': 'move', Enter: 'send', Esc: 'back' };
const Keys = ({ rows }) => html`<dl class="key-list">${rows.map(([keys, text]) => html`<div key=${keys}><dt dir="ltr">${keys.split(' ').map((key) => html`<kbd key=${key}>${key}</kbd>`)}</dt><dd>${text}</dd></div>`)}</dl>`;

export function Help({ onClose, allowed }) {
  const pages = Object.entries(GO).filter(([, id]) => PAGES.some((page) => page.id === id && allowed(page)));
  return html`<${Dialog} title=${t('keys_help.title')} onClose=${onClose} wide><div class="grid">
    <section><h3>${t('keys_help.everywhere')}</h3><${Keys} rows=${[['?', t('keys_help.help')], ['Tab', t('keys_help.tab')], ['Esc', t('keys_help.escape')], ['← →', t('keys_help.tabs')]]} />
      <${Switch} label=${t('keys_help.single')} checked=${singleKeys.value} onValue=${useSingleKeys} /><p class="hint">${t('keys_help.single_about')}</p></section>
    <section><h3>${t('keys_help.go')}</h3><${Keys} rows=${pages.map(([letter, id]) => [`g ${letter}`, t(`pages.${id}`)])} /></section>
    ${can('messages:read') && html`<section><h3>${t('pages.inbox')}</h3><${Keys} rows=${Object.entries(INBOX).map(([keys, name]) => [keys, t(`keys_help.inbox.${name}`)])} /></section>`}</div></${Dialog}>`;
}
