// A webhook is made or changed. What stands in the fields is judged by the server while one types.
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { of, post, put } from '../../core/api.js';
import { me } from '../../core/auth.js';
import { fault } from '../../core/codes.js';
import { duration, milliseconds } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { throttled } from '../../core/load.js';
import { Button, Icon, IconButton, Switch, TextField, Trouble, useFault } from '../../ui/controls.js';
import { confirm, Dialog, toast } from '../../ui/overlay.js';
import { SessionPatterns } from '../../ui/patterns.js';
import { SecretDialog } from '../../ui/secret.js';
import { EventsPicker } from './events.js';

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const MASK = '***';   // a header's value that the server does not show; given back, it stays
const RETRY = { max_age_s: 86_400, initial_delay_ms: 1000, max_delay_ms: 900_000 };

function start(hook) {
  const own = me.value?.sessions || ['*'];
  return {
    name: hook?.id || '', url: hook?.url || '', events: hook?.events || ['*'], sessions: hook?.sessions || own, enabled: hook?.enabled ?? true, secret: '',
    headers: Object.entries(hook?.headers || {}).map(([name, value]) => ({ name, value, kept: value === MASK })), retry: { ...RETRY, ...hook?.retry },
  };
}
function bodyOf(form, hook) {
  const headers = Object.fromEntries(form.headers.filter((h) => h.name.trim()).map((h) => [h.name.trim(), h.kept ? MASK : h.value]));
  const body = { url: form.url.trim(), events: form.events, sessions: form.sessions, enabled: form.enabled, headers, retry: form.retry };
  if (!hook && form.secret.trim()) body.secret = form.secret.trim();
  return body;
}
// What the server says of a field, or of a part of it: events[2], headers.X-Key.
const said = (error, field) => fault(error, (at) => at === field || at.startsWith(`${field}[`) || at.startsWith(`${field}.`));
const FIELDS = ['url', 'events', 'sessions', 'headers', 'secret', 'retry', 'webhook'];

function useCheck(name, body) {
  const [error, setError] = useState(null);
  const ask = useMemo(() => {
    let turn = 0;
    return throttled(async () => {
      const mine = ++turn;
      const found = await post(of`/webhooks/${NAME.test(latest.current.name) ? latest.current.name : 'new'}/check`, latest.current.body).then(() => null, (e) => (e.status === 422 || e.status === 400 ? e : null));
      if (mine === turn) setError(latest.current.body.url ? found : null);
    }, 350);
  }, []);
  const latest = useRef({ name, body });
  latest.current = { name, body };
  const text = JSON.stringify(body);
  useEffect(() => {
    if (body.url) ask();
    else setError(null);
    return ask.cancel;
  }, [text]);
  return error;
}

function Headers({ list, onList, error }) {
  const change = (i, changes) => onList(list.map((h, at) => (at === i ? { ...h, ...changes } : h)));
  return html`<fieldset class="field headers"><legend>${t('webhooks.headers')} <span class="optional">${t('common.optional')}</span></legend><p class="hint">${t('webhooks.headers_hint')}</p>
    ${list.map((h, i) => html`<div class="header-row" key=${i}><input type="text" dir="ltr" aria-label=${t('webhooks.header_name')} placeholder="Authorization" spellcheck=${false} value=${h.name} onInput=${(e) => change(i, { name: e.currentTarget.value, kept: false, ...(h.kept && { value: '' }) })} />
      <input type="text" dir="ltr" aria-label=${t('webhooks.header_value')} spellcheck=${false} value=${h.kept ? '' : h.value} placeholder=${h.kept ? t('webhooks.header_kept') : ''} onInput=${(e) => change(i, { value: e.currentTarget.value, kept: false })} />
      <${IconButton} icon="trash" size=${18} label=${t('webhooks.header_remove', { name: h.name || i + 1 })} onClick=${() => onList(list.filter((x, at) => at !== i))} /></div>`)}
    <${Button} small icon="plus" onClick=${() => onList([...list, { name: '', value: '', kept: false }])}>${t('webhooks.header_add')}</${Button}>
    ${error && html`<p class="error"><${Icon} name="exclamation-circle" size=${16} /> ${error}</p>`}</fieldset>`;
}

function Retry({ value, onValue, error }) {
  const field = (name, unit, label) => html`<${TextField} label=${label} type="number" inputmode="decimal" min="0" step="any" dir="ltr" value=${String(value[name] / unit)} error=${said(error, `retry.${name}`)}
    onValue=${(text) => text !== '' && onValue({ ...value, [name]: Math.round(Number(text) * unit) })} />`;
  return html`<details class="disclose" open=${Boolean(said(error, 'retry'))}><summary>${t('webhooks.retry.title')}<span class="muted">${t('webhooks.retry.now', { first: milliseconds(value.initial_delay_ms), most: milliseconds(value.max_delay_ms), age: duration(value.max_age_s) })}</span></summary>
    <div class="three">${field('initial_delay_ms', 1000, t('webhooks.retry.first'))}${field('max_delay_ms', 60_000, t('webhooks.retry.most'))}${field('max_age_s', 3600, t('webhooks.retry.age'))}</div></details>`;
}

