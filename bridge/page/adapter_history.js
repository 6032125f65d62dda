// Part of the injected adapter: what came while nobody listened. The chats in short first, mostly
// from memory; then, of those that changed, the messages. Nothing here waits for the network, but
// for history that is asked of the phone.

const REV_MESSAGES = 64;                 // the newest ones of a chat that its fingerprint covers …
const REV_WINDOW_MS = 60 * 3_600_000;    // … unless they are this much older than the last one
const DEEP_CHATS = 200;                  // the most recent ones, whose fingerprint may need the disk
const PAGE_CHARS = 400_000;
const LOAD = 100;
const CHAT_MAX = 50_000;                 // messages looked at in one chat
const PHONE_WAIT_MS = 20_000;            // for the phone to send older history
const PHONE_LOOK_MS = 200;
const HISTORY_ON_DEMAND = 3;             // the kind of request, as the page numbers them
const NO_MORE_ON_PHONE = 1;

const B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// ---- what a message looks like now, in short ----

// Who reacted how: in memory mostly, else on the page's disk.
async function reactionsMark(msg) {
  const key = String(msg.id);
  const known = quietly(() => WPP.whatsapp.ReactionsStore.get(key).reactions);
  let list = quietly(() => known.getModelsArray()) ?? (Array.isArray(known) ? known : null);
  if (!list && msg.hasReaction) {
    const stored = await WPP.whatsapp.functions.getReactions(key).catch(() => null);
    list = stored?.reactions;
  }
  return Array.from(list ?? [])
    .map((one) => `${one.aggregateEmoji ?? one.id}:${Array.from(one.senders ?? []).map((s) => `${s.senderUserJid}${s.reactionText}`).sort()}`)
    .sort()
    .join();
}

// Votes lie on the page's disk; polls are few.
async function votesMark(msg) {
  const known = await WPP.chat.getVotes(String(msg.id)).catch(() => null);
  return Array.from(known?.votes ?? [], (v) => `${v.sender}:${Array.from(v.selectedOptions ?? [], (o) => o?.localId)}`).sort().join();
}

async function look(msg) {
  const votes = msg.type === 'poll_creation' ? await votesMark(msg) : '';
  const body = msg.type === 'chat' ? text(msg.body) : text(msg.caption);
  return [
    keyParts(msg.id).id, msg.type, msg.id.fromMe ? ackOf(msg.ack) : '', body.length, body.slice(-8),
    msg.latestEditSenderTimestampMs ?? '', await reactionsMark(msg), votes,
  ].join('|');
}

// Two characters a message, newest first, each depending on all before it: two fingerprints that
// agree as far as the shorter one goes are of chats that look the same that far. (After a reload
// fewer messages are in memory.)
async function fingerprint(newest) {
  let state = 0x811c9dc5;
  let rev = '';
  for (const msg of newest) {
    const seen = await look(msg);
    for (let at = 0; at < seen.length; at += 1) state = Math.imul(state ^ seen.charCodeAt(at), 0x01000193);
    rev += B64[(state >>> 26) & 63] + B64[(state >>> 14) & 63];
  }
  return rev;
}

const byTime = (one, other) => one.t - other.t;
const reportable = (msg) => !HIDDEN.has(msg.type);
const lastTime = (chat) => Math.max(milliseconds(chat.t), milliseconds(quietly(() => chat.msgs.last().t)));

const covered = (list, at) => milliseconds(list[at].t) >= milliseconds(list[list.length - 1].t) - REV_WINDOW_MS;

// The newest messages, newest first; ties in an order that a reload does not change.
async function newestOf(chat, deep) {
  const enough = (list) => list.length >= REV_MESSAGES || (list.length > 0 && !covered(list, 0));
  const all = deep ? await load(chat, (list) => !enough(list)) : chat.msgs.getModelsArray();
  const list = [];
  for (let at = all.length - 1; at >= 0 && list.length < REV_MESSAGES; at -= 1) {
    if (!reportable(all[at])) continue;
    if (list.length > 0 && milliseconds(all[at].t) < milliseconds(list[0].t) - REV_WINDOW_MS) break;
    list.push(all[at]);
  }
  return list.sort((one, other) => other.t - one.t || (String(one.id) < String(other.id) ? -1 : 1));
}

function mutedUntil(chat) {
  const until = Number(quietly(() => chat.mute.expiration) ?? chat.muteExpiration ?? 0);
  if (until === -1) return 253402300799000;   // for ever: the last time we can write
  return milliseconds(until);
}

