// Tokens of an identity provider: good ones of each algorithm, bad ones, keys that rotate. No browser.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { Daemon, eventually, removeDirectory, temporaryDirectory, within } from './harness.mjs';

const ISSUER = 'https://idp.example';
const T = '/v1/tenants/default';
const SECRET = crypto.randomBytes(48).toString('base64');
const base64url = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url');

function keyPair(kid, type) {
  const pair = type === 'RS256' ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
    : crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg: type, use: 'sig' };
  return { ...pair, kid, alg: type, jwk };
}

function claims(more = {}) {
  const now = Math.floor(Date.now() / 1000);
  return { iss: ISSUER, aud: 'wabridge', sub: 'ana', exp: now + 300, iat: now, tenant: 'default', role: 'operator', ...more };
}

// key: a pair of keyPair(), or a secret
function token(key, body = claims(), header = {}) {
  const alg = header.alg ?? key.alg ?? 'HS256';
  const head = base64url({ typ: 'JWT', ...(key.kid ? { kid: key.kid } : {}), ...header, alg });
  const text = `${head}.${base64url(body)}`;
  const signature = key.privateKey
    ? crypto.sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    : crypto.createHmac('sha256', key).update(text).digest();
  return `${text}.${signature.toString('base64url')}`;
}

// An identity provider's keys; answer(response) may be replaced.
class Provider {
  static async start(...keys) {
    const p = new Provider();
    p.keys = keys;
    p.asked = 0;
    p.answer = (response) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: p.keys.map((k) => k.jwk) }));
    p.server = http.createServer((request, response) => {
      p.asked++;
      p.answer(response);
    }).listen(0, '127.0.0.1');
    await once(p.server, 'listening');
    p.url = `http://127.0.0.1:${p.server.address().port}/jwks`;
    return p;
  }
  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function start(settings, more = {}) {
  return Daemon.start({ ...more, settings: { 'browser.executable': '/bin/false', 'jwt.issuer': ISSUER, 'jwt.audience': 'wabridge', ...settings } });
}
const get = (daemon, key, where = T) => daemon.call('GET', where, { key });

// As a client does that is told to try again: until the answer is another one than 503.
function settled(daemon, key, what = 'keys of the provider', late = []) {
  return eventually(what, async () => {
    const answer = await get(daemon, key);
    if (answer.status === 503) assert.equal(answer.json.code, 'signing_keys_pending');
    return ![503, ...late].includes(answer.status) && answer;
  });
}
// A key that the provider has since a moment ago: it is asked again within its second.
const known = (daemon, key) => settled(daemon, key, 'fetch of the new key', [401]);
const loaded = (daemon, n) => daemon.waitLog((l) => l.event === 'jwt.keys' && l.msg.startsWith(`${n} keys`), `${n} keys`);

test('HS256, RS256 and ES256; roles, session patterns, another tenant', async () => {
  const rsa = keyPair('r1', 'RS256');
  const ec = keyPair('e1', 'ES256');
  const dir = temporaryDirectory('tokens');
  const secretFile = path.join(dir, 'secret');
  fs.writeFileSync(secretFile, `${SECRET}\n`);
  const provider = await Provider.start(rsa, ec);
  const daemon = await start({ 'jwt.algorithms': 'HS256 RS256 ES256', 'jwt.secret_file': secretFile, 'jwt.jwks_url': provider.url, 'jwt.allow_private': 'yes' });
  try {
    await loaded(daemon, 2);
    for (const key of [rsa, ec, SECRET]) {
      const answer = await get(daemon, token(key));
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await daemon.call('GET', T, { key: '', headers: { 'x-api-key': token(key) } })).status, 200);
    }
    // the rights are those of the role
    assert.equal((await get(daemon, token(rsa), `${T}/sessions`)).status, 200);
    assert.equal((await get(daemon, token(rsa), `${T}/keys`)).status, 403);
    assert.equal((await get(daemon, token(rsa, claims({ role: 'admin' })), `${T}/keys`)).status, 200);
    assert.equal((await get(daemon, token(rsa, claims({ role: ['x', 'viewer'] })), `${T}/sessions`)).status, 200);
    assert.equal((await daemon.call('PUT', `${T}/sessions/x`, { key: token(rsa, claims({ role: 'viewer' })), body: {} })).status, 403);
    assert.equal((await get(daemon, token(rsa, claims({ role: 'admin' })), '/v1/tenants')).status, 403);
    assert.equal((await get(daemon, token(ec, claims({ sessions: ['sales-*'] })), `${T}/sessions/main`)).status, 404);
    assert.deepEqual((await get(daemon, token(ec, claims({ sessions: 'sales-*' })), `${T}/sessions`)).json.items, []);
    // the tenant is the token's
    await daemon.ok('PUT', '/v1/tenants/acme', {});
    const acme = token(ec, claims({ tenant: 'acme' }));
    assert.deepEqual([(await get(daemon, acme)).status, (await get(daemon, acme, '/v1/tenants/acme')).status], [404, 200]);
    assert.equal((await get(daemon, token(ec, claims({ tenant: 'nobody' })), '/v1/tenants/nobody')).status, 403);
    // what it is, and a link made with it: no further, and no longer than the token
    const ana = token(ec, claims({ name: 'Ana', role: 'agent', sessions: ['sales-*'] }));
    const me = (await get(daemon, ana, '/v1/me')).json;
    assert.deepEqual({ ...me, scopes: 0, expires_at: 0 }, { kind: 'token', id: 'jwt:ana', name: 'Ana', admin: false,
      tenant: 'default', role: 'agent', scopes: 0, sessions: ['sales-*'], expires_at: 0 });
    const { ticket } = await daemon.ok('POST', '/v1/sign-in-links', {}, { key: ana });
    const signed = (await daemon.call('POST', '/v1/sign-in', { key: '', body: { ticket } })).json;
    assert.deepEqual([signed.me.kind, signed.me.name, signed.me.role, signed.me.sessions], ['sign_in', 'sign-in: Ana', 'agent', ['sales-*']]);
    assert.ok(Date.parse(signed.expires_at) <= Date.parse(me.expires_at));
    assert.equal((await daemon.call('POST', '/v1/sign-in-links', { key: ana, body: { role: 'operator' } })).status, 403);
    assert.equal((await daemon.call('DELETE', '/v1/me', { key: ana })).json.code, 'not_a_sign_in');
    // who it was is known by name
    const note = await daemon.ok('PUT', `${T}/sessions/main`, { metadata: { a: 1 } }, { key: token(ec) });
    assert.equal(note.id, 'main');
    const audit = await daemon.ok('GET', `${T}/audit`);
    assert.ok(audit.items.some((r) => JSON.stringify(r).includes('jwt:ana')));
  } finally {
    await daemon.close();
    provider.close();
    removeDirectory(dir);
  }
});

