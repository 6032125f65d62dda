// What was said before: histories that linked devices get at once rather than message by message.
// Some of it only the phone has, until a page asks for it.

import { inOrder } from './contacts.mjs';
import { ACK, newMessageId, STATUS, WorldError } from './world.mjs';

const CHATS_AT_ONCE = 100;
const ON_DEMAND_COUNT = 50;
const MONTH_S = 30 * 86_400;
const NAMES = ['Ana', 'Bruno', 'Carla', 'Diego', 'Elisa', 'Fabio', 'Gloria', 'Hugo', 'Iris', 'Joao'];

const seconds = () => Math.floor(Date.now() / 1000);

export class History {
  #world;
  #knobs;
  #people = 0;
  #held = [];   // requests to phones that are off line

  constructor(world, knobs) {
    this.#world = world;
    this.#knobs = knobs;
    world.on('linked', (device) => this.#atLinking(device));
    world.on('online', (phone) => this.#answerHeld(phone));
  }

  #atLinking(device) {
    const count = this.#knobs.get('history_messages', device.account.phone);
    const chats = [...device.account.chats.values()].filter(({ target, messages }) => target !== STATUS && messages.length > 0);
    if (count === 0) return;
    const view = (chat) => this.#view(device.account, chat, inOrder(chat.messages).slice(-count));
    this.#give([device], chats.map(view));
  }

  #give(devices, views) {
    for (let at = 0; at < views.length; at += CHATS_AT_ONCE) {
      for (const device of devices) this.#world.queue(device, 'history', { chats: views.slice(at, at + CHATS_AT_ONCE) });
    }
  }

  #view(account, chat, messages) {
    const world = this.#world;
    const { unread, archived, pinned, muted_until } = chat;
    return {
      id: world.address(account, chat.target),
      person: world.accounts.has(chat.target) ? world.personView(account, chat.target) : null,
      unread, archived, pinned, muted_until,
      messages: messages.map((message) => ({
        ...world.messageView(account, message),
        ack: message.from === account.phone ? Math.max(ACK.SENT, ...message.levels.values()) : ACK.SENT,
        edited: message.edited,
        revoked: message.revoked,
        reactions: [...message.reactions].map(([phone, emoji]) => ({
          emoji, t: message.t, by_me: phone === account.phone, sender: world.named(account, message.to, phone),
        })),
        votes: [...(message.votes ?? [])].map(([phone]) => world.voteView(account, message, phone)),
      })),
    };
  }

  // As many new persons as `chats`, each with a history that ends before now, on all linked devices.
  // -> the ids their chats have on the pages of the account
  bulk(account, { chats, messages, from_t = seconds() - MONTH_S }) {
    const made = [];
    for (let i = 0; i < chats; i += 1) {
      const person = this.#stranger();
      this.#converse(account, person, messages, from_t, i);
      made.push(this.#world.chatOf(account, person.phone));
    }
    const views = made.map((chat) => this.#view(account, chat, chat.messages));
    this.#give(this.#world.devicesOf(account.phone), views);
    this.#world.emit('changed');
    return views.map(({ id }) => id);
  }

  #stranger() {
    const world = this.#world;
    for (;;) {
      this.#people += 1;
      const phone = `5521${String(900_000_000 + this.#people)}`;
      const name = `${NAMES[this.#people % NAMES.length]} ${this.#people}`;
      if (!world.accounts.has(phone)) return world.putAccount({ phone, name });
    }
  }

  // Turn by turn, in equal steps up to now; all of it read.
  #converse(account, person, count, from_t, offset) {
    const step = Math.max(1, Math.floor((seconds() - from_t) / (count + 1)));
    for (let i = 0; i < count; i += 1) {
      const [from, to] = i % 2 === 0 ? [person.phone, account.phone] : [account.phone, person.phone];
      const t = from_t + i * step + (offset % step);
      const message = this.#put({ from, to, t, type: 'chat', text: `${person.name}: message ${i + 1}` });
      message.levels.set(to, ACK.READ);
    }
  }

  #put({ id = newMessageId(), from, to, ...content }) {
    return this.#world.keep({
      key: `${from}|${to}|${id}`, id, from, to, ...content, seq: 0, count: 1, edited: false, revoked: false,
      reactions: new Map(), votes: new Map(), levels: new Map(), recipients: [to],
    });
  }

  // New messages, as they come every day, in some of those chats. -> their ids
  touch(account, chats, count) {
    return chats.flatMap(({ target }) =>
      Array.from({ length: count }, (_, i) => {
        const text = `news ${i + 1}`;
        return this.#world.submit({ from: target, to: account.phone, id: newMessageId(), type: 'chat', text }).message.id;
      }),
    );
  }

  // ---- what only the phone has ----

  // Messages older than all there are; oldest first. -> their ids
  older(account, chat, messages) {
    if (!this.#world.accounts.has(chat.target)) throw new WorldError('chat: must be one of two persons');
    const oldest = Math.min(seconds(), ...chat.messages.map(({ t }) => t));
    return messages.map(({ from = chat.target, text, t, id, type = 'chat' }, index) => {
      if (![account.phone, chat.target].includes(from)) throw new WorldError(`messages[${index}].from: is not in the chat`);
      const to = from === account.phone ? chat.target : account.phone;
      const when = t ?? oldest - 60 * (messages.length - index);
      return this.#put({ id, from, to, t: when, type, text }).id;
    });
  }

  // A page asks for what was before its oldest message; the phone answers when it is on line.
  request(device, target, oldest) {
    const request = { device, target, oldest };
    if (device.account.online) this.#answer(request);
    else this.#held.push(request);
    this.#world.emit('changed');
  }

  // How many requests wait for this phone.
  held(phone) {
    return this.#held.filter(({ device }) => device.account.phone === phone).length;
  }

  #answerHeld(phone) {
    const ready = this.#held.filter(({ device }) => device.account.phone === phone);
    this.#held = this.#held.filter((request) => !ready.includes(request));
    for (const request of ready) this.#answer(request);
  }

  #answer({ device, target, oldest }) {
    const world = this.#world;
    if (!world.devices.has(device.token)) return;
    const chat = world.chatOf(device.account, target);
    const all = inOrder(chat.messages);
    const known = all.findIndex(({ id }) => id === oldest?.id);
    const end = oldest === null ? all.length : known === -1 ? all.filter(({ t }) => t < oldest.t).length : known;
    const start = Math.max(0, end - ON_DEMAND_COUNT);
    const view = this.#view(device.account, chat, all.slice(start, end));
    world.queue(device, 'history', { chats: [{ ...view, on_demand: true, more: start > 0 }] });
  }
}
