// Page instances: one for every document that has the page open. An instance is either unpaired
// (it shows references, or a pairing code) or it speaks for a linked device over its stream.
//
//   stream = { send(name, data), end() }      one open event stream to the document

import { randomBytes, randomInt } from 'node:crypto';
import { EventEmitter } from 'node:events';

import { chatView } from './contacts.mjs';
import { WorldError } from './world.mjs';

const CODE_LETTERS = 'ABCDEFGHJKLMNPQRSTVWXYZ123456789';
const KEPT = 200;

const isKey = (text) => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === 32 && bytes.toString('base64') === text;
};

// The device a document speaks for.
export function deviceOf(instance) {
  if (!instance.device) throw new WorldError('this instance is not linked', 401);
  return instance.device;
}

export class Instances extends EventEmitter {
  #world;
  #knobs;
  #all = new Map();
  #refusedUntil = new Map();   // account phone, or '*' -> time

  constructor(world, knobs) {
    super();
    this.#world = world;
    this.#knobs = knobs;
    this.setMaxListeners(0);
    world.on('queued', (device) => this.#flush(device));
    world.on('unlinked', (device) => this.#onUnlinked(device));
  }

  close() {
    for (const instance of this.#all.values()) {
      clearTimeout(instance.timer);
      instance.stream?.end();
    }
  }

  list() {
    return [...this.#all.values()];
  }

  get(id) {
    return this.#all.get(id);
  }

  // A fresh document says who it is and which keys its QR code will carry.
  register(id, keys) {
    this.#forgetOld();
    this.#all.set(id, {
      id, keys, device: null, stream: null, sent: 0, ref: null, refs: [], timer: null, code: null,
      phone: null, paired: false, conflict: false, state: 'OPENING', mode: 'SYNCING', info: 'OPENING',
    });
    this.#changed();
  }

  #forgetOld() {
    for (const [id, instance] of this.#all) {
      if (this.#all.size < KEPT) return;
      if (!instance.stream) this.#all.delete(id);
    }
  }

  attach(instance, token, stream) {
    instance.stream?.end();
    instance.stream = stream;
    instance.conflict = false;
    // What the page showed on its last stream is no answer to who waits for the new one.
    Object.assign(instance, { mode: 'SYNCING', info: 'OPENING' });
    if (!token) {
      instance.device = null;
      this.#rotate(instance);
    } else if (!this.#world.devices.has(token)) {
      stream.send('removed', {});
    } else {
      this.#resume(instance, this.#world.devices.get(token));
    }
    this.#changed();
  }

  detach(instance, stream) {
    if (instance.stream !== stream) return;
    instance.stream = null;
    instance.ref = null;
    instance.code = null;
    clearTimeout(instance.timer);
    this.#changed();
  }

  report(instance, { state, mode, info }) {
    Object.assign(instance, { state, mode, info });
    this.#changed();
  }

  // ---- linked ----

  // The newest document of a device wins; an older one is told that the account is open elsewhere.
  // Conflicts of before are over: who was in them has lost to more than one, or is gone.
  #resume(instance, device) {
    const others = this.list().filter((i) => i !== instance && i.device === device);
    for (const other of others) other.conflict = false;
    for (const other of others) if (other.stream) this.#oust(other);
    instance.device = device;
    instance.paired = true;
    instance.sent = 0;
    instance.stream.send('hello', this.#hello(device.account));
    const waiting = device.queue.length;
    this.#flush(device, { offline: true });
    instance.stream.send('offline_done', { count: waiting });
  }

  #hello(account) {
    const world = this.#world;
    const known = new Set([...account.contacts.keys(), ...account.chats.keys()].filter((key) => world.accounts.has(key)));
    const groups = [...world.groups.values()];
    return {
      me: this.identity(account),
      contacts: [...known].map((phone) => world.personView(account, phone)),
      groups: [
        ...groups.filter((g) => g.members.includes(account.phone)).map((g) => world.groupView(account, g)),
        ...groups.filter((g) => g.left.has(account.phone)).map((g) => g.left.get(account.phone)),
      ],
      chats: [...account.chats.values()].map((chat) => ({
        ...chatView(world, account, chat),
        saved: account.contacts.has(chat.target),
      })),
      blocked: [...account.blocked].map((phone) => world.address(account, phone)),
    };
  }

  identity({ phone, lid, name, lid_migrated }) {
    return { phone, lid, name, lid_migrated };
  }

