// Who am I, tickets for event streams, what a stream tells, links to sign in with. No browser.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { command, Daemon, deferred, PROGRAM, within } from './harness.mjs';

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

// A tenant in whose log nothing happens by itself, and one event there: a message is queued.
async function quietTenant(daemon) {
  await daemon.ok('PUT', '/v1/tenants/quiet', {});
  await daemon.ok('PUT', '/v1/tenants/quiet/sessions/one', { autostart: false });
}
function happen(daemon) {
  return daemon.ok('POST', '/v1/tenants/quiet/sessions/one/messages', { to: '5511900000001', text: 'x' });
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
  await quietTenant(daemon);
  const { key } = await newKey(daemon, 'quiet', { role: 'viewer' });
  const first = await ticket(daemon, key, 'quiet');
  assert.ok(Date.parse(first.expires_at) > Date.now());
  const stream = await open(daemon, `ticket=${first.ticket}&types=message.*`, { tenant: 'quiet' });
  assert.equal(stream.status, 200);
  await stream.match(/event: hello\ndata: \{"seq":\d+\}\n\n/);
  assert.match(stream.text(), /^retry: \d+\n\n/);
  await happen(daemon);
  await stream.match(/event: message\.[a-z]+\n/);

  const again = await open(daemon, `ticket=${first.ticket}`, { tenant: 'quiet' });
  assert.equal(again.status, 401);
  assert.equal(JSON.parse(await again.ended()).code, 'unknown_ticket');

  // of another tenant: refused, and void from then on
  const second = await ticket(daemon, key, 'quiet');
  assert.equal((await open(daemon, `ticket=${second.ticket}`, { tenant: 'default' })).status, 401);
  assert.equal((await open(daemon, `ticket=${second.ticket}`, { tenant: 'quiet' })).status, 401);

  // elsewhere it is nothing: not as a key, not for a list, not for other paths
  const third = await ticket(daemon, key, 'quiet');
  const as = { headers: { authorization: `Bearer ${third.ticket}` } };
  assert.equal((await fetch(`${daemon.base}/v1/tenants/quiet/events`, as)).status, 401);
  assert.equal((await fetch(`${daemon.base}/v1/tenants/quiet/events?ticket=${third.ticket}`)).status, 401);
  assert.equal((await fetch(`${daemon.base}/v1/tenants/quiet/sessions?ticket=${third.ticket}`)).status, 401);
  const last = await open(daemon, `types=session.*&ticket=${third.ticket}`, { tenant: 'quiet' });
  assert.equal(last.status, 200);
  await last.close();
  await stream.close();

  // who may not read events gets none; another tenant is not there
  const sender = await newKey(daemon, 'quiet', { scopes: ['messages:send'] });
  assert.equal((await daemon.call('POST', '/v1/tenants/quiet/events/tickets', { key: sender.key })).status, 403);
  assert.equal((await daemon.call('POST', '/v1/tenants/default/events/tickets', { key })).status, 404);
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
  // at once: the first is not over before the last is asked for
  const answers = await Promise.all(Array.from({ length: 101 }, () => daemon.call('POST', '/v1/tenants/default/events/tickets')));
  const [answer, ...more] = answers.filter(({ status }) => status !== 201);
  assert.deepEqual([answer.status, more], [429, []]);
  assert.equal(answer.json.code, 'too_many_tickets');
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
  await ticket(daemon, undefined, 'acme');
}));

