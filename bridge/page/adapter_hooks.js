// Part of the injected adapter: how it hears. wa-js attaches its listeners once, when the page's
// modules seem complete, and stays deaf when one comes later; so these are our own, on the page's
// stores themselves, tried again until they hold and proved by a ping.

const PING = 'wabridge:ping';
const HOLD_SLACK_MS = 60_000;   // a message this much older than our hooks is still news
const PENDING_MS = 2000;        // most of what is not decrypted when it comes is a moment later
const REMEMBERED = 5000;

// A set that forgets its oldest entries.
class Remembered {
  #items = new Set();

  // -> was it new?
  add(item) {
    if (this.#items.has(item)) return false;
    this.#items.add(item);
    if (this.#items.size > REMEMBERED) this.#items.delete(this.#items.values().next().value);
    return true;
  }

  has(item) {
    return this.#items.has(item);
  }
}

const reported = new Remembered();   // message keys
const told = new Remembered();       // acks, revokes: kind, key and value
const latest = new Map();            // whose reaction to what -> the last one that was told
let attachedAt = 0;
let lost = 0;

// Whatever goes wrong while telling one thing must not reach the page, and must not be silent.
function guard(run) {
  try {
    run();
  } catch (error) {
    lost += 1;
    emit({ k: 'lost', n: lost, why: text(error?.message ?? error, 200) });
  }
}

// ---- messages ----

const isNews = (msg) => msg.isNewMsg === true || milliseconds(msg.t) >= attachedAt - HOLD_SLACK_MS;

// What is not decrypted yet gets a moment; as itself a message is told once.
const reportKey = (msg) => (msg.type === 'ciphertext' ? `pending ${msg.id}` : String(msg.id));

function tellMessage(msg) {
  const view = project(msg);
  if (!view || !reported.add(reportKey(msg))) return;
  if (view.type === 'system') noticed(view);
  emit({ k: 'msg', m: view });
}

const waiting = new Map();   // chat -> the message in it that gets a moment to be decrypted

// In the order of the chat: before anything that came after it, as it is then.
function tellWaiting(chat) {
  const msg = waiting.get(chat);
  waiting.delete(chat);
  if (msg && !reported.has(String(msg.id))) tellMessage(msg);
}

function onAdd(msg) {
  if (!isNews(msg)) return;
  const chat = String(msg.id.remote);
  const wait = () => {
    waiting.set(chat, msg);
    setTimeout(() => guard(() => waiting.get(chat) === msg && tellWaiting(chat)), PENDING_MS);
  };
  queueMicrotask(() =>
    guard(() => {
      tellWaiting(chat);
      if (msg.type === 'ciphertext') wait();
      else tellMessage(msg);
    }),
  );
}

function tellAck(key, ack, participant, t) {
  if (!told.add(`ack ${key.chat} ${key.id} ${participant} ${ack}`)) return;
  emit({ k: 'ack', chat: peer(key.chat), id: key.id, ack, participant, t });
}

function onAck(msg) {
  guard(() => {
    const key = keyParts(msg.id);
    if (key.fromMe) tellAck(key, ackOf(msg.ack), '', Date.now());
  });
}

// Receipts name the one who acknowledged; in a group that is told for each of them.
function onReceipt([receipt]) {
  const ack = ackOf(receipt.ack);
  if (ack < 2 || receipt.ackString === 'sender') return;
  const chat = jid(receipt.from);
  const recipient = jid(receipt.recipient);
  if (recipient !== '' && recipient !== myPhone() && recipient !== myLid()) return;
  const participant = chat.endsWith('@g.us') ? jid(receipt.participant) : '';
  for (const id of receipt.externalIds ?? []) {
    tellAck({ chat, id: text(id, 128) }, ack, participant, milliseconds(receipt.ts) || Date.now());
  }
}

function tellRevoke(key, by, t) {
  if (!told.add(`revoke ${key.text}`)) return;
  emit({ k: 'revoke', chat: peer(key.chat), id: key.id, by: peer(by), t, me: isMe(by) });
}

const isMe = (value) => {
  const id = jid(value);
  return id !== '' && (id === myPhone() || id === myLid());
};

function onType(msg) {
  guard(() => {
    if (msg.type !== 'revoked') {
      if (reported.has(`pending ${msg.id}`)) queueMicrotask(() => guard(() => tellMessage(msg)));
      else onAdd(msg);   // was not decrypted when it came
      return;
    }
    const key = keyParts(msg.id);
    const author = key.fromMe ? myIdIn(key.chat) : key.participant || key.chat;
    tellRevoke(key, msg.revokeSender ?? author, milliseconds(msg.revokeTimestamp) || Date.now());
  });
}

// A revoke of a message that is not in memory changes no model; it is seen on its way in.
function onIncoming([, raws]) {
  for (const raw of Array.isArray(raws) ? raws : []) {
    if (raw?.type !== 'protocol' || !/revoke/.test(raw.subtype ?? '') || !raw.protocolMessageKey) continue;
    const key = keyParts(raw.protocolMessageKey);
    tellRevoke(key, raw.author ?? raw.from ?? key.participant, milliseconds(raw.t) || Date.now());
  }
}

function onEdit(msg) {
  queueMicrotask(() =>
    guard(() => {
      const key = keyParts(msg.id);
      const author = key.fromMe ? myIdIn(key.chat) : key.participant || key.chat;
      const t = milliseconds(msg.latestEditSenderTimestampMs) || Date.now();
      emit({ k: 'edit', chat: peer(key.chat), id: key.id, text: messageText(msg), by: peer(author), t, me: key.fromMe });
    }),
  );
}

// Times are whole seconds: who reacts, takes it back and reacts again within one says three things.
function isLatest(whose, what) {
  if (latest.get(whose) === what) return false;
  latest.delete(whose);
  latest.set(whose, what);
  if (latest.size > REMEMBERED) latest.delete(latest.keys().next().value);
  return true;
}

// Either one new reaction, or rows of the page's table, which also carry what was known before.
function onReactions([first, isNew]) {
  const rows = Array.isArray(first) ? first : isNew ? [first] : [];
  for (const row of rows) {
    const t = milliseconds(row.t ?? row.reactionTimestamp);
    if (Array.isArray(first) && t < attachedAt - HOLD_SLACK_MS) continue;
    const parent = keyParts(row.parentMsgKey ?? row.reactionParentKey);
    const sender = jid(row.senderUserJid ?? row.from);
    const emoji = text(row.reactionText, 64);
    if (!isLatest(`${parent.text} ${sender}`, `${emoji} ${t}`)) continue;
    emit({ k: 'react', chat: peer(parent.chat), id: parent.id, text: emoji, by: peer(sender), t, me: isMe(sender) });
  }
}

// Rows of the page's table of votes: each is all that one person chooses in one poll now.
function onVotes([rows]) {
  for (const row of Array.isArray(rows) ? rows : [rows]) {
    tellVote(row).catch((error) =>
      guard(() => {
        throw error;
      }),
    );
  }
}

async function tellVote(row) {
  const t = milliseconds(row.senderTimestampMs ?? row.t);
  if (t < attachedAt - HOLD_SLACK_MS) return;
  const parent = keyParts(row.parentMsgKey ?? row.pollUpdateParentKey);
  const by = jid(row.sender ?? row.from);
  const chosen = Array.from(row.selectedOptionLocalIds ?? []);
  if (!told.add(`vote ${parent.text} ${by} ${chosen} ${t}`)) return;
  const poll = quietly(() => WPP.whatsapp.MsgStore.get(parent.text)) ?? (await WPP.chat.getMessageById(parent.text));
  const options = optionNames(poll.pollOptions, chosen);
  emit({ k: 'vote', chat: peer(parent.chat), id: parent.id, c: { options }, by: peer(by), t, me: isMe(by) });
}

// ---- holding on ----

// One entry a thing to listen to, the source of codes first. A store that was replaced is hooked again.
const LISTENERS = [
  { name: 'Conn', on: { 'change:ref': () => tellCode() } },
  { name: 'Socket', on: { 'change:state': () => tellState() } },
  { name: 'Stream', on: { 'change:mode': () => tellState(), 'change:info': () => tellState() } },
  { name: 'Cmd', on: { logout: (reason) => tellLogout(reason) } },
  {
    name: 'MsgStore',
    on: { add: onAdd, 'change:ack': onAck, 'change:type': onType, 'change:latestEditMsgKey': onEdit },
  },
];
// Worth hearing, but nothing waits for them.
const EXTRA = [
  {
    name: 'ChatStore',
    on: Object.fromEntries(
      ['unreadCount', 'archive', 'pin', 'muteExpiration', 'name'].map((what) => [`change:${what}`, onChat]),
    ),
  },
  {
    name: 'ContactStore',
    on: Object.fromEntries(
      ['change:name', 'change:pushname', 'change:verifiedName', 'change:phoneNumber'].map((what) => [what, onContact]),
    ),
  },
  { name: 'BlocklistStore', on: { add: onBlocked(true), remove: onBlocked(false) } },
  { name: 'PresenceStore', on: { 'change:chatstate.type': onPresence, 'change:isOnline': onPresence } },
  { name: 'CallStore', on: { add: onCall, change: onCall, remove: onCall } },
];
const WRAPPED = [
  { name: 'handleChatSimpleReceipt', run: onReceipt },
  { name: 'handleGroupSimpleReceipt', run: onReceipt },
  { name: 'addOrUpdateReactionsModelCollection', as: 'createOrUpdateReactions', run: onReactions },
  { name: 'upsertVotes', run: onVotes },
  { name: 'upsertVotesDb', as: 'upsertVotes', run: onVotes },
  { name: 'updateDBForGroupAction', run: onGroupAction },
  { name: 'handleGroupActionMD', as: 'updateDBForGroupAction', run: onGroupAction },
];
const held = new Map();        // name -> the object we hooked
const listeners = new Map();   // name -> [event, function] pairs, to take them off again
let heard = '';

function listen({ name, on }) {
  const target = quietly(() => WPP.whatsapp[name]);
  if (typeof target?.on !== 'function') return false;
  if (held.get(name) === target && answers(target, name)) return true;
  for (const [event, run] of listeners.get(name) ?? []) quietly(() => held.get(name).off(event, run));
  const pairs = [...Object.entries(on), [PING, () => (heard = name)]];
  for (const [event, run] of pairs) target.on(event, run);
  held.set(name, target);
  listeners.set(name, pairs);
  return answers(target, name);
}

// Does a trigger reach our listener? (Somebody may have taken all listeners off.)
function answers(target, name) {
  if (typeof target.trigger !== 'function') return true;
  heard = '';
  quietly(() => target.trigger(PING));
  return heard === name;
}

function wrap({ name, as = name, run }) {
  if (held.has(name)) return true;
  if (typeof quietly(() => WPP.whatsapp.functions[as]) !== 'function') return false;
  const home = quietly(() => WPP.loader.search((m) => typeof m?.[name] === 'function'));
  if (!home) return false;
  return replace(home, name, run);
}

function replace(home, name, run) {
  const original = home[name];
  const wrapper = function (...args) {
    queueMicrotask(() => guard(() => run(args)));
    return original.apply(this, args);
  };
  const done = quietly(() => {
    home[name] = wrapper;
    return home[name] === wrapper;
  });
  if (done) held.set(name, home);
  return !!done;
}

// Methods of a store that we listen to already.
const METHODS = [
  { store: 'MsgStore', method: 'processMultipleMessages', run: onIncoming },
  { store: 'CallStore', method: 'processIncomingCall', run: ([call]) => onCall(call) },
  { store: 'CallStore', method: 'setActiveCall', run: ([call]) => onCall(call) },
];

function wrapMethod({ store: name, method, run }) {
  const store = held.get(name);
  if (!store || held.get(method) === store || typeof store[method] !== 'function') return;
  if (replace(store, method, run)) held.set(method, store);
}

// -> do the hooks that receiving needs hold? The rest is tried along and shows in the capabilities.
function attach() {
  const holding = LISTENERS.map(listen);
  EXTRA.forEach((extra) => quietly(() => listen(extra)));
  WRAPPED.forEach(wrap);
  METHODS.forEach(wrapMethod);
  tellFound();
  const all = holding.every(Boolean);
  if (all && attachedAt === 0) attachedAt = Date.now();
  return all;
}

// Messages the stores have and our hooks did not see. They are counted, not told: the bridge catches
// up then, and finds them in order with others that nobody saw.
function missed() {
  if (attachedAt === 0) return 0;
  let n = 0;
  for (const chat of quietly(() => WPP.whatsapp.ChatStore.getModelsArray()) ?? []) {
    if (milliseconds(chat.t) <= attachedAt) continue;
    const last = quietly(() => chat.msgs.last());
    if (!last || milliseconds(last.t) <= attachedAt || HIDDEN.has(last.type)) continue;
    if (reported.has(reportKey(last)) || (last.type === 'ciphertext' && milliseconds(last.t) > Date.now() - 5 * PENDING_MS)) continue;
    n += 1;
    reported.add(reportKey(last));
  }
  return n;
}
