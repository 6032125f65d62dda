// A key is made or changed.
import { html } from 'htm/preact';
import { useId, useState } from 'preact/hooks';
import { patch, post } from '../../core/api.js';
import { me } from '../../core/auth.js';
import { fault } from '../../core/codes.js';
import { dateTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, Checkbox, Field, Icon, Select, TextField, Trouble, useFault } from '../../ui/controls.js';
import { confirm, Dialog, toast } from '../../ui/overlay.js';
import { SessionPatterns } from '../../ui/patterns.js';
import { SecretDialog } from '../../ui/secret.js';
import { mayGive, roles, SCOPES } from './rights.js';

const DAY = 86_400_000;
const DAYS = [1, 7, 30, 90, 365];
const said = (error, field) => fault(error, (at) => at === field || at.startsWith(`${field}[`));

function start(row, admin) {
  const own = me.value.sessions;
  if (row) return { name: row.name || '', by: row.role ? 'role' : 'scopes', role: row.role || roles()[0] || '', scopes: row.scopes, sessions: row.sessions, ends: 'keep' };
  const given = roles();
  return { name: '', by: admin ? 'scopes' : given.length ? 'role' : 'scopes', role: given.includes('agent') ? 'agent' : given[0] || '', scopes: admin ? ['*'] : [], sessions: own, ends: own && me.value.expires_at && me.value.kind === 'key' ? 'mine' : '90' };
}
function endOf(form, row) {
  if (form.ends === 'keep') return row.expires_at;
  if (form.ends === 'never') return null;
  if (form.ends === 'mine') return me.value.expires_at;
  if (form.ends === 'date') return form.date ? new Date(form.date).toISOString() : undefined;
  return new Date(Date.now() + Number(form.ends) * DAY).toISOString();
}

// A person's own end bounds what they give; the end of a sign-in does not.
function endings(row) {
  const limit = me.value.kind === 'key' && me.value.expires_at;
  const within = (days) => !limit || Date.now() + days * DAY <= new Date(limit);
  return [
    ...(row ? [['keep', row.expires_at ? t('keys.ends.keep', { time: dateTime(row.expires_at) }) : t('keys.ends.keep_never')]] : []),
    ...DAYS.filter(within).map((n) => [String(n), t('keys.ends.days', { n })]),
    ...(limit ? [['mine', t('keys.ends.mine', { time: dateTime(limit) })]] : []),
    ['date', t('keys.ends.date')], ...(limit ? [] : [['never', t('keys.ends.never')]]),
  ];
}

const Choice = ({ name, checked, onPick, label, about }) => html`<label class="check choice"><input type="radio" name=${name} checked=${checked} onChange=${onPick} /><span>${label}<small>${about}</small></span></label>`;

function Rights({ form, set, admin, error }) {
  const id = useId();
  const tick = (scope, on) => set({ scopes: on ? [...form.scopes, scope] : form.scopes.filter((s) => s !== scope) });
  const single = form.by === 'scopes';
  const wrong = error && html`<p class="error"><${Icon} name="exclamation-circle" size=${16} /> ${error}</p>`;
  if (admin) return html`<fieldset class="field"><legend>${t('keys.may')}</legend>
    <${Choice} name=${id} checked=${form.scopes.includes('*')} onPick=${() => set({ scopes: ['*'] })} label=${t('keys.everything')} about=${t('keys.admin_about')} />
    <${Choice} name=${id} checked=${!form.scopes.includes('*')} onPick=${() => set({ scopes: ['metrics:read'] })} label=${t('keys.monitoring')} about=${t('keys.monitoring_about')} />${wrong}</fieldset>`;
  return html`<fieldset class="field"><legend>${t('keys.may')}</legend>
    ${roles().map((role) => html`<${Choice} key=${role} name=${id} checked=${!single && form.role === role} onPick=${() => set({ by: 'role', role })} label=${t(`keys.role.${role}`)} about=${t(`keys.role_about.${role}`)} />`)}
    <${Choice} name=${id} checked=${single} onPick=${() => set({ by: 'scopes' })} label=${t('keys.single')} about=${t('keys.single_about')} />
    ${single && html`<div class="scopes">${mayGive('*') && html`<${Checkbox} label=${t('keys.everything')} hint=${t('keys.scope.*')} checked=${form.scopes.includes('*')} onValue=${(on) => set({ scopes: on ? ['*'] : [] })} />`}
      ${SCOPES.filter(mayGive).map((scope) => html`<${Checkbox} key=${scope} label=${html`<bdi class="mono">${scope}</bdi>`} hint=${t(`keys.scope.${scope}`)} disabled=${form.scopes.includes('*')} checked=${form.scopes.includes('*') || form.scopes.includes(scope)} onValue=${(on) => tick(scope, on)} />`)}</div>`}${wrong}</fieldset>`;
}

