// All sessions: a card each while they are few, a line each when they are many. Filtered by status in
// the address (?status=ready,syncing) and by name as one types.
import { html } from 'htm/preact';
import { Component } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { can } from '../../core/auth.js';
import { mebibytes, number, phone } from '../../core/format.js';
import { has, language, t } from '../../core/i18n.js';
import { href, setQuery } from '../../core/router.js';
import { Button, Empty, Icon, Loaded, PageHead, SearchField, Status, Time } from '../../ui/controls.js';
import { SaidShort } from '../../ui/said.js';
import { mayLink } from './acts.js';
import { Create } from './create.js';
import { accountName, useSessions, whyOf } from './data.js';

const CARDS_MAX = 12;
const ORDER = ['failed', 'logged_out', 'conflict', 'disconnected', 'unlinked', 'starting', 'linking', 'syncing', 'ready', 'hibernating', 'stopped'];

const Fact = ({ label, children }) => html`<div><dt>${label}</dt><dd>${children}</dd></div>`;

// Drawn again only when the session is another one, or its words are: events of one do not cost the
// others. "3 min ago" is another word each minute.
class One extends Component {
  shouldComponentUpdate(next) {
    return next.session !== this.props.session || next.words !== this.props.words;
  }
  render({ session: s }) {
    const who = accountName(s);
    return html`<li class="session-one"><div class="session-name"><h2><a href=${href('sessions', [s.id])} dir="ltr">${s.id}</a></h2><${Status} value=${s.status} /></div>
      <p class="session-who">${s.account ? html`<span dir="auto">${who}</span> <span class="muted">${phone(s.account.phone)}</span>` : html`<span class="muted">${t('sessions.no_account')}</span>`}</p>
      <dl class="session-facts"><${Fact} label=${t('sessions.since')}><${Time} at=${s.status_since} /></${Fact}>
        <${Fact} label=${t('sessions.queue')}>${number(s.backlog?.outbox ?? 0)}</${Fact}>
        <${Fact} label=${t('sessions.memory')}>${s.memory ? mebibytes(s.memory.browser_pss_bytes) : '–'}</${Fact}>
        <${Fact} label=${t('sessions.activity')}><${Time} at=${s.last_activity_at} /></${Fact}></dl>
      ${mayLink(s) && html`<${Button} small icon="qr-code" class="session-link" href=${href('sessions', [s.id, 'link'])} aria-label=${t('sessions.link_name', { name: s.id })}>${t('sessions.link')}</${Button}>`}
      ${s.status_reason && !['ready', 'hibernating'].includes(s.status) && html`<p class="session-why muted"><${SaidShort} section="reasons" of=${whyOf(s)} /></p>`}</li>`;
  }
}

function Filters({ items, chosen }) {
  const counts = new Map();
  for (const s of items) counts.set(s.status, (counts.get(s.status) || 0) + 1);
  const words = ORDER.filter((status) => counts.has(status) || chosen.includes(status));
  const one = (status, text, n, on) => html`<a key=${status} class="session-chip" href=${href('sessions', [], { status })} aria-current=${on ? 'true' : undefined}>${text} <span class="count">${number(n)}</span></a>`;
  return html`<nav class="session-chips" aria-label=${t('sessions.by_status')}>${one('', t('common.all'), items.length, chosen.length === 0)}
    ${words.map((status) => one(status, has(`status.${status}`) ? t(`status.${status}`) : status, counts.get(status) || 0, chosen.includes(status)))}</nav>`;
}

function Items({ items, query, search }) {
  const drawn = `${language.value} ${Math.floor(Date.now() / 60_000)}`;
  const chosen = query.status ? query.status.split(',') : [];
  const words = search.trim().toLowerCase();
  const digits = /^[+0-9 ().-]+$/.test(words) ? words.replace(/[^0-9]/g, '') : '';
  const shown = useMemo(() => items.filter((s) => (!chosen.length || chosen.includes(s.status)) && (!words
    || s.id.includes(words) || accountName(s).toLowerCase().includes(words) || (digits && s.account?.phone?.includes(digits)))), [items, query.status, words]);
  return html`<${Filters} items=${items} chosen=${chosen} />
    <p class="hidden" role="status">${t('sessions.shown', { n: shown.length })}</p>
    ${shown.length === 0 ? html`<${Empty} icon="magnifying-glass" title=${t('sessions.no_match')} action=${html`<${Button} href=${href('sessions')}>${t('sessions.show_all')}</${Button}>`}>${t('sessions.no_match_about')}</${Empty}>`
    : html`<ul class=${items.length > CARDS_MAX ? 'sessions-many' : 'sessions-few grid'}>${shown.map((s) => html`<${One} key=${s.id} session=${s} words=${drawn} />`)}</ul>`}`;
}

export default function List({ query }) {
  const list = useSessions();
  const [creating, setCreating] = useState(false);
  const search = query.q || '';
  const create = can('sessions:manage') && html`<${Button} kind="primary" icon="plus" onClick=${() => setCreating(true)}>${t('sessions.new')}</${Button}>`;
  const none = html`<${Empty} icon="device-phone-mobile" title=${t('sessions.empty')} action=${create}>${t(create ? 'sessions.empty_about' : 'sessions.empty_read')}</${Empty}>`;
  return html`<${PageHead} title=${t('pages.sessions')} about=${t('sessions.about')}>
      ${list.data?.length > 3 && html`<${SearchField} label=${t('sessions.search')} value=${search} onValue=${(q) => setQuery({ q })} />`}${list.data?.length > 0 && create}</${PageHead}>
    <${Loaded} of=${list} lines=${5} height=${64} empty=${none} isEmpty=${(items) => items.length === 0}>${(items) => html`<${Items} items=${items} query=${query} search=${search} />`}</${Loaded}>
    ${creating && html`<${Create} taken=${(list.data || []).map((s) => s.id)} onClose=${() => setCreating(false)} />`}`;
}
