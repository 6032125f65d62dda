// Messages, chats, groups and their collections: what clients read and listen to.

import { isMe, meLid, mePhone } from './account.js';
import { Mute } from './chats.js';
import { BaseModel, Collection, defineModel } from './core.js';
import { Contacts, displayName } from './contacts.js';
import { findMessage, rowOf } from './disk.js';
import { Groups } from './groups.js';
import { loadEarlier } from './history.js';
import { mediaObjectOf, resolveMedia } from './media.js';
import { receiveRaw } from './messages.js';
import { define, defineDefault, own } from './runtime.js';

// ---- messages ----
// Clients evaluate these getters on the bare prototype, where there is no id yet.

export class Msg extends BaseModel {
  get chat() {
    return this.__x_id && Chats.get(this.__x_id.remote);
  }

  get sender() {
    if (!this.__x_id) return undefined;
    return this.__x_author ?? (this.__x_id.fromMe ? mePhone() : this.__x_from);
  }

  get senderObj() {
    if (!this.sender) return undefined;
    const contact = Contacts.gadd(this.sender);
    return { id: this.sender, isMe: isMe(this.sender), contact, pushname: contact.pushname, name: contact.name };
  }

  get isGroupMsg() {
    return !!this.__x_id?.remote.isGroup();
  }

  get isStatusV3() {
    return !!this.__x_id?.remote.isStatus();
  }

  get isSentByMe() {
    return !!this.__x_id?.fromMe;
  }

  get isMedia() {
    return !!(this.__x_directPath ?? this.__x_mediaData);
  }

  get mediaObject() {
    return this.__x_mediaData && mediaObjectOf(this.__x_filehash);
  }

  get rowId() {
    return this.__x_t;
  }

  // What a reply to this message carries.
  msgContextInfo() {
    const { type, body, caption, mimetype } = this;
    return {
      quotedMsg: { type, body, caption, mimetype },
      quotedStanzaID: this.id.id,
      quotedParticipant: this.sender,
      quotedRemoteJid: undefined,
    };
  }

  canReply() {
    return true;
  }

  updateAck(ack) {
    if (ack < 0 || ack > (this.ack ?? 0)) this.set('ack', ack);
  }

  downloadMedia() {
    return resolveMedia(this);
  }
}
defineModel(Msg, {
  proxyName: 'msg',
  session: ['mediaData', 'local'],
  props: [
    'id', 'from', 'to', 'author', 'body', 'type', 'subtype', 't', 'ack', 'self', 'isNewMsg', 'notifyName',
    'caption', 'mimetype', 'filename', 'size', 'filehash', 'encFilehash', 'mediaKey', 'mediaKeyTimestamp',
    'directPath', 'deprecatedMms3Url', 'width', 'height', 'duration', 'isGif', 'isViewOnce', 'quotedMsg',
    'quotedStanzaID', 'quotedParticipant', 'quotedRemoteJid', 'mentionedJidList', 'star', 'hasReaction',
    'isForwarded', 'forwardingScore', 'latestEditMsgKey', 'latestEditSenderTimestampMs', 'protocolMessageKey',
    'kind', 'local', 'mediaData', 'isEphemeral', 'isLive', 'revokeSender', 'revokeTimestamp', 'viewed', 'lat', 'lng',
    'loc', 'vcardList', 'nonJidMentions', 'pollSelectableOptionsCount', 'title', 'description', 'canonicalUrl',
    'matchedText', 'isVideoCall', 'callOutcome', 'callDuration', 'callParticipants', 'waveform', 'shareDuration',
    'vcardFormattedName', 'pollName', 'pollOptions',
  ],
});

class MsgCollectionImpl extends Collection {
  // All that arrives comes through here; clients wrap it on the collection.
  async processMultipleMessages(chatId, raws) {
    const shown = [];
    for (const raw of raws) shown.push(await receiveRaw(raw));
    return shown;
  }

  async getMessagesById(ids) {
    const found = await Promise.all(ids.map((id) => findMessage(id)));
    return { messages: found.filter(Boolean) };
  }
}
MsgCollectionImpl.model = Msg;
export const Messages = new MsgCollectionImpl();

export class ChatMsgsCollection extends Collection {
  loadEarlierMsgs() {
    return loadEarlier(this.parent);
  }
}
ChatMsgsCollection.model = Msg;
ChatMsgsCollection.comparator = (one, other) => (one.t ?? 0) - (other.t ?? 0) || rowOf(String(one.id)) - rowOf(String(other.id));

// ---- chats ----

class Chat extends BaseModel {
  initialize() {
    Object.defineProperty(this, 'msgs', { value: new ChatMsgsCollection(null, { parent: this }) });
    Object.defineProperty(this, 'mute', { value: new Mute({ id: this.id, expiration: this.muteExpiration ?? 0 }) });
  }

  get contact() {
    return this.__x_id && Contacts.gadd(this.__x_id);
  }

  get groupMetadata() {
    return this.__x_id?.isGroup() ? Groups.get(this.__x_id) : undefined;
  }