async function digest(chat, deep) {
  const newest = await newestOf(chat, deep);
  const last = newest[0];
  const id = jid(chat.id);
  return {
    chat: peer(id),
    last_id: last ? keyParts(last.id).id : '',
    last: last ? milliseconds(last.t) : lastTime(chat),
    unread: chatView(chat).unread,
    archived: chat.archive === true,
    pinned: !!chat.pin,
    muted_until: mutedUntil(chat),
    rev: await fingerprint(newest),
  };
}

let chatRun = null;   // {id, chats}: the chats as they were when the first page was asked for

async function digests({ limit, deep_since, cursor }) {
  need('history');
  let at = 0;
  if (!cursor) {
    const chats = WPP.whatsapp.ChatStore.getModelsArray().map((chat) => [lastTime(chat), chat]);
    chatRun = { id: `${instance}.${Date.now()}`, chats: chats.sort((one, other) => other[0] - one[0]).map(([, chat]) => chat) };
  } else {
    const [id, from] = cursor.split('#');
    if (chatRun?.id !== id) throw new Refusal('cursor_lost', 'the page was loaded again; start over');
    at = Number(from);
  }
  const chats = [];
  for (; at < chatRun.chats.length && chats.length < limit; at += 1) {
    const chat = chatRun.chats[at];
    const deep = deep_since > 0 && at < DEEP_CHATS && lastTime(chat) >= deep_since;
    const view = await digest(chat, deep).catch(() => null);
    if (view) chats.push(view);
  }
  return { chats, next: at < chatRun.chats.length ? `${chatRun.id}#${at}` : '' };
}

// ---- the messages of one chat ----

const rowOf = (msg, at) => ({ msg, at });   // `at` keeps the order of arrival within one second
const inOrder = (rows) => rows.sort((one, other) => byTime(one.msg, other.msg) || one.at - other.at).map(({ msg }) => msg);

// The newest messages, back as far as `more` wants; oldest first. The page's disk is walked from the
// newest on: memory has gaps. After a reload it holds the last message and, of older ones, those that
// were filled in or looked at since, and nothing of what lies between.
async function load(chat, more) {
  const memory = inOrder(chat.msgs.getModelsArray().map(rowOf));
  const missing = new Map(memory.map((msg) => [String(msg.id), msg]));
  const seen = new Set();
  const take = (msg) => {
    const key = String(msg.id);
    const known = missing.get(key) ?? msg;
    missing.delete(key);
    seen.add(key);
    return known;
  };
  let list = memory.slice(-1).map(take);
  let ended = false;
  while (!ended && list.length < CHAT_MAX && more(list)) {
    const options = { count: LOAD, direction: 'before' };
    if (list.length > 0) options.id = String(list[0].id);
    const earlier = await WPP.chat.getMessages(chat.id, options).catch(() => []);
    const fresh = earlier.filter((msg) => !seen.has(String(msg.id))).map(take);
    ended = fresh.length === 0;
    list = [...inOrder(fresh.map(rowOf)), ...list];
  }
  // Not on disk yet is what is newer than that; within one second, what came after it.
  const place = new Map(memory.map((msg, at) => [msg, at]));
  const newer = (msg) => msg.t > list[0].t || (msg.t === list[0].t && place.get(msg) > place.get(list[0]));
  const rest = [...missing.values()].filter((msg) => ended || newer(msg));
  return (rest.length > 0 ? inOrder([...list, ...rest].map(rowOf)) : list).filter(reportable);
}

// From `since` on; with `recent` also what the chat's fingerprint covers.
async function forward(chat, since, recent) {
  const bounds = (list) => {
    const newest = list.length > 0 ? milliseconds(list[list.length - 1].t) : 0;
    return recent ? { count: REV_MESSAGES, from: newest - REV_WINDOW_MS } : { count: 0, from: Infinity };
  };
  const wanted = (list, at) => {
    const { count: newest, from } = bounds(list);
    const t = milliseconds(list[at].t);
    return t >= since || (list.length - at <= newest && t >= from);
  };
  const list = await load(chat, (so_far) => so_far.length === 0 || wanted(so_far, 0));
  return list.filter((_, at) => wanted(list, at));
}

// ---- older ones, on demand ----

let reached = null;   // {chat, id, key}: the oldest message that was given, to go on from

async function keyBefore(chat, { before_id, before }) {
  if (!before_id) return quietly(() => String(chat.lastReceivedKey ?? chat.msgs.last().id));
  if (reached?.chat === chat && reached.id === before_id) return reached.key;
  const anchor = await message(chat, before_id);
  if (anchor) return String(anchor.id);
  const list = await load(chat, (so_far) => so_far.length === 0 || milliseconds(so_far[0].t) >= before);
  const next = list.find((msg) => keyParts(msg.id).id === before_id) ?? list.find((msg) => milliseconds(msg.t) >= before);
  return next && String(next.id);
}

