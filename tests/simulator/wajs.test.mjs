// wa-js, unmodified, on a linked page: messages of every kind, both ways.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ALICE, BOB, CAROL, launch, LID, ME, OTHER, PNG, startFarEnd, TEAM, WaJs } from './support.mjs';

let far, phone, browser, me;

before(async () => {
  far = await startFarEnd();
  phone = far.phone;
  browser = await launch(far);
  me = await WaJs.open(browser);
  await me.ready();
});

after(async () => {
  await browser?.close();
  await far?.close();
});

// ---- linking ----

test('a QR code with any wrong field is refused', async () => {
  const [ref, noise, identity, adv, platform] = (await me.qr()).split(',');
  const strange = Buffer.alloc(32, 7).toString('base64');
  const wrong = [
    [[ref, noise, identity, adv], /4 fields/],
    [[ref, noise, identity, adv, platform, 'x'], /6 fields/],
    [['2@unknown', noise, identity, adv, platform], /^ref/],
    [[ref, noise.slice(0, 20), identity, adv, platform], /^noise: not the base64/],
    [[ref, strange, identity, adv, platform], /^noise: not the key/],
    [[ref, noise, strange, adv, platform], /^identity: not the key/],
    [[ref, noise, identity, strange, platform], /^adv: not the key/],
    [[ref, noise, identity, adv, '11'], /^platform/],
    [[ref, noise, identity, adv, '9'], /^platform/],
  ];
  for (const [fields, reason] of wrong) {
    await assert.rejects(phone.post('/scan', { account: ME, qr: fields.join(',') }), (error) => {
      assert.equal(error.status, 422);
      assert.match(error.answer.error, reason);
      return true;
    });
  }
});

test('references rotate, the old one expires, and after the last the page asks for a refresh', async () => {
  await phone.post('/knobs', { ref_ms: 100, ref_first_ms: 100, ref_count: 2 });
  const old = await me.qr();
  await me.evaluate(() => WPP.conn.refreshQR());
  await me.next('conn.qrcode_idle');
  await assert.rejects(phone.post('/scan', { account: ME, qr: old }), /expired|unknown/);
  await phone.post('/knobs', { ref_ms: 20_000, ref_first_ms: null, ref_count: 6 });
  await me.evaluate(() => WPP.conn.refreshQR());
  const { ref } = await phone.wait('qr');
  await me.next('conn.auth_code_change', (code) => code?.startsWith(ref));
});

test('scanning the right code links the device, and the same code works once', async () => {
  const qr = await me.qr();
  await phone.post('/scan', { account: ME, qr });
  await me.next('conn.authenticated');
  const instance = await phone.wait('main', { account: ME });
  assert.equal(instance.state, 'CONNECTED');
  assert.deepEqual(await me.state(), { socket: 'CONNECTED', mode: 'MAIN', info: 'NORMAL' });
  assert.equal(await me.evaluate(() => String(WPP.conn.getMyUserId())), `${ME}@c.us`);
  assert.equal(await me.evaluate(() => String(WPP.conn.getMyUserLid())), LID[ME]);
  await assert.rejects(phone.post('/scan', { account: OTHER, qr }), /already used/);
});

// ---- out ----

test('a text goes out once and is acknowledged 1, 2 and, when it is read, 3', async () => {
  const sent = await me.call('chat.sendTextMessage', `${ALICE}@c.us`, 'hello Alice');
  assert.equal(sent.ack, 1);
  assert.equal(sent.to, LID[ALICE]);
  const stanza = sent.id.split('_')[2];
  const { items } = await phone.wait('received', { account: ME });
  assert.deepEqual(
    items.map(({ id, to, type, text, count }) => ({ id, to, type, text, count })),
    [{ id: stanza, to: ALICE, type: 'chat', text: 'hello Alice', count: 1 }],
  );
  await me.next('chat.msg_ack_change', (e) => e.ack === 1 && e.ids.includes(stanza));
  await me.next('chat.msg_ack_change', (e) => e.ack === 2 && e.ids.includes(stanza));
  await phone.post('/read', { account: ALICE, from: ME });
  await me.next('chat.msg_ack_change', (e) => e.ack === 3 && e.ids.includes(stanza));
});

