// Hibernation: no browser until a send, the schedule or a hand wakes it; the link and every message
// survive it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, Daemon, eventually, FarEnd, ME } from './harness.mjs';

describe('hibernation', () => {
  let farEnd, daemon, session;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  const acked = () => eventually('ack of every send', async () => (await session.get()).backlog.outbox === 0);
  // The first receipt may be passed over by the second.
  const arrived = (id) => (e) => e.data?.id === id && ['sent', 'delivered'].includes(e.data.status);

  // Until its browser has ended.
  async function asleep() {
    await session.until('hibernating');
    await eventually('end of the browser', () => daemon.browserPids().length === 0);
  }

  test('only a linked, running session with nothing to send may', async () => {
    await session.until('unlinked');
    const refused = await daemon.call('POST', `${session.path}/hibernate`);
    assert.equal(refused.status, 409);
    assert.equal(refused.json.code, 'not_linked');
    for (const hibernate of [{ after_idle_s: -1 }, { wake_every_s: 1 }, { sleep: 1 }, 'yes', { after_idle_s: '5' },
      { quiet_hours: '22-7' }, { quiet_hours: { from: '22:00' } }, { quiet_hours: { from: '22:00', to: '24:00' } },
      { quiet_hours: { from: '7:00', to: '22:00' } }, { quiet_hours: { from: '07:00', to: '07:00' } },
      { quiet_hours: { from: '22:00', to: '07:00', zone: 'UTC' } }]) {
      const answer = await daemon.call('PUT', session.path, { body: { hibernate } });
      assert.equal(answer.status, 422, JSON.stringify(hibernate));
    }
  });

  test('by hand; a send wakes it and goes out once', async () => {
    await session.link();
    const answer = await session.act('hibernate');
    assert.equal(answer.status, 'hibernating');
    assert.equal(answer.account.phone, ME);
    await asleep();
    const refused = await daemon.call('POST', `${session.path}/messages?require=ready`, { body: { to: ALICE, text: 'now' } });
    assert.equal(refused.json.code, 'session_not_ready');
    assert.equal((await session.get()).status, 'hibernating');
    const events = daemon.events('default', await session.lastSeq());
    const sent = await session.send(ALICE, 'good morning');
    await events.find(arrived(sent.id), 'the send');
    assert.equal((await farEnd.received(ME)).find((m) => m.id === sent.id).count, 1);
    assert.ok(!events.items.some((e) => e.type === 'session.qr'), 'no new code');
    await events.close();
  });

  test('what came meanwhile is there after a wake by hand, once', async () => {
    await session.until('ready');
    await acked();
    await session.act('hibernate');
    await asleep();
    const events = daemon.events('default', await session.lastSeq());
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'while you slept' });
    assert.match((await session.act('wake')).status, /starting/);
    await events.find((e) => e.type === 'message.received' && e.data.id === id, 'the message');
    await session.until('ready');
    assert.equal(events.items.filter((e) => e.type === 'message.received' && e.data.id === id).length, 1);
    await events.close();
  });

  test('a restart of the daemon keeps it asleep; so does a stop and start of nothing', async () => {
    await session.until('ready');
    await session.act('hibernate');
    await asleep();
    await daemon.stop();
    await daemon.run();
    const s = await session.get();
    assert.equal(s.status, 'hibernating');
    assert.equal(s.account.phone, ME);
    assert.deepEqual(daemon.browserPids(), []);
    const sent = await session.send(ALICE, 'after the restart');
    await session.until('ready');
    const events = daemon.events('default', 0);
    await events.find(arrived(sent.id), 'the send');
    await events.close();
  });

  test('by itself when idle, awake by its schedule, asleep again', async () => {
    const events = daemon.events('default', await session.lastSeq());
    await daemon.ok('PUT', session.path, { hibernate: { after_idle_s: 2, wake_every_s: 5 } });
    await asleep();
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'scheduled' });
    assert.ok((await session.get()).hibernate.after_idle_s === 2);
    await events.find((e) => e.type === 'session.status' && /schedule/.test(e.data.status_reason), 'the wake');
    await events.find((e) => e.type === 'message.received' && e.data.id === id, 'the message');
    const slept = (e) => e.type === 'session.status' && e.data.status === 'hibernating';
    await events.find((e) => slept(e) && e.seq > events.items.find(slept).seq, 'the second sleep');
    await daemon.ok('PUT', session.path, { hibernate: null });
    await events.close();
  });

  test('quiet hours in the zone of the tenant put its schedule off; a send wakes it all the same', async () => {
    await session.act('wake');
    await session.until('ready');
    await acked();
    // an hour ago until in two hours in Kathmandu: by UTC's clock it is not quiet now
    const ahead = (5 * 60 + 45) * 60e3;
    const end = new Date(Math.ceil(Date.now() / 60e3) * 60e3 + 2 * 3600e3);
    const local = (ms) => new Date(ms + ahead).toISOString().slice(11, 16);
    const quiet_hours = { from: local(end - 3 * 3600e3), to: local(end.getTime()) };
    await daemon.ok('PUT', '/v1/tenants/default', { time_zone: 'UTC' });
    const put = await daemon.ok('PUT', session.path, { hibernate: { wake_every_s: 15, quiet_hours } });
    assert.deepEqual(put.hibernate.quiet_hours, quiet_hours);
    const { hibernate } = await session.act('hibernate');
    assert.ok(Date.parse(hibernate.wake_at) < end - 3600e3);
    // the tenant moves: looked at again when the time has come, and put off
    await daemon.ok('PUT', '/v1/tenants/default', { time_zone: 'Asia/Kathmandu' });
    await asleep();
    await eventually('later wake', async () => (await session.get()).hibernate.wake_at === end.toISOString());
    assert.equal((await session.get()).status, 'hibernating');
    await daemon.stop();
    await daemon.run();
    assert.equal((await session.get()).hibernate.wake_at, end.toISOString());
    // planned anew it is put off at once
    const again = await daemon.ok('PUT', session.path, { hibernate: { wake_every_s: 5, quiet_hours } });
    assert.equal(again.hibernate.wake_at, end.toISOString());
    const events = daemon.events('default', await session.lastSeq());
    const sent = await session.send(ALICE, 'at night');
    await events.find(arrived(sent.id), 'the send');
    await events.close();
    await daemon.ok('PUT', session.path, { hibernate: null });
  });

  test('stop ends it for good, start begins afresh', async () => {
    await session.act('stop');
    await session.until('stopped');
    await session.act('start');
    const s = await session.until('ready');
    assert.equal(s.account.phone, ME);
    assert.equal(s.hibernate.wake_at, null);
  });
});
