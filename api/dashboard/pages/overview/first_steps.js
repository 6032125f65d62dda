// The way from nothing to the first message: a session, its link, a webhook.
import { html } from 'htm/preact';
import { can } from '../../core/auth.js';
import { number } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { Button, Icon } from '../../ui/controls.js';

const LINKED = ['ready', 'syncing', 'disconnected', 'conflict', 'hibernating'];

// Only what this key may do. done: as far as the numbers tell; a stopped session counts as linked once
// a message was sent or received.
export function steps({ stats, webhooks, only }) {
  const { sessions, totals } = stats;
  const linked = LINKED.some((status) => sessions[status] > 0) || totals.sent + totals.received > 0;
  const all = [];
  if (can('sessions:manage')) {
    all.push({ id: 'session', done: sessions.total > 0, href: href('sessions') });
    all.push({ id: 'link', done: linked, href: only ? href('sessions', [only.id, 'link']) : href('sessions') });
  }
  if (can('webhooks:manage') && webhooks) all.push({ id: 'webhook', done: webhooks.length > 0, href: href('webhooks') });
  return all;
}

export function FirstSteps({ steps: all, fresh }) {
  const next = all.find((step) => !step.done);
  return html`<section class=${`first-steps card ${fresh ? 'fresh' : ''}`} aria-labelledby="first-steps"><h2 id="first-steps">${t('overview.first.title')}</h2>
    <p class="muted">${t('overview.first.about')}</p><ol>${all.map((step, i) => html`<li key=${step.id} class=${step.done ? 'done' : step === next ? 'next' : ''}>
      <span class="step-sign" aria-hidden="true">${step.done ? html`<${Icon} name="check" size=${18} />` : number(i + 1)}</span>
      <div><h3>${t(`overview.first.${step.id}`)}${step.done && html` <span class="hidden">${t('overview.first.done')}</span>`}</h3><p>${t(`overview.first.${step.id}_about`)}</p>
      ${step === next && html`<${Button} kind="primary" href=${step.href}>${t(`overview.first.${step.id}_act`)}</${Button}>`}</div></li>`)}</ol></section>`;
}