export function KeyForm({ root, admin, row, onClose, onSaved }) {
  const [first] = useState(() => start(row, admin));
  const [form, setForm] = useState(first);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  useFault(error);
  const [made, setMade] = useState(null);
  const set = (changes) => setForm((f) => ({ ...f, ...changes }));
  const leave = async () => {
    if (busy) return;   // the answer has the secret, which nobody sees again
    const same = JSON.stringify(form) === JSON.stringify(first);
    if (same || await confirm({ title: t('webhooks.discard'), text: t('webhooks.discard_about'), act: t('webhooks.discard_act'), danger: true })) onClose();
  };
  const save = async (e) => {
    e?.preventDefault();
    if (busy) return undefined;   // Enter, twice
    const expires = endOf(form, row);
    if (!form.name.trim()) return setError({ errors: [{ field: 'name', detail: t('keys.name_needed') }] });
    if (form.by === 'scopes' && form.scopes.length === 0) return setError({ errors: [{ field: 'scopes', detail: t('keys.scopes_needed') }] });
    if (!admin && form.sessions.length === 0) return setError({ errors: [{ field: 'sessions', detail: t('webhooks.sessions_needed') }] });
    if (expires === undefined) return setError({ errors: [{ field: 'expires_at', detail: t('keys.date_needed') }] });
    const body = { name: form.name.trim(), ...(form.by === 'role' ? { role: form.role } : { scopes: form.scopes }), expires_at: expires };
    if (!admin) body.sessions = form.sessions;
    setBusy(true);
    try {
      const answer = row ? await patch(`${root}/${encodeURIComponent(row.id)}`, body) : await post(root, body);
      toast(t(row ? 'keys.saved' : 'keys.created', { name: answer.name }));
      if (answer.key) setMade(answer);
      else onSaved();
    } catch (e2) {
      setError(e2);
    }
    setBusy(false);
  };
  if (made) return html`<${SecretDialog} title=${t('keys.secret_title', { name: made.name })} about=${t('keys.secret_about')} label=${t('keys.secret_copy')} secret=${made.key} onDone=${onSaved} />`;
  const fields = ['name', 'role', 'scopes', 'sessions', 'expires_at'];
  const general = error?.message && !fields.some((f) => said(error, f)) ? error : null;
  return html`<${Dialog} wide title=${row ? t('keys.edit_title', { name: row.name || row.id }) : t(admin ? 'keys.create_admin' : 'keys.create')} onClose=${leave}
    acts=${html`<${Button} onClick=${leave}>${t('common.cancel')}</${Button}><${Button} kind="primary" busy=${busy} onClick=${save}>${row ? t('common.save') : t(admin ? 'keys.create_admin' : 'keys.create')}</${Button}>`}>
    <form onSubmit=${save} noValidate>${general && html`<${Trouble} error=${general} />`}
    <${TextField} label=${t('keys.name')} hint=${t('keys.name_hint')} maxlength="100" autocomplete="off" value=${form.name} onValue=${(name) => set({ name })} error=${said(error, 'name')} />
    <${Rights} form=${form} set=${set} admin=${admin} error=${said(error, 'scopes') || said(error, 'role')} />
    ${!admin && html`<${SessionPatterns} legend=${t('keys.sessions')} hint=${t('keys.sessions_hint')} value=${form.sessions} onValue=${(sessions) => set({ sessions })} within=${me.value.sessions} error=${said(error, 'sessions')} />`}
    <${Select} label=${t('keys.expires')} hint=${form.ends === 'never' ? t('keys.never_hint') : undefined} value=${form.ends} onValue=${(ends) => set({ ends })} options=${endings(row)} error=${form.ends !== 'date' && said(error, 'expires_at')} />
    ${form.ends === 'date' && html`<${Field} label=${t('keys.ends.date')} error=${said(error, 'expires_at')}>${(props) => html`<input ...${props} type="datetime-local" value=${form.date || ''} onInput=${(e) => set({ date: e.currentTarget.value })} />`}</${Field}>`}
    <button type="submit" hidden /></form></${Dialog}>`;
}
