// Sending: every kind of message out, its file byte for byte, and what changes messages that are there.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { MP4, PNG, WAV } from '../simulator/support.mjs';
import { ALICE, BOB, Daemon, FarEnd, ME, PROGRAM, TEAM, eventually } from './harness.mjs';

const png = Buffer.from(PNG, 'base64');
const webp = Buffer.from('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA', 'base64');
const wav = Buffer.from(WAV);
const pdf = (bytes) => Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(bytes)]);
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

// Serves files for `url`, and counts how often each was asked for.
async function fileServer() {
  const files = new Map();
  const asked = new Map();
  const server = http.createServer((req, res) => {
    asked.set(req.url, (asked.get(req.url) ?? 0) + 1);
    const file = files.get(req.url);
    if (!file) return res.writeHead(404).end();
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length }).end(file);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${server.address().port}`;
  return {
    asked,
    put(name, data) {
      files.set(`/${name}`, data);
      return `${base}/${name}`;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function rssKib(pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

// A sanitizer keeps what was freed.
const sanitized = () => fs.readFileSync(PROGRAM).includes('__asan_init');

describe('sending', () => {
  let farEnd, daemon, session, events, web;

  before(async () => {
    web = await fileServer();
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    events = daemon.events();
    await session.link(ME);
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
    await web?.close();
  });

  const post = (body, options = {}) => daemon.call('POST', `${session.path}/messages`, { body, ...options });
  const sent = (id) =>
    events.find((e) => e.type === 'message.status' && e.data.id === id && ['sent', 'failed'].includes(e.data.status), `${id} sent`);

  // Accepted, sent, and there once: -> {message, item}.
  async function out(body) {
    const answer = await post(body);
    assert.equal(answer.status, 202, answer.text);
    const message = answer.json;
    assert.equal(message.status, 'queued');
    const { data } = await sent(message.id);
    assert.equal(data.error, null, JSON.stringify(data.error));
    const items = (await farEnd.received(ME)).filter((m) => m.id === message.id);
    assert.equal(items.length, 1);
    assert.equal(items[0].count, 1);
    return { message, item: items[0] };
  }
  async function bytesOf(id) {
    const answer = await fetch(`${farEnd.base}/received-file?account=${ME}&id=${id}`);
    assert.equal(answer.status, 200);
    return Buffer.from(await answer.arrayBuffer());
  }
  async function upload(data, name, type = 'application/octet-stream') {
    const response = await fetch(`${daemon.base}/v1/tenants/default/media?filename=${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${daemon.key}`, 'content-type': type },
      body: data,
    });
    assert.equal(response.status, 201, await response.clone().text());
    return (await response.json()).media_id;
  }

  test('an image by url, base64 and media_id', async () => {
    const image = { caption: 'look', filename: 'red.png' };
    const one = await out({ to: ALICE, image: { url: web.put('red.png', png), ...image } });
    assert.equal(one.message.type, 'image');
    assert.equal(one.message.text, 'look');
    assert.deepEqual(
      [one.message.media.state, one.message.media.mimetype, one.message.media.sha256, one.message.media.size_bytes],
      ['ready', 'image/png', sha256(png), png.length],
    );
    assert.deepEqual([one.item.type, one.item.text, one.item.mimetype], ['image', 'look', 'image/png']);
    assert.deepEqual(await bytesOf(one.message.id), png);
    const two = await out({ to: ALICE, image: { base64: PNG } });
    assert.deepEqual(await bytesOf(two.message.id), png);
    const three = await out({ to: ALICE, image: { media_id: one.message.media.sha256, view_once: true } });
    assert.deepEqual(await bytesOf(three.message.id), png);
    assert.equal(three.item.view_once, true);
    assert.equal(three.message.media.view_once, true);
  });

  test('video, audio, voice, sticker', async () => {
    const video = await out({ to: ALICE, video: { base64: MP4.toString('base64'), caption: 'moving' } });
    assert.deepEqual([video.item.type, video.item.text], ['video', 'moving']);
    assert.deepEqual(await bytesOf(video.message.id), MP4);
    const audio = await out({ to: ALICE, audio: { base64: wav.toString('base64') } });
    assert.deepEqual([audio.item.type, audio.item.ptt], ['audio', false]);
    assert.deepEqual(await bytesOf(audio.message.id), wav);
    const voice = await out({ to: ALICE, voice: { base64: wav.toString('base64') } });
    assert.deepEqual([voice.item.type, voice.item.ptt], ['ptt', true]);
    assert.deepEqual(await bytesOf(voice.message.id), wav);
    const sticker = await out({ to: ALICE, sticker: { base64: webp.toString('base64') } });
    assert.equal(sticker.item.type, 'sticker');
    assert.deepEqual(await bytesOf(sticker.message.id), webp);
  });

  test('a document of 8 MB and a video of 60 MB go through in pieces; the daemon stays small', async () => {
    const invoice = pdf(8 * 1024 * 1024);
    const film = Buffer.concat([MP4, randomBytes(60 * 1024 * 1024)]);
    const documentId = await upload(invoice, 'invoice.pdf', 'application/pdf');
    const filmId = await upload(film, 'film.mp4', 'video/mp4');
    const before = rssKib(daemon.child.pid);
    let most = before;
    const look = setInterval(() => (most = Math.max(most, rssKib(daemon.child.pid))), 20);
    try {
      const document = await out({ to: ALICE, document: { media_id: documentId, filename: 'invoice.pdf', caption: 'your bill' } });
      assert.deepEqual([document.item.filename, document.item.text, document.item.size], ['invoice.pdf', 'your bill', invoice.length]);
      assert.equal(sha256(await bytesOf(document.message.id)), sha256(invoice));
      const video = await out({ to: ALICE, video: { media_id: filmId } });
      assert.equal(sha256(await bytesOf(video.message.id)), sha256(film));
    } finally {
      clearInterval(look);
    }
    const grown = most - before;
    assert.ok(sanitized() || grown < 8 * 1024, `the daemon grew by ${grown} KiB`);
  });

  test('location, contacts, poll', async () => {
    const place = { latitude: -23.5505, longitude: -46.6333, name: 'Sé', address: 'Praça da Sé, São Paulo' };
    const location = await out({ to: ALICE, location: place });
    assert.deepEqual(location.message.location, place);
    assert.deepEqual(location.item.location, { ...place, live: false });
    const one = await out({ to: ALICE, contacts: [{ name: 'Bob, the; builder', phones: [`+${BOB}`] }] });
    assert.equal(one.item.type, 'vcard');
    assert.deepEqual(one.item.contacts[0].phones, [BOB]);
    const two = await out({ to: ALICE, contacts: [{ name: 'Bob', phones: [BOB, '+1 415 555 2671'] }, { name: 'Ann', phones: [ALICE] }] });
    assert.deepEqual(two.item.contacts.map(({ name, phones }) => ({ name, phones })), [
      { name: 'Bob', phones: [BOB, '14155552671'] },
      { name: 'Ann', phones: [ALICE] },
    ]);
    const poll = await out({ to: TEAM, poll: { question: 'When?', options: ['now', 'later'], max_choices: 1 } });
    assert.deepEqual([poll.item.poll.question, poll.item.poll.options, poll.item.poll.max_choices], ['When?', ['now', 'later'], 1]);
    assert.deepEqual(poll.message.poll, { question: 'When?', options: ['now', 'later'], max_choices: 1 });
  });

  test('a reply with its quote, for words and files', async () => {
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'which?' });
    await events.find((e) => e.type === 'message.received' && e.data.id === id);
    assert.equal((await out({ to: ALICE, text: 'this', reply_to: id })).item.quoted, id);
    assert.equal((await out({ to: ALICE, image: { base64: PNG }, reply_to: id })).item.quoted, id);
    const located = await out({ to: ALICE, location: { latitude: 1, longitude: 2 }, reply_to: id });
    assert.equal(located.item.quoted, id);
    assert.equal(located.message.quoted.text, 'which?');
  });

  test('mentions: some, and all of a group', async () => {
    const some = await out({ to: TEAM, text: `hi @${BOB}`, mentions: [BOB] });
    assert.deepEqual(some.item.mentions, [BOB]);
    assert.equal(some.message.mentions[0].phone, BOB);
    const all = await out({ to: TEAM, text: 'hi all', mentions: 'all' });
    assert.deepEqual(all.item.mentions.toSorted?.() ?? [...all.item.mentions].sort(), [ALICE, BOB]);
    assert.equal(all.message.mentions_all, true);
  });

  test('forwarding words, a file and a place: under our id, marked, from any chat', async () => {
    const words = await farEnd.post('/send', { from: BOB, to: ME, text: 'pass it on' });
    const file = await farEnd.post('/send', { from: BOB, to: ME, type: 'image', caption: 'and this', mimetype: 'image/png', data_base64: PNG });
    const place = await farEnd.post('/send', { from: BOB, to: ME, type: 'location', lat: 1.5, lng: 2.5, name: 'Here' });
    for (const { id } of [words, file, place]) await events.find((e) => e.type === 'message.received' && e.data.id === id);
    const one = await out({ to: ALICE, forward: { message_id: words.id } });
    assert.deepEqual([one.item.text, one.item.forwarded, one.message.type, one.message.forwarded], ['pass it on', true, 'text', true]);
    const two = await out({ to: TEAM, forward: { message_id: file.id, chat: BOB } });
    assert.deepEqual([two.item.type, two.item.text, two.item.forwarded], ['image', 'and this', true]);
    assert.deepEqual(await bytesOf(two.message.id), png);
    const three = await out({ to: ALICE, forward: { message_id: place.id } });
    assert.equal(three.item.location.latitude, 1.5);
    assert.equal(three.item.forwarded, true);
  });

  test('status posts: words and a picture', async () => {
    const words = await out({ to: 'status', text: 'closed today' });
    assert.deepEqual([words.message.chat.type, words.item.to, words.item.text], ['status', 'status@broadcast', 'closed today']);
    const picture = await out({ to: 'status', image: { base64: PNG, caption: 'open again' } });
    assert.deepEqual([picture.item.to, picture.item.type, picture.item.text], ['status@broadcast', 'image', 'open again']);
    assert.deepEqual(await bytesOf(picture.message.id), png);
  });

  test('an edit: at the far end, in our message, one event', async () => {
    const { message } = await out({ to: ALICE, text: 'draft' });
    const answer = await daemon.call('PATCH', `${session.path}/messages/${message.id}`, { body: { text: 'final' } });
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual([answer.json.type, answer.json.status, answer.json.edit.message_id], ['edit', 'queued', message.id]);
    const done = await sent(answer.json.id);
    assert.equal(done.data.status, 'sent', JSON.stringify(done.data.error));
    const event = await events.find((e) => e.type === 'message.edited' && e.data.message_id === message.id);
    assert.equal(event.data.message.text, 'final');
    assert.equal(event.data.from_me, true);
    const now = await session.message(message.id);
    assert.equal(now.text, 'final');
    assert.ok(now.edited_at);
    assert.equal((await farEnd.received(ME)).find((m) => m.id === message.id).text, 'final');
    await out({ to: ALICE, text: 'after the edit' });   // what was still to be told has been by now
    assert.equal(events.items.filter((e) => e.type === 'message.edited' && e.data.message_id === message.id).length, 1);
  });

  test('deleting for everyone, and reactions given and taken back', async () => {
    const { message } = await out({ to: ALICE, text: 'oops' });
    const react = async (emoji) => {
      const answer = await post({ reaction: { message_id: message.id, emoji } });
      assert.equal(answer.status, 202, answer.text);
      assert.equal((await sent(answer.json.id)).data.status, 'sent');
      return answer.json;
    };
    const operation = await react('👍');
    await events.find((e) => e.type === 'message.reaction' && e.data.message_id === message.id && e.data.emoji === '👍');
    assert.equal((await farEnd.received(ME)).find((m) => m.id === message.id).reactions[ME], '👍');
    await react('');
    await events.find((e) => e.type === 'message.reaction' && e.data.message_id === message.id && e.data.emoji === '');
    const answer = await daemon.call('DELETE', `${session.path}/messages/${message.id}`);
    assert.equal(answer.status, 202, answer.text);
    assert.equal(answer.json.type, 'revoke');
    assert.equal((await sent(answer.json.id)).data.status, 'sent');
    await events.find((e) => e.type === 'message.revoked' && e.data.message_id === message.id);
    assert.equal((await session.message(message.id)).type, 'revoked');
    assert.equal((await farEnd.received(ME)).find((m) => m.id === message.id).revoked, true);
    await out({ to: ALICE, text: 'after the revoke' });
    const count = (type) => events.items.filter((e) => e.type === type && e.data.message_id === message.id).length;
    assert.deepEqual([count('message.revoked'), count('message.reaction')], [1, 2]);
    const again = await daemon.call('DELETE', `${session.path}/messages/${message.id}`);
    assert.deepEqual([again.status, again.json.code], [409, 'message_revoked']);

    const list = await daemon.ok('GET', `${session.path}/messages?limit=500`);
    assert.equal(list.items.some((m) => ['edit', 'revoke', 'reaction'].includes(m.type)), false);
    const operations = await daemon.ok('GET', `${session.path}/messages?type=reaction`);
    assert.ok(operations.items.some((m) => m.id === operation.id));
    const chats = await daemon.ok('GET', `${session.path}/chats`);
    assert.equal(chats.items.some((c) => ['edit', 'revoke', 'reaction'].includes(c.last_message?.type)), false);
  });

  test('an edit and its key again: one operation', async () => {
    const { message } = await out({ to: ALICE, text: 'one' });
    const edit = () =>
      daemon.call('PATCH', `${session.path}/messages/${message.id}?wait=server&timeout_s=20`, {
        body: { text: 'two' },
        headers: { 'idempotency-key': 'edit-once' },
      });
    const first = await edit();
    assert.deepEqual([first.status, first.json.status], [200, 'sent'], first.text);
    const again = await edit();
    assert.equal(again.json.id, first.json.id);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
  });

  test('who administers a group deletes what others wrote there', async () => {
    const { id } = await farEnd.post('/send', { from: BOB, to: TEAM, text: 'rude' });
    await events.find((e) => e.type === 'message.received' && e.data.id === id);
    const answer = await daemon.call('DELETE', `${session.path}/messages/${id}`);
    assert.equal(answer.status, 202, answer.text);
    const { data } = await sent(answer.json.id);
    assert.equal(data.status, 'sent', JSON.stringify(data.error));
    assert.equal((await farEnd.get(`/message?from=${BOB}&to=${TEAM}&id=${id}`)).revoked, true);
    await events.find((e) => e.type === 'message.revoked' && e.data.message_id === id);
    assert.equal((await session.message(id)).type, 'revoked');
  });

  test('a text with and without the preview of its link', async () => {
    const text = 'see https://example.com/shop';
    const plain = await out({ to: ALICE, text });
    const rich = await out({ to: ALICE, text, link_preview: true });
    assert.deepEqual([plain.item.text, rich.item.text], [text, text]);
    assert.equal(plain.item.link, null);
    assert.equal(rich.item.link?.url, 'https://example.com/shop');
  });

  test('a reaction to one of theirs', async () => {
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'good news' });
    await events.find((e) => e.type === 'message.received' && e.data.id === id);
    const answer = await post({ to: ALICE, reaction: { message_id: id, emoji: '🎉' } });
    assert.equal((await sent(answer.json.id)).data.status, 'sent');
    assert.equal((await farEnd.get(`/message?from=${ALICE}&to=${ME}&id=${id}`)).reactions[ME], '🎉');
  });

  test('typing is shown before a message that asks for it, and on its own', async () => {
    const shown = async () => (await farEnd.get(`/presence?account=${ME}`)).items;
    const before = (await shown()).length;
    await out({ to: ALICE, text: 'slowly', presence: 'typing', presence_ms: 300 });
    const first = (await shown()).slice(before);
    assert.ok(first.some(({ to, state }) => to.includes(ALICE) || to.includes('10000000000001') ? /typ|compos/.test(state) : false), JSON.stringify(first));
    for (const state of ['recording', 'paused']) {
      const answer = await daemon.call('POST', `${session.path}/chats/${ALICE}/presence`, { body: { state } });
      assert.equal(answer.status, 204, answer.text);
      await eventually(`${state} at the far end`, async () => (await shown()).at(-1).state.startsWith(state.slice(0, 5)));
    }
  });

  test('a chat is marked read', async () => {
    const { id } = await farEnd.post('/send', { from: BOB, to: ME, text: 'read me' });
    await events.find((e) => e.type === 'message.received' && e.data.id === id);
    const unread = async () => (await daemon.ok('GET', `${session.path}/chats/${BOB}`)).unread_count;
    const before = await eventually('unread message', unread);
    await out({ to: BOB, text: 'a program writes, and has read nothing' });
    assert.equal(await unread(), before);
    const answer = await daemon.call('POST', `${session.path}/chats/${BOB}/read`);
    assert.equal(answer.status, 204, answer.text);
    await events.find((e) => e.type === 'chat.updated' && e.data.chat.last_message?.text === 'a program writes, and has read nothing' && e.data.chat.unread_count === 0);
    await eventually('receipt at the far end', async () => (await farEnd.get(`/message?from=${BOB}&to=${ME}&id=${id}`)).acks[ME] === 3);
    const unknown = await daemon.call('POST', `${session.path}/chats/4930999999/read`);
    assert.deepEqual([unknown.status, unknown.json.code], [404, 'unknown_chat']);
  });

  test('an upload that fails at WhatsApp fails the message, by name', async () => {
    await farEnd.post('/knobs', { upload_error: true });
    try {
      const { id } = (await post({ to: ALICE, document: { base64: pdf(100).toString('base64') } })).json;
      const { data } = await sent(id);
      assert.deepEqual([data.status, data.error.code], ['failed', 'rejected']);
    } finally {
      await farEnd.post('/knobs', { upload_error: false });
    }
  });

  test('the same key again: one message, and its file is fetched once', async () => {
    const url = web.put('once.png', png);
    const headers = { 'idempotency-key': 'file-once' };
    const one = await post({ to: ALICE, image: { url } }, { headers });
    const two = await post({ to: ALICE, image: { url } }, { headers });
    assert.equal(one.json.id, two.json.id);
    assert.equal(two.headers.get('idempotency-replayed'), 'true');
    assert.equal(web.asked.get('/once.png'), 1);
    const other = await post({ to: ALICE, image: { url: `${url}?other` } }, { headers });
    assert.deepEqual([other.status, other.json.code], [409, 'idempotency_conflict']);
    await sent(one.json.id);
  });

  test('what cannot be sent is refused by name, before anything is queued', async () => {
    const far = (await farEnd.received(ME)).length;
    const long = 'x'.repeat(1025);
    const rows = [
      [{ to: ALICE }, 422, 'invalid_request', 'text'],
      [{ to: ALICE, text: 'a', image: { base64: PNG } }, 422, 'one_kind_only', 'image'],
      [{ to: ALICE, image: {} }, 422, 'invalid_request', 'image'],
      [{ to: ALICE, image: { base64: PNG, url: 'http://127.0.0.1/' } }, 422, 'invalid_request', 'image'],
      [{ to: ALICE, image: { base64: PNG, colour: 1 } }, 422, 'unknown_field', 'image.colour'],
      [{ to: ALICE, image: { base64: PNG, caption: long } }, 422, 'invalid_request', 'image'],
      [{ to: ALICE, voice: { base64: PNG, caption: 'x' } }, 422, 'invalid_request', 'voice'],
      [{ to: ALICE, image: { base64: '!!' } }, 422, 'invalid_base64'],
      [{ to: ALICE, image: { base64: Buffer.from('just words').toString('base64') } }, 422, 'unsupported_media'],
      [{ to: ALICE, sticker: { base64: PNG } }, 422, 'unsupported_media'],
      [{ to: ALICE, image: { media_id: 'f'.repeat(64) } }, 404, 'unknown_media', 'image.media_id'],
      [{ to: ALICE, document: { media_id: '0'.repeat(64) } }, 404, 'unknown_media', 'document.media_id'],
      [{ to: ALICE, image: { url: `${web.put('x', png)}/not-there` } }, 422, 'media_fetch_failed'],
      [{ to: ALICE, location: { latitude: 91, longitude: 0 } }, 422, 'invalid_request', 'location'],
      [{ to: ALICE, location: { latitude: '1', longitude: 0 } }, 422, 'invalid_request', 'location'],
      [{ to: ALICE, location: { lat: 1, lng: 0 } }, 422, 'unknown_field', 'location.lat'],
      [{ to: ALICE, contacts: [] }, 422, 'invalid_request', 'contacts'],
      [{ to: ALICE, contacts: [{ name: 'x', phones: ['nobody'] }] }, 422, 'invalid_phone', 'contacts'],
      [{ to: ALICE, poll: { question: 'q', options: ['a'] } }, 422, 'invalid_request', 'poll'],
      [{ to: ALICE, poll: { question: 'q', options: ['a', 'a'] } }, 422, 'invalid_request', 'poll'],
      [{ to: ALICE, poll: { question: 'q', options: ['a', 'b'.repeat(101)] } }, 422, 'invalid_request', 'poll'],
      [{ to: ALICE, poll: { question: 'q'.repeat(256), options: ['a', 'b'] } }, 422, 'invalid_request', 'poll'],
      [{ to: ALICE, poll: { question: 'q', options: ['a', 'b'], max_choices: 3 } }, 422, 'invalid_request', 'poll'],
      [{ to: ALICE, poll: { question: 'q', options: ['a', 'b'], max_choices: 'x' } }, 422, 'invalid_request', 'poll'],
      [{ reaction: { message_id: 'NOPE', emoji: '👍' } }, 404, 'unknown_message'],
      [{ reaction: { message_id: 'NOPE', emoji: 'hello' } }, 422, 'invalid_request', 'reaction'],
      [{ to: ALICE, forward: { message_id: 'NOPE' } }, 404, 'unknown_message'],
      [{ to: ALICE, text: 'x', mentions: 'all' }, 422, 'invalid_mention', 'mentions'],
      [{ to: ALICE, text: 'x', presence: 'dancing' }, 422, 'invalid_request', 'presence'],
      [{ to: ALICE, text: 'x', presence: 'typing', presence_ms: 25001 }, 422, 'invalid_request', 'presence_ms'],
      [{ to: 'status', document: { base64: PNG } }, 422, 'unsupported_recipient', 'to'],
      [{ to: 'status', text: 'x', reply_to: 'A' }, 422, 'invalid_request', 'reply_to'],
    ];
    for (const [body, status, code, field] of rows) {
      const answer = await post(body);
      const what = `${JSON.stringify(body).slice(0, 100)}: ${answer.text}`;
      assert.equal(answer.json?.code, code, what);
      assert.equal(answer.status, status, what);
      if (field) assert.equal(answer.json.errors[0].field, field, what);
    }
    const patch = (id, body) => daemon.call('PATCH', `${session.path}/messages/${id}`, { body });
    assert.equal((await patch('NOPE', { text: 'x' })).json.code, 'unknown_message');
    assert.deepEqual((await patch('NOPE', { txt: 'x' })).json.errors[0].field, 'txt');
    const presence = await daemon.call('POST', `${session.path}/chats/${ALICE}/presence`, { body: { state: 'typing', ms: 5 } });
    assert.deepEqual([presence.status, presence.json.errors[0].field], [422, 'ms']);
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'mine' });
    await events.find((e) => e.type === 'message.received' && e.data.id === id);
    assert.equal((await patch(id, { text: 'x' })).json.code, 'not_yours');
    assert.equal((await daemon.call('DELETE', `${session.path}/messages/${id}`)).json.code, 'not_yours');
    assert.equal((await farEnd.received(ME)).length, far);
  });
});
