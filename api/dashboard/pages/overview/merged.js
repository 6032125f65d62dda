// Messages of several sessions as one list, newest first: each session is read page by page, and a
// message is given out once no session can still have a newer one.
const PAGE = 50;

// read(session, cursor, signal) → {items, next_cursor}; `at` is what the last call gave as next_cursor.
export async function merged(sessions, read, at, signal) {
  const heads = at || sessions.map((session) => ({ session, cursor: '', items: [] }));
  const now = heads.map((head) => ({ ...head, items: [...head.items] }));
  const items = [];
  while (items.length < PAGE) {
    await Promise.all(now.filter((head) => head.items.length === 0 && head.cursor != null).map(async (head) => {
      const page = await read(head.session, head.cursor || undefined, signal);
      Object.assign(head, { items: page.items, cursor: page.next_cursor ?? null });
    }));
    if (now.some((head) => head.items.length === 0 && head.cursor != null)) break;   // a filter left a page empty: the next call goes on
    const newest = now.filter((head) => head.items.length > 0).sort((a, b) => b.items[0].timestamp.localeCompare(a.items[0].timestamp))[0];
    if (!newest) break;
    items.push(newest.items.shift());
  }
  const more = now.some((head) => head.items.length > 0 || head.cursor != null);
  return { items, next_cursor: more ? now : null };
}
