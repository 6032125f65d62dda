// The life of one document: take up what the profile holds, publish the modules, connect, and turn
// what the far end says into state and messages.
//
//   unpaired   ref … ref → paired → (connect again with the token) → hello → events → offline_done
//   linked     hello → events → offline_done → events as they come
//
// hello, events and offline_done are worked off strictly in order; an event is confirmed to the far
// end only when it is on disk.

import './core.js';
import './ids.js';
import './stubs.js';
import './actions.js';
import './prepare.js';
import { account, setMe } from './account.js';
import { restoreAddons } from './addons.js';
import { chatIsSet, chatSet, restoreSeen, showBlocklist, tellSeen } from './chats.js';
import { meet } from './contacts.js';
import { restoreHistory } from './disk.js';
import { addGroup } from './groups.js';
import { takeHistory } from './history.js';
import { wid } from './ids.js';
import { knobs } from './knobs.js';
import * as link from './link.js';
import { onLive } from './live.js';
import { ensureChat, receive, reports } from './messages.js';
import { acknowledge, linkIsDown, linkIsUp, resumeStoredSends } from './outgoing.js';
import { pictureChanged, showMe } from './person-details.js';
import * as profile from './profile.js';
import { definedIds, publish } from './runtime.js';
import { startScreen } from './screen.js';
import {
  BackendEventBus, Cmd, Conn, loadKeys, logout, setSocket, setStream, Socket, Stream, version,
} from './session.js';

// What arrives after the gap when a test makes the last bundle late: all that clients hook messages on.
const LATE = /Msg(Collection|Model)|Chat|Receipt|Reaction|GroupMetadata|WAWebCollections/;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- modules ----

let allPublished = null;

// Resolves when the page can connect; late modules may still be to come.
async function publishModules() {
  const wanted = definedIds().filter((id) => !knobs.missing_modules.includes(id));
  const late = knobs.late_gap_ms > 0 ? wanted.filter((id) => LATE.test(id)) : [];
  const early = wanted.filter((id) => !late.includes(id));
  const size = Math.ceil(early.length / knobs.batches);
  for (let at = 0; at < early.length; at += size) {
    if (at > 0) await pause(knobs.batch_ms);
    publish(early.slice(at, at + size));
  }
  allPublished = pause(knobs.late_gap_ms).then(() => publish(late));
}

// ---- the far end's events ----

let waiting = [];
let working = false;

function enqueue(item) {
  waiting.push(item);
  if (!working) work();
}

async function work() {
  working = true;
  await allPublished;
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    for (const run of runsOf(batch)) await run();
  }
  working = false;
}

// Neighbouring messages are stored together: one disk write for a whole backlog.
function runsOf(batch) {
  const runs = [];
  for (let at = 0; at < batch.length; ) {
    const { name } = batch[at];
    let end = at + 1;
    if (name === 'message') while (batch[end]?.name === 'message') end += 1;
    const items = batch.slice(at, end);
    runs.push(() => handle(name, items));
    at = end;
  }
  return runs;
}

// The last event that was worked off. What is told again, since its confirmation was lost, is not to
// undo what came after it.
let done = 0;

function isDone(n) {
  done = n;
  return profile.setValue('done', n, 'relaxed');   // a system crash at worst repeats the last ones
}

