// What happens to messages: they arrive, and they change.

import { meIn } from './account.js';
import { dropAddons, showReaction, showVote } from './addons.js';
import { meet } from './contacts.js';
import { findMessage, messageRecord, onlyNew, save, showNewest } from './disk.js';
import { groupChanged } from './groups.js';
import { MsgKey, wid } from './ids.js';
import { contentOf, EMPTY } from './kinds.js';
import { operation } from './link.js';
import { mediaDataOf } from './media.js';
import * as profile from './profile.js';
import { own } from './runtime.js';
import { receiveStatus, showStatus } from './status.js';
import { chatRecord, Chats, expect, isShown, Messages, Msg, withMore } from './stores.js';

// ---- chats ----

export function ensureChat(id, name) {
  const known = Chats.get(id);
  if (known) return known;
  const chat = Chats.add({ id, name, unreadCount: 0, t: 0, endOfHistoryTransferType: 0 });
  profile.store([], [chatRecord(chat)]);
  return chat;
}

// ---- arriving ----

export function keyOf({ id, from_me, chat, author }) {
  return new MsgKey({ fromMe: from_me, remote: wid(chat), id, participant: author ? wid(author) : undefined });
}

function quoted({ quoted: original }) {
  if (!original) return {};
  return {
    quotedStanzaID: original.id,
    quotedParticipant: original.author ? wid(original.author) : undefined,
    quotedMsg: { type: original.type, body: original.text },
  };
}

// The far end's view of a message -> the raw data the page's own machinery works with.
export function rawOf(view) {
  const id = keyOf(view);
  const me = meIn(id.remote);
  return {
    id,
    from: view.from_me ? me : id.remote,
    to: view.from_me ? id.remote : me,
    author: id.participant,
    t: view.t,
    ack: 1,
    notifyName: view.person.name,
    self: view.from_me ? 'out' : 'in',
    isNewMsg: true,
    ...contentOf(view),
    ...quoted(view),
  };
}

// Stored first, shown after: a page killed in between shows the message when it is loaded again, and
// no client hears of it by an event.
export async function receive(views) {
  for (const { peer, person } of views) for (const one of [person, peer]) if (one) meet(one);
  const raws = await onlyNew(views.map(rawOf));
  expect(raws.filter(isUnread));
  try {
    await profile.store(raws.map((raw) => messageRecord(new Msg(raw))), chatsOf(raws));
    for (const raw of raws) {
      if (raw.id.remote.isStatus()) await receiveStatus(raw);
      else await Messages.processMultipleMessages(raw.id.remote, [raw], {});
    }
  } finally {
    expect([]);
  }
  await profile.store([], chatsOf(raws));
}

const isUnread = ({ id, type }) => !id.fromMe && type !== 'gp2';

// The records of the chats these are in; one that is not there yet begins with them.
function chatsOf(raws) {
  const ids = new Set(raws.filter(({ id }) => !id.remote.isStatus()).map(({ id }) => String(id.remote)));
  return [...ids].map((id) => chatRecord(Chats.get(id) ?? { id, unreadCount: 0, endOfHistoryTransferType: 0 }));
}

// Called by the message collection for each raw message, a peer's revoke included.
export async function receiveRaw(raw) {
  if (raw.type === 'protocol') {
    const message = await findMessage(raw.protocolMessageKey);
    if (message) await applyRevoke(message, raw.author, raw.t);
    return message;
  }
  const known = Messages.get(raw.id);
  if (known) return known;
  const message = new Msg(raw);
  if (message.directPath) message._assign({ mediaData: mediaDataOf(message) });
  if (message.id.remote.isStatus()) {
    Messages.add(message);
    showStatus(message);
    return message;
  }
  const chat = ensureChat(message.id.remote);
  show(message, chat);
  if (isUnread(message)) {
    isShown(message);
    chat.set('unreadCount', withMore(chat.unreadCount, 1));
  }
  return message;
}

export function show(message, chat) {
  Messages.add(message);
  if (chat.msgs.get(message.id)) return;
  chat.msgs.add(message);
  showLast(chat);
}

function showLast(chat) {
  const last = chat.msgs.last();   // not the newest to come, if that came late
  chat.set({ t: last.t, lastReceivedKey: last.id });
  Chats.reorder(chat);
}

// The far end has given one of ours its time: its place in the chat may be another.
export function setTime(message, t) {
  if (message.t === t) return;
  message.set({ t });
  const { chat } = message;
  if (chat?.msgs.get(message.id)) chat.msgs.reorder(message);
  // sent only after a restart it was among the older ones on disk, and is now among those shown
  else if (chat?.msgs.length > 0 && t >= Math.min(...chat.msgs.map((m) => m.t))) chat.msgs.add(message);
  else return;
  showLast(chat);
}

