// The messages behind a number of the overview: #/overview/messages?direction=out&status=failed&since=…
import { html } from 'htm/preact';
import { all, get, of } from '../../core/api.js';
import { dateTime, phone } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { useLoad, usePages } from '../../core/load.js';
import { href, setQuery } from '../../core/router.js';
import { Checkbox, Empty, ExactTime, Icon, Loaded, More, PageHead, Select, Status } from '../../ui/controls.js';
import { problem } from '../../ui/overlay.js';
import { SaidShort } from '../../ui/said.js';
import { AT_LEAST, WAITING } from './links.js';
import { merged } from './merged.js';

const TOGETHER = 10;   // sessions that are read at once; more of them one by one
const STATUSES = ['queued', 'submitted', 'unconfirmed', 'sent', 'delivered', 'read', 'played', 'failed'];

// Where a message is now, and what the numbers count: all that have come so far.
const STATES = () => [['', t('common.all')], ...Object.entries(AT_LEAST).map(([s, list]) => [list, t('overview.list.at_least', { status: t(`status.${s}`) })]), [WAITING, t('overview.queues.outbox')], ...STATUSES.map((s) => [s, t(`status.${s}`)])];

const who = (chat) => chat?.name || (chat?.phone ? phone(chat.phone) : chat?.id);
const Row = ({ message: m, several }) => html`<li><a href=${href('inbox', [m.session, m.chat.id], { message: m.id })}>
  <span class="message-head"><strong dir="auto">${who(m.chat)}</strong><${ExactTime} at=${m.timestamp} /></span>
  <span class="message-text" dir="auto">${m.text || html`<em>${m.type}</em>`}</span>
  <span class="message-foot">${several && html`<bdi class="muted">${m.session}</bdi>`}${m.direction === 'out' ? html`<${Status} value=${m.status} />` : ''}${m.error && html`<${SaidShort} section="messages" of=${m.error} class="bad" />`}</span></a></li>`;

const List = ({ sessions, query }) => {
  const { direction, status, since, backfill } = query;
  const read = (session, cursor, signal) => get(of`/sessions/${session}/messages`, { direction, status, since, backfill, limit: 50, cursor }, { signal });
  const list = usePages(({ cursor, signal }) => merged(sessions, read, cursor, signal), [sessions.join(), direction, status, since, backfill]);
  return html`<${Loaded} of=${list} lines=${6} height=${64} empty=${html`<${Empty} icon="inbox" title=${t('overview.list.empty')}>${t('overview.list.empty_about')}</${Empty}>`}>
    ${(data) => html`<ul class="messages card">${data.items.map((m) => html`<${Row} key=${m.id + m.chat.id} message=${m} several=${sessions.length > 1} />`)}</ul><${More} of=${list} onTrouble=${problem} />`}</${Loaded}>`;
};

export function Messages({ query }) {
  const sessions = useLoad((signal) => all(of`/sessions`, {}, { signal }), []);
  const chosen = (items) => (items.some((s) => s.id === query.session) ? query.session : items.length > 1 && items.length <= TOGETHER ? '' : items[0]?.id);
  const offered = (items) => [...(items.length > 1 && items.length <= TOGETHER ? [['', t('common.all')]] : []), ...items.map((s) => [s.id, s.id])];
  const set = (name) => (value) => setQuery({ [name]: value });
  return html`<a class="back" href=${href('overview')}><${Icon} name="chevron-left" size=${16} class="flips" /> ${t('pages.overview')}</a>
    <${PageHead} title=${t('overview.list.title')} about=${query.since && t('overview.list.since', { at: dateTime(query.since) })} />
    <${Loaded} of=${sessions} isEmpty=${(items) => items.length === 0} empty=${html`<${Empty} icon="device-phone-mobile" title=${t('overview.list.no_session')} />`}>${(items) => html`
      <div class="behind"><${Select} label=${t('overview.list.session')} value=${chosen(items)} options=${offered(items)} onValue=${set('session')} />
      <${Select} label=${t('overview.list.direction')} value=${query.direction || ''} options=${['', 'in', 'out'].map((d) => [d, t(`overview.list.directions.${d || 'both'}`)])} onValue=${(d) => setQuery({ direction: d, ...(d === 'in' && { status: '' }) })} />
      <${Select} label=${t('overview.list.status')} value=${query.status || ''} options=${STATES()} onValue=${set('status')} /></div>
      <${Checkbox} label=${t('overview.list.backfill')} checked=${query.backfill !== 'false'} onValue=${(on) => setQuery({ backfill: on ? undefined : 'false' })} />
      <${List} sessions=${chosen(items) ? [chosen(items)] : items.map((s) => s.id)} query=${query} />`}</${Loaded}>`;
}
