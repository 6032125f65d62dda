// Quotas and the report of what was used, over restarts and with requests at once; no browser but
// in the last test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALICE, Daemon, eventually, FarEnd, ME } from './harness.mjs';

const QUIET = { 'browser.executable': '/bin/false' };
const TENANT = '/v1/tenants/acme';
const MAIN = `${TENANT}/sessions/main`;

// A zone in which it is about noon, so that no day ends while a test counts.
function noon() {
  const east = 12 - new Date().getUTCHours();
  return `Etc/GMT${east > 0 ? '-' : '+'}${Math.abs(east)}`;   // the signs of these names are turned round
}

async function start(limits, more = {}) {
  const daemon = await Daemon.start({ settings: QUIET });
  await daemon.ok('PUT', TENANT, { limits, time_zone: noon(), ...more });
  await daemon.ok('PUT', MAIN, { autostart: false });
  return daemon;
}
const send = (daemon, options = {}, body = { to: '5511900000001', text: 'hi' }) =>
  daemon.call('POST', `${MAIN}/messages`, { body, ...options });
const quota = async (daemon, name) => (await daemon.ok('GET', `${TENANT}/usage`)).quotas.find((q) => q.name === name);

test('sends at once never pass the quota, also over a restart', async () => {
  const daemon = await start({ sends_per_day: 10 });
  try {
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(daemon)));
    assert.equal(answers.filter((a) => a.status === 202).length, 10);
    const refused = answers.filter((a) => a.status === 429);
    assert.equal(refused.length, 30);
    for (const a of refused) {
      assert.equal(a.json.code, 'quota_exceeded');
      const after = Number(a.headers.get('retry-after'));
      assert.ok(after >= 1 && after <= 86400, `Retry-After ${after}`);
    }
    assert.equal((await daemon.ok('GET', `${MAIN}/messages?limit=500`)).items.length, 10, 'nothing else was stored');
    // the records of refusals follow the answers
    const told = await eventually('refusal in the audit log of the tenant',
      async () => (await daemon.ok('GET', `${TENANT}/audit?action=message.send`)).items[0]);
    assert.deepEqual([told.session, told.status, told.code], ['main', 429, 'quota_exceeded']);
    const unknown = await daemon.call('PUT', TENANT, { body: { limits: { send_per_day: 1 } } });
    assert.equal(unknown.status, 422);
    assert.match(unknown.json.detail, /^limits\.send_per_day: /);

    await daemon.kill();
    await daemon.run();
    assert.equal((await send(daemon)).status, 429);
    const { limit, used, resets_at: resets } = await quota(daemon, 'sends_per_day');
    assert.deepEqual([limit, used], [10, 10]);
    assert.ok(Date.parse(resets) > Date.now());

    await daemon.ok('PUT', TENANT, { limits: { sends_per_day: 11, sends_per_month: 11 } });
    assert.equal((await send(daemon)).status, 202, 'raised');
    const month = await send(daemon);
    assert.equal(month.status, 429);
    assert.match(month.json.detail, /month/);
  } finally {
    await daemon.close();
  }
});

test('a repeated request counts once and has its answer when the quota is used up', async () => {
  const daemon = await start({ sends_per_day: 2 });
  const once = { headers: { 'idempotency-key': 'one' } };
  try {
    const first = await send(daemon, once);
    for (let i = 0; i < 5; i++) {
      const again = await send(daemon, once);
      assert.equal(again.status, 202);
      assert.equal(again.json.id, first.json.id);
    }
    assert.equal((await quota(daemon, 'sends_per_day')).used, 1);
    assert.equal((await send(daemon)).status, 202);
    assert.equal((await send(daemon)).status, 429);
    assert.equal((await send(daemon, once)).status, 202, 'still replayed');
    const refusedKey = { headers: { 'idempotency-key': 'two' } };
    assert.equal((await send(daemon, refusedKey)).status, 429);
    await daemon.ok('PUT', TENANT, { limits: { sends_per_day: 3 } });
    assert.equal((await send(daemon, refusedKey)).status, 202, 'a refusal is not remembered');
  } finally {
    await daemon.close();
  }
});

