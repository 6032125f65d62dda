// Files of messages: those that come, and those that are fetched from a url to be sent.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ALICE, Daemon, FarEnd, ME } from './harness.mjs';
import { MEDIA, PNG, filesUnder, sha256, tidy, upload } from './media_files.mjs';

describe('files of messages', () => {
  let farEnd, daemon, session, events;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd, settings: { 'media.download': 'image' } });
    session = daemon.session();
    await session.link();
    events = daemon.events();
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  async function arrive(file) {
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, ...file });
    const { data } = await events.find((e) => e.type === 'message.received' && e.data.id === id, `message ${id}`);
    return data;
  }

  test('a file that came is had by its url, and gone is shown as expired', async () => {
    const { id } = await arrive({ type: 'image', data_base64: PNG.toString('base64'), mimetype: 'image/png' });
    const { data } = await events.find((e) => e.type === 'message.media' && e.data.id === id, `file of ${id}`);
    assert.equal(data.media.state, 'ready', JSON.stringify(data.media));
    const file = await daemon.call('GET', data.media.url);
    assert.equal(file.type, 'image/png');
    assert.deepEqual(file.bytes, PNG);
    const link = await daemon.ok('POST', `${data.media.url}/link`);
    assert.deepEqual(Buffer.from(await (await fetch(daemon.base + link.url)).arrayBuffer()), PNG);

    await daemon.ok('DELETE', data.media.url);
    const list = await daemon.ok('GET', `${session.path}/messages?type=image`);
    for (const { media } of [await session.message(id), list.items.find((m) => m.id === id)]) {
      assert.equal(media.state, 'expired');
      assert.equal(media.url, null);
      assert.equal(media.sha256, sha256(PNG), 'what it was stays known');
    }
    // the same file again, from anywhere, and the message has it again
    assert.equal((await upload(daemon, MEDIA, [PNG])).status, 201);
    assert.equal((await session.message(id)).media.state, 'ready');
  });

  test('what the rules do not want is not fetched', async () => {
    const pdf = Buffer.from('%PDF-1.4 not wanted');
    const document = { type: 'document', data_base64: pdf.toString('base64'), mimetype: 'application/pdf', filename: 'a.pdf' };
    assert.equal((await arrive(document)).media.state, 'skipped', 'the configuration wants pictures only');
    await daemon.ok('PUT', session.path, { media: { download: ['document'], max_bytes: pdf.length } });
    const wanted = await arrive(document);
    assert.equal(wanted.media.state, 'pending', "the session's own rules come first");
    await events.find((e) => e.type === 'message.media' && e.data.id === wanted.id && e.data.media.state === 'ready', 'the document');
    const big = { ...document, data_base64: Buffer.concat([pdf, Buffer.from('x')]).toString('base64') };
    assert.equal((await arrive(big)).media.state, 'skipped', 'a byte too long');
    assert.equal((await arrive({ type: 'image', data_base64: PNG.toString('base64'), mimetype: 'image/png' })).media.state, 'skipped');
    await daemon.ok('PUT', session.path, { media: null });
  });
});

describe('files from urls', () => {
  let farEnd, daemon, server, base;
  const answers = {
    '/file.png': (res) => res.end(PNG),
    '/to/1': (res) => res.writeHead(302, { location: '/file.png' }).end(),
    '/to/2': (res) => res.writeHead(307, { location: '../to/1' }).end(),
    '/to/3': (res) => res.writeHead(301, { location: '/to/2' }).end(),
    '/to/4': (res) => res.writeHead(302, { location: '/to/3' }).end(),
    '/to/file': (res) => res.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/missing': (res) => res.writeHead(404).end('no'),
    '/slow': (res) => res.write('\x89PNG'),
    '/big': (res) => res.writeHead(200, { 'content-length': 17 << 20 }).write('x'),
    '/endless': (res) => {
      const more = () => {
        while (!res.destroyed && res.write(piece));
      };
      const piece = Buffer.alloc(65536);
      res.on('drain', more);
      more();
    },
  };
  before(async () => {
    server = http.createServer((req, res) => (res.on('error', () => {}), (answers[req.url] ?? answers['/missing'])(res)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${server.address().port}`;
    farEnd = await FarEnd.start();
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
    server.closeAllConnections();
    server.close();
  });
  const start = async (settings) => {
    await daemon?.close();
    daemon = await Daemon.start({ farEnd, settings });
    await daemon.session().act('stop');
  };
  const send = (url) => daemon.call('POST', `${daemon.session().path}/messages`, { body: { to: ALICE, image: { url } } });

  test('redirects, and servers that are endless, too big, or have nothing', async () => {
    await start({});
    for (const where of ['/file.png', '/to/3']) {
      const { status, json, text } = await send(base + where);
      assert.equal(status, 202, text);
      assert.equal(json.media.sha256, sha256(PNG));
    }
    const folder = path.join(daemon.dataDir, 'media');
    const known = filesUnder(folder);
    assert.equal(known.length, 1);
    for (const [where, status, code] of [
      ['/to/4', 422, 'media_fetch_failed'],
      ['/to/file', 422, 'invalid_url'],
      ['/missing', 422, 'media_fetch_failed'],
      ['/big', 413, 'media_too_large'],
      ['/endless', 413, 'media_too_large'],
    ]) {
      const answer = await send(base + where);
      assert.equal(answer.status, status, `${where}: ${answer.text}`);
      assert.equal(answer.json.code, code, where);
      assert.equal(answer.json.errors[0].field, 'image.url', where);
    }
    for (const url of ['', 'ftp://localhost/x', 'http://user:pw@localhost/', 'http:///x', `http://localhost/${'x'.repeat(2100)}`]) {
      const answer = await send(url);
      assert.equal(answer.status, 422, url.slice(0, 40));
    }
    await tidy(folder);
    assert.deepEqual(filesUnder(folder), known);
    const { items } = await daemon.ok('GET', `${daemon.session().path}/messages`);
    assert.equal(items.length, 2, 'what was refused was never queued');
  });

  test('a server that never comes to an end is given up', async () => {
    await start({ 'media.fetch_timeout_ms': 1000 });
    const answer = await send(`${base}/slow`);
    assert.deepEqual([answer.status, answer.json.code, answer.json.errors[0].field], [422, 'media_fetch_failed', 'image.url'], answer.text);
    await tidy(path.join(daemon.dataDir, 'media'));
  });

  test('no private addresses unless the operator says so', async () => {
    await start({ 'relay.allow_private': 'no' });
    const { port } = server.address();
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.1', '10.0.0.1', '169.254.169.254']) {
      const answer = await send(`http://${host}:${port}/file.png`);
      assert.equal(answer.status, 422, `${host}: ${answer.text}`);
      assert.equal(answer.json.code, 'address_forbidden', host);
    }
    assert.ok(!fs.existsSync(path.join(daemon.dataDir, 'media', 'default')));
  });
});
