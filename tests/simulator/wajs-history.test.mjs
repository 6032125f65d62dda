// wa-js, unmodified: histories. Many chats at once, what is on the disk only, what is on the phone only,
// and what changes while the page is away.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ALICE, BOB, launch, LID, ME, removeDir, startFarEnd, TEAM, temporaryDir, WaJs } from './support.mjs';

let far, phone, browser, profile, me;

before(async () => {
  far = await startFarEnd();
  phone = far.phone;
  profile = await temporaryDir();
  browser = await launch(far, profile);
  me = await WaJs.open(browser);
  await me.link(phone, ME);
});

after(async () => {
  await browser?.close();
  await far?.close();
  await removeDir(profile);
});

const truth = (chat) => phone.get(`/history?account=${ME}&chat=${chat}`);
const chatsHere = () => me.evaluate(() => WPP.whatsapp.ChatStore.length);
const inMemory = (id) => me.evaluate((chat) => WPP.chat.get(chat).msgs.length, id);
const page = (id, options) =>
  me.evaluate(async (chat, o) => (await WPP.chat.getMessages(chat, o)).map((m) => m.id.id), id, options);
const stanzas = ({ items }) => items.map((m) => m.id);

async function reload({ meanwhile = async () => {} } = {}) {
  await me.page.close();
  await phone.wait('away', { account: ME });
  await meanwhile();
  me = await WaJs.open(browser);
  await me.ready();
  await phone.wait('main', { account: ME });
}

let bulk;

test('2,000 chats with their histories are there at once, and nobody hears of them', async () => {
  const before = await chatsHere();
  bulk = (await phone.post('/bulk', { account: ME, chats: 2000, messages: 5 })).chats;
  await phone.wait('settled', { account: ME });
  assert.equal(await chatsHere(), before + 2000);
  assert.deepEqual(me.of('chat.new_message'), []);
  const { items } = await phone.get(`/chats?account=${ME}`);
  assert.equal(items.filter((chat) => bulk.includes(chat.id)).length, 2000);
  assert.equal(items.find((chat) => chat.id === bulk[7]).count, 5);
});

test('after a load only the last message of each chat is in memory; the rest is found', async () => {
  await reload();
  assert.equal(await inMemory(bulk[0]), 1);
  const all = stanzas(await truth(bulk[0]));
  assert.deepEqual(await page(bulk[0], { count: -1 }), all);
  assert.deepEqual(await page(bulk[0], { count: 2 }), all.slice(-2));
  const key = await me.evaluate(async (chat) => String((await WPP.chat.getMessages(chat, { count: -1 }))[2].id), bulk[0]);
  assert.deepEqual(await page(bulk[0], { count: 2, direction: 'before', id: key }), all.slice(0, 2));
  assert.deepEqual(await page(bulk[0], { count: 9, direction: 'after', id: key }), all.slice(3));
  assert.match(await me.evaluate(async (id) => (await WPP.chat.getMessageById(id)).body, key), /message 3$/);
  assert.equal(await inMemory(bulk[0]), 1);
  const loaded = await me.evaluate(async (id) => {
    const chat = WPP.chat.get(id);
    await require('WAWebChatLoadMessages').loadEarlierMsgs({ chat });
    return chat.msgs.map((m) => m.id.id);
  }, bulk[0]);
  assert.deepEqual(loaded, all);
});

test('names and settings of those chats are kept', async () => {
  const [, , name] = (await phone.get(`/chats?account=${ME}`)).items.filter((c) => bulk.includes(c.id)).map((c) => c.name);
  assert.equal(await me.evaluate((id) => WPP.chat.get(id).formattedTitle, bulk[2]), name);
});

test('new messages in some of them come as messages, with their unread count', async () => {
  const { ids } = await phone.post('/bulk-touch', { account: ME, chats: bulk.slice(0, 3), messages: 2 });
  await me.next('chat.new_message', (m) => m.stanza === ids.at(-1));
  assert.deepEqual(await me.evaluate((list) => list.map((id) => WPP.chat.get(id).unreadCount), bulk.slice(0, 4)), [2, 2, 2, 0]);
});

