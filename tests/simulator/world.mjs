// Everything the far end knows: people, groups, linked devices (population.mjs), and messages. No
// sockets, no timers: the servers beside it call in, and it tells them by events.
//
//   'queued'   (device)            a device has a new event waiting
//   'message'  (message)           a message was accepted for the first time
//   'linked' 'unlinked' (device)   a device got, or lost, its link
//   'renamed'  (account)           a person goes by another name
//   'online'   (phone)             a phone is back
//   'changed'  ()                  anything a test may wait for

import { randomBytes } from 'node:crypto';

import { CONTENT_FIELDS } from './content.mjs';
import { Population, seconds, STATUS, WorldError } from './population.mjs';

export { newGroup, STATUS, WorldError } from './population.mjs';

export const ACK = { SENT: 1, DELIVERED: 2, READ: 3, PLAYED: 4 };

export const newMessageId = () => '3EB0' + randomBytes(9).toString('hex').toUpperCase();

export class World extends Population {
  #messages = new Map();
  #seq = 0;

  peopleOf(target) {
    return this.groups.get(target)?.members ?? [target];
  }

  // Who was there to get it when it was sent.
  recipientsOf(message) {
    return message.recipients;
  }

  // Status posts go to whoever has the writer in their contacts, or is in the writer's.
  #reach(from, to) {
    if (to === STATUS) {
      const near = (other) => other.contacts.has(from) || this.account(from).contacts.has(other.phone);
      return [...this.accounts.values()].filter((a) => a.phone !== from && near(a)).map(({ phone }) => phone);
    }
    const others = this.peopleOf(to).filter((phone) => phone !== from);
    return this.accounts.has(to) ? others.filter((phone) => !this.accounts.get(phone).blocked.has(from)) : others;
  }

  // Why somebody may not write there, or null.
  barred(from, to) {
    const group = this.groups.get(to);
    if (group && !group.members.includes(from)) return `${from} is not in group ${to}`;
    if (group?.announce && !group.admins.has(from)) return `only admins write in group ${to}`;
    return null;
  }

  // Accepts a message from a person's phone (device null) or linked device. A key that is already
  // there is the same message: a device's repeat is counted and goes nowhere; a phone's repeat is put
  // in the queues once more, which is how a real server's redelivery looks to a page.
  submit({ from, to, id, t, pending, device = null, ...content }) {
    const key = `${from}|${to}|${id}`;
    const known = this.#messages.get(key);
    if (known) {
      if (device) known.count += 1;
      else this.#deliver(known, null);
      this.emit('changed');
      return { message: known, repeated: true };
    }
    const why = this.barred(from, to);
    if (why) throw new WorldError(why);
    const message = {
      key, id, from, to, seq: ++this.#seq, t: t ?? seconds(), count: 1,
      edited: false, revoked: false, reactions: new Map(), votes: new Map(), levels: new Map(), pending: pending === true,
      recipients: this.#reach(from, to),
    };
    for (const field of CONTENT_FIELDS) if (content[field] !== undefined) message[field] = content[field];
    this.keep(message);
    if (device) this.account(from).received.push(message);
    for (const phone of this.recipientsOf(message)) this.#arrive(message, phone);
    this.#deliver(message, device);
    this.emit('message', message);
    this.emit('changed');
    return { message, repeated: false };
  }

  // A notice is a message that nobody reads or acknowledges: it counts as unread for no one.
  notice(content) {
    const { from, to, id } = content;
    return this.keep({
      key: `${from}|${to}|${id}`, seq: ++this.#seq, t: seconds(), count: 1, edited: false, revoked: false,
      reactions: new Map(), votes: new Map(), levels: new Map(), ...content,
    });
  }

  // In the chats of all who have it; nobody is told.
  keep(message) {
    this.#messages.set(message.key, message);
    for (const phone of new Set([message.from, ...message.recipients])) {
      this.chatOf(this.account(phone), this.targetFor(message, phone)).messages.push(message);
    }
    return message;
  }

  // The chat a message is in, as seen by one of those who have it.
  targetFor(message, phone) {
    return this.accounts.has(message.to) && message.from !== phone ? message.from : message.to;
  }

  #arrive(message, phone) {
    const account = this.account(phone);
    account.inbox.push(message);
    if (message.to === STATUS) return;
    const chat = this.chatOf(account, this.targetFor(message, phone));
    chat.unread = Math.max(0, chat.unread) + 1;
  }

  #deliver(message, origin) {
    const view = (viewer) => this.messageView(viewer, message);
    for (const phone of this.recipientsOf(message)) this.tell(phone, 'message', view);
    this.tell(message.from, 'message', view, origin);
  }

  findMessage(from, to, id) {
    return this.#messages.get(`${from}|${to}|${id}`) ?? null;
  }

  // The message `id` that `from` wrote to `to`.
  message(from, to, id) {
    const message = this.findMessage(from, to, id);
    if (!message) throw new WorldError(`no message ${id} from ${from} to ${to}`, 404);
    return message;
  }

  // The message `id` in the chat of two people, or in a group, whoever wrote it.
  messageInChat(person, target, id) {
    const messages = this.accounts.get(person)?.chats.get(target)?.messages ?? [];
    const message = messages.findLast((m) => m.id === id);
    if (message) return message;
    throw new WorldError(`no message ${id} in the chat of ${person} and ${target}`, 404);
  }

  // What could not be read when it arrived can be read now: the same message, with its content.
  fill(message) {
    if (!message.pending) throw new WorldError(`id: message ${message.id} is not pending`);
    message.pending = false;
    this.#tellEveryone(message, 'fill', (viewer) => this.messageView(viewer, message));
  }

  // A message that is gone does not change any more: each of these leaves it alone.

  edit(message, text, origin = null) {
    if (message.revoked) return;
    message.text = text;
    message.edited = true;
    this.#tellEveryone(message, 'edit', () => ({ text, t: seconds() }), origin);
  }

  // By whoever wrote it, or by an admin of its group.
  revoke(message, origin = null, by = message.from) {
    if (by !== message.from && !this.groups.get(message.to)?.admins.has(by)) {
      throw new WorldError(`by: ${by} is neither the author nor an admin`, 403);
    }
    if (message.revoked) return;
    message.revoked = true;
    message.reactions.clear();
    message.votes.clear();
    const view = (viewer) => ({ t: seconds(), by_admin: by !== message.from, by: this.named(viewer, message.to, by) });
    this.#tellEveryone(message, 'revoke', view, origin);
  }

  react(message, person, emoji, origin = null) {
    if (message.revoked) return;
    if (emoji) message.reactions.set(person, emoji);
    else message.reactions.delete(person);
    const view = (viewer) => ({
      emoji,
      t: seconds(),
      by_me: viewer.phone === person,
      sender: this.named(viewer, message.to, person),
    });
    this.#tellEveryone(message, 'reaction', view, origin);
  }

  // All that `person` chooses in a poll now.
  vote(message, person, options, origin = null) {
    if (message.revoked) return;
    message.votes.set(person, { options, t: Date.now() });
    this.#tellEveryone(message, 'vote', (viewer) => this.voteView(viewer, message, person), origin);
  }

  voteView(viewer, message, person) {
    const { options, t } = message.votes.get(person);
    const ids = options.map((option) => message.poll_options.indexOf(option));
    return { ids, t, by_me: viewer.phone === person, sender: this.named(viewer, message.to, person) };
  }

  #tellEveryone(message, name, view, origin) {
    for (const phone of new Set([message.from, ...this.recipientsOf(message)])) {
      this.tell(phone, name, (viewer) => ({ ...this.keyView(viewer, message), ...view(viewer) }), origin);
    }
    this.emit('changed');
  }

  // A person's phone (or linked device) has received or read a message: its writer is told, unless the
  // same or a later level was told before.
  receipt(message, person, level) {
    if ((message.levels.get(person) ?? 0) >= level) return;
    message.levels.set(person, level);
    this.tell(message.from, 'receipt', (viewer) => ({
      ...this.keyView(viewer, message),
      ack: level,
      t: seconds(),
      sent_t: message.t,
      participant: this.isShared(message.to) ? this.named(viewer, message.to, person) : null,
    }));
    this.emit('changed');
  }

  // `reader` reads what `from` (a person or a group) wrote. -> how many messages that were unread.
  read(reader, from, ids = null) {
    const account = this.account(reader);
    const all = this.#cameFrom(account, from);
    const wanted = all.filter((m) => ids === null || ids.includes(m.id));
    const missing = (ids ?? []).find((id) => !wanted.some((m) => m.id === id));
    if (missing !== undefined) throw new WorldError(`${reader} has no message ${missing} from ${from}`, 404);
    const unread = wanted.filter((m) => (m.levels.get(reader) ?? 0) < ACK.READ);
    for (const message of unread) this.receipt(message, reader, ACK.READ);
    account.seen += unread.length;
    const chat = this.chatOf(account, from);
    const later = all.length - 1 - all.indexOf(wanted.at(-1));
    chat.unread = ids === null ? 0 : Math.min(Math.max(0, chat.unread), later);
    this.tell(reader, 'read_self', (viewer) => ({ chat: this.address(viewer, from), unread: chat.unread }));
    this.emit('changed');
    return unread.length;
  }

  // Up to a message, as a page reads; everything, if that is unknown here.
  readUpTo(reader, from, last) {
    const ids = this.#cameFrom(this.account(reader), from).map((message) => message.id);
    const at = ids.lastIndexOf(last);
    return this.read(reader, from, at === -1 ? null : ids.slice(0, at + 1));
  }

  #cameFrom(account, from) {
    return account.inbox.filter((m) => m.to === from || (m.from === from && m.to === account.phone));
  }

  // ---- what a page is shown ----

  keyView(viewer, message) {
    const shared = this.isShared(message.to);
    const mine = message.from === viewer.phone;
    return {
      id: message.id,
      from_me: mine,
      chat: this.address(viewer, shared || mine ? message.to : message.from),
      author: shared ? this.named(viewer, message.to, message.from) : null,
    };
  }

  messageView(viewer, message) {
    const view = { ...this.keyView(viewer, message), t: message.t, person: this.personView(viewer, message.from) };
    if (!this.isShared(message.to)) view.peer = this.personView(viewer, view.from_me ? message.to : message.from);
    if (message.pending) return { ...view, type: 'ciphertext' };
    for (const field of CONTENT_FIELDS) view[field] = message[field];
    if (message.mentions) view.mentions = message.mentions.map((phone) => this.named(viewer, message.to, phone));
    if (message.subtype) view.subtype = message.subtype;
    if (message.participants) view.recipients = message.participants.map((phone) => this.lidOf(phone));
    if (message.quoted) view.quoted = this.#quotedView(viewer, message);
    return view;
  }

  #quotedView(viewer, message) {
    const target = this.isShared(message.to) ? message.to : this.recipientsOf(message)[0] ?? message.to;
    try {
      const original = this.messageInChat(message.from, target, message.quoted);
      const author = this.named(viewer, message.to, original.from);
      return { id: original.id, author, type: original.type, text: original.text };
    } catch {
      // The phone may quote what the far end never saw; the page then shows the id alone.
      return { id: message.quoted, author: null, type: 'chat', text: '' };
    }
  }
}
