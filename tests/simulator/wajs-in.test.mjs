// wa-js, unmodified: every kind of message, call and sign of life as it comes in.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';

import { seededBytes } from './media-store.mjs';
import { ALICE, BOB, CAROL, launch, LID, ME, OTHER, PNG, startFarEnd, TEAM, WaJs } from './support.mjs';

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

// Sends it, waits until the client was told, and returns the key and what the model holds.
async function arrive(message) {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, ...message });
  const { id: key } = await me.next('chat.new_message', (m) => m.stanza === id);
  return { id, key, model: await modelOf(key) };
}

// As a client sees it: plain data of the properties it may ask for.
const modelOf = (key) =>
  me.evaluate((key) => {
    const model = WPP.whatsapp.MsgStore.get(key);
    const names = [
      'type', 'body', 'caption', 'mimetype', 'filename', 'size', 'filehash', 'width', 'height', 'duration', 'isGif',
      'isViewOnce', 'lat', 'lng', 'loc', 'isLive', 'vcardFormattedName', 'vcardList', 'pollName', 'pollOptions',
      'pollSelectableOptionsCount', 'isForwarded', 'forwardingScore', 'subtype', 'title', 'description', 'canonicalUrl',
      'matchedText', 'nonJidMentions', 'mentionedJidList', 'isVideoCall', 'callOutcome', 'callDuration', 'hasReaction',
    ];
    return JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, model[name]]))));
  }, key);

// The digest is made in the page: 60 MB of base64 would not pass.
const download = (key) =>
  me.evaluate(async (key) => {
    const blob = await WPP.chat.downloadMedia(key);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
    return { size: blob.size, type: blob.type, filehash: btoa(String.fromCharCode(...digest)) };
  }, key);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('base64');

// ---- files ----

test('files of every kind arrive whole, with what is known of them', async () => {
  const kinds = [
    { type: 'image', mimetype: 'image/jpeg', width: 640, height: 480, caption: 'a view' },
    { type: 'video', mimetype: 'video/mp4', width: 320, height: 240, duration: 7, caption: 'moving' },
    { type: 'video', mimetype: 'video/mp4', gif: true, duration: 2 },
    { type: 'audio', mimetype: 'audio/mpeg', duration: 61 },
    { type: 'ptt', mimetype: 'audio/ogg; codecs=opus', duration: 3 },
    { type: 'document', mimetype: 'application/pdf', filename: 'report.pdf', caption: 'the report' },
    { type: 'sticker', mimetype: 'image/webp', width: 512, height: 512 },
    { type: 'image', mimetype: 'image/jpeg', view_once: true },
  ];
  for (const [seed, kind] of kinds.entries()) {
    const { key, model } = await arrive({ ...kind, size_bytes: 5000 + seed, seed });
    const bytes = seededBytes(5000 + seed, seed);
    const { width, height, duration, caption, filename } = kind;
    for (const [name, value] of Object.entries({ width, height, duration, caption, filename })) {
      assert.equal(model[name], value, `${kind.type} ${name}`);
    }
    assert.deepEqual([model.type, model.size, model.filehash], [kind.type, bytes.length, sha256(bytes)]);
    assert.deepEqual([model.isGif === true, model.isViewOnce === true], [kind.gif === true, kind.view_once === true]);
    assert.deepEqual(await download(key), { size: bytes.length, type: kind.mimetype, filehash: sha256(bytes) });
  }
});

test('a file of 100 MB arrives whole', async () => {
  const size = 100 << 20;
  const { key } = await arrive({ type: 'video', mimetype: 'video/mp4', size_bytes: size, seed: 'large' });
  assert.deepEqual(await download(key), { size, type: 'video/mp4', filehash: sha256(seededBytes(size, 'large')) });
});

test('a file that has expired is gone, and its twin is not', async () => {
  const file = { type: 'document', mimetype: 'text/plain', size_bytes: 3000, seed: 'expires' };
  const { id, key } = await arrive(file);
  const twin = await arrive({ ...file, from: BOB });
  await phone.post('/media-expire', { from: ALICE, to: ME, id });
  await assert.rejects(me.call('chat.downloadMedia', key), /media_not_found/);
  assert.equal((await download(twin.key)).size, 3000);
  const other = await arrive({ ...file, seed: 'comes back' });
  await phone.post('/media-expire', { from: ALICE, to: ME, id: other.id });
  await assert.rejects(me.call('chat.downloadMedia', other.key), /media_not_found/);
  await phone.post('/media-expire', { from: ALICE, to: ME, id: other.id, expired: false });
  assert.equal((await download(other.key)).size, 3000);
});

// ---- the other kinds ----

