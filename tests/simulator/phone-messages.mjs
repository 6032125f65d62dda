// The phone API's routes for messages: written, changed and answered by persons on their phones, and
// what the far end has got of them.

import { bad, chat, integer, optional, person, string, strings } from './checks.mjs';
import { messageItem, vcardOf } from './content.mjs';
import { HttpError } from './http.mjs';
import { seededBytes } from './media-store.mjs';
import { newMessageId, STATUS } from './world.mjs';

const MESSAGE_TYPES = [
  'chat', 'image', 'video', 'audio', 'ptt', 'document', 'sticker', 'location', 'vcard', 'poll_creation',
];
const TYPE_ALIASES = { text: 'chat', poll: 'poll_creation', voice: 'ptt', contacts: 'vcard' };
const STATUS_TYPES = ['chat', 'image', 'video', 'audio', 'ptt'];
const CALL_STATES = ['missed', 'rejected', 'accepted', 'ended'];
const PRESENCES = ['composing', 'recording', 'paused', 'available', 'unavailable'];
const PRESENCE_ALIASES = { typing: 'composing', online: 'available', offline: 'unavailable' };
const FILE_LIMIT = 256 << 20;

export const MESSAGE_ROUTES = {
  'POST /send': (far, input) => send(far, checkMessage(far, input)),
  'POST /send-batch': sendBatch,
  'POST /status': sendStatus,
  'POST /fill': (far, input) => far.world.fill(existing(far, input)),
  'POST /edit': (far, input) => far.world.edit(existing(far, input), string(input, 'text')),
  'POST /revoke': revoke,
  'POST /react': react,
  'POST /vote': vote,
  'POST /media-expire': expire,
  'POST /call': call,
  'POST /call-end': (far, input) =>
    far.live.end(string(input, 'id'), oneOf(input, 'state', CALL_STATES, 'missed'), integer(input, 'duration', undefined)),
  'POST /presence': presence,
  'GET /presence': (far, input) => ({ items: far.live.shown.get(person(far, input).phone) ?? [] }),
  'GET /message': (far, input) => messageItem(existing(far, input)),
  'GET /received-file': receivedFile,
};

// ---- checks ----

const list = (input, field) => strings(input, field) ?? undefined;

function number(input, field) {
  const value = input[field];
  if (value !== undefined && !Number.isFinite(value)) throw bad(field, 'must be a number');
  return value;
}

function oneOf(input, field, allowed, fallback, aliases = {}) {
  const value = aliases[input[field]] ?? input[field] ?? fallback;
  if (!allowed.includes(value)) throw bad(field, `must be one of ${allowed.join(', ')}`);
  return value;
}

const existing = (far, input) =>
  far.world.message(person(far, input, 'from').phone, chat(far, input, 'to'), string(input, 'id'));

function bytesOf(input) {
  const data = optional(input, 'data_base64', 'string');
  if (data !== undefined) return Buffer.from(data, 'base64');
  const size = integer(input, 'size_bytes', undefined);
  if (size === undefined) return undefined;
  if (size > FILE_LIMIT) throw bad('size_bytes', `must be at most ${FILE_LIMIT}`);
  return seededBytes(size, input.seed ?? '');
}

function linkOf({ link }) {
  if (link === undefined) return undefined;
  if (typeof link?.url !== 'string') throw bad('link', 'must be {url, title, description}');
  return { url: link.url, title: link.title ?? '', description: link.description ?? '' };
}

function contactsOf({ contacts }) {
  if (contacts === undefined) return undefined;
  const right = (contact) => typeof contact?.name === 'string' && Array.isArray(contact.phones ?? []);
  if (!Array.isArray(contacts) || contacts.length === 0 || !contacts.every(right)) {
    throw bad('contacts', 'must be an array of {name, phones}');
  }
  return contacts.map((contact) => ({ name: contact.name, vcard: contact.vcard ?? vcardOf(contact) }));
}

const placeOf = ({ name, address }) => [name, address].filter(Boolean).join('\n') || undefined;

