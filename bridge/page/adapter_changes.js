// Part of the injected adapter: what is told of calls, groups, chats and people when the page's
// stores change (adapter_hooks.js listens).

const CALM_CHAT_MS = 100;   // changes of one chat within this are told together
const NOTICE_MS = 3000;     // within this the notice of a group's change has come, or none will

// ---- calls ----

const CALL_STATES = [
  [/INCOMING|^RECEIVED|^RING/i, 'ringing'],
  [/NOT_ANSWERED|MISS|TIMEOUT/i, 'missed'],
  [/REJECT|DECLIN|BUSY/i, 'rejected'],
  [/ACTIVE|ACCEPT|HANDLED_REMOTELY|REMOTE_CALL|CONNECT/i, 'accepted'],
  [/END|FAIL|TERMINAT/i, 'ended'],
];

// Newer builds number the states; wa-js names what it finds.
function callState(call) {
  const state = quietly(() => call.getState()) ?? call.state ?? call.callState;
  const names = quietly(() => WPP.whatsapp.enums.CALL_STATES) ?? {};
  const name = typeof state === 'number' ? Object.keys(names).find((key) => names[key] === state) : state;
  return CALL_STATES.find(([pattern]) => pattern.test(text(name, 32)))?.[1] ?? '';
}

const watched = new WeakSet();   // calls whose changes we hear

function onCall(call) {
  guard(() => {
    if (!call?.id || call.outgoing === true) return;
    if (!watched.has(call) && typeof call.on === 'function') {
      watched.add(call);
      call.on('all', () => onCall(call));
    }
    const state = callState(call) || 'ringing';
    const id = text(call.id, 128).replace(/[^\w.:+=/-]/g, '_');
    if (!told.add(`call ${id} ${state}`)) return;
    const by = jid(call.peerJid);
    const chat = call.isGroup && call.groupJid ? jid(call.groupJid) : by;
    const t = state === 'ringing' ? milliseconds(call.offerTime) || Date.now() : Date.now();
    const content = { video: call.isVideo === true, group: call.isGroup === true, state };
    emit({ k: 'call', chat: peer(chat), id, c: content, by: peer(by), t, me: false });
  });
}

// ---- groups ----

const notices = [];   // of late: {group, what, who, at}
const noticeOfGroup = (group, what, who) => notices.some((n) => n.group === group && n.what === what && n.who === who);

function noticed({ chat, content }) {
  const { kind, participants } = content.system;
  notices.push({ group: chat.id, what: kind, who: participants.map(({ id }) => id).sort().join(), at: Date.now() });
  while (notices.length > 200 || (notices.length > 0 && notices[0].at < Date.now() - 10 * NOTICE_MS)) notices.shift();
}

// A group's change mostly leaves a notice in its chat, which tells it; one that leaves none is told here.
function onGroupAction([about, action]) {
  const group = jid(about?.chatId ?? about?.groupId);
  const type = text(action?.actionType ?? action?.action, 32);
  const participants = someOf(action?.participants, MENTIONS_MAX).map((one) => peer(one.id ?? one));
  const who = participants.map(({ id }) => id).sort().join();
  const by = jid(about?.author);
  const what = type === 'remove' && who === by ? 'leave' : ofOurs(NOTICES, type) ?? type;
  if (group === '' || !/^[a-z_]+$/.test(what)) return;
  const t = milliseconds(about.t ?? about.ts) || Date.now();
  setTimeout(() => {
    guard(() => {
      if (noticeOfGroup(group, what, who) || !told.add(`group ${group} ${what} ${who} ${t}`)) return;
      emit({ k: 'group', chat: peer(group), text: what, c: { participants, value: '' }, by: peer(by), t, me: isMe(by) });
    });
  }, NOTICE_MS);
}

// ---- chats and people ----

const chatsDue = new Map();    // chat id -> its model
let chatTimer = 0;

function onChat(chat) {
  if (chat?.id === undefined) return;
  chatsDue.set(jid(chat.id), chat);
  chatTimer ||= setTimeout(tellChats, CALM_CHAT_MS);
}

function tellChats() {
  chatTimer = 0;
  const due = [...chatsDue];
  chatsDue.clear();
  for (const [id, chat] of due) guard(() => tellChat(id, chat));
}

function chatView(chat) {
  const unread = Number(chat.unreadCount);
  const muted = Number(chat.muteExpiration ?? quietly(() => chat.mute.expiration));
  return {
    unread: unread < 0 ? 1 : count(unread),   // below zero: marked as unread
    archived: !!chat.archive,
    pinned: count(Number(chat.pin)) > 0,
    muted_until_ms: muted < 0 ? 253402300799000 : milliseconds(muted),   // below zero: for good
  };
}

// Told again also when it is as it was told last: the bridge may have counted a message since that
// was read here within the calm.
function tellChat(id, chat) {
  const content = chatView(chat);
  const group = !/@(c\.us|lid)$/.test(id);
  if (group) content.name = text(chatName(id), NAME_MAX);
  emit({ k: 'chat', chat: peer(id), c: content, t: Date.now() });
}

function onContact(contact) {
  queueMicrotask(() =>
    guard(() => {
      const person = peer(contact.id);
      if (!/@(c\.us|lid)$/.test(person.id) || person.name + person.phone + person.lid === '') return;
      if (told.add(`contact ${JSON.stringify(person)}`)) emit({ k: 'contact', chat: person, c: {}, t: Date.now() });
    }),
  );
}

const onBlocked = (blocked) => (entry) =>
  guard(() => {
    const person = peer(entry.id);
    emit({ k: 'contact', chat: person, c: { blocked }, t: Date.now() });
  });

// The page learns numbers of people it knew by their LID only, without a word.
function tellFound() {
  for (const id of [...faceless].slice(0, 200)) {
    faceless.delete(id);
    const person = peer(id);   // still unknown: it goes to the end
    if (person.phone !== '') emit({ k: 'contact', chat: person, c: {}, t: Date.now() });
  }
}

// wa-js subscribes to the presence of the chats that are there when it begins; others ask for more.
function onPresence(model) {
  queueMicrotask(() =>
    guard(() => {
      const presence = quietly(() => WPP.whatsapp.PresenceStore.get(model.id)) ?? model;
      const chat = jid(presence.id);
      const shows = presence.isGroup ? Array.from(quietly(() => presence.chatstates.getModelsArray()) ?? []) : [presence.chatstate];
      for (const show of shows) tellPresence(chat, presence.isGroup ? jid(show?.id) : chat, show?.type, presence.isOnline);
    }),
  );
}

const PRESENCES = { typing: 'typing', composing: 'typing', recording_audio: 'recording', recording: 'recording' };
const presences = new Map();   // chat and person -> what was told last

function tellPresence(chat, by, type, online) {
  const state = ofOurs(PRESENCES, type) ?? (presences.get(`${chat} ${by}`)?.endsWith('ing') ? 'paused' : online ? 'available' : 'unavailable');
  if (by === '' || presences.get(`${chat} ${by}`) === state) return;
  presences.set(`${chat} ${by}`, state);
  if (presences.size > REMEMBERED) presences.delete(presences.keys().next().value);
  emit({ k: 'presence', chat: peer(chat), by: peer(by), text: state, t: Date.now() });
}
