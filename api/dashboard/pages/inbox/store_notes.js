// Internal notes of the open chat, as they stand between its messages. Who may not read them, or a
// server that is away, costs the thread nothing: it is shown without them.
import { signal } from '@preact/signals';
import { get, of } from '../../core/api.js';

export const notes = signal([]);
let round = 0;
let early = null;   // told while they load: the answer may be older

export async function loadNotes(session, chat) {
  const mine = ++round;
  [notes.value, early] = [[], []];
  try {
    const page = await get(of`/sessions/${session}/chats/${chat}/notes`);
    if (mine !== round) return;
    const told = early;
    early = null;
    notes.value = page.items;
    told.forEach(putNote);
  } catch (error) {
    if (mine === round) early = null;
    console.debug('notes', error);
  }
}
export function putNote(told) {
  early?.push(told);
  const { action, note } = told;
  const others = notes.value.filter((n) => n.id !== note.id);
  notes.value = action === 'deleted' ? others : [...others, note].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
}
export function dropNotes() {
  round++;
  early = null;
  notes.value = [];
}

// The messages of a thread with its notes among them, as far as the thread is loaded.
export function withNotes(messages, list, { older, newer }) {
  const from = older ? messages[0]?.timestamp : '', to = newer ? messages.at(-1)?.timestamp : '9';
  const mine = list.filter((n) => n.created_at >= from && n.created_at <= to);
  if (mine.length === 0) return messages;
  const rows = mine.map(asRow);
  return [...messages, ...rows].sort((a, b) => (a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0));
}
const made = new WeakMap();   // the same object for the same note, so that its row is not drawn again
function asRow(note) {
  if (!made.has(note)) made.set(note, { id: `note:${note.id}`, type: 'note', text: note.text, timestamp: note.created_at, author: note.author_name || note.author });
  return made.get(note);
}
