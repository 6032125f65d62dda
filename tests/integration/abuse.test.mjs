// What strangers can do to the listener, and what they get: floods, drips, crowds. Raw sockets
// against the real daemon; no browser is needed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Daemon, deferred, within } from './harness.mjs';

let daemon;
const sockets = new Set();

before(async () => {
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false', 'log.level': 'info' } });
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  await daemon?.close();
});

// A connection that keeps what it hears. `text` grows; `ended` resolves when the server is done.
async function dial({ local = false } = {}) {
  const { port } = new URL(daemon.base);
  const socket = local ? net.connect(path.join(daemon.dataDir, 'wabridge.sock')) : net.connect(port, '127.0.0.1');
  sockets.add(socket);
  socket.text = '';
  socket.setEncoding('latin1');
  socket.on('data', (data) => {
    socket.text += data;
    socket.emit('heard');
  });
  socket.on('error', () => {});
  const { promise, resolve } = deferred();
  socket.on('end', resolve);
  socket.on('close', () => { sockets.delete(socket); resolve(); });
  socket.ended = promise;
  await within(once(socket, 'connect'), 'connection');
  return socket;
}

// Unlike once(): a connection that is reset is an end, not a failure of the test.
const next = (socket, event) => new Promise((resolve) => socket.once(event, resolve));

async function hear(socket, pattern) {
  while (!pattern.test(socket.text)) {
    await within(Promise.race([next(socket, 'heard'), socket.ended.then(() => {
      if (!pattern.test(socket.text)) throw new Error(`ended with ${JSON.stringify(socket.text.slice(0, 300))}`);
    })]), String(pattern));
  }
  return socket.text;
}

// All that comes back for these bytes, once the server has ended the connection.
async function exchange(bytes, options) {
  const socket = await dial(options);
  socket.write(bytes);
  await within(socket.ended, 'end of the connection');
  socket.destroy();
  return answers(socket.text);
}

function answers(text) {
  const found = [];
  while (text.length > 0) {
    const head = /^HTTP\/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/.exec(text);
    assert.ok(head, `an answer: ${JSON.stringify(text.slice(0, 200))}`);
    const length = Number(/^content-length: (\d+)/im.exec(head[2])?.[1] ?? 0);
    const body = text.slice(head[0].length, head[0].length + length);
    found.push({ status: Number(head[1]), head: head[2], body });
    text = text.slice(head[0].length + length);
  }
  return found;
}

// One answer, a problem with this status and code, and then the end.
async function refused(name, bytes, status, code) {
  const list = await exchange(bytes);
  assert.equal(list.length, 1, `${name}: ${JSON.stringify(list)}`);
  assert.equal(list[0].status, status, `${name}: ${list[0].body}`);
  assert.match(list[0].head, /application\/problem\+json/, name);
  const body = JSON.parse(list[0].body);
  assert.equal(body.code, code, name);
  assert.ok(body.detail.length > 10, name);
}

async function well(options) {
  const list = await exchange('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', options);
  assert.equal(list[0].status, 200);
}

const memory = () => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8'))[1]) * 1024;

const HOST = 'Host: localhost\r\n';
const BEHIND = `GET /v1/tenants HTTP/1.1\r\n${HOST}\r\n`;
const auth = () => `Authorization: Bearer ${daemon.key}\r\n`;
const post = (headers) => `POST /v1/tenants/default/sessions/main/messages HTTP/1.1\r\n${HOST}${auth()}${headers}\r\n`;

