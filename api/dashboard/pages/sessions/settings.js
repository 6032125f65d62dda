// What may be changed of a session: does it start with the daemon, when does it hibernate, and what is
// noted of it (metadata).
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { of, put } from '../../core/api.js';
import { can, isAdmin, tenant } from '../../core/auth.js';
import { trouble } from '../../core/codes.js';
import { duration } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, Card, Copy, IconButton, Select, Switch, TextField } from '../../ui/controls.js';
import { Dialog, problem, toast } from '../../ui/overlay.js';
import { Facts } from './cards.js';
import { useHere } from './data.js';

const IDLE_S = [900, 3600, 6 * 3600];
const WAKE_S = 4 * 3600;     // WhatsApp unlinks a device that it does not see for two weeks
const NOTE_BYTES = 4096;   // the server's bound of all of it
const asText = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

// "42", "true", {"a":1}: a value that was not a text stays what it was.
function asValue(text, before) {
  if (typeof before === 'string' || before === undefined) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function Metadata({ session, onClose, take }) {
  const [rows, setRows] = useState(() => [...Object.entries(session.metadata).map(([name, value]) => ({ name, text: asText(value), before: value })), { name: '', text: '' }]);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const here = useHere();
  const change = (i, part) => setRows(rows.map((row, at) => (at === i ? { ...row, ...part } : row)));
  const save = async (e) => {
    e.preventDefault();
    if (busy) return;
    const metadata = Object.fromEntries(rows.filter((row) => row.name.trim()).map((row) => [row.name.trim(), asValue(row.text, row.before)]));
    if (new TextEncoder().encode(JSON.stringify(metadata)).length > NOTE_BYTES) return setFault(t('sessions.settings.too_much'));
    setBusy(true);
    try {
      await take(() => put(of`/sessions/${session.id}`, { metadata }));
      toast(t('common.saved'));
      if (here.current) onClose();   // else it may be open again
    } catch (error) {
      setFault(error);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t('sessions.settings.notes')} onClose=${onClose} acts=${html`<${Button} onClick=${onClose}>${t('common.cancel')}</${Button}><${Button} kind="primary" type="submit" form="session-notes" busy=${busy}>${t('common.save')}</${Button}>`}>
    <form id="session-notes" onSubmit=${save}><p class="hint">${t('sessions.settings.notes_about')}</p>${rows.map((row, i) => html`<div class="note-row" key=${i}>
      <${TextField} label=${t('sessions.settings.name')} value=${row.name} maxlength="200" onValue=${(name) => change(i, { name })} /><${TextField} label=${t('sessions.settings.value')} value=${row.text} onValue=${(text) => change(i, { text })} />
      <${IconButton} icon="trash" label=${t('sessions.settings.drop', { name: row.name || String(i + 1) })} onClick=${() => setRows(rows.filter((_, at) => at !== i))} /></div>`)}
    <${Button} small icon="plus" onClick=${() => setRows([...rows, { name: '', text: '' }])}>${t('common.add')}</${Button}>${fault && html`<p class="field error" role="alert">${trouble(fault, 'metadata')}</p>`}</form></${Dialog}>`;
}

// set, take: as data.js has them; what was chosen is shown before it is answered.
export function Settings({ session: s, set, take }) {
  const [editing, setEditing] = useState(false);
  const manage = can('sessions:manage');
  const notes = Object.entries(s.metadata || {});
  const setAutostart = async (autostart) => {
    set((now) => ({ ...now, autostart }));
    try {
      await take(() => put(of`/sessions/${s.id}`, { autostart }));
    } catch (error) {
      set((now) => ({ ...now, autostart: !autostart }));
      problem(error, t('sessions.acts.failed', { name: s.id }));
    }
  };
  const setHibernate = async (text) => {
    const { wake_at, ...before } = s.hibernate || {};
    const hibernate = Number(text) ? { ...before, after_idle_s: Number(text), wake_every_s: before.wake_every_s || WAKE_S } : null;
    set((now) => ({ ...now, hibernate: hibernate || {} }));
    try {
      await take(() => put(of`/sessions/${s.id}`, { hibernate }));
    } catch (error) {
      set((now) => ({ ...now, hibernate: s.hibernate }));
      problem(error, t('sessions.acts.failed', { name: s.id }));
    }
  };
  const idle = s.hibernate?.after_idle_s || 0;
  return html`<${Card} title=${t('sessions.settings.title')} acts=${manage && html`<${Button} small icon="pencil-square" onClick=${() => setEditing(true)}>${t('sessions.settings.edit')}</${Button}>`}>
    ${manage ? html`<${Switch} label=${t('sessions.settings.autostart')} checked=${s.autostart} onValue=${setAutostart} />` : html`<p>${t(s.autostart ? 'sessions.settings.autostart' : 'sessions.settings.by_hand')}</p>`}
    ${manage && html`<${Select} label=${t('sessions.settings.hibernate')} value=${String(idle)} onValue=${setHibernate} hint=${idle ? t('sessions.settings.hibernate_hint', { time: duration(s.hibernate.wake_every_s || 0) }) : undefined}
      options=${[['0', t('sessions.settings.never')], ...[...new Set([...IDLE_S, ...(idle ? [idle] : [])])].sort((a, b) => a - b).map((n) => [String(n), t('sessions.settings.idle', { time: duration(n) })])]} />`}
    ${notes.length > 0 ? html`<${Facts} rows=${notes.map(([name, value]) => [name, html`<span dir="auto">${asText(value)}</span>`])} />` : html`<p class="muted">${t('sessions.settings.no_notes')}</p>`}
    ${isAdmin() && html`<details class="export"><summary>${t('sessions.export.title')}</summary><p>${t('sessions.export.about')}</p><${Copy} text=${`wabridge export-session ${tenant.value}/${s.id} ${s.id}.session --key-file phrase`} /></details>`}
    ${editing && html`<${Metadata} session=${s} take=${take} onClose=${() => setEditing(false)} />`}</${Card}>`;
}
