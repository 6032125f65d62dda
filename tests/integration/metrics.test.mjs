// GET /metrics: the format, what it counts, who may read it, and that the dashboard and the alert
// rules in docs/ use nothing that is not there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ALICE, Daemon, eventually, FarEnd, ME, Receiver, ROOT } from './harness.mjs';
import { metric, parseMetrics } from './prometheus.mjs';

async function scrape(daemon) {
  const answer = await daemon.call('GET', '/metrics');
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.type, 'text/plain; version=0.0.4; charset=utf-8');
  return parseMetrics(answer.text);
}

// The metrics once they are as wanted: some are taken by the second, some after an answer is out.
function scraped(daemon, what, wanted) {
  return eventually(what, async () => {
    const m = await scrape(daemon);
    return wanted(m) && m;
  });
}

// Every metric that a text of PromQL names.
function namesIn(promql) {
  return promql.match(/\b(?:wabridge|process)_[a-z_]+\b/g) ?? [];
}

describe('metrics of a session that works', () => {
  let farEnd, daemon, hook, session;
  const main = { tenant: 'default', session: 'main' };

  before(async () => {
    farEnd = await FarEnd.start();
    hook = await Receiver.start({ answer: (entry) => (entry.path === '/bad' ? 404 : 200) });
    daemon = await Daemon.start({ farEnd, settings: { 'memory.sample_s': 1 } });
    await daemon.ok('PUT', '/v1/tenants/default/webhooks/erp', { url: hook.url, events: ['*'] });
    await daemon.ok('PUT', '/v1/tenants/default/webhooks/bad', { url: hook.url.replace('/hook', '/bad'), events: ['message.status'] });
    session = daemon.session();
    await session.link(ME);
  });
  after(async () => {
    await daemon?.close();
    await Promise.all([hook?.close(), farEnd?.close()]);
  });

  test('sends, webhooks, the store and the API are counted', async () => {
    const sent = await session.send(ALICE, 'hello');
    await hook.waitFor((e) => e.type === 'message.status' && e.data.id === sent.id && e.data.status === 'sent', 'sent');
    await hook.wait((r) => r.requests.find((q) => q.path === '/bad'), 'a request to the bad endpoint');
    await daemon.call('GET', '/v1/tenants/nobody');
    // the answer of a request is known to its sender before the daemon has read the end of it
    const m = await scraped(daemon, 'dead letter that is counted', (x) => metric(x, 'wabridge_webhook_dead_letters_total', { webhook: 'bad' }) > 0
      && metric(x, 'wabridge_webhook_requests_total', { webhook: 'erp', outcome: '2xx' }) > 0);
    assert.ok(metric(m, 'wabridge_webhook_requests_total', { webhook: 'bad', outcome: '4xx' }) > 0);
    assert.equal(metric(m, 'wabridge_messages_total', { ...main, status: 'queued' }), 1);
    assert.equal(metric(m, 'wabridge_messages_total', { ...main, status: 'sent', code: '' }), 1);
    assert.ok(metric(m, 'wabridge_webhook_requests_total', { tenant: 'default', webhook: 'erp', outcome: '2xx' }) > 0);
    assert.ok(metric(m, 'wabridge_webhook_duration_seconds_count', { tenant: 'default', webhook: 'erp' }) > 0);
    assert.ok(metric(m, 'wabridge_store_commit_duration_seconds_count') > 0);
    assert.ok(metric(m, 'wabridge_store_used_bytes') > 0);
    assert.ok(metric(m, 'wabridge_store_map_bytes') >= 2 ** 30);
    assert.equal(metric(m, 'wabridge_store_writable'), 1);
    assert.equal(metric(m, 'wabridge_api_requests_total', { method: 'POST', route: '/v1/tenants/{tenant}/sessions/{session}/messages', status: '202' }), 1);
    assert.ok(metric(m, 'wabridge_api_requests_total', { route: '/v1/tenants/{tenant}', status: '404' }) >= 1);
    assert.ok(metric(await scrape(daemon), 'wabridge_api_request_duration_seconds_count', { route: '/metrics', method: 'GET' }) >= 1);
    assert.ok(metric(m, 'process_resident_memory_bytes') > 1e6);
    assert.ok(metric(m, 'process_open_fds') > 5);
  });

  test('the session is there with status, browser and page', async () => {
    const m = await scraped(daemon, 'measured browser, and no message that waits',
      (x) => metric(x, 'wabridge_session_memory_bytes', main) !== undefined && metric(x, 'wabridge_outbox_messages', main) === 0);
    assert.equal(metric(m, 'wabridge_sessions', { status: 'ready' }), 1);
    assert.equal(metric(m, 'wabridge_sessions', { status: 'failed' }), 0);
    assert.equal(metric(m, 'wabridge_session_up', main), 1);
    assert.equal(metric(m, 'wabridge_session_wanted', main), 1);
    assert.equal(metric(m, 'wabridge_session_page_alive', main), 1);
    assert.ok(metric(m, 'wabridge_session_browser_age_seconds', main) > 0);
    assert.ok(metric(m, 'wabridge_session_page_answer_age_seconds', main) >= 0);
    assert.ok(metric(m, 'wabridge_session_memory_bytes', main) > 10e6);
    assert.ok(metric(m, 'wabridge_session_processes', main) > 2);
    assert.ok(metric(m, 'wabridge_session_cpu_seconds_total', main) > 0);
    assert.ok(metric(m, 'wabridge_uptime_seconds') > 0);
    await scraped(daemon, 'measured lag of the loop', (x) => metric(x, 'wabridge_loop_lag_seconds_count') > 0);
  });

  test('no phone number, chat or text is in it', async () => {
    const { text } = await daemon.call('GET', '/metrics');
    for (const secret of [ME, ALICE, 'hello', '@c.us']) assert.ok(!text.includes(secret), secret);
  });

  test('what waits for the agent is counted and has an age', async () => {
    const silent = await Receiver.start({ answer: () => new Promise(() => {}) });
    try {
      await daemon.ok('PUT', `${session.path}/agent`, { enabled: true, kind: 'http', url: silent.url });
      await farEnd.post('/send', { from: ALICE, to: ME, text: 'is anybody there?' });
      const m = await scraped(daemon, 'age of what waits for the agent', (x) => metric(x, 'wabridge_agent_queue_oldest_seconds', main) > 0);
      assert.equal(metric(m, 'wabridge_agent_queue_messages', main), 1);
    } finally {
      await daemon.ok('DELETE', `${session.path}/agent`);
      await silent.close();
    }
  });

  test('a message that waits has an age', async () => {
    await session.act('stop');
    await session.until('stopped');
    await session.send(ALICE, 'later');
    const m = await scraped(daemon, 'age of what waits to be sent', (x) => metric(x, 'wabridge_outbox_oldest_seconds', main) > 0);
    assert.equal(metric(m, 'wabridge_outbox_messages', main), 1);
    assert.equal(metric(m, 'wabridge_session_up', main), 0);
    assert.equal(metric(m, 'wabridge_session_page_alive', main), undefined);
  });

  test('dashboard and alert rules name what is exposed', async () => {
    const m = await scrape(daemon);
    const dashboard = JSON.parse(fs.readFileSync(path.join(ROOT, 'docs/grafana/wabridge.json'), 'utf8'));
    const panels = dashboard.panels.filter((p) => p.type !== 'row');
    assert.ok(panels.length >= 12);
    const ids = dashboard.panels.map((p) => p.id);
    assert.equal(new Set(ids).size, ids.length, 'ids of panels');
    for (const p of panels) assert.ok(p.targets?.every((t) => namesIn(t.expr).length > 0), p.title);
    const texts = panels.flatMap((p) => p.targets.map((t) => t.expr));
    texts.push(...dashboard.templating.list.map((v) => JSON.stringify(v.query ?? '')));
    const rules = fs.readFileSync(path.join(ROOT, 'docs/grafana/alerts.yml'), 'utf8');
    texts.push(...rules.split('\n').filter((l) => !/^\s*(#|- alert:|summary:|description:)/.test(l)));
    for (const name of new Set(texts.flatMap(namesIn))) {
      const family = m.get(name) ?? m.get(name.replace(/_(bucket|sum|count)$/, ''));
      assert.ok(family, `${name} is not exposed`);
    }
  });

  test('a session that is deleted leaves no series', async () => {
    await daemon.ok('DELETE', '/v1/tenants/default/sessions/main');
    const m = await scrape(daemon);
    assert.equal(metric(m, 'wabridge_messages_total', main), undefined);
    assert.equal(metric(m, 'wabridge_session_up', main), undefined);
  });
});

describe('who may read them', () => {
  let daemon;
  before(async () => (daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } })));
  after(() => daemon?.close());

  test('an admin key, nobody else', async () => {
    assert.equal((await daemon.call('GET', '/metrics', { key: '' })).status, 401);
    assert.equal((await daemon.call('GET', '/metrics', { key: 'wab_nonsense' })).status, 401);
    const { key } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'erp' });
    assert.equal((await daemon.call('GET', '/metrics', { key })).status, 403);
    await scrape(daemon);
  });

  test('names of strangers make no series', async () => {
    for (let i = 0; i < 20; i++) await daemon.call('GET', `/stranger-${i}`);
    const m = await scrape(daemon);
    assert.ok(metric(m, 'wabridge_api_requests_total', { route: 'none', status: '404' }) >= 20);
    assert.ok(m.get('wabridge_api_requests_total').samples.every((s) => !s.labels.route.includes('stranger')));
  });
});

test('open: no key on loopback and the socket', async () => {
  const daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false', 'metrics.open': 'yes' } });
  try {
    const answer = await daemon.call('GET', '/metrics', { key: '' });
    assert.equal(answer.status, 200);
    parseMetrics(answer.text);
    const forwarded = await daemon.call('GET', '/metrics', { key: '', headers: { 'x-forwarded-for': '203.0.113.7' } });
    assert.equal(forwarded.status, 401, 'a proxy on this host brings people from anywhere');
    const status = await new Promise((resolve, reject) => {
      http.get({ socketPath: path.join(daemon.dataDir, 'wabridge.sock'), path: '/metrics', headers: { host: 'localhost' } }, (res) => {
        res.resume();
        res.on('end', () => resolve(res.statusCode));
      }).on('error', reject);
    });
    assert.equal(status, 200);
    assert.equal((await daemon.call('GET', '/v1/tenants', { key: '' })).status, 401, 'only the metrics are open');
  } finally {
    await daemon.close();
  }
});
