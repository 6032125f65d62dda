// The numbers, each with the way to what is behind it.
import { html } from 'htm/preact';
import { compact, duration, milliseconds, number, percent } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Card, Icon, Status } from '../../ui/controls.js';
import { AT_LEAST, countedHref, inboxHref, messagesHref, sessionsHref, WAITING, webhooksHref } from './links.js';

const counted = (n) => (n < 10_000 ? number(n) : compact(n));

function Tile({ icon, name, value, hint, href, tone = '' }) {
  const inner = html`<span class="tile-name"><${Icon} name=${icon} size=${18} />${name}</span><strong class="tile-value">${value}</strong><span class="tile-hint">${hint}</span>`;
  return html`<li>${href ? html`<a class=${`card tile ${tone}`} href=${href}>${inner}</a>` : html`<div class=${`card tile ${tone}`}>${inner}</div>`}</li>`;
}
const hourly = (n, stats) => {
  const hours = (Date.parse(stats.until) - Date.parse(stats.since)) / 3_600_000;
  return t('overview.tiles.hourly', { n: number(n / Math.max(hours, 1 / 12), { maximumFractionDigits: n / hours < 10 ? 1 : 0 }) });
};

export function Tiles({ data: { stats, webhooks, session } }) {
  const { totals, since } = stats;
  const say = (key, values) => t(`overview.tiles.${key}`, values);
  const hooks = totals.webhooks;
  return html`<ul class="tiles" aria-label=${say('label')}>
    <${Tile} icon="arrow-down-tray" name=${say('received')} value=${counted(totals.received)} hint=${hourly(totals.received, stats)} href=${countedHref({ session, direction: 'in' }, since)} />
    <${Tile} icon="paper-airplane" name=${say('sent')} value=${counted(totals.sent)} hint=${hourly(totals.sent, stats)} href=${countedHref({ session, direction: 'out', status: AT_LEAST.sent }, since)} />
    <${Tile} icon="check" name=${say('delivery')} value=${percent(totals.delivery_rate, 1)} hint=${say('of_sent', { n: number(totals.delivered), of: number(totals.sent) })} href=${countedHref({ session, direction: 'out', status: AT_LEAST.delivered }, since)} />
    <${Tile} icon="eye" name=${say('read')} value=${percent(totals.read_rate, 1)} hint=${say('of_sent', { n: number(totals.read), of: number(totals.sent) })} href=${countedHref({ session, direction: 'out', status: AT_LEAST.read }, since)} />
    <${Tile} icon="exclamation-triangle" name=${say('failed')} value=${counted(totals.failed)} hint=${totals.failed ? say('failed_hint') : say('failed_none')} tone=${totals.failed ? 'bad' : ''} href=${countedHref({ session, direction: 'out', status: 'failed' }, since)} />
    <${Tile} icon="clock" name=${say('response')} value=${duration(totals.response.median_s)} hint=${totals.response.count ? say('response_hint', { p90: duration(totals.response.p90_s), n: totals.response.count }) : say('response_none')} href=${inboxHref({ session, state: 'open' })} />
    ${hooks && html`<${Tile} icon="bolt" name=${say('latency')} value=${milliseconds(hooks.latency_p50_ms)} hint=${hooks.latency_p90_ms == null ? say('latency_none') : say('latency_hint', { p90: milliseconds(hooks.latency_p90_ms) })} href=${webhooksHref(webhooks)} />
    <${Tile} icon="arrow-path" name=${say('hook_failed')} value=${counted(hooks.failed)} hint=${say('hook_hint', { n: hooks.delivered, dead: number(hooks.dead) })} tone=${hooks.dead ? 'bad' : ''} href=${hooks.dead ? webhooksHref(webhooks, 'dead', 'dead') : webhooksHref(webhooks)} />`}
  </ul>`;
}

const ORDER = ['ready', 'syncing', 'linking', 'starting', 'unlinked', 'hibernating', 'stopped', 'disconnected', 'conflict', 'logged_out', 'failed'];

const Line = ({ href, children, value }) => html`<li>${href ? html`<a href=${href}>${children}<strong>${value}</strong><${Icon} name="chevron-right" size=${16} /></a>` : html`<span>${children}<strong>${value}</strong></span>`}</li>`;

export function Sessions({ sessions, session }) {
  const some = ORDER.filter((status) => sessions[status] > 0);
  return html`<${Card} title=${t('overview.sessions.title')} acts=${html`<span class="muted">${t('overview.sessions.total', { n: sessions.total })}</span>`}>
    <ul class="lines">${some.map((status) => html`<${Line} key=${status} href=${sessionsHref(status, session)} value=${number(sessions[status])}><${Status} value=${status} /></${Line}>`)}</ul></${Card}>`;
}

export function Queues({ data: { stats: { queues }, webhooks, session } }) {
  const line = (name, value, href) => value != null && html`<${Line} key=${name} href=${href} value=${counted(value)}>
    <span class=${value > 0 && name === 'dead_letters' ? 'bad' : ''}>${t(`overview.queues.${name}`)}</span></${Line}>`;
  return html`<${Card} title=${t('overview.queues.title')} acts=${html`<span class="muted">${t('overview.queues.now')}</span>`}><ul class="lines">
    ${line('outbox', queues.outbox, messagesHref({ session, direction: 'out', status: WAITING }))}
    ${line('deliveries', queues.deliveries, webhooksHref(webhooks, 'pending', 'pending'))}
    ${line('dead_letters', queues.dead_letters, webhooksHref(webhooks, 'dead', 'dead'))}
    ${line('agent', queues.agent, sessionsHref(undefined, session))}</ul></${Card}>`;
}
