// whatsapp-web.js, unmodified, on the same page: a second client that agrees is the only evidence we
// can have that the page is not merely shaped after the first.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  ALICE, BOB, CAROL, killBrowser, LID, Location, ME, MessageMedia, Poll, OTHER, PNG, removeDir, startFarEnd, TEAM,
  temporaryDir, WebClient,
} from './support.mjs';

let far, phone, profile, me;

// This client hears of a restored session only if the synchronisation ends after it is injected.
const PATIENT = { sync_ms: 1500 };

before(async () => {
  far = await startFarEnd({ knobs: PATIENT });
  phone = far.phone;
  profile = await temporaryDir();
  me = WebClient.open(far, profile);
});

after(async () => {
  await me?.close().catch(() => {});
  await far?.close();
  await removeDir(profile);
});

test('links by its own QR code, which has five fields', async () => {
  const qr = await me.next('qr');
  assert.equal(qr.split(',').length, 5);
  await phone.post('/scan', { account: ME, qr });
  await me.next('authenticated');
  await me.next('ready');
  assert.equal(me.client.info.wid.user, ME);
  assert.equal(await me.client.getState(), 'CONNECTED');
});

test('sends a text, and hears 1, 2 and 3', async () => {
  const sent = await me.client.sendMessage(`${ALICE}@c.us`, 'hello');
  await phone.wait('received', { account: ME });
  for (const ack of [1, 2]) await me.next('message_ack', ([m, level]) => m.id.id === sent.id.id && level === ack);
  await phone.post('/read', { account: ALICE, from: ME });
  await me.next('message_ack', ([m, level]) => m.id.id === sent.id.id && level === 3);
  const { items } = await phone.get(`/received?account=${ME}`);
  assert.deepEqual(items.map(({ id, to, text, count }) => ({ id, to, text, count })), [
    { id: sent.id.id, to: ALICE, text: 'hello', count: 1 },
  ]);
});

test('sends to somebody without a chat, and not to an unknown number', async () => {
  await me.client.sendMessage(`${CAROL}@c.us`, 'nice to meet you');
  const { items } = await phone.wait('inbox', { account: CAROL });
  assert.equal(items[0].text, 'nice to meet you');
  assert.equal(await me.client.getNumberId('5511999999999'), null);
});

test('receives a text, quotes it and reads it', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'question?' });
  const message = await me.next('message', (m) => m.id.id === id);
  assert.equal(message.body, 'question?');
  assert.equal(message.from, LID[ALICE]);
  const reply = await message.reply('answer!');
  const received = await phone.wait('message', { account: ME, to: ALICE, id: reply.id.id });
  assert.equal(received.quoted, id);
  await (await message.getChat()).sendSeen();
  await phone.wait('seen', { account: ME });
});

test('media goes both ways', async () => {
  await me.client.sendMessage(LID[BOB], new MessageMedia('image/png', PNG, 'red.png'), { caption: 'out' });
  const sent = (await phone.wait('inbox', { account: BOB })).items.at(-1);
  assert.deepEqual([sent.type, sent.text, sent.size], ['image', 'out', Buffer.from(PNG, 'base64').length]);
  const { id } = await phone.post('/send', {
    from: BOB, to: ME, type: 'image', caption: 'in', mimetype: 'image/png', data_base64: PNG,
  });
  const message = await me.next('message', (m) => m.id.id === id);
  assert.equal(message.hasMedia, true);
  assert.equal((await message.downloadMedia()).data, PNG);
});

test('places and polls go both ways, with their votes', async () => {
  const arrived = ({ id }) => phone.wait('message', { account: ME, to: BOB, id: id.id });
  const { location } = await arrived(await me.client.sendMessage(LID[BOB], new Location(1.5, 2.5, { name: 'Here' })));
  assert.deepEqual([location.latitude, location.name], [1.5, 'Here']);
  const poll = await me.client.sendMessage(LID[BOB], new Poll('Which?', ['a', 'b']));
  const { poll: sent } = await arrived(poll);
  assert.deepEqual([sent.question, sent.options], ['Which?', ['a', 'b']]);
  await phone.post('/vote', { from: BOB, to: ME, id: poll.id.id, options: ['b'] });
  const vote = await me.next('vote_update', (v) => v.parentMessage.id.id === poll.id.id);
  assert.deepEqual([vote.voter, vote.selectedOptions.map(({ name }) => name)], [LID[BOB], ['b']]);

  const place = await phone.post('/send', { from: BOB, to: ME, type: 'location', lat: -1, lng: -2, name: 'There' });
  const there = await me.next('message', (m) => m.id.id === place.id);
  assert.equal(Number(there.location.latitude), -1);
  const { id } = await phone.post('/send', { from: BOB, to: ME, type: 'poll', text: 'And you?', poll_options: ['x', 'y'] });
  const asked = await me.next('message', (m) => m.id.id === id);
  assert.deepEqual([asked.pollName, asked.pollOptions.map(({ name }) => name)], ['And you?', ['x', 'y']]);
});

