// What the inbox knows: chats, the open thread, what is being sent, who is typing; kept true by the
// stream of events. Components read the signals and call the acts; nothing else talks to the API
// about chats and messages.
import { signal } from '@preact/signals';
import { del, idempotencyKey, of, patch, post } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { throttled } from '../../core/load.js';
import { on } from '../../core/live.js';
import { keyOf } from './names.js';
import { askChat, changeChat, list, loadChats, loadSessions, loadFacets, openChat, previewMessage, putChat, sessionBack, sessionGone, sessions, stopChats } from './store_chats.js';
import { dropNotes, loadNotes, putNote } from './store_notes.js';
import { ownEvent, showUnsent } from './store_send.js';
import { closeThread, isOpenThread, messages, openThread, putMessage, reloadThread, thread } from './store_thread.js';

export { assignees, changeChat, chats, facets, filters, gone, latest, list, loadChats, loadMoreChats, myself, openChat, patchChat, putChat, sessions } from './store_chats.js';
export { loadNewer, loadOlder, messages, reloadThread, showMessage, showNewest, thread } from './store_thread.js';
export { discardMessage, retryMessage, sendMessage } from './store_send.js';

// Who is doing what in which chat: key → {state: 'typing'|'recording'|'available'|…, by}
export const presence = signal(new Map());
const PRESENCE_MS = 25_000;
const fading = new Map();

function showPresence(session, data) {
  const key = keyOf(session, data.chat.id);
  const next = new Map(presence.value);
  clearTimeout(fading.get(key));
  if (['typing', 'recording', 'available', 'online'].includes(data.state)) {
    next.set(key, { state: data.state, by: data.by });
    fading.set(key, setTimeout(() => showPresence(session, { ...data, state: 'gone' }), PRESENCE_MS));
  } else next.delete(key);
  presence.value = next;
}

// A new message in the open thread, for those who listen rather than look: {message, at}
export const announced = signal(null);

function onMessage(event) {
  const message = event.data.message || event.data;
  if (event.data.message === null || !message.id) return;
  const { session } = event;
  if (['message.received', 'message.sent', 'message.status', 'message.updated'].includes(event.type)) previewMessage(session, message);
  else if (event.type !== 'message.media') askChat(session, message.chat);
  if (event.type === 'message.received') {
    showPresence(session, { chat: message.chat, state: 'gone' });
    if (isOpenThread(session, message.chat)) announced.value = message;   // news of other chats end none of this one
  }
  if (!isOpenThread(session, message.chat) || ['edit', 'revoke', 'reaction'].includes(message.type)) return;
  if (message.direction === 'out') ownEvent({ ...message, session });
  else putMessage(message);
}

// Many messages were changed or moved: what is shown is loaded again, once things are quiet.
const again = throttled(() => {
  loadChats({ keep: true });
  reloadThread();
}, 500);

// Numbers and tags of the filters, not at every event.
const count = throttled(() => loadFacets().catch(() => {}), 3000);

// Names only; the chats say what failed.
const askSessions = () => loadSessions().catch(() => {});

// Begins to follow events; returns what ends it.
export function startInbox() {
  const ends = [
    on(['message.*'], onMessage),
    on(['chat.updated'], ({ session, data }) => putChat(session, data.chat)),
    on(['chat.updated', 'message.received'], count),
    on(['chat.note'], ({ session, data }) => isOpenThread(session, data.chat) && data.note && putNote(data)),
    on(['chat.history'], ({ session, data }) => isOpenThread(session, data.chat) && reloadThread()),
    on(['chat.presence'], ({ session, data }) => showPresence(session, data)),
    on(['contact.identity', 'gap', 'connected', 'reconnected'], again),
    on(['gap', 'reconnected'], askSessions),
    on(['session.created'], ({ session }) => {
      sessionBack(session);
      askSessions();
      again();
    }),
    on(['session.deleted'], ({ session }) => {
      sessionGone(session);
      count();
      again();   // an answer that is on its way may still have its chats
    }),
    on(['session.status'], ({ data }) => (sessions.value = sessions.value.map((s) => (s.id === data.id ? data : s)))),
  ];
  askSessions();
  loadFacets().catch(() => {});
  return () => {
    ends.forEach((end) => end());
    again.cancel();
    count.cancel();
    stopChats();
    closeThread();
    dropNotes();
    presence.value = new Map();
  };
}

export async function show(session, chat, options) {
  if (openChat.value?.session !== session || openChat.value.id !== chat) openChat.value = list.value.rows.get(keyOf(session, chat)) || null;
  loadNotes(session, chat);
  await openThread(session, chat, options);
  showUnsent();
}
export function showNothing() {
  dropNotes();
  closeThread();
  openChat.value = null;
}

// ---- acts on messages
export const editMessage = (m, text) => patch(of`/sessions/${m.session}/messages/${m.id}`, { text }, { headers: { 'Idempotency-Key': idempotencyKey() } });
export const revokeMessage = (m) => del(of`/sessions/${m.session}/messages/${m.id}`, { headers: { 'Idempotency-Key': idempotencyKey() } });
export const react = (m, emoji) => post(of`/sessions/${m.session}/messages`, { to: m.chat.id, reaction: { message_id: m.id, emoji } }, { headers: { 'Idempotency-Key': idempotencyKey() } });
export const forwardMessage = (m, to) => post(of`/sessions/${m.session}/messages`, { to, forward: { message_id: m.id, chat: m.chat.id } }, { headers: { 'Idempotency-Key': idempotencyKey() } });
export async function refetchMedia(m) {
  const now = await post(of`/sessions/${m.session}/messages/${m.id}/media/refetch`);
  if (isOpenThread(m.session, m.chat)) putMessage(now);   // another one may be open by now
}

// ---- read, when it was seen: at most once in a while, and again when it was refused for a moment
const READ_MS = 1500, REFUSED_MS = 30_000;
let readTimer = null;
export const rested = signal(0);   // who shows the thread looks again: what came meanwhile was seen too
const rest = (ms) => {
  clearTimeout(readTimer);
  readTimer = setTimeout(() => {
    readTimer = null;
    rested.value++;
  }, ms);
};
export function markSeen() {
  const chat = openChat.value;
  if (readTimer || !chat || chat.unread_count === 0 || document.hidden || !can('messages:send') || thread.value.newer) return;
  rest(READ_MS);
  const { session, id, unread_count } = chat;
  changeChat(session, chat, { unread_count: 0 });
  post(of`/sessions/${session}/chats/${id}/read`).catch(() => {
    changeChat(session, chat, { unread_count });
    rest(REFUSED_MS);   // the session is away: its badge stays until it is back
  });
}
