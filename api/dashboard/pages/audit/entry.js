// One record in words: what happened, by whom, and behind it everything that the record holds.
import { html } from 'htm/preact';
import { me } from '../../core/auth.js';
import { dayName, exactTime, time } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { Copy, Icon } from '../../ui/controls.js';

const ICONS = {
  session: 'device-phone-mobile', message: 'chat-bubble-left-ellipsis', chat: 'chat-bubble-left-right', note: 'pencil-square', contact: 'user',
  group: 'user-group', key: 'key', webhook: 'bolt', agent: 'command-line', media: 'photo', tenant: 'building-office', guards: 'no-symbol',
  opt_out: 'hand-raised', backup: 'archive-box', adapter: 'wrench-screwdriver', auth: 'lock-closed', widget: 'squares-2x2', sign_in: 'finger-print',
};
export const AREAS = Object.keys(ICONS);

// "key:0123456789ab" as a person knows it.
export function actorName(actor, names) {
  const [kind, id] = [actor.split(':')[0], actor.slice(actor.indexOf(':') + 1)];
  if (kind === 'key') return id === me.value.id ? t('audit.actors.you') : t('audit.actors.key', { name: names?.get(id) ?? id });
  if (kind === 'jwt') return t('audit.actors.jwt', { name: id });
  return has(`audit.actors.${kind}`) ? t(`audit.actors.${kind}`) : actor;
}

// What was done, in words; a word that is newer than this page shows itself.
function sentence(r) {
  const target = r.action.startsWith('session.') ? r.session || r.target : r.target || r.session || (r.action.startsWith('tenant.') ? r.tenant : '–');
  const word = r.status === 201 && has(`audit.words.${r.action}_new`) ? `${r.action}_new` : r.action;
  if (!has(`audit.words.${word}`)) return html`<code dir="ltr">${r.action}</code> ${r.target && html`<bdi>${r.target}</bdi>`}`;
  return html`<bdi>${t(`audit.words.${word}`, { target: `\u2068${target}\u2069` })}</bdi>`;
}
const outcome = (r) => (r.status < 400 ? null : [401, 403, 404, 429].includes(r.status) ? 'refused' : 'failed');

const Fact = ({ name, children }) => children && html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
const Raw = ({ text }) => html`<code dir="ltr">${text}</code>`;

function Entry({ record: r, names }) {
  const bad = r.action.startsWith('auth.') ? null : outcome(r);
  const area = r.action.split('.')[0];
  return html`<li><details class=${`entry ${outcome(r) ? 'bad' : ''}`}><summary>
    <span class="entry-sign"><${Icon} name=${ICONS[area] || 'document-text'} size=${18} /></span>
    <span class="entry-text"><strong>${sentence(r)}</strong><small><bdi>${actorName(r.actor, names)}</bdi> · <bdi>${r.address === 'socket' ? t('audit.socket') : r.address}</bdi>${r.session && !r.action.startsWith('session.') && html` · <bdi>${r.session}</bdi>`}</small>
      ${bad && html`<span class="status bad">${t(`audit.${bad}`)}</span>`}</span>
    <time datetime=${r.at} title=${exactTime(r.at)}>${time(r.at)}</time><${Icon} name="chevron-down" size=${16} /></summary>
    <dl class="fact-list">
      <${Fact} name=${t('audit.at')}>${exactTime(r.at)}</${Fact}>
      <${Fact} name=${t('audit.actor')}><${Raw} text=${r.actor} /></${Fact}>
      <${Fact} name=${t('audit.address')}><${Raw} text=${r.address} /></${Fact}>
      <${Fact} name=${t('audit.action')}><${Raw} text=${r.action} /></${Fact}>
      <${Fact} name=${t('audit.tenant')}>${r.tenant && html`<${Raw} text=${r.tenant} />`}</${Fact}>
      <${Fact} name=${t('audit.session')}>${r.session && html`<${Raw} text=${r.session} />`}</${Fact}>
      <${Fact} name=${t('audit.target')}>${r.target && html`<${Raw} text=${r.target} />`}</${Fact}>
      <${Fact} name=${t('audit.outcome')}><${Raw} text=${`${r.status}${r.code ? ` ${r.code}` : ''}`} /></${Fact}>
      <${Fact} name=${t('audit.detail')}>${r.detail && html`<${Raw} text=${JSON.stringify(r.detail)} />`}</${Fact}>
      <${Fact} name=${t('audit.request')}><${Raw} text=${r.request_id} /></${Fact}>
      <${Fact} name=${t('audit.hash', { n: r.seq })}><${Copy} text=${r.hash} label=${t('audit.copy_hash')} /></${Fact}>
    </dl></details></li>`;
}

// Under a heading a day.
export function Entries({ items, names }) {
  const days = Map.groupBy ? Map.groupBy(items, (r) => new Date(r.at).toDateString()) : group(items);
  return html`<div class="audit-days">${[...days].map(([day, records]) => html`<section key=${day} class="card"><h2>${dayName(records[0].at)}</h2>
    <ol>${records.map((r) => html`<${Entry} key=${r.seq} record=${r} names=${names} />`)}</ol></section>`)}</div>`;
}
function group(items) {
  const days = new Map();
  for (const r of items) {
    const day = new Date(r.at).toDateString();
    days.set(day, [...(days.get(day) ?? []), r]);
  }
  return days;
}