export function WebhookForm({ hook, names = [], onClose, onSaved }) {
  const first = useMemo(() => start(hook), []);
  const [form, setForm] = useState(first);
  const [error, setError] = useState(null);   // of the last attempt to save
  useFault(error);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState(null);     // the answer with its secret
  const set = (changes) => setForm((f) => ({ ...f, ...changes }));
  const body = bodyOf(form, hook);
  const checked = useCheck(form.name, body);
  const at = (field) => said(checked, field) || said(error, field);
  const name = form.name.trim();
  const badName = hook || !name ? undefined : !NAME.test(name) ? t('webhooks.name_bad') : names.includes(name) ? t('webhooks.name_taken') : undefined;
  const leave = async () => {
    if (busy) return;   // the answer brings the secret, once
    const same = JSON.stringify(form) === JSON.stringify(first);
    if (same || await confirm({ title: t('webhooks.discard'), text: t('webhooks.discard_about'), act: t('webhooks.discard_act'), danger: true })) onClose();
  };
  const save = async (e) => {
    e?.preventDefault();
    if (busy) return;   // a second one would be answered without the secret
    if (!hook && (!name || badName)) return setError({ errors: [{ field: 'webhook', detail: badName || t('webhooks.name_needed') }] });
    if (!body.url) return setError({ errors: [{ field: 'url', detail: t('webhooks.url_needed') }] });
    if (body.events.length === 0) return setError({ errors: [{ field: 'events', detail: t('webhooks.events_needed') }] });
    if (body.sessions.length === 0) return setError({ errors: [{ field: 'sessions', detail: t('webhooks.sessions_needed') }] });
    setBusy(true);
    try {
      const answer = await put(of`/webhooks/${hook?.id || name}`, body);
      toast(t(hook ? 'webhooks.saved' : 'webhooks.created', { name: answer.id }));
      if (answer.secret) setMade(answer);
      else onSaved(answer, !hook);
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  if (made) return html`<${SecretDialog} title=${t('webhooks.secret_title', { name: made.id })} about=${t('webhooks.secret_about')} label=${t('webhooks.secret_copy')} secret=${made.secret} onDone=${() => onSaved(made, true)} />`;
  const general = error?.message && !FIELDS.some((f) => said(error, f)) ? error : null;
  return html`<${Dialog} wide title=${hook ? t('webhooks.edit_title', { name: hook.id }) : t('webhooks.create')} onClose=${leave}
    acts=${html`<${Button} onClick=${leave}>${t('common.cancel')}</${Button}><${Button} kind="primary" busy=${busy} onClick=${save}>${hook ? t('common.save') : t('webhooks.create')}</${Button}>`}>
    <form class="hook-form" onSubmit=${save} noValidate>${general && html`<${Trouble} error=${general} />`}
    ${!hook && html`<${TextField} label=${t('webhooks.name')} hint=${t('webhooks.name_hint')} dir="ltr" autocomplete="off" autocapitalize="none" spellcheck=${false} placeholder="erp" value=${form.name} onValue=${(v) => set({ name: v.toLowerCase() })} error=${badName || at('webhook')} />`}
    <${TextField} label=${t('webhooks.url')} hint=${t('webhooks.url_hint')} type="url" dir="ltr" autocomplete="off" spellcheck=${false} placeholder="https://erp.example.com/hooks/whatsapp" value=${form.url} onValue=${(v) => set({ url: v })} error=${at('url')} />
    ${body.url && !at('url') && /^http:/i.test(body.url) && html`<p class="hint warn"><${Icon} name="exclamation-triangle" size=${16} /> ${t('webhooks.url_plain')}</p>`}
    <${EventsPicker} value=${form.events} onValue=${(events) => set({ events })} error=${at('events')} />
    <${SessionPatterns} legend=${t('webhooks.sessions')} hint=${t('webhooks.sessions_hint')} value=${form.sessions} onValue=${(sessions) => set({ sessions })} error=${at('sessions')} within=${me.value?.sessions} />
    <${Headers} list=${form.headers} onList=${(headers) => set({ headers })} error=${at('headers')} />
    <${Retry} value=${form.retry} onValue=${(retry) => set({ retry })} error=${checked || error} />
    ${!hook && html`<details class="disclose" open=${Boolean(at('secret'))}><summary>${t('webhooks.own_secret')}</summary><${TextField} label=${t('webhooks.secret')} hint=${t('webhooks.own_secret_hint')} optional dir="ltr" autocomplete="off" spellcheck=${false} value=${form.secret} onValue=${(secret) => set({ secret })} error=${at('secret')} /></details>`}
    <${Switch} label=${t('webhooks.is_enabled')} checked=${form.enabled} onValue=${(enabled) => set({ enabled })} />
    <button type="submit" hidden /></form></${Dialog}>`;
}