test('requests that could be read in two ways are refused, and nothing behind them is answered', async () => {
  const cases = [
    ['length and coding', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n') + `0\r\n\r\n${BEHIND}`],
    ['coding and length', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n') + `0\r\n\r\n${BEHIND}`],
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 40\r\n') + `{}${BEHIND}`],
    ['a list of lengths', post('Content-Length: 2, 2\r\n') + `{}${BEHIND}`],
    ['two codings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n') + `0\r\n\r\n${BEHIND}`],
    ['another coding', post('Transfer-Encoding: xchunked\r\n') + `0\r\n\r\n${BEHIND}`],
    ['a coding in quotes', post('Transfer-Encoding: "chunked"\r\n') + `0\r\n\r\n${BEHIND}`],
    ['a coding after a tab', post('Transfer-Encoding:\x0bchunked\r\n') + `0\r\n\r\n${BEHIND}`],
    ['a folded coding', post('Transfer-Encoding:\r\n chunked\r\n') + `0\r\n\r\n${BEHIND}`],
    ['a blank before the colon', post('Transfer-Encoding : chunked\r\n') + `0\r\n\r\n${BEHIND}`],
    ['a bare LF', `GET /health HTTP/1.1\r\n${HOST}X: a\nTransfer-Encoding: chunked\r\n\r\n${BEHIND}`],
    ['a bare LF at the end', `GET /health HTTP/1.1\r\n${HOST}\n${BEHIND}`],
    ['a bare CR', `GET /health HTTP/1.1\r\n${HOST}X: a\rContent-Length: 5\r\n\r\n${BEHIND}`],
    ['a NUL', `GET /health HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n${BEHIND}`],
    ['a chunk line with LF', post('Transfer-Encoding: chunked\r\n') + `2\n{}\r\n0\r\n\r\n${BEHIND}`],
    ['an extension with LF', post('Transfer-Encoding: chunked\r\n') + `2;\n{}\r\n0\r\n\r\n${BEHIND}`],
    ['a chunk that is longer than it says', post('Transfer-Encoding: chunked\r\n') + `2\r\n{}x\r\n0\r\n\r\n${BEHIND}`],
    ['a long extension', post('Transfer-Encoding: chunked\r\n') + `2;${'x'.repeat(300)}\r\n{}\r\n0\r\n\r\n${BEHIND}`],
    ['a coding in HTTP/1.0', `POST /x HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${BEHIND}`],
    ['another host in the target', `GET http://evil.example/health HTTP/1.1\r\n${HOST}\r\n${BEHIND}`],
    ['no host', `GET /health HTTP/1.1\r\n\r\n${BEHIND}`],
    ['two hosts', `GET /health HTTP/1.1\r\n${HOST}Host: evil.example\r\n\r\n${BEHIND}`],
    ['a name with an umlaut', `GET /health HTTP/1.1\r\n${HOST}X-\xe4: a\r\n\r\n${BEHIND}`],
    ['a method with a blank', `GET\t/health HTTP/1.1\r\n${HOST}\r\n${BEHIND}`],
    ['a long method', `${'A'.repeat(40)} /health HTTP/1.1\r\n${HOST}\r\n${BEHIND}`],
    ['no version', `GET /health\r\n${HOST}\r\n${BEHIND}`],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ];
  for (const [name, bytes] of cases) {
    await refused(name, Buffer.from(bytes, 'latin1'), 400, 'malformed_request');
  }
  await refused('HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'http_version');
  await refused('a length past 64 bits', post(`Content-Length: ${'9'.repeat(30)}\r\n`), 413, 'payload_too_large');
  await refused('a chunk past 64 bits', post('Transfer-Encoding: chunked\r\n') + 'ffffffffffffffff\r\n', 413, 'payload_too_large');
  await well();
});

test('what stood before a request at fault is answered first', async () => {
  const good = `GET /health HTTP/1.1\r\n${HOST}\r\n`;
  const list = await exchange(good + good + `GET /health HTTP/1.1\n${HOST}\r\n` + good);
  assert.deepEqual(list.map((a) => a.status), [200, 200, 400]);
  assert.equal(JSON.parse(list[2].body).code, 'malformed_request');
  // also when the answer before it takes a while
  const slow = `GET /v1/logs?wait=1&after=9007199254740991 HTTP/1.1\r\n${HOST}${auth()}\r\n`;
  const later = await exchange(slow + `GET /health HTTP/1.1\r\n${HOST} folded: 1\r\n\r\n`);
  assert.deepEqual(later.map((a) => a.status), [200, 400]);
});

test('floods of headers, cookies, targets and queries', async () => {
  const line = `GET /health HTTP/1.1\r\n${HOST}`;
  await refused('headers', line + 'X: a\r\n'.repeat(200) + '\r\n', 431, 'header_too_large');
  await refused('a large header', `${line}X: ${'a'.repeat(40_000)}\r\n\r\n`, 431, 'header_too_large');
  await refused('headers without end', `${line}${'X-Y: abcdefgh\r\n'.repeat(100_000)}`, 431, 'header_too_large');
  await refused('cookies', `${line}Cookie: ${'a=b;'.repeat(200)}\r\n\r\n`, 431, 'header_too_large');
  await refused('a long target', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n${HOST}\r\n`, 414, 'uri_too_long');
  const query = await exchange(`GET /health?${'a&'.repeat(3000)} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  assert.equal(query[0].status, 422);
  const cookies = await exchange(`${line}Cookie: ${'a=b; '.repeat(90)}\r\nConnection: close\r\n\r\n`);
  assert.equal(cookies[0].status, 200);
  await well();
});

test('paths lead nowhere else', async () => {
  const cases = [
    ['/v1/tenants/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/v1/tenants/default/../../../../etc/passwd', 404],
    ['/v1/tenants/default%2fsessions', 404],
    ['/v1/tenants/default%5c..', 404],
    ['/v1/tenants//default', 404],
    ['//v1/tenants', 404],
    ['/v1/tenants/', 404],
    ['/v1/tenants/.', 404],
    ['/v1/tenants/default;a=b', 404],
    ['/v1/./tenants', 404],
    ['/V1/tenants', 404],
    ['/v1/tenants/default%00', 400],
    ['/v1/tenants/default%0d%0aX:%20y', 400],
    ['/v1/tenants/%c0%ae%c0%ae', 400],     // "..", written too long
    ['/v1/tenants/%ed%a0%80', 400],        // half a surrogate pair
    ['/v1/tenants/%f5%80%80%80', 400],     // past U+10FFFF
    ['/v1/tenants/%u002e', 400],
    ['/v1/tenants/%', 400],
    ['/v1/tenants/%252e%252e', 404],
    ['/v1/tenants/d%D0%B5fault', 404],     // a Cyrillic e
    ['/v1/tenants/%EF%BD%84efault', 404],  // a full-width d
    ['/v1/tenants/default%E2%80%AE', 404], // a direction mark
    ['/v1/tenants/default/media/..%2f..%2fadmin.key', 404],
  ];
  for (const [where, status] of cases) {
    const [answer] = await exchange(`GET ${where} HTTP/1.1\r\n${HOST}${auth()}Connection: close\r\n\r\n`);
    assert.equal(answer.status, status, `${where}: ${answer.body}`);
    assert.match(answer.head, /application\/problem\+json/, where);
  }
  for (const name of ['d\u0435fault', '\uff44efault', 'default\u202e', 'DEFAULT', 'a b', '..', 'a/b', 'a\u0301', '-a', 'a'.repeat(64)]) {
    const answer = await daemon.call('PUT', `/v1/tenants/${encodeURIComponent(name).replace(/^\.\.$/, '%2e%2e')}`, { body: {} });
    assert.ok([404, 422].includes(answer.status), `${name}: ${answer.status} ${answer.text}`);
  }
  assert.deepEqual((await daemon.ok('GET', '/v1/tenants')).items.map((t) => t.id ?? t.name), ['default']);
});

test('JSON bombs', async () => {
  await daemon.ok('PUT', '/v1/tenants/default/sessions/main', {});
  const where = '/v1/tenants/default/sessions/main/messages';
  const to = '"to":"5511988887777"';
  const bodies = [
    ['brackets', '['.repeat(1_000_000)],
    ['braces', '{"a":'.repeat(200_000)],
    ['depth', `{${to},"text":${'['.repeat(65)}${']'.repeat(65)}}`],
    ['the same key twice', `{${to},"text":"a","text":"b"}`],
    ['a large number', `{${to},"text":"a","x":${'9'.repeat(1000)}}`],
    ['a large exponent', `{${to},"text":"a","x":1e999999}`],
    ['NUL', `{${to},"text":"a\\u0000b"}`],
    ['a raw control character', `{${to},"text":"a\u0001b"}`],
    ['a byte order mark', `\ufeff{${to},"text":"a"}`],
    ['two documents', `{${to},"text":"a"}{}`],
    ['no UTF-8', Buffer.from(`{${to},"text":"\xff\xfe"}`, 'latin1')],
    ['overlong UTF-8', Buffer.from(`{${to},"text":"\xc0\xaf"}`, 'latin1')],
    ['NaN', `{${to},"text":"a","x":NaN}`],
  ];
  const before = memory();
  for (const [name, body] of bodies) {
    const bytes = Buffer.from(body);
    const [answer] = await exchange(Buffer.concat([Buffer.from(post(`Content-Type: application/json\r\nContent-Length: ${bytes.length}\r\nConnection: close\r\n`)), bytes]));
    assert.equal(answer.status, 400, `${name}: ${answer.body}`);
    assert.equal(JSON.parse(answer.body).code, 'malformed_json', name);
  }
  // one key a member: the tree of a megabyte has an end too
  const wide = `{${to},"text":"a",${Array.from({ length: 80_000 }, (_, i) => `"k${i}":0`).join()}}`;
  const answer = await daemon.call('POST', where, { body: wide });
  assert.equal(answer.status, 422, answer.text);
  assert.ok(memory() - before < 64 * 2 ** 20, `${memory() - before} bytes more`);
  // a lone surrogate is text that is broken, and is told so by being replaced
  const lone = await daemon.call('POST', where, { body: `{${to},"text":"a\\ud83d"}` });
  assert.equal(lone.status, 202, lone.text);
  assert.equal((await daemon.session().message(lone.json.id)).text, 'a\ufffd');
  // direction marks are text: kept as they are, for those who write right to left
  const bidi = await daemon.call('POST', where, { body: { to: '5511988887777', text: 'a\u202eb' } });
  assert.equal((await daemon.session().message(bidi.json.id)).text, 'a\u202eb');
});

test('bodies without end', async () => {
  const endless = await dial();
  endless.write(post('Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n'));
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  const before = memory();
  for (let i = 0; i < 17; i++) endless.write(chunk); // just too much
  assert.equal(JSON.parse(answers(await hear(endless, /\}$/))[0].body).code, 'payload_too_large');
  for (let i = 0; i < 400 && !endless.destroyed; i++) { // who goes on is cut off
    if (!endless.write(chunk)) await Promise.race([next(endless, 'drain'), endless.ended]);
  }
  assert.ok(memory() - before < 16 * 2 ** 20, 'what is too much is not kept');
  await within(endless.ended, 'end of a body that never ends');
  endless.destroy();
  await well();
});
