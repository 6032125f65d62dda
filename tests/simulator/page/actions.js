// What a client asks the page to do: find a chat, send, edit, react, mark read, search.

import { chatIdOf, meIn, otherIdOf } from './account.js';
import { queryPerson } from './contacts.js';
import { Groups } from './groups.js';
import { MsgKey } from './ids.js';
import { CONTENT_NAMES } from './kinds.js';
import { operation } from './link.js';
import { editByMe, ensureChat, playedByMe, reactByMe } from './messages.js';
import { sendOut } from './outgoing.js';
import { define } from './runtime.js';
import { Chats, Messages } from './stores.js';

const EDIT_WINDOW_S = 900;
const now = () => Math.floor(Date.now() / 1000);

async function findOrCreateLatestChat(id) {
  const known = Chats.get(id) ?? Chats.get(chatIdOf(id)) ?? Chats.get(otherIdOf(id));
  if (known) return { chat: known, created: false };
  if (id.isGroup()) {
    if (!Groups.get(id)) throw new Error('group not found');
  } else if (id.isUser()) {
    if (!(await queryPerson(id))) throw new Error('No LID for user');
  }
  return { chat: ensureChat(chatIdOf(id)), created: true };
}

// Somebody's message once more, as one of ours. A file stays where it is.
async function forward(message, chat, { caption = true } = {}) {
  const me = meIn(chat.id);
  const content = Object.fromEntries(CONTENT_NAMES.map((name) => [name, message[name]]));
  const [, sent] = sendOut(chat, {
    ...content,
    type: message.type,
    caption: caption ? message.caption : undefined,
    id: new MsgKey({ fromMe: true, remote: chat.id, id: await MsgKey.newId(), participant: chat.id.isGroup() ? me : undefined }),
    from: me,
    to: chat.id,
    t: now(),
    self: 'out',
    isNewMsg: true,
    isForwarded: true,
    forwardingScore: (message.forwardingScore ?? 0) + 1,
  });
  return sent;
}

async function forwardMessages({ chat, msgs, includeCaption }) {
  const results = [];
  for (const message of msgs) results.push(await forward(message, chat, { caption: includeCaption !== false }));
  return results;
}

async function forwardMessagesToChats(messages, chats, includeCaption) {
  for (const chat of chats) await forwardMessages({ chat, msgs: messages, includeCaption });
  return true;
}

async function getLinkPreview({ url }) {
  const data = await operation('link_preview', { url }).catch(() => null);
  return data && { url, data: { ...data, richPreviewType: 0 } };
}

const canMarkPlayed = ({ id, type, isViewOnce }) => !id.fromMe && (type === 'ptt' || type === 'audio' || isViewOnce === true);

const findLinks = (text) =>
  Array.from(String(text ?? '').matchAll(/https?:\/\/\S+/g), ([href]) => ({ href, url: href, value: href }));
const findLink = (text) => findLinks(text)[0];

define('WAWebFindChatAction', () => ({
  findOrCreateLatestChat,
  findExistingChat: async (id) => Chats.get(chatIdOf(id)),
}));
define('WAWebSendMsgChatAction', () => ({ addAndSendMsgToChat: (chat, data) => sendOut(chat, data) }));
define('WAWebSendTextMsgChatAction', () => ({ sendTextMsgToChat: async () => {}, createTextMsgData: () => ({}) }));
define('WAWebGetEphemeralFieldsMsgActionsUtils', () => ({ getEphemeralFields: () => ({}) }));
define('WAWebSendMessageEditAction', () => ({
  addAndSendMessageEdit: (message, raw) => editByMe(message, raw.body ?? raw.caption, raw.id),
  sendMessageEdit: (message, text) => editByMe(message, text),
}));
define('WAWebMsgActionCapability', () => ({
  canEditText: ({ id, type, t }) => id.fromMe && type === 'chat' && now() - t < EDIT_WINDOW_S,
  canEditCaption: ({ id, type }) => id.fromMe && type !== 'chat',
  canSenderRevokeMsg: ({ id }) => id.fromMe,
  canAdminRevokeMsg: () => false,
}));
define('WAWebMsgReply', () => ({ canReplyMsg: () => true }));
define('WAWebQuotedMsgModelUtils', () => ({
  getQuotedMsgObj: ({ quotedStanzaID, id }) =>
    (quotedStanzaID && Messages.findFirst((m) => m.id.id === quotedStanzaID && m.id.remote.equals(id.remote))) || null,
}));
define('WAWebMarkPlayedAction', () => ({ markPlayed: playedByMe, canMarkPlayed }));
define('WAWebChatForwardMessage', () => ({ forwardMessages }));
define('WAWebForwardMessagesToChat', () => ({ forwardMessagesToChats }));
define('WAWebLinkPreviewChatAction', () => ({ getLinkPreview }));
define('WAWebSendReactionMsgAction', () => ({ sendReactionToMsg: reactByMe }));
define('WALinkify', () => ({ findLinks, findLink, findFirstWebLink: findLink }));
define('WATimeUtils', () => ({ unixTime: now, unixTimeMs: () => Date.now() }));
