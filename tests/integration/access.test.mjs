// Who may do what: scopes, roles, session patterns, expiry, rotation, two tenants. No browser.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { command, Daemon, deferred, eventually, request, within } from './harness.mjs';

const QUIET = { 'browser.executable': '/bin/false' };
const ROLES = {
  viewer: ['messages:read', 'sessions:read', 'webhooks:read', 'events:read', 'usage:read'],
  agent: ['messages:read', 'messages:send', 'chats:manage', 'contacts:manage', 'media:write', 'sessions:read', 'events:read'],
};
ROLES.operator = [...new Set([...ROLES.viewer, ...ROLES.agent, 'groups:manage', 'sessions:manage', 'webhooks:manage',
  'agent:manage', 'campaigns:manage'])];

// [method, path with values in its places, scope, the path as written, security, who else] of every operation.
async function operations(daemon, tenant) {
  const document = await daemon.ok('GET', '/openapi.json');
  const values = { tenant, session: 'main', webhook: 'w', message: 'm', chat: '5511900000001', key: '0123456789ab',
    media: 'f', contact: '5511900000001', group: '1@g.us', note: 'n' };
  const all = [];
  for (const [pattern, path] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(path)) {
      const where = pattern.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? 'x'));
      all.push([method.toUpperCase(), where, operation['x-scope'], pattern, operation.security, operation['x-widget']]);
    }
  }
  return all;
}

// A body that is refused after the rights were looked at, so that nothing happens to the tenant.
function ask(daemon, key, method, where) {
  return daemon.call(method, where, { key, body: method === 'GET' ? undefined : '[' });
}

async function newKey(daemon, tenant, body) {
  return daemon.ok('POST', `/v1/tenants/${tenant}/keys`, body);
}

// The text of an event stream so far, and its end.
async function stream(daemon, key, query = '') {
  const { promise: ended, resolve } = deferred();
  const request = http.get(`${daemon.base}/v1/tenants/default/events${query}`, {
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
  });
  const [response] = await within(once(request, 'response'), 'stream');
  assert.equal(response.statusCode, 200);
  let text = '';
  response.setEncoding('utf8').on('data', (data) => (text += data));
  response.on('end', () => resolve(text));
  response.on('error', () => resolve(text));
  return { ended: within(ended, 'end of the stream'), text: () => text };
}

test('each role walks every route and gets no further than its scopes', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const routes = await operations(daemon, 'default');
    assert.ok(routes.length > 60);
    for (const [role, scopes] of Object.entries(ROLES)) {
      const { key, ...made } = await newKey(daemon, 'default', { role });
      assert.equal(made.role, role);
      assert.deepEqual([...made.scopes].sort(), [...scopes].sort());
      for (const [method, where, scope, pattern, security, widget] of routes) {
        if (security?.length === 0 || widget === 'only') continue;
        const allowed = !scope || scopes.includes(scope);
        // these would do something without a body
        if (allowed && method !== 'GET' && !/messages$|\/media$|\/keys|\/webhooks/.test(pattern)) continue;
        if (allowed && /\/qr$/.test(pattern)) continue;
        const answer = await ask(daemon, key, method, where);
        const what = `${role} ${method} ${pattern}: ${answer.status} ${answer.text}`;
        if (allowed) {
          assert.ok(answer.status !== 403 && answer.status !== 401, what);
        } else {
          assert.equal(answer.status, 403, what);
          assert.equal(answer.json.code, 'forbidden');
          if (scope !== 'admin') assert.ok(answer.json.detail.includes(scope), what);
        }
      }
    }
  } finally {
    await daemon.close();
  }
});

