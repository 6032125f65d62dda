// Statistics: the numbers are those of what was really sent, received, read, delivered and failed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, DEADLINE_MS, Daemon, FarEnd, ME, Receiver } from './harness.mjs';

const TENANT = '/v1/tenants/default';
const NOBODY = '5511999990000';   // not on WhatsApp
const COUNTS = ['received', 'sent', 'delivered', 'read', 'failed'];

// Asks again and again: counts are there with the commit, which some of them follow by a moment.
async function until(read, holds) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await read();
    if (holds(value) || Date.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const summed = (body, name) => body.series.reduce((n, step) => n + step[name], 0);

describe('statistics', () => {
  let farEnd, daemon, session, events, receiver, start;
  const stats = (query = '', options) => daemon.ok('GET', `${TENANT}/stats${query}`, undefined, options);
  const status = (id, ...wanted) =>
    events.find((e) => e.type === 'message.status' && e.data.id === id && wanted.includes(e.data.status), `${id} ${wanted}`);
  const heard = async (from, text) => {
    const { id } = await farEnd.post('/send', { from, to: ME, text });
    await events.find((e) => e.type === 'message.received' && e.data.id === id, text);
  };
  const deliveries = async (name, state) =>
    (await daemon.ok('GET', `${TENANT}/webhooks/${name}/deliveries?state=${state}&limit=100`)).items;

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.link();
    events = daemon.events('default', await session.lastSeq());
    receiver = await Receiver.start({ answer: ({ path: where }) => (where === '/hook?bad' ? 410 : 200) });
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await receiver?.close();
    await farEnd?.close();
  });

  test('history that came with the account is not counted', async () => {
    start = await stats();
    assert.deepEqual(COUNTS.map((name) => start.totals[name]), [0, 0, 0, 0, 0]);
    assert.deepEqual([start.totals.delivery_rate, start.totals.response.median_s], [null, null]);
    assert.deepEqual([start.sessions.total, start.sessions.ready, start.sessions.failed], [1, 1, 0]);
  });

  test('messages count as what became of them', async () => {
    await heard(ALICE, 'is anybody there?');
    await heard(ALICE, 'hello?');
    const read = await session.send(ALICE, 'we are');
    await status(read.id, 'delivered', 'read');
    await farEnd.post('/read', { account: ALICE, from: ME });
    await status(read.id, 'read');
    const failed = await session.send(NOBODY, 'to nobody');
    await status(failed.id, 'failed');
    await farEnd.post('/offline', { account: BOB });
    const sent = await session.send(BOB, 'to a phone that is off');
    await status(sent.id, 'sent');

    const { totals } = await stats();
    assert.deepEqual(COUNTS.map((name) => totals[name]), [2, 2, 1, 1, 1]);
    assert.deepEqual([totals.delivery_rate, totals.read_rate], [0.5, 0.5]);
    assert.equal(totals.response.count, 1, 'one answer to two messages');
    assert.ok(totals.response.median_s > 0 && totals.response.p90_s >= totals.response.median_s);
  });

  test('they are the numbers of the lists', async () => {
    const list = (query) => daemon.ok('GET', `${session.path}/messages?${query}&limit=200`);
    const since = new Date(Date.parse(start.until) - 1000).toISOString();   // WhatsApp's times are whole seconds
    const now = await stats(), { totals } = now;
    const outgoing = (await list(`direction=out&since=${since}`)).items;
    const reached = (...states) => outgoing.filter((m) => states.includes(m.status)).map((m) => m.id);
    const lists = { sent: 'sent,delivered,read,played', delivered: 'delivered,read,played', read: 'played,read', failed: 'failed' };
    for (const [name, status] of Object.entries(lists)) {
      const ids = (await list(`direction=out&backfill=false&status=${status}&since=${now.since}`)).items.map((m) => m.id);
      assert.deepEqual(ids, reached(...status.split(',')), name);
      assert.equal(totals[name], ids.length, name);
    }
    const received = (await list(`direction=in&backfill=false&since=${now.since}`)).items;
    assert.equal(totals.received, received.length);
    assert.ok(received.every((m) => m.backfill === false));
    const history = (await list('backfill=true')).items;
    assert.ok(history.every((m) => m.backfill === true));
    const wrong = await daemon.call('GET', `${session.path}/messages?status=sent,gone`);
    assert.deepEqual([wrong.status, wrong.json.code], [422, 'invalid_request']);
    const failed = (await list('status=failed')).items;
    assert.deepEqual(failed.map((m) => m.status), ['failed'], 'what is behind the number can be listed');
  });

  test('the phone answers too; the answer to nobody, and what follows it, do not count', async () => {
    await heard(BOB, 'and me?');
    const { id } = await farEnd.post('/send', { from: ME, to: BOB, text: 'from the phone' });
    await events.find((e) => e.type === 'message.sent' && e.data.id === id, 'what the phone sent');
    const more = await session.send(BOB, 'one more thing');
    await status(more.id, 'sent', 'delivered');
    assert.equal((await stats()).totals.response.count, 2);
    await heard(BOB, 'thanks');
    await daemon.ok('PATCH', `${session.path}/chats/${BOB}`, { state: 'closed' });
    const later = await session.send(BOB, 'another day');
    await status(later.id, 'sent', 'delivered');
    assert.equal((await stats()).totals.response.count, 2, 'a closed conversation waits for nobody');
  });

  test('webhooks: delivered, failed, dead, and how fast', async () => {
    await daemon.ok('PUT', `${TENANT}/webhooks/good`, { url: receiver.url, events: ['message.received'] });
    await daemon.ok('PUT', `${TENANT}/webhooks/bad`, { url: `${receiver.url}?bad`, events: ['message.received'] });
    for (const text of ['one', 'two', 'three']) await heard(ALICE, text);
    await until(() => deliveries('good', 'delivered'), (items) => items.length === 3);
    const dead = await until(() => deliveries('bad', 'dead'), (items) => items.length > 0);
    const { totals, queues } = await until(() => stats(), (s) => s.queues.deliveries === 0);
    assert.equal(totals.webhooks.delivered, (await deliveries('good', 'delivered')).length);
    assert.equal(totals.webhooks.dead, (await deliveries('bad', 'dead')).length);
    assert.ok(dead.length > 0 && totals.webhooks.failed >= totals.webhooks.dead);
    assert.equal(queues.dead_letters, totals.webhooks.dead);
    assert.ok(totals.webhooks.latency_p50_ms > 0 && totals.webhooks.latency_p90_ms >= totals.webhooks.latency_p50_ms);
  });

  test('every range says the same of today, and its series adds up', async () => {
    for (const [range, steps, stepS] of [['1h', 12, 300], ['24h', 96, 900], ['7d', 168, 3600], ['30d', 180, 14400], ['90d', 90, 86400]]) {
      const body = await stats(`?range=${range}`);
      assert.deepEqual([body.series.length, body.step_s], [steps, stepS]);
      assert.equal(body.totals.received, 7);
      for (const name of COUNTS) assert.equal(summed(body, name), body.totals[name], `${name} of ${range}`);
      assert.equal(summed(body, 'webhook_delivered'), body.totals.webhooks.delivered);
      assert.equal(body.series[0].at, body.since);
    }
    assert.equal((await daemon.call('GET', `${TENANT}/stats?range=1y`)).status, 422);
  });

  test('a key of other sessions sees nothing of this one', async () => {
    await daemon.ok('PUT', `${TENANT}/sessions/second`, { autostart: false });
    await daemon.session('default', 'second').send(ALICE, 'waits');
    const { key } = await daemon.ok('POST', `${TENANT}/keys`, { role: 'viewer', sessions: ['second'] });
    const own = await stats('', { key });
    assert.deepEqual(COUNTS.map((name) => own.totals[name]), [0, 0, 0, 0, 0]);
    assert.deepEqual([own.totals.webhooks, own.queues.deliveries, own.queues.dead_letters], [null, null, null]);
    assert.deepEqual([own.queues.outbox, own.sessions.total, own.sessions.ready], [1, 1, 0]);
    const hidden = await daemon.call('GET', `${TENANT}/stats?session=main`, { key });
    assert.deepEqual([hidden.status, hidden.json.code], [404, 'unknown_session']);
    const main = await stats('?session=main');
    assert.deepEqual([main.totals.received, main.totals.webhooks, main.queues.outbox], [7, null, 0]);
    assert.equal((await stats('?session=second')).queues.outbox, 1);
    const { key: agent } = await daemon.ok('POST', `${TENANT}/keys`, { role: 'agent' });
    assert.equal((await daemon.call('GET', `${TENANT}/stats`, { key: agent })).status, 403);
  });

  test('they survive a kill, and go with the session', async () => {
    const last = await stats();
    await events.close();
    await daemon.kill();
    await daemon.run();
    const now = await stats();
    assert.deepEqual(COUNTS.map((name) => now.totals[name]), COUNTS.map((name) => last.totals[name]));
    assert.deepEqual(now.totals.webhooks, last.totals.webhooks);
    assert.deepEqual(now.totals.response, last.totals.response);
    await daemon.ok('DELETE', `${session.path}?erase=messages`);
    const gone = await stats();
    assert.deepEqual(COUNTS.map((name) => gone.totals[name]), [0, 0, 0, 0, 0]);
    assert.deepEqual(gone.totals.webhooks, last.totals.webhooks, 'the tenant\'s own stay');
  });
});
