// One webhook: its deliveries, its settings, and how a receiver checks the signature.
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { get, of, put } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { duration, milliseconds } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { throttled, useEvents, useInterval, useLoad } from '../../core/load.js';
import { go, href, route, setQuery } from '../../core/router.js';
import { Button, Card, Empty, ExactTime, Icon, Loaded, PageHead, Tabs } from '../../ui/controls.js';
import { confirm, Menu, problem } from '../../ui/overlay.js';
import { Sessions } from '../../ui/patterns.js';
import { SecretDialog } from '../../ui/secret.js';
import { newSecret, remove, setEnabled } from './acts.js';
import { Deliveries } from './deliveries.js';
import { WebhookForm } from './form.js';
import { Events, Health, Numbers, State } from './list.js';
import { Signature } from './signature.js';
import { TestDialog } from './test.js';

function Settings({ hook, manage, onEdit, onSecret }) {
  const rows = [
    [t('webhooks.url'), html`<bdi dir="ltr" class="mono">${hook.url}</bdi>`],
    [t('webhooks.events'), html`<${Events} patterns=${hook.events} most=${30} />`],
    [t('webhooks.sessions'), html`<${Sessions} patterns=${hook.sessions} />`],
    [t('webhooks.headers'), Object.keys(hook.headers).length ? html`<ul class="mono" dir="ltr">${Object.entries(hook.headers).map(([name, value]) => html`<li key=${name}>${name}: ${value}</li>`)}</ul>` : t('common.none')],
    [t('webhooks.retry.title'), t('webhooks.retry.now', { first: milliseconds(hook.retry.initial_delay_ms), most: milliseconds(hook.retry.max_delay_ms), age: duration(hook.retry.max_age_s) })],
    [t('webhooks.secret'), html`${t('webhooks.secret_hidden')} ${manage && html`<button type="button" class="link" onClick=${onSecret}>${t('webhooks.secret_new')}</button>`}`],
    [t('webhooks.made'), html`<${ExactTime} at=${hook.created_at} />`], [t('webhooks.changed'), html`<${ExactTime} at=${hook.updated_at} />`],
  ];
  return html`<${Card} title=${t('webhooks.settings')} acts=${manage && html`<${Button} small icon="pencil-square" onClick=${onEdit}>${t('common.edit')}</${Button}>`}>
    <dl class="hook-facts">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></${Card}>`;
}

export default function Detail({ name, query }) {
  const [open, setOpen] = useState(null);     // 'test' | 'form'
  const [secret, setSecret] = useState(null);
  const one = useLoad((signal) => get(of`/webhooks/${name}`, {}, { signal }), [name]);
  const later = useMemo(() => throttled(one.reload, 800), [one.reload]);
  useEvents(['*'], later, [later]);
  useInterval(one.reload, 5000, [one.reload]);
  const manage = can('webhooks:manage');
  const tab = query.tab || 'deliveries';
  const back = html`<a class="back" href=${href('webhooks')}><${Icon} name="chevron-left" size=${16} /> ${t('webhooks.back')}</a>`;
  if (!one.data && one.error?.status === 404) return html`<${Empty} icon="bolt" title=${t('webhooks.unknown', { name })} action=${html`<${Button} href=${href('webhooks')}>${t('webhooks.back')}</${Button}>`}>${t('webhooks.unknown_about')}</${Empty}>`;
  const renew = async () => {
    if (!(await confirm({ title: t('webhooks.secret_new'), text: t('webhooks.secret_new_about'), act: t('webhooks.secret_new_act'), danger: true }))) return;
    const fresh = newSecret();
    try {
      await put(of`/webhooks/${name}`, { secret: fresh });
      setSecret(fresh);
    } catch (error) {
      problem(error, t('webhooks.not_changed'), { onRetry: renew });
    }
  };
  const hook = one.data;
  return html`${back}<${PageHead} title=${html`<bdi>${name}</bdi>`} about=${hook && html`<span class="url" dir="ltr">${hook.url}</span>`}>${hook && html`<${State} hook=${hook} />${manage && html`
    <${Button} icon="paper-airplane" onClick=${() => setOpen('test')}>${t('webhooks.test')}</${Button}>
    <${Menu} label=${t('webhooks.acts_of', { name })} items=${[
      { text: t('common.edit'), icon: 'pencil-square', onPick: () => setOpen('form') },
      { text: t('webhooks.secret_new'), icon: 'key', onPick: renew },
      { text: t(hook.enabled ? 'webhooks.disable' : 'webhooks.enable'), icon: hook.enabled ? 'pause' : 'play', onPick: () => setEnabled(hook, !hook.enabled, one.reload) },
      null, { text: t('common.delete'), icon: 'trash', danger: true, onPick: () => remove(hook, () => route.value.page === 'webhooks' && route.value.parts[0] === name && go('webhooks')) },
    ]} />`}`}</${PageHead}>
    <${Loaded} of=${one} lines=${4} height=${40}>${(it) => html`<div class="card hook-top"><${Health} hook=${it} /><${Numbers} hook=${it} /></div>
      <${Tabs} label=${name} value=${tab} onValue=${(id) => setQuery({ tab: id === 'deliveries' ? undefined : id, delivery: undefined })} tabs=${[['deliveries', t('webhooks.deliveries')], ['settings', t('webhooks.settings')], ['signature', t('webhooks.signature.title')]]} />
      ${tab === 'signature' ? html`<${Signature} hook=${it} />` : tab === 'settings' ? html`<${Settings} hook=${it} manage=${manage} onEdit=${() => setOpen('form')} onSecret=${renew} />`
        : html`<${Deliveries} key=${name} hook=${it} manage=${manage} query=${query} onChanged=${one.reload} />`}`}</${Loaded}>
    ${open === 'test' && html`<${TestDialog} hook=${hook} onClose=${() => { setOpen(null); one.reload(); }} />`}
    ${open === 'form' && html`<${WebhookForm} hook=${hook} onClose=${() => setOpen(null)} onSaved=${() => { setOpen(null); one.reload(); }} />`}
    ${secret && html`<${SecretDialog} title=${t('webhooks.secret_title', { name })} about=${t('webhooks.secret_about')} label=${t('webhooks.secret_copy')} secret=${secret} onDone=${() => setSecret(null)} />`}`;
}