test('a message composed with its own key can be sent again and arrives once, counted twice', async () => {
  const id = `true_${LID[BOB]}_3EB0AAAAAAAAAAAAAAAAAA`;
  const options = { waitForAck: true, messageId: id };
  await me.call('chat.sendTextMessage', LID[BOB], 'once', options);
  await me.call('chat.sendTextMessage', LID[BOB], 'once', options);
  const { items } = await phone.get(`/received?account=${ME}`);
  assert.equal(items.find((m) => m.id === '3EB0AAAAAAAAAAAAAAAAAA').count, 2);
  const inbox = await phone.get(`/inbox?account=${BOB}`);
  assert.equal(inbox.items.filter((m) => m.text === 'once').length, 1);
});

test('an unknown number is null to a query and an error to a send', async () => {
  assert.equal(await me.call('contact.queryExists', '5511999999999@c.us'), null);
  await assert.rejects(me.call('chat.sendTextMessage', '5511999999999@c.us', 'x', { createChat: true }));
  const known = await me.call('contact.queryExists', `${CAROL}@c.us`);
  assert.equal(known.wid, `${CAROL}@c.us`);
});

test('a refused send ends as failed, and is not received', async () => {
  const before = (await phone.get(`/received?account=${ME}`)).total;
  await phone.post('/knobs', { account: ME, send_error: { to: BOB, error: 'ERROR_UNKNOWN' } });
  const sent = await me.call('chat.sendTextMessage', LID[BOB], 'refused');
  assert.equal(sent.sendMsgResult.messageSendResult, 'ERROR_UNKNOWN');
  await phone.wait('refused', { account: ME });
  assert.equal(await me.evaluate((id) => WPP.whatsapp.MsgStore.get(id).ack, sent.id), -1);
  await phone.post('/knobs', { account: ME, send_error: null });
  assert.equal((await phone.get(`/received?account=${ME}`)).total, before);
});

test('a reply carries the message it quotes', async () => {
  const { id: original } = await phone.post('/send', { from: ALICE, to: ME, text: 'question?' });
  const { id } = await me.next('chat.new_message', (m) => m.stanza === original);
  await me.call('chat.sendTextMessage', LID[ALICE], 'answer!', { quotedMsg: id });
  const { items } = await phone.get(`/received?account=${ME}`);
  assert.equal(items.at(-1).quoted, original);
});

test('an image goes out with its caption and its bytes', async () => {
  await me.call('chat.sendFileMessage', LID[ALICE], `data:image/png;base64,${PNG}`, {
    type: 'image',
    caption: 'a red square',
    filename: 'red.png',
  });
  const sent = (await phone.get(`/received?account=${ME}`)).items.at(-1);
  assert.equal(sent.type, 'image');
  assert.equal(sent.text, 'a red square');
  assert.equal(sent.mimetype, 'image/png');
  assert.equal(sent.size, Buffer.from(PNG, 'base64').length);
});

test('edits, revokes and reactions reach the far end', async () => {
  const sent = await me.call('chat.sendTextMessage', LID[ALICE], 'first version');
  const stanza = sent.id.split('_')[2];
  const at = `/message?from=${ME}&to=${ALICE}&id=${stanza}`;
  await me.call('chat.editMessage', sent.id, 'second version');
  assert.equal((await phone.get(at)).text, 'second version');
  await me.call('chat.sendReactionToMessage', sent.id, '👍');
  assert.deepEqual((await phone.get(at)).reactions, { [ME]: '👍' });
  const revoked = await me.call('chat.deleteMessage', LID[ALICE], sent.id, false, true);
  assert.equal(revoked.isRevoked, true);
  assert.equal((await phone.get(at)).revoked, true);
});

// ---- in ----

test('texts arrive with chat, sender and name', async () => {
  const { id, t } = await phone.post('/send', { from: ALICE, to: ME, text: 'good morning ☀️' });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(message.id, `false_${LID[ALICE]}_${id}`);
  assert.equal(message.body, 'good morning ☀️');
  assert.equal(message.notifyName, 'Alice');
  assert.equal(await me.evaluate((key) => WPP.whatsapp.MsgStore.get(key).t, message.id), t);
});

test('somebody new arrives too', async () => {
  const { id } = await phone.post('/send', { from: CAROL, to: ME, text: 'you do not know me' });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(message.chat, LID[CAROL]);
});

