// Messages and chats on their way to the profile and back.

import { mediaDataOf } from './media.js';
import { MsgKey, wid } from './ids.js';
import * as profile from './profile.js';
import { showStatus } from './status.js';
import { chatRecord, Chats, Messages, Msg } from './stores.js';

const ID_FIELDS = ['from', 'to', 'author', 'quotedParticipant', 'revokeSender'];
const ID_LISTS = ['mentionedJidList', 'recipients', 'callParticipants'];
const KEY_FIELDS = ['id', 'latestEditMsgKey', 'protocolMessageKey'];

export function messageRecord(message) {
  const { mediaData, local, pollEncKey, messageSecret, waveform, ...attributes } = message.attributes;
  const record = JSON.parse(JSON.stringify({ ...attributes, isNewMsg: false }));
  for (const field of KEY_FIELDS) if (attributes[field]) record[field] = String(attributes[field]);
  const key = String(message.id);
  const pending = message.id.fromMe && message.ack === 0 ? 1 : undefined;
  return { ...record, key, chat: String(message.id.remote), row: rowOf(key), ...(pending && { pending }) };
}

// Times are whole seconds: the order within one is that of arrival, and is kept on disk with the row.
const rows = new Map();
let lastRow = 0;

export function rowOf(key) {
  if (!rows.has(key)) rows.set(key, ++lastRow);
  return rows.get(key);
}

export const save = (message, chats = []) => profile.store([messageRecord(message)], chats.map(chatRecord));

// A record as the page's own data. It may be changed and saved; it is in no collection.
export function revive({ key, row, chat, pending, ...record }) {
  rows.set(key, row);
  for (const field of ID_FIELDS) if (record[field]) record[field] = wid(record[field]);
  for (const field of ID_LISTS) if (record[field]) record[field] = record[field].map(wid);
  for (const field of KEY_FIELDS) if (record[field]) record[field] = MsgKey.fromString(record[field]);
  const message = new Msg(record);
  if (message.directPath) message._assign({ mediaData: mediaDataOf(message) });
  return message;
}

// The message in memory, or a copy of what the disk has, or undefined.
export async function findMessage(id) {
  const known = Messages.get(id);
  if (known) return known;
  const [record] = await profile.messages([String(id)]);
  return record && revive(record);
}

// What is not stored yet.
export async function onlyNew(raws) {
  const stored = await profile.storedKeys(raws.map(({ id }) => String(id)));
  return raws.filter(({ id }) => !stored.has(String(id)) && !Messages.get(id));
}

// Chats come back with their last message, without a single event; the rest stays on disk until
// somebody looks for it. Status posts, and what is still to be sent, are all there.
export async function restoreHistory() {
  lastRow = await profile.lastRow();
  for (const { id, ...record } of await profile.allChats()) Chats.add({ ...record, id: wid(id) }, { silent: true });
  const last = await profile.lastOf(Chats.map(({ id }) => String(id)));
  const pending = await profile.pendingMessages();
  const posts = await profile.messagesOf('status@broadcast');
  // what is still to be sent goes first: in the order in which it was written, the last one too
  for (const record of [...pending, ...last, ...posts]) if (record) Messages.add(revive(record), { silent: true });
  for (const record of last) if (record) showLast(Messages.get(record.key));
  for (const { key } of posts) showStatus(Messages.get(key), { silent: true });
  Chats.sort();
}

// After a message is gone: the chat ends with the one before it.
export async function showNewest(chat) {
  const [last] = await profile.lastOf([String(chat.id)]);
  if (last && chat.msgs.length === 0) chat.msgs.add(Messages.add(Messages.get(last.key) ?? revive(last)));
  chat.set('lastReceivedKey', chat.msgs.last()?.id);
}

function showLast(message) {
  const chat = Chats.get(message.id.remote);
  chat.msgs.add(message, { silent: true });
  chat._assign({ lastReceivedKey: message.id, t: message.t });
}
