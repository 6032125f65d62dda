// What changed while the browser was away is there when it is back: a client that only looks sees the
// final state of everything, at once and after another restart.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ALICE, BOB, killBrowser, launch, LID, ME, removeDir, startFarEnd, TEAM, temporaryDir, WaJs } from './support.mjs';

let far, phone, profile, browser, me;

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

async function leave(how) {
  await how(browser);
  await phone.wait('away', { account: ME });
}

async function comeBack() {
  browser = await launch(far, profile);
  me = await WaJs.open(browser);
  await phone.wait('main', { account: ME });
  await me.ready();
}

// What a client finds that has heard nothing.
const look = (key) =>
  me.evaluate(async (key) => {
    const model = await WPP.chat.getMessageById(key).catch(() => null);   // in memory or not
    if (!model) return null;
    const { type, body, caption, ack, hasReaction, isForwarded, pollName, lat, filename, callOutcome } = model;
    const found = { type, text: body ?? caption ?? pollName, ack, hasReaction, isForwarded, lat, filename, callOutcome };
    found.edited = model.latestEditMsgKey !== undefined;
    found.mentions = (model.mentionedJidList ?? []).map(String);
    const { reactions } = await WPP.chat.getReactions(key);
    found.reactions = reactions.flatMap(({ senders }) => senders.map((s) => `${s.sender} ${s.reactionText}`));
    if (type === 'poll_creation') {
      const { votes } = await WPP.chat.getVotes(key);
      found.votes = votes.map((v) => `${v.sender} ${v.selectedOptions.filter(Boolean).map(({ name }) => name)}`);
    }
    return JSON.parse(JSON.stringify(found));
  }, key);

const keys = {};

test('messages of before, some of ours', async () => {
  const send = async (name, message) => {
    const { id } = await phone.post('/send', { from: ALICE, to: ME, ...message });
    keys[name] = { id, key: (await me.next('chat.new_message', (m) => m.stanza === id)).id };
  };
  await send('edited', { text: 'first' });
  await send('revoked', { type: 'image', mimetype: 'image/png', size_bytes: 100, seed: 1, caption: 'oops' });
  await send('reacted', { text: 'nice?' });
  await send('poll', { to: TEAM, type: 'poll', text: 'Which?', poll_options: ['a', 'b'] });
  await send('pending', { text: 'now I can be read', pending: true });
  await phone.post('/react', { from: ALICE, to: ME, id: keys.revoked.id, emoji: '😱' });
  const sent = await me.call('chat.sendTextMessage', LID[ALICE], 'read this');
  keys.ours = { id: sent.id.split('_')[2], key: sent.id };
});

const PLACE = { type: 'location', lat: -23.5, lng: -46.6 };

test('everything changes while the browser is away', async () => {
  await leave((gone) => gone.close());
  await phone.post('/edit', { from: ALICE, to: ME, id: keys.edited.id, text: 'second' });
  await phone.post('/edit', { from: ALICE, to: ME, id: keys.edited.id, text: 'third' });
  await phone.post('/revoke', { from: ALICE, to: ME, id: keys.revoked.id });
  await phone.post('/react', { from: ALICE, to: ME, id: keys.reacted.id, emoji: '👍' });
  await phone.post('/react', { from: ME, to: ALICE, id: keys.reacted.id, emoji: '👀' });
  await phone.post('/react', { from: ALICE, to: ME, id: keys.reacted.id, emoji: '❤️' });
  await phone.post('/vote', { from: BOB, to: TEAM, id: keys.poll.id, options: ['a'] });
  await phone.post('/vote', { from: BOB, to: TEAM, id: keys.poll.id, options: ['b'] });
  await phone.post('/vote', { from: ME, to: TEAM, id: keys.poll.id, options: ['a', 'b'] });
  await phone.post('/fill', { from: ALICE, to: ME, id: keys.pending.id });
  await phone.post('/read', { account: ALICE, from: ME });

  const send = async (name, message) => {
    const { from, to, ...rest } = { from: ALICE, to: ME, ...message };
    const { id } = await phone.post('/send', { from, to, ...rest });
    const chat = from === ME ? to : from;
    keys[name] = { id, key: `${from === ME}_${LID[chat]}_${id}` };
  };
  await send('file', { type: 'document', mimetype: 'text/plain', filename: 'a.txt', size_bytes: 2000, seed: 'away' });
  await send('mine', { from: ME, to: BOB, ...PLACE });
  await send('forwarded', { text: 'pass on', forwarded: true, mentions: [ME] });
  await send('fast', { text: 'came' });
  await phone.post('/edit', { from: ALICE, to: ME, id: keys.fast.id, text: 'came and changed' });
  await phone.post('/react', { from: ME, to: ALICE, id: keys.fast.id, emoji: '⚡' });
  await send('gone', { text: 'came and went' });
  await phone.post('/revoke', { from: ALICE, to: ME, id: keys.gone.id });
  await send('filled', { text: 'was not readable', pending: true });
  await phone.post('/fill', { from: ALICE, to: ME, id: keys.filled.id });
  await send('placeholder', { text: 'is not readable', pending: true });
  const call = await phone.post('/call', { from: ALICE, to: ME });
  await phone.post('/call-end', { id: call.id, state: 'missed' });
  keys.call = { id: call.id, key: `false_${LID[ALICE]}_${call.id}` };
  const post = await phone.post('/status', { from: ALICE, text: 'busy' });
  keys.status = { id: post.id, key: `false_status@broadcast_${post.id}_${LID[ALICE]}` };
});