test('places arrive, live ones too', async () => {
  const { model } = await arrive({ type: 'location', lat: -23.5, lng: -46.6, name: 'Here', address: 'Street 1' });
  assert.deepEqual([model.type, model.lat, model.lng, model.loc], ['location', -23.5, -46.6, 'Here\nStreet 1']);
  const live = await arrive({ type: 'location', lat: 1, lng: 2, live: true });
  assert.equal(live.model.isLive, true);
});

test('one contact and several arrive', async () => {
  const bob = { name: 'Bob B.', phones: [BOB] };
  const { model } = await arrive({ type: 'vcard', contacts: [bob] });
  assert.deepEqual([model.type, model.vcardFormattedName], ['vcard', 'Bob B.']);
  assert.match(model.body, new RegExp(`^BEGIN:VCARD[^]*waid=${BOB}:`));
  const two = await arrive({ type: 'vcard', contacts: [bob, { name: 'Carol', phones: [CAROL] }] });
  assert.equal(two.model.type, 'multi_vcard');
  assert.deepEqual(two.model.vcardList.map(({ displayName }) => displayName), ['Bob B.', 'Carol']);
});

test('mentions, links and forwarded messages arrive as such', async () => {
  const { model } = await arrive({ to: TEAM, text: `@${LID[ME].split('@')[0]} hello`, mentions: [ME] });
  assert.deepEqual(model.mentionedJidList, [LID[ME]]);
  const all = await arrive({ to: TEAM, text: '@all hello', mention_all: true });
  assert.equal(all.model.nonJidMentions, 1);
  const link = { url: 'https://example.com/', title: 'Example', description: 'Of a page' };
  const { model: text } = await arrive({ text: `see ${link.url}`, link });
  assert.deepEqual([text.subtype, text.title, text.description, text.canonicalUrl], ['url', 'Example', 'Of a page', link.url]);
  const { model: passed } = await arrive({ text: 'pass it on', forwarded: true });
  assert.deepEqual([passed.isForwarded, passed.forwardingScore], [true, 1]);
});

test('a poll arrives, and its votes, which replace each other, of others and of our own phone', async () => {
  const poll = { type: 'poll', text: 'Which?', poll_options: ['a', 'b', 'c'], max_choices: 2 };
  const { id, key, model } = await arrive({ to: TEAM, ...poll });
  assert.deepEqual([model.type, model.pollName, model.pollSelectableOptionsCount], ['poll_creation', 'Which?', 2]);
  assert.deepEqual(model.pollOptions.map(({ name }) => name), ['a', 'b', 'c']);
  for (const [from, options] of [[BOB, ['a']], [BOB, ['b', 'c']], [ME, ['c']]]) {
    await phone.post('/vote', { from, to: TEAM, id, options });
    const told = (e) => e.msg === key && e.sender === LID[from] && e.options.join() === options.join();
    await me.next('chat.poll_response', told);
  }
  const votes = await me.evaluate(async (key) => {
    const { votes } = await WPP.chat.getVotes(key);
    return votes.map((vote) => [String(vote.sender), vote.selectedOptions.filter(Boolean).map(({ name }) => name)]);
  }, key);
  assert.deepEqual(votes, [[LID[BOB], ['b', 'c']], [LID[ME], ['c']]]);
});

test('a message that cannot be read yet arrives as a placeholder, and is filled in under its key', async () => {
  const image = { type: 'image', mimetype: 'image/png', data_base64: PNG, caption: 'at last' };
  for (const [content, check] of [
    [{ text: 'now readable' }, (model) => assert.equal(model.body, 'now readable')],
    [image, (model) => assert.equal(model.caption, 'at last')],
    [{ type: 'location', lat: 1, lng: 2 }, (model) => assert.equal(model.lat, 1)],
  ]) {
    const { id, key, model } = await arrive({ ...content, pending: true });
    assert.deepEqual([model.type, model.body ?? model.caption ?? null], ['ciphertext', null]);
    const before = me.of('chat.new_message').length;
    await phone.post('/fill', { from: ALICE, to: ME, id });
    await me.next('chat.new_message', (m) => m.stanza === id && m.type !== 'ciphertext');
    const filled = await modelOf(key);
    assert.equal(filled.type, content.type ?? 'chat');
    check(filled);
    assert.equal(me.of('chat.new_message').length, before + 1);
    if (content === image) assert.equal((await download(key)).filehash, sha256(Buffer.from(PNG, 'base64')));
  }
  const { id } = await arrive({ text: 'no placeholder' });
  await assert.rejects(phone.post('/fill', { from: ALICE, to: ME, id }), /not pending/);
});

