// The open thread: a window on its messages, oldest first. It grows at both ends as one scrolls; what
// lies far from the eye is dropped and fetched again, so that 20,000 messages cost no more than these.
import { batch, signal } from '@preact/signals';
import { get, of } from '../../core/api.js';
import { t } from '../../core/i18n.js';
import { toast } from '../../ui/overlay.js';
import { sameChat } from './names.js';
import { latest, openChat, sessionGone } from './store_chats.js';

const PAGE = 60, FIRST_MOST = 300;
export const WINDOW = 900;   // most messages in memory; past it those of the far end go
// session, chat: which; older, newer: how to go on ({cursor} or {around}), null at an end;
// unreadFrom: id of the first message that was unread when it was opened; focus: {id} of one to show,
// marked; shown: counts how often it was opened anew
const NONE = { session: '', chat: '', older: null, newer: null, loading: false, busy: '', error: null, unreadFrom: null, focus: null, shown: 0 };
export const thread = signal(NONE);
export const messages = signal([]);
let round = 0;
let early = [];      // messages told while answers are on their way: these may be older
let flights = 0;     // how many are on their way
let stale = false;   // it is to be loaded again once it is there

const path = (th) => of`/sessions/${th.session}/chats/${th.chat}/messages`;
const byTime = (a, b) => (a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0);

async function flight(act) {
  if (!flights++) early = [];
  try {
    return await act();
  } finally {
    flights--;
  }
}
// Once an answer is in its place.
const tellAgain = () => early.forEach(put);

// An answer's page as it is shown, oldest first.
const ascending = (answer) => answer.items.slice().reverse();
const onward = (cursor) => (cursor ? { cursor } : null);

// What failed is shown; a session that is not there is more than that.
function trouble(session, change) {
  if (change.error.code === 'unknown_session') sessionGone(session);
  thread.value = { ...thread.value, ...change };
}

// Pictures that we sent are shown from memory only as long as their thread is open.
function forget() {
  for (const m of messages.value) if (m.media?.local_url && !m.local) URL.revokeObjectURL(m.media.local_url);
}

// Opens a chat: where its unread messages begin, around one message, or at its very end.
export const openThread = (session, chat, options) => flight(() => open(session, chat, options));
async function open(session, chat, { around = null, atEnd = false } = {}) {
  const mine = ++round;
  forget();
  [early, stale] = [[], false];
  batch(() => {
    messages.value = [];
    thread.value = { ...NONE, session, chat, loading: true, focus: around && { id: around }, shown: mine };
  });
  try {
    const whole = openChat.value?.session === session && openChat.value.id === chat ? openChat.value : null;
    // enough to begin where the unread ones begin
    const limit = around || atEnd ? PAGE : Math.min(FIRST_MOST, Math.max(PAGE, (whole?.unread_count || 0) + 20));
    const before = latest.value;
    const [answer, now] = await Promise.all([
      get(path({ session, chat }), { limit, around }),
      whole || get(of`/sessions/${session}/chats/${chat}`).catch((error) => (error.status === 404 ? null : Promise.reject(error))),
    ]);
    if (mine !== round) return;
    if (!whole) {
      const told = latest.value !== before && latest.value.session === session && sameChat(latest.value, now) && latest.value;   // newer than the answer
      openChat.value = { ...(now || stranger(chat)), session, ...told };
    }
    const items = ascending(answer);
    batch(() => {
      messages.value = items;
      thread.value = { ...thread.value, loading: false, older: onward(answer.next_cursor), newer: onward(answer.previous_cursor), unreadFrom: around || atEnd ? null : firstUnread(items, now?.unread_count || 0) };
      tellAgain();
    });
    if (stale) reloadThread();
  } catch (error) {
    if (mine !== round) return;
    if (around && error.code === 'unknown_message') {
      toast(t('inbox.not_here'), { tone: 'info' });
      return open(session, chat);
    }
    trouble(session, { loading: false, error });
  }
  return undefined;
}

// Nothing was ever said with them: as much of a chat as can be known.
const stranger = (id) => ({ id, type: id.endsWith('@g.us') ? 'group' : 'user', phone: /^\d{5,20}$/.test(id) ? id : null, name: null, unread_count: 0, last_message: null, state: 'open', assignee: null, tags: [], pinned: false, archived: false, muted_until: null, blocked: false });

function firstUnread(items, count) {
  let left = count;
  for (let i = items.length - 1; i >= 0 && left > 0; i--) {
    if (items[i].direction === 'in' && items[i].type !== 'system' && --left === 0) return items[i].id;
  }
  return null;
}

export function closeThread() {
  round++;
  forget();
  thread.value = NONE;
  messages.value = [];
}

