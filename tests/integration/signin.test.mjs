// Who am I, tickets for event streams, what a stream tells. No browser.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { Daemon, deferred, within } from './harness.mjs';

const QUIET = { 'browser.executable': '/bin/false' };

async function withDaemon(work, settings = {}) {
  const daemon = await Daemon.start({ settings: { ...QUIET, ...settings } });
  try {
    await work(daemon);
  } finally {
    await daemon.close();
  }
}

function newKey(daemon, tenant, body) {
  return daemon.ok('POST', `/v1/tenants/${tenant}/keys`, body);
}

function ticket(daemon, key, tenant = 'default') {
  return daemon.ok('POST', `/v1/tenants/${tenant}/events/tickets`, undefined, { key });
}

// As a browser's EventSource asks: no header but Accept. Resolves with the head of the answer.
async function open(daemon, query, { tenant = 'default', headers = {}, ask } = {}) {
  const { promise: ended, resolve } = deferred();
  const request = http.get(`${daemon.base}/v1/tenants/${tenant}/events?${query}`, {
    agent: false,
    headers: { accept: 'text/event-stream', ...headers, ...(ask ? { authorization: `Bearer ${ask}` } : {}) },
  });
  const [response] = await within(once(request, 'response'), 'stream');
  const waiters = new Set();
  let text = '';
  response.on('data', (data) => {
    text += data;
    for (const look of waiters) look();
  });
  response.on('end', () => resolve(text));
  response.on('error', () => resolve(text));
  return {
    status: response.statusCode,
    ended: () => within(ended, 'end of the stream'),
    // the first match in what came so far, and in what comes
    async match(pattern) {
      const { promise: found, resolve: yes } = deferred();
      const look = () => pattern.test(text) && yes(pattern.exec(text));
      waiters.add(look);
      look();
      return within(found, `${pattern} in a stream`).finally(() => waiters.delete(look));
    },
    text: () => text,
    async close() {
      request.destroy();
      await within(ended, 'end of the stream');
    },
  };
}

// An event without a browser: a session is made, or deleted.
function happen(daemon, session, tenant = 'default') {
  return daemon.ok('PUT', `/v1/tenants/${tenant}/sessions/${session}`, { autostart: false });
}

test('me: an admin key, keys of a tenant, a key that only measures', () => withDaemon(async (daemon) => {
  const admin = await daemon.ok('GET', '/v1/me');
  assert.deepEqual({ ...admin, id: 'x' }, { kind: 'key', id: 'x', name: admin.name, admin: true, tenant: null, role: null,
    scopes: ['*'], sessions: ['*'], expires_at: null });
  const expires_at = '2099-01-01T00:00:00.000Z';
  const made = await newKey(daemon, 'default', { name: 'Ana', role: 'agent', sessions: ['shop-*'], expires_at });
  const me = await daemon.ok('GET', '/v1/me', undefined, { key: made.key });
  assert.deepEqual(me, { kind: 'key', id: made.id, name: 'Ana', admin: false, tenant: 'default', role: 'agent',
    scopes: made.scopes, sessions: ['shop-*'], expires_at });
  const meter = await daemon.ok('POST', '/v1/keys', { name: 'prometheus', scopes: ['metrics:read'] });
  const measures = await daemon.ok('GET', '/v1/me', undefined, { key: meter.key });
  assert.deepEqual([measures.admin, measures.tenant, measures.scopes], [false, null, ['metrics:read']]);
  assert.equal((await daemon.call('GET', '/v1/me', { key: 'wab_000000000000_' + 'A'.repeat(43) })).status, 401);
  assert.equal((await fetch(`${daemon.base}/v1/me`)).status, 401);
}));

test('a ticket opens one stream, of its tenant, as a stream, and nothing else', () => withDaemon(async (daemon) => {
  await daemon.ok('PUT', '/v1/tenants/acme', {});
  const { key } = await newKey(daemon, 'default', { role: 'viewer' });
  const first = await ticket(daemon, key);
  assert.ok(Date.parse(first.expires_at) > Date.now());
  const stream = await open(daemon, `ticket=${first.ticket}&types=session.*`);
  assert.equal(stream.status, 200);
  await stream.match(/event: hello\ndata: \{"seq":\d+\}\n\n/);
  assert.match(stream.text(), /^retry: \d+\n\n/);
  await happen(daemon, 'shop');
  await stream.match(/event: session\.[a-z]+\n/);

  const again = await open(daemon, `ticket=${first.ticket}`);
  assert.equal(again.status, 401);
  assert.equal(JSON.parse(await again.ended()).code, 'unknown_ticket');

  // of another tenant: refused, and void from then on
  const second = await ticket(daemon, key);
  assert.equal((await open(daemon, `ticket=${second.ticket}`, { tenant: 'acme' })).status, 401);
  assert.equal((await open(daemon, `ticket=${second.ticket}`)).status, 401);

  // elsewhere it is nothing: not as a key, not for a list, not for other paths
  const third = await ticket(daemon, key);
  const as = { headers: { authorization: `Bearer ${third.ticket}` } };
  assert.equal((await fetch(`${daemon.base}/v1/tenants/default/events`, as)).status, 401);
  assert.equal((await fetch(`${daemon.base}/v1/tenants/default/events?ticket=${third.ticket}`)).status, 401);
  assert.equal((await fetch(`${daemon.base}/v1/tenants/default/sessions?ticket=${third.ticket}`)).status, 401);
  const last = await open(daemon, `types=session.*&ticket=${third.ticket}`);
  assert.equal(last.status, 200);
  await last.close();
  await stream.close();

  // who may not read events gets none; another tenant is not there
  const sender = await newKey(daemon, 'default', { scopes: ['messages:send'] });
  assert.equal((await daemon.call('POST', '/v1/tenants/default/events/tickets', { key: sender.key })).status, 403);
  assert.equal((await daemon.call('POST', '/v1/tenants/acme/events/tickets', { key })).status, 404);
  for (const t of [first, second, third]) assert.ok(!JSON.stringify(daemon.log).includes(t.ticket.slice(4, 20)));
}, { 'log.level': 'trace' }));

