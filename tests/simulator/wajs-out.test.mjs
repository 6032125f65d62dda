// wa-js, unmodified: every kind of message on its way out, as the far end gets it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';

import { seededBytes } from './media-store.mjs';
import { ALICE, BOB, CAROL, launch, LID, ME, MP4, PNG, startFarEnd, TEAM, WAV, WaJs } from './support.mjs';

let far, phone, browser, me;

before(async () => {
  far = await startFarEnd();
  phone = far.phone;
  browser = await launch(far);
  me = await WaJs.open(browser);
  await me.link(phone, ME);
});

after(async () => {
  await browser?.close();
  await far?.close();
});

const stanzaOf = (sent) => sent.id.split('_')[2];
const received = async (id) => (await phone.get(`/received?account=${ME}`)).items.find((item) => item.id === id);

async function fileOf(id) {
  const response = await fetch(`http://127.0.0.1:${far.phone_port}/received-file?account=${ME}&id=${id}`);
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

// As a client does that has the file in pieces: a File made of them, never one string.
async function sendFile(chat, bytes, mimetype, options) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 200_000) pieces.push(bytes.subarray(at, at + 200_000).toString('base64'));
  const sent = await me.evaluate(
    async (chat, pieces, type, options) => {
      const parts = pieces.map((piece) => Uint8Array.from(atob(piece), (c) => c.charCodeAt(0)));
      const file = new File(parts, options.filename ?? 'file', { type });
      return JSON.parse(JSON.stringify(await WPP.chat.sendFileMessage(chat, file, options)));
    },
    chat, pieces, mimetype, options,
  );
  assert.equal(sent.sendMsgResult.messageSendResult, 'OK');
  const item = await received(stanzaOf(sent));
  assert.deepEqual(await fileOf(item.id), bytes);
  assert.equal(item.filehash, createHash('sha256').update(bytes).digest('base64'));
  assert.equal(item.size, bytes.length);
  return item;
}

// ---- files ----

test('an image goes out with its caption and its dimensions, and once to be seen if wanted', async () => {
  const bytes = Buffer.from(PNG, 'base64');
  const item = await sendFile(LID[ALICE], bytes, 'image/png', { type: 'image', caption: 'red', filename: 'red.png' });
  assert.deepEqual([item.type, item.text, item.mimetype], ['image', 'red', 'image/png']);
  assert.deepEqual([item.width, item.height, item.view_once], [4, 4, false]);
  const once = await sendFile(LID[ALICE], bytes, 'image/png', { type: 'image', isViewOnce: true });
  assert.equal(once.view_once, true);
});

test('a video goes out with what its headers say, as a gif if wanted', async () => {
  const item = await sendFile(LID[ALICE], MP4, 'video/mp4', { type: 'video', caption: 'moving' });
  assert.deepEqual([item.type, item.text, item.gif, item.duration], ['video', 'moving', false, 5]);
  assert.deepEqual([item.width, item.height], [320, 240]);
  const gif = await sendFile(LID[ALICE], MP4, 'video/mp4', { type: 'video', isGif: true });
  assert.equal(gif.gif, true);
});

test('an audio and a voice note go out with their duration', async () => {
  const audio = await sendFile(LID[ALICE], WAV, 'audio/wav', { type: 'audio' });
  assert.deepEqual([audio.type, audio.ptt, audio.duration], ['audio', false, 2]);
  const voice = await sendFile(LID[ALICE], WAV, 'audio/ogg; codecs=opus', { type: 'audio', isPtt: true });
  assert.deepEqual([voice.type, voice.ptt, voice.mimetype], ['ptt', true, 'audio/ogg; codecs=opus']);
  assert.equal(voice.duration, 2);
});

test('a document and a sticker go out', async () => {
  const bytes = seededBytes(10_000, 'document');
  const options = { type: 'document', filename: 'report.pdf', caption: 'the report' };
  const item = await sendFile(LID[ALICE], bytes, 'application/pdf', options);
  assert.deepEqual([item.type, item.filename, item.text], ['document', 'report.pdf', 'the report']);
  const bare = await sendFile(LID[ALICE], bytes, 'application/pdf', { type: 'document', filename: 'bare.pdf' });
  assert.equal(bare.text, null);
  const sticker = await sendFile(LID[ALICE], seededBytes(3000, 'webp'), 'image/webp', { type: 'sticker' });
  assert.deepEqual([sticker.type, sticker.mimetype], ['sticker', 'image/webp']);
});

test('files that cannot be decoded go out all the same', async () => {
  const bytes = seededBytes(5000, 'garbage');
  for (const [type, mimetype] of [['image', 'image/jpeg'], ['video', 'video/mp4'], ['audio', 'audio/mpeg']]) {
    const item = await sendFile(LID[BOB], bytes, mimetype, { type });
    assert.deepEqual([item.type, item.width, item.duration], [type, null, null]);
  }
});