// What was shown may have missed something: it is fetched again, from its end (or around its middle)
// back to what is known, and put into what is there, so that nothing moves before the eye.
const AGAIN_PAGES = 6;
export const reloadThread = () => flight(reload);
async function reload() {
  const th = thread.value;
  stale = th.loading;
  if (!th.chat || th.loading) return;
  const mine = round;
  const kept = messages.value;
  const fresh = [];
  let answer, more = { around: th.newer ? kept[Math.floor(kept.length / 2)]?.id : undefined };
  const known = new Set(kept.filter((m) => !m.local).map((m) => m.id));
  try {
    for (let n = 0; n < AGAIN_PAGES && more; n++) {
      answer = await get(path(th), { limit: PAGE, ...more });
      fresh.unshift(...ascending(answer));
      more = th.newer ? null : onward(answer.next_cursor);
      if (fresh.length >= kept.length && known.has(fresh[0]?.id)) break;
    }
    if (mine !== round) return;
    const meets = th.newer || fresh.some((m) => known.has(m.id));
    batch(() => {
      // too much is new to be joined to what is old: the new alone, and messages that are not sent yet
      messages.value = merge(meets ? messages.value : messages.value.filter((m) => m.local), fresh);
      thread.value = { ...thread.value, error: null, ...(meets ? {} : { older: onward(answer.next_cursor), newer: null }) };
      tellAgain();
    });
  } catch (error) {
    if (mine === round && error.name !== 'AbortError') trouble(th.session, { error });
  }
}

// The rows of both, each once, in order of time; of the same message the later list has the say.
function merge(items, more) {
  if (more.length === 0) return items;
  const known = new Map(items.map((m) => [m.id, m]));
  for (const m of more) known.set(m.id, known.has(m.id) ? keepPreview(known.get(m.id), forward(known.get(m.id), m)) : m);
  return [...known.values()].sort(byTime);
}
// The picture that we just sent need not be fetched again to be shown.
// `view` is what its bubble is known by in the page: it stays when the server's id comes.
function keepPreview(old, now) {
  const local_url = old?.media?.local_url;
  const view = old?.view || (old?.local && old.id !== now.id ? old.id : undefined);
  return { ...now, ...(local_url && now.media ? { media: { ...now.media, local_url } } : {}), ...(view ? { view } : {}) };
}

async function extend(end, other) {
  const th = thread.value;
  const from = th[end];
  if (!from || th.busy || th.loading) return;
  const mine = round;
  thread.value = { ...th, busy: end };
  try {
    const answer = await get(path(th), { limit: PAGE, ...from });
    if (mine !== round) return;
    let items = merge(messages.value, ascending(answer));
    const next = end === 'older' ? answer.next_cursor : answer.previous_cursor;
    const change = { busy: '', error: null, [end]: onward(next) };
    if (items.length > WINDOW) {
      items = end === 'older' ? items.slice(0, WINDOW) : items.slice(-WINDOW);
      const edge = end === 'older' ? items.findLast((m) => !m.local) : items.find((m) => !m.local);
      change[other] = { around: edge.id };
    }
    batch(() => {
      messages.value = items;
      thread.value = { ...thread.value, ...change };
      tellAgain();
    });
  } catch (error) {
    if (mine === round && error.name !== 'AbortError') trouble(th.session, { busy: '', error });
  }
}
export const loadOlder = () => flight(() => extend('older', 'newer'));
export const loadNewer = () => flight(() => extend('newer', 'older'));

// Shows one message, which may be anywhere.
export function showMessage(id) {
  const { session, chat } = thread.value;
  if (messages.value.some((m) => m.id === id)) thread.value = { ...thread.value, focus: { id } };
  else openThread(session, chat, { around: id });
}
export const showNewest = () => openThread(thread.value.session, thread.value.chat, { atEnd: true });

export const isOpenThread = (session, chat) => thread.value.session === session && (sameChat({ id: thread.value.chat }, chat) || sameChat(openChat.value, chat));

// News may overtake each other: what an answer says of a message may be older than its event.
const STEPS = ['queued', 'submitted', 'unconfirmed', 'sent', 'delivered', 'read', 'played', 'failed'];
function forward(old, now) {
  const back = old && !old.local && !now.local && STEPS.indexOf(now.status) < STEPS.indexOf(old.status);
  return back ? { ...now, status: old.status, status_history: old.status_history, error: old.error } : now;
}

// A message as an event or an answer has it. New ones go to their place by time; past the end of
// what is loaded they will come with the pages.
export function putMessage(message) {
  if (flights && !message.local) early.push(message);
  put(message);
}
function put(message) {
  const items = messages.value;
  const at = items.findLastIndex((m) => m.id === message.id);
  if (at >= 0) {
    const next = items.slice();
    next[at] = keepPreview(items[at], forward(items[at], message));
    messages.value = next;
    return;
  }
  if (thread.value.loading || (thread.value.newer && !message.local)) return;
  if (thread.value.older && items.length && message.timestamp < items[0].timestamp) return;
  let place = items.length;
  while (place > 0 && items[place - 1].timestamp > message.timestamp) place--;
  const next = [...items.slice(0, place), message, ...items.slice(place)];
  if (next.length > WINDOW + PAGE) {
    next.splice(0, next.length - WINDOW);
    thread.value = { ...thread.value, older: { around: next[0].id } };
  }
  messages.value = next;
}

// The bubble of `id` becomes `message`, wherever that is known already.
export function replaceMessage(id, message) {
  const old = messages.value.find((m) => m.id === id);
  batch(() => {
    messages.value = messages.value.filter((m) => m.id !== id);
    putMessage(keepPreview(old, message));
  });
}
export function dropMessage(id) {
  messages.value = messages.value.filter((m) => m.id !== id);
}
