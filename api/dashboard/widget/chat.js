// The one chat of the widget: opened once it is known which, then kept true by the stream of events.
// It stands on the inbox's stores of chats, thread and sends.
import { effect, signal } from '@preact/signals';
import { get, of } from '../core/api.js';
import { t } from '../core/i18n.js';
import { on } from '../core/live.js';
import { throttled } from '../core/load.js';
import { summary } from '../pages/inbox/bubble.js';
import { personName, sameChat } from '../pages/inbox/names.js';
import { editing } from '../pages/inbox/composer_state.js';
import { askChat, openChat, previewMessage, putChat, sessions } from '../pages/inbox/store_chats.js';
import { ownEvent, showUnsent } from '../pages/inbox/store_send.js';
import { isOpenThread, openThread, putMessage, reloadThread, thread } from '../pages/inbox/store_thread.js';
import { about, refreshAbout, shown } from './line.js';

const TYPING_MS = 25_000;
export const typing = signal(null);   // {state, by} of the other side
export const announced = signal('');   // the newest message from them, for those who listen rather than look
export const replyTo = signal(null);   // the message that the next one answers
let fading = null;

function showTyping(data) {
  clearTimeout(fading);
  const busy = ['typing', 'recording'].includes(data.state);
  typing.value = busy ? data : null;
  if (busy) fading = setTimeout(() => (typing.value = null), TYPING_MS);
}

// Nobody may have written yet: then there is no chat, and what we know of it came with the ticket.
async function find({ session, chat, name, phone }) {
  const found = await get(of`/sessions/${session}/chats/${chat}`).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
  openChat.value = { type: chat.endsWith('@g.us') ? 'group' : 'user', unread_count: 0, ...(found || { id: chat }), name: found?.name || name, phone: found?.phone || phone, session };
}

export async function load() {
  const what = about.value;
  replyTo.value = editing.value = null;
  try {
    await find(what);
    await openThread(what.session, openChat.value.id);
    showUnsent();
  } catch (error) {
    thread.value = { ...thread.value, session: what.session, chat: what.chat, loading: false, error };
  }
}

function onMessage({ type, session, data }) {
  const message = data.message || data;
  if (!message.id) return;
  if (['message.received', 'message.sent', 'message.status', 'message.updated'].includes(type)) previewMessage(session, message);
  if (type === 'message.received') showTyping({ state: 'gone' });
  if (type === 'message.received' && shown.value) announced.value = t('inbox.announce', { name: personName(message.from), text: summary(message) });
  const mine = isOpenThread(session, message.chat) || sameChat(openChat.value, message.chat);
  if (!mine || ['edit', 'revoke', 'reaction'].includes(message.type)) return;
  if (message.direction === 'out') ownEvent({ ...message, session });
  else {
    putMessage(message);
    if (type === 'message.received') beginUnread(message.id);
  }
}
// The line above what came while the panel was put away; it goes when it was seen and put away again.
function beginUnread(id) {
  if (!shown.value && !thread.value.unreadFrom) thread.value = { ...thread.value, unreadFrom: id };
}
effect(() => {
  if (!shown.value && thread.peek().unreadFrom) thread.value = { ...thread.peek(), unreadFrom: null, focus: null };
});
// The one account that there is, as the inbox's parts know theirs.
effect(() => {
  const now = about.value;
  sessions.value = now ? [{ id: now.session, status: now.session_status, account: now.account }] : [];
});
const again = throttled(() => {
  refreshAbout();
  if (!openChat.value) return void (thread.value.error && load());   // else its messages alone would come
  reloadThread();
  askChat(openChat.value.session, openChat.value);
}, 500);

// Returns what ends it.
export function follow() {
  const ends = [
    on(['message.*'], onMessage),
    on(['chat.updated'], ({ session, data }) => putChat(session, data.chat)),
    on(['chat.presence'], ({ data }) => showTyping(data)),
    on(['gap', 'connected', 'reconnected'], again),
  ];
  return () => ends.forEach((end) => end());
}
