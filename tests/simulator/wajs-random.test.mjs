// A random life, with drops, reloads and kills of the browser: in the end the page has what the far end
// has. The seed is in the name of the test; SIM_SEED repeats one.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { ALICE, BOB, CAROL, killBrowser, launch, ME, removeDir, startFarEnd, TEAM, temporaryDir, WaJs } from './support.mjs';

const STEPS = 150;
const AGREE_MS = 30_000;
const seed = Number(process.env.SIM_SEED ?? Math.floor(Math.random() * 1e9));

// mulberry32
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const pick = (list) => list[Math.floor(random() * list.length)];

let far, phone, profile, browser, me;

after(async () => {
  await browser?.close();
  await far?.close();
  if (profile) await removeDir(profile);
});

async function open() {
  me = await WaJs.open(browser);
  await me.ready();
}

const written = [];   // {from, to, id}

const ACTIONS = {
  async write(step) {
    const from = pick([ALICE, BOB, CAROL, ME]);
    const to = from === ME ? pick([ALICE, BOB, TEAM]) : from === CAROL ? ME : pick([ME, TEAM]);
    const { id } = await phone.post('/send', { from, to, text: `said ${step}` });
    written.push({ from, to, id });
  },
  async edit(step) {
    const message = pick(written);
    if (message) await phone.post('/edit', { ...message, text: `edited ${step}` });
  },
  async revoke() {
    const message = pick(written);
    if (message) await phone.post('/revoke', message);
  },
  async react() {
    const message = pick(written);
    if (!message) return;
    const [one, other] = message.to === TEAM ? [pick([ALICE, BOB]), TEAM] : [message.to, message.from];
    await phone.post('/react', { from: one, to: other, id: message.id, emoji: pick(['👍', '❤️', '']) });
  },
  read: () => phone.post('/read', { account: ME, from: pick([ALICE, BOB, TEAM]) }),
  set: () => phone.post('/chat-set', { account: ME, chat: pick([ALICE, BOB]), archived: random() < 0.5, unread: random() < 0.5 }),
  rename: (step) => phone.post('/group-change', { group: TEAM, by: ALICE, action: 'subject', value: `Team ${step}` }),
  send: (step) =>
    me.evaluate((id, text) => void WPP.chat.sendTextMessage(id, text, { waitForAck: false }), pick([`${ALICE}@c.us`, TEAM]), `here ${step}`),
  drop: () => phone.post('/drop', { account: ME, ms: 300 }),
  async reload() {
    await me.page.close();
    await open();
  },
  async kill() {
    await killBrowser(browser);
    await phone.wait('away', { account: ME });
    browser = await launch(far, profile);
    await open();
  },
};
const OFTEN = [...Array(12).fill('write'), 'edit', 'edit', 'revoke', 'react', 'react', 'read', 'set', 'rename', ...Array(4).fill('send'), 'drop'];

// As both sides are compared: by time and id, since within a second each side has its own order.
const inOrder = (list) => list.sort((one, other) => one.t - other.t || (one.id < other.id ? -1 : 1));

async function here(chat) {
  const list = await me.evaluate(async (id) => {
    const messages = WPP.chat.get(id).lastReceivedKey ? await WPP.chat.getMessages(id, { count: -1 }) : [];
    const text = async (m) => {
      const { reactions } = await WPP.chat.getReactions(String(m.id));
      return reactions.flatMap((r) => r.senders.map((s) => `${String(s.sender)} ${r.aggregateEmoji}`)).sort();
    };
    return Promise.all(messages.map(async (m) => ({
      id: m.id.id, t: m.t, type: m.type, body: m.body ?? null, ack: m.id.fromMe ? m.ack : null, reactions: await text(m),
    })));
  }, chat);
  return inOrder(list);
}

async function there(chat, lids) {
  const { items } = await phone.get(`/history?account=${ME}&chat=${chat}`);
  const list = items.map((m) => ({
    id: m.id, t: m.t,
    type: m.revoked ? 'revoked' : m.type,
    body: m.revoked ? null : m.text,
    ack: m.type === 'gp2' ? null : m.ack,
    reactions: m.revoked ? [] : Object.entries(m.reactions).map(([who, emoji]) => `${lids[who]} ${emoji}`).sort(),
  }));
  return inOrder(list);
}

// The page of ME shows what the far end has, chat by chat.
async function agree() {
  const { accounts } = await phone.get('/state');
  const lids = Object.fromEntries(accounts.map(({ phone: number, lid }) => [number, `${lid}@lid`]));
  const { items } = await phone.get(`/chats?account=${ME}`);
  assert.ok(items.length >= 3);
  for (const chat of items) {
    assert.deepEqual(await here(chat.id), await there(chat.id, lids), `chat ${chat.name}`);
    const shown = await me.evaluate((id) => [WPP.chat.get(id).unreadCount, !!WPP.chat.get(id).archive], chat.id);
    assert.deepEqual(shown, [chat.unread, chat.archived], `unread and archived of ${chat.name}`);
  }
}

// Some of it is still being told when the last message is stored: what a killed page had read and had
// not told goes out after the restart, and comes back.
async function inTheEnd(agreed) {
  for (const deadline = Date.now() + AGREE_MS; ; await pause(100)) {
    const difference = await agreed().then(() => null, (error) => error);
    if (!difference) return;
    if (Date.now() > deadline) throw difference;
  }
}

test(`a random life ends the same on both sides (seed ${seed})`, async () => {
  far = await startFarEnd({ knobs: { read_ms: 200, sync_ms: 50, boot_ms: 20 } });
  phone = far.phone;
  profile = await temporaryDir();
  browser = await launch(far, profile);
  await open();
  await me.link(phone, ME);

  for (let step = 0; step < STEPS; step += 1) {
    const action = step % 50 === 49 ? 'kill' : step % 25 === 24 ? 'reload' : pick(OFTEN);
    await ACTIONS[action](step);
  }
  await phone.wait('main', { account: ME });
  // what a killed page had not sent goes out after the restart, and is read a moment later
  await me.until(() => WPP.whatsapp.MsgStore.every((m) => !m.id.fromMe || m.ack >= 3 || ['gp2', 'revoked'].includes(m.type)));
  await phone.post('/send', { from: ALICE, to: ME, text: 'the end' });
  await phone.wait('settled', { account: ME });
  await inTheEnd(agree);
});
