// Status posts. They have no chat: each author has a small collection of their own, and our own posts
// are there under our name.

import { lidOf, mePhone, phoneOf } from './account.js';
import { BaseModel, Collection, defineModel } from './core.js';
import { operation } from './link.js';
import { revokeByMe } from './messages.js';
import { define, own } from './runtime.js';
import { ChatMsgsCollection, Messages } from './stores.js';

class Status extends BaseModel {
  initialize() {
    Object.defineProperty(this, 'msgs', { value: new ChatMsgsCollection(null, { parent: this }) });
  }

  get hasUnread() {
    return (this.unreadCount ?? 0) > 0;
  }

  async sendReadStatus(message) {
    if (!message) return;
    this.set('unreadCount', Math.max(0, (this.unreadCount ?? 0) - 1));
    message.set('viewed', true);
    await operation('status_seen', { id: message.id.id });
  }

  async loadMore() {}
}
defineModel(Status, { proxyName: 'status', props: ['id', 't', 'unreadCount', 'totalCount', 'lastReceivedKey'] });

class StatusCollectionImpl extends Collection {
  // An author is found under either id.
  get(thing) {
    const known = super.get(thing);
    if (known || typeof thing?.isUser !== 'function') return known;
    return super.get(thing.isLid() ? phoneOf(thing) : lidOf(thing));
  }

  getMyStatus() {
    return this.gadd(mePhone());
  }

  addStatusMessages(author, messages) {
    for (const message of messages) showStatus(message);
  }

  handleUpdate() {}
}
StatusCollectionImpl.model = Status;
const Statuses = new StatusCollectionImpl();

export function showStatus(message, options = {}) {
  const status = Statuses.gadd(message.id.participant ?? message.author);
  if (status.msgs.get(message.id)) return;
  status.msgs.add(message, options);
  const unread = (status.unreadCount ?? 0) + (message.id.fromMe ? 0 : 1);
  const state = { t: message.t, totalCount: status.msgs.length, unreadCount: unread, lastReceivedKey: message.id };
  if (options.silent) status._assign(state);
  else status.set(state);
}

// Somebody's post: a client may not want it.
export const receiveStatus = (raw) => own('WAWebHandleSingleMsg').handleSingleMsg(raw.id.remote, raw);

define('WAWebStatusCollection', () => ({ StatusCollectionImpl, StatusCollection: Statuses, StatusM: Status }));
define('WAWebHandleSingleMsg', () => ({
  handleSingleMsg: (chat, raw) => Messages.processMultipleMessages(chat, [raw], {}),
}));
define('WAWebRevokeStatusAction', () => ({ sendStatusRevokeMsgAction: (status, message) => revokeByMe(message) }));
define('WAWebStatusParticipants', () => ({ updateParticipants: async () => {}, addParticipants: async () => {} }));