test('a stream comes back by after and by Last-Event-ID, and hears of what it missed', () => withDaemon(async (daemon) => {
  await quietTenant(daemon);
  await happen(daemon);
  const stream = async (query, headers) =>
    open(daemon, `${query}&ticket=${(await ticket(daemon, undefined, 'quiet')).ticket}`, { tenant: 'quiet', headers });
  const live = await stream('types=*');
  const seq = Number((await live.match(/event: hello\ndata: \{"seq":(\d+)\}/))[1]);
  assert.ok(seq > 0);
  await happen(daemon);
  await live.match(new RegExp(`id: ${seq + 1}\nevent: message`));
  await live.close();
  const list = await daemon.ok('GET', '/v1/tenants/quiet/events?limit=0');
  assert.deepEqual(list.items, []);
  assert.ok(list.last_seq > seq);
  for (const [query, headers] of [[`after=${seq}`, {}], ['after=0', { 'last-event-id': String(seq) }]]) {
    const back = await stream(query, headers);
    await back.match(new RegExp(`id: ${seq + 1}\nevent: message`));
    assert.doesNotMatch(back.text(), /event: (gap|hello)/);
    await back.close();
  }
  // a number that this log has not reached: it was another log
  const other = await stream('after=999999');
  const gap = await other.match(/id: (\d+)\nevent: gap\ndata: (\{.*\})\n\n/);
  assert.deepEqual(JSON.parse(gap[2]), { after: 999999, next: Number(gap[1]) + 1 });
  await happen(daemon);
  await other.match(new RegExp(`id: ${Number(gap[1]) + 1}\nevent: message`));
  await other.close();
  const page = await daemon.ok('GET', '/v1/tenants/quiet/events?after=999999');
  assert.deepEqual([page.gap, page.next_after], [true, page.last_seq]);
}));

test('types: of a list and of a stream; what is no pattern is refused', () => withDaemon(async (daemon) => {
  await quietTenant(daemon);
  await happen(daemon);
  const get = (query) => daemon.ok('GET', `/v1/tenants/quiet/events?${query}`);
  const all = await get('limit=500');
  const type = all.items.at(-1)?.type;   // behind the one of the session that was made
  assert.ok(type?.startsWith('message.') && !all.gap, JSON.stringify(all));
  assert.deepEqual((await get(`types=call.*,${type}`)).items, all.items.filter((e) => e.type === type));
  const none = await get('types=call.*');
  assert.deepEqual([none.items, none.next_after, none.gap], [[], all.last_seq, false]);
  for (const wrong of ['', 'nonsense', 'message', 'message.*,', ',message.*', `${'message.*,'.repeat(20)}message.*`]) {
    const answer = await daemon.call('GET', `/v1/tenants/quiet/events?types=${wrong}`);
    assert.equal(answer.status, 422, wrong);
    assert.equal(answer.json.code, 'invalid_pattern');
  }
}));

// ---- links to sign in with ----

function link(daemon, body = {}, key) {
  return daemon.ok('POST', '/v1/sign-in-links', body, { key });
}

async function signIn(daemon, ticket) {
  const answer = await daemon.call('POST', '/v1/sign-in', { key: 'none', body: { ticket }, headers: { authorization: '' } });
  return answer;
}

async function signedIn(daemon, body, key) {
  const answer = await signIn(daemon, (await link(daemon, body, key)).ticket);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

const refused = (answer, status, code) => assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);