test('every type arrives with its type and its words', async () => {
  const file = { data_base64: PNG, mimetype: 'application/octet-stream' };
  for (const type of ['video', 'audio', 'ptt', 'document', 'sticker']) {
    const { id } = await phone.post('/send', { from: BOB, to: ME, type, text: `a ${type}`, ...file });
    const message = await me.next('chat.new_message', (m) => m.stanza === id);
    assert.equal(message.type, type);
    assert.equal(message.caption, `a ${type}`);
  }
  const words = { location: 'loc', vcard: 'body', poll: 'pollName' };
  for (const [type, field] of Object.entries(words)) {
    const { id } = await phone.post('/send', { from: BOB, to: ME, type, text: `a ${type}`, lat: 1.5, lng: 2.5 });
    const message = await me.next('chat.new_message', (m) => m.stanza === id);
    assert.equal(message[field], `a ${type}`);
  }
});

test('an image arrives and can be downloaded, unless it is gone', async () => {
  const image = { type: 'image', caption: 'look', mimetype: 'image/png', data_base64: PNG };
  const download = (key) =>
    me.evaluate(async (key) => WPP.util.blobToBase64(await WPP.chat.downloadMedia(key)), key);
  const { id } = await phone.post('/send', { from: BOB, to: ME, ...image });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(message.caption, 'look');
  assert.equal(await download(message.id), `data:image/png;base64,${PNG}`);

  await phone.post('/knobs', { media_missing: true });
  const other = { ...image, data_base64: Buffer.from('another file').toString('base64') };
  const gone = await phone.post('/send', { from: BOB, to: ME, ...other });
  const { id: key } = await me.next('chat.new_message', (m) => m.stanza === gone.id);
  await assert.rejects(me.call('chat.downloadMedia', key), /media_not_found/);
  await phone.post('/knobs', { media_missing: false });
});

test('edits, revokes and reactions of others arrive', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'draft' });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  await phone.post('/edit', { from: ALICE, to: ME, id, text: 'final' });
  const edited = await me.next('chat.msg_edited', (e) => e.stanza === id);
  assert.equal(edited.body, 'final');
  await phone.post('/react', { from: ALICE, to: ME, id, emoji: '❤️' });
  const reaction = await me.next('chat.new_reaction', (e) => e.msg === message.id);
  assert.deepEqual(reaction, { msg: message.id, emoji: '❤️', sender: LID[ALICE] });
  await phone.post('/revoke', { from: ALICE, to: ME, id });
  await me.next('chat.msg_revoke', (e) => e.ref === id);
  assert.equal(await me.evaluate((key) => WPP.whatsapp.MsgStore.get(key).type, message.id), 'revoked');
});

test('what I write on my phone shows as mine', async () => {
  const { id } = await phone.post('/send', { from: ME, to: ALICE, text: 'from my pocket' });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(message.id, `true_${LID[ALICE]}_${id}`);
  assert.equal(message.fromMe, true);
  assert.equal(message.to, LID[ALICE]);
});

test('marking a chat read tells its writer, and reading on my phone clears it here', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'read me' });
  await me.next('chat.new_message', (m) => m.stanza === id);
  await me.call('chat.markIsRead', LID[ALICE]);
  await phone.wait('seen', { account: ME });
  assert.equal((await phone.get(`/message?from=${ALICE}&to=${ME}&id=${id}`)).acks[ME], 3);

  const next = await phone.post('/send', { from: ALICE, to: ME, text: 'and me' });
  await me.next('chat.new_message', (m) => m.stanza === next.id);
  await phone.post('/read', { account: ME, from: ALICE });
  await me.until((chat) => WPP.whatsapp.ChatStore.get(chat).unreadCount === 0, LID[ALICE]);
});

test('a phone that is off line gives no receipts until it is back', async () => {
  await phone.post('/offline', { account: CAROL });
  const sent = await me.call('chat.sendTextMessage', LID[CAROL], 'are you there?');
  const stanza = sent.id.split('_')[2];
  const later = await me.call('chat.sendTextMessage', LID[BOB], 'are you?');
  await me.next('chat.msg_ack_change', (e) => e.ack === 2 && e.ids.includes(later.id.split('_')[2]));
  const { acks } = await phone.get(`/message?from=${ME}&to=${CAROL}&id=${stanza}`);
  assert.deepEqual(acks, {});
  await phone.post('/online', { account: CAROL });
  await me.next('chat.msg_ack_change', (e) => e.ack === 2 && e.ids.includes(stanza));
});

