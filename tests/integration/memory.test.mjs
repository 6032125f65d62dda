// What browsers may take: measured, helped when it is too much, not started when there is no room.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, Daemon, eventually, FarEnd, ME } from './harness.mjs';

// Until the session object shows it.
function shown(session, predicate, what) {
  return eventually(what, async () => {
    const s = await session.get();
    return predicate(s) && s;
  });
}

describe('memory of browsers', () => {
  let farEnd, daemon, session;
  const again = async (settings) => {
    await daemon.stop();
    daemon.settings = { ...daemon.settings, 'memory.soft_mb': 0, 'memory.hard_mb': 0, ...settings };
    await daemon.run();
  };

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd, settings: { 'memory.sample_s': 1, 'memory.storage_s': 1 } });
    session = daemon.session();
    await session.link();
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  test('a session shows what its browser and its profile take', async () => {
    const s = await shown(session, (o) => o.memory && o.storage?.profile_bytes > 0, 'measurements');
    assert.ok(s.memory.browser_pss_bytes > 20 << 20, `${s.memory.browser_pss_bytes}`);
    assert.ok(s.memory.processes >= 2);
    assert.ok(s.memory.threads > s.memory.processes);
    assert.ok(s.memory.cpu_ms > 0);
    assert.ok(Date.parse(s.memory.started_at) <= Date.parse(s.memory.sampled_at));
    assert.equal(s.memory.reloads + s.memory.restarts, 0);
    assert.equal(s.storage.quarantined, 0);
  });

  test('over the soft limit: garbage, then the page is loaded again, once; nothing is lost', async () => {
    const seq = await session.lastSeq();
    await again({ 'memory.soft_mb': 1 });
    await session.until('ready');
    const [pid] = daemon.browserPids();
    const events = daemon.events('default', seq); // it may have happened by now
    await daemon.waitLog((l) => l.event === 'memory.collect', 'collection of garbage');
    const left = await events.find((e) => e.type === 'session.status' && /soft_mb/.test(e.data.status_reason), 'the reload');
    assert.equal(left.data.status, 'disconnected');
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'meanwhile' });
    const sent = await session.send(ALICE, 'queued meanwhile');
    await session.until('ready');
    await events.find((e) => e.type === 'message.received' && e.data.id === id, 'the message');
    await events.find((e) => e.data?.id === sent.id && ['sent', 'delivered'].includes(e.data.status), 'the send');
    assert.equal((await farEnd.received(ME)).find((m) => m.id === sent.id).count, 1);
    const now = await session.get();
    assert.deepEqual(daemon.browserPids(), [pid]);
    assert.equal(now.memory.reloads, 1);
    assert.equal(now.memory.restarts, 0);
    await events.close();
  });

  test('over the hard limit: the browser is restarted, and held down after', async () => {
    const seq = await session.lastSeq();
    await again({ 'memory.hard_mb': 1 });
    const events = daemon.events('default', seq);
    const restart = await events.find((e) => e.type === 'session.status' && /hard_mb/.test(e.data.status_reason), 'the restart');
    const ready = (e) => e.type === 'session.status' && e.data.status === 'ready' && e.seq > restart.seq;
    await events.find(ready, 'ready again');
    const launched = daemon.log.filter((l) => l.event === 'browser.launched').map((l) => Number(/process (\d+)/.exec(l.msg)[1]));
    assert.equal(launched.length, 2);
    assert.deepEqual(daemon.browserPids(), [launched[1]]);
    // more measurements than it takes to decide, all over the limit
    const times = new Set();
    await shown(session, (o) => (o.memory && times.add(o.memory.sampled_at), times.size > 5), 'measurements');
    const now = await session.get();
    assert.equal(now.status, 'ready');
    assert.equal(now.memory.restarts, 1);
    await events.close();
  });

  test('caches over their bound are cleared between two runs, and the link survives', async () => {
    await again({ 'memory.max_cache_mb': 1 });
    await session.until('ready');
    await shown(session, (o) => o.storage?.cache_bytes > 1 << 20, 'a cache over its bound');
    await session.act('restart');
    await daemon.waitLog((l) => l.event === 'session.storage' && /cleared/.test(l.msg), 'clearing');
    const s = await session.until('ready');
    assert.equal(s.account.phone, ME);
  });
});

describe('admission of browsers', () => {
  let farEnd, daemon;
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  test('without memory none starts, and the session says so; with memory it does', async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd, settings: { 'memory.sample_s': 1, 'memory.reserve_mb': 16_000_000 } });
    const session = daemon.session();
    await daemon.waitLog((l) => l.event === 'memory.admission', 'refusal');
    const answer = await daemon.call('POST', `${session.path}/start`);
    assert.equal(answer.status, 202);
    assert.equal(answer.json.status, 'starting');
    assert.match(answer.json.status_reason, /^out_of_memory_budget: /);
    assert.deepEqual(daemon.browserPids(), []);
    await session.act('stop');
    assert.equal((await session.get()).status, 'stopped');
  });

  test('max_browsers: the next one starts when another ends', async () => {
    await daemon.stop();
    daemon.settings = { ...daemon.settings, 'memory.reserve_mb': 0, 'memory.max_browsers': 1 };
    await daemon.run();
    const first = daemon.session(), second = daemon.session('default', 'second');
    await first.act('start');
    await first.until('unlinked');
    await daemon.ok('PUT', second.path, { channel: 'web' });
    await shown(second, (o) => /^out_of_memory_budget: .*max_browsers/.test(o.status_reason), 'the wait');
    await first.act('stop');
    await second.until('unlinked');
    assert.equal((await first.get()).status, 'stopped');
  });
});