test('a link signs in once: a key of its own, in the list, that ends by itself or by signing out', () => withDaemon(async (daemon) => {
  const made = await link(daemon);
  assert.equal(made.url, `${daemon.base}/#ticket=${made.ticket}`);
  const left = Date.parse(made.expires_at) - Date.now();
  assert.ok(left > 0 && left <= 300_000);
  const answer = await signIn(daemon, made.ticket);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const { key, expires_at, me } = answer.json;
  assert.match(key, /^wab_/);
  assert.deepEqual([me.kind, me.admin, me.tenant, me.scopes, me.sessions, me.expires_at],
    ['sign_in', true, null, ['*'], ['*'], expires_at]);
  assert.match(me.name, /^sign-in: ./);
  assert.ok(Date.parse(expires_at) - Date.now() > 3_000_000 && Date.parse(expires_at) - Date.now() <= 3_600_000);
  assert.deepEqual(await daemon.ok('GET', '/v1/me', undefined, { key }), me);
  refused(await signIn(daemon, made.ticket), 401, 'unknown_ticket');

  const listed = (await daemon.ok('GET', '/v1/keys')).items.find((k) => k.id === me.id);
  assert.deepEqual([listed.kind, listed.name], ['sign_in', me.name]);
  refused(await daemon.call('PATCH', `/v1/keys/${me.id}`, { body: { expires_at: null } }), 409, 'sign_in_key');
  refused(await daemon.call('POST', `/v1/keys/${me.id}/rotate`, { body: {} }), 409, 'sign_in_key');
  refused(await daemon.call('DELETE', '/v1/me'), 409, 'not_a_sign_in');
  assert.equal((await daemon.call('DELETE', '/v1/me', { key })).status, 204);
  assert.equal((await daemon.call('GET', '/v1/me', { key })).status, 401);

  // what was done is in the audit log, and none of the secrets there or in the log
  const audit = JSON.stringify((await daemon.ok('GET', '/v1/audit?limit=100')).items);
  for (const word of ['sign_in.link', 'sign_in.create', 'sign_in.delete']) assert.ok(audit.includes(`"${word}"`), word);
  assert.ok(audit.includes(`"actor":"key:${me.id}","address":`));
  for (const secret of [made.ticket.slice(4, 24), key.slice(17, 37)]) {
    assert.ok(!audit.includes(secret) && !JSON.stringify(daemon.log).includes(secret));
  }
}, { 'log.level': 'trace', 'dashboard.sign_in_hours': 1 }));

test('a link gives what its maker has, or less; never more', () => withDaemon(async (daemon) => {
  await daemon.ok('PUT', '/v1/tenants/acme', {});
  const ofAdmin = await signedIn(daemon, { tenant: 'acme', role: 'agent', sessions: ['shop-*'] });
  assert.deepEqual([ofAdmin.me.tenant, ofAdmin.me.role, ofAdmin.me.sessions], ['acme', 'agent', ['shop-*']]);
  assert.equal((await daemon.call('GET', '/v1/tenants/default', { key: ofAdmin.key })).status, 404);
  const records = (await daemon.ok('GET', '/v1/tenants/acme/audit')).items.map((r) => `${r.action} ${r.actor}`);
  assert.ok(records.includes(`sign_in.create key:${ofAdmin.me.id}`) && records.some((r) => r.startsWith('sign_in.link')));
  const whole = await signedIn(daemon, { tenant: 'acme' });
  assert.deepEqual([whole.me.admin, whole.me.scopes], [false, ['*']]);

  const ana = await newKey(daemon, 'acme', { name: 'Ana', role: 'agent', sessions: ['shop-*'] });
  const same = await signedIn(daemon, {}, ana.key);
  assert.deepEqual([same.me.name, same.me.tenant, same.me.role, same.me.sessions], ['sign-in: Ana', 'acme', 'agent', ['shop-*']]);
  const less = await signedIn(daemon, { tenant: 'acme', sessions: ['shop-1'] }, ana.key);
  assert.deepEqual(less.me.sessions, ['shop-1']);
  for (const [body, status, code] of [
    [{ role: 'operator' }, 403, 'forbidden'], [{ sessions: ['*'] }, 403, 'forbidden'], [{ tenant: 'default' }, 404, 'unknown_tenant'],
    [{ role: 'king' }, 422, 'unknown_role'], [{ tenant: 1 }, 422, 'invalid_request'], [{ scopes: ['*'] }, 422, 'unknown_field'],
  ]) {
    refused(await daemon.call('POST', '/v1/sign-in-links', { key: ana.key, body }), status, code);
  }
  refused(await daemon.call('POST', '/v1/sign-in-links', { body: { tenant: 'nobody' } }), 404, 'unknown_tenant');
  refused(await daemon.call('POST', '/v1/sign-in-links', { body: { role: 'agent' } }), 422, 'unknown_role');
  // no link lengthens a life, and one made by a sign-in is of that sign-in
  const child = await signedIn(daemon, {}, same.key);
  assert.ok(Date.parse(child.expires_at) <= Date.parse(same.expires_at));
  await daemon.ok('DELETE', '/v1/me', undefined, { key: same.key });
  assert.equal((await daemon.call('GET', '/v1/me', { key: child.key })).status, 401);
  // a key that ends soon
  const expires_at = new Date(Date.now() + 1_800_000).toISOString();
  const short = await newKey(daemon, 'acme', { role: 'viewer', expires_at });
  assert.equal((await signedIn(daemon, {}, short.key)).expires_at, expires_at);
}));

