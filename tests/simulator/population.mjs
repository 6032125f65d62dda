// Who there is at the far end: people, groups, and the devices linked to people's accounts; and how each
// of them is called by whom.
//
// A device's events stay in its queue until the device says it has stored them, so a browser that was
// off, or was killed in the middle, finds them again when it comes back.

import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';

export class WorldError extends Error {
  constructor(message, status = 400) {
    super(message);
    this.status = status;
  }
}

export const STATUS = 'status@broadcast';   // where everybody's status posts go

const DEFAULT_PEOPLE = [
  { phone: '5511988887777', lid: '99000000000001', name: 'Me Myself' },
  { phone: '5511977776666', lid: '99000000000002', name: 'Other Tenant', lid_migrated: false },
  { phone: '5511900000001', lid: '10000000000001', name: 'Alice' },
  { phone: '5511900000002', lid: '10000000000002', name: 'Bob' },
  { phone: '5511900000003', lid: '10000000000003', name: 'Carol' },
  { phone: '5511900000004', lid: '10000000000004', name: 'Dave' },
];
const TEAM = {
  id: '120363000000000001@g.us',
  subject: 'Team',
  members: ['5511988887777', '5511900000001', '5511900000002'],
};

export const seconds = () => Math.floor(Date.now() / 1000);

export const newGroup = ({ id, subject, owner, members }) => ({
  id, subject, owner, members: [...members], admins: new Set([owner]), description: '', description_id: null,
  announce: false, locked: false, invite: randomBytes(11).toString('base64url'), picture: null, created: seconds(),
  left: new Map(),   // phone -> the view of the group that somebody who is out of it keeps
});

export class Population extends EventEmitter {
  accounts = new Map();
  groups = new Map();
  devices = new Map();
  #lids = new Map();

  constructor({ populated = true } = {}) {
    super();
    this.setMaxListeners(0);
    if (!populated) return;
    for (const person of DEFAULT_PEOPLE) this.putAccount(person);
    // Alice and Bob are old acquaintances of both tenants: saved, with a chat each.
    for (const tenant of ['5511988887777', '5511977776666']) {
      this.accounts.get(tenant).contacts.set('5511900000001', {}).set('5511900000002', {});
      for (const phone of ['5511900000001', '5511900000002']) this.chatOf(this.accounts.get(tenant), phone);
    }
    this.groups.set(TEAM.id, newGroup({ ...TEAM, owner: TEAM.members[0] }));
  }

  // ---- people and groups ----

  putAccount({ phone, name, lid, lid_migrated, hidden_phone }) {
    const known = this.accounts.get(phone);
    const account = known ?? {
      phone,
      lid: lid ?? this.#freeLid(),
      name,
      lid_migrated: true,
      hidden_phone: false,   // pages know this person by LID only, until they learn the number
      online: true,
      about: '',
      business: null,
      picture: null,
      contacts: new Map(),   // phone -> {name}: the address book
      revealed: new Set(),   // phones of hidden persons that this account has learnt
      blocked: new Set(),
      chats: new Map(),      // phone or group id -> what this account has of that chat, see chatOf
      inbox: [],
      received: [],
      refused: 0,
      seen: 0,
      late_receipts: [],
    };
    const owner = lid === undefined ? undefined : this.#lids.get(lid);
    if (owner !== undefined && owner !== phone) throw new WorldError(`lid ${lid} belongs to ${owner}`);
    if (lid !== undefined && known) {
      this.#lids.delete(known.lid);
      known.lid = lid;
    }
    const renamed = account.name !== name;
    account.name = name;
    if (lid_migrated !== undefined) account.lid_migrated = lid_migrated;
    if (hidden_phone !== undefined) account.hidden_phone = hidden_phone;
    this.accounts.set(phone, account);
    this.#lids.set(account.lid, phone);
    if (renamed) this.emit('renamed', account);
    this.emit('changed');
    return account;
  }

  #freeLid() {
    for (;;) {
      const lid = '7' + String(randomBytes(6).readUIntBE(0, 6)).padStart(15, '0').slice(-14);
      if (!this.#lids.has(lid)) return lid;
    }
  }

  account(phone) {
    const account = this.accounts.get(String(phone));
    if (!account) throw new WorldError(`no account ${phone}`, 404);
    return account;
  }

  // A phone number or group id as the tests write it -> the same text, checked.
  target(to) {
    const key = String(to ?? '');
    if (this.isShared(key) || this.accounts.has(key)) return key;
    throw new WorldError(`no account or group ${key}`, 404);
  }

