// The list of chats: those of all sessions that the key sees, filtered by the server, recent first,
// loaded page by page. Events move single rows; a gap loads the list again.
import { computed, signal } from '@preact/signals';
import { get, of, patch } from '../../core/api.js';
import { me, tenant } from '../../core/auth.js';
import { keyOf, sameChat } from './names.js';

const PAGE = 100;
const PINNED_MOST = 200;
export const sessions = signal([]);
// Names of sessions that were deleted while we looked, or are not there: nothing comes or goes in their chats.
export const gone = signal(new Set());
export function sessionGone(name) {
  sessions.value = sessions.value.filter((s) => s.id !== name);
  gone.value = new Set(gone.value).add(name);
  list.value = { ...list.value, rows: new Map([...list.value.rows].filter(([, chat]) => chat.session !== name)) };
}
export function sessionBack(name) {
  const others = new Set(gone.value);
  if (others.delete(name)) gone.value = others;
}
// Tags, people and numbers that the filters offer; null until they are known
export const facets = signal(null);
export const assignees = computed(() => (facets.value?.assignees || []).map((one) => one.assignee).filter(Boolean));
// {session, state, unread, assignee, tag, archived}; the archive is a list of its own
export const filters = signal({});
// rows: Map of key → chat (with its session); more: the cursor of the next page, null at the end;
// archived: whether it is the archive's
const EMPTY = { rows: new Map(), more: null, error: null, loading: true, first: true, archived: false };
export const list = signal(EMPTY);
// The chat that is shown beside the list; it stays in the list whatever the filters say.
export const openChat = signal(null);
// The newest that is known of one chat, or what of it was changed here: for who shows chats of their own
export const latest = signal(null);
export const myself = () => me.value?.name || me.value?.id || '';

const at = (chat) => chat.last_message?.timestamp || '';
const before = (a, b) => b.pinned - a.pinned || (at(a) < at(b) ? 1 : at(a) > at(b) ? -1 : 0);
// Of what was put into the archive, or taken out, the row goes at once: it may come back when that is refused.
export const chats = computed(() => [...list.value.rows.values()].filter((chat) => Boolean(chat.archived) === list.value.archived).sort(before));

export async function loadSessions() {
  const was = sessions.value;
  const page = await get(of`/sessions`, { limit: 500 });
  if (sessions.value !== was) return loadSessions();   // told something meanwhile: the answer may be older
  sessions.value = page.items;
  return undefined;
}

export async function loadFacets() {
  facets.value = await get(of`/chats/facets`);
}

const query = (f) => ({ session: f.session, state: f.state, unread: f.unread ? 'true' : undefined, assignee: f.assignee, tag: f.tag, archived: f.archived ? 'true' : 'false' });
let round = 0, aborter = null;
let early = null;   // chats told while the list loads: its answer may be older

async function page(cursor, more = {}) {
  const { items, next_cursor } = await get(of`/chats`, { ...query(filters.value), limit: PAGE, cursor, ...more }, { signal: aborter?.signal });
  return { items, next: next_cursor };
}
const put = (rows, items) => {
  for (const chat of items) rows.set(keyOf(chat.session, chat.id), chat);
};

// From the beginning. Old rows stay in sight until the new ones are here.
export async function loadChats({ keep = false } = {}) {
  const mine = ++round;
  aborter?.abort();
  aborter = new AbortController();
  early = [];
  const { first, rows: shown, archived: was } = list.value;
  const archived = Boolean(filters.value.archived);
  list.value = keep ? { ...list.value, loading: true } : { ...EMPTY, rows: first ? new Map() : shown, archived: was };
  const wanted = keep ? Math.max(PAGE, list.value.rows.size) : PAGE;
  try {
    const rows = new Map();
    put(rows, (await page(undefined, { pinned: 'true', limit: PINNED_MOST })).items);
    let next;
    do {
      const got = await page(next);
      put(rows, got.items);
      next = got.next;
    } while (next && rows.size < wanted && mine === round);
    if (mine !== round) return;
    if (openChat.value && keep && list.value.rows.has(keyOf(openChat.value.session, openChat.value.id))) put(rows, [fresh(rows, openChat.value)]);
    list.value = { rows, more: next, error: null, loading: false, first: false, archived };
    const told = early;
    early = null;
    for (const [session, chat, change] of told) (change ? changeChat : putChat)(session, chat, change);
  } catch (error) {
    if (mine !== round || error.name === 'AbortError') return;
    early = null;
    list.value = { ...list.value, error, loading: false };
  }
}
const fresh = (rows, chat) => rows.get(keyOf(chat.session, chat.id)) || chat;

export async function loadMoreChats() {
  const { more, loading } = list.value;
  if (!more || loading) return;
  const mine = round;
  list.value = { ...list.value, loading: true };
  try {
    const got = await page(more);
    if (mine !== round) return;
    const rows = new Map(list.value.rows);
    for (const chat of got.items) if (!rows.has(keyOf(chat.session, chat.id))) put(rows, [chat]);
    list.value = { ...list.value, rows, more: got.next, loading: false, error: null };
  } catch (error) {
    if (mine === round && error.name !== 'AbortError') list.value = { ...list.value, error, loading: false };
  }
}