test('forwards, and finds the reactions of others', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'pass it on' });
  const message = await me.next('message', (m) => m.id.id === id);
  await message.forward(LID[BOB]);
  const passed = (await phone.get(`/inbox?account=${BOB}`)).items.find((m) => m.text === 'pass it on');
  assert.equal(passed.forwarded, true);
  await phone.post('/react', { from: ALICE, to: ME, id, emoji: '👍' });
  await me.next('message_reaction', (r) => r.msgId.id === id);
  const found = await (await me.client.getMessageById(message.id._serialized)).getReactions();
  assert.deepEqual(found.map(({ aggregateEmoji, senders }) => [aggregateEmoji, senders[0].senderId]), [['👍', LID[ALICE]]]);
});

test('edits, reacts and revokes', async () => {
  const sent = await me.client.sendMessage(LID[ALICE], 'first');
  await phone.wait('message', { account: ME, to: ALICE, id: sent.id.id });
  const at = `/message?from=${ME}&to=${ALICE}&id=${sent.id.id}`;
  await sent.edit('second');
  await sent.react('🎉');
  const changed = await phone.get(at);
  assert.deepEqual([changed.text, changed.reactions], ['second', { [ME]: '🎉' }]);
  await sent.delete(true);
  assert.equal((await phone.get(at)).revoked, true);
});

test('hears of edits, reactions and revokes of others', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'draft' });
  await me.next('message', (m) => m.id.id === id);
  await phone.post('/edit', { from: ALICE, to: ME, id, text: 'final' });
  await me.next('message_edit', ([m, now, then]) => m.id.id === id && now === 'final' && then === 'draft');
  await phone.post('/react', { from: ALICE, to: ME, id, emoji: '👀' });
  const reaction = await me.next('message_reaction', (r) => r.msgId.id === id);
  assert.equal(reaction.reaction, '👀');
  assert.equal(reaction.senderId, LID[ALICE]);
  await phone.post('/revoke', { from: ALICE, to: ME, id });
  await me.next('message_revoke_everyone', ([after]) => after.id.id === id);
});

test('groups: author in, every member out', async () => {
  const { id } = await phone.post('/send', { from: BOB, to: TEAM, text: 'hi team' });
  const message = await me.next('message', (m) => m.id.id === id);
  assert.equal(message.author, LID[BOB]);
  const chat = await message.getChat();
  assert.deepEqual([chat.isGroup, chat.name], [true, 'Team']);
  const sent = await chat.sendMessage('hi both');
  await phone.wait('message', { account: ME, to: TEAM, id: sent.id.id });
  for (const member of [ALICE, BOB]) {
    const { items } = await phone.get(`/inbox?account=${member}`);
    assert.ok(items.some((m) => m.id === sent.id.id));
  }
});

test('keeps history and login over a restart, and gets what came meanwhile', async () => {
  await me.settled();
  await killBrowser(me.client.pupBrowser);
  await phone.wait('away', { account: ME });
  await phone.post('/send', { from: ALICE, to: ME, text: 'while you were away' });
  me = WebClient.open(far, profile);
  await me.next('ready');
  assert.deepEqual(me.of('qr'), []);
  const chat = await me.client.getChatById(LID[ALICE]);
  const texts = (await chat.fetchMessages({ limit: 50 })).map((m) => m.body);
  assert.ok(texts.includes('question?'));
  assert.ok(texts.includes('while you were away'));
});

test('is told when the phone unlinks it, and shows a new code', async () => {
  await phone.post('/unlink', { account: ME });
  assert.equal(await me.next('disconnected'), 'LOGOUT');
  await me.next('qr');
  await phone.wait('qr');
});

test('links by pairing code, for an account without LIDs, and takes the session back', async () => {
  await me.close();
  const other = await temporaryDir();
  me = WebClient.open(far, other, {
    pairWithPhoneNumber: { phoneNumber: OTHER, showNotification: true, intervalMs: 180_000 },
    takeoverOnConflict: true,
    takeoverTimeoutMs: 100,
  });
  const code = await me.next('code');
  await assert.rejects(phone.post('/pairing-code', { account: ME, code }), /was asked for/);
  await phone.post('/pairing-code', { account: OTHER, code });
  await me.next('ready');

  const { id } = await phone.post('/send', { from: ALICE, to: OTHER, text: 'by number' });
  const message = await me.next('message', (m) => m.id.id === id);
  assert.equal(message.from, `${ALICE}@c.us`);

  await phone.post('/conflict', { account: OTHER });
  await me.next('change_state', (state) => state === 'CONFLICT');
  await me.next('change_state', (state) => state === 'CONNECTED');
  await phone.wait('main', { account: OTHER });
  await me.close();
  await removeDir(other);
});
