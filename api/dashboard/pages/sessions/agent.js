// The auto-reply agent of a session: what it is and whether it works; its commonest settings. The rest
// of them (docs/agent.md) stay as they are.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { del, get, of, put } from '../../core/api.js';
import { fault, trouble } from '../../core/codes.js';
import { t } from '../../core/i18n.js';
import { useEvents, useLoad } from '../../core/load.js';
import { Button, Card, Checkbox, Loaded, Select, Switch, TextField, Time } from '../../ui/controls.js';
import { confirm, Dialog, problem, toast } from '../../ui/overlay.js';
import { Facts } from './cards.js';
import { useHere } from './data.js';

const KINDS = ['http', 'retell', 'openai'];
// What the form shows, by kind; api_key and secret are never shown and only sent when typed.
const FIELDS = { http: ['url', 'api_key', 'secret'], retell: ['agent_id', 'api_key', 'url'], openai: ['url', 'model', 'api_key', 'system_prompt'] };
const LONG = ['system_prompt', 'apology'];
const SECRET = ['api_key', 'secret'];
const path = (name) => of`/sessions/${name}/agent`;

function bodyOf(kind, form, agent) {
  const body = { kind, enabled: form.enabled, apology: form.apology.trim() || null, reply_to_groups: form.reply_to_groups,
    max_replies_per_hour: Number(form.max_replies_per_hour), handover_keywords: form.handover_keywords.split('\n').map((w) => w.trim()).filter(Boolean) };
  for (const field of FIELDS[kind]) {
    const text = form[field].trim();
    if (SECRET.includes(field) ? text : text || agent?.[field]) body[field] = text || null;
  }
  return body;
}
const formOf = (a) => ({
  url: '', model: '', system_prompt: '', agent_id: '', ...Object.fromEntries(['url', 'model', 'system_prompt', 'agent_id'].map((f) => [f, a?.[f] || ''])), api_key: '', secret: '',
  enabled: a?.enabled ?? true, apology: a?.apology || '', reply_to_groups: a?.reply_to_groups ?? false,
  max_replies_per_hour: String(a?.max_replies_per_hour ?? 60), handover_keywords: (a?.handover_keywords || []).join('\n'),
});

