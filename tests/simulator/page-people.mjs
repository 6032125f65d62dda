// The part of a page's operations that is about persons, groups and chats.

import { deviceOf } from './instances.mjs';
import { WorldError } from './world.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function personOf(world, jid) {
  const phone = world.resolve(jid);
  return phone !== null && world.accounts.has(phone) ? world.account(phone) : null;
}

function known(world, jid) {
  const person = personOf(world, jid);
  if (!person) throw new WorldError(`no account ${jid}`, 404);
  return person;
}

function targetOf(world, jid) {
  const target = world.resolve(jid);
  if (target === null) throw new WorldError(`no chat ${jid}`, 404);
  return target;
}

export const PEOPLE_OPERATIONS = {
  // Whoever asks by number learns the LID that goes with it.
  async query({ world, contacts, knobs }, instance, { jid }) {
    const { account } = deviceOf(instance);
    await pause(knobs.get('exists_delay_ms', account.phone));
    const person = personOf(world, jid);
    if (!person) return { person: null };
    if (jid.endsWith('@c.us')) contacts.reveal(account, person.phone);
    return { person: world.personView(account, person.phone) };
  },

  about: ({ world }, instance, { jid }) => ({ about: personOf(world, jid)?.about ?? '' }),

  business: ({ world }, instance, { jid }) => ({ profile: personOf(world, jid)?.business ?? null }),

  picture({ world }, instance, { jid }) {
    const { picture } = world.groups.get(jid) ?? known(world, jid);
    return { path: picture?.direct_path ?? null, tag: picture?.filehash ?? null };
  },

  set_picture({ world, groups, contacts, media }, instance, { jid, data_base64 }) {
    const { account } = deviceOf(instance);
    const file = data_base64 === null ? null : media.put(Buffer.from(data_base64, 'base64'));
    const group = world.groups.get(jid);
    if (group) groups.change(group, { by: account.phone, action: 'picture', value: file });
    else contacts.setPicture(account.phone, file);
  },

  set_name: ({ world }, instance, { name }) => {
    world.putAccount({ phone: deviceOf(instance).account.phone, name });
  },

  contact_put({ world, contacts }, instance, { jid, name, saved }) {
    contacts.put(deviceOf(instance).account, known(world, jid).phone, { name, saved });
  },

  block({ world, contacts }, instance, { jid, blocked }) {
    contacts.block(deviceOf(instance).account, known(world, jid).phone, blocked);
  },

  chat_set({ world, contacts }, instance, { chat, ...settings }) {
    const device = deviceOf(instance);
    contacts.setChat(device.account, targetOf(world, chat), settings, device);
  },

  // last: the message up to which the page has read
  seen({ world }, instance, { chat, last }) {
    const phone = deviceOf(instance).account.phone;
    const from = world.resolve(chat);
    return { read: from === null ? 0 : world.readUpTo(phone, from, last) };
  },

  history_request({ world, history }, instance, { chat, oldest }) {
    history.request(deviceOf(instance), targetOf(world, chat), oldest);
  },

  // ---- groups ----

  groups({ world }, instance) {
    const { account } = deviceOf(instance);
    const mine = [...world.groups.values()].filter((group) => group.members.includes(account.phone));
    return { groups: mine.map((group) => world.groupView(account, group)) };
  },

  group_create({ world, groups }, instance, { subject, members }) {
    const { account } = deviceOf(instance);
    const phones = members.map((jid) => known(world, jid).phone);
    const { group, results } = groups.create({ subject, owner: account.phone, members: phones });
    return { group: world.groupView(account, group), results: results.map((r) => named(world, account, r)) };
  },

  group_change({ world, groups }, instance, { group, action, participants = [], value }) {
    const { account } = deviceOf(instance);
    const phones = participants.map((jid) => known(world, jid).phone);
    const { results } = groups.change(groups.group(group), { by: account.phone, action, participants: phones, value });
    return { results: results.map((r) => named(world, account, r)) };
  },

  group_invite({ groups }, instance, { group }) {
    const { admins, invite } = groups.group(group);
    if (!admins.has(deviceOf(instance).account.phone)) throw new WorldError('only admins see the invite', 403);
    return { code: invite };
  },

  group_of_invite({ world }, instance, { code }) {
    const group = [...world.groups.values()].find(({ invite }) => invite === code);
    return { group: group ? world.groupView(deviceOf(instance).account, group) : null };
  },

  group_join({ world, groups }, instance, { code }) {
    const group = [...world.groups.values()].find(({ invite }) => invite === code);
    if (!group) throw new WorldError('no such invite', 404);
    groups.change(group, { by: deviceOf(instance).account.phone, action: 'join' });
    return { id: group.id };
  },
};

const named = (world, viewer, { phone, ...result }) => ({ ...result, person: world.personView(viewer, phone) });