// Does the row belong to what is shown? The server says so for the pages, this for single events.
function fits(chat) {
  const f = filters.value;
  return Boolean(chat.archived) === Boolean(f.archived) && (!f.session || f.session.split(',').includes(chat.session)) && (!f.state || chat.state === f.state) &&
    (!f.unread || chat.unread_count !== 0) && (f.assignee === undefined || f.assignee === (chat.assignee || '')) &&
    (!f.tag || chat.tags?.includes(f.tag));
}
const isOpen = (chat) => openChat.value?.session === chat.session && sameChat(openChat.value, chat);

function find(session, chat) {
  const { rows } = list.value;
  const exact = rows.get(keyOf(session, chat.id));
  if (exact) return exact;
  for (const row of rows.values()) if (row.session === session && sameChat(row, chat)) return row;
  return null;
}

// A chat as the server has it now.
export function putChat(session, chat) {
  early?.push([session, chat]);
  const rows = new Map(list.value.rows);
  const old = find(session, chat);
  // an event's row says less of the last message than the list
  const known = old?.last_message?.id === chat.last_message?.id ? old?.last_message : null;
  const whole = { ...chat, session, last_message: chat.last_message && { ...known, ...chat.last_message } };
  // its place is kept: of chats that spoke in the same second the server's order stays
  if (old && old.id !== chat.id) rows.delete(keyOf(session, old.id));
  const inReach = old || !list.value.more || chat.pinned || [...rows.values()].some((row) => at(row) < at(chat));
  if ((fits(whole) && inReach) || (old && isOpen(whole))) rows.set(keyOf(session, chat.id), whole);
  else rows.delete(keyOf(session, chat.id));
  if (isOpen(whole)) openChat.value = whole;
  latest.value = whole;
  list.value = { ...list.value, rows };
}

// Part of a chat changed here, before the server says so.
export function changeChat(session, chat, change) {
  early?.push([session, chat, change]);
  latest.value = { id: chat.id, session, ...change };
  const old = find(session, chat);
  if (old) {
    const rows = new Map(list.value.rows);
    rows.set(keyOf(session, old.id), { ...old, ...change });
    list.value = { ...list.value, rows };
  }
  if (openChat.value?.session === session && sameChat(openChat.value, chat)) openChat.value = { ...openChat.value, ...change };
}

// PATCHes a chat: shown at once, taken back when it is refused. Throws the Problem.
export async function patchChat(session, chat, body) {
  const { value: here } = tenant;   // another tenant's page may have a session and a chat of the same names
  const was = Object.fromEntries(Object.keys(body).map((name) => [name === 'unread' ? 'unread_count' : name, chat[name === 'unread' ? 'unread_count' : name]]));
  const { unread, ...rest } = body;
  changeChat(session, chat, unread === undefined ? rest : { ...rest, unread_count: unread ? -1 : 0 });
  try {
    const now = await patch(of`/sessions/${session}/chats/${chat.id}`, body);
    if (here === tenant.value) putChat(session, now);
  } catch (error) {
    if (here === tenant.value) changeChat(session, chat, was);
    throw error;
  }
}

// ---- asking for one chat again: its numbers of unread messages are counted by the server
const asked = new Map();   // key → timer
const ASK_MS = 800;
let ender = new AbortController();   // of those that are on their way
export function askChat(session, chat) {
  const key = keyOf(session, chat.id);
  if (asked.has(key)) return;
  asked.set(key, setTimeout(async () => {
    asked.delete(key);
    const was = find(session, chat);
    try {
      const now = await get(of`/sessions/${session}/chats/${chat.id}`, {}, { signal: ender.signal });
      if (find(session, chat) === was) putChat(session, now);
      else askChat(session, chat);   // it changed meanwhile: the answer may be older
    } catch (error) {
      if (error.status !== 404 && error.name !== 'AbortError') console.debug('chat', error);   // the next event asks again
    }
  }, ASK_MS));
}

// A message came, went out or moved on: the row's last line.
export function previewMessage(session, message) {
  const row = find(session, message.chat);
  const isLast = row?.last_message?.id === message.id;
  const last = { id: message.id, direction: message.direction, type: message.type, text: message.text, status: message.status, timestamp: message.timestamp, from: message.from };
  if (row && isLast) return changeChat(session, row, { last_message: { ...row.last_message, ...last } });
  if (row && at(row) > message.timestamp) return undefined;
  if (row) changeChat(session, row, { last_message: last, ...(message.direction === 'in' && message.type !== 'system' ? { unread_count: Math.max(0, row.unread_count) + 1, state: 'open' } : {}) });
  return askChat(session, message.chat);
}

export function stopChats() {
  for (const timer of asked.values()) clearTimeout(timer);
  asked.clear();
  ender.abort();
  ender = new AbortController();
  aborter?.abort();
  round++;
  early = null;
  gone.value = new Set();
  list.value = EMPTY;
  openChat.value = null;
}
