// What was sent, what waits, and what was given up; dead letters go back from here.
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { all, of, post } from '../../core/api.js';
import { t } from '../../core/i18n.js';
import { throttled, useEvents, useInterval, useLoad } from '../../core/load.js';
import { setQuery } from '../../core/router.js';
import { number, phone } from '../../core/format.js';
import { Button, Empty, Loaded, Tabs, Time } from '../../ui/controls.js';
import { confirm, problem, toast } from '../../ui/overlay.js';
import { SaidShort } from '../../ui/said.js';
import { DeliveryDialog } from './delivery.js';
import { COUNTED, counted } from './list.js';

const STATES = ['pending', 'delivered', 'dead'];
const PAGE = 50;
const MOST_IDS = 500;   // of one call

export const chatName = (chat) => chat.name || (chat.phone ? phone(chat.phone) : chat.id);
// ids: undefined for all dead letters.
export async function redrive(hook, ids, after) {
  try {
    let n = 0;
    if (!ids) n = (await post(of`/webhooks/${hook.id}/redrive`)).redriven;
    else for (let i = 0; i < ids.length; i += MOST_IDS) n += (await post(of`/webhooks/${hook.id}/redrive`, { delivery_ids: ids.slice(i, i + MOST_IDS) })).redriven;
    toast(t('webhooks.redriven', { n }), hook.enabled ? {} : { tone: 'info', detail: t('webhooks.redriven_disabled') });
  } catch (error) {
    problem(error, t('webhooks.not_redriven'), { onRetry: () => redrive(hook, ids, after) });
  }
  after();
}
const sure = (n) => confirm({ title: n >= COUNTED ? t('webhooks.redrive_title_many', { n }) : t('webhooks.redrive_title', { n }), text: t('webhooks.redrive_about'), act: t('webhooks.redrive') });

// Shown up to a count that grows; a reload brings as many as are shown.
function usePaged(hook, state) {
  const wanted = useRef(PAGE);
  const list = useLoad(async (signal) => {
    const most = wanted.current;
    const items = await all(of`/webhooks/${hook.id}/deliveries`, { state, limit: Math.min(most + 1, 500) }, { most: most + 1, signal });
    return { items: items.slice(0, most), more: items.length > most };
  }, [hook.id, state]);
  const more = () => {
    wanted.current += PAGE;
    return list.reload();
  };
  return { ...list, loadMore: more };
}

// How its last try ended. One that expired keeps the status of the try before.
export const Outcome = ({ of: d, ...rest }) => (d.last_status && d.last_reason !== 'expired' ? html`<bdi ...${rest}>HTTP ${d.last_status}</bdi>` : html`<${SaidShort} section="deliveries" of=${{ code: d.last_reason, detail: d.last_error }} ...${rest} />`);

function Row({ d, chosen, onChoose, onOpen, onRedrive }) {
  return html`<tr class=${chosen ? 'chosen' : ''}>${onChoose && html`<td class="tick"><input type="checkbox" aria-label=${t('webhooks.choose', { id: d.id })} checked=${chosen} onChange=${(e) => onChoose(e.currentTarget.checked)} /></td>`}
    <td class="what"><button type="button" class="link" onClick=${onOpen}><bdi class="mono">${d.type || t('webhooks.event_gone')}</bdi></button>
      <p class="muted">${d.chat && html`<bdi>${chatName(d.chat)}</bdi> · `}${d.session && html`<bdi class="mono">${d.session}</bdi> · `}<span class="mono">${d.id}</span></p></td>
    <td data-label=${t('webhooks.outcome')}>${d.last_status || d.last_error ? html`<${Outcome} of=${d} class=${d.state === 'delivered' ? '' : 'bad'} />` : html`<span class="muted">${t('webhooks.not_tried')}</span>`}</td>
    <td class="num" data-label=${t('webhooks.attempts')}>${number(d.attempts)}</td>
    <td data-label=${t(d.state === 'pending' ? 'webhooks.next_try' : 'webhooks.when')}><${Time} at=${d.state === 'pending' ? d.next_try_at : d.finished_at} /></td>
    ${onRedrive && html`<td class="end"><${Button} small icon="arrow-path" onClick=${onRedrive} title=${t('webhooks.redrive_one', { id: d.id })}>${t('webhooks.redrive')}</${Button}></td>`}</tr>`;
}

