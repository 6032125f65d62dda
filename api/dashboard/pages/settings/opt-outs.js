// Opt-outs: who does not want to be written to. Look up, add, import, take off (with undo), download.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { all, del, get, of, post, put } from '../../core/api.js';
import { can, tenant } from '../../core/auth.js';
import { trouble } from '../../core/codes.js';
import { csv, saveText } from '../../core/download.js';
import { phone } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { useEvents, usePages } from '../../core/load.js';
import { setQuery } from '../../core/router.js';
import { Button, Empty, IconButton, Loaded, More, SearchField, TextField, Time } from '../../ui/controls.js';
import { Dialog, problem, toast } from '../../ui/overlay.js';

const BATCH = 1000;   // numbers in one call
const LOOKUP_DIGITS = 8;
const idOf = (entry) => entry.phone || entry.lid;
const shown = (entry) => (entry.phone ? phone(entry.phone) : entry.lid);

// A whole number is looked up by the server; less is sought in what is loaded.
async function load(q, cursor, signal) {
  const digits = q.replace(/[^\d]/g, '');
  if (!q || digits.length < LOOKUP_DIGITS) return get(of`/opt-outs`, { limit: 100, cursor }, { signal });
  try {
    return { items: [await get(of`/opt-outs/${digits}`, {}, { signal })], next_cursor: null };
  } catch (error) {
    if (error.status === 404 || error.status === 422) return { items: [], next_cursor: null };
    throw error;
  }
}
const fits = (q) => (entry) => !q || [entry.phone, entry.lid, entry.reason, entry.text].some((text) => text?.toLowerCase().includes(q.toLowerCase().replace(/^\+/, ''))) || (entry.phone && q.replace(/[^\d]/g, '').length >= LOOKUP_DIGITS);

