// Sending while a browser, the daemon or the line goes away: each thing once, or failed by name.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { PNG } from '../simulator/support.mjs';
import { ALICE, BOB, Daemon, FarEnd, ME, ROOT, TEAM, removeDirectory, temporaryDirectory } from './harness.mjs';

const png = Buffer.from(PNG, 'base64');
const pdf = (bytes) => Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(bytes)]);
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

describe('sending under trouble', () => {
  // After a restart the first receipt may be passed over by the second.
  const arrived = (id) => (e) => e.data?.id === id && ['sent', 'delivered'].includes(e.data.status);

  // Kills with a file half way; the end is the same: sent once, byte for byte.
  async function killedHalfWay(kill) {
    const farEnd = await FarEnd.start();
    const daemon = await Daemon.start({ farEnd });
    let events = daemon.events();
    try {
      const session = daemon.session();
      await session.link(ME);
      const data = pdf(40 * 1024 * 1024);
      const upload = await fetch(`${daemon.base}/v1/tenants/default/media`, {
        method: 'POST',
        headers: { authorization: `Bearer ${daemon.key}`, 'content-type': 'application/pdf' },
        body: data,
      });
      const { media_id: mediaId } = await upload.json();
      const { id } = await session.send(ALICE, undefined, { document: { media_id: mediaId, filename: 'big.pdf' } });
      await events.find((e) => e.data?.id === id && e.data.status === 'submitted');
      events = await kill(daemon, events);
      await events.find(arrived(id), 'sent');
      const items = (await farEnd.received(ME)).filter((m) => m.id === id);
      assert.equal(items.length, 1);
      assert.equal(items[0].count, 1);
      const bytes = await fetch(`${farEnd.base}/received-file?account=${ME}&id=${id}`).then((r) => r.arrayBuffer());
      assert.equal(sha256(Buffer.from(bytes)), sha256(data));
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
    }
  }

  test('a browser killed while a file is on its way into it', () =>
    killedHalfWay(async (daemon, events) => {
      for (const pid of daemon.browserPids()) process.kill(pid, 'SIGKILL');
      return events;
    }));

  test('a daemon killed while a file is on its way into the page', () =>
    killedHalfWay(async (daemon, events) => {
      await daemon.kill();
      await events.close();
      await daemon.run();
      return daemon.events();
    }));

  test('operations while the line is down are done when it is back, each once to be seen', async () => {
    const farEnd = await FarEnd.start();
    const daemon = await Daemon.start({ farEnd });
    const events = daemon.events();
    try {
      const session = daemon.session();
      await session.link(ME);
      const { id } = await session.send(ALICE, 'draft');
      await events.find(arrived(id), 'the draft');
      await farEnd.post('/drop', { ms: 3000 });
      const edit = await daemon.ok('PATCH', `${session.path}/messages/${id}`, { text: 'final' });
      const react = await daemon.ok('POST', `${session.path}/messages`, { reaction: { message_id: id, emoji: '🙂' } });
      for (const operation of [edit, react]) {
        const { data } = await events.find((e) => e.data?.id === operation.id && ['sent', 'failed'].includes(e.data.status), operation.type);
        assert.equal(data.status, 'sent', JSON.stringify(data.error));
      }
      const item = (await farEnd.received(ME)).find((m) => m.id === id);
      assert.deepEqual([item.text, item.reactions[ME]], ['final', '🙂']);
      const { id: last } = await session.send(ALICE, 'last');
      await events.find(arrived(last), 'the last');
      for (const type of ['message.edited', 'message.reaction']) {
        assert.equal(events.items.filter((e) => e.type === type && e.data.message_id === id).length, 1, type);
      }
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
    }
  });

  test('what the page has not in memory any more can be answered, passed on and changed', async () => {
    const farEnd = await FarEnd.start();
    const daemon = await Daemon.start({ farEnd });
    let events = daemon.events();
    try {
      const session = daemon.session();
      await session.link(ME);
      const words = await farEnd.post('/send', { from: BOB, to: ME, text: 'old words' });
      const picture = await farEnd.post('/send', { from: BOB, to: ME, type: 'image', mimetype: 'image/png', data_base64: PNG });
      const grouped = await farEnd.post('/send', { from: BOB, to: TEAM, text: 'who comes?' });
      const ours = await session.send(ALICE, 'first');
      await events.find(arrived(ours.id), 'the first');
      for (const { id } of [words, picture, grouped]) await events.find((e) => e.type === 'message.received' && e.data.id === id, id);
      for (let i = 0; i < 4; i += 1) {   // these are what the page remembers
        for (const to of [ME, TEAM]) await farEnd.post('/send', { from: BOB, to, text: `later ${i}` });
        const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: `later ${i}` });
        await events.find((e) => e.data?.id === id);
      }
      await events.close();
      await daemon.stop();
      await daemon.run();
      events = daemon.events();
      await session.act('start');
      await session.until('ready');
      const sent = async (answer) => {
        const { data } = await events.find((e) => e.data?.id === answer.id && ['sent', 'failed'].includes(e.data.status), 'sent');
        assert.equal(data.status, 'sent', JSON.stringify(data.error));
        return (await farEnd.received(ME)).find((m) => m.id === answer.id);
      };
      const post = (body) => daemon.ok('POST', `${session.path}/messages`, body);
      assert.equal((await sent(await post({ to: TEAM, text: 'me', reply_to: grouped.id }))).quoted, grouped.id);
      assert.equal((await sent(await post({ to: ALICE, forward: { message_id: words.id } }))).text, 'old words');
      const forwarded = await sent(await post({ to: ALICE, forward: { message_id: picture.id } }));
      assert.deepEqual([forwarded.type, forwarded.forwarded, forwarded.size], ['image', true, png.length]);
      await sent(await post({ reaction: { message_id: grouped.id, emoji: '👍' } }));
      assert.equal((await farEnd.get(`/message?from=${BOB}&to=${TEAM}&id=${grouped.id}`)).reactions[ME], '👍');
      await sent(await daemon.ok('PATCH', `${session.path}/messages/${ours.id}`, { text: 'second' }));
      assert.equal((await farEnd.received(ME)).find((m) => m.id === ours.id).text, 'second');
      await sent(await daemon.ok('DELETE', `${session.path}/messages/${ours.id}`));
      assert.equal((await farEnd.received(ME)).find((m) => m.id === ours.id).revoked, true);
      await events.find((e) => e.type === 'message.revoked' && e.data.message_id === ours.id);
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
    }
  });

  test('a file that the page ends with an error again and again fails by name; words go on', async () => {
    const farEnd = await FarEnd.start();
    const dir = temporaryDirectory('library');
    const library = fs.readFileSync(path.join(ROOT, 'node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js'), 'utf8');
    const head = 'sendFileMessage=async function(e,t,r){';
    assert.ok(library.includes(head));
    fs.writeFileSync(path.join(dir, 'wa.js'), library.replace(head, `${head}throw new TypeError("it has changed");`));
    const daemon = await Daemon.start({ farEnd, settings: { 'page.wa_js': path.join(dir, 'wa.js') } });
    const events = daemon.events();
    try {
      const session = daemon.session();
      await session.link(ME);
      const file = await session.send(ALICE, undefined, { image: { base64: PNG } });
      const words = await session.send(ALICE, 'words');
      const { data } = await events.find((e) => e.data?.id === file.id && e.data.status === 'failed', 'failed');
      assert.equal(data.error.code, 'page_refused');
      await events.find(arrived(words.id), 'the words');
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
      removeDirectory(dir);
    }
  });

  test('a queued file that is gone fails by name; operations outlive a restart; too late is told', async () => {
    const farEnd = await FarEnd.start();
    const daemon = await Daemon.start({ farEnd });
    let events = daemon.events();
    try {
      const session = daemon.session();
      await session.link(ME);
      const { id: first } = await session.send(ALICE, 'before');
      await events.find(arrived(first), 'the first');
      await session.act('stop');
      await session.until('stopped');
      const notReady = await daemon.call('POST', `${session.path}/chats/${ALICE}/read`);
      assert.deepEqual([notReady.status, notReady.json.code], [409, 'session_not_ready']);
      const file = await session.send(ALICE, undefined, { image: { base64: PNG } });
      const edit = await daemon.ok('PATCH', `${session.path}/messages/${first}`, { text: 'after' });
      const digest = sha256(png);
      fs.rmSync(`${daemon.dataDir}/media/default/${digest.slice(0, 2)}/${digest}`);
      await events.close();
      await daemon.kill();
      await daemon.run();
      events = daemon.events();
      await session.act('start');
      const failed = await events.find((e) => e.data?.id === file.id && e.data.status === 'failed', 'failed');
      assert.equal(failed.data.error.code, 'media_gone');
      await events.find((e) => e.data?.id === edit.id && e.data.status === 'sent', 'the edit');
      assert.equal((await session.message(first)).text, 'after');
      assert.equal((await farEnd.received(ME)).find((m) => m.id === first).text, 'after');
    } finally {
      await events.close();
      await daemon.close();
      await farEnd.close();
    }
  });
});
