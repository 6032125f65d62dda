// Alerts: what goes wrong now, and what the daemon watches for.
import { html } from 'htm/preact';
import { get, of } from '../../core/api.js';
import { isAdmin, tenant } from '../../core/auth.js';
import { number } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { throttled, useEvents, useInterval, useLoad } from '../../core/load.js';
import { href } from '../../core/router.js';
import { Card, Empty, Icon, Loaded, Time } from '../../ui/controls.js';
import { AlertWords } from '../../ui/said.js';

const KINDS = ['send_failures', 'session_flapping', 'queue_old', 'webhook_failing', 'agent_failing', 'agent_loop', 'disk_low', 'memory_high', 'store_failing'];
const LOOK_MS = 30_000;
// the overview's words, so that an alert has one name
const name = (kind) => (has(`overview.alerts.kinds.${kind}`) ? t(`overview.alerts.kinds.${kind}`) : has(`settings.alerts.kinds.${kind}`) ? t(`settings.alerts.kinds.${kind}`) : kind);
const help = ({ alert, help: words }) => (has(`overview.alerts.help.${alert}`) ? t(`overview.alerts.help.${alert}`) : words);

function Where({ alert }) {
  const { session, webhook } = alert;
  if (alert.tenant && alert.tenant !== tenant.value) return html`<bdi>${[alert.tenant, session || webhook].filter(Boolean).join(' / ')}</bdi>`;
  if (webhook) return html`<a href=${href('webhooks', [webhook])}><bdi>${webhook}</bdi></a>`;
  if (session) return html`<a href=${href('sessions', [session])}><bdi>${session}</bdi></a>`;
  return html`<span>${t('settings.alerts.node')}</span>`;
}

const Alert = ({ alert }) => html`<li class="alert"><${Icon} name="exclamation-triangle" /><div><strong>${name(alert.alert)}</strong> · <${Where} alert=${alert} />
  <p><${AlertWords} alert=${alert} /></p>${help(alert) && html`<p class="hint" dir="auto">${help(alert)}</p>`}
  <p class="hint">${t('settings.alerts.since')} <${Time} at=${alert.since} />${alert.threshold != null && html` · ${t('settings.alerts.value', { value: number(alert.value), threshold: number(alert.threshold) })}`}</p></div></li>`;

export function Alerts() {
  const path = isAdmin() ? '/v1/alerts' : of`/alerts`;
  const list = useLoad((signal) => get(path, {}, { signal }), [path]);
  useEvents(['alert.*', 'gap'], throttled(list.reload), [list.reload]);
  useInterval(list.reload, LOOK_MS, [list.reload]);
  return html`<div class="stack"><${Card} title=${t('settings.alerts.now')}><${Loaded} of=${list} lines=${2} height=${48}
      empty=${html`<${Empty} icon="check-circle" title=${t('settings.alerts.none')}>${t('settings.alerts.none_about')}</${Empty}>`}>${(data) => html`<ul class="alert-list">${data.items.map((alert) => html`<${Alert} key=${[alert.alert, alert.tenant, alert.session, alert.webhook].join()} alert=${alert} />`)}</ul>`}</${Loaded}></${Card}>
    <${Card} title=${t('settings.alerts.watched')}><p class="hint">${t('settings.alerts.watched_about')}</p>
      <dl class="fact-list">${KINDS.map((kind) => html`<div key=${kind}><dt>${name(kind)}</dt><dd>${t(`settings.alerts.when.${kind}`)}</dd></div>`)}</dl></${Card}></div>`;
}