test('a file of 60 MB goes out whole, from a File made in the page', async () => {
  const size = 60 << 20;
  const sent = await me.evaluate(
    async (chat, size) => {
      const key = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('large'));
      const aes = await crypto.subtle.importKey('raw', key.slice(0, 16), 'AES-CTR', false, ['encrypt']);
      const algorithm = { name: 'AES-CTR', counter: new Uint8Array(16), length: 128 };
      const bytes = await crypto.subtle.encrypt(algorithm, aes, new Uint8Array(size));
      const pieces = [];
      for (let at = 0; at < size; at += 1 << 20) pieces.push(bytes.slice(at, at + (1 << 20)));
      const file = new File(pieces, 'large.bin', { type: 'application/zip' });
      return JSON.parse(JSON.stringify(await WPP.chat.sendFileMessage(chat, file, { type: 'document' })));
    },
    LID[BOB], size,
  );
  const bytes = await fileOf(stanzaOf(sent));
  assert.ok(bytes.equals(seededBytes(size, 'large')));
});

test('a file that cannot be uploaded is not sent, and says so', async () => {
  await phone.post('/knobs', { upload_error: true });
  const options = { type: 'document', filename: 'a.txt' };
  const sent = await me.call('chat.sendFileMessage', LID[BOB], 'data:text/plain;base64,aGVsbG8=', options);
  await phone.post('/knobs', { upload_error: false });
  assert.equal(sent.sendMsgResult.messageSendResult, 'ERROR_UPLOAD');
  assert.equal(await me.evaluate((id) => WPP.whatsapp.MsgStore.get(id).ack, sent.id), -1);
  assert.equal(await received(stanzaOf(sent)), undefined);
});

// ---- the other kinds ----

test('a place goes out', async () => {
  const place = { lat: -23.5, lng: -46.6, name: 'Here', address: 'Street 1' };
  const sent = await me.call('chat.sendLocationMessage', LID[ALICE], place);
  const { type, location } = await received(stanzaOf(sent));
  assert.equal(type, 'location');
  assert.deepEqual(location, { latitude: -23.5, longitude: -46.6, name: 'Here', address: 'Street 1', live: false });
});

test('one contact and several go out', async () => {
  const bob = { id: `${BOB}@c.us`, name: 'Bob B.' };
  const one = await received(stanzaOf(await me.call('chat.sendVCardContactMessage', LID[ALICE], bob)));
  assert.equal(one.type, 'vcard');
  assert.deepEqual(one.contacts.map(({ name, phones }) => [name, phones]), [['Bob B.', [BOB]]]);
  const carol = { id: `${CAROL}@c.us`, name: 'Carol' };
  const two = await received(stanzaOf(await me.call('chat.sendVCardContactMessage', LID[ALICE], [bob, carol])));
  assert.equal(two.type, 'multi_vcard');
  assert.deepEqual(two.contacts.map(({ name }) => name), ['Bob B.', 'Carol']);
});

test('a poll goes out, and its votes come back', async () => {
  const options = { selectableCount: 1 };
  const sent = await me.call('chat.sendCreatePollMessage', LID[ALICE], 'Which one?', ['this', 'that'], options);
  const id = stanzaOf(sent);
  const { poll } = await received(id);
  assert.deepEqual(poll, { question: 'Which one?', options: ['this', 'that'], max_choices: 1, votes: [] });
  await phone.post('/vote', { from: ALICE, to: ME, id, options: ['that'] });
  const vote = await me.next('chat.poll_response', (e) => e.msg === sent.id);
  assert.deepEqual(vote, { msg: sent.id, sender: LID[ALICE], options: ['that'] });
  assert.deepEqual((await received(id)).poll.votes.map(({ by, options: chosen }) => [by, chosen]), [[ALICE, ['that']]]);
});

test('mentions go out, of some and of all', async () => {
  const team = (text, options) => me.call('chat.sendTextMessage', TEAM, text, options).then(stanzaOf).then(received);
  const lid = LID[ALICE].split('@')[0];
  assert.deepEqual((await team(`hello @${lid}`)).mentions, [ALICE]);
  assert.deepEqual((await team('hello you', { mentionedList: [LID[BOB]] })).mentions, [BOB]);
  const all = await team('hello @all');
  assert.deepEqual([all.mentions, all.mention_all], [[], true]);
});

test('a link goes out with its preview, with one of ours, or without', async () => {
  const url = 'https://example.com/page';
  const send = (options) => me.call('chat.sendTextMessage', LID[ALICE], `see ${url}`, options).then(stanzaOf).then(received);
  const { link, text } = await send({ linkPreview: true });
  assert.equal(text, `see ${url}`);
  assert.deepEqual(link, { url, title: 'Title of example.com', description: 'What example.com is about' });
  const ours = await send({ linkPreview: { title: 'Our own' } });
  assert.equal(ours.link.title, 'Our own');
  assert.equal((await send({ linkPreview: false })).link, null);
});