test('what happens while the page is away is there when it is back, message or not', async () => {
  const [first] = stanzas(await truth(bulk[5]));
  const person = (await phone.get(`/chats?account=${ME}`)).items.find((c) => c.id === bulk[5]).phone;
  await reload({
    meanwhile: async () => {
      await phone.post('/edit', { from: person, to: ME, id: first, text: 'edited meanwhile' });
      await phone.post('/react', { from: person, to: ME, id: first, emoji: '👍' });
      await phone.post('/send', { from: ME, to: person, text: 'from my phone' });
      await phone.post('/group-change', { group: TEAM, by: ALICE, action: 'leave' });
      await phone.post('/chat-set', { account: ME, chat: BOB, archived: true, unread: true });
    },
  });
  const here = await me.evaluate(async (id) => (await WPP.chat.getMessages(id, { count: -1 })).map((m) => [m.id.id, m.body]), bulk[5]);
  assert.deepEqual(here.map(([id]) => id), stanzas(await truth(bulk[5])));
  assert.equal(here[0][1], 'edited meanwhile');
  assert.equal(here.at(-1)[1], 'from my phone');
  const reactions = await me.evaluate((id, chat) => WPP.chat.getReactions(`false_${chat}_${id}`), first, bulk[5]);
  assert.equal(reactions.reactions[0].aggregateEmoji, '👍');
  const members = await me.evaluate(async (id) => (await WPP.group.getParticipants(id)).map((p) => String(p.id)), TEAM);
  assert.deepEqual(members.sort(), [LID[BOB], LID[ME]].sort());
  const bob = await me.evaluate((id) => [WPP.chat.get(id).archive, WPP.chat.get(id).unreadCount], LID[BOB]);
  assert.deepEqual(bob, [true, -1]);
});

// ---- the phone ----

const askPhone = (id) =>
  me.evaluate(async (chatId) => {
    const chat = WPP.chat.get(chatId);
    const done = new Promise((resolve) => WPP.whatsapp.Cmd.once('history_sync_chunk_processed', resolve));
    await require('WAWebSendNonMessageDataRequest').sendPeerDataOperationRequest(3, { chatId: chat.id });
    await done;
    return chat.endOfHistoryTransferType;
  }, id);

test('older messages come from the phone when they are asked for, and it says when there are no more', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'newest' });
  await me.next('chat.new_message', (m) => m.stanza === id);
  const messages = Array.from({ length: 70 }, (_, i) => ({ text: `old ${i}`, from: i % 2 ? ME : ALICE }));
  const { ids } = await phone.post('/phone-history', { account: ME, chat: ALICE, messages });
  assert.deepEqual(await page(LID[ALICE], { count: -1 }), [id]);
  assert.equal(await askPhone(LID[ALICE]), 0);
  assert.deepEqual(await page(LID[ALICE], { count: -1 }), [...ids.slice(20), id]);
  assert.equal(await askPhone(LID[ALICE]), 1);
  assert.deepEqual(await page(LID[ALICE], { count: -1 }), [...ids, id]);
  assert.deepEqual(stanzas(await truth(ALICE)), [...ids, id]);
  assert.equal(me.of('chat.new_message').some((m) => m.body?.startsWith('old')), false);
});

test('a phone that is off line answers when it is back', async () => {
  await phone.post('/phone-history', { account: ME, chat: BOB, messages: [{ text: 'long ago' }] });
  await phone.post('/offline', { account: ME });
  const asked = askPhone(LID[BOB]);
  await phone.wait('asked', { account: ME });
  assert.deepEqual(await page(LID[BOB], { count: -1 }), []);
  await phone.post('/online', { account: ME });
  assert.equal(await asked, 1);
});

test('a phone gives as much at linking as it is told to', async () => {
  await phone.post('/unlink', { account: ME });
  await me.next('conn.logout');
  await phone.post('/knobs', { account: ME, history_messages: 3 });
  await me.page.close();
  me = await WaJs.open(browser);
  await me.link(phone, ME);
  await phone.wait('settled', { account: ME });
  const all = stanzas(await truth(ALICE));
  assert.deepEqual(await page(LID[ALICE], { count: -1 }), all.slice(-3));
  assert.equal(await inMemory(bulk[9]), 1);
  assert.deepEqual(await page(bulk[9], { count: -1 }), stanzas(await truth(bulk[9])).slice(-3));
  assert.equal(await me.evaluate((id) => WPP.chat.get(id).unreadCount, bulk[1]), 2);
});

test('nothing went wrong in the page unnoticed', () => {
  assert.deepEqual(me.of('pageerror'), []);
});