const none = (state) => html`<${Empty} icon=${{ pending: 'queue-list', delivered: 'check-circle', dead: 'archive-box' }[state]} title=${t(`webhooks.none.${state}`)}>${t(`webhooks.none.${state}_about`)}</${Empty}>`;

// Where there is something to do: what was given up, else what does not get through.
const worst = (hook) => (hook.dead > 0 ? 'dead' : hook.pending > 0 && (!hook.enabled || (hook.health?.state ?? 'ok') !== 'ok') ? 'pending' : 'delivered');

export function Deliveries({ hook, manage, query, onChanged }) {
  const [first] = useState(() => worst(hook));   // stays while one looks
  const state = STATES.includes(query.state) ? query.state : first;
  const [chosen, setChosen] = useState(() => new Set());
  const [busy, setBusy] = useState(false);
  const list = usePaged(hook, state);
  const later = useMemo(() => throttled(list.reload, 800), [list.reload]);
  useEvents(['*'], later, [later]);
  useInterval(list.reload, 5000, [list.reload]);
  useEffect(() => setChosen(new Set()), [state]);
  const mayRedrive = manage && state === 'dead';
  const after = () => {
    setChosen(new Set());
    list.reload();
    onChanged();
  };
  const run = async (ids, n) => {
    if (n !== 1 && !(await sure(n))) return;
    setBusy(true);
    await redrive(hook, ids, after);
    setBusy(false);
  };
  const choose = (id, on) => setChosen((before) => {
    const next = new Set(before);
    if (on) next.add(id);
    else next.delete(id);
    return next;
  });
  const picked = (items) => items.filter((d) => chosen.has(d.id)).map((d) => d.id);
  return html`<div class="row between"><${Tabs} label=${t('webhooks.deliveries')} value=${state} onValue=${(id) => setQuery({ state: id, delivery: undefined })}
      tabs=${STATES.map((id) => [id, t(`webhooks.${id}_tab`), id === 'delivered' ? undefined : counted(hook[id])])} />
    ${mayRedrive && list.data?.items.length > 0 && html`<div class="acts">${picked(list.data.items).length > 0 && html`<${Button} busy=${busy} onClick=${() => run(picked(list.data.items), picked(list.data.items).length)}>${t('webhooks.redrive_chosen', { n: picked(list.data.items).length })}</${Button}>`}
      <${Button} kind="primary" icon="arrow-path" busy=${busy} onClick=${() => run(undefined, list.data.more ? hook.dead : list.data.items.length)}>${t('webhooks.redrive_all')}</${Button}></div>`}</div>
    <${Loaded} of=${list} lines=${8} height=${36} empty=${none(state)}>${({ items, more }) => html`<div class="table-wrap card flush"><table class="stacked deliveries"><thead><tr>
      ${mayRedrive && html`<th class="tick"><input type="checkbox" aria-label=${t('webhooks.choose_all')} checked=${picked(items).length === items.length} onChange=${(e) => setChosen(new Set(e.currentTarget.checked ? items.map((d) => d.id) : []))} /></th>`}
      <th>${t('webhooks.event')}</th><th>${t('webhooks.outcome')}</th><th class="num">${t('webhooks.attempts')}</th><th>${t(state === 'pending' ? 'webhooks.next_try' : 'webhooks.when')}</th>${mayRedrive && html`<th><span class="hidden">${t('common.actions')}</span></th>`}</tr></thead>
      <tbody>${items.map((d) => html`<${Row} key=${d.id} d=${d} chosen=${chosen.has(d.id)} onChoose=${mayRedrive && ((on) => choose(d.id, on))} onOpen=${() => setQuery({ state, delivery: d.id })} onRedrive=${mayRedrive && (() => run([d.id], 1))} />`)}</tbody></table></div>
      ${more && html`<p class="center"><${Button} busy=${list.loading} onClick=${list.loadMore}>${t('common.more')}</${Button}></p>`}`}</${Loaded}>
    ${query.delivery && html`<${DeliveryDialog} hook=${hook} id=${query.delivery} manage=${manage} onClose=${() => setQuery({ delivery: undefined })} onRedrive=${(id) => { setQuery({ delivery: undefined }); run([id], 1); }} />`}`;
}