function checkMessage(far, input) {
  const named = oneOf(input, 'type', MESSAGE_TYPES, 'chat', TYPE_ALIASES);
  const contacts = contactsOf(input);
  const type = named === 'vcard' && contacts?.length > 1 ? 'multi_vcard' : named;
  const text = optional(input, 'text', 'string') ?? optional(input, 'caption', 'string');
  if (type === 'chat' && text === undefined) throw bad('text', 'is required for a chat message');
  const id = optional(input, 'id', 'string');
  if (id !== undefined && !/^[0-9A-Za-z]{4,64}$/.test(id)) throw bad('id', 'must be 4 to 64 letters and digits');
  return {
    from: person(far, input, 'from').phone,
    to: chat(far, input, 'to'),
    id: id ?? newMessageId(),
    t: integer(input, 't', undefined),
    pending: optional(input, 'pending', 'boolean'),
    type,
    text: text ?? contacts?.[0].vcard ?? placeOf(input),
    quoted: optional(input, 'quoted', 'string'),
    mentions: list(input, 'mentions')?.map((phone) => far.world.account(phone).phone),
    mention_all: optional(input, 'mention_all', 'boolean'),
    forwarded: optional(input, 'forwarded', 'boolean'),
    link: linkOf(input),
    mimetype: optional(input, 'mimetype', 'string'),
    filename: optional(input, 'filename', 'string'),
    width: integer(input, 'width', undefined),
    height: integer(input, 'height', undefined),
    duration: number(input, 'duration'),
    gif: optional(input, 'gif', 'boolean'),
    view_once: optional(input, 'view_once', 'boolean'),
    lat: number(input, 'lat'),
    lng: number(input, 'lng'),
    live: optional(input, 'live', 'boolean'),
    contacts,
    poll_options: list(input, 'poll_options'),
    max_choices: integer(input, 'max_choices', undefined),
    data: bytesOf(input),
    told_size: integer(input, 'told_size', undefined),
  };
}

// ---- written ----

function send({ world, media }, { data, told_size, ...message }) {
  // Of a redelivery the far end has the file already.
  const known = world.findMessage(message.from, message.to, message.id);
  const stored = data === undefined || known ? {} : media.put(data);
  if (stored.size !== undefined && told_size !== undefined) stored.size = told_size;
  const { id, t } = world.submit({ ...message, ...stored }).message;
  return { id, t };
}

function sendBatch(far, input) {
  if (!Array.isArray(input.messages)) throw bad('messages', 'must be an array');
  const messages = input.messages.map((item, index) => {
    try {
      return checkMessage(far, item ?? {});
    } catch (error) {
      throw new HttpError(error.status ?? 400, `messages[${index}].${error.message}`);
    }
  });
  return { ids: messages.map((message) => send(far, message).id) };
}

function sendStatus(far, input) {
  const message = checkMessage(far, { ...input, to: STATUS });
  if (!STATUS_TYPES.includes(message.type)) throw bad('type', `must be one of ${STATUS_TYPES.join(', ')}`);
  return send(far, message);
}

// ---- changed and answered ----

// `from` reacts to, or votes in, a message of the chat it shares with `to`, whoever wrote it.
const shared = (far, input) =>
  far.world.messageInChat(person(far, input, 'from').phone, chat(far, input, 'to'), string(input, 'id'));

function react(far, input) {
  if (typeof input.emoji !== 'string') throw bad('emoji', 'a string is required (empty takes it back)');
  far.world.react(shared(far, input), input.from, input.emoji);
}

function revoke(far, input) {
  const by = input.by === undefined ? input.from : person(far, input, 'by').phone;
  far.world.revoke(existing(far, input), null, by);
}

function vote(far, input) {
  const options = strings(input, 'options');
  if (options === null) throw bad('options', 'an array of strings is required (empty takes it back)');
  const poll = shared(far, input);
  const unknown = options.find((option) => !poll.poll_options?.includes(option));
  if (unknown !== undefined) throw bad('options', `the poll has no "${unknown}"`);
  far.world.vote(poll, input.from, options);
}

function expire(far, input) {
  const message = existing(far, input);
  const expired = optional(input, 'expired', 'boolean') ?? true;
  if (!far.media.expire(message.direct_path, expired)) throw new HttpError(404, `message ${message.id} has no file`);
}

function call(far, input) {
  return far.live.call({
    from: person(far, input, 'from').phone,
    to: chat(far, input, 'to'),
    video: optional(input, 'video', 'boolean') ?? false,
    group: optional(input, 'group', 'boolean') ?? false,
    id: optional(input, 'id', 'string'),
  });
}

function presence(far, input) {
  const state = oneOf(input, 'state', PRESENCES, undefined, PRESENCE_ALIASES);
  far.live.presence(person(far, input, 'from').phone, chat(far, input, 'to'), state);
}

// ---- got ----

function receivedFile(far, input) {
  const id = string(input, 'id');
  const message = person(far, input).received.find((m) => m.id === id);
  const bytes = message && far.media.get(message.direct_path);
  if (!bytes) throw new HttpError(404, `no file of a message ${id}`);
  const headers = { 'content-type': message.mimetype || 'application/octet-stream', 'content-length': bytes.length };
  far.res.writeHead(200, headers).end(bytes);
}
