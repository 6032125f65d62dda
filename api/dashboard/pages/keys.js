// Keys: who may do what, with which sessions, until when. Nobody gives more than they have.
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { get, of } from '../core/api.js';
import { isAdmin, me, tenant } from '../core/auth.js';
import { t } from '../core/i18n.js';
import { useInterval, useLoad } from '../core/load.js';
import { setQuery } from '../core/router.js';
import { Badge, Button, Empty, ExactTime, Loaded, PageHead, Status, Tabs, Time } from '../ui/controls.js';
import { Menu } from '../ui/overlay.js';
import { Sessions } from '../ui/patterns.js';
import { removeKey, RotateDialog } from './keys/acts.js';
import { KeyForm } from './keys/form.js';
import { InviteDialog } from './keys/invite.js';
import { isWhole } from './keys/rights.js';

const DAY = 86_400_000;

const Rights = ({ row }) => (row.role ? html`<strong>${t(`keys.role.${row.role}`)}</strong>`
  : isWhole(row) ? html`<strong>${t('keys.everything')}</strong>`
  : html`<details class="rights"><summary>${t('keys.scopes_n', { n: row.scopes.length })}</summary><p>${row.scopes.map((s) => html`<${Badge} key=${s}><bdi class="mono">${s}</bdi></${Badge}> `)}</p></details>`);

function Expires({ at, quiet }) {
  if (!at) return html`<span class="muted">${t('keys.never')}</span>`;
  const left = new Date(at) - Date.now();
  return html`${left <= 0 ? html`<${Status} value=${t('keys.expired')} tone="bad" /> ` : !quiet && left < 7 * DAY && html`<${Status} value=${t('keys.soon')} tone="warn" /> `}<${ExactTime} at=${at} />`;
}

function Row({ row, onAct, admin }) {
  const mine = row.id === me.value.id;
  const session = row.kind === 'sign_in';
  const name = row.name || row.id;
  return html`<tr><td class="what"><strong><bdi>${row.name || t('keys.no_name')}</bdi></strong>${mine && html` <${Badge} tone="accent">${t('keys.yours')}</${Badge}>`}<p class="muted"><bdi class="mono">${row.id}</bdi></p>
      ${row.old_secret_until && html`<p><${Status} value=${t('keys.overlap')} tone="info" /> <span class="muted">${t('keys.overlap_until')} <${ExactTime} at=${row.old_secret_until} /></span></p>`}</td>
    <td data-label=${t('keys.may')}><${Rights} row=${row} /></td>${!admin && html`<td data-label=${t('keys.sessions')}><${Sessions} patterns=${row.sessions} /></td>`}
    <td data-label=${t('keys.expires')}><${Expires} at=${row.expires_at} quiet=${session} /></td>
    <td data-label=${t('keys.used')}>${row.last_used_at ? html`<${Time} at=${row.last_used_at} />` : html`<span class="muted">${t('keys.unused')}</span>`}</td>
    <td class="end"><${Menu} label=${t('keys.acts_of', { name })} items=${session ? [{ text: t('keys.end'), icon: 'arrow-right-start-on-rectangle', danger: true, onPick: () => onAct('remove', row) }] : [
      { text: t('common.edit'), icon: 'pencil-square', onPick: () => onAct('edit', row) },
      { text: t('keys.rotate'), icon: 'arrow-path', onPick: () => onAct('rotate', row) },
      null, { text: t('common.delete'), icon: 'trash', danger: true, onPick: () => onAct('remove', row) },
    ]} /></td></tr>`;
}

const Table = ({ rows, onAct, admin, label }) => html`<div class="table-wrap card flush"><table class="stacked keys" aria-label=${label}><thead><tr><th>${t('keys.name')}</th><th>${t('keys.may')}</th>${!admin && html`<th>${t('keys.sessions')}</th>`}
  <th>${t('keys.expires')}</th><th>${t('keys.used')}</th><th><span class="hidden">${t('common.actions')}</span></th></tr></thead><tbody>${rows.map((row) => html`<${Row} key=${row.id} row=${row} onAct=${onAct} admin=${admin} />`)}</tbody></table></div>`;

export default function Keys({ query }) {
  const admin = isAdmin() && query.tab === 'admin';
  const root = admin ? '/v1/keys' : of`/keys`;
  const [open, setOpen] = useState(null);   // {what: 'create' | 'edit' | 'rotate' | 'invite', row}
  const list = useLoad(async (signal) => (await get(root, {}, { signal })).items, [root]);
  useInterval(list.reload, 30_000, [list.reload]);
  const close = () => setOpen((now) => (now === open ? null : now));   // not what was opened since
  const act = (what, row) => (what === 'remove' ? removeKey(root, row, list.reload) : setOpen({ what, row }));
  const done = () => {
    close();
    list.reload();
  };
  const [keys, signedIn] = useMemo(() => [false, true].map((s) => (list.data || []).filter((row) => (row.kind === 'sign_in') === s)), [list.data]);
  const create = html`<${Button} kind="primary" icon="plus" onClick=${() => setOpen({ what: 'create' })}>${t(admin ? 'keys.create_admin' : 'keys.create')}</${Button}>`;
  return html`<${PageHead} title=${t('pages.keys')} about=${t(admin ? 'keys.about_admin' : 'keys.about')}>${!admin && html`<${Button} icon="user-plus" onClick=${() => setOpen({ what: 'invite' })}>${t('keys.invite')}</${Button}>`}${create}</${PageHead}>
    ${isAdmin() && html`<${Tabs} label=${t('pages.keys')} value=${admin ? 'admin' : 'tenant'} onValue=${(id) => setQuery({ tab: id === 'admin' ? 'admin' : undefined })} tabs=${[['tenant', t('keys.of_tenant', { name: tenant.value })], ['admin', t('keys.of_admin')]]} />`}
    <${Loaded} of=${list} lines=${5} height=${48} isEmpty=${(rows) => rows.length === 0} empty=${html`<${Empty} icon="key" title=${t('keys.none')}>${t('keys.none_about')}</${Empty}>`}>${() => html`
      ${keys.length > 0 && html`<${Table} rows=${keys} onAct=${act} admin=${admin} label=${t('pages.keys')} />`}
      ${signedIn.length > 0 && html`<section class="signed-in"><h2>${t('keys.signed_in')}</h2><p class="muted">${t('keys.signed_in_about')}</p><${Table} rows=${signedIn} onAct=${act} admin=${admin} label=${t('keys.signed_in')} /></section>`}`}</${Loaded}>
    ${(open?.what === 'create' || open?.what === 'edit') && html`<${KeyForm} root=${root} admin=${admin} row=${open.row} onClose=${close} onSaved=${done} />`}
    ${open?.what === 'rotate' && html`<${RotateDialog} root=${root} row=${open.row} onClose=${close} onDone=${done} />`}
    ${open?.what === 'invite' && html`<${InviteDialog} onClose=${close} />`}`;
}