test('what becomes of a key becomes of who signed in with its links', () => withDaemon(async (daemon) => {
  const keys = '/v1/tenants/default/keys';
  const boss = await newKey(daemon, 'default', { name: 'Boss', role: 'admin' });
  const at = async (key) => (await daemon.call('GET', '/v1/me', { key })).status;

  const first = await signedIn(daemon, {}, boss.key);
  const stream = await open(daemon, `ticket=${(await ticket(daemon, first.key)).ticket}`);
  await stream.match(/event: hello/);
  const pending = await link(daemon, {}, boss.key);
  await daemon.ok('POST', `${keys}/${boss.id}/rotate`, { overlap_s: 0 });
  await stream.ended();
  assert.equal(await at(first.key), 401);
  refused(await signIn(daemon, pending.ticket), 401, 'unknown_ticket');
  assert.ok(!(await daemon.ok('GET', keys)).items.some((k) => k.id === first.me.id), 'gone from the list');

  // a rotation that overlaps: until the end of the overlap
  const other = await newKey(daemon, 'default', { name: 'Other', role: 'admin' });
  const second = await signedIn(daemon, {}, other.key);
  const { old_secret_until } = await daemon.ok('POST', `${keys}/${other.id}/rotate`, { overlap_s: 3600 });
  assert.equal((await daemon.ok('GET', '/v1/me', undefined, { key: second.key })).expires_at, old_secret_until);

  // less than it gave: its sign-ins end; keys that a sign-in makes may outlive it, as those of a token
  const third = await newKey(daemon, 'default', { name: 'Third', role: 'admin' });
  const signed = await signedIn(daemon, {}, third.key);
  const lasting = await daemon.ok('POST', keys, { name: 'erp', role: 'viewer' }, { key: signed.key });
  assert.equal(lasting.expires_at, null);
  await daemon.ok('PATCH', `${keys}/${third.id}`, { role: 'viewer' });
  assert.equal(await at(signed.key), 401);
  assert.equal(await at(lasting.key), 200);
}));

test('sign-in keys outlive a restart, links do not', () => withDaemon(async (daemon) => {
  const { key } = await signedIn(daemon, {});
  const pending = await link(daemon);
  await daemon.stop();
  await daemon.run();
  assert.equal((await daemon.ok('GET', '/v1/me', undefined, { key })).kind, 'sign_in');
  refused(await signIn(daemon, pending.ticket), 401, 'unknown_ticket');
}));

test('bounds: of links that wait, and of who is signed in, apart from the keys', () => withDaemon(async (daemon) => {
  const { key } = await newKey(daemon, 'default', { role: 'viewer' });
  let answer;
  for (let i = 0; i < 100; i++) await signedIn(daemon, {}, key);
  refused(await signIn(daemon, (await link(daemon, {}, key)).ticket), 429, 'too_many_sign_ins');
  const other = await newKey(daemon, 'default', { role: 'viewer' });   // keys have room
  await signedIn(daemon, {}, other.key);                 // and their own sign-ins
  await signedIn(daemon, {});                            // admins too
  for (let i = 0; i <= 20; i++) answer = await daemon.call('POST', '/v1/sign-in-links', { key, body: {} });
  refused(answer, 429, 'too_many_tickets');
  await link(daemon);
}));