test('what is wrong is refused', async () => {
  const rsa = keyPair('r1', 'RS256');
  const ec = keyPair('e1', 'ES256');
  const stranger = { ...keyPair('r1', 'RS256') };
  const dir = temporaryDirectory('tokens');
  const file = path.join(dir, 'jwks.json');
  fs.writeFileSync(file, JSON.stringify({ keys: [rsa.jwk, ec.jwk] }));
  const daemon = await start({ 'jwt.jwks_file': file });
  try {
    const past = Math.floor(Date.now() / 1000) - 3600;
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
    const good = token(rsa);
    assert.equal((await get(daemon, good)).status, 200);
    const none = `${base64url({ alg: 'none', typ: 'JWT' })}.${base64url(claims())}.`;
    const bad = {
      none,
      'none with a signature': `${none}${good.split('.')[2]}`,
      'a public key as a secret': token(pem, claims(), { kid: 'r1' }),
      'HS256, which is not configured': token(SECRET),
      'another key under the same name': token(stranger),
      'a key under the other algorithm': token(ec, claims(), { kid: 'r1' }),
      'no such key': token({ ...rsa, kid: 'r9' }),
      expired: token(rsa, claims({ exp: past })),
      'not yet': token(rsa, claims({ nbf: past + 7200 })),
      'no end': token(rsa, claims({ exp: undefined })),
      'other audience': token(rsa, claims({ aud: ['billing'] })),
      'other issuer': token(rsa, claims({ iss: `${ISSUER}.evil` })),
      nobody: token(rsa, claims({ sub: undefined })),
      cut: good.slice(0, -4),
      'other claims': [good.split('.')[0], base64url(claims({ role: 'admin' })), good.split('.')[2]].join('.'),
      'far too long': token(rsa, claims({ padding: 'x'.repeat(12000) })),
    };
    for (const [what, text] of Object.entries(bad)) {
      const answer = await get(daemon, text);
      assert.equal(answer.status, 401, `${what}: ${answer.text}`);
      assert.ok(answer.headers.get('www-authenticate'));
    }
    assert.equal((await get(daemon, bad.expired)).json.code, 'token_expired');
    for (const more of [{ role: 'root' }, { role: undefined }, { tenant: undefined }, { tenant: '../x' }, { sessions: 5 }]) {
      assert.equal((await get(daemon, token(rsa, claims(more)))).status, 403, JSON.stringify(more));
    }
    // an open stream ends with the token
    let response;
    for (let life = 6; life <= 60 && response?.statusCode !== 200; life *= 2) { // longer when it was over before we were heard
      response?.destroy();
      const exp = Math.floor(Date.now() / 1000) + life - 60; // and the leeway of a minute
      const short = token(rsa, claims({ exp }));
      const request = http.get(`${daemon.base}${T}/events`, { headers: { authorization: `Bearer ${short}`, accept: 'text/event-stream' } });
      [response] = await within(once(request, 'response'), 'stream');
    }
    assert.equal(response.statusCode, 200);
    response.resume();
    await within(once(response, 'end'), 'end of the stream');
    assert.ok(!daemon.log.some((l) => JSON.stringify(l).includes(good.split('.')[2])), 'no token in the log');
  } finally {
    await daemon.close();
    removeDirectory(dir);
  }
});