test('messages are forwarded, as forwarded, with their files', async () => {
  const bytes = seededBytes(4000, 'to be forwarded');
  const file = { type: 'image', mimetype: 'image/png', caption: 'look', data_base64: bytes.toString('base64') };
  const { id } = await phone.post('/send', { from: ALICE, to: ME, ...file });
  const { id: key } = await me.next('chat.new_message', (m) => m.stanza === id);
  for (const call of [['chat.forwardMessages', LID[CAROL], [key]], ['chat.forwardMessage', LID[CAROL], key]]) {
    const count = (await phone.get(`/inbox?account=${CAROL}`)).total;
    await me.call(...call, { displayCaptionText: true });
    const { items } = await phone.wait('inbox', { account: CAROL, count: count + 1 });
    const { type, forwarded, text, id: sent } = items.at(-1);
    assert.deepEqual([type, forwarded, text], ['image', true, 'look']);
    assert.deepEqual(await fileOf(sent), bytes);
  }
});

test('captions are edited, files revoked and reacted to', async () => {
  const options = { type: 'image', caption: 'first' };
  const sent = await me.call('chat.sendFileMessage', LID[ALICE], `data:image/png;base64,${PNG}`, options);
  const id = stanzaOf(sent);
  await me.call('chat.editMessage', sent.id, 'second');
  await me.call('chat.sendReactionToMessage', sent.id, '🎈');
  const { text, edited, reactions } = await received(id);
  assert.deepEqual([text, edited, reactions], ['second', true, { [ME]: '🎈' }]);
  await me.call('chat.sendReactionToMessage', sent.id, '');
  await me.call('chat.deleteMessage', LID[ALICE], sent.id, false, true);
  const end = await received(id);
  assert.deepEqual([end.revoked, end.reactions], [true, {}]);
});

test('a change that is refused says so and changes nothing', async () => {
  const sent = await me.call('chat.sendTextMessage', LID[ALICE], 'as it is');
  await phone.post('/knobs', { account: ME, change_error: 'ERROR_EXPIRED' });
  await assert.rejects(me.call('chat.editMessage', sent.id, 'otherwise'), /ERROR_EXPIRED/);
  await assert.rejects(me.call('chat.deleteMessage', LID[ALICE], sent.id, false, true), /ERROR_EXPIRED/);
  const { sendMsgResult } = await me.call('chat.sendReactionToMessage', sent.id, '🎈');
  assert.equal(sendMsgResult.messageSendResult, 'ERROR_EXPIRED');
  await phone.post('/knobs', { account: ME, change_error: null });
  const { text, edited, revoked, reactions } = await received(stanzaOf(sent));
  assert.deepEqual([text, edited, revoked, reactions], ['as it is', false, false, {}]);
  assert.equal(await me.evaluate((key) => WPP.whatsapp.MsgStore.get(key).body, sent.id), 'as it is');
});

test('what is heard is told to who said it', async () => {
  const voice = { type: 'ptt', mimetype: 'audio/ogg', data_base64: WAV.toString('base64'), duration: 2 };
  const { id } = await phone.post('/send', { from: ALICE, to: ME, ...voice });
  const { id: key } = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(await me.call('chat.canMarkPlayed', key), true);
  await me.call('chat.markPlayed', key);
  assert.equal((await phone.get(`/message?from=${ALICE}&to=${ME}&id=${id}`)).acks[ME], 4);
});

test('typing and recording are shown to the other side', async () => {
  await me.call('chat.markIsComposing', LID[ALICE]);
  await me.call('chat.markIsRecording', TEAM);
  await me.call('chat.markIsPaused', LID[ALICE]);
  const { items } = await phone.wait('presence', { account: ME, count: 3 });
  assert.deepEqual(
    items.map(({ to, state }) => [to, state]),
    [[ALICE, 'composing'], [TEAM, 'recording'], [ALICE, 'paused']],
  );
});

// ---- status posts ----

test('status posts go to those who know us, and can be taken back', async () => {
  const text = await me.call('status.sendTextStatus', 'my day', { waitForAck: true });
  const posted = await received(stanzaOf(text));
  assert.deepEqual([posted.to, posted.type, posted.text], ['status@broadcast', 'chat', 'my day']);
  assert.equal((await phone.get(`/inbox?account=${ALICE}`)).items.at(-1).id, posted.id);
  await me.next('chat.msg_ack_change', (e) => e.ack === 2 && e.ids.includes(posted.id));

  const image = await me.call('status.sendImageStatus', `data:image/png;base64,${PNG}`, { caption: 'my view' });
  const picture = await received(stanzaOf(image));
  assert.deepEqual([picture.to, picture.type, picture.text], ['status@broadcast', 'image', 'my view']);
  assert.deepEqual(await fileOf(picture.id), Buffer.from(PNG, 'base64'));
  const mine = () => me.evaluate(async () => (await WPP.status.getMyStatus()).msgs.map((m) => m.id.id));
  assert.deepEqual(await mine(), [posted.id, picture.id]);

  await me.call('status.remove', text.id);
  assert.equal((await received(posted.id)).revoked, true);
});

test('nothing went wrong in the page unnoticed', () => {
  assert.deepEqual(me.of('pageerror'), []);
});