test('a file is not kept for a message without quota; changes of messages are free', async () => {
  const daemon = await start({ sends_per_day: 1 });
  const image = { to: '5511900000001', image: { base64: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQAY3Y2wAAAAAElFTkSuQmCC' } };
  try {
    const first = await send(daemon, {}, image);
    assert.equal(first.status, 202, first.text);
    const other = { ...image, image: { base64: 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7' } };
    assert.equal((await send(daemon, {}, other)).json.code, 'quota_exceeded');
    const deleted = await daemon.call('DELETE', `${MAIN}/messages/${first.json.id}`);
    assert.notEqual(deleted.json?.code, 'quota_exceeded');
    const report = await daemon.ok('GET', `${TENANT}/usage`);
    assert.deepEqual(report.total.types_out, { image: 1 });
    assert.equal(report.total.media_bytes_out, Buffer.from(image.image.base64, 'base64').length);
  } finally {
    await daemon.close();
  }
});

test('the report adds up days, sessions, countries; the tariff makes costs', async () => {
  const daemon = await start({}, {
    time_zone: 'America/Sao_Paulo',
    tariff: { currency: 'BRL', default: '0.1', prefixes: { 55: '0.03' } },
  });
  try {
    await daemon.ok('PUT', `${TENANT}/sessions/second`, { autostart: false });
    for (const to of ['5511900000001', '5511900000002', '12425550100']) assert.equal((await send(daemon, {}, { to, text: 'x' })).status, 202);
    await daemon.ok('POST', `${TENANT}/sessions/second/messages`, { to: '491701234567', text: 'x' });

    const country = await daemon.ok('GET', `${TENANT}/usage?group_by=country`);
    assert.equal(country.currency, 'BRL');
    assert.equal(country.time_zone, 'America/Sao_Paulo');
    assert.deepEqual(Object.fromEntries(country.items.map((i) => [i.country, [i.messages_out, i.cost]])),
      { 55: [2, '0.06'], 1242: [1, '0.10'], 49: [1, '0.10'] });
    assert.equal(country.total.cost, '0.26');
    assert.equal(country.total.messages_out, 4);
    const session = await daemon.ok('GET', `${TENANT}/usage?group_by=session`);
    assert.deepEqual(Object.fromEntries(session.items.map((i) => [i.session, i.messages_out])), { main: 3, second: 1 });
    const day = await daemon.ok('GET', `${TENANT}/usage`);
    const sum = day.items.reduce((n, i) => n + i.messages_out, 0);
    assert.equal(sum, 4);
    assert.equal((await daemon.ok('GET', `${TENANT}/usage?group_by=channel`)).items[0].channel, 'web');
    const past = await daemon.ok('GET', `${TENANT}/usage?since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z`);
    assert.deepEqual([past.items, past.since, past.until], [[], '2019-12-31', '2020-01-31']);
    const long = await daemon.call('GET', `${TENANT}/usage?since=2020-01-01T00:00:00Z`);
    assert.equal(long.json.code, 'range_too_long');

    await daemon.ok('DELETE', `${TENANT}/sessions/second?erase=messages`);
    assert.equal((await daemon.ok('GET', `${TENANT}/usage`)).total.messages_out, 4, 'the bill stays');
    await daemon.ok('DELETE', TENANT);
    await daemon.ok('PUT', TENANT, {});
    const anew = await daemon.ok('GET', `${TENANT}/usage`);
    assert.equal(anew.total.messages_out, 0);
    assert.equal(anew.quotas.find((q) => q.name === 'sends_per_day').used, 0);
  } finally {
    await daemon.close();
  }
});

test('sessions have a quota, and documents are checked', async () => {
  const daemon = await start({ max_sessions: 1 });
  try {
    const second = await daemon.call('PUT', `${TENANT}/sessions/second`, { body: { autostart: false } });
    assert.deepEqual([second.status, second.json.code], [429, 'quota_exceeded']);
    assert.equal(second.headers.get('retry-after'), null);
    assert.equal((await daemon.call('PUT', MAIN, { body: { metadata: { a: 1 } } })).status, 200, 'the one it has');
    for (const body of [{ limits: { sends: 1 } }, { limits: { sends_per_day: -1 } }, { tariff: { currency: 'x' } }]) {
      assert.equal((await daemon.call('PUT', TENANT, { body })).status, 422, JSON.stringify(body));
    }
    const zone = await daemon.call('PUT', TENANT, { body: { time_zone: 'Mars/Olympus' } });
    assert.deepEqual([zone.status, zone.json.code], [422, 'unknown_time_zone']);
  } finally {
    await daemon.close();
  }
});

test('received messages are counted, history is not', async () => {
  const farEnd = await FarEnd.start();
  const daemon = await Daemon.start({ farEnd });
  try {
    await daemon.session().link();
    const events = daemon.events();
    const before = (await daemon.ok('GET', '/v1/tenants/default/usage')).total.messages_in;
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'hello' });
    await events.find((e) => e.type === 'message.received' && e.data.id === id, 'the message');
    const { total } = await daemon.ok('GET', '/v1/tenants/default/usage?group_by=country');
    assert.equal(before, 0, 'what was there when the account was linked');
    assert.equal(total.messages_in, 1);
    assert.deepEqual(total.types_in, { text: 1 });
    assert.equal(total.messages_out, 0);
    await events.close();
  } finally {
    await daemon.close();
    await farEnd.close();
  }
});