test('two tenants never see each other', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    await daemon.ok('PUT', '/v1/tenants/acme', {});
    const { key } = await newKey(daemon, 'acme', { role: 'admin' });
    for (const [method, where, scope, pattern] of await operations(daemon, 'default')) {
      if (!pattern.includes('{tenant}') || scope === 'admin') continue;
      const answer = await ask(daemon, key, method, where);
      assert.equal(answer.status, 404, `${method} ${pattern}`);
      assert.equal(answer.json.code, 'unknown_tenant', `${method} ${pattern}`);
      const none = await ask(daemon, key, method, where.replace('/default', '/nobody'));
      assert.equal(answer.text.replaceAll('default', 'nobody'), none.text);
    }
    assert.equal((await daemon.call('GET', '/v1/tenants', { key })).status, 403);
    assert.equal((await daemon.call('GET', '/v1/keys', { key })).status, 403);
    // its own keys are reached through its own path only
    const { id } = await newKey(daemon, 'default', { name: 'x' });
    for (const [method, path] of [['GET', ''], ['DELETE', ''], ['PATCH', ''], ['POST', '/rotate']]) {
      const answer = await daemon.call(method, `/v1/tenants/acme/keys/${id}${path}`, { key, body: method === 'GET' ? undefined : {} });
      assert.equal(answer.status, 404);
      assert.equal(answer.json.code, 'unknown_key');
    }
  } finally {
    await daemon.close();
  }
});

test('a key with patterns sees its sessions and nothing of the others', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const T = '/v1/tenants/default';
    for (const s of ['sales-1', 'sales-2', 'support']) await daemon.ok('PUT', `${T}/sessions/${s}`, { autostart: false });
    const { key } = await newKey(daemon, 'default', { sessions: ['sales-*'] });
    const own = { key };
    const list = await daemon.ok('GET', `${T}/sessions`, undefined, own);
    assert.deepEqual(list.items.map((s) => s.id), ['sales-1', 'sales-2']);
    const first = await daemon.ok('GET', `${T}/sessions?limit=1`, undefined, own);
    const second = await daemon.ok('GET', `${T}/sessions?limit=1&cursor=${first.next_cursor}`, undefined, own);
    assert.deepEqual([first.items[0].id, second.items[0].id, second.next_cursor], ['sales-1', 'sales-2', null]);

    for (const [method, where, scope, pattern] of await operations(daemon, 'default')) {
      if (!pattern.includes('{session}') || scope === 'admin') continue;
      const answer = await ask(daemon, key, method, where);
      assert.equal(answer.status, 404, `${method} ${pattern}`);
      assert.equal(answer.json.code, 'unknown_session', `${method} ${pattern}`);
    }
    assert.equal((await daemon.call('GET', `${T}/audit`, own)).status, 403);

    // events: of its sessions, and none that is of no session
    const names = ['main', 'sales-1', 'support', 'sales-2'];
    for (const s of names) await daemon.ok('POST', `${T}/sessions/${s}/start`);
    for (const s of names) await daemon.ok('POST', `${T}/sessions/${s}/stop`);
    const statuses = async () => (await daemon.ok('GET', `${T}/sessions`)).items.map((s) => s.status);
    await eventually('stop of every session', async () => (await statuses()).every((s) => s === 'stopped'));
    const all = (await daemon.ok('GET', `${T}/events?limit=500`)).items;
    const seen = (await daemon.ok('GET', `${T}/events?limit=500`, undefined, own)).items;
    assert.deepEqual(seen, all.filter((e) => /^sales-/.test(e.session ?? '')));
    assert.ok(all.some((e) => e.session === 'support') && seen.length > 0);
    const paged = [];
    let cursor = '0';
    do {
      const page = await daemon.ok('GET', `${T}/events?limit=1&cursor=${cursor}`, undefined, own);
      paged.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    assert.deepEqual(paged, seen);

    const live = await stream(daemon, key, '?after=0');
    const ids = () => [...live.text().matchAll(/^id: (\d+)\n/gm)].map((m) => Number(m[1]));
    await eventually('rest of the events on the stream', () => ids().length >= seen.length);
    assert.deepEqual(ids(), seen.map((e) => e.seq));

    // webhooks: what it makes is within; what is not, is not there
    await daemon.ok('PUT', `${T}/webhooks/all`, { url: 'http://127.0.0.1:9/', events: ['*'] });
    assert.equal((await daemon.call('GET', `${T}/webhooks/all`, own)).status, 404);
    assert.equal((await daemon.call('PUT', `${T}/webhooks/all`, { ...own, body: { enabled: false } })).status, 404);
    assert.equal((await daemon.call('DELETE', `${T}/webhooks/all`, own)).status, 404);
    const wide = await daemon.call('PUT', `${T}/webhooks/mine`, { ...own, body: { url: 'http://127.0.0.1:9/', sessions: ['*'] } });
    assert.deepEqual([wide.status, wide.json.code], [403, 'forbidden']);
    const mine = await daemon.ok('PUT', `${T}/webhooks/mine`, { url: 'http://127.0.0.1:9/', events: ['*'] }, own);
    assert.deepEqual(mine.sessions, ['sales-*']);
    assert.deepEqual((await daemon.ok('GET', `${T}/webhooks`, undefined, own)).items.map((w) => w.id), ['mine']);

    // keys: it gives what it has and no more
    const made = await newKey({ ok: (m, w, b) => daemon.ok(m, w, b, own) }, 'default', { name: 'child' });
    assert.deepEqual(made.sessions, ['sales-*']);
    for (const body of [{ sessions: ['*'] }, { sessions: ['support'] }]) {
      const answer = await daemon.call('POST', `${T}/keys`, { ...own, body });
      assert.deepEqual([answer.status, answer.json.code], [403, 'forbidden']);
    }
    const bigger = await newKey(daemon, 'default', { name: 'bigger' });
    assert.equal((await daemon.call('POST', `${T}/keys/${bigger.id}/rotate`, { ...own, body: {} })).status, 404);
    const keys = (await daemon.ok('GET', `${T}/keys`, undefined, own)).items.map((k) => k.id);
    assert.ok(keys.includes(made.id) && !keys.includes(bigger.id));
    assert.deepEqual((await daemon.ok('GET', `${T}/search?q=hello`, undefined, own)).items, []);
  } finally {
    await daemon.close();
  }
});

