// Receiving: every kind of message, from others and from our own phone, with its file byte for byte;
// what happens to messages; calls, groups, chats and people; files that come late or not at all.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seededBytes } from '../simulator/media-store.mjs';
import { ALICE, BOB, Daemon, FarEnd, ME, PROGRAM, removeDirectory, TEAM, temporaryDirectory } from './harness.mjs';

const ALICE_LID = '10000000000001@lid';
const BOB_LID = '10000000000002@lid';
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

// A sanitizer keeps what was freed for a while: nothing can be said of memory then.
const sanitized = fs.readFileSync(PROGRAM).includes('__asan_init');

// Where the media store keeps a file.
const stored = (daemon, id) => path.join(daemon.dataDir, 'media', 'default', id.slice(0, 2), id);

const isMessage = (id) => (e) => /^message\.(received|sent)$/.test(e.type) && e.data.id === id;
const isMedia = (id) => (e) => e.type === 'message.media' && e.data.id === id;

async function linked(settings = {}, options = {}) {
  const farEnd = options.farEnd ?? (await FarEnd.start());
  const daemon = await Daemon.start({ farEnd, settings, ...options });
  const session = daemon.session();
  await session.link();
  return { farEnd, daemon, session, events: daemon.events() };
}

describe('receiving', () => {
  let farEnd, daemon, session, events;

  before(async () => {
    ({ farEnd, daemon, session, events } = await linked());
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  // Sent there, received here: the message of the event.
  async function arrive(message, to = ME) {
    const { id } = await farEnd.post('/send', { from: ALICE, to, ...message });
    return (await events.find(isMessage(id), `message ${id}`)).data;
  }

  async function arriveWithFile(message, to) {
    const first = await arrive(message, to);
    assert.equal(first.media.state, 'pending');
    const { data } = await events.find(isMedia(first.id), `file of ${first.id}`);
    assert.equal(data.media.state, 'ready', JSON.stringify(data.media));
    return { first, data };
  }

  function assertFile({ first, data }, bytes) {
    const { media } = data;
    assert.equal(media.sha256, sha256(bytes));
    assert.equal(first.media.sha256, media.sha256, 'known before it is fetched');
    assert.equal(media.size_bytes, bytes.length);
    assert.equal(media.url, `/v1/tenants/default/media/${media.sha256}`);
    assert.ok(fs.readFileSync(stored(daemon, media.sha256)).equals(bytes), 'byte for byte');
  }

  // ---- files ----

  const files = [
    { type: 'image', is: 'image', mimetype: 'image/jpeg', width: 640, height: 480, caption: 'a view' },
    { type: 'video', is: 'video', mimetype: 'video/mp4', width: 320, height: 240, duration: 7, caption: 'moving' },
    { type: 'video', is: 'video', mimetype: 'video/mp4', gif: true, duration: 2 },
    { type: 'audio', is: 'audio', mimetype: 'audio/mpeg', duration: 61 },
    { type: 'ptt', is: 'voice', mimetype: 'audio/ogg; codecs=opus', duration: 3 },
    { type: 'document', is: 'document', mimetype: 'application/pdf', filename: 'fatura nº 1.pdf', caption: 'paid' },
    { type: 'sticker', is: 'sticker', mimetype: 'image/webp', width: 512, height: 512 },
    { type: 'image', is: 'image', mimetype: 'image/jpeg', view_once: true },
  ];
  for (const [seed, { is, ...file }] of files.entries()) {
    const named = `${is}${file.gif ? ' that moves' : ''}${file.view_once ? ' to be seen once' : ''}`;
    test(`${named}: the event goes out at once, the file follows byte for byte`, async () => {
      const size = 5000 + 997 * seed;
      const got = await arriveWithFile({ ...file, size_bytes: size, seed });
      const { first, data } = got;
      assertFile(got, seededBytes(size, seed));
      assert.equal(first.type, is);
      assert.equal(first.text, file.caption ?? '');
      assert.equal(first.chat.phone, ALICE);
      assert.equal(first.media.filename, file.filename ?? null);
      assert.equal(first.media.mimetype, file.mimetype);
      for (const name of ['width', 'height']) assert.equal(first.media[name], file[name] ?? null, name);
      assert.equal(first.media.duration_s, file.duration ?? null);
      assert.equal(first.media.gif, file.gif);
      assert.equal(first.media.view_once, file.view_once);
      assert.equal(data.media.filename, first.media.filename);
      assert.deepEqual(await session.message(first.id), data);
    });
  }

  test('a file that was written on our own phone, and one in a group', async () => {
    const bytes = seededBytes(7000, 'mine');
    const mine = await arriveWithFile({ from: ME, type: 'document', size_bytes: 7000, seed: 'mine', mimetype: 'text/plain' }, ALICE);
    assertFile(mine, bytes);
    assert.deepEqual([mine.first.direction, mine.first.source, mine.first.chat.phone], ['out', 'phone', ALICE]);
    const theirs = await arriveWithFile({ from: BOB, type: 'image', size_bytes: 900, seed: 'team', mimetype: 'image/png' }, TEAM);
    assertFile(theirs, seededBytes(900, 'team'));
    assert.deepEqual([theirs.first.chat.id, theirs.first.from.phone], [TEAM, BOB]);
  });

  test('the picture of a status post', async () => {
    const bytes = seededBytes(400, 'post');
    const post = { from: ALICE, type: 'image', text: 'my cat', mimetype: 'image/png', data_base64: bytes.toString('base64') };
    const { id } = await farEnd.post('/status', post);
    const { data: first } = await events.find(isMessage(id), 'the post');
    assert.deepEqual([first.chat.type, first.from.phone, first.text], ['status', ALICE, 'my cat']);
    assert.equal(first.chat.name, null, 'the name that the page makes of the id is none');
    const { data } = await events.find(isMedia(id), 'its picture');
    assertFile({ first, data }, bytes);
  });

  test('a file of exactly one piece, and of a byte more', async () => {
    for (const size of [384 * 1024, 384 * 1024 + 1]) {
      const file = { type: 'document', mimetype: 'application/octet-stream', size_bytes: size, seed: size };
      assertFile(await arriveWithFile(file), seededBytes(size, size));
    }
  });

  // What the daemon holds itself; the browser's processes are counted elsewhere.
  const residentBytes = () => {
    const status = fs.readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
  };

  for (const [megabytes, mimetype] of [[8, 'application/pdf'], [60, 'video/mp4']]) {
    test(`${megabytes} MB come byte for byte, and the daemon grows by less than 8 MB`, async () => {
      const size = megabytes << 20;
      const type = mimetype.startsWith('video') ? 'video' : 'document';
      const before = residentBytes();
      let most = before;
      const watch = setInterval(() => (most = Math.max(most, residentBytes())), 20);
      try {
        const got = await arriveWithFile({ type, mimetype, size_bytes: size, seed: megabytes });
        assert.equal(got.data.media.size_bytes, size);
        assertFile(got, seededBytes(size, megabytes));
      } finally {
        clearInterval(watch);
      }
      assert.ok(sanitized || most - before < 8 << 20, `grew by ${most - before} bytes`);
    });
  }

  test('a file that is gone says so, and can be asked for again', async () => {
    await farEnd.post('/knobs', { media_missing: true });
    const first = await arrive({ type: 'image', mimetype: 'image/png', size_bytes: 4000, seed: 'gone' });
    const { data } = await events.find(isMedia(first.id), 'what became of the file');
    assert.equal(data.media.state, 'expired');
    assert.equal(data.media.error.code, 'media_expired');
    assert.equal(data.media.url, null);
    await farEnd.post('/knobs', { media_missing: false });
    const again = await daemon.call('POST', `${session.path}/messages/${first.id}/media/refetch`);
    assert.equal(again.status, 202, again.text);
    assert.equal(again.json.media.state, 'pending');
    assert.equal(again.json.media.error, undefined);
    const ready = await events.find((e) => isMedia(first.id)(e) && e.data.media.state === 'ready', 'the file after all');
    assertFile({ first, data: ready.data }, seededBytes(4000, 'gone'));
    const done = await daemon.call('POST', `${session.path}/messages/${first.id}/media/refetch`);
    assert.equal(done.json.media.state, 'ready', 'what is here is not fetched again');
  });

  test('refetch of what has no file is refused', async () => {
    const text = await arrive({ text: 'only words' });
    const none = await daemon.call('POST', `${session.path}/messages/${text.id}/media/refetch`);
    assert.deepEqual([none.status, none.json.code], [409, 'no_media']);
    const unknown = await daemon.call('POST', `${session.path}/messages/3EB0NOBODY/media/refetch`);
    assert.deepEqual([unknown.status, unknown.json.code], [404, 'unknown_message']);
  });

  // ---- the other kinds ----

  test('a place', async () => {
    const place = { type: 'location', lat: -23.55, lng: -46.63, name: 'Sé', address: 'Praça da Sé' };
    const m = await arrive(place);
    assert.equal(m.type, 'location');
    assert.deepEqual(m.location, { latitude: -23.55, longitude: -46.63, name: 'Sé', address: 'Praça da Sé', live: false });
    const live = await arrive({ type: 'location', lat: 1, lng: 2, live: true });
    assert.equal(live.location.live, true);
    assert.deepEqual((await session.message(m.id)).location, m.location);
  });

  test('contacts, one and several', async () => {
    const one = await arrive({ type: 'vcard', contacts: [{ name: 'Bob B.', phones: [BOB] }] });
    assert.equal(one.type, 'contacts');
    assert.deepEqual(one.contacts.map(({ name, phones }) => [name, phones]), [['Bob B.', [BOB]]]);
    assert.match(one.contacts[0].vcard, /^BEGIN:VCARD/);
    const two = await arrive({ type: 'vcard', contacts: [{ name: 'B', phones: [BOB] }, { name: 'A', phones: [ALICE, BOB] }] });
    assert.deepEqual(two.contacts.map(({ name, phones }) => [name, phones]), [['B', [BOB]], ['A', [ALICE, BOB]]]);
  });

  test('a link, mentions and what was forwarded', async () => {
    const link = { url: 'https://example.com/x', title: 'An example', description: 'of a page' };
    const m = await arrive({ text: `see ${link.url}`, link, forwarded: true });
    assert.deepEqual(m.link, link);
    assert.equal(m.forwarded, true);
    const named = await arrive({ from: ALICE, text: `hi @${BOB}`, mentions: [BOB] }, TEAM);
    assert.deepEqual(named.mentions.map(({ phone, lid }) => [phone, lid]), [[BOB, BOB_LID]]);
    assert.equal(named.forwarded, undefined);
  });

  test('a poll and the votes in it', async () => {
    const m = await arrive({ from: BOB, type: 'poll', text: 'Lunch?', poll_options: ['one', 'two', 'three'], max_choices: 2 }, TEAM);
    assert.equal(m.type, 'poll');
    assert.deepEqual(m.poll, { question: 'Lunch?', options: ['one', 'two', 'three'], max_choices: 2, votes: [] });
    const vote = async (from, options) => {
      await farEnd.post('/vote', { from, to: TEAM, id: m.id, options });
      return events.find(
        (e) => e.type === 'message.vote' && e.data.message_id === m.id && e.data.by.phone === from &&
          JSON.stringify(e.data.options) === JSON.stringify(options),
        `vote of ${from}`,
      );
    };
    await vote(ALICE, ['one', 'three']);
    await vote(BOB, ['two']);
    const { data } = await vote(ALICE, ['two']);
    assert.equal(data.chat.id, TEAM);
    assert.deepEqual(data.message.poll.votes.map((v) => [v.by.phone, v.options]).sort(), [[ALICE, ['two']], [BOB, ['two']]]);
    await vote(BOB, []);
    const now = await session.message(m.id);
    assert.deepEqual(now.poll.votes.map((v) => [v.by.lid, v.options]), [[ALICE_LID, ['two']]]);
    assert.ok(Date.parse(now.poll.votes[0].at));
  });

  test('what waits to be decrypted comes as pending and is filled in under the same id', async () => {
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'late words', pending: true });
    const { data: pending } = await events.find(isMessage(id), 'the placeholder');
    assert.deepEqual([pending.type, pending.text], ['pending', '']);
    await farEnd.post('/fill', { from: ALICE, to: ME, id });
    const { data } = await events.find((e) => e.type === 'message.updated' && e.data.id === id, 'the message');
    assert.deepEqual([data.type, data.text, data.received_at], ['text', 'late words', pending.received_at]);
    assert.deepEqual(await session.message(id), data);
    const withFile = { type: 'image', mimetype: 'image/png', size_bytes: 3000, seed: 'late' };
    const { id: image } = await farEnd.post('/send', { from: ALICE, to: ME, ...withFile, pending: true });
    await events.find(isMessage(image), 'the second placeholder');
    await farEnd.post('/fill', { from: ALICE, to: ME, id: image });
    const filled = await events.find((e) => e.type === 'message.updated' && e.data.id === image, 'the image');
    const file = await events.find(isMedia(image), 'its file');
    assertFile({ first: filled.data, data: file.data }, seededBytes(3000, 'late'));
    assert.equal(events.items.filter(isMessage(id)).length, 1);
  });

  test('replies, edits, reactions and revokes, theirs and of our own phone', async () => {
    const first = await arrive({ text: 'helo' });
    const reply = await arrive({ text: 'yes', quoted: first.id });
    assert.deepEqual([reply.quoted.id, reply.quoted.text], [first.id, 'helo']);
    await farEnd.post('/edit', { from: ALICE, to: ME, id: first.id, text: 'hello' });
    const edited = await events.find((e) => e.type === 'message.edited' && e.data.message_id === first.id, 'the edit');
    assert.equal(edited.data.message.text, 'hello');
    assert.ok(Date.parse(edited.data.message.edited_at));
    await farEnd.post('/react', { from: ALICE, to: ME, id: first.id, emoji: '👍' });
    const reacted = await events.find((e) => e.type === 'message.reaction' && e.data.message_id === first.id, 'the reaction');
    assert.deepEqual(reacted.data.message.reactions.map((r) => [r.by.phone, r.emoji]), [[ALICE, '👍']]);
    await farEnd.post('/react', { from: ALICE, to: ME, id: first.id, emoji: '' });
    await events.find((e) => e.type === 'message.reaction' && e.data.message_id === first.id && e.data.emoji === '', 'taken back');
    assert.equal((await session.message(first.id)).reactions, undefined);
    await farEnd.post('/revoke', { from: ALICE, to: ME, id: first.id });
    const revoked = await events.find((e) => e.type === 'message.revoked' && e.data.message_id === first.id, 'the revoke');
    assert.deepEqual([revoked.data.message.type, revoked.data.message.text], ['revoked', '']);
    const mine = await arrive({ from: ME, text: 'from my pokcet' }, ALICE);
    await farEnd.post('/edit', { from: ME, to: ALICE, id: mine.id, text: 'from my pocket' });
    const ours = await events.find((e) => e.type === 'message.edited' && e.data.message_id === mine.id, 'our edit');
    assert.deepEqual([ours.data.from_me, ours.data.message.text], [true, 'from my pocket']);
    await farEnd.post('/react', { from: ALICE, to: ME, id: mine.id, emoji: '😀' });
    await events.find((e) => e.type === 'message.reaction' && e.data.message_id === mine.id, 'a reaction to ours');
    await farEnd.post('/revoke', { from: ME, to: ALICE, id: mine.id });
    await events.find((e) => e.type === 'message.revoked' && e.data.message_id === mine.id && e.data.from_me, 'our revoke');
  });

  test('a revoke of a message with a place leaves nothing of it', async () => {
    const m = await arrive({ type: 'location', lat: 3, lng: 4, name: 'secret' });
    await farEnd.post('/revoke', { from: ALICE, to: ME, id: m.id });
    await events.find((e) => e.type === 'message.revoked' && e.data.message_id === m.id, 'the revoke');
    const now = await session.message(m.id);
    assert.equal(now.location, undefined);
    assert.doesNotMatch(JSON.stringify(now), /secret/);
  });

  // ---- what is no message ----

  test('a call is told when it rings and when it ends, and leaves its line in the chat', async () => {
    const { id } = await farEnd.post('/call', { from: ALICE, to: ME, video: true });
    const ringing = await events.find((e) => e.type === 'call.received' && e.data.id === id, 'the call');
    assert.deepEqual(
      [ringing.data.state, ringing.data.video, ringing.data.group, ringing.data.by.phone, ringing.data.chat.phone],
      ['ringing', true, false, ALICE, ALICE],
    );
    await farEnd.post('/call-end', { id, state: 'missed' });
    await events.find((e) => e.type === 'call.received' && e.data.id === id && e.data.state !== 'ringing', 'its end');
    const line = await events.find((e) => e.type === 'message.received' && e.data.type === 'call', 'its line');
    assert.deepEqual(line.data.call, { video: true, group: false, state: 'missed' });
    const states = events.items.filter((e) => e.type === 'call.received' && e.data.id === id).map((e) => e.data.state);
    assert.equal(new Set(states).size, states.length, 'each state once');
  });

  test('changes of a group are told once, with who and what', async () => {
    const change = async (action, body, kind, check) => {
      const from = events.items.length;
      await farEnd.post('/group-change', { group: TEAM, by: ME, action, ...body });
      const found = await events.find(
        (e) => events.items.indexOf(e) >= from && e.type === 'group.changed' && e.data.kind === kind,
        `${kind} of the group`,
      );
      assert.equal(found.data.chat.id, TEAM);
      check(found.data);
      return from;
    };
    await change('subject', { value: 'The Team' }, 'subject', (data) => assert.equal(data.value, 'The Team'));
    await change('announce', { value: true }, 'announce', (data) => assert.equal(data.value, true));
    await change('announce', { value: false }, 'announce', (data) => assert.equal(data.value, false));
    await change('locked', { value: false }, 'locked', (data) => assert.equal(data.value, false));
    await change('promote', { participants: [BOB] }, 'promote', (data) =>
      assert.deepEqual(data.participants.map((p) => p.phone), [BOB]));
    const from = await change('demote', { participants: [BOB] }, 'demote', (data) =>
      assert.deepEqual(data.participants.map((p) => p.lid), [BOB_LID]));
    const marker = await arrive({ text: 'after the group' });
    assert.equal(marker.type, 'text');
    assert.equal(events.items.slice(from).filter((e) => e.type === 'group.changed').length, 1);
    const notice = await events.find((e) => isMessage(e.data.id)(e) && e.data.system?.kind === 'promote', 'the notice');
    assert.equal(notice.data.type, 'system');
  });

  test('what the phone does with a chat is seen', async () => {
    await arrive({ text: 'unread' });
    const until = (check, what) =>
      events.find((e) => e.type === 'chat.updated' && e.data.chat.phone === ALICE && check(e.data.chat), what);
    await farEnd.post('/chat-set', { account: ME, chat: ALICE, archived: true });
    await until((chat) => chat.archived === true, 'archived');
    await farEnd.post('/chat-set', { account: ME, chat: ALICE, archived: false, pinned: true });
    await until((chat) => chat.archived === false && chat.pinned === true, 'pinned');
    await farEnd.post('/chat-set', { account: ME, chat: ALICE, pinned: false, muted_until: -1 });
    await until((chat) => chat.muted_until !== null, 'muted');
    await farEnd.post('/chat-set', { account: ME, chat: ALICE, muted_until: 0, unread: false });
    await until((chat) => chat.muted_until === null && chat.unread_count === 0, 'read');
  });

  test('a new name and a block are told', async () => {
    await arrive({ from: BOB, text: 'it is me' });
    await farEnd.post('/contact', { account: ME, phone: BOB, name: 'Bob of Sales' });
    await events.find((e) => e.type === 'contact.updated' && e.data.contact.phone === BOB && e.data.contact.name === 'Bob of Sales', 'the name');
    await farEnd.post('/block', { account: ME, phone: BOB });
    await events.find((e) => e.type === 'contact.updated' && e.data.contact.phone === BOB && e.data.contact.blocked === true, 'the block');
    await farEnd.post('/block', { account: ME, phone: BOB, blocked: false });
    await events.find((e) => e.type === 'contact.updated' && e.data.contact.phone === BOB && e.data.contact.blocked === false, 'the end of it');
  });

  test('a number that the page learns later is told without a message', async () => {
    const hidden = '5511900000077';
    await farEnd.post('/accounts', { phone: hidden, name: 'Hidden', lid: '10000000000077', hidden_phone: true });
    const m = await arrive({ from: hidden, text: 'guess who' });
    assert.equal(m.chat.phone, null);
    await farEnd.post('/reveal', { account: ME, phone: hidden });
    const { data } = await events.find((e) => e.type === 'contact.identity', 'the identity');
    assert.match(JSON.stringify(data), new RegExp(hidden));
  });
});