test('every type goes out with its words', async () => {
  const bytes = Buffer.from('not really a file').toString('base64');
  const start = (await phone.get(`/received?account=${ME}`)).items.at(-1).seq;
  for (const [type, mimetype] of [['document', 'application/pdf'], ['audio', 'audio/ogg'], ['video', 'video/mp4']]) {
    const options = { type, caption: `a ${type}`, filename: 'file' };
    await me.call('chat.sendFileMessage', LID[ALICE], `data:${mimetype};base64,${bytes}`, options);
  }
  await me.call('chat.sendLocationMessage', LID[ALICE], { lat: 1.5, lng: 2.5, name: 'Here' });
  await me.call('chat.sendVCardContactMessage', LID[ALICE], { id: `${BOB}@c.us`, name: 'Bob' });
  await me.call('chat.sendCreatePollMessage', LID[ALICE], 'Which one?', ['this', 'that']);
  const { items } = await phone.get(`/received?account=${ME}&since=${start}`);
  assert.deepEqual(
    items.map(({ type, text }) => [type, text.split('\n')[0]]),
    [
      ['document', 'a document'], ['audio', 'a audio'], ['video', 'a video'],
      ['location', 'Here'], ['vcard', 'BEGIN:VCARD'], ['poll_creation', 'Which one?'],
    ],
  );
});

// ---- what is there already ----

test('chats, contacts and messages can be listed and paged through', async () => {
  const { ids } = await phone.post('/send-batch', {
    messages: ['one', 'two', 'three'].map((text) => ({ from: BOB, to: ME, text })),
  });
  await me.next('chat.new_message', (m) => m.stanza === ids[2]);
  const chats = await me.evaluate(async () => (await WPP.chat.list()).map((c) => [String(c.id), c.formattedTitle]));
  assert.ok(chats.some(([id, title]) => id === LID[BOB] && title === 'Bob'));
  assert.ok(chats.some(([id, title]) => id === TEAM && title === 'Team'));
  const contacts = await me.evaluate(async () => (await WPP.contact.list()).map((c) => String(c.id)));
  assert.ok(contacts.includes(`${ALICE}@c.us`) && contacts.includes(LID[ALICE]));

  const page = (options) =>
    me.evaluate(async (c, o) => (await WPP.chat.getMessages(c, o)).map((m) => m.id.id), LID[BOB], options);
  assert.deepEqual(await page({ count: 3 }), ids);
  const anchor = `false_${LID[BOB]}_${ids[2]}`;
  assert.deepEqual(await page({ count: 2, direction: 'before', id: anchor }), ids.slice(0, 2));
  assert.equal(await me.evaluate(async (c) => String((await WPP.chat.find(c)).id), `${BOB}@c.us`), LID[BOB]);
});

// ---- groups ----

test('group messages come with their author, and go out to every member', async () => {
  const { id } = await phone.post('/send', { from: BOB, to: TEAM, text: 'hi team' });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(message.chat, TEAM);
  assert.equal(message.author, LID[BOB]);
  assert.equal(message.id, `false_${TEAM}_${id}_${LID[BOB]}`);

  const sent = await me.call('chat.sendTextMessage', TEAM, 'hi both');
  const stanza = sent.id.split('_')[2];
  assert.equal(sent.id, `true_${TEAM}_${stanza}_${LID[ME]}`);
  for (const member of [ALICE, BOB]) {
    const { items } = await phone.get(`/inbox?account=${member}`);
    assert.ok(items.some((m) => m.id === stanza && m.to === TEAM));
    await phone.post('/read', { account: member, from: TEAM });
  }
  await me.next('chat.msg_ack_change', (e) => e.ack === 3 && e.ids.includes(stanza));
});

test('a group can be made, and its members know it', async () => {
  const made = await me.call('group.create', 'New Team', [`${ALICE}@c.us`, `${CAROL}@c.us`]);
  const id = made.gid._serialized ?? made.gid;
  const participants = await me.evaluate(async (gid) => (await WPP.group.getParticipants(gid)).length, id);
  assert.equal(participants, 3);
  const { id: stanza } = await phone.post('/send', { from: CAROL, to: id, text: 'thanks' });
  const message = await me.next('chat.new_message', (m) => m.stanza === stanza);
  assert.equal(message.author, LID[CAROL]);
});

test('nothing went wrong in the page unnoticed', () => {
  assert.deepEqual(me.of('pageerror'), []);
  assert.deepEqual(me.of('console').filter((text) => /not found|not a function/.test(text)), []);
});
