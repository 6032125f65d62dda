// Alerts that the daemon raises: they fire, are listed and told, survive a restart without being
// told again, and end.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, command, Daemon, eventually, FarEnd, ME, Receiver } from './harness.mjs';
import { metric, parseMetrics } from './prometheus.mjs';

const QUICK = { 'alerts.check_ms': 100, 'alerts.hold_s': 0, 'alerts.recover_s': 0 };
const NO_BROWSER = { 'browser.executable': '/bin/false' };

async function listed(daemon, tenant) {
  return (await daemon.ok('GET', tenant ? `/v1/tenants/${tenant}/alerts` : '/v1/alerts')).items;
}
async function told(daemon, type, tenant = 'default') {
  const { items } = await daemon.ok('GET', `/v1/tenants/${tenant}/events?limit=500`);
  return items.filter((e) => e.type === `alert.${type}`);
}
function checkShape(alert, kind, state) {
  assert.equal(alert.alert, kind);
  assert.equal(alert.state, state);
  assert.ok(Number.isFinite(alert.value));
  assert.ok(alert.threshold > 0);
  assert.ok(Date.parse(alert.since) > 0);
  assert.ok(alert.detail.length > 0 && alert.help.length > 0);
}

describe('a webhook that fails', () => {
  let daemon, hook, broken = true;
  before(async () => {
    hook = await Receiver.start({ answer: () => (broken ? 500 : 200) });
    daemon = await Daemon.start({ settings: { ...QUICK, ...NO_BROWSER, 'relay.pause_after_failures': 2 } });
    await daemon.ok('PUT', '/v1/tenants/default/webhooks/erp', {
      url: hook.url, events: ['session.*'], retry: { initial_delay_ms: 100, max_delay_ms: 400 },
    });
  });
  after(async () => {
    await daemon?.close();
    await hook?.close();
  });

  test('fires, is told and listed, and ends when the endpoint answers', async () => {
    const events = daemon.events('default', 0);
    await daemon.ok('PUT', '/v1/tenants/default/sessions/main', { autostart: true });
    await daemon.ok('POST', '/v1/tenants/default/sessions/main/start');
    const fired = await events.find((e) => e.type === 'alert.webhook_failing', 'alert.webhook_failing');
    checkShape(fired.data, 'webhook_failing', 'firing');
    assert.equal(fired.data.webhook, 'erp');
    assert.equal(fired.data.consecutive_failures, 2);
    const failing = async () => (await listed(daemon, 'default')).find((a) => a.alert === 'webhook_failing');
    checkShape(await eventually('alert in the list', failing), 'webhook_failing', 'firing');
    const m = parseMetrics((await daemon.call('GET', '/metrics')).text);
    assert.equal(metric(m, 'wabridge_alerts', { alert: 'webhook_failing' }), 1);

    broken = false;
    const over = await events.find((e) => e.type === 'alert.webhook_recovered', 'alert.webhook_recovered');
    checkShape(over.data, 'webhook_failing', 'resolved');
    await eventually('list without the alert', async () => !(await failing()));
    assert.equal((await told(daemon, 'webhook_failing')).length, 1);
    await events.close();
  });
});

describe('a session that never works', () => {
  let daemon, acme;
  before(async () => {
    daemon = await Daemon.start({ settings: { ...QUICK, ...NO_BROWSER, 'alerts.flaps': 2, 'alerts.queue_age_s': 1, 'alerts.recover_s': 3600, 'session.backoff_min_ms': 10, 'session.backoff_max_ms': 100 } });
    for (const t of ['acme', 'zeta']) await daemon.ok('PUT', `/v1/tenants/${t}`, { name: t });
    acme = (await daemon.ok('POST', '/v1/tenants/acme/keys', { name: 'erp' })).key;
  });
  after(() => daemon?.close());

  test('flaps and lets messages wait: two alerts, its tenant sees them, another does not', async () => {
    const events = daemon.events('acme', 0);
    await daemon.ok('PUT', '/v1/tenants/acme/sessions/main', {});
    await daemon.ok('POST', '/v1/tenants/acme/sessions/main/messages', { to: ALICE, text: 'waits' });
    const flapping = await events.find((e) => e.type === 'alert.session_flapping', 'alert.session_flapping');
    checkShape(flapping.data, 'session_flapping', 'firing');
    assert.equal(flapping.session, 'main');
    const old = await events.find((e) => e.type === 'alert.queue_old', 'alert.queue_old');
    checkShape(old.data, 'queue_old', 'firing');
    assert.ok(old.data.value >= 1);
    await events.close();
    const mine = await daemon.call('GET', '/v1/tenants/acme/alerts', { key: acme });
    assert.deepEqual(mine.json.items.map((a) => a.alert).sort(), ['queue_old', 'session_flapping']);
    assert.equal((await daemon.call('GET', '/v1/tenants/zeta/alerts', { key: acme })).status, 404);
    assert.equal((await daemon.call('GET', '/v1/alerts', { key: acme })).status, 403);
    assert.deepEqual(await listed(daemon, 'zeta'), []);
  });

  test('`wabridge status` and `wabridge doctor` show them', async () => {
    const status = await command(daemon, 'status');
    assert.match(status.out, /session_flapping\s+acme\/main/);
    const doctor = await command(daemon, 'doctor');
    assert.match(doctor.out, /session_flapping/);
  });

  test('a restart neither forgets an alert that fires nor tells it again', async () => {
    const before = await listed(daemon, 'acme');
    await daemon.stop();
    await daemon.run();
    const now = await listed(daemon, 'acme');
    const since = (list) => Object.fromEntries(list.map((a) => [a.alert, a.since]));
    assert.deepEqual(since(now), since(before));
    const events = daemon.events('acme', 0);
    await daemon.ok('PUT', '/v1/tenants/acme/sessions/other', {}); // makes an alert of its own, after some rounds
    await events.find((e) => e.type === 'alert.session_flapping' && e.session === 'other', 'the alert of the other session');
    await events.close();
    assert.equal((await told(daemon, 'session_flapping', 'acme')).filter((e) => e.session === 'main').length, 1);
    assert.equal((await told(daemon, 'queue_old', 'acme')).length, 1);
  });

  test('a session that is deleted has none', async () => {
    await daemon.ok('DELETE', '/v1/tenants/acme/sessions/main?erase=messages');
    await daemon.ok('DELETE', '/v1/tenants/acme/sessions/other');
    await eventually('empty list', async () => (await listed(daemon, 'acme')).length === 0);
    await daemon.stop();
    await daemon.run();
    assert.deepEqual(await listed(daemon, 'acme'), []);
  });
});

