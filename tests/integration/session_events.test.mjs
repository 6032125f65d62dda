// session.created and session.deleted: told once to the stream, the log and the webhooks, also of a
// session that is gone, and only to those who see it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Daemon, Receiver } from './harness.mjs';

const T = '/v1/tenants/default';
const life = (items, session) => items.filter((e) => e.session === session && /^session\.(created|deleted)$/.test(e.type)).map((e) => e.type);
// An attempt whose answer came too late is made again: it is the same event then.
const once = (events) => [...new Map(events.map((e) => [e.id, e])).values()];
const whole = async (daemon, session) => (await daemon.ok('GET', `${T}/events?limit=500`)).items.filter((e) => e.session === session);

describe('a session that comes and goes', () => {
  let daemon, hook, well = true;

  before(async () => {
    hook = await Receiver.start({ answer: () => (well ? 200 : 503) });
    daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
    await daemon.ok('PUT', `${T}/webhooks/erp`, { url: hook.url, events: ['session.created', 'session.deleted'], retry: { initial_delay_ms: 100, max_delay_ms: 1000 } });
  });
  after(async () => {
    await daemon?.close();
    await hook?.close();
  });

  test('is told as it is, once', async () => {
    const events = daemon.events();
    const made = await daemon.ok('PUT', `${T}/sessions/shop`, { autostart: false, metadata: { branch: '7' } });
    const created = await events.find((e) => e.type === 'session.created', 'session.created');
    assert.equal(created.session, 'shop');
    const { backlog, ...rest } = made;   // the answer counts the delivery of this event already
    assert.deepEqual({ ...created.data, backlog: undefined }, { ...rest, backlog: undefined });
    assert.equal(backlog.outbox, 0);
    await daemon.ok('PUT', `${T}/sessions/shop`, { metadata: { branch: '8' } });   // no new session
    await daemon.ok('DELETE', `${T}/sessions/shop`);
    const deleted = await events.find((e) => e.type === 'session.deleted', 'session.deleted');
    assert.equal(deleted.session, 'shop');
    const { messages_erased, ...was } = deleted.data;
    assert.equal(messages_erased, false);
    assert.deepEqual([was.id, was.tenant, was.status, was.metadata], ['shop', 'default', 'stopped', { branch: '8' }]);
    await hook.waitFor((e) => e.type === 'session.deleted' && e.session === 'shop', 'session.deleted at the webhook');

    // the same name again, its messages erased too
    await daemon.ok('PUT', `${T}/sessions/shop`, { autostart: false });
    await daemon.ok('DELETE', `${T}/sessions/shop?erase=messages`);
    await events.find((e) => e.type === 'session.deleted' && e.data.messages_erased, 'the second end');
    await hook.waitFor((e) => e.type === 'session.deleted' && e.data.messages_erased, 'the second end at the webhook');
    const told = ['session.created', 'session.deleted', 'session.created', 'session.deleted'];
    assert.deepEqual(life(events.items, 'shop'), told);
    assert.deepEqual(life(await whole(daemon, 'shop'), 'shop'), told, 'the log outlives the session');
    assert.deepEqual(life(once(hook.events()), 'shop'), told);
    const { items } = await daemon.ok('GET', `${T}/activity`);
    assert.deepEqual(items.filter((i) => i.session === 'shop').map((i) => i.kind), ['deleted', 'created', 'deleted', 'created']);
    await events.close();
  });

  test('its end is delivered once to a receiver that is away meanwhile, also over a crash', async () => {
    await daemon.ok('PUT', `${T}/sessions/late`, { autostart: false });
    await hook.waitFor((e) => e.type === 'session.created' && e.session === 'late', 'session.created');
    well = false;
    await daemon.ok('DELETE', `${T}/sessions/late`);
    await hook.waitFor((e, q) => e.type === 'session.deleted' && e.session === 'late' && q.status === 503, 'the first attempt');
    await daemon.kill();
    well = true;
    await daemon.run();
    await hook.waitFor((e, q) => e.type === 'session.deleted' && e.session === 'late' && q.status === 200, 'session.deleted');
    assert.equal((await daemon.call('GET', `${T}/sessions/late`)).status, 404);
    assert.deepEqual(life(await whole(daemon, 'late'), 'late'), ['session.created', 'session.deleted']);
    const taken = hook.requests.filter((q) => q.event?.session === 'late' && q.event.type === 'session.deleted' && q.status === 200);
    assert.equal(new Set(taken.map((q) => q.event.id)).size, 1);
  });

  test('is told only to those who see the session', async () => {
    const north = await Receiver.start();
    await daemon.ok('PUT', `${T}/webhooks/north`, { url: north.url, sessions: ['north*'], events: ['session.created', 'session.deleted'] });
    const { key } = await daemon.ok('POST', `${T}/keys`, { name: 'north', scopes: ['events:read'], sessions: ['north*'] });
    for (const name of ['south', 'north-1']) {
      await daemon.ok('PUT', `${T}/sessions/${name}`, { autostart: false });
      await daemon.ok('DELETE', `${T}/sessions/${name}`);
    }
    await north.waitFor((e) => e.type === 'session.deleted', 'the end of north-1');
    assert.deepEqual(once(north.events()).map((e) => `${e.session} ${e.type}`), ['north-1 session.created', 'north-1 session.deleted']);
    const seen = (await daemon.call('GET', `${T}/events?types=session.created,session.deleted&limit=500`, { key })).json.items;
    assert.deepEqual(seen.map((e) => `${e.session} ${e.type}`), ['north-1 session.created', 'north-1 session.deleted']);
    await daemon.ok('DELETE', `${T}/webhooks/north`);
    await north.close();
  });

  test('of a tenant that is deleted no webhook is told, and a new one of that name begins empty', async () => {
    await daemon.ok('PUT', '/v1/tenants/acme', {});
    await daemon.ok('PUT', '/v1/tenants/acme/webhooks/erp', { url: `${hook.url}/acme` });
    await daemon.ok('PUT', '/v1/tenants/acme/sessions/main', { autostart: false });
    await hook.waitFor((e) => e.tenant === 'acme' && e.type === 'session.created', 'session.created');
    await daemon.ok('DELETE', '/v1/tenants/acme');
    await daemon.ok('PUT', '/v1/tenants/acme', {});
    assert.deepEqual((await daemon.ok('GET', '/v1/tenants/acme/events')).items, []);
    assert.deepEqual(hook.events().filter((e) => e.tenant === 'acme' && e.type === 'session.deleted'), []);
  });
});