// Up to `limit` messages from the page's disk right before that key, oldest first.
async function olderThan(chat, key, limit, since) {
  let list = [];
  while (key && list.length < limit && !(list.length > 0 && milliseconds(list[0].t) < since)) {
    const earlier = await WPP.chat.getMessages(chat.id, { id: key, direction: 'before', count: limit - list.length }).catch(() => []);
    const fresh = inOrder(earlier.filter((msg) => String(msg.id) !== key).map(rowOf));
    if (fresh.length === 0 || String(fresh[0].id) === key) break;
    key = String(fresh[0].id);
    list = [...fresh, ...list];
  }
  return { list, key };
}

// The phone sends what it has before the oldest message of the chat here; that comes as a history,
// by no event. -> the messages, [] when there are none
async function askPhone(chat, key, limit, since) {
  const request = quietly(() => WPP.loader.moduleRequire('WAWebSendNonMessageDataRequest').sendPeerDataOperationRequest);
  if (typeof request !== 'function' || chat.endOfHistoryTransferType === NO_MORE_ON_PHONE) return [];
  needLink();
  const end = Date.now() + PHONE_WAIT_MS;
  await request(HISTORY_ON_DEMAND, { chatId: chat.id });
  while (Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, PHONE_LOOK_MS));
    const { list } = await olderThan(chat, key, limit, since);
    if (list.length > 0 || chat.endOfHistoryTransferType === NO_MORE_ON_PHONE) return list;
  }
  throw new Refusal('phone_silent', 'the phone did not send older messages in time; is it online?');
}

// The `limit` messages right before an anchor (the newest ones when it is ''), not older than `since`.
async function backward(chat, args) {
  const { since = 0, limit, remote } = args;
  const start = await keyBefore(chat, args);
  let { list, key } = await olderThan(chat, start, limit, since);
  if (!args.before_id && start) {
    const newest = quietly(() => WPP.whatsapp.MsgStore.get(start));
    if (newest) list = [...list, newest];
  }
  const past = (msg) => milliseconds(msg.t) < since;
  while (remote && list.length < limit && !(list.length > 0 && past(list[0]))) {
    const more = await askPhone(chat, key, limit - list.length, since);
    if (more.length === 0) break;
    list = [...more, ...list];
    key = String(list[0].id);
  }
  const page = list.slice(-limit);
  if (page.length > 0) reached = { chat, id: keyParts(page[0].id).id, key: String(page[0].id) };
  const wanted = page.filter((msg) => !past(msg));
  return { page: wanted.filter(reportable), more: page.length === limit && wanted.length === page.length };
}

async function views(list, limit) {
  const messages = [];
  let size = 0;
  let at = 0;
  for (; at < list.length && messages.length < limit && size < PAGE_CHARS; at += 1) {
    const view = await projectNow(list[at]).catch(() => null);
    if (!view) continue;
    messages.push(view);
    size += JSON.stringify(view).length;
  }
  return { messages, at };
}

let reading = null;   // {id, list}: the chat being read; a page whose answer was lost is given again

async function history(args) {
  need('history');
  const { chat: address, since = 0, before_id, limit, cursor } = args;
  const other = address.endsWith('@lid') ? phoneOf(address) && `${phoneOf(address)}@c.us` : lidOf(address);
  const chat = localChat(address) ?? (other ? localChat(other) : undefined);
  if (!chat) throw new Refusal('chat_not_found', 'the page has no such chat');
  if (before_id !== undefined) {
    const { page, more } = await backward(chat, args);
    // Newest first, so that what is too much for one answer is the oldest of it.
    const { messages, at } = await views(page.reverse(), limit);
    return { messages: messages.reverse(), next: more || at < page.length ? 'more' : '' };
  }
  let from = 0;
  if (!cursor) {
    reading = { id: `${instance}.${Date.now()}`, list: await forward(chat, since, !!args.recent) };
  } else {
    const [id, place] = cursor.split('#');
    if (reading?.id !== id) throw new Refusal('cursor_lost', 'the page was loaded again; start over');
    from = Number(place);
  }
  const { messages, at } = await views(reading.list.slice(from), limit);
  const next = from + at;
  return { messages, next: next < reading.list.length ? `${reading.id}#${next}` : '' };
}

Object.assign(OPS, { digests, history });