test('a delivery that waits too long fires, and is over when it went', async () => {
  let broken = true;
  const hook = await Receiver.start({ answer: () => (broken ? 500 : 200) });
  const daemon = await Daemon.start({ settings: { ...QUICK, ...NO_BROWSER, 'alerts.queue_age_s': 1, 'relay.pause_after_failures': 1000 } });
  try {
    const where = '/v1/tenants/default/webhooks/erp';
    const put = { url: hook.url, events: ['session.*'], retry: { initial_delay_ms: 100, max_delay_ms: 400 } };
    await daemon.ok('PUT', where, put);
    const events = daemon.events('default', 0);
    await daemon.ok('POST', '/v1/tenants/default/sessions/main/start');
    const old = await events.find((e) => e.type === 'alert.queue_old', 'alert.queue_old');
    checkShape(old.data, 'queue_old', 'firing');
    assert.equal(old.data.webhook, 'erp');
    assert.equal(old.data.session, null);
    assert.ok(old.data.value >= 1);

    const over = (n) => events.find((e) => e.type === 'alert.queue_old' && e.data.state === 'resolved'
      && events.items.filter((x) => x.type === 'alert.queue_old' && x.data.state === 'resolved' && x.seq <= e.seq).length === n, `end ${n}`);
    await daemon.ok('PUT', where, { ...put, enabled: false });
    await over(1); // switched off on purpose
    await daemon.ok('PUT', where, { ...put, enabled: true });
    await events.find((e) => e.type === 'alert.queue_old' && e.data.state === 'firing' && e.seq > old.seq, 'it fires again');
    broken = false;
    await daemon.ok('POST', '/v1/tenants/default/sessions/main/stop');
    await over(2);
    await events.close();
  } finally {
    await daemon.close();
    await hook.close();
  }
});

test('alerts of the node go to the tenant of [alerts] tenant', async () => {
  const daemon = await Daemon.start({ settings: { ...QUICK, ...NO_BROWSER, 'alerts.disk_free_mib': 16777216 } });
  try {
    await daemon.ok('PUT', '/v1/tenants/acme', {});
    const events = daemon.events('default', 0);
    const low = await events.find((e) => e.type === 'alert.disk_low', 'alert.disk_low');
    checkShape(low.data, 'disk_low', 'firing');
    await events.close();
    const alert = (await listed(daemon)).find((a) => a.alert === 'disk_low');
    assert.equal(alert.tenant, null);
    assert.deepEqual(await listed(daemon, 'acme'), []);
    assert.equal((await told(daemon, 'disk_low', 'acme')).length, 0);
    daemon.settings['alerts.disk_free_mib'] = 1;
    await daemon.stop();
    await daemon.run();
    const again = daemon.events('default', low.seq);
    const over = await again.find((e) => e.type === 'alert.disk_low', 'its end');
    checkShape(over.data, 'disk_low', 'resolved');
    assert.equal(over.data.since, low.data.since);
    await again.close();
  } finally {
    await daemon.close();
  }
});

test('sends that fail', async () => {
  const farEnd = await FarEnd.start();
  const daemon = await Daemon.start({ farEnd, settings: { ...QUICK, 'alerts.send_failures': 3 } });
  try {
    const session = daemon.session();
    await session.link(ME);
    const events = daemon.events('default', 0);
    await session.send(ALICE, 'fine');
    await session.act('stop');
    await session.until('stopped');
    for (let i = 0; i < 4; i++) {
      await session.send(ALICE, `late ${i}`, { expires_at: new Date(Date.now() + 5000).toISOString() });
    }
    const fired = await events.find((e) => e.type === 'alert.send_failures', 'alert.send_failures');
    checkShape(fired.data, 'send_failures', 'firing');
    assert.ok(fired.data.value >= 50 && fired.data.value <= 100);
    assert.match(fired.data.detail, /of \d messages failed/);
    await events.close();
  } finally {
    await daemon.close();
    await farEnd.close();
  }
});
