// From messages to the rows of a thread: where a day begins, where the unread ones begin, and which
// bubbles belong together (one sender, within a minute).
const NEAR_MS = 60_000;
const days = new Map();   // an hour's text → its day here: Date is slow, and threads are long
function dayOf(timestamp) {
  const hour = timestamp.slice(0, 15);   // ten minutes: no zone's midnight lies inside
  let day = days.get(hour);
  if (!day) {
    if (days.size > 5000) days.clear();
    days.set(hour, (day = new Date(timestamp).toDateString()));
  }
  return day;
}
const sender = (m) => (m.direction === 'out' ? 'me' : m.from?.contact_id || m.from?.id || '');
const alone = (m) => m.type === 'system' || m.type === 'note';

// A row that says the same is the same object, so that its bubble is not drawn again.
const made = new WeakMap();
function rowOf(message, newDay, unread, first) {
  const old = made.get(message);
  if (old && old.newDay === newDay && old.unread === unread && old.first === first) return old;
  const row = { message, newDay, unread, first };
  made.set(message, row);
  return row;
}

export function rowsOf(messages, unreadFrom) {
  let before = null;
  return messages.map((message) => {
    const newDay = !before || dayOf(before.timestamp) !== dayOf(message.timestamp);
    const unread = message.id === unreadFrom;
    const near = before && !newDay && !unread && !alone(before) && !alone(message) && sender(before) === sender(message) &&
      Date.parse(message.timestamp) - Date.parse(before.timestamp) < NEAR_MS;
    before = message;
    return rowOf(message, newDay, unread, !near);
  });
}
// A guess at a row's height, so that the scrollbar is nearly right before rows were ever measured.
export function guess({ message: m, newDay, unread, first }) {
  const lines = Math.min(16, Math.ceil((m.text?.length || 0) / 52));
  const file = m.type === 'image' || m.type === 'video' ? 240 : m.type === 'sticker' ? 165 : m.media ? 64 : m.poll ? 60 + m.poll.options.length * 40 : m.location ? 150 : 0;
  return (m.type === 'system' ? 34 : 19 + lines * 21 + file) + (first ? 8 : 2) + (newDay ? 46 : 0) + (unread ? 44 : 0) + (m.reactions?.length ? 18 : 0) + (m.quoted ? 52 : 0);
}