test('keys rotate at the url: a new one is fetched, the old one goes, a provider that fails changes nothing', async () => {
  const [one, two, three] = ['k1', 'k2', 'k3'].map((kid) => keyPair(kid, 'ES256'));
  const provider = await Provider.start(one);
  const daemon = await start({ 'jwt.jwks_url': provider.url, 'jwt.allow_private': 'yes', 'jwt.jwks_refetch_s': 1, 'jwt.jwks_cache_s': 86400 });
  try {
    await loaded(daemon, 1);
    assert.equal((await get(daemon, token(one))).status, 200);
    provider.keys = [one, two];
    assert.equal((await known(daemon, token(two))).status, 200);
    assert.equal((await get(daemon, token(one))).status, 200);

    // nonsense, a redirect, far too much: what is there stays
    const bad = [
      (response) => response.end('<html>'),
      (response) => response.writeHead(302, { location: '/other' }).end(),
      (response) => response.writeHead(500).end('{"keys":[]}'),
      (response) => response.end(`{"keys":["${'x'.repeat(400 << 10)}"]}`),
      (response) => response.destroy(),
    ];
    for (const answerBadly of bad) {
      provider.answer = answerBadly;
      const before = provider.asked;
      await eventually('question to the provider', async () => (await get(daemon, token(three))) && provider.asked > before);
      assert.equal((await settled(daemon, token(three))).status, 401);
      assert.equal((await get(daemon, token(two))).status, 200);
    }
    const asked = provider.asked;
    for (let i = 0; i < 20; i++) await get(daemon, token(one));
    assert.equal(provider.asked, asked, 'known keys cost no fetch');

    provider.answer = (response) => response.end(JSON.stringify({ keys: [two.jwk, three.jwk] }));
    assert.equal((await known(daemon, token(three))).status, 200);
    assert.equal((await get(daemon, token(two))).status, 200);
    assert.equal((await settled(daemon, token(one))).status, 401);
  } finally {
    await daemon.close();
    provider.close();
  }
});

test('a provider that is down at the start: 503, and keys work meanwhile', async () => {
  const key = keyPair('k1', 'RS256');
  const provider = await Provider.start(key);
  provider.answer = (response) => response.writeHead(503).end();
  const daemon = await start({ 'jwt.jwks_url': provider.url, 'jwt.allow_private': 'yes', 'jwt.jwks_refetch_s': 1 });
  try {
    const answer = await get(daemon, token(key));
    assert.deepEqual([answer.status, answer.json.code], [503, 'signing_keys_pending']);
    assert.equal((await get(daemon, daemon.key)).status, 200);
    provider.answer = (response) => response.end(JSON.stringify({ keys: [key.jwk] }));
    assert.equal((await settled(daemon, token(key))).status, 200);
  } finally {
    await daemon.close();
    provider.close();
  }
});

test('files are read again when they change, and a broken one changes nothing', async () => {
  const [one, two] = ['k1', 'k2'].map((kid) => keyPair(kid, 'RS256'));
  const dir = temporaryDirectory('tokens');
  const file = path.join(dir, 'jwks.json');
  const replace = (text) => {
    fs.writeFileSync(`${file}.new`, text);
    fs.renameSync(`${file}.new`, file);
  };
  replace(JSON.stringify({ keys: [one.jwk] }));
  const daemon = await start({ 'jwt.jwks_file': file });
  try {
    assert.equal((await get(daemon, token(one))).status, 200);
    replace('{');
    await daemon.waitLog((l) => l.event === 'jwt.keys_failed', 'warning');
    assert.equal((await get(daemon, token(one))).status, 200);
    replace(JSON.stringify({ keys: [two.jwk, one.jwk] }));
    await loaded(daemon, 2);
    assert.equal((await get(daemon, token(two))).status, 200);
  } finally {
    await daemon.close();
    removeDirectory(dir);
  }
});

test('settings that do not go together are told at the start', async () => {
  const wrong = {
    'jwt.audience': { 'jwt.audience': undefined, 'jwt.jwks_url': 'https://idp.example/jwks' },
    'no keys': {},
    'a secret without HS256': { 'jwt.secret_file': '/nonexistent', 'jwt.jwks_url': 'https://idp.example/jwks' },
    'a secret that is not there': { 'jwt.algorithms': 'HS256', 'jwt.secret_file': '/nonexistent' },
    'both sources': { 'jwt.jwks_file': '/nonexistent', 'jwt.jwks_url': 'https://idp.example/jwks' },
    'an algorithm': { 'jwt.algorithms': 'none', 'jwt.jwks_url': 'https://idp.example/jwks' },
    'a url that anybody on the way can answer': { 'jwt.jwks_url': 'http://idp.example/jwks' },
    'a private address': { 'jwt.jwks_url': 'http://127.0.0.1:9/jwks' },
  };
  for (const [what, settings] of Object.entries(wrong)) {
    await assert.rejects(start(settings), /ended/, what);
  }
});