function Add({ onClose, onDone }) {
  const [number, setNumber] = useState('');
  const [reason, setReason] = useState('');
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (e) => {
    e.preventDefault();
    setBusy(true);
    try {
      await put(of`/opt-outs/${number.trim()}`, { reason: reason.trim() || null });
      toast(t('settings.opt_outs.added_one', { phone: number.trim() }));
      onDone();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t('settings.opt_outs.add')} onClose=${onClose}><form onSubmit=${submit} noValidate>
    <${TextField} label=${t('settings.opt_outs.phone')} hint=${t('settings.opt_outs.phone_hint')} type="tel" dir="ltr" autocomplete="off" required value=${number} onValue=${setNumber} error=${trouble(error, 'phone')} />
    <${TextField} label=${t('settings.opt_outs.reason')} optional maxLength="160" value=${reason} onValue=${setReason} />
    <div class="row end"><${Button} onClick=${onClose}>${t('common.cancel')}</${Button}><${Button} kind="primary" type="submit" busy=${busy} disabled=${!number.trim()}>${t('common.add')}</${Button}></div></form></${Dialog}>`;
}

// Numbers as people keep them: one a line, the first column of a table.
const numbersOf = (text) => [...new Set(text.split(/[\n;\t]+/).map((line) => line.split(',')[0].replace(/["']/g, '').trim()).filter((word) => /\d{5}/.test(word)))];

async function send(numbers, reason, onPart) {
  const total = { added: 0, known: 0, invalid: [] };
  const path = of`/opt-outs`;   // of this tenant, also when another is chosen meanwhile
  for (let at = 0; at < numbers.length; at += BATCH) {
    const part = await post(path, { phones: numbers.slice(at, at + BATCH), reason: reason.trim() || null });
    total.added += part.added;
    total.known += part.known;
    total.invalid.push(...part.invalid);
    onPart(Math.min(at + BATCH, numbers.length));
  }
  return total;
}

function Import({ onClose, onDone }) {
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const [done, setDone] = useState(null);
  const [busy, setBusy] = useState(0);
  const [error, setError] = useState(null);
  const numbers = numbersOf(text);
  const run = async (e) => {
    e.preventDefault();
    setError(null);
    setBusy(1);
    try {
      setDone(await send(numbers, reason, setBusy));
      onDone();
    } catch (problem) {
      setError(problem);
    }
    setBusy(0);
  };
  const file = async (e) => setText(await e.currentTarget.files[0]?.text() ?? '');
  return html`<${Dialog} title=${t('settings.opt_outs.import')} onClose=${onClose}>${done
    ? html`<div class="stack"><p role="status"><strong>${t('settings.opt_outs.imported', { n: done.added })}</strong> ${done.known > 0 && t('settings.opt_outs.known', { n: done.known })}</p>
      ${done.invalid.length > 0 && html`<p>${t('settings.opt_outs.invalid', { n: done.invalid.length })}</p><pre dir="ltr" tabindex="0">${done.invalid.slice(0, 200).join('\n')}</pre>`}
      <div class="row end"><${Button} kind="primary" onClick=${onClose}>${t('common.close')}</${Button}></div></div>`
    : html`<form onSubmit=${run}><${TextField} multiline label=${t('settings.opt_outs.numbers')} hint=${t('settings.opt_outs.numbers_hint')} dir="ltr" rows="8" value=${text} onValue=${setText} error=${trouble(error, 'phone')} />
      <p><label class="button small">${t('settings.opt_outs.file')}<input type="file" class="hidden" accept=".csv,.txt,text/plain,text/csv" onChange=${file} /></label></p>
      <${TextField} label=${t('settings.opt_outs.reason')} optional maxLength="160" value=${reason} onValue=${setReason} />
      <div class="row end"><${Button} onClick=${onClose}>${t('common.cancel')}</${Button}><${Button} kind="primary" type="submit" busy=${busy > 0} disabled=${numbers.length === 0}>${t('settings.opt_outs.import_n', { n: numbers.length })}</${Button}></div></form>`}</${Dialog}>`;
}

async function download() {
  const name = tenant.value;
  try {
    const items = await all(of`/opt-outs`, {}, { most: 100_000 });
    const rows = items.map((o) => [o.phone ?? '', o.lid ?? '', o.opted_out_at, o.source, o.session ?? '', o.reason ?? '', o.text ?? ''].map(csv).join(','));
    saveText(['phone,lid,opted_out_at,source,session,reason,text', ...rows].join('\r\n') + '\r\n', `opt-outs-${name}.csv`, 'text/csv');
  } catch (error) {
    problem(error, t('settings.opt_outs.download_failed'));
  }
}

// Off at once on the page; back on it when the server refuses, or by the toast's Undo.
async function remove(entry, list) {
  const before = list.data, path = of`/opt-outs/${idOf(entry)}`;   // the tenant may be another by the time of Undo
  let without;
  list.set((now) => (without = { ...now, items: now.items.filter((x) => x !== entry) }));
  try {
    await del(path);
  } catch (error) {
    list.set((now) => (now === without ? before : now));
    list.reload();
    return problem(error, t('settings.opt_outs.remove_failed'));
  }
  const undo = () => put(path, { reason: entry.reason }).then(list.reload, (error) => problem(error, undefined, { onRetry: undo }));
  toast(t('settings.opt_outs.removed', { phone: shown(entry) }), { act: t('common.undo'), onAct: undo });
}

const Row = ({ entry, may, onRemove }) => html`<tr><td><strong dir="ltr">${shown(entry)}</strong></td>
  <td>${t(`settings.opt_outs.sources.${entry.source}`)}${entry.session && html` · <bdi>${entry.session}</bdi>`}</td>
  <td><bdi>${entry.text ? `“${entry.text}”` : entry.reason || '–'}</bdi></td><td><${Time} at=${entry.opted_out_at} /></td>
  <td class="num">${may && html`<${IconButton} icon="trash" label=${t('settings.opt_outs.remove', { phone: shown(entry) })} onClick=${onRemove} />`}</td></tr>`;

export function OptOuts({ query }) {
  const q = query.q ?? '';
  const whole = q.replace(/[^\d]/g, '').length >= LOOKUP_DIGITS;
  const list = usePages(({ cursor, signal }) => load(q, cursor, signal), [tenant.value, whole ? q : '']);
  const [open, setOpen] = useState('');
  const close = () => setOpen((now) => (now === open ? '' : now));   // not what was opened since
  const may = can('tenant:manage');
  useEvents(['contact.opted_out', 'contact.opted_in', 'gap'], list.reload, [list.reload]);
  const acts = html`${may && html`<${Button} icon="plus" kind="primary" onClick=${() => setOpen('add')}>${t('common.add')}</${Button}><${Button} icon="cloud-arrow-up" onClick=${() => setOpen('import')}>${t('settings.opt_outs.import')}</${Button}>`}`;
  const empty = q ? html`<${Empty} icon="magnifying-glass" title=${t('settings.opt_outs.not_there', { q })} />`
    : html`<${Empty} icon="hand-raised" title=${t('settings.opt_outs.empty')} action=${html`<div class="row centre">${acts}</div>`}>${t('settings.opt_outs.empty_about')}</${Empty}>`;
  return html`<p class="hint">${t('settings.opt_outs.about')}</p>
    <div class="row tools"><${SearchField} label=${t('settings.opt_outs.search')} value=${q} onValue=${(text) => setQuery({ q: text })} />
      ${list.data?.items.length > 0 && html`${acts}<${Button} icon="arrow-down-tray" onClick=${download}>${t('settings.opt_outs.download')}</${Button}>`}</div>
    <${Loaded} of=${list} lines=${6} height=${36} isEmpty=${(d) => d.items.filter(fits(q)).length === 0} empty=${empty}>${(data) => html`<${Table} items=${data.items.filter(fits(q))} may=${may} list=${list} />
      <${More} of=${list} onTrouble=${problem} />`}</${Loaded}>
    ${open === 'add' && html`<${Add} onClose=${close} onDone=${list.reload} />`}
    ${open === 'import' && html`<${Import} onClose=${close} onDone=${list.reload} />`}`;
}
const Table = ({ items, may, list }) => html`<div class="card table-wrap"><table class="opt-outs"><thead><tr><th>${t('settings.opt_outs.who')}</th><th>${t('settings.opt_outs.how')}</th><th>${t('settings.opt_outs.why')}</th><th>${t('settings.opt_outs.since')}</th><th><span class="hidden">${t('common.actions')}</span></th></tr></thead>
  <tbody>${items.map((entry) => html`<${Row} key=${idOf(entry)} entry=${entry} may=${may} onRemove=${() => remove(entry, list)} />`)}</tbody></table></div>`;