function Edit({ name, agent, onClose, taken }) {
  const [kind, setKind] = useState(agent?.kind || 'http');
  const [form, setForm] = useState(() => formOf(agent));
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const here = useHere();
  const set = (field) => (value) => setForm((f) => ({ ...f, [field]: value }));
  const save = async (e) => {
    e.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      taken(await put(path(name), bodyOf(kind, form, agent)));
      toast(t('common.saved'));
      if (here.current) onClose();   // else it may be open again
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const one = (field, more = {}) => html`<${TextField} key=${field} label=${t(`sessions.agent.${field}`)} value=${form[field]} onValue=${set(field)} error=${fault(error, field)} multiline=${LONG.includes(field)}
    type=${SECRET.includes(field) ? 'password' : 'text'} autocomplete="off" dir=${['url', 'model', 'agent_id', ...SECRET].includes(field) ? 'ltr' : 'auto'} optional=${field === 'secret' || (kind === 'retell' && field === 'url')}
    hint=${SECRET.includes(field) && agent?.[`${field}_set`] ? t('sessions.agent.keeps') : undefined} ...${more} />`;
  const elsewhere = error && !FIELDS[kind].some((f) => error.errors?.some((e) => e.field === f));
  return html`<${Dialog} wide title=${t('sessions.agent.title')} onClose=${onClose} acts=${html`<${Button} onClick=${onClose}>${t('common.cancel')}</${Button}><${Button} kind="primary" type="submit" form="agent-form" busy=${busy}>${t('common.save')}</${Button}>`}>
    <form id="agent-form" onSubmit=${save} noValidate>${elsewhere && html`<p class="notice" role="alert" dir="auto">${trouble(error)}</p>`}
      <${Select} label=${t('sessions.agent.kind')} value=${kind} onValue=${setKind} options=${KINDS.map((k) => [k, t(`sessions.agent.kinds.${k}`)])} />
      ${FIELDS[kind].map((field) => one(field))}
      ${one('apology', { optional: true, hint: t('sessions.agent.apology_hint') })}
      ${one('handover_keywords', { optional: true, multiline: true, hint: t('sessions.agent.handover_hint') })}
      ${one('max_replies_per_hour', { type: 'number', min: '1', inputmode: 'numeric' })}
      <${Checkbox} label=${t('sessions.agent.reply_to_groups')} checked=${form.reply_to_groups} onValue=${set('reply_to_groups')} />
      <${Checkbox} label=${t('sessions.agent.enabled')} checked=${form.enabled} onValue=${set('enabled')} /></form></${Dialog}>`;
}

const Summary = ({ agent: a }) => html`<${Facts} rows=${[[t('sessions.agent.kind'), t(`sessions.agent.kinds.${a.kind}`)],
  a.url && [t('sessions.agent.url'), html`<code dir="ltr">${a.url}</code>`], a.model && [t('sessions.agent.model'), html`<span dir="ltr">${a.model}</span>`],
  a.health && [t('sessions.agent.health'), html`<span class=${`status ${a.health.state === 'ok' ? 'ok' : 'bad'}`}>${t(`sessions.agent.${a.health.state === 'ok' ? 'works' : 'fails'}`, { n: a.health.consecutive_failures || 0 })}</span>`],
  a.health?.last_error && a.health.state !== 'ok' && [t('sessions.agent.last_error'), html`<span dir="auto">${a.health.last_error}</span>`],
  a.health?.last_success_at && [t('sessions.agent.last_success'), html`<${Time} at=${a.health.last_success_at} />`]]} />`;

export function Agent({ session: s }) {
  const [editing, setEditing] = useState(false);
  const one = useLoad((signal) => get(path(s.id), {}, { signal }).then((agent) => ({ agent }), (error) => {
    if (error.code === 'unknown_agent') return { agent: null };
    throw error;
  }), [s.id]);
  useEvents(['alert.agent_failing', 'alert.agent_recovered'], (event) => event.session === s.id && one.reload(), [one.reload, s.id]);
  const agent = one.data?.agent;
  const switchTo = async (enabled) => {
    one.set({ agent: { ...agent, enabled } });
    try {
      one.set({ agent: await put(path(s.id), { enabled }) });
    } catch (error) {
      one.set({ agent });
      problem(error, t('sessions.agent.refused'));
    }
  };
  const remove = async () => {
    if (!(await confirm({ title: t('sessions.agent.remove'), text: t('sessions.agent.remove_about'), act: t('common.delete'), danger: true }))) return;
    try {
      await del(path(s.id));
      one.set({ agent: null });
    } catch (error) {
      problem(error, t('sessions.agent.refused'));
    }
  };
  return html`<${Card} title=${t('sessions.agent.title')} acts=${one.data && html`<${Button} small icon=${agent ? 'pencil-square' : 'plus'} onClick=${() => setEditing(true)} aria-label=${t(agent ? 'sessions.agent.edit' : 'sessions.agent.add')}>${t(agent ? 'common.edit' : 'common.add')}</${Button}>`}>
    <${Loaded} of=${one} lines=${3}>${() => (!agent ? html`<p class="muted">${t('sessions.agent.none')}</p>` : html`<${Switch} label=${t('sessions.agent.enabled')} checked=${agent.enabled} onValue=${switchTo} />
      <${Summary} agent=${agent} /><button type="button" class="link" onClick=${remove}>${t('sessions.agent.remove')}</button>`)}</${Loaded}>
    ${editing && html`<${Edit} name=${s.id} agent=${agent} taken=${(saved) => one.set({ agent: saved })} onClose=${() => setEditing(false)} />`}</${Card}>`;
}