test('a key gives no scope that it lacks, and a change acts at once', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const T = '/v1/tenants/default';
    const boss = await newKey(daemon, 'default', { scopes: ['keys:manage', 'sessions:read'] });
    const own = { key: boss.key };
    for (const body of [{ scopes: ['*'] }, { role: 'viewer' }, { scopes: ['messages:send'] }]) {
      const answer = await daemon.call('POST', `${T}/keys`, { ...own, body });
      assert.deepEqual([answer.status, answer.json.code], [403, 'forbidden']);
    }
    const small = await newKey({ ok: (m, w, b) => daemon.ok(m, w, b, own) }, 'default', { scopes: ['sessions:read'] });
    assert.equal((await daemon.call('GET', `${T}/sessions`, { key: small.key })).status, 200);
    const up = await daemon.call('PATCH', `${T}/keys/${small.id}`, { ...own, body: { scopes: ['messages:read'] } });
    assert.equal(up.status, 403);
    await daemon.ok('PATCH', `${T}/keys/${small.id}`, { scopes: ['messages:read'], name: 'reader' });
    assert.equal((await daemon.call('GET', `${T}/sessions`, { key: small.key })).status, 403);
    const shown = await daemon.ok('GET', `${T}/keys/${small.id}`);
    assert.deepEqual([shown.name, shown.scopes, shown.role], ['reader', ['messages:read'], null]);
    await daemon.ok('DELETE', `${T}/keys/${small.id}`);
    assert.equal((await daemon.call('GET', T, { key: small.key })).status, 401);
    for (const body of [{ scopes: ['nothing:such'] }, { scopes: [] }, { role: 'root' }, { sessions: ['A'] }, { expires_at: '2001-01-01T00:00:00Z' }]) {
      assert.equal((await daemon.call('POST', `${T}/keys`, { body })).status, 422, JSON.stringify(body));
    }
  } finally {
    await daemon.close();
  }
});

