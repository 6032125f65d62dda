// The node, for administrators: health, tenants, and the log as it is written.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { all, del, get, put } from '../../core/api.js';
import { chooseTenant, tenant, tenants } from '../../core/auth.js';
import { trouble } from '../../core/codes.js';
import { bytes, duration, number } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { useInterval, useLoad } from '../../core/load.js';
import { href } from '../../core/router.js';
import { Button, Card, Empty, Loaded, Status, TextField, Time } from '../../ui/controls.js';
import { confirm, Dialog, Menu, problem, toast } from '../../ui/overlay.js';
import { Facts } from './form.js';
import { Logs } from './logs.js';

const LOOK_MS = 10_000;
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

// Health says 503 when the store cannot write; its body is wanted all the same.
async function health(signal) {
  const response = await fetch('/health', { cache: 'no-store', signal });
  return response.json();
}

function Health() {
  const state = useLoad(health, []);
  useInterval(state.reload, LOOK_MS, [state.reload]);
  return html`<${Card} title=${t('settings.node.health')} acts=${state.data && html`<${Status} value=${state.data.status} tone=${state.data.status === 'ok' ? 'ok' : 'bad'} />`}>
    <${Loaded} of=${state} lines=${5} isEmpty=${() => false}>${(h) => html`<${Facts} rows=${[[t('settings.node.version'), html`<bdi>${h.version}</bdi>`], [t('settings.node.uptime'), duration(h.uptime_s)], [t('settings.node.memory'), bytes(h.memory.rss_bytes)],
      [t('settings.node.sessions'), t('settings.node.ready', { ready: h.sessions.ready, total: h.sessions.total })], h.sessions.failed > 0 && [t('status.failed'), number(h.sessions.failed)], h.sessions.disconnected > 0 && [t('status.disconnected'), number(h.sessions.disconnected)],
      [t('settings.node.outbox'), number(h.queues.outbox)], [t('settings.node.deliveries'), number(h.queues.deliveries)], [t('settings.node.dead'), number(h.queues.dead_letters)]]} />`}</${Loaded}></${Card}>`;
}

// A new tenant, or another name for one.
function TenantForm({ doc, onClose, onDone }) {
  const [id, setId] = useState(doc?.id ?? '');
  const [name, setName] = useState(doc?.name ?? '');
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const bad = id && !NAME.test(id) ? t('settings.node.bad_id') : null;
  const submit = async (e) => {
    e.preventDefault();
    if (!NAME.test(id)) return setError({ message: t('settings.node.bad_id') });
    setBusy(true);
    try {
      await put(`/v1/tenants/${encodeURIComponent(id)}`, name.trim() ? { name: name.trim() } : {});
      toast(t(doc ? 'common.saved' : 'settings.node.created', { tenant: id }));
      onDone();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${doc ? t('settings.node.edit', { tenant: id }) : t('settings.node.create')} onClose=${onClose}><form onSubmit=${submit} noValidate>
    ${!doc && html`<${TextField} label=${t('settings.node.id')} hint=${t('settings.node.id_hint')} dir="ltr" autocomplete="off" maxLength="63" value=${id} onValue=${setId} error=${bad} />`}
    <${TextField} label=${t('settings.name')} optional maxLength="128" value=${name} onValue=${setName} error=${error && !bad ? trouble(error, 'name') : null} />
    <div class="row end"><${Button} onClick=${onClose}>${t('common.cancel')}</${Button}><${Button} kind="primary" type="submit" busy=${busy} disabled=${!id || Boolean(bad)}>${t(doc ? 'common.save' : 'settings.node.create')}</${Button}></div></form></${Dialog}>`;
}

async function erase(doc, onDone) {
  const sure = await confirm({ title: t('settings.node.delete_title', { tenant: doc.id }), text: t('settings.node.delete_text'), act: t('settings.node.delete'), danger: true, type: doc.id });
  if (!sure) return;
  try {
    await del(`/v1/tenants/${encodeURIComponent(doc.id)}`);
    toast(t('settings.node.deleted', { tenant: doc.id }));
    onDone();
  } catch (error) {
    problem(error, t('settings.node.delete_failed', { tenant: doc.id }));
  }
}

function Tenants() {
  const list = useLoad(async (signal) => {
    const items = await all('/v1/tenants', {}, { signal });
    tenants.value = items.map((x) => x.id);   // what the menu offers
    return { items };
  }, []);
  const [form, setForm] = useState(null);
  const gone = async (id) => {
    await list.reload();
    if (id === tenant.value && !tenants.value.includes(id)) chooseTenant(tenants.value[0] ?? '');
  };
  return html`<${Card} title=${t('settings.node.tenants')} acts=${html`<${Button} small icon="plus" onClick=${() => setForm({})}>${t('settings.node.create')}</${Button}>`}>
    <${Loaded} of=${list} lines=${3} height=${36} empty=${html`<${Empty} icon="building-office" title=${t('settings.node.no_tenants')}>${t('settings.node.no_tenants_about')}</${Empty}>`}>${(data) => html`<ul class="tenants">${data.items.map((doc) => html`<li key=${doc.id}>
      <div><strong><bdi>${doc.name || doc.id}</bdi></strong> <small><code dir="ltr">${doc.id}</code> · <${Time} at=${doc.created_at} />${doc.id === tenant.value && html` · ${t('settings.node.chosen')}`}</small></div>
      <${Menu} label=${t('settings.node.acts', { tenant: doc.id })} items=${[
        doc.id !== tenant.value && { text: t('settings.node.choose'), icon: 'arrows-right-left', onPick: () => chooseTenant(doc.id) },
        { text: t('settings.node.rename'), icon: 'pencil-square', onPick: () => setForm({ doc }) },
        { text: t('settings.node.limits'), icon: 'adjustments-horizontal', href: href('settings', ['tenant']), onPick: () => chooseTenant(doc.id) },
        null, { text: t('settings.node.delete'), icon: 'trash', danger: true, onPick: () => erase(doc, () => gone(doc.id)) }]} /></li>`)}</ul>`}</${Loaded}>
    ${form && html`<${TenantForm} doc=${form.doc} onClose=${() => setForm((now) => (now === form ? null : now))} onDone=${list.reload} />`}</${Card}>`;
}

export const Node = () => html`<div class="stack"><div class="grid wide-cards"><${Health} /><${Tenants} /></div><${Logs} /></div>`;