async function checkAll() {
  const now = Object.fromEntries(await Promise.all(Object.entries(keys).map(async ([name, { key }]) => [name, await look(key)])));
  for (const name of Object.keys(keys)) assert.notEqual(now[name], null, name);
  assert.deepEqual([now.edited.text, now.edited.edited], ['third', true]);
  assert.deepEqual([now.revoked.type, now.revoked.text, now.revoked.reactions], ['revoked', undefined, []]);
  assert.equal(now.reacted.hasReaction, true);
  assert.deepEqual(now.reacted.reactions.sort(), [`${LID[ALICE]} ❤️`, `${LID[ME]} 👀`]);
  assert.deepEqual(now.poll.votes.sort(), [`${LID[BOB]} b`, `${LID[ME]} a,b`].sort());
  assert.deepEqual([now.pending.type, now.pending.text], ['chat', 'now I can be read']);
  assert.equal(now.ours.ack, 3);
  assert.deepEqual([now.file.type, now.file.filename], ['document', 'a.txt']);
  assert.deepEqual([now.mine.type, now.mine.lat], ['location', PLACE.lat]);
  assert.deepEqual([now.forwarded.isForwarded, now.forwarded.mentions], [true, [LID[ME]]]);
  assert.deepEqual([now.fast.text, now.fast.edited, now.fast.reactions], ['came and changed', true, [`${LID[ME]} ⚡`]]);
  assert.equal(now.gone.type, 'revoked');
  assert.deepEqual([now.filled.type, now.filled.text], ['chat', 'was not readable']);
  assert.equal(now.placeholder.type, 'ciphertext');
  assert.deepEqual([now.call.type, now.call.callOutcome], ['call_log', 'Missed']);
  assert.deepEqual([now.status.type, now.status.text], ['chat', 'busy']);
  const size = await me.evaluate(async (key) => (await WPP.chat.downloadMedia(key)).size, keys.file.key);
  assert.equal(size, 2000);
  const posts = await me.evaluate((lid) => WPP.status.get(lid).msgs.map((m) => m.id.id), LID[ALICE]);
  assert.deepEqual(posts, [keys.status.id]);
}

test('the final state is there when it is back', async () => {
  await comeBack();
  await checkAll();
  // A call that is over does not ring.
  assert.deepEqual(me.of('call.incoming_call'), []);
});

test('and it is still there after a crash', async () => {
  await leave(killBrowser);
  await comeBack();
  await checkAll();
});

test('a placeholder of before the crash, not even in memory, is filled in under its key', async () => {
  await leave(killBrowser);
  await comeBack();
  assert.equal(await me.evaluate((key) => !!WPP.whatsapp.MsgStore.get(key), keys.placeholder.key), false);
  await phone.post('/fill', { from: ALICE, to: ME, id: keys.placeholder.id });
  const { id, body } = await me.next('chat.new_message', (m) => m.stanza === keys.placeholder.id);
  assert.deepEqual([id, body], [keys.placeholder.key, 'is not readable']);
});

test('what was still to be sent at a crash goes out whole, once', async () => {
  await phone.post('/drop', { account: ME, ms: 3000 });
  const start = (await phone.get(`/received?account=${ME}`)).total;
  await me.waitSocket('OPENING');
  const options = { waitForAck: false, linkPreview: false };
  const file = { ...options, type: 'document', filename: 'late.txt', caption: 'late' };
  const sent = [
    await me.call('chat.sendFileMessage', LID[BOB], 'data:text/plain;base64,aGVsbG8=', file),
    await me.call('chat.sendCreatePollMessage', LID[BOB], 'When?', ['now', 'then'], options),
    await me.call('chat.sendLocationMessage', LID[BOB], { ...PLACE, name: 'There', ...options }),
    await me.call('chat.sendVCardContactMessage', LID[BOB], [{ id: `${ALICE}@c.us`, name: 'A' }, { id: `${BOB}@c.us`, name: 'B' }], options),
    await me.call('chat.sendTextMessage', TEAM, `@${LID[BOB].split('@')[0]}`, options),
  ];
  await me.until((key) => WPP.whatsapp.MsgStore.get(key).directPath, sent[0].id);
  await leave(killBrowser);
  await comeBack();
  const { items } = await phone.wait('received', { account: ME, count: start + sent.length });
  const found = sent.map(({ id }) => items.find((item) => item.id === id.split('_')[2]));
  assert.deepEqual(found.map(({ type }) => type), ['document', 'poll_creation', 'location', 'multi_vcard', 'chat']);
  assert.deepEqual([found[0].text, found[0].filename, found[0].size], ['late', 'late.txt', 5]);
  assert.deepEqual(found[1].poll.options, ['now', 'then']);
  assert.deepEqual([found[2].location.name, found[2].location.longitude], ['There', PLACE.lng]);
  assert.deepEqual(found[3].contacts.map(({ name }) => name), ['A', 'B']);
  assert.deepEqual(found[4].mentions, [BOB]);
});

test('nothing went wrong in the page unnoticed', () => {
  assert.deepEqual(me.of('pageerror'), []);
});