test('rotation: the old secret works until the overlap ends, also over a restart; admin keys too', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const T = '/v1/tenants/default';
    const works = async (key, where = T) => (await daemon.call('GET', where, { key })).status;
    const first = await newKey(daemon, 'default', { name: 'erp' });
    const second = await daemon.ok('POST', `${T}/keys/${first.id}/rotate`, { overlap_s: 3600 });
    assert.equal(second.id, first.id);
    assert.notEqual(second.key, first.key);
    assert.ok(second.rotated_at && second.old_secret_until);
    assert.deepEqual([await works(first.key), await works(second.key)], [200, 200]);

    const admin = daemon.key;
    const other = await daemon.ok('POST', '/v1/keys', { name: 'second' });
    const rotated = await daemon.ok('POST', `/v1/keys/${other.id}/rotate`, { overlap_s: 3600 });
    await daemon.stop();
    await daemon.run();
    assert.deepEqual([await works(first.key), await works(second.key)], [200, 200]);
    assert.deepEqual([await works(other.key, '/v1/tenants'), await works(rotated.key, '/v1/tenants')], [200, 200]);

    // a third secret ends the first; without overlap the second goes at once
    const third = await daemon.ok('POST', `${T}/keys/${first.id}/rotate`, { overlap_s: 0 });
    assert.deepEqual([await works(first.key), await works(second.key), await works(third.key)], [401, 401, 200]);
    const short = await daemon.ok('POST', `${T}/keys/${first.id}/rotate`, { overlap_s: 1 });
    await eventually('end of the overlap', async () => (await works(third.key)) !== 200);
    const over = await daemon.call('GET', T, { key: third.key });
    assert.deepEqual([over.status, over.json.code], [401, 'key_expired']);
    assert.equal(await works(short.key), 200);
    assert.equal(await works(admin, '/v1/tenants'), 200);
    const bad = await daemon.call('POST', `${T}/keys/${first.id}/rotate`, { body: { overlap_s: -1 } });
    assert.equal(bad.status, 422);
  } finally {
    await daemon.close();
  }
});

test('a key for monitoring reads the numbers and the alerts, and nothing else', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const meter = await daemon.ok('POST', '/v1/keys', { name: 'prometheus', scopes: ['metrics:read'] });
    assert.deepEqual([meter.tenant, meter.scopes], [null, ['metrics:read']]);
    const open = new Set();
    for (const [method, where, , pattern, security] of await operations(daemon, 'default')) {
      if (security?.length === 0) continue;
      const answer = await ask(daemon, meter.key, method, where);
      if (answer.status !== 403) open.add(`${method} ${pattern}: ${answer.status}`);
    }
    assert.deepEqual([...open].sort(), ['DELETE /v1/me: 409', 'GET /metrics: 200', 'GET /v1/alerts: 200', 'GET /v1/me: 200']);
    const link = await daemon.call('POST', '/v1/sign-in-links', { key: meter.key, body: {} });
    assert.deepEqual([link.status, link.json.code], [403, 'forbidden']);
    // a tenant's cannot have it, and * does not mean it there
    const refused = await daemon.call('POST', '/v1/tenants/default/keys', { body: { scopes: ['metrics:read'] } });
    assert.deepEqual([refused.status, refused.json.code], [422, 'unsupported_scope']);
    const { key } = await newKey(daemon, 'default', { scopes: ['*'] });
    for (const where of ['/metrics', '/v1/alerts']) assert.equal((await daemon.call('GET', where, { key })).status, 403);
    // it opens no door for the operator
    const first = `/v1/keys/${daemon.key.slice(4, 16)}`;
    for (const [method, body] of [['DELETE'], ['PATCH', { scopes: ['metrics:read'] }]]) {
      const answer = await daemon.call(method, first, { body });
      assert.deepEqual([answer.status, answer.json.code], [409, 'last_admin_key']);
    }
    await daemon.ok('PATCH', `/v1/keys/${meter.id}`, { scopes: ['*'] });
    assert.equal((await daemon.call('GET', '/v1/keys', { key: meter.key })).status, 200);
    await daemon.ok('PATCH', first, { scopes: ['metrics:read'] }); // another one may do everything now
    assert.equal((await daemon.call('GET', '/v1/keys')).status, 403);
  } finally {
    await daemon.close();
  }
});

test('the last admin key without an end stays', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const id = daemon.key.slice(4, 16);
    const soon = new Date(Date.now() + 3600e3).toISOString();
    await daemon.ok('POST', '/v1/keys', { name: 'for an hour', expires_at: soon });
    for (const [method, body] of [['DELETE'], ['PATCH', { expires_at: soon }]]) {
      const answer = await daemon.call(method, `/v1/keys/${id}`, { body });
      assert.deepEqual([answer.status, answer.json.code], [409, 'last_admin_key']);
    }
    const next = await daemon.ok('POST', '/v1/keys', { name: 'next' });
    await daemon.ok('DELETE', `/v1/keys/${id}`, undefined, { key: next.key });
    assert.equal((await daemon.call('GET', '/v1/tenants')).status, 401);
  } finally {
    await daemon.close();
  }
});