test('reactions of several people stand side by side and can be looked up', async () => {
  const { id, key } = await arrive({ to: TEAM, text: 'like it?' });
  for (const [from, emoji] of [[ALICE, '👍'], [BOB, '👍'], [ME, '❤️'], [ALICE, '']]) {
    await phone.post('/react', { from, to: TEAM, id, emoji });
    await me.next('chat.new_reaction', (e) => e.msg === key && e.sender === LID[from] && e.emoji === emoji);
  }
  const found = await me.evaluate(async (key) => {
    const { reactionByMe, reactions } = await WPP.chat.getReactions(key);
    const list = reactions.map(({ aggregateEmoji, senders }) => [aggregateEmoji, senders.map((s) => String(s.sender))]);
    return { mine: reactionByMe.reactionText, list };
  }, key);
  assert.deepEqual(found, { mine: '❤️', list: [['👍', [LID[BOB]]], ['❤️', [LID[ME]]]] });
});

test('an edit of a caption arrives, and each edit is told', async () => {
  const { id, key } = await arrive({ type: 'image', mimetype: 'image/png', data_base64: PNG, caption: 'one' });
  for (const text of ['two', 'three']) {
    await phone.post('/edit', { from: ALICE, to: ME, id, text });
    await me.next('chat.msg_edited', (e) => e.stanza === id && e.body === text);
  }
  assert.equal((await modelOf(key)).caption, 'three');
});

test('what an admin takes back is gone, by the admin', async () => {
  const { id, key } = await arrive({ from: BOB, to: TEAM, text: 'unwanted' });
  await assert.rejects(phone.post('/revoke', { from: BOB, to: TEAM, id, by: ALICE }), (error) => error.status === 403);
  await phone.post('/revoke', { from: BOB, to: TEAM, id, by: ME });
  const { type } = await me.next('chat.msg_revoke', (e) => e.ref === id);
  assert.equal(type, 'admin_revoke');
  const sender = await me.evaluate((key) => String(WPP.whatsapp.MsgStore.get(key).revokeSender), key);
  assert.deepEqual([(await modelOf(key)).type, sender], ['revoked', LID[ME]]);
});

// ---- calls ----

test('a call rings, and leaves an entry when it has ended', async () => {
  const { id } = await phone.post('/call', { from: ALICE, to: ME, video: true });
  const call = await me.next('call.incoming_call', (c) => c.id === id);
  assert.deepEqual(call, { id, peer: LID[ALICE], video: true, group: false });
  await phone.post('/call-end', { id, state: 'missed' });
  const { id: key } = await me.next('chat.new_message', (m) => m.stanza === id);
  const { type, isVideoCall, callOutcome, subtype } = await modelOf(key);
  assert.deepEqual([type, isVideoCall, callOutcome, subtype], ['call_log', true, 'Missed', 'miss_video']);
  assert.equal(await me.evaluate(() => WPP.whatsapp.CallStore.length), 0);
});

test('a call of a group rings for its members', async () => {
  const { id } = await phone.post('/call', { from: BOB, to: TEAM });
  const call = await me.next('call.incoming_call', (c) => c.id === id);
  assert.deepEqual(call, { id, peer: LID[BOB], video: false, group: true });
  await phone.post('/call-end', { id, state: 'accepted', duration: 12 });
  const { chat } = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(chat, TEAM);
});

// ---- presence ----

test('people are seen typing, in groups too', async () => {
  await phone.post('/presence', { from: ALICE, to: ME, state: 'typing' });
  const seen = await me.next('chat.presence_change', (e) => e.id === LID[ALICE]);
  assert.deepEqual([seen.state, seen.group, seen.online], ['composing', false, true]);
  await phone.post('/presence', { from: BOB, to: TEAM, state: 'recording' });
  const group = await me.next('chat.presence_change', (e) => e.id === TEAM);
  assert.deepEqual(group.participants.map(({ id, state }) => [id, state]), [[LID[BOB], 'recording']]);
});

test('being on line is told of those one asked for', async () => {
  await arrive({ from: CAROL, text: 'here I am' });
  await phone.post('/presence', { from: CAROL, to: ME, state: 'online' });
  await arrive({ from: CAROL, text: 'and after that' });   // the page has heard of it, then
  await me.call('contact.subscribePresence', LID[CAROL]);
  await phone.post('/presence', { from: CAROL, to: ME, state: 'offline' });
  await me.next('chat.presence_change', (e) => e.id === LID[CAROL]);
  assert.deepEqual(
    me.of('chat.presence_change').filter((e) => e.id === LID[CAROL]).map(({ state, online }) => [state, online]),
    [['unavailable', false]],
  );
});

// ---- status posts ----

