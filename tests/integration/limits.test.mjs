// Limits as a client sees them: rates by key and class, failed logins by address. No browser.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { Daemon, eventually } from './harness.mjs';

const QUIET = { 'browser.executable': '/bin/false' };
const MAIN = '/v1/tenants/default/sessions/main';

// {"send": {r: 199, t: 1}} of `"send";r=199;t=1`
function fields(header) {
  const [name, ...rest] = header.split(';');
  return [name.replaceAll('"', ''), Object.fromEntries(rest.map((p) => p.split('=')).map(([k, v]) => [k, Number(v)]))];
}

test('the defaults: each class has its own bucket, and each key', async () => {
  const daemon = await Daemon.start({ settings: { ...QUIET, 'limits.rates': undefined } });
  try {
    const { key } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'one' });
    const first = await daemon.call('GET', MAIN, { key });
    assert.deepEqual(fields(first.headers.get('ratelimit-policy')), ['status', { q: 100, w: 60 }]);
    const [name, left] = fields(first.headers.get('ratelimit'));
    assert.equal(name, 'status');
    assert.equal(left.r, 99);
    let last;
    for (let i = 0; i < 1000; i++) {
      last = await daemon.call('GET', MAIN, { key });
      if (last.status === 429) break;
      assert.equal(last.status, 200);
    }
    assert.equal(last.status, 429);
    assert.equal(last.json.code, 'rate_limited');
    assert.match(last.headers.get('retry-after'), /^[1-9]\d*$/);
    assert.equal(fields(last.headers.get('ratelimit'))[1].r, 0);
    assert.match(last.type, /problem\+json/);

    const classes = { [`${MAIN}/messages`]: ['messages', 100], [`${MAIN}/contacts`]: ['contacts', 60],
      '/v1/tenants/default/webhooks': ['webhooks', 60], '/v1/tenants/default': ['manage', 120] };
    for (const [where, [word, quota]] of Object.entries(classes)) {
      const answer = await daemon.call('GET', where, { key });
      assert.equal(answer.status, 200, where);
      assert.deepEqual(fields(answer.headers.get('ratelimit-policy')), [word, { q: quota, w: 60 }]);
    }
    const send = await daemon.call('POST', `${MAIN}/messages`, { key, body: { to: '5511900000001', text: 'hi' } });
    assert.equal(send.status, 202);
    assert.deepEqual(fields(send.headers.get('ratelimit-policy')), ['send', { q: 200, w: 60 }]);
    const connect = await daemon.call('POST', `${MAIN}/stop`, { key });
    assert.deepEqual(fields(connect.headers.get('ratelimit-policy')), ['connect', { q: 20, w: 60 }]);

    const other = await daemon.call('GET', MAIN);   // the admin's key has a bucket of its own
    assert.equal(other.status, 200);
    for (const open of ['/health', '/openapi.json']) {
      const answer = await daemon.call('GET', open, { key });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('ratelimit'), null);
    }
  } finally {
    await daemon.close();
  }
});

test('a tenant may have rates of its own; 0 is none', async () => {
  const daemon = await Daemon.start({ settings: { ...QUIET, 'limits.rates': 'on', 'limits.webhooks_per_minute': 1 } });
  try {
    await daemon.ok('PUT', '/v1/tenants/slow', { limits: { status_per_minute: 2 } });
    await daemon.ok('PUT', '/v1/tenants/free', { limits: { webhooks_per_minute: 0 } });
    const slow = (await daemon.ok('POST', '/v1/tenants/slow/keys', { name: 'slow' })).key;
    const free = (await daemon.ok('POST', '/v1/tenants/free/keys', { name: 'free' })).key;
    const list = '/v1/tenants/slow/sessions';
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await daemon.call('GET', list, { key: slow }));
    assert.deepEqual(fields(answers[0].headers.get('ratelimit-policy')), ['status', { q: 2, w: 60 }]);
    assert.ok(answers.some((a) => a.status === 429));
    for (let i = 0; i < 5; i++) {
      const answer = await daemon.call('GET', '/v1/tenants/free/webhooks', { key: free });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('ratelimit'), null);
    }
  } finally {
    await daemon.close();
  }
});

const wrong = `wab_${'a'.repeat(12)}_${'b'.repeat(43)}`;

function overSocket(daemon, key) {
  return new Promise((resolve, reject) => {
    http.get({ socketPath: `${daemon.dataDir}/wabridge.sock`, path: MAIN, headers: { authorization: `Bearer ${key}` } },
      (answer) => answer.resume().on('end', () => resolve(answer.statusCode))).on('error', reject);
  });
}

test('who fails to log in too often has to wait, whatever key comes then', async () => {
  const daemon = await Daemon.start({ settings: { ...QUIET, 'limits.login_failures': 3, 'server.trusted_proxies': '127.0.0.1' } });
  const from = (address, key) => daemon.call('GET', MAIN, { key, headers: { 'x-forwarded-for': address } });
  try {
    // three are free; the wait after the fourth is 1 s and doubles, so that a slow machine gets there too
    const statuses = [];
    let answer;
    for (let i = 0; i < 20 && answer?.status !== 429; i++) {
      statuses.push((await from('203.0.113.7', wrong)).status);
      if (statuses.at(-1) === 429) answer = await from('203.0.113.7', daemon.key);
    }
    assert.deepEqual(statuses.slice(0, 4), [401, 401, 401, 401]);
    assert.equal(answer.status, 429, 'the right key is not looked at');
    assert.equal(answer.json.code, 'too_many_failures');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);

    assert.equal((await from('203.0.113.8', daemon.key)).status, 200, 'another address');
    assert.equal((await daemon.call('GET', MAIN)).status, 200, 'the proxy itself');
    assert.equal((await daemon.call('GET', '/health')).status, 200);

    // an expired key is no guess
    const expires_at = new Date(Date.now() + 3000).toISOString();
    const { key: old } = await daemon.ok('POST', '/v1/tenants/default/keys', { expires_at });
    await eventually('end of the key', async () => (await from('203.0.113.9', old)).status !== 200);
    for (let i = 0; i < 10; i++) {
      const expired = await from('203.0.113.9', old);
      assert.deepEqual([expired.status, expired.json.code], [401, 'key_expired']);
    }
    assert.equal((await from('203.0.113.9', daemon.key)).status, 200);

    const network = [];
    for (let i = 0; i < 10; i++) network.push((await from(`2001:db8:1:2::${i}`, wrong)).status);
    assert.ok(network.includes(429), 'one IPv6 network is one visitor');
    assert.equal((await from('2001:db8:1:3::1', daemon.key)).status, 200);

    for (let i = 0; i < 10; i++) assert.equal(await overSocket(daemon, wrong), 401);
    assert.equal(await overSocket(daemon, daemon.key), 200, 'a Unix socket has no address');
  } finally {
    await daemon.close();
  }
});

test('X-Forwarded-For of a stranger is not believed', async () => {
  const daemon = await Daemon.start({ settings: { ...QUIET, 'limits.login_failures': 2 } });
  try {
    const statuses = [];
    for (let i = 0; i < 12; i++) {
      const headers = { 'x-forwarded-for': `203.0.113.${i}` };
      statuses.push((await daemon.call('GET', MAIN, { key: wrong, headers })).status);
    }
    assert.ok(statuses.includes(429));
  } finally {
    await daemon.close();
  }
});
