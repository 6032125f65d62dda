// Webhooks when receivers misbehave: order per chat, retries, dead letters, redrive, addresses.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, eventually, FarEnd, ME, Receiver } from './harness.mjs';

describe('relay', () => {
  let farEnd, daemon, session, events;
  const hook = (name, body) => daemon.ok('PUT', `/v1/tenants/default/webhooks/${name}`, body);

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.link();
    events = daemon.events('default', await session.lastSeq());
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  test('a failing chat waits in order while another goes on; one id at every attempt', async () => {
    let refusing = true;
    const receiver = await Receiver.start({
      answer: ({ event }) => (refusing && event.data.chat?.phone === ALICE ? 503 : 200),
    });
    await hook('order', {
      url: receiver.url, events: ['message.received'], retry: { initial_delay_ms: 100, max_delay_ms: 400 },
    });
    const alice = [];
    for (const n of [1, 2, 3]) alice.push((await farEnd.post('/send', { from: ALICE, to: ME, text: `a${n}` })).id);
    const bob = await farEnd.post('/send', { from: BOB, to: ME, text: 'b1' });
    await receiver.waitFor((e) => e.data.id === bob.id, 'the other chat');
    await receiver.wait((r) => r.requests.filter((q) => q.event.data.id === alice[0]).length >= 2, 'a second attempt');
    assert.ok(!receiver.requests.some((q) => q.event.data.id === alice[1]), 'the second waits for the first');
    refusing = false;
    await receiver.waitFor((e, q) => e.data.id === alice[2] && q.status === 200, 'the last');
    const delivered = receiver.requests.filter((q) => q.status === 200 && q.event.data.chat.phone === ALICE);
    assert.deepEqual(delivered.map((q) => q.event.data.id), alice);
    const first = receiver.requests.filter((q) => q.event.data.id === alice[0]);
    assert.equal(new Set(first.map((q) => q.event.id)).size, 1);
    assert.deepEqual(first.map((q) => q.headers['webhook-attempt']), first.map((_, i) => String(i + 1)));
    await daemon.ok('DELETE', '/v1/tenants/default/webhooks/order');
    await receiver.close();
  });

  test('410 is a dead letter at once, with its reason; redrive sends it again', async () => {
    let status = 410;
    const receiver = await Receiver.start({ answer: () => status });
    await hook('dead', { url: receiver.url, events: ['message.received'] });
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'lost?' });
    await receiver.waitFor((e) => e.data.id === id);
    const dead = await oneOf('dead', 'dead');
    assert.equal(dead[0].last_status, 410);
    assert.equal(dead[0].attempts, 1);
    status = 200;
    const { redriven } = await daemon.ok('POST', '/v1/tenants/default/webhooks/dead/redrive', {});
    assert.equal(redriven, 1);
    await receiver.waitFor((e, q) => e.data.id === id && q.status === 200, 'the redriven one');
    const done = await oneOf('dead', 'delivered');
    assert.equal(done[0].attempts, 2);
    await daemon.ok('DELETE', '/v1/tenants/default/webhooks/dead');
    await receiver.close();
  });

  test('retries survive a restart of the daemon', async () => {
    let up = false;
    const receiver = await Receiver.start({ answer: () => (up ? 200 : 500) });
    await hook('late', { url: receiver.url, events: ['message.received'], retry: { initial_delay_ms: 200 } });
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'patience' });
    const first = await receiver.waitFor((e) => e.data.id === id);
    await events.close();
    await daemon.stop();
    up = true;
    await daemon.run();
    events = daemon.events('default', 0);
    const again = await receiver.waitFor((e, q) => e.data.id === id && q.status === 200, 'the retry');
    assert.equal(again.event.id, first.event.id);
    await session.until('ready');
    await daemon.ok('DELETE', '/v1/tenants/default/webhooks/late');
    await receiver.close();
  });

  test('a redirect is not followed, Retry-After is kept to, the test call answers with what came back', async () => {
    const elsewhere = await Receiver.start();
    const receiver = await Receiver.start({ answer: () => ({ status: 307, headers: { location: elsewhere.url }, body: 'go away' }) });
    await hook('redirect', { url: receiver.url, events: ['message.received'] });
    const answer = await daemon.ok('POST', '/v1/tenants/default/webhooks/redirect/test');
    assert.equal(answer.ok, false);
    assert.equal(answer.status, 307);
    assert.match(answer.response_body, /go away/);
    assert.equal(elsewhere.requests.length, 0);
    await daemon.ok('DELETE', '/v1/tenants/default/webhooks/redirect');
    await Promise.all([receiver.close(), elsewhere.close()]);
  });

  test('secrets are write-only; bad settings name their field', async () => {
    const receiver = await Receiver.start();
    const made = await hook('form', { url: receiver.url, events: ['*'], secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
    const shown = await daemon.ok('GET', '/v1/tenants/default/webhooks/form');
    assert.equal(shown.secret, undefined);
    assert.equal(made.url, receiver.url);
    const table = [
      [{ url: 'ftp://example.com/', events: ['*'] }, 'url'],
      [{ url: 'http://user:pw@example.com/', events: ['*'] }, 'url'],
      [{ url: receiver.url, events: ['nonsense'] }, 'events'],
      [{ url: receiver.url, events: ['*'], secret: 'short' }, 'secret'],
      [{ url: receiver.url, events: ['*'], headers: { 'x-a': 'b\r\nc: d' } }, 'headers'],
      [{ url: receiver.url, events: ['*'], surprise: 1 }, 'surprise'],
    ];
    for (const [body, field] of table) {
      const answer = await daemon.call('PUT', '/v1/tenants/default/webhooks/bad', { body });
      assert.equal(answer.status, 422, JSON.stringify(body));
      assert.equal(answer.type, 'application/problem+json');
      assert.match(answer.json.errors[0].field, new RegExp(`^${field}`));
    }
    await receiver.close();
  });

  // The answer of a request is known to its sender before the daemon has written it down.
  const oneOf = (name, state) => eventually(`delivery that is ${state}`, async () => {
    const { items } = await daemon.ok('GET', `/v1/tenants/default/webhooks/${name}/deliveries?state=${state}`);
    return items.length === 1 && items;
  });
});

describe('addresses', () => {
  test('private and loopback receivers are refused unless allowed, names that resolve there too', async () => {
    const farEnd = await FarEnd.start();
    const daemon = await Daemon.start({ farEnd, settings: { 'relay.allow_private': 'no' } });
    const receiver = await Receiver.start();
    try {
      for (const url of ['http://127.0.0.1:9/', 'http://[::1]:9/', 'http://169.254.169.254/latest', 'http://0x7f.1/',
        'http://2130706433/', 'http://10.0.0.1/', 'http://[::ffff:127.0.0.1]/']) {
        const answer = await daemon.call('PUT', '/v1/tenants/default/webhooks/inside', { body: { url, events: ['*'] } });
        assert.equal(answer.status, 422, url);
      }
      // a name is checked when it is connected to
      await daemon.ok('PUT', '/v1/tenants/default/webhooks/name', {
        url: `http://localhost:${receiver.port}/`, events: ['*'],
      });
      const answer = await daemon.ok('POST', '/v1/tenants/default/webhooks/name/test');
      assert.equal(answer.ok, false);
      assert.match(answer.error, /private|loopback|address/i);
      assert.equal(receiver.requests.length, 0);
    } finally {
      await receiver.close();
      await daemon.close();
      await farEnd.close();
    }
  });
});
