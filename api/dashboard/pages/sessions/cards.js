// What a session is: its account, what waits in it, what its browser takes, what works in its page.
import { html } from 'htm/preact';
import { bytes, duration, mebibytes, number, phone } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { can } from '../../core/auth.js';
import { Badge, Button, Card, ExactTime, Icon, Time } from '../../ui/controls.js';
import { accountName, isLinked } from './data.js';

export const Facts = ({ rows }) => html`<dl class="session-rows">${rows.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

// As WhatsApp calls the kinds of phones, and as people do. The business app has its own.
const PHONES = { android: 'Android', iphone: 'iPhone', smba: 'Android (WhatsApp Business)', smbi: 'iPhone (WhatsApp Business)' };

export function Account({ session: s }) {
  const a = s.account;
  const name = accountName(s);
  return html`<${Card} title=${t('sessions.account.title')}>${!a ? html`<p class="muted">${t('sessions.account.none')}</p>` : html`
    <p class="account-who"><span class="account-face" aria-hidden="true">${(name || a.phone || '?').trim().slice(0, 1).toUpperCase()}</span><span><strong dir="auto">${name || t('sessions.account.no_name')}</strong><br /><span class="muted">${phone(a.phone)}</span></span></p>
    <${Facts} rows=${[[t('sessions.account.linked'), html`<${ExactTime} at=${s.linked_at} />`],
      a.platform && [t('sessions.account.platform'), html`<span dir="auto">${PHONES[a.platform] ?? a.platform}</span>`],
      a.lid && [t('sessions.account.lid'), html`<code dir="ltr">${a.lid}</code>`],
      !isLinked(s) && [t('sessions.account.state'), t('sessions.account.was')]]} />`}</${Card}>`;
}

export const Backlog = ({ session: s }) => html`<${Card} title=${t('sessions.work.title')} acts=${can('messages:read') && html`<${Button} small kind="quiet" href=${href('inbox', [s.id])}>${t('sessions.open_inbox')}</${Button}>`}>
  <${Facts} rows=${[[t('sessions.work.outbox'), number(s.backlog?.outbox ?? 0)], [t('sessions.work.deliveries'), number(s.backlog?.deliveries ?? 0)],
    [t('sessions.work.last'), html`<${Time} at=${s.last_activity_at} />`],
    s.hibernate?.after_idle_s > 0 && [t('sessions.work.idle'), duration(s.hibernate.after_idle_s)],
    s.hibernate?.wake_at && [t('sessions.work.wake'), html`<${ExactTime} at=${s.hibernate.wake_at} />`]]} /></${Card}>`;

// Used, with marks where garbage is collected (soft) and the browser restarted (hard).
function Bar({ used, soft, hard }) {
  const share = Math.min(1, used / hard);
  const tone = used >= hard ? 'bad' : used >= soft ? 'warn' : 'ok';
  return html`<div class=${`memory-bar ${tone}`} role="meter" aria-label=${t('sessions.browser.used')} aria-valuemin="0" aria-valuemax=${hard} aria-valuenow=${Math.min(used, hard)}
      aria-valuetext=${t('sessions.browser.of', { used: mebibytes(used), hard: mebibytes(hard) })}><span class="fill" style=${{ inlineSize: `${share * 100}%` }} /><span class="mark" style=${{ insetInlineStart: `${Math.min(1, soft / hard) * 100}%` }} /></div>
    <p class="memory-words"><strong>${mebibytes(used)}</strong> <span class="muted">${t('sessions.browser.limits', { soft: mebibytes(soft), hard: mebibytes(hard) })}</span></p>`;
}

export function Memory({ session: s }) {
  const m = s.memory, d = s.storage;
  return html`<${Card} title=${t('sessions.browser.title')}>${!m ? html`<p class="muted">${t(['stopped', 'hibernating', 'logged_out', 'failed'].includes(s.status) ? 'sessions.browser.none' : 'sessions.browser.not_yet')}</p>`
    : html`${m.hard_bytes > 0 ? html`<${Bar} used=${m.browser_pss_bytes} soft=${m.soft_bytes || m.hard_bytes} hard=${m.hard_bytes} />` : html`<p class="memory-words"><strong>${mebibytes(m.browser_pss_bytes)}</strong></p>`}`}
    <${Facts} rows=${[m && [t('sessions.browser.started'), html`<${Time} at=${m.started_at} />`],
      m && m.collections + m.reloads + m.restarts > 0 && [t('sessions.browser.mended'), t('sessions.browser.mends', { collections: m.collections, reloads: m.reloads, restarts: m.restarts })],
      m && [t('sessions.browser.processes'), number(m.processes)],
      d && [t('sessions.browser.profile'), bytes(d.profile_bytes)], d && [t('sessions.browser.cache'), bytes(d.cache_bytes)]]} /></${Card}>`;
}

export function Capabilities({ session: s }) {
  const all = Object.entries(s.capabilities || {}).filter(([, c]) => typeof c === 'object' && c);
  const missing = all.filter(([, c]) => !c.ok);
  const versions = ['web', 'wa_js'].filter((name) => typeof s.capabilities?.[name] === 'string').map((name) => `${name === 'web' ? 'WhatsApp Web' : 'wa-js'} ${s.capabilities[name]}`);
  const words = (name) => (has(`sessions.can.${name}`) ? t(`sessions.can.${name}`) : name);
  return html`<${Card} title=${t('sessions.can.title')} acts=${all.length > 0 && html`<${Badge} tone=${missing.length ? 'warn' : ''}>${t('sessions.can.count', { ok: all.length - missing.length, all: all.length })}</${Badge}>`}>
    ${all.length === 0 ? html`<p class="muted">${t('sessions.can.none')}</p>` : html`<ul class="can">${all.map(([name, c]) => html`<li key=${name} class=${c.ok ? '' : 'cannot'}>
      <${Icon} name=${c.ok ? 'check' : 'x-circle'} size=${18} label=${t(c.ok ? 'sessions.can.yes' : 'sessions.can.no')} /> <span>${words(name)}${!c.ok && c.missing && html`<small dir="ltr">${c.missing.join(', ')}</small>`}</span></li>`)}</ul>`}
    ${missing.length > 0 && html`<p class="hint">${t('sessions.can.help')}</p>`}${versions.length > 0 && html`<p class="hint" dir="ltr">${versions.join(' · ')}</p>`}</${Card}>`;
}