test('a stream by ticket ends with its key; a ticket of a deleted key opens none', () => withDaemon(async (daemon) => {
  const made = await newKey(daemon, 'default', { role: 'viewer' });
  const [now, later] = [await ticket(daemon, made.key), await ticket(daemon, made.key)];
  const stream = await open(daemon, `ticket=${now.ticket}`);
  await stream.match(/event: hello/);
  await daemon.ok('DELETE', `/v1/tenants/default/keys/${made.id}`);
  await stream.ended();
  assert.equal((await open(daemon, `ticket=${later.ticket}`)).status, 401);
}));

test('tickets do not outlive a restart', () => withDaemon(async (daemon) => {
  const old = await ticket(daemon);
  await daemon.stop();
  await daemon.run();
  assert.equal((await open(daemon, `ticket=${old.ticket}`)).status, 401);
}));

test('no more tickets wait for a tenant than the bound; another tenant is not hindered', () => withDaemon(async (daemon) => {
  await daemon.ok('PUT', '/v1/tenants/acme', {});
  let answer;
  for (let i = 0; i <= 100; i++) answer = await daemon.call('POST', '/v1/tenants/default/events/tickets');
  assert.equal(answer.status, 429);
  assert.equal(answer.json.code, 'too_many_tickets');
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
  await ticket(daemon, undefined, 'acme');
}));

test('a stream comes back by after and by Last-Event-ID, and hears of what it missed', () => withDaemon(async (daemon) => {
  const live = await open(daemon, `ticket=${(await ticket(daemon)).ticket}`);
  const seq = Number((await live.match(/event: hello\ndata: \{"seq":(\d+)\}/))[1]);
  await live.close();
  await happen(daemon, 'one');
  const list = await daemon.ok('GET', `/v1/tenants/default/events?limit=0`);
  assert.deepEqual(list.items, []);
  assert.ok(list.last_seq > seq);
  for (const [query, headers] of [[`after=${seq}`, {}], ['after=0', { 'last-event-id': String(seq) }]]) {
    const back = await open(daemon, `${query}&ticket=${(await ticket(daemon)).ticket}`, { headers });
    await back.match(new RegExp(`id: ${seq + 1}\nevent: session`));
    assert.doesNotMatch(back.text(), /event: (gap|hello)/);
    await back.close();
  }
  // a number that this log has not reached: it was another log
  const other = await open(daemon, `after=999999&ticket=${(await ticket(daemon)).ticket}`);
  const gap = await other.match(/id: (\d+)\nevent: gap\ndata: (\{.*\})\n\n/);
  assert.deepEqual(JSON.parse(gap[2]), { after: 999999, next: Number(gap[1]) + 1 });
  await happen(daemon, 'two');
  await other.match(new RegExp(`id: ${Number(gap[1]) + 1}\nevent: session`));
  await other.close();
  const page = await daemon.ok('GET', '/v1/tenants/default/events?after=999999');
  assert.deepEqual([page.gap, page.next_after], [true, page.last_seq]);
}));

test('types: of a list and of a stream; what is no pattern is refused', () => withDaemon(async (daemon) => {
  await happen(daemon, 'one');
  const all = await daemon.ok('GET', '/v1/tenants/default/events');
  const types = [...new Set(all.items.map((e) => e.type))];
  assert.ok(types.length > 0 && types.every((t) => t.startsWith('session.')), types.join());
  assert.equal(all.gap, false);
  const some = await daemon.ok('GET', `/v1/tenants/default/events?types=message.*,${types[0]}`);
  assert.deepEqual(some.items, all.items.filter((e) => e.type === types[0]));
  const none = await daemon.ok('GET', '/v1/tenants/default/events?types=message.*');
  assert.deepEqual([none.items, none.next_after, none.gap], [[], all.last_seq, false]);
  for (const wrong of ['', 'nonsense', 'message', 'message.*,', ',message.*', `${'message.*,'.repeat(20)}message.*`]) {
    const answer = await daemon.call('GET', `/v1/tenants/default/events?types=${wrong}`);
    assert.equal(answer.status, 422, wrong);
    assert.equal(answer.json.code, 'invalid_pattern');
  }
}));
