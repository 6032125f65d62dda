// What accounts know and keep of each other: address books, hidden numbers, pictures, blocks, and the
// settings of chats. Linked devices hear of every change.

import { WorldError } from './world.mjs';

export class Contacts {
  #world;

  constructor(world) {
    this.#world = world;
    world.on('renamed', (person) => this.#onRenamed(person));
  }

  // ---- persons ----

  #onRenamed(person) {
    const world = this.#world;
    world.tell(person.phone, 'me', ({ phone, lid, name, lid_migrated }) => ({ phone, lid, name, lid_migrated }));
    for (const viewer of this.#acquainted(person.phone)) this.#show(viewer, person.phone);
  }

  #acquainted(phone) {
    return [...this.#world.accounts.values()].filter((a) => a.contacts.has(phone) || a.chats.has(phone));
  }

  #show(viewer, phone) {
    this.#world.tell(viewer.phone, 'contact', () => this.#world.personView(viewer, phone));
  }

  // name: in the address book of `account`; about and business are the person's own. Only what is
  // given is changed.
  put(account, phone, { name, saved, about, business }) {
    const person = this.#world.account(phone);
    const known = account.contacts.get(phone);
    if (saved === false) account.contacts.delete(phone);
    else if (saved === true || name !== undefined) account.contacts.set(phone, { name: name ?? known?.name });
    if (about !== undefined) person.about = about;
    if (business !== undefined) person.business = business;
    const viewers = new Set([account, ...(business === undefined ? [] : this.#acquainted(phone))]);
    for (const viewer of viewers) this.#show(viewer, phone);
    this.#world.emit('changed');
  }

  // The account learns the number of somebody it knew by LID.
  reveal(account, phone) {
    if (this.#world.knowsPhone(account, phone)) return;
    account.revealed.add(phone);
    this.#show(account, phone);
    this.#world.emit('changed');
  }

  // file: what the media store answered, or null. Everybody who has a page may see it.
  setPicture(phone, file) {
    this.#world.account(phone).picture = file;
    for (const { phone: viewer } of [...this.#world.accounts.values()]) {
      this.#world.tell(viewer, 'picture', () => ({ ids: [`${phone}@c.us`, this.#world.lidOf(phone)] }));
    }
    this.#world.emit('changed');
  }

  block(account, phone, blocked) {
    if (blocked) account.blocked.add(this.#world.account(phone).phone);
    else account.blocked.delete(phone);
    this.#world.tell(account.phone, 'blocklist', (viewer) => ({ ids: this.blocklist(viewer) }));
    this.#world.emit('changed');
  }

  blocklist(account) {
    return [...account.blocked].map((phone) => this.#world.address(account, phone));
  }

  // ---- chats ----

  // unread: true marks the chat by hand, false reads it
  setChat(account, target, { archived, pinned, muted_until, unread }, origin = null) {
    const chat = this.#world.chatOf(account, target);
    if (archived !== undefined) chat.archived = archived;
    if (pinned !== undefined) chat.pinned = pinned ? Math.floor(Date.now() / 1000) : 0;
    if (muted_until !== undefined) chat.muted_until = muted_until;
    if (unread === true && chat.unread === 0) chat.unread = -1;
    if (unread === false) this.#world.read(account.phone, target);
    this.#world.tell(account.phone, 'chat_set', (viewer) => chatView(this.#world, viewer, chat), origin);
    this.#world.emit('changed');
  }

  // The truth, for tests.
  chats(account) {
    const world = this.#world;
    const real = [...account.chats.values()].filter(({ target }) => world.accounts.has(target) || world.groups.has(target));
    return real.map((chat) => this.chatItem(account, chat));
  }

  chatItem(account, chat) {
    const person = this.#world.accounts.get(chat.target);
    const messages = inOrder(chat.messages);
    const last = messages.at(-1);
    return {
      ...chatView(this.#world, account, chat),
      phone: person?.phone ?? null,
      lid: person?.lid ?? null,
      name: person ? account.contacts.get(person.phone)?.name ?? person.name : this.#world.groups.get(chat.target).subject,
      pinned: chat.pinned > 0,
      blocked: account.blocked.has(chat.target),
      last_id: last?.id ?? null,
      t: last?.t ?? 0,
      count: messages.length,
    };
  }

  // A chat of the account, named by phone, group id, or the id its pages have.
  chat(account, name) {
    const target = this.#world.resolve(name);
    if (target === null) throw new WorldError(`no chat ${name}`, 404);
    return this.#world.chatOf(account, target);
  }
}

// As a page orders them: by time, and within a second as they came.
export const inOrder = (messages) => [...messages].sort((one, other) => one.t - other.t);

// A chat as the pages of its account have it.
export function chatView(world, account, { target, unread, archived, pinned, muted_until, messages }) {
  const t = messages.reduce((latest, message) => Math.max(latest, message.t), 0);
  return { id: world.address(account, target), unread, archived, pinned, muted_until, t };
}
