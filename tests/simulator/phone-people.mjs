// The part of the phone API that is about persons, groups and chats rather than single messages.

import { bad, chat, digits, integer, optional, person, string, strings } from './checks.mjs';
import { inOrder } from './contacts.mjs';
import { GROUP_ACTIONS } from './groups.mjs';
import { messageItem } from './content.mjs';

export const PEOPLE_ROUTES = {
  'POST /accounts': putAccount,
  'POST /contact': putContact,
  'POST /reveal': (far, input) => far.contacts.reveal(person(far, input), person(far, input, 'phone').phone),
  'POST /picture': putPicture,
  'POST /block': block,
  'GET /blocked': (far, input) => ({ items: [...person(far, input).blocked] }),

  'POST /groups': putGroup,
  'POST /group-change': changeGroup,
  'GET /group': (far, input) => groupItem(far, far.groups.group(string(input, 'id'))),

  'POST /chat-set': setChat,
  'GET /chats': (far, input) => ({ items: far.contacts.chats(person(far, input)) }),
  'GET /history': history,

  'POST /bulk': bulk,
  'POST /bulk-touch': bulkTouch,
  'POST /phone-history': phoneHistory,
};

// ---- persons ----

function putAccount({ world, views }, input) {
  const account = world.putAccount({
    phone: digits(input, 'phone'),
    name: string(input, 'name'),
    lid: input.lid === undefined ? undefined : digits(input, 'lid'),
    lid_migrated: optional(input, 'lid_migrated', 'boolean'),
    hidden_phone: optional(input, 'hidden_phone', 'boolean'),
  });
  return views.account(account);
}

function putContact(far, input) {
  const { business } = input;
  if (business !== undefined && typeof business !== 'object') throw bad('business', 'must be an object or null');
  far.contacts.put(person(far, input), person(far, input, 'phone').phone, {
    name: optional(input, 'name', 'string'),
    saved: optional(input, 'saved', 'boolean'),
    about: optional(input, 'about', 'string'),
    business,
  });
}

function block(far, input) {
  const blocked = optional(input, 'blocked', 'boolean') ?? true;
  far.contacts.block(person(far, input), person(far, input, 'phone').phone, blocked);
}

function putPicture(far, input) {
  const data = input.data_base64;
  if (data !== null && typeof data !== 'string') throw bad('data_base64', 'a string is required, or null');
  const file = data === null ? null : far.media.put(Buffer.from(data, 'base64'));
  if (input.group === undefined) {
    far.contacts.setPicture(person(far, input, 'phone').phone, file);
  } else {
    const group = far.groups.group(string(input, 'group'));
    const by = group.members.find((phone) => group.admins.has(phone));
    far.groups.change(group, { by, action: 'picture', value: file });
  }
}

// ---- groups ----

function putGroup(far, input) {
  const owner = person(far, input, 'owner').phone;
  const members = phones(far, input, 'members');
  const { id, subject } = far.groups.create({ subject: string(input, 'subject'), owner, members }).group;
  return { id, subject };
}

const phones = (far, input, field) => (strings(input, field) ?? []).map((phone) => far.world.account(phone).phone);

function changeGroup(far, input) {
  const action = string(input, 'action');
  if (!GROUP_ACTIONS.includes(action)) throw bad('action', `must be one of ${GROUP_ACTIONS.join(', ')}`);
  const pictured = action === 'picture' && typeof input.value === 'string';
  return far.groups.change(far.groups.group(string(input, 'group')), {
    by: person(far, input, 'by').phone,
    action,
    participants: phones(far, input, 'participants'),
    value: pictured ? far.media.put(Buffer.from(input.value, 'base64')) : input.value,
  });
}

export function groupItem({ world }, group) {
  const { id, subject, description, owner, members, admins, announce, locked, invite, picture } = group;
  return {
    id, subject, description, owner, announce, locked, invite,
    members: members.map((phone) => ({
      phone, lid: world.accounts.get(phone).lid, admin: admins.has(phone), super: phone === owner,
    })),
    picture: picture?.filehash ?? null,
  };
}

// ---- chats ----

function setChat(far, input) {
  far.contacts.setChat(person(far, input), chat(far, input, 'chat'), {
    archived: optional(input, 'archived', 'boolean'),
    pinned: optional(input, 'pinned', 'boolean'),
    muted_until: integer(input, 'muted_until', undefined, -1),
    unread: optional(input, 'unread', 'boolean'),
  });
}

// ack: as the writer's pages have it, null for what others wrote
const historyItem = (account, message) => ({
  ...messageItem(message),
  ack: message.from === account.phone ? Math.max(1, ...message.levels.values()) : null,
  subtype: message.subtype ?? null,
  participants: message.participants ?? null,
});

function history(far, input) {
  const account = person(far, input);
  const { messages } = far.contacts.chat(account, string(input, 'chat'));
  return { items: inOrder(messages).map((message) => historyItem(account, message)) };
}

// ---- histories ----

function needed(input, field) {
  const value = integer(input, field, undefined, 1);
  if (value === undefined) throw bad(field, 'is required');
  return value;
}

function bulk(far, input) {
  const chats = far.history.bulk(person(far, input), {
    chats: needed(input, 'chats'),
    messages: needed(input, 'messages'),
    from_t: integer(input, 'from_t', undefined),
  });
  return { chats };
}

function bulkTouch(far, input) {
  const account = person(far, input);
  const chats = (strings(input, 'chats') ?? []).map((name) => far.contacts.chat(account, name));
  return { ids: far.history.touch(account, chats, needed(input, 'messages')) };
}

function phoneHistory(far, input) {
  const account = person(far, input);
  if (!Array.isArray(input.messages)) throw bad('messages', 'must be an array');
  return { ids: far.history.older(account, far.contacts.chat(account, string(input, 'chat')), input.messages) };
}
