// The API over TLS, by OpenSSL's own client side in node: the same bytes as without it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { Daemon, removeDirectory, temporaryDirectory, within } from './harness.mjs';

const run = promisify(execFile);
let dir, cert, key, daemon, port;

before(async () => {
  dir = temporaryDirectory('tls');
  cert = path.join(dir, 'cert.pem');
  key = path.join(dir, 'key.pem');
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert]);
  fs.chmodSync(key, 0o600);
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false', 'server.tls_cert': cert, 'server.tls_key': key } });
  port = Number(new URL(daemon.base).port);
});

after(async () => {
  await daemon?.close();
  removeDirectory(dir);
});

const options = (more = {}) => ({ host: '127.0.0.1', port, ca: fs.readFileSync(cert), ...more });
const authorised = () => ({ authorization: `Bearer ${daemon.key}` });

async function request(method, target, { body, agent, headers } = {}) {
  const req = https.request(options({ method, path: target, agent, headers: { ...authorised(), ...headers } }));
  req.end(body);
  const [res] = await once(req, 'response');
  const parts = [];
  for await (const part of res) parts.push(part);
  return { status: res.statusCode, body: Buffer.concat(parts), res };
}

test('answers over TLS 1.2 and 1.3, and names its address', async () => {
  assert.match(daemon.base, /^https:/);
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const agent = new https.Agent({ minVersion: version, maxVersion: version, ca: fs.readFileSync(cert) });
    const { status, body } = await request('GET', '/health', { agent });
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).status, 'ok');
    agent.destroy();
  }
});

test('many requests on one connection, and bodies of megabytes both ways', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: fs.readFileSync(cert) });
  for (let n = 0; n < 50; n++) assert.equal((await request('GET', '/v1/tenants/default', { agent })).status, 200);
  const file = Buffer.alloc(5 << 20, 'wabridge');
  const put = await request('POST', '/v1/tenants/default/media?filename=big.bin', {
    agent, body: file, headers: { 'content-type': 'application/octet-stream' },
  });
  assert.equal(put.status, 201, put.body.toString());
  const got = await request('GET', `/v1/tenants/default/media/${JSON.parse(put.body).media_id}`, { agent });
  assert.ok(got.body.equals(file));
  agent.destroy();
});

test('an event stream goes on, and ends with the daemon', async () => {
  const req = https.request(options({ path: '/v1/tenants/default/events', headers: { ...authorised(), accept: 'text/event-stream' } }));
  req.end();
  const [res] = await once(req, 'response');
  assert.equal(res.statusCode, 200);
  const found = (async () => {
    let text = '';
    for await (const part of res) {
      text += part;
      if (text.includes('session.status')) return true;
    }
    return false;
  })();
  assert.equal((await request('POST', '/v1/tenants/default/sessions/main/stop', { headers: { 'content-length': 0 } })).status, 202);
  assert.ok(await within(found, 'event on the stream'));
  req.destroy();
});

test('plain HTTP, old TLS and rubbish are told off, and the daemon goes on', async () => {
  const plain = net.connect(port, '127.0.0.1');
  plain.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  let text = '';
  for await (const part of plain) text += part;
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /"code":"tls_required"/);

  const old = tls.connect(options({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  const [error] = await once(old, 'error');
  assert.match(error.code ?? error.message, /PROTOCOL|ALERT|VERSION/i);

  const rubbish = net.connect(port, '127.0.0.1');
  rubbish.on('error', () => {});
  rubbish.end(Buffer.alloc(1000, 0x55));
  await within(new Promise((resolve) => rubbish.resume().once('close', resolve)), 'end of the rubbish');
  assert.equal((await request('GET', '/health')).status, 200);
});

test('a broken request over TLS gets its problem', async () => {
  const socket = tls.connect(options());
  await once(socket, 'secureConnect');
  socket.write('GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n');
  let text = '';
  for await (const part of socket) text += part;
  assert.match(text, /^HTTP\/1\.1 400 [^]*application\/problem\+json/);
});

test('what cannot be used is an error at the start that names the file', async () => {
  const wrong = async (settings, pattern) => {
    await assert.rejects(Daemon.start({ settings: { 'browser.executable': '/bin/false', ...settings } }), pattern);
  };
  await wrong({ 'server.tls_cert': cert }, /tls_cert and tls_key belong together/);
  await wrong({ 'server.tls_cert': `${cert}.none`, 'server.tls_key': key }, /tls_cert .*cert\.pem\.none/);
  await wrong({ 'server.tls_cert': key, 'server.tls_key': key }, /tls_cert .*key\.pem/);
  const open = path.join(dir, 'open.pem');
  fs.copyFileSync(key, open);
  fs.chmodSync(open, 0o644);
  await wrong({ 'server.tls_cert': cert, 'server.tls_key': open }, /chmod 600/);
});