describe('receiving with rules and restarts', () => {
  test('files that the rules do not want are skipped until they are asked for', async () => {
    const { farEnd, daemon, session, events } = await linked({ 'media.download': 'image', 'media.max_download_bytes': 10000 });
    try {
      const { id: small } = await farEnd.post('/send', { from: ALICE, to: ME, type: 'image', mimetype: 'image/png', size_bytes: 500, seed: 1 });
      const { id: big } = await farEnd.post('/send', { from: ALICE, to: ME, type: 'image', mimetype: 'image/png', size_bytes: 20000, seed: 2 });
      const { id: video } = await farEnd.post('/send', { from: ALICE, to: ME, type: 'video', mimetype: 'video/mp4', size_bytes: 500, seed: 3 });
      for (const id of [big, video]) assert.equal((await events.find(isMessage(id))).data.media.state, 'skipped');
      const { id: liar } = await farEnd.post('/send', { from: ALICE, to: ME, type: 'image', mimetype: 'image/png', size_bytes: 30000, seed: 4, told_size: 300 });
      const { media: refused } = (await events.find(isMedia(liar))).data;
      assert.deepEqual([refused.state, refused.error.code], ['failed', 'media_too_large']);
      assert.equal((await events.find(isMedia(small))).data.media.state, 'ready');
      const asked = await daemon.ok('POST', `${session.path}/messages/${big}/media/refetch`);
      assert.equal(asked.media.state, 'pending');
      const { data } = await events.find(isMedia(big));
      assert.equal(data.media.sha256, sha256(seededBytes(20000, 2)));
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
    }
  });

  test('what happens while nobody listens is told once when the session is back', async () => {
    const { farEnd, daemon, session, events } = await linked();
    try {
      const arrive = async (message) => {
        const { id } = await farEnd.post('/send', { from: ALICE, to: ME, ...message });
        await events.find(isMessage(id), `message ${id}`);
        return id;
      };
      const edited = await arrive({ text: 'helo' });
      const reacted = await arrive({ text: 'nice' });
      const revoked = await arrive({ type: 'location', lat: 1, lng: 2, name: 'secret' });
      const poll = await arrive({ type: 'poll', text: 'Lunch?', poll_options: ['one', 'two'] });
      const pending = await arrive({ text: 'late words', pending: true });
      const mine = await arrive({ from: ME, to: ALICE, text: 'from my phone' });
      await session.act('stop');
      await session.until('stopped');
      await farEnd.post('/edit', { from: ALICE, to: ME, id: edited, text: 'hello' });
      await farEnd.post('/react', { from: ALICE, to: ME, id: reacted, emoji: '👍' });
      await farEnd.post('/react', { from: ALICE, to: ME, id: mine, emoji: '😀' });
      await farEnd.post('/revoke', { from: ALICE, to: ME, id: revoked });
      await farEnd.post('/vote', { from: ALICE, to: ME, id: poll, options: ['two'] });
      await farEnd.post('/fill', { from: ALICE, to: ME, id: pending });
      await farEnd.post('/edit', { from: ME, to: ALICE, id: mine, text: 'from my own phone' });
      const { id: image } = await farEnd.post('/send', { from: ALICE, to: ME, type: 'image', mimetype: 'image/png', size_bytes: 900, seed: 9 });
      await session.act('start');
      const about = (type, id) => (e) => e.type === type && (e.data.message_id ?? e.data.id) === id;
      for (const [type, id] of [
        ['message.edited', edited], ['message.reaction', reacted], ['message.revoked', revoked], ['message.vote', poll],
        ['message.updated', pending], ['message.edited', mine], ['message.reaction', mine], ['message.media', image],
      ]) {
        await events.find(about(type, id), `${type} of ${id}`);
        assert.equal(events.items.filter(about(type, id)).length, 1, `${type} once`);
      }
      assert.deepEqual((await session.message(poll)).poll.votes.map((v) => v.options), [['two']]);
      assert.equal((await session.message(pending)).text, 'late words');
      assert.equal((await session.message(mine)).reactions[0].emoji, '😀');
      assert.equal((await session.message(image)).media.state, 'ready');
      const changes = () => events.items.filter((e) => /^message\.(edited|reaction|revoked|vote|updated)$/.test(e.type)).length;
      const told = changes();
      await session.act('stop');
      await session.until('stopped');
      await session.act('start');
      await session.until('ready');
      await arrive({ text: 'the last' });
      assert.equal(changes(), told, 'nothing is told again');
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
    }
  });

  test('a browser that dies in the middle of a file: it is fetched when the session is back', async () => {
    const { farEnd, daemon, session, events } = await linked();
    try {
      const big = { type: 'video', mimetype: 'video/mp4', size_bytes: 40 << 20, seed: 'b' };
      const { id } = await farEnd.post('/send', { from: ALICE, to: ME, ...big });
      await events.find(isMessage(id), 'the message');
      for (const pid of daemon.browserPids()) process.kill(pid, 'SIGKILL');
      const { data } = await events.find(isMedia(id), 'its file');
      assert.deepEqual([data.media.state, data.media.sha256], ['ready', sha256(seededBytes(40 << 20, 'b'))]);
      assert.equal(events.items.filter(isMedia(id)).length, 1);
      await session.until('ready');
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
    }
  });

  test('orders survive a kill of the daemon and are carried out after it', async () => {
    const dataDir = temporaryDirectory('orders');
    const { farEnd, daemon, session, events } = await linked({}, { dataDir });
    try {
      await session.act('stop');
      await session.until('stopped');
      await farEnd.post('/send', { from: ALICE, to: ME, type: 'document', mimetype: 'text/plain', size_bytes: 40 << 20, seed: 'a', id: 'AAAA0001' });
      await farEnd.post('/knobs', { media_ms: 600_000 }); // the file is not here before the kill
      await session.act('start');
      await events.find(isMessage('AAAA0001'), 'the message');
      await daemon.kill();
      await farEnd.post('/knobs', { media_ms: 0 });
      await events.close();
      assert.ok(!events.items.some(isMedia('AAAA0001')), 'killed before the file was here');
      await daemon.run();
      const later = daemon.events();
      try {
        const { data } = await later.find(isMedia('AAAA0001'), 'its file');
        assert.equal(data.media.state, 'ready');
        assert.equal(data.media.sha256, sha256(seededBytes(40 << 20, 'a')));
        assert.equal(later.items.filter(isMedia('AAAA0001')).length, 1);
      } finally {
        await later.close();
      }
    } finally {
      await daemon.close();
      await farEnd.close();
      removeDirectory(dataDir);
    }
  });
});
