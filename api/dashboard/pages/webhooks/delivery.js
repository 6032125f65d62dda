// One delivery: every try that is remembered, and the event as it is posted.
import { html } from 'htm/preact';
import { get, of } from '../../core/api.js';
import { dateTime, milliseconds } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { useInterval, useLoad } from '../../core/load.js';
import { href } from '../../core/router.js';
import { Button, ExactTime, Icon, Loaded, Status, Time } from '../../ui/controls.js';
import { Dialog } from '../../ui/overlay.js';
import { Json } from '../../ui/json.js';
import { chatName, Outcome } from './deliveries.js';
import { advice } from './test.js';

function Tries({ d }) {
  const first = d.attempts - d.tries.length + 1;
  if (d.tries.length === 0) return html`<p class="muted">${t('webhooks.no_tries')}</p>`;
  return html`<ol class="tries" start=${first} reversed=${false}>${d.tries.map((one, i) => {
    const good = one.status >= 200 && one.status < 300;
    return html`<li key=${i}><${Icon} name=${good ? 'check-circle' : 'x-circle'} size=${18} label=${t(good ? 'webhooks.try_good' : 'webhooks.try_bad')} /><span>${t('webhooks.try', { n: first + i })}</span>
      <time datetime=${one.at}>${dateTime(one.at)}</time><strong>${one.status ? `HTTP ${one.status}` : t('webhooks.no_answer')}</strong><span class="muted">${milliseconds(one.duration_ms)}</span></li>`;
  })}</ol>`;
}

function Body({ d }) {
  const failed = d.state !== 'delivered' && (d.last_error || d.last_status);
  return html`<dl class="hook-facts">
      <div><dt>${t('webhooks.state_is')}</dt><dd><${Status} value=${d.state} /></dd></div>
      <div><dt>${t('webhooks.event')}</dt><dd><bdi class="mono">${d.type || t('webhooks.event_gone')}</bdi></dd></div>
      ${d.event_id && html`<div><dt>webhook-id</dt><dd><bdi class="mono">${d.event_id}</bdi></dd></div>`}
      ${d.chat && html`<div><dt>${t('webhooks.chat')}</dt><dd><a href=${href('inbox', [d.session, d.chat.id])}><bdi>${chatName(d.chat)}</bdi></a></dd></div>`}
      ${d.session && html`<div><dt>${t('webhooks.session')}</dt><dd><a href=${href('sessions', [d.session])}><bdi>${d.session}</bdi></a></dd></div>`}
      <div><dt>${t('webhooks.queued')}</dt><dd><${ExactTime} at=${d.created_at} /></dd></div>
      ${d.next_try_at && html`<div><dt>${t('webhooks.next_try')}</dt><dd><${ExactTime} at=${d.next_try_at} /> (<${Time} at=${d.next_try_at} />)</dd></div>`}
      ${d.finished_at && html`<div><dt>${t('webhooks.finished')}</dt><dd><${ExactTime} at=${d.finished_at} /></dd></div>`}</dl>
    ${failed && html`<p class="advice"><${Icon} name="information-circle" size=${18} /> <span><strong><${Outcome} of=${d} /></strong> ${advice(d.last_reason, d.last_status)}</span></p>`}
    <h3>${t('webhooks.tries', { n: d.attempts })}</h3><${Tries} d=${d} />
    ${d.event ? html`<${Json} label=${t('webhooks.body')} value=${d.event} />` : html`<p class="notice">${t(d.type ? 'webhooks.body_hidden' : 'webhooks.body_gone')}</p>`}`;
}

export function DeliveryDialog({ hook, id, manage, onClose, onRedrive }) {
  const one = useLoad((signal) => get(of`/webhooks/${hook.id}/deliveries/${id}`, {}, { signal }), [hook.id, id]);
  useInterval(() => one.data?.state === 'pending' && one.reload(), 2000, [one.data, one.reload]);
  const dead = one.data?.state === 'dead' && manage && one.data.type;
  return html`<${Dialog} wide title=${t('webhooks.delivery', { id })} onClose=${onClose}
    acts=${html`${dead && html`<${Button} icon="arrow-path" onClick=${() => onRedrive(id)}>${t('webhooks.redrive')}</${Button}>`}<${Button} kind="primary" onClick=${onClose}>${t('common.close')}</${Button}>`}>
    <${Loaded} of=${one} lines=${8}>${(d) => html`<${Body} d=${d} />`}</${Loaded}></${Dialog}>`;
}
