// The settings of chats and the list of the blocked, changed by the client or by the phone.

import { chatIdOf, otherIdOf } from './account.js';
import { BaseModel, Collection, defineModel } from './core.js';
import { Contacts } from './contacts.js';
import { wid } from './ids.js';
import { operation } from './link.js';
import * as profile from './profile.js';
import { define } from './runtime.js';
import { chatRecord, Chats } from './stores.js';

const now = () => Math.floor(Date.now() / 1000);

// ---- settings ----

async function change(chat, settings, shown) {
  await operation('chat_set', { chat: String(chat.id), ...settings });
  show(chat, shown);
}

function show(chat, shown) {
  chat.set(shown);
  if ('muteExpiration' in shown) chat.mute.set({ expiration: shown.muteExpiration });
  profile.store([], [chatRecord(chat)]);
}

// How the phone has a chat; what is unread follows from the messages.
export function chatIsSet({ id, archived, pinned, muted_until }, more = {}) {
  const chat = Chats.get(wid(id));
  const shown = { archive: archived, pin: pinned, muteExpiration: muted_until, ...more };
  if (chat && Object.keys(shown).some((name) => (chat[name] || 0) !== (shown[name] || 0))) show(chat, shown);
}

// The phone, or another device, has changed a chat.
export const chatSet = (view) => chatIsSet(view, { unreadCount: view.unread });

export class Mute extends BaseModel {
  get isMuted() {
    return this.__x_expiration !== undefined && this.__x_expiration !== 0;
  }

  canMute() {
    return true;
  }

  async mute({ expiration }) {
    await change(Chats.get(this.id), { muted_until: expiration }, { muteExpiration: expiration });
    return expiration;
  }

  async unmute() {
    await this.mute({ expiration: 0 });
  }
}
defineModel(Mute, { proxyName: 'mute', props: ['id', 'expiration'] });

export const archiveChat = (chat, archived) => change(chat, { archived }, { archive: archived });
export const pinChat = (chat, pinned) => change(chat, { pinned }, { pin: pinned ? now() : 0 });

async function sendSeen(first) {
  const chat = first.chat ?? first;   // newer builds take {chat}, older ones the chat
  if (!chat.unreadCount) return;
  const last = chat.msgs.filter((message) => !message.id.fromMe).at(-1);
  seen.set(String(chat.id), { last: last?.id.id ?? null });
  await keepSeen();
  show(chat, { unreadCount: 0 });
  await tellSeen();
}

// What has been read here and the far end does not know yet: told until it does, by the next document
// if need be.
let seen = new Map();   // chat -> {last}, the last message that was read
const SEEN_RETRY_MS = 300;

const keepSeen = () => profile.setValue('seen', [...seen], 'relaxed');

export async function tellSeen() {
  for (const [chat, one] of [...seen]) {
    try {
      await operation('seen', { chat, last: one.last });
      if (seen.get(chat) === one) seen.delete(chat);   // not what was read meanwhile
    } catch {
      setTimeout(tellSeen, SEEN_RETRY_MS);
      return;
    }
  }
  await keepSeen();
}

// Before a client can read anything: what it reads is added to this.
export async function restoreSeen() {
  seen = new Map(await profile.getValue('seen'));
}

async function markUnread(chat, unread) {
  if (!unread) return sendSeen(chat);
  if (!chat.unreadCount) await change(chat, { unread: true }, { unreadCount: -1 });
}

// ---- blocked ----

class Blocklist extends BaseModel {}
defineModel(Blocklist, { proxyName: 'blocklist', props: ['id'] });
class BlocklistCollectionImpl extends Collection {}
BlocklistCollectionImpl.model = Blocklist;
const blocked = new BlocklistCollectionImpl();

export function showBlocklist({ ids }) {
  const gone = blocked.filter(({ id }) => !ids.includes(String(id)));
  blocked.remove(gone);
  blocked.add(ids.map((id) => ({ id: wid(id) })));
  for (const { id } of gone) mark(id, false);
  for (const id of ids) mark(wid(id), true);
  blocked.sort();
}

function mark(id, isContactBlocked) {
  for (const one of [id, otherIdOf(id)]) Contacts.get(one)?.set({ isContactBlocked });
}

const setBlocked = (value) => async (first) => {
  const { id } = first.contact ?? first;
  await operation('block', { jid: String(id), blocked: value });
  const ids = blocked.map((entry) => String(entry.id));
  const known = [id, otherIdOf(id)].map(String);
  const others = ids.filter((one) => !known.includes(one));
  showBlocklist({ ids: value ? [...others, String(chatIdOf(id))] : others });
};

define('WAWebBlocklistCollection', () => ({ BlocklistCollectionImpl, BlocklistCollection: blocked, Blocklist }));
define('WAWebBlockContactAction', () => ({ blockContact: setBlocked(true), unblockContact: setBlocked(false) }));
define('WAWebMuteModel', () => ({ Mute }));
define('WAWebSetPinChatAction', () => ({ setPin: pinChat }));
define('WAWebSetArchiveChatAction', () => ({ setArchive: archiveChat }));
define('WAWebUpdateUnreadChatAction', () => ({ sendSeen, markUnread }));