async function handle(name, items) {
  if (name === 'hello') return onHello(items[0].data);
  if (name === 'offline_done') return onOfflineDone();
  const fresh = items.filter(({ n }) => n > done);
  try {
    if (name === 'message') await receive(fresh.map(({ data }) => data));
    else for (const { data } of fresh) await (reports[name] ?? ABOUT_PEOPLE[name])(data);
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
  if (fresh.length > 0) await isDone(items.at(-1).n);
  link.operation('confirm', { up_to: items.at(-1).n }).catch(() => {});   // told again when it is lost
}

const ABOUT_PEOPLE = {
  me: (me) => {
    become(me);
    showMe(me);
  },
  contact: meet,
  picture: pictureChanged,
  blocklist: showBlocklist,
  chat_set: chatSet,
  history: takeHistory,
};

async function onHello({ me, contacts, groups, chats, blocked }) {
  become(me);
  setSocket('CONNECTED', 'SYNCING');
  if (Socket.hasSynced) setStream('MAIN', 'RESUMING');
  else setStream('SYNCING', 'SYNCING');
  meet(me);
  for (const person of contacts) meet(person);
  for (const chat of chats) {
    if (chat.saved) ensureChat(wid(chat.id));
    chatIsSet(chat);
  }
  for (const group of groups) addGroup(group);
  showBlocklist({ ids: blocked });
  if (!Socket.hasSynced) await pause(knobs.sync_ms);
}

function onOfflineDone() {
  const first = !Socket.hasSynced;
  Cmd.trigger('offline_progress_update_from_bridge');
  if (!Cmd.isMainLoaded) Cmd.mainLoaded();
  setSocket('CONNECTED', 'CONNECTED');
  setStream('MAIN', 'NORMAL');
  if (first) {
    Socket.set('hasSynced', true);
    resumeStoredSends();
    tellSeen();
  }
  linkIsUp();
  BackendEventBus.trigger('main_stream_mode_ready');
  BackendEventBus.trigger('offline_delivery_end');
}

function become(me) {
  setMe(me);
  Conn.set({ wid: wid(`${me.phone}@c.us`), pushname: me.name, platform: 'android', connected: true });
}

const handlers = {
  ref({ ref }) {
    setStream('QR', 'NORMAL');
    Conn.set('ref', ref);
    if (Socket.state !== 'UNPAIRED') setSocket('UNPAIRED');
  },

  refs_over() {
    setSocket('UNPAIRED_IDLE');
  },

  async paired({ token, number, me }) {
    setSocket('PAIRING');
    setStream('SYNCING', 'PAIRING');
    await profile.setValue('registration', { token, number, me });
    await isDone(0);
    account.token = token;
    account.device = number;
    become(me);
    link.connect(token);
  },

  hello: (data) => enqueue({ name: 'hello', data }),
  event: ({ n, name, data }) => enqueue({ n, name, data }),
  offline_done: () => enqueue({ name: 'offline_done' }),
  sent: acknowledge,
  live: onLive,

  removed() {
    linkIsDown();
    logout('unknown_companion', { tell: false });
  },

  conflict() {
    linkIsDown();
    link.stop();
    setSocket('CONFLICT', 'DISCONNECTED');
    setStream('CONFLICT', 'NORMAL');
  },

  down() {
    linkIsDown();
    if (Socket.state === 'CONNECTED') BackendEventBus.trigger('socket_stream_disconnected');
    setSocket('OPENING', 'DISCONNECTED');
    Stream.set({ info: 'OPENING', displayInfo: 'OPENING' });
  },
};

// ---- boot ----

async function boot() {
  const registration = await profile.getValue('registration');
  Object.assign(knobs, (await link.post('/sim/hello', { device: registration?.token ?? '' })).knobs);
  const keys = await loadKeys();
  if (registration) {
    account.token = registration.token;
    account.device = registration.number;
    setMe(registration.me);
    done = (await profile.getValue('done')) ?? 0;
    await restoreHistory();
    await restoreAddons();
    await restoreSeen();
    Conn.set({ wid: wid(`${registration.me.phone}@c.us`), pushname: registration.me.name, platform: 'android' });
  }
  await link.register(keys);
  await publishModules();
  startScreen();
  self.Debug = { VERSION: version() };
  Socket.set('launched', true);
  setSocket('OPENING');
  setStream('SYNCING', 'OPENING');
  await pause(knobs.boot_ms);
  link.listen(handlers);
  link.connect(account.token);
}

boot();