test('guessing tickets makes an address wait, as guessing keys does', () => withDaemon(async (daemon) => {
  const good = await link(daemon);
  for (const ticket of ['', 'x', `wal_${'A'.repeat(43)}`]) refused(await signIn(daemon, ticket), 401, 'unknown_ticket');
  let answer;
  do answer = await signIn(daemon, `wal_${'B'.repeat(43)}`); while (answer.status === 401);
  refused(answer, 429, 'too_many_failures');
  refused(await signIn(daemon, good.ticket), 429, 'too_many_failures');
  refused(await daemon.call('GET', '/v1/me'), 429, 'too_many_failures');
}, { 'limits.login_failures': 5 }));

test('switched off: no page, no links', () => withDaemon(async (daemon) => {
  refused(await daemon.call('POST', '/v1/sign-in-links', { body: {} }), 403, 'dashboard_disabled');
  assert.equal((await fetch(`${daemon.base}/`)).status, 404);
}, { 'dashboard.enabled': 'no' }));

test('wabridge dashboard prints a link that signs in; it says what is wrong', () => withDaemon(async (daemon) => {
  await daemon.ok('PUT', '/v1/tenants/acme', {});
  const all = await command(daemon, 'dashboard');
  assert.equal(all.code, 0, all.err);
  const url = new RegExp(`^${daemon.base}/#ticket=(wal_[\\w-]{43})$`, 'm').exec(all.out);
  assert.ok(url, all.out);
  assert.match(all.out, /once, within 5 minutes/);
  const { me } = (await signIn(daemon, url[1])).json;
  assert.deepEqual([me.kind, me.admin], ['sign_in', true]);
  const agent = JSON.parse((await command(daemon, 'dashboard', '--json', '--tenant', 'acme', '--role', 'agent')).out);
  assert.deepEqual(Object.keys(agent).sort(), ['expires_at', 'ticket', 'url']);
  const of = (await signIn(daemon, agent.ticket)).json.me;
  assert.deepEqual([of.tenant, of.role, of.admin], ['acme', 'agent', false]);
  for (const [words, code, text] of [[['--tenant', 'nobody'], 1, /no tenant nobody/], [['--role', 'king'], 2, /role/],
    [['more'], 2, /dashboard \[--tenant/]]) {
    const wrong = await command(daemon, 'dashboard', ...words);
    assert.deepEqual([wrong.code, text.test(wrong.err)], [code, true], wrong.err);
  }
  assert.equal((await command(daemon, 'status', '--role', 'agent')).code, 2);
}));

test('links begin with public_url; a daemon without an address makes none that a browser could use', async () => {
  await withDaemon(async (daemon) => {
    const made = await link(daemon);
    assert.equal(made.url, `https://wa.example.com:8443/#ticket=${made.ticket}`);
    assert.doesNotMatch((await command(daemon, 'dashboard')).out, /not encrypted/);
  }, { 'server.public_url': 'https://wa.example.com:8443/' });
  await withDaemon(async (daemon) => {
    assert.match((await command(daemon, 'dashboard')).out, /^http:\/\/192\.0\.2\.7\/#ticket=[^]*not encrypted/);
  }, { 'server.public_url': 'http://192.0.2.7' });
  for (const wrong of ['wa.example.com', 'https://', 'https://x/?a=b', 'https://x/chat', 'https://user@x', 'https://x//', 'https://x/#a', 'javascript:alert(1)', 'https://x/"><script>']) {
    const check = spawnSync(PROGRAM, ['config', 'check'], { encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: process.env.HOME, WABRIDGE_SERVER_PUBLIC_URL: wrong } });
    assert.equal(check.status, 2, wrong);
    assert.match(check.stderr, /public_url must be like/);
  }
});