  // A WhatsApp id as a page writes it -> phone, group id, or null when nobody has it.
  resolve(jid) {
    const [user, server] = String(jid).split('@');
    if (jid === STATUS) return STATUS;
    if (server === 'g.us') return this.groups.has(jid) ? jid : null;
    if (server === 'lid') return this.#lids.get(user) ?? null;
    return this.accounts.has(user) ? user : null;
  }

  // How `viewer` addresses a person or group: migrated accounts speak LID, the others phone numbers
  // where they know them. A chat keeps the address it began with.
  address(viewer, target) {
    if (!this.accounts.has(target)) return target;
    const by_lid = viewer.chats.get(target)?.by_lid ?? this.#byLid(viewer, target);
    return by_lid ? this.lidOf(target) : `${target}@c.us`;
  }

  #byLid(viewer, target) {
    return viewer.lid_migrated || !this.knowsPhone(viewer, target);
  }

  knowsPhone(viewer, phone) {
    if (!this.accounts.get(phone).hidden_phone || viewer.phone === phone) return true;
    return viewer.revealed.has(phone) || viewer.contacts.has(phone);
  }

  // What an account has of its chat with a person or group; made when it is first asked for.
  chatOf(account, target) {
    if (!account.chats.has(target)) {
      account.chats.set(target, {
        target,
        by_lid: this.accounts.has(target) && this.#byLid(account, target),
        messages: [],
        unread: 0,          // -1: marked as unread by hand
        archived: false,
        pinned: 0,          // when, 0 is not
        muted_until: 0,     // -1 is for ever, 0 is not
      });
    }
    return account.chats.get(target);
  }

  // A group, or the status posts: messages there name their author.
  isShared(target) {
    return target === STATUS || this.groups.has(target);
  }

  // How `viewer` sees a person named in a chat: in groups by LID; in status posts as in a chat of
  // their own, and itself by its number.
  named(viewer, target, phone) {
    if (this.groups.has(target)) return this.lidOf(phone);
    return target === STATUS && viewer.phone === phone ? `${phone}@c.us` : this.address(viewer, phone);
  }

  lidOf(phone) {
    return `${this.accounts.get(phone).lid}@lid`;
  }

  // ---- devices ----

  link(phone) {
    const account = this.account(phone);
    const numbers = [...this.devices.values()].filter((d) => d.account === account).map((d) => d.number);
    const device = {
      token: randomBytes(16).toString('hex'),
      account,
      number: Math.max(0, ...numbers) + 1,
      queue: [],
      queued: 0,
    };
    this.devices.set(device.token, device);
    this.emit('linked', device);
    this.emit('changed');
    return device;
  }

  unlink(token) {
    const device = this.devices.get(token);
    if (!device) return;
    this.devices.delete(token);
    this.emit('unlinked', device);
    this.emit('changed');
  }

  devicesOf(phone) {
    return [...this.devices.values()].filter((d) => d.account.phone === phone);
  }

  confirm(token, upTo) {
    const device = this.devices.get(token);
    if (!device) return;
    const kept = device.queue.findIndex((event) => event.n > upTo);
    device.queue = kept === -1 ? [] : device.queue.slice(kept);
    this.emit('changed');
  }

  queue(device, name, data) {
    device.queued += 1;
    device.queue.push({ n: device.queued, name, data });
    this.emit('queued', device);
  }

  // An event for every linked device of an account, but the one it came from.
  tell(phone, name, view, except = null) {
    for (const device of this.devicesOf(phone)) {
      if (device !== except) this.queue(device, name, view(device.account));
    }
  }

  // ---- what a page is shown ----

  groupView(viewer, group) {
    const { id, subject, description, description_id, announce, locked, created } = group;
    return {
      id, subject, description, description_id, announce, locked, created,
      owner: this.lidOf(group.owner),
      members: group.members.map((phone) => ({
        ...this.personView(viewer, phone),
        admin: group.admins.has(phone),
        super: phone === group.owner,
      })),
    };
  }

  // A person as `viewer` knows it: the phone number is null as long as it is hidden.
  personView(viewer, phone) {
    const { lid, name, business } = this.accounts.get(phone);
    const entry = viewer.contacts.get(phone);
    return {
      phone: this.knowsPhone(viewer, phone) ? phone : null,
      lid,
      name,
      saved: entry !== undefined,
      saved_name: entry && (entry.name ?? name),
      business: business !== null,
      blocked: viewer.blocked.has(phone),
    };
  }
}
