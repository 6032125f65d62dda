// Audit log: who did what, from where, with which outcome. Filters live in the address.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { call, get, of } from '../core/api.js';
import { can, isAdmin, tenant } from '../core/auth.js';
import { saveText } from '../core/download.js';
import { t } from '../core/i18n.js';
import { useLoad, usePages } from '../core/load.js';
import { setQuery } from '../core/router.js';
import { Button, Empty, Loaded, More, PageHead, Tabs } from '../ui/controls.js';
import { problem, toast } from '../ui/overlay.js';
import { Entries } from './audit/entry.js';
import { Filters, asked, clear, isFiltered } from './audit/filters.js';
import { Verify } from './audit/verify.js';

const EXPORT_MOST = 200_000;   // records; more is a job for the command line

// Keys by id, for names instead of ids; those that this key may see.
async function keyNames() {
  const lists = [];
  if (can('keys:manage') && tenant.value) lists.push(get(of`/keys`));
  if (isAdmin()) lists.push(get('/v1/keys'));
  const answers = await Promise.allSettled(lists);
  return new Map(answers.flatMap((a) => a.value?.items ?? []).map((k) => [k.id, k.name || k.id]));
}

// What was recorded while the export ran is not under its head.
const until = (lines, head) => (head ? lines.split('\n').filter((line) => line && JSON.parse(line).seq <= head.seq).map((line) => `${line}\n`).join('') : lines);

// The records as lines, oldest first. Without a filter the file begins as `wabridge audit export`
// writes it, so that the chain can be verified.
async function exported(path, query, name, head) {
  const parts = head ? [`${JSON.stringify({ log: name, ...head })}\n`] : [];
  let cursor, count = 0;
  do {
    const response = await call('GET', path, { query: { ...query, order: 'oldest', limit: 500, cursor }, headers: { Accept: 'application/x-ndjson' }, as: 'response' });
    const text = until(await response.text(), head?.head);
    count += text.split('\n').length - 1;
    parts.push(text);
    cursor = response.headers.get('X-Next-Cursor');
  } while (cursor && count < EXPORT_MOST);
  return { text: parts.join(''), count, cut: Boolean(cursor) };
}

function useExport(path, query, name) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      const whole = Object.values(query).every((v) => !v);
      const { anchor, head } = whole ? await get(path, { limit: 1 }) : {};
      const { text, count, cut } = await exported(path, query, name, whole && { anchor, head });
      saveText(text, `audit-${name}-${new Date().toISOString().slice(0, 10)}.ndjson`, 'application/x-ndjson');
      toast(t('audit.exported', { n: count }), cut ? { tone: 'info', detail: t('audit.export_cut') } : {});
    } catch (error) {
      problem(error, t('audit.export_failed'), { onRetry: run });
    }
    setBusy(false);
  };
  return { busy, run };
}

export default function Audit({ query }) {
  const all = isAdmin() && query.log === 'admin';
  const path = all ? '/v1/audit' : of`/audit`;
  const name = all ? 'admin' : tenant.value;
  const filter = asked(query);
  const list = usePages(({ cursor, signal }) => get(path, { ...filter, cursor, limit: 50 }, { signal }), [path, JSON.stringify(filter)]);
  const names = useLoad(keyNames, [tenant.value]);
  const download = useExport(path, filter, name);
  const [verifying, setVerifying] = useState(false);
  const nothing = isFiltered(query)
    ? html`<${Empty} icon="funnel" title=${t('audit.none_found')} action=${html`<${Button} onClick=${clear}>${t('audit.clear')}</${Button}>`}>${t('audit.none_found_about')}</${Empty}>`
    : html`<${Empty} icon="shield-check" title=${t('audit.empty')}>${t('audit.empty_about')}</${Empty}>`;
  return html`<${PageHead} title=${t('pages.audit')} about=${t('audit.about')}>
      <${Button} icon="arrow-path" busy=${list.loading && Boolean(list.data)} onClick=${list.reload}>${t('common.refresh')}</${Button}>
      <${Button} icon="shield-check" onClick=${() => setVerifying(true)}>${t('audit.verify')}</${Button}>
      <${Button} icon="arrow-down-tray" busy=${download.busy} onClick=${download.run}>${t('audit.export')}</${Button}>
    </${PageHead}>
    ${isAdmin() && html`<${Tabs} label=${t('audit.logs')} value=${all ? 'admin' : 'tenant'} onValue=${(id) => setQuery({ log: id === 'admin' ? id : '', session: '' })}
      tabs=${[['tenant', t('audit.of_tenant', { tenant: tenant.value })], ['admin', t('audit.of_node')]]} />`}
    <${Filters} query=${query} names=${names.data} all=${all} />
    <${Loaded} of=${list} lines=${8} height=${44} empty=${nothing}>${(data) => html`<${Entries} items=${data.items} names=${names.data} />
      <${More} of=${list} onTrouble=${(error) => problem(error)} />`}</${Loaded}>
    ${verifying && html`<${Verify} name=${name} head=${list.data?.head} onClose=${() => setVerifying(false)} />`}`;
}
