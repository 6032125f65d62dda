// The HTTP contract: errors that a person can act on, limits, hostile requests, the served schema.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { ALICE, Daemon, FarEnd, within } from './harness.mjs';

describe('api', () => {
  let farEnd, daemon, session;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  // Bytes as given; the whole answer until the server closes or the deadline.
  async function raw(text) {
    const { port } = new URL(daemon.base);
    const socket = net.connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    let out = '';
    socket.on('data', (d) => (out += d));
    socket.on('error', () => {});
    socket.write(text);
    // not once(): a connection that is reset is over too
    await within(new Promise((resolve) => socket.on('close', resolve)), 'end of the connection');
    return out;
  }
  const status = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

  test('health needs no key and says what the contract says', async () => {
    const { status, json } = await daemon.call('GET', '/health', { key: '' });
    assert.equal(status, 200);
    assert.equal(json.status, 'ok');
    for (const key of ['version', 'uptime_s', 'memory', 'sessions', 'queues', 'timestamp']) assert.ok(key in json, key);
    assert.deepEqual(Object.keys(json.sessions).sort(), ['disconnected', 'failed', 'ready', 'total', 'unlinked']);
    assert.deepEqual(Object.keys(json.queues).sort(), ['dead_letters', 'deliveries', 'outbox']);
  });

  test('no key, a wrong key, two keys', async () => {
    const none = await daemon.call('GET', '/v1/tenants', { key: ' ' });
    assert.equal(none.status, 401);
    assert.equal(none.json.code, 'unauthorized');
    assert.ok(none.headers.get('www-authenticate'));
    const [, id] = daemon.key.split('_');
    for (const key of ['wab_x_y', `wab_${id}_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`, `${daemon.key}x`, 'Bearer']) {
      assert.equal((await daemon.call('GET', '/v1/tenants', { key })).status, 401, key);
    }
    assert.equal((await daemon.call('GET', '/v1/tenants', { key: '', headers: { 'x-api-key': daemon.key } })).status, 200);
    assert.equal((await daemon.call('GET', '/v1/tenants', { headers: { 'x-api-key': 'wab_other_key' } })).status, 400);
    assert.equal((await daemon.call('GET', `/v1/tenants?key=${daemon.key}`, { key: '' })).status, 401);
  });

  test('every refusal is a problem with a code, a detail and the request id', async () => {
    const long = 'x'.repeat(65_537);
    const table = [
      ['POST', '/messages', { to: '12', text: 'x' }, 422, 'invalid_phone', 'to'],
      ['POST', '/messages', { to: 'abc@nowhere', text: 'x' }, 422, null, 'to'],
      ['POST', '/messages', { text: 'x' }, 422, null, 'to'],
      ['POST', '/messages', { to: ALICE }, 422, null, 'text'],
      ['POST', '/messages', { to: ALICE, text: '' }, 422, null, 'text'],
      ['POST', '/messages', { to: ALICE, text: long }, 422, null, 'text'],
      ['POST', '/messages', { to: ALICE, text: 7 }, 422, null, 'text'],
      ['POST', '/messages', { to: ALICE, text: 'x', surprise: 1 }, 422, null, 'surprise'],
      ['POST', '/messages', { to: ALICE, text: 'x', expires_at: 'tomorrow' }, 422, null, 'expires_at'],
      ['POST', '/messages', { to: ALICE, text: 'x', expires_at: new Date(Date.now() - 1000).toISOString() }, 422, null, 'expires_at'],
      ['POST', '/messages', { to: ALICE, image: {} }, 422, 'invalid_request', 'image'],
      ['POST', '/messages', '{"to":', 400, null, null],
      ['POST', '/messages', '["a"]', 422, null, null],
      ['POST', '/messages?wait=soon', { to: ALICE, text: 'x' }, 422, null, 'wait'],
      ['POST', '/messages?wiat=read', { to: ALICE, text: 'x' }, 422, null, 'wiat'],
      ['GET', '/messages?limit=501', undefined, 422, null, 'limit'],
      ['GET', '/messages?cursor=zzz', undefined, 422, null, 'cursor'],
      ['GET', '/messages?type=photo', undefined, 422, null, 'type'],
      ['GET', '/messages/NOPE', undefined, 404, null, null],
      ['PATCH', '/messages', undefined, 405, null, null],
      ['GET', '/nothing', undefined, 404, null, null],
    ];
    for (const [method, rest, body, expected, code, field] of table) {
      const answer = await daemon.call(method, session.path + rest, { body, headers: { 'x-request-id': 'trace-1' } });
      const what = `${method} ${rest} ${JSON.stringify(body)?.slice(0, 60)}: ${answer.text}`;
      assert.equal(answer.status, expected, what);
      assert.equal(answer.type.split(';')[0], 'application/problem+json', what);
      assert.equal(answer.json.status, expected, what);
      assert.ok(answer.json.title && answer.json.detail && answer.json.code && answer.json.type, what);
      assert.equal(answer.headers.get('x-request-id'), 'trace-1');
      if (code) assert.equal(answer.json.code, code, what);
      if (field) assert.equal(answer.json.errors[0].field, field, what);
    }
  });

  test('text: NUL and broken UTF-8 are 400, other controls are removed', async () => {
    const nul = await daemon.call('POST', `${session.path}/messages`, { body: `{"to":"${ALICE}","text":"a\\u0000b"}` });
    assert.equal(nul.status, 400);
    const broken = await fetch(`${daemon.base}${session.path}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${daemon.key}`, 'content-type': 'application/json' },
      body: Buffer.from([...Buffer.from(`{"to":"${ALICE}","text":"`), 0xff, 0xfe, ...Buffer.from('"}')]),
    });
    assert.equal(broken.status, 400);
    const cleaned = await session.send(ALICE, 'a\u0007b\tc\nd');
    assert.equal(cleaned.text, 'ab\tc\nd');
  });

  test('a body past 1 MiB is 413, other content 415', async () => {
    const big = await daemon.call('POST', `${session.path}/messages`, { body: JSON.stringify({ to: ALICE, text: 'x'.repeat(1 << 20) }) })
      .catch((error) => ({ status: 413, refused: error }));
    assert.equal(big.status, 413);
    const form = await daemon.call('POST', `${session.path}/messages`, { body: 'to=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    assert.equal(form.status, 415);
  });

  test('requests that two servers might read differently are refused', async () => {
    const auth = `Authorization: Bearer ${daemon.key}\r\n`;
    const table = [
      ['both lengths', `POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\n${auth}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
      ['two lengths', `POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\n${auth}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`],
      ['bad length', `POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\n${auth}Content-Length: 5x\r\n\r\nabcde`],
      ['odd encoding', `POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\n${auth}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
      ['no host', `GET /health HTTP/1.1\r\n\r\n`],
      ['NUL in the path', `GET /v1/tenants/a%00b HTTP/1.1\r\nHost: localhost\r\n${auth}\r\n`],
      ['header flood', `GET /health HTTP/1.1\r\nHost: localhost\r\n${'X-A: b\r\n'.repeat(20000)}\r\n`],
    ];
    for (const [name, text] of table) {
      const answer = await raw(text.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
      assert.ok(status(answer) >= 400 && status(answer) < 500, `${name}: ${answer.slice(0, 80)}`);
    }
    assert.equal((await daemon.call('GET', '/health')).status, 200);
  });

  test('a page elsewhere that resolves to this host is refused (DNS rebinding)', async () => {
    const answer = await raw('GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    assert.ok([403, 421].includes(status(answer)), answer.slice(0, 80));
  });

  test('the served schema is OpenAPI 3.1 and every path in it answers', async () => {
    const { json } = await daemon.call('GET', '/openapi.json', { key: '' });
    assert.match(json.openapi, /^3\.1/);
    let operations = 0;
    for (const [where, methods] of Object.entries(json.paths)) {
      for (const method of Object.keys(methods)) {
        if (method !== 'get') continue;
        operations++;
        const filled = where.replace(/\{[^}]+\}/g, 'zzz');
        const answer = await daemon.call('GET', filled);
        assert.notEqual(answer.status, 405, where);
        assert.ok(answer.status < 500, `${where}: ${answer.status}`);
        if (answer.status === 404) assert.notEqual(answer.json.code, 'unknown_path', where);
      }
    }
    assert.ok(operations >= 15);
  });

  test('the event stream goes on where it was left', async () => {
    for (let i = 0; i < 5; i++) await session.send(ALICE, `event ${i}`);
    const all = await daemon.ok('GET', '/v1/tenants/default/events?limit=500');
    const middle = all.items[Math.floor(all.items.length / 2)].seq;
    const request = http.get(`${daemon.base}/v1/tenants/default/events`, {
      agent: false,
      headers: { authorization: `Bearer ${daemon.key}`, accept: 'text/event-stream', 'last-event-id': String(middle) },
    });
    const [response] = await within(once(request, 'response'), 'answer of the stream');
    assert.equal(response.headers['content-type'].split(';')[0], 'text/event-stream');
    const expected = all.items.at(-1).seq;
    let text = '';
    response.setEncoding('utf8').on('error', () => {});
    await within(
      new Promise((resolve) => response.on('data', (chunk) => (text += chunk).includes(`id: ${expected}\n`) && resolve())),
      'the rest of the stream',
    );
    request.destroy();
    const ids = [...text.matchAll(/^id: (\d+)\n/gm)].map((m) => Number(m[1]));
    assert.equal(ids[0], middle + 1);
    assert.deepEqual(ids, ids.map((_, i) => middle + 1 + i));
  });

  test('the Unix socket serves the same, and only to its owner', async () => {
    const fs = await import('node:fs');
    const socketPath = `${daemon.dataDir}/wabridge.sock`;
    assert.equal(fs.statSync(socketPath).mode & 0o777, 0o600);
    const answer = await new Promise((resolve, reject) => {
      http.get({ socketPath, path: '/health', headers: { host: 'localhost' } }, resolve).on('error', reject);
    });
    assert.equal(answer.statusCode, 200);
    answer.resume();
  });
});