// ---- changing ----

let edits = 0;

// An edit has a key of its own.
function applyEdit(message, text, t, key) {
  const { id, remote, fromMe, participant } = message.id;
  const field = message.type === 'chat' ? 'body' : 'caption';
  message.set({
    [field]: text,
    latestEditMsgKey: key ?? new MsgKey({ remote, fromMe, participant, id: `${id}E${++edits}` }),
    latestEditSenderTimestampMs: t * 1000,
  });
  return save(message);
}

async function applyRevoke(message, sender, t) {
  message.set({ ...EMPTY, type: 'revoked', revokeSender: sender, revokeTimestamp: t, hasReaction: false });
  await save(message);
  await dropAddons(message);
}

async function change(op, message, more = {}) {
  const { error, t } = await operation(op, { chat: String(message.id.remote), id: message.id.id, ...more });
  if (error) throw Object.assign(new Error(error), { refused: error });
  return t;
}

export async function editByMe(message, text, key) {
  const t = await change('edit', message, { text });
  await applyEdit(message, text, t, key);
}

export async function revokeByMe(message) {
  const t = await change('revoke', message);
  await applyRevoke(message, meIn(message.id.remote), t);
}

export async function reactByMe(message, emoji) {
  try {
    const t = await change('react', message, { emoji });
    await showReaction(message, { emoji, t, by_me: true, sender: meIn(message.id.remote) });
    return { messageSendResult: 'OK' };
  } catch (error) {
    if (error.refused) return { messageSendResult: error.refused };
    throw error;
  }
}

// An audio of somebody else has been heard, or what may be seen once has been seen.
export async function playedByMe(message) {
  await change('played', message);
  message.set('viewed', true);
  message.updateAck(4);
  await save(message);
}

export async function removeMessage(message) {
  message.chat?.msgs.remove(message);
  Messages.remove(message);
  await profile.deleteMessage(String(message.id));
  if (message.chat) await showNewest(message.chat);
}

// ---- what the far end reports about known messages ----

const ACK_STRINGS = { 3: 'read', 4: 'played' };

export const reports = {
  // What came as a placeholder can be read now. Stored first, like all that arrives; if nobody has the
  // placeholder in memory it is shown as a message that arrives.
  async fill(view) {
    const message = await findMessage(keyOf(view));
    if (!message) return receive([view]);
    if (message.type !== 'ciphertext') return undefined;
    const { id, isNewMsg, ack, ...content } = rawOf(view);
    if (content.directPath) content.mediaData = mediaDataOf(content);
    const filled = new Msg({ ...message.attributes, ...content, isNewMsg });
    await save(filled);
    if (Messages.get(id)) return message.set(content);
    return show(filled, ensureChat(id.remote));
  },

  async edit(view) {
    const message = await findMessage(keyOf(view));
    return message && applyEdit(message, view.text, view.t);
  },

  async revoke(view) {
    const message = await findMessage(keyOf(view));
    if (!message) return;
    const { remote, participant, fromMe } = message.id;
    const id = new MsgKey({ fromMe, remote, id: `${view.id}X`, participant });
    const { from, to } = message;
    const kind = { type: 'protocol', subtype: view.by_admin ? 'admin_revoke' : 'sender_revoke' };
    const raw = { ...kind, protocolMessageKey: message.id, id, from, to, author: wid(view.by), t: view.t, isNewMsg: true };
    await Messages.processMultipleMessages(remote, [raw], {});
  },

  async reaction(view) {
    const message = await findMessage(keyOf(view));
    return message && showReaction(message, view);
  },

  async vote(view) {
    const message = await findMessage(keyOf(view));
    return message && showVote(message, view);
  },

  receipt({ id, chat, ack, t, sent_t, participant }) {
    const from = wid(chat);
    const kind = from.isStatus() ? 'Status' : from.isGroup() ? 'Group' : 'Chat';
    return own(`WAWebHandle${kind}Receipt`)[`handle${kind}SimpleReceipt`]({
      type: ACK_STRINGS[ack] ?? 'delivery',
      stanzaId: id,
      externalIds: [id],
      from,
      participant: participant ? wid(participant) : null,
      recipient: null,
      ts: t,
      sentTs: sent_t,
      ack,
      ackString: ACK_STRINGS[ack] ?? null,
      offline: null,
    });
  },

  read_self({ chat, unread }) {
    const known = Chats.get(wid(chat));
    known?.set('unreadCount', unread);
    return known && profile.store([], [chatRecord(known)]);
  },

  async group_change(change) {
    await groupChanged(change);
    await receive([change.notice]);
  },
};
