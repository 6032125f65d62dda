// WhatsApp ids: Wid for people, groups and the rest; MsgKey for messages.

import { knobs } from './knobs.js';
import { define, defineDefault } from './runtime.js';

const PRIVATE = { intentionallyUsePrivateConstructor: true };
const USER_SERVERS = ['c.us', 'lid', 'bot', 'hosted', 'hosted.lid'];
const served = (value, server) => !!value && String(value).endsWith(`@${server}`);

export class Wid {
  constructor(text, options) {
    if (!options?.intentionallyUsePrivateConstructor) {
      throw new Error('invalid Wid construction, use WidFactory');
    }
    const at = text.lastIndexOf('@');
    const [user, device] = text.slice(0, at).split(':');
    this.server = text.slice(at + 1);
    this.user = user;
    if (device) this.device = Number(device);
    this._serialized = text;
  }

  // Collections ask this to tell an id from a model that has one.
  get isId() {
    return true;
  }

  toString() { return this._serialized; }
  toJSON() { return this._serialized; }
  toLogString() { return this._serialized; }
  toJid() { return this._serialized.replace('@c.us', '@s.whatsapp.net'); }
  equals(other) { return !!other && String(other) === this._serialized; }
  isSameAccount(other) { return other?.user === this.user && other?.server === this.server; }
  isLessThan(other) { return this._serialized < String(other); }
  isGreaterThan(other) { return this._serialized > String(other); }
  getDeviceId() { return this.device ?? 0; }
  getSignalAddress() { return `${this.user}.${this.device ?? 0}`; }

  isUser() { return USER_SERVERS.includes(this.server); }
  isUserNotPSA() { return this.isUser() && !this.isPSA(); }
  isRegularUser() { return this.isUserNotPSA() && !this.isBot(); }
  isRegularUserPn() { return this.server === 'c.us'; }
  isLid() { return this.server === 'lid'; }
  isGroup() { return this.server === 'g.us'; }
  isGroupCall() { return this.server === 'call'; }
  isBroadcast() { return this.server === 'broadcast'; }
  isBroadcastList() { return this.isBroadcast() && !this.isStatus(); }
  isStatus() { return this._serialized === 'status@broadcast'; }
  isStatusV3() { return this.isStatus(); }
  isNewsletter() { return this.server === 'newsletter'; }
  isBot() { return this.server === 'bot'; }
  isPSA() { return this._serialized === '0@c.us'; }
  isServer() { return this._serialized === 'server@c.us'; }
  isCompanion() { return !!this.device; }
  isIAS() { return false; }
  isHosted() { return false; }
  isSupportAccount() { return false; }
  isOfficialBizAccount() { return false; }

  static isWid(value) { return value instanceof Wid || (typeof value === 'string' && value.includes('@')); }
  static isXWid(kind, value) { return Wid.isWid(value); }
  static canBeWid(value) { return Wid.isWid(value); }
  static equals(one, other) { return String(one) === String(other); }
  static isUser(value) { return served(value, 'c.us') || served(value, 'lid'); }
  static isLid(value) { return served(value, 'lid'); }
  static isGroup(value) { return served(value, 'g.us'); }
  static isBroadcast(value) { return served(value, 'broadcast'); }
  static isNewsletter(value) { return served(value, 'newsletter'); }
  static isBot(value) { return served(value, 'bot'); }
  static isStatus(value) { return String(value) === 'status@broadcast'; }
  static isStatusV3(value) { return Wid.isStatus(value); }
  static isPSA(value) { return String(value) === '0@c.us'; }
  static isServer(value) { return String(value) === 'server@c.us'; }
  static user(value) { return String(value).split('@')[0]; }
}

const pool = new Map();

// One object for each id, as the real page interns them.
export function wid(value) {
  if (value instanceof Wid) return value;
  if (typeof value !== 'string' || !/^[\w.:+-]+@[\w.]+$/.test(value)) throw new Error('wid error: invalid wid');
  const text = value.replace('@s.whatsapp.net', '@c.us');
  if (!pool.has(text)) pool.set(text, new Wid(text, PRIVATE));
  return pool.get(text);
}

// `user` may already be a full id: wa-js calls createUserWidOrThrow('123@lid', 'lid').
const userWid = (user, server = 'c.us') => wid(String(user).includes('@') ? String(user) : `${user}@${server}`);

// Newer builds of the page have their property names shortened; a knob turns this one.
const keyField = () => (knobs.dollar_keys ? '$1' : '_serialized');

export class MsgKey {
  constructor(obj) {
    if (!obj) throw new Error('MsgKey error: obj is null/undefined');
    const { remote, fromMe } =
      obj.remote === undefined
        ? { fromMe: obj.selfDir === 'out', remote: obj.selfDir === 'out' ? obj.to : obj.from }
        : { fromMe: !!obj.fromMe, remote: obj.remote };
    this.fromMe = fromMe;
    this.remote = wid(remote);
    this.id = obj.id;
    if (obj.participant) this.participant = wid(obj.participant);
    const parts = [this.fromMe, this.remote, this.id];
    if (this.participant) parts.push(this.participant);
    this[keyField()] = parts.join('_');
  }

  get isId() {
    return true;
  }

  toString() {
    return this[keyField()];
  }

  clone() {
    return new MsgKey(this);
  }

  equals(other) {
    return !!other && String(other) === String(this);
  }

  static fromString(text) {
    const match = /^(true|false)_([^_@]+@[^_]+)_([^_]+)(?:_(.+))?$/.exec(text);
    if (!match) throw new Error(`MsgKey.fromString: invalid ${text}`);
    const [, fromMe, remote, id, participant] = match;
    return new MsgKey({ fromMe: fromMe === 'true', remote: wid(remote), id, participant });
  }

  static async newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(9));
    return `3EB0${Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')}`.toUpperCase();
  }
}

defineDefault('WAWebWid', () => Wid);
define('WAWebWidFactory', () => ({
  createWid: wid,
  createWidFromWidLike: (value) =>
    value instanceof Wid ? value : wid(value._serialized ?? `${value.user}@${value.server}`),
  isWidlike: (value) => value instanceof Wid || (typeof value?.user === 'string' && typeof value.server === 'string'),
  createUserWid: userWid,
  createUserWidOrThrow: userWid,
  createDeviceWid: wid,
  asUserWidOrThrow: ({ user, server }) => wid(`${user}@${server}`),
  toUserWid: ({ user, server }) => wid(`${user}@${server}`),
  asUserLidOrThrow: (value) => value,
  asChatWid: (value) => value,
  toChatWid: (value) => value,
}));
define('WAWebWidToJid', () => {
  const toJid = (value) => value.toJid();
  return { widToUserJid: toJid, widToChatJid: toJid, widToGroupJid: toJid, widToNewsletterJid: toJid };
});
define('WAWebJidToWid', () => ({ jidWithTypeToWid: (jid) => wid(jid.jid ?? jid), userJidToUserWid: wid }));
defineDefault('WAWebMsgKey', () => MsgKey);
