// Part of the injected adapter (see adapter.js for how the parts become one script): turns what the
// page holds into plain, bounded JSON. Nothing of the page's own models crosses the line.

const TEXT_MAX = 65536;
const NAME_MAX = 256;

// Any value as text: no NUL (our JSON reader refuses it), no half surrogate pairs, bounded.
function text(value, max = TEXT_MAX) {
  if (value === undefined || value === null) return '';
  let s = typeof value === 'string' ? value : String(value);
  if (s.length > max) s = s.slice(0, max);
  if (s.includes('\0')) s = s.replaceAll('\0', '');
  if (s.toWellFormed) return s.toWellFormed();
  return s.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}

const count = (value) => (Number.isFinite(value) && value > 0 ? Math.floor(value) : 0);

// Seconds or milliseconds since 1970, as the page has them here and there, to milliseconds.
function milliseconds(value) {
  const n = count(Number(value));
  return n < 1e11 ? n * 1000 : n;
}

// What a table has under a name that came with a message: "constructor" is in none of ours.
const ofOurs = (table, name) => (Object.hasOwn(table, name) ? table[name] : undefined);

// ---- ids ----

// "5511…:7@c.us" and "…@s.whatsapp.net" are the same person as "5511…@c.us".
function jid(value) {
  const s = text(value, 128);
  return s.replace(/:\d+@/, '@').replace(/@s\.whatsapp\.net$/, '@c.us');
}

// Newer builds shorten the property names of message keys; their text form stays.
function keyParts(key) {
  const serialized = String(key);
  if (key && typeof key.id === 'string' && key.remote) {
    return {
      text: serialized,
      fromMe: !!key.fromMe,
      chat: jid(key.remote),
      id: text(key.id, 128),
      participant: jid(key.participant),
    };
  }
  const match = /^(true|false)_([^_]+@[^_]+)_([^_]+)(?:_(.+))?$/.exec(serialized);
  if (!match) throw new Error('a message key of unknown form');
  return {
    text: serialized,
    fromMe: match[1] === 'true',
    chat: jid(match[2]),
    id: text(match[3], 128),
    participant: jid(match[4]),
  };
}

// ---- people ----

const quietly = (get) => {
  try {
    return get();
  } catch {
    return undefined;
  }
};

const wid = (id) => quietly(() => WPP.util.createWid(id)) ?? quietly(() => WPP.whatsapp.WidFactory.createWid(id));
const digits = (id) => /^(\d{5,15})@c\.us$/.exec(id)?.[1] ?? '';

function lidOf(id) {
  if (id.endsWith('@lid')) return id;
  if (!id.endsWith('@c.us')) return '';
  const w = wid(id);
  return jid(
    quietly(() => WPP.whatsapp.lidPnCache.getCurrentLid(w)) ??
      quietly(() => WPP.whatsapp.ApiContact.getCurrentLid(w)),
  );
}

function phoneOf(id) {
  if (!id.endsWith('@lid')) return digits(id);
  const w = wid(id);
  const phone =
    quietly(() => WPP.whatsapp.lidPnCache.getPhoneNumber(w)) ??
    quietly(() => WPP.whatsapp.ApiContact.getPhoneNumber(w)) ??
    quietly(() => WPP.whatsapp.ContactStore.get(id).phoneNumber);
  return digits(jid(phone));
}

const contactName = (id) => {
  const contact = quietly(() => WPP.whatsapp.ContactStore.get(id));
  return contact && (contact.name || contact.verifiedName || contact.pushname);
};

function chatName(id) {
  const chat = quietly(() => WPP.whatsapp.ChatStore.get(id));
  return chat && (chat.name || quietly(() => chat.groupMetadata.subject) || quietly(() => chat.formattedTitle));
}

const FACELESS_MAX = 1000;
const faceless = new Set();   // LIDs whose number the page does not know yet (adapter_hooks.js looks again)

