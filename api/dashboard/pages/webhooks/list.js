// All webhooks of the tenant, and how each fares.
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { all, of } from '../../core/api.js';
import { can, tenant } from '../../core/auth.js';
import { duration, milliseconds, number } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { throttled, useEvents, useInterval, useLoad } from '../../core/load.js';
import { go, href } from '../../core/router.js';
import { Badge, Button, Empty, Icon, Loaded, PageHead, Status, Time } from '../../ui/controls.js';
import { Menu } from '../../ui/overlay.js';
import { Sessions } from '../../ui/patterns.js';
import { SaidShort } from '../../ui/said.js';
import { remove, setEnabled, stateOf } from './acts.js';
import { WebhookForm } from './form.js';
import { TestDialog } from './test.js';

export const COUNTED = 1000;   // the server counts no further
export const counted = (n) => (n >= COUNTED ? t('webhooks.or_more', { n }) : number(n ?? 0));

export const State = ({ hook }) => {
  const [word, tone] = stateOf(hook);
  return html`<${Status} value=${t(`webhooks.state.${word}`)} tone=${tone} />`;
};
// Why it is paused and when it is tried next; nothing when all is well.
export function Health({ hook }) {
  const { state, last_error: error, last_reason: code, next_probe_at: next } = hook.health || {};
  if (!hook.enabled || !error || state === 'ok') return null;
  const soon = !next || new Date(next) <= new Date();
  return html`<p class="hook-trouble"><${Icon} name="exclamation-triangle" size=${16} /> <span><${SaidShort} section="deliveries" of=${{ code: code === 'status' ? undefined : code, detail: error }} />${state === 'paused' && html`<br />
    ${soon ? t('webhooks.tried_now') : t('webhooks.tried_next', { time: duration((new Date(next) - Date.now()) / 1000) })}`}</span></p>`;
}
export const Numbers = ({ hook }) => html`<dl class="numbers">
  <div><dt>${t('webhooks.pending')}</dt><dd>${hook.pending ? html`<a href=${href('webhooks', [hook.id], { state: 'pending' })}>${counted(hook.pending)}</a>` : number(0)}</dd></div>
  <div><dt>${t('webhooks.dead')}</dt><dd>${hook.dead ? html`<a class="bad" href=${href('webhooks', [hook.id], { state: 'dead' })}>${counted(hook.dead)}</a>` : number(0)}</dd></div>
  <div><dt>${t('webhooks.last')}</dt><dd><${Time} at=${hook.health?.last_success_at} /></dd></div>
  <div><dt>${t('webhooks.latency')}</dt><dd>${milliseconds(hook.health?.latency_ms)}</dd></div></dl>`;
export const Events = ({ patterns, most = 4 }) => (patterns.includes('*') ? html`<span>${t('webhooks.all_events')}</span>`
  : html`${patterns.slice(0, most).map((p) => html`<${Badge} key=${p}><bdi class="mono">${p}</bdi></${Badge}> `)}${patterns.length > most && html`<span class="muted">${t('webhooks.and_more', { n: patterns.length - most })}</span>`}`);

function Hook({ hook, manage, onTest, onEdit, reload }) {
  return html`<li class="card hook"><header><div><h2><a href=${href('webhooks', [hook.id])}><bdi>${hook.id}</bdi></a></h2><p class="url" dir="ltr">${hook.url}</p></div><${State} hook=${hook} /></header>
    <${Health} hook=${hook} /><${Numbers} hook=${hook} />
    <footer><p class="hook-what"><${Events} patterns=${hook.events} /><span class="muted"> · <${Sessions} patterns=${hook.sessions} /></span></p>
    ${manage && html`<div class="acts"><${Button} small icon="paper-airplane" onClick=${onTest} aria-label=${t('webhooks.test_name', { name: hook.id })}>${t('webhooks.test')}</${Button}>
      <${Menu} label=${t('webhooks.acts_of', { name: hook.id })} items=${[
        { text: t('common.edit'), icon: 'pencil-square', onPick: onEdit },
        { text: t('webhooks.deliveries'), icon: 'queue-list', href: href('webhooks', [hook.id]) },
        { text: t('webhooks.signature.title'), icon: 'shield-check', href: href('webhooks', [hook.id], { tab: 'signature' }) },
        { text: t(hook.enabled ? 'webhooks.disable' : 'webhooks.enable'), icon: hook.enabled ? 'pause' : 'play', onPick: () => setEnabled(hook, !hook.enabled, reload) },
        null,
        { text: t('common.delete'), icon: 'trash', danger: true, onPick: () => remove(hook, reload) },
      ]} /></div>`}</footer></li>`;
}

const Teach = ({ onCreate }) => html`<div class="teach"><${Empty} icon="bolt" title=${t('webhooks.empty.title')} action=${onCreate && html`<${Button} kind="primary" icon="plus" onClick=${onCreate}>${t('webhooks.create')}</${Button}>`}>${t('webhooks.empty.about')}</${Empty}>
  <div class="grid">${['any', 'frappe', 'n8n'].map((kind) => html`<section key=${kind} class="card"><h3>${t(`webhooks.empty.${kind}_title`)}</h3><p class="muted">${t(`webhooks.empty.${kind}`)}</p><pre dir="ltr" tabindex="0">${t(`webhooks.empty.${kind}_url`)}</pre></section>`)}</div></div>`;

export default function List() {
  const [open, setOpen] = useState(null);   // {form: true | hook} or {test: hook}
  const list = useLoad((signal) => all(of`/webhooks`, {}, { signal }), [tenant.value]);
  const later = useMemo(() => throttled(list.reload, 1000), [list.reload]);
  useEvents(['*'], later, [later]);
  useInterval(list.reload, 10_000, [list.reload]);
  const manage = can('webhooks:manage');
  const create = manage && (() => setOpen({ form: true }));
  const close = () => setOpen(null);
  return html`<${PageHead} title=${t('pages.webhooks')} about=${t('webhooks.about')}>${manage && list.data?.length > 0 && html`<${Button} kind="primary" icon="plus" onClick=${create}>${t('webhooks.create')}</${Button}>`}</${PageHead}>
    <${Loaded} of=${list} lines=${3} height=${120} isEmpty=${(items) => items.length === 0} empty=${html`<${Teach} onCreate=${create} />`}>${(items) => html`<ul class="hooks">${items.map((hook) => html`<${Hook}
      key=${hook.id} hook=${hook} manage=${manage} reload=${list.reload} onTest=${() => setOpen({ test: hook })} onEdit=${() => setOpen({ form: hook })} />`)}</ul>`}</${Loaded}>
    ${open?.form && html`<${WebhookForm} hook=${open.form === true ? null : open.form} names=${(list.data || []).map((h) => h.id)} onClose=${close} onSaved=${(hook, made) => { close(); list.reload(); if (made) go('webhooks', [hook.id], { tab: 'signature' }); }} />`}
    ${open?.test && html`<${TestDialog} hook=${open.test} onClose=${() => { close(); list.reload(); }} />`}`;
}