test('an event stream ends with its key: deleted, narrowed, expired, rotated away', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const T = '/v1/tenants/default';
    const ends = {
      deleted: (k) => daemon.ok('DELETE', `${T}/keys/${k.id}`),
      narrowed: (k) => daemon.ok('PATCH', `${T}/keys/${k.id}`, { sessions: ['sales-*'] }),
      'less scopes': (k) => daemon.ok('PATCH', `${T}/keys/${k.id}`, { scopes: ['messages:read'] }),
      rotated: (k) => daemon.ok('POST', `${T}/keys/${k.id}/rotate`, { overlap_s: 0 }),
      'rotated with an overlap': (k) => daemon.ok('POST', `${T}/keys/${k.id}/rotate`, { overlap_s: 1 }),
      expired: (k) => daemon.ok('PATCH', `${T}/keys/${k.id}`, { expires_at: new Date(Date.now() + 8000).toISOString() }),
    };
    const stays = await stream(daemon, daemon.key);
    let gone = false;
    stays.ended.then(() => (gone = true), () => {});
    for (const [what, end] of Object.entries(ends)) {
      const key = await newKey(daemon, 'default', { name: what });
      const open = await stream(daemon, key.key);
      await end(key);
      await open.ended;
    }
    const renamed = await newKey(daemon, 'default', {});
    const kept = await stream(daemon, renamed.key);
    await daemon.ok('PATCH', `${T}/keys/${renamed.id}`, { name: 'other' });
    await daemon.ok('PUT', `${T}/sessions/fresh`, { autostart: false });
    await daemon.ok('POST', `${T}/sessions/fresh/start`);
    await eventually('event on the stream that stays', () => kept.text().includes('"fresh"'));
    assert.equal(gone, false);
  } finally {
    await daemon.close();
  }
});

test('when a key was last used is written, but not with every request', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const T = '/v1/tenants/default';
    const made = await newKey(daemon, 'default', { name: 'used' });
    const get = () => daemon.ok('GET', `${T}/keys/${made.id}`);
    assert.equal((await get()).last_used_at, null);
    await daemon.ok('GET', T, undefined, { key: made.key });
    const used = await eventually('last_used_at', async () => (await get()).last_used_at);
    for (let i = 0; i < 20; i++) await request(daemon.base, 'GET', T, { headers: { 'x-api-key': made.key } });
    assert.equal((await get()).last_used_at, used);
    await daemon.stop();
    await daemon.run();
    assert.equal((await get()).last_used_at, used);
  } finally {
    await daemon.close();
  }
});

test('the command line lists, makes, rotates and deletes keys', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const run = async (...words) => {
      const done = await command(daemon, 'keys', ...words);
      assert.equal(done.code, 0, done.err);
      return done.out;
    };
    const made = JSON.parse(await run('create', 'default', 'name=till', 'role=agent', 'sessions=main,shop-*', 'expires=2099-01-01T00:00:00Z', '--json'));
    assert.deepEqual([made.name, made.role, made.sessions], ['till', 'agent', ['main', 'shop-*']]);
    assert.equal((await daemon.call('GET', '/v1/tenants/default', { key: made.key })).status, 200);
    assert.match(await run('list', 'default'), new RegExp(`${made.id} +till +agent +sessions main,shop-\\*`));
    const rotated = JSON.parse(await run('rotate', `default/${made.id}`, 'overlap=0', '--json'));
    assert.equal((await daemon.call('GET', '/v1/tenants/default', { key: made.key })).status, 401);
    assert.equal((await daemon.call('GET', '/v1/tenants/default', { key: rotated.key })).status, 200);
    await run('delete', `default/${made.id}`);
    assert.equal(await run('list', 'default'), '(none)\n');
    const admin = /shown once\): (wab_\S+)/.exec(await run('create', 'name=second'))[1];
    assert.equal((await daemon.call('GET', '/v1/tenants', { key: admin })).status, 200);
    assert.equal(JSON.parse(await run('--json')).length, 2);
    for (const words of [['create', 'default', 'colour=red'], ['rotate'], ['delete', 'default/../x'], ['list', 'A'], ['rotate', 'default/00', 'overlap=x']]) {
      assert.notEqual((await command(daemon, 'keys', ...words)).code, 0, words.join(' '));
    }
    const scoped = JSON.parse(await run('create', 'default', 'scopes=messages:read,events:read', '--json'));
    assert.deepEqual(scoped.scopes, ['messages:read', 'events:read']);
  } finally {
    await daemon.close();
  }
});