  get formattedTitle() {
    return this.__x_id && (this.__x_name ?? displayName(this.contact));
  }

  // A client that renames a group sets it; the name has come to be the same.
  set formattedTitle(title) {
    this.name = title;
  }

  get title() {
    return this.formattedTitle;
  }

  get presence() {
    return this.__x_id && own('WAWebPresenceCollection').PresenceCollection.gadd(this.__x_id);
  }
}
defineModel(Chat, {
  proxyName: 'chat',
  props: [
    'id', 'name', 't', 'unreadCount', 'archive', 'pin', 'isReadOnly', 'labels', 'active', 'lastReceivedKey',
    'markedUnread', 'isParentGroup', 'isNewsletter', 'pausedTimerId', 'muteExpiration', 'endOfHistoryTransferType',
  ],
});

class ChatCollectionImpl extends Collection {
  async findImpl(id) {
    return { id, unreadCount: 0 };
  }

  getActive() {
    return this.findFirst((chat) => chat.active);
  }
}
ChatCollectionImpl.model = Chat;
ChatCollectionImpl.comparator = (one, other) => (other.t ?? 0) - (one.t ?? 0);
export const Chats = new ChatCollectionImpl();

// Unread messages that are on their way to the disk, or there, and not shown yet: every record of
// their chat counts them, whoever saves it meanwhile. Else a page killed before it showed them would
// count one less ever after.
let expected = new Map();   // key -> chat
const expectedIn = (id) => [...expected.values()].filter((chat) => chat === id).length;

export function expect(unread) {
  expected = new Map(unread.map(({ id }) => [String(id), String(id.remote)]));
}

export const isShown = ({ id }) => expected.delete(String(id));

// Marked by hand is -1.
export const withMore = (count, more) => (more === 0 ? count : Math.max(0, count ?? 0) + more);

export const chatRecord = (chat) => ({
  id: String(chat.id),
  name: chat.name,
  unreadCount: withMore(chat.unreadCount, expectedIn(String(chat.id))),
  t: chat.t,
  archive: chat.archive,
  pin: chat.pin,
  muteExpiration: chat.muteExpiration,
  endOfHistoryTransferType: chat.endOfHistoryTransferType,
});

// ---- collections that are there and stay empty ----

function plainCollection(id, collection, model, { proxyName, impl = false, methods = {} }) {
  define(id, () => {
    class Model extends BaseModel {
      async subscribe() {}
    }
    defineModel(Model, { proxyName, props: ['id'] });
    class Plain extends Collection {}
    Plain.model = Model;
    Object.assign(Plain.prototype, methods);
    // Where a client lists both names it takes the first it finds, so a class that nobody needs
    // must not stand beside its instance.
    return { ...(impl && { [`${collection}Impl`]: Plain }), [collection]: new Plain(), [model]: Model };
  });
}

define('WAWebMsgModel', () => ({ Msg }));
define('WAWebMsgCollection', () => ({ MsgCollectionImpl, MsgCollection: Messages }));
define('WAWebChatMsgsCollection', () => ({ ChatMsgsCollection }));
define('WAWebChatModel', () => ({ Chat }));
define('WAWebChatCollection', () => ({ ChatCollectionImpl, ChatCollection: Chats }));
plainCollection('WAWebLabelCollection', 'LabelCollection', 'Label', { proxyName: 'label' });

defineDefault('WAWebNewsletterCollection', () => {
  class NewsletterCollection extends Collection {}
  NewsletterCollection.model = Chat;
  return new NewsletterCollection();
});

define('WAWebCollections', () => ({
  Msg: Messages,
  Chat: Chats,
  Contact: Contacts,
  GroupMetadata: Groups,
  Blocklist: own('WAWebBlocklistCollection').BlocklistCollection,
  BusinessProfile: own('WAWebBusinessProfileCollection').BusinessProfileCollection,
  ProfilePicThumb: own('WAWebProfilePicThumbCollection').ProfilePicThumbCollection,
  Label: own('WAWebLabelCollection').LabelCollection,
  WAWebNewsletterCollection: own('WAWebNewsletterCollection').default,
  Call: own('WAWebCallCollection').default,
  Reactions: own('WAWebReactionsCollection').ReactionsCollection,
  Presence: own('WAWebPresenceCollection').PresenceCollection,
  Status: own('WAWebStatusCollection').StatusCollection,
}));
define('WAWebChatGetters', () => ({
  getIsNewsletter: (chat) => chat.id.isNewsletter(),
  getIsBroadcast: (chat) => chat.id.isBroadcast(),
  getIsGroup: (chat) => chat.id.isGroup(),
  getIsUser: (chat) => chat.id.isUser(),
  getPreviewMessage: (chat) => chat.msgs.last(),
  getHasUnread: (chat) => (chat.unreadCount ?? 0) !== 0,
  getShouldAppearInList: () => true,
  getShowChangeNumberNotification: () => false,
  getShouldShowUnreadDivider: () => false,
}));
