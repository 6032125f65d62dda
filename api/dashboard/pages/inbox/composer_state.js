// What the composer remembers of each chat while the tab lives: its draft. And what it tells the
// other side: that somebody types.
import { signal } from '@preact/signals';
import { of, post } from '../../core/api.js';
import { me, tenant } from '../../core/auth.js';

// The message of ours that is being changed, or null. The thread may set it: startEdit(message).
export const editing = signal(null);
export const startEdit = (message) => (editing.value = message);
export const EDIT_MS = 15 * 60_000;
// A widget's credential changes what was sent from here, not what was written on the phone.
export const mayChange = (m) => m.direction === 'out' && (me.value?.kind !== 'widget' || m.source !== 'phone');
const EDITED = ['text', 'image', 'video', 'document'];
export const mayEdit = (m) => mayChange(m) && !m.local && EDITED.includes(m.type) && !['failed', 'queued'].includes(m.status) && Date.now() - new Date(m.timestamp) < EDIT_MS;

const DRAFT = 'wabridge.draft.';
const name = (session, chat) => `${DRAFT}${tenant.value}/${session}/${chat}`;
export function draftOf(session, chat) {
  try {
    return sessionStorage.getItem(name(session, chat)) || '';
  } catch {
    return '';   // a frame may have no storage
  }
}
export function keepDraft(session, chat, text) {
  try {
    if (text) sessionStorage.setItem(name(session, chat), text);
    else sessionStorage.removeItem(name(session, chat));
  } catch { /* full, or none: the words are still in the field */ }
}

// Files that were chosen and not sent yet; they cannot be stored, so they live as long as the page.
const trays = new Map();
export const filesOf = (session, chat) => trays.get(name(session, chat)) || [];
export function keepFiles(session, chat, parts) {
  if (parts.length) trays.set(name(session, chat), parts);
  else trays.delete(name(session, chat));
}

const AGAIN_MS = 8000;   // WhatsApp shows it for some ten seconds
const IDLE_MS = 5000;
// typing() at each key; stop() when the message is sent or left. online(): is the account there?
export function typist(session, chat, online = () => true) {
  let told = 0, idle = null;
  const tell = (state) => online() && post(of`/sessions/${session}/chats/${chat}/presence`, { state }).catch(() => {});   // nothing is lost with it
  const stop = (quietly = false) => {
    clearTimeout(idle);
    if (told && !quietly) tell('paused');
    told = 0;
  };
  return {
    stop,
    // WhatsApp tells who is typing only to those who asked for this chat.
    listen: () => tell('subscribe'),
    typing() {
      clearTimeout(idle);
      idle = setTimeout(stop, IDLE_MS);
      if (Date.now() - told < AGAIN_MS) return;
      told = Date.now();
      tell('typing');
    },
  };
}
