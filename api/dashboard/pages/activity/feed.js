// What happened, for people: of one session or of all, by day, newest first. The first page is read
// again when events say that something happened; older ones stay as they were.
import { html } from 'htm/preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { get, of } from '../../core/api.js';
import { tenant } from '../../core/auth.js';
import { dayName, exactTime, phone, time } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { throttled, useEvents, useLoad } from '../../core/load.js';
import { href } from '../../core/router.js';
import { Button, Empty, Icon, Loaded } from '../../ui/controls.js';
import { problem } from '../../ui/overlay.js';
import { SaidShort } from '../../ui/said.js';

const PAGE = 50;
const PAGES_AT_ONCE = 5;   // a page of a busy tenant may hold few items
const AGAIN_MS = 1500;
const TYPES = ['session.created', 'session.status', 'session.deleted', 'message.received', 'message.sent', 'message.status', 'gap', 'reconnected'];
const SIGNS = {
  created: ['plus', 'info'], deleted: ['trash', 'bad'],
  linked: ['link', 'ok'], unlinked: ['link-slash', 'bad'], connected: ['signal', 'ok'], disconnected: ['signal-slash', 'warn'], conflict: ['arrows-right-left', 'warn'],
  stopped: ['stop', ''], session_failed: ['exclamation-triangle', 'bad'], received: ['inbox', 'info'], sent: ['paper-airplane', 'info'], failed: ['exclamation-circle', 'bad'],
};

const path = (session) => (session ? of`/sessions/${session}/activity` : of`/activity`);

// {items, next_cursor}, with as many pages as it takes to have something to show.
async function more(session, cursor, signal) {
  const items = [];
  let next = cursor;
  for (let i = 0; i < PAGES_AT_ONCE; i++) {
    const page = await get(path(session), { limit: PAGE, cursor: next }, { signal });
    items.push(...page.items);
    next = page.next_cursor;
    if (!next || items.length >= PAGE / 2) break;
  }
  return { items, next_cursor: next };
}

function words(item) {
  if (!has(`activity.kinds.${item.kind}`)) return item.text;
  if (item.kind === 'linked') return item.phone ? t('activity.kinds.linked_to', { phone: phone(item.phone) }) : t('activity.kinds.linked');
  const text = t(`activity.kinds.${item.kind}`, { n: item.count });
  return item.chats > 1 ? t('activity.in_chats', { what: text, n: item.chats }) : text;
}

function Item({ item, session }) {
  const [icon, tone] = SIGNS[item.kind] || ['information-circle', ''];
  const long = item.from_at !== item.at && time(item.from_at) !== time(item.at);
  const why = item.code || item.reason ? { code: item.code, detail: item.reason } : null;
  return html`<li class="happened"><span class=${`happened-sign ${tone}`}><${Icon} name=${icon} size=${18} /></span>
    <div><p>${words(item)}${!session && item.kind === 'deleted' && html` <bdi class="happened-where" dir="ltr">${item.session}</bdi>`}${!session && item.kind !== 'deleted' && html` <a class="happened-where" href=${href('sessions', [item.session])} dir="ltr">${item.session}</a>`}</p>${why && html`<p class="muted"><${SaidShort} section=${item.kind === 'failed' ? 'messages' : 'reasons'} of=${why} /></p>`}</div>
    <time class="muted" datetime=${item.at} title=${exactTime(item.at)}>${long ? `${time(item.from_at)} – ${time(item.at)}` : time(item.at)}</time></li>`;
}

function Days({ items, session }) {
  const days = useMemo(() => {
    const out = [];
    for (const item of items) {
      const name = dayName(item.at);
      if (out.at(-1)?.name !== name) out.push({ name, items: [] });
      out.at(-1).items.push(item);
    }
    return out;
  }, [items]);
  return days.map((day) => html`<section key=${day.name} class="feed-day"><h2>${day.name}</h2><ol>${day.items.map((item) => html`<${Item} key=${`${item.session} ${item.kind} ${item.from_at}`} item=${item} session=${session} />`)}</ol></section>`);
}

export function Feed({ session }) {
  const first = useLoad((signal) => more(session, undefined, signal), [tenant.value, session]);
  const [older, setOlder] = useState(null);   // {items, next_cursor, busy, from}: the first page as it was, and what is behind it
  const [missed, setMissed] = useState(false);
  useEffect(() => setOlder(null), [tenant.value, session]);
  const [again] = useState(() => ({ call: null }));
  useEffect(() => {
    again.call = throttled(first.reload, AGAIN_MS);
    return () => again.call.cancel();
  }, [first.reload]);
  // once older items are shown, a new first page would leave a gap before them: it waits to be asked for
  useEvents(TYPES, (event) => {
    if (session && event.session && event.session !== session) return;
    if (older) setMissed(true);
    else again.call();
  }, [session, older]);
  const load = async () => {
    const before = older || { ...first.data, from: first.data };
    const mine = { ...before, busy: true };
    const end = (change) => setOlder((now) => (now === mine ? change : now));   // the newest may be wanted by now
    setOlder(mine);
    try {
      const page = await more(session, before.next_cursor);
      end({ ...before, items: [...before.items, ...page.items], next_cursor: page.next_cursor });
    } catch (error) {
      end(older);
      problem(error, t('activity.trouble'));
    }
  };
  const newest = () => {
    setOlder(null);
    setMissed(false);
    first.reload();
  };
  const empty = html`<${Empty} icon="list-bullet" title=${t('activity.empty')}>${t('activity.empty_about')}</${Empty}>`;
  return html`<${Loaded} of=${first} lines=${6} height=${40} empty=${empty} isEmpty=${(d) => d.items.length === 0 && !d.next_cursor}>${(data) => {
    const { items, next_cursor: next } = older || data;
    return html`<div class="feed">${older && (missed || older.from !== data) && html`<div class="feed-new" role="status"><${Button} small kind="primary" icon="chevron-up" onClick=${newest}>${t('activity.missed')}</${Button}></div>`}<${Days} items=${items} session=${session} />
      <div class="row">${next ? html`<${Button} busy=${older?.busy} onClick=${load}>${t('common.more')}</${Button}>` : html`<p class="muted">${t('activity.end')}</p>`}${older && html`<${Button} kind="quiet" icon="chevron-up" onClick=${newest}>${t('activity.newest')}</${Button}>`}</div></div>`;
  }}</${Loaded}>`;
}