  #live(device) {
    return this.list().filter((i) => i.stream && i.device === device && !i.conflict);
  }

  #flush(device, { offline = false } = {}) {
    for (const instance of this.#live(device)) {
      for (const event of device.queue) {
        if (event.n <= instance.sent) continue;
        instance.stream.send('event', { ...event, offline });
        instance.sent = event.n;
      }
    }
  }

  // Only for who is there to hear it: never queued.
  tell(device, name, data) {
    for (const instance of this.#live(device)) instance.stream.send(name, data);
  }

  #oust(instance) {
    instance.conflict = true;
    Object.assign(instance, { state: 'CONFLICT', mode: 'CONFLICT' });
    instance.stream.send('conflict', {});
    this.#changed();
  }

  conflict(phone) {
    const live = this.list().filter((i) => i.stream && i.device?.account.phone === phone && !i.conflict);
    for (const instance of live) this.#oust(instance);
    return live.length;
  }

  #onUnlinked(device) {
    for (const instance of this.list()) {
      if (instance.device !== device) continue;
      instance.device = null;
      instance.paired = false;
      instance.stream?.send('removed', {});
    }
    this.#changed();
  }

  acknowledge(instance, message, ms) {
    if (ms === 0) instance.stream?.send('sent', message);
    else setTimeout(() => instance.stream?.send('sent', message), ms).unref();
  }

  // ---- link drop ----

  drop(phone, ms) {
    this.#refusedUntil.set(phone ?? '*', Date.now() + ms);
    for (const instance of this.list()) {
      if (!instance.stream || (phone !== null && instance.device?.account.phone !== phone)) continue;
      instance.stream.end();
      this.detach(instance, instance.stream);   // now, not when the socket has noticed
    }
  }

  refused(device) {
    const until = Math.max(
      this.#refusedUntil.get('*') ?? 0,
      (device && this.#refusedUntil.get(device.account.phone)) ?? 0,
    );
    return Date.now() < until;
  }

  // ---- linking ----

  refreshRefs(instance) {
    instance.refs = [];
    if (instance.stream && !instance.device) this.#rotate(instance);
    this.#changed();
  }

  #rotate(instance) {
    clearTimeout(instance.timer);
    if (instance.refs.length >= this.#knobs.get('ref_count')) {
      instance.ref = null;
      instance.stream.send('refs_over', {});
      this.#changed();
      return;
    }
    instance.ref = `2@${randomBytes(96).toString('base64')}`;
    instance.refs.push(instance.ref);
    instance.stream.send('ref', { ref: instance.ref });
    const ms = this.#knobs.get('ref_ms');
    const first = this.#knobs.get('ref_first_ms') ?? 3 * ms;
    instance.timer = setTimeout(() => this.#rotate(instance), instance.refs.length === 1 ? first : ms);
    this.#changed();
  }

  requestCode(instance, phone) {
    instance.code = Array.from({ length: 8 }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)]).join('');
    instance.phone = phone;
    this.#changed();
    return instance.code;
  }

  // As if the time of the references that wait to be scanned were over.
  nextRef() {
    const waiting = this.list().filter((i) => i.stream && i.ref && !i.paired);
    for (const instance of waiting) this.#rotate(instance);
    return waiting.length;
  }

  // The phone's camera. -> null when linked, else what is wrong with the code.
  scan(phone, qr) {
    const fields = String(qr).split(',');
    if (fields.length !== 5) return `QR has ${fields.length} fields, expected 5`;
    const [ref, noise, identity, adv, platform] = fields;
    const instance = this.list().find((i) => i.refs.includes(ref));
    if (!instance) return 'ref: unknown';
    if (instance.paired) return 'ref: already used';
    if (!instance.stream || instance.ref !== ref) return 'ref: expired';
    const keys = { noise, identity, adv };
    for (const [name, value] of Object.entries(keys)) {
      if (!isKey(value)) return `${name}: not the base64 of 32 bytes`;
      if (value !== instance.keys[name]) return `${name}: not the key this page registered`;
    }
    if (!/^[\x21-\x7e]$/.test(platform)) return 'platform: not one character';
    if (platform !== instance.keys.platform) return 'platform: not the one this page registered';
    this.#pair(instance, phone);
    return null;
  }

  confirmCode(phone, code) {
    const wanted = String(code).replaceAll('-', '').toUpperCase();
    const instance = this.list().find((i) => i.stream && i.code === wanted && !i.paired);
    if (!instance) return 'code: unknown';
    if (instance.phone !== phone) return `code: was asked for ${instance.phone}, not ${phone}`;
    this.#pair(instance, phone);
    return null;
  }

  // The page keeps the token and comes back with it on a new stream, as the real one logs in again.
  #pair(instance, phone) {
    clearTimeout(instance.timer);
    const device = this.#world.link(phone);
    instance.device = device;
    instance.paired = true;
    instance.ref = null;
    instance.code = null;
    instance.sent = Infinity;
    instance.stream.send('paired', { token: device.token, number: device.number, me: this.identity(device.account) });
    this.#changed();
  }

  #changed() {
    this.emit('changed');
  }
}