// The page keeps a person twice, under the number and under the LID; either may have the name.
function peer(value, hint) {
  const id = jid(value);
  if (id === '') return { id: '', phone: '', lid: '', name: '' };
  const user = id.endsWith('@c.us') || id.endsWith('@lid');
  // only groups and channels have a name of their own; of other chats the page makes one out of the id
  const named = id.endsWith('@g.us') || id.endsWith('@newsletter');
  if (!user) return { id, phone: '', lid: '', name: named ? text(chatName(id) ?? hint, NAME_MAX) : '' };
  const phone = phoneOf(id);
  const lid = lidOf(id);
  const other = id === lid ? phone && `${phone}@c.us` : lid;
  const name = contactName(id) || (other && contactName(other)) || hint;
  if (phone === '' && faceless.size < FACELESS_MAX) faceless.add(id);
  return { id, phone, lid, name: text(name, NAME_MAX) };
}

const myPhone = () => jid(quietly(() => WPP.conn.getMyUserId()));
const myLid = () => jid(quietly(() => WPP.conn.getMyUserLid()));

// How we appear in a chat: with our LID among LIDs and in groups, with our number otherwise.
function myIdIn(chat) {
  return chat.endsWith('@c.us') ? myPhone() : myLid() || myPhone();
}

function me() {
  const id = myPhone();
  if (id === '') return null;
  const pushname = quietly(() => WPP.whatsapp.Conn.pushname) ?? quietly(() => WPP.profile.getMyProfileName());
  return {
    id,
    phone: digits(id),
    lid: myLid(),
    push_name: text(pushname, NAME_MAX),
    platform: text(quietly(() => WPP.conn.getPlatform()), 32),
  };
}

// ---- messages ----

const TYPES = {
  chat: 'text', image: 'image', video: 'video', gif: 'video', ptv: 'video', audio: 'audio', ptt: 'voice',
  document: 'document', sticker: 'sticker', location: 'location', live_location: 'location',
  vcard: 'contacts', multi_vcard: 'contacts', poll_creation: 'poll', call_log: 'call', revoked: 'revoked',
  notification: 'system', notification_template: 'system', gp2: 'system', newsletter_notification: 'system',
  broadcast_notification: 'system', buttons_response: 'text', list_response: 'text',
  template_button_reply: 'text',
  ciphertext: 'pending',   // not decrypted yet: comes again under the same id, with its real type
};
// Of no interest to anybody: how other messages change, and what the page keeps for itself.
const HIDDEN = new Set([
  'protocol', 'e2e_notification', 'reaction', 'reaction_enc', 'keep_in_chat', 'poll_update', 'pin_message', 'debug',
  'oversized', 'sticker_pack_sync', 'message_history_bundle',
]);

// In a media message `body` is a thumbnail, never text.
function messageText(msg) {
  switch (ofOurs(TYPES, msg.type)) {
    case 'text':
      return text(msg.body);
    case 'location':
      return text(msg.loc);
    case 'contacts':
      return text(msg.vcardFormattedName);
    case 'poll':
      return text(msg.pollName);
    case 'image':
    case 'video':
    case 'document':
      return text(msg.caption);
    case undefined:
      return text(msg.caption || msg.body);
    default:
      return '';
  }
}

const ackOf = (value) => (Number.isFinite(value) ? Math.max(-1, Math.min(4, Math.trunc(value))) : 0);

// null: not a message for our readers.
function project(msg) {
  if (HIDDEN.has(msg.type)) return null;
  const key = keyParts(msg.id);
  const group = !/@(c\.us|lid)$/.test(key.chat);
  const author = key.fromMe ? myIdIn(key.chat) : group ? key.participant || jid(msg.author) : key.chat;
  const notify = key.fromMe ? '' : msg.notifyName;
  return {
    id: key.id,
    chat: peer(key.chat, group ? '' : notify),
    from: key.fromMe ? { ...peer(author), name: text(me()?.push_name, NAME_MAX) } : peer(author, notify),
    me: key.fromMe,
    type: ofOurs(TYPES, msg.type) ?? 'unknown',
    text: messageText(msg),
    quoted: text(msg.quotedStanzaID, 128),
    content: contentOf(msg),
    file: fileOf(msg),
    edited: msg.latestEditMsgKey ? milliseconds(msg.latestEditSenderTimestampMs) : 0,
    revoked: msg.type === 'revoked' ? milliseconds(msg.revokeTimestamp) : 0,
    t: milliseconds(msg.t),
    ack: ackOf(msg.ack),
  };
}