test('status posts of contacts arrive, under their author and in no chat', async () => {
  const { id } = await phone.post('/status', { from: ALICE, type: 'image', text: 'my cat', mimetype: 'image/png', data_base64: PNG });
  const post = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.deepEqual([post.chat, post.author, post.caption], ['status@broadcast', LID[ALICE], 'my cat']);
  assert.equal((await download(post.id)).filehash, sha256(Buffer.from(PNG, 'base64')));
  const known = await me.evaluate((lid) => {
    const chats = WPP.whatsapp.ChatStore.map((chat) => String(chat.id));
    return { posts: WPP.status.get(lid).msgs.map((m) => m.id.id), chats };
  }, LID[ALICE]);
  assert.deepEqual(known.posts, [id]);
  assert.ok(!known.chats.includes('status@broadcast'));
  await me.call('status.sendReadStatus', LID[ALICE], post.id);
  assert.equal((await phone.get(`/message?from=${ALICE}&to=status@broadcast&id=${id}`)).acks[ME], 3);
});

test('posts of strangers do not arrive', async () => {
  const { id } = await phone.post('/status', { from: CAROL, text: 'to nobody' });
  const { acks } = await phone.get(`/message?from=${CAROL}&to=status@broadcast&id=${id}`);
  assert.deepEqual(acks, {});
  assert.ok(!(await phone.get(`/inbox?account=${OTHER}`)).items.some((m) => m.id === id));
});

// ---- our own phone ----

test('what our own phone writes, changes and posts shows here as ours', async () => {
  const mine = (message) => arrive({ from: ME, to: ALICE, ...message });
  const poll = await mine({ type: 'poll', text: 'Mine?', poll_options: ['yes', 'no'] });
  assert.match(poll.key, /^true_/);
  const { key } = await mine({ type: 'document', mimetype: 'text/plain', filename: 'a.txt', size_bytes: 100, seed: 1 });
  assert.equal((await download(key)).size, 100);
  for (const message of [{ type: 'location', lat: 1, lng: 2 }, { type: 'vcard', contacts: [{ name: 'X', phones: ['5511'] }] }]) {
    assert.match((await mine(message)).key, /^true_/);
  }
  const { id, key: text } = await mine({ text: 'draft' });
  await phone.post('/edit', { from: ME, to: ALICE, id, text: 'final' });
  await me.next('chat.msg_edited', (e) => e.stanza === id);
  assert.equal((await modelOf(text)).body, 'final');
  await phone.post('/react', { from: ME, to: ALICE, id, emoji: '🙂' });
  await me.next('chat.new_reaction', (e) => e.msg === text);
  await phone.post('/revoke', { from: ME, to: ALICE, id });
  await me.next('chat.msg_revoke', (e) => e.ref === id);
  assert.deepEqual([(await modelOf(text)).type, (await modelOf(text)).hasReaction], ['revoked', false]);
  const status = await phone.post('/status', { from: ME, text: 'from my pocket' });
  const post = await me.next('chat.new_message', (m) => m.stanza === status.id);
  assert.deepEqual([post.fromMe, post.chat], [true, 'status@broadcast']);
});

test('an account without LIDs gets all that by number', async () => {
  const context = await browser.createBrowserContext();
  const other = await WaJs.open(context);
  await other.link(phone, OTHER);
  const jid = `${ALICE}@c.us`;
  const poll = { type: 'poll', text: 'Which?', poll_options: ['a', 'b'], mentions: [OTHER] };
  const { id } = await phone.post('/send', { from: ALICE, to: OTHER, ...poll });
  const message = await other.next('chat.new_message', (m) => m.stanza === id);
  assert.deepEqual([message.chat, message.mentions], [jid, [`${OTHER}@c.us`]]);
  await phone.post('/vote', { from: ALICE, to: OTHER, id, options: ['b'] });
  await other.next('chat.poll_response', (e) => e.sender === jid && e.options.join() === 'b');
  await phone.post('/react', { from: ALICE, to: OTHER, id, emoji: '👍' });
  await other.next('chat.new_reaction', (e) => e.sender === jid);
  await phone.post('/presence', { from: ALICE, to: OTHER, state: 'composing' });
  await other.next('chat.presence_change', (e) => e.id === jid);
  const call = await phone.post('/call', { from: ALICE, to: OTHER });
  await other.next('call.incoming_call', (c) => c.id === call.id && c.peer === jid);
  const post = await phone.post('/status', { from: ALICE, text: 'to all' });
  await other.next('chat.new_message', (m) => m.stanza === post.id && m.author === jid);
  const sent = await other.call('status.sendTextStatus', 'mine', { waitForAck: true });
  assert.equal((await phone.wait('received', { account: OTHER })).items[0].id, sent.id.split('_')[2]);
  assert.deepEqual(other.of('pageerror'), []);
  await context.close();
});

test('nothing went wrong in the page unnoticed', () => {
  assert.deepEqual(me.of('pageerror'), []);
});
