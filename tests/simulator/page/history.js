// What lies on the disk and not in memory: clients page through it, look things up in it, and have
// the phone send what is not even there. Histories that arrive go to the disk too, and say nothing.

import { recall } from './addons.js';
import { meet } from './contacts.js';
import { messageRecord, findMessage, onlyNew, revive, rowOf } from './disk.js';
import { wid } from './ids.js';
import { EMPTY } from './kinds.js';
import { operation } from './link.js';
import { keyOf, rawOf } from './messages.js';
import * as profile from './profile.js';
import { define, own } from './runtime.js';
import { chatRecord, Chats, ChatMsgsCollection, Messages, Msg } from './stores.js';

const LOADED_AT_ONCE = 50;
const AROUND = 10;
const HISTORY_SYNC_ON_DEMAND = 3;
const MORE_ON_PHONE = 0;
const NO_MORE = 1;

const asData = (record) => (Messages.get(record.key) ?? revive(record)).attributes;

const placeOf = ({ id, t }) => ({ chat: String(id.remote), t, row: rowOf(String(id)) });

// ---- paging ----

async function findByDirection({ anchor, count, direction }) {
  const message = await findMessage(anchor);
  if (!message) return { messages: [] };
  const records = await profile.beside(placeOf(message), direction, count);
  return { messages: records.map(asData) };
}

const lastOnes = (records, count) => (count === Infinity ? records : records.slice(-count));

async function findMedia({ chat, count }) {
  const records = (await profile.messagesOf(String(chat))).filter(({ directPath }) => directPath);
  return { messages: lastOnes(records, count).map(asData) };
}

async function findCalls({ anchor, count }) {
  const records = (await profile.messagesOf(String(anchor.remote))).filter(({ type }) => type === 'call_log');
  return lastOnes(records, count).map(asData);
}

// The next older ones come into memory. -> their models, none when the disk has no more
export async function loadEarlier(chat) {
  const oldest = chat.msgs.head();
  if (!oldest) return [];
  const records = await profile.beside(placeOf(oldest), 'before', LOADED_AT_ONCE);
  return records.map((record) => {
    const message = Messages.add(Messages.get(record.key) ?? revive(record));
    return chat.msgs.add(message);
  });
}

// One message and what is around it, in a collection of their own.
function searchContext({ chat, msgKey }) {
  const key = String(msgKey?.id && !msgKey.isId ? msgKey.id : msgKey);
  const collection = new ChatMsgsCollection(null, { parent: chat });
  const load = async () => {
    const message = await findMessage(key);
    if (!message) return;
    const place = placeOf(message);
    const before = await profile.beside(place, 'before', AROUND);
    const after = await profile.beside(place, 'after', AROUND);
    const others = [...before, ...after].map((record) => Messages.get(record.key) ?? revive(record));
    for (const one of [message, ...others]) collection.add(Messages.add(one));
  };
  return { collection: Object.assign(collection, { loadAroundPromise: load() }), key: msgKey };
}

// ---- arriving ----

function historicOf(view) {
  const gone = view.revoked ? { ...EMPTY, type: 'revoked' } : {};
  const changed = {
    ...(view.reactions.length > 0 && { hasReaction: true }),
    ...(view.edited && { latestEditMsgKey: keyOf(view), latestEditSenderTimestampMs: view.t * 1000 }),
  };
  return { ...rawOf(view), ...changed, isNewMsg: false, ack: view.ack, ...gone };
}

// What a phone gives all at once: at linking, in bulk, or when it was asked for it.
export async function takeHistory({ chats }) {
  const raws = await onlyNew(chats.flatMap(({ messages }) => messages.map(historicOf)));
  const newest = new Map(raws.map((raw) => [String(raw.id.remote), raw]));
  const shown = chats.map((item) => {
    if (item.person) meet(item.person);
    const chat = Chats.get(wid(item.id)) ?? Chats.add({ id: wid(item.id), unreadCount: 0, t: 0 });
    if (!item.on_demand) showChat(chat, item, newest.get(item.id));
    chat.set('endOfHistoryTransferType', item.on_demand && !item.more ? NO_MORE : MORE_ON_PHONE);
    return chat;
  });
  await profile.store(raws.map((raw) => messageRecord(new Msg(raw))), shown.map(chatRecord));
  for (const view of chats.flatMap(({ messages }) => messages)) {
    await recall(keyOf(view), view);
  }
  own('WAWebCmd').Cmd.onHistorySyncChunkProcessed(shown.map(({ id }) => id));
}

function showChat(chat, { unread, archived, pinned, muted_until }, last) {
  if (last && chat.msgs.length === 0) {
    const message = Messages.add(new Msg(last));
    chat.msgs.add(message);
    chat.set({ t: message.t, lastReceivedKey: message.id });
    Chats.reorder(chat);
  }
  chat.set({ unreadCount: unread, archive: archived, pin: pinned, muteExpiration: muted_until });
  chat.mute.set({ expiration: muted_until });
}

// ---- asking the phone ----

// Resolves when the phone has been asked: its answer comes later, as a history.
async function sendPeerDataOperationRequest(type, { chatId }) {
  if (type !== HISTORY_SYNC_ON_DEMAND) return;
  const first = await profile.firstOf(String(chatId));
  const oldest = first ? { id: revive(first).id.id, t: first.t } : null;
  await operation('history_request', { chat: String(chatId), oldest });
}

define('WAWebSendNonMessageDataRequest', () => ({ sendPeerDataOperationRequest }));
define('WAWebChatMessageSearch', () => ({ getSearchContext: (query) => searchContext(query) }));
define('WAWebChatLoadMessages', () => ({ loadEarlierMsgs: (first) => loadEarlier(first.chat ?? first) }));
define('WAWebDBMessageFindLocal', () => ({
  msgFindByDirection: findByDirection,
  msgFindBefore: (query) => findByDirection({ ...query, direction: 'before' }),
  msgFindAfter: (query) => findByDirection({ ...query, direction: 'after' }),
}));
define('WAWebDBMessageFindMedia', () => ({ msgFindMedia: findMedia }));
define('WAWebDBMessageFindCallLog', () => ({ msgFindCallLog: findCalls }));
