// Two tenants at once, each with its own account and browser: they never see each other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, Daemon, FarEnd, ME, OTHER, Receiver } from './harness.mjs';

describe('two tenants', () => {
  let farEnd, daemon, acme, zeta, acmeKey, zetaKey, acmeHook, zetaHook;

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    for (const t of ['acme', 'zeta']) {
      await daemon.ok('PUT', `/v1/tenants/${t}`, { name: t });
      await daemon.ok('PUT', `/v1/tenants/${t}/sessions/main`, { channel: 'web' });
    }
    [acmeKey, zetaKey] = await Promise.all(['acme', 'zeta'].map(async (t) => (await daemon.ok('POST', `/v1/tenants/${t}/keys`, { name: 'erp' })).key));
    [acmeHook, zetaHook] = await Promise.all([Receiver.start(), Receiver.start()]);
    await daemon.ok('PUT', '/v1/tenants/acme/webhooks/erp', { url: acmeHook.url, events: ['*'] });
    await daemon.ok('PUT', '/v1/tenants/zeta/webhooks/erp', { url: zetaHook.url, events: ['*'] });
    [acme, zeta] = [daemon.session('acme'), daemon.session('zeta')];
    // One at a time, so that each phone scans its own code
    await acme.link(ME);
    await zeta.link(OTHER);
  });
  after(async () => {
    await daemon?.close();
    await Promise.all([acmeHook?.close(), zetaHook?.close(), farEnd?.close()]);
  });

  test('they write to each other, and each webhook gets only its own', async () => {
    const sent = await acme.send(OTHER, 'from acme to zeta');
    const hook = await zetaHook.waitFor((e) => e.type === 'message.received' && e.data.id === sent.id, 'the message at zeta');
    assert.equal(hook.event.tenant, 'zeta');
    const back = await zeta.send(ME, 'from zeta to acme');
    await acmeHook.waitFor((e) => e.type === 'message.received' && e.data.id === back.id, 'the message at acme');
    assert.ok(acmeHook.events().every((e) => e.tenant === 'acme'));
    assert.ok(zetaHook.events().every((e) => e.tenant === 'zeta'));
  });

  test('a key opens its own tenant and nothing else: the others do not exist', async () => {
    assert.equal((await daemon.call('GET', '/v1/tenants/acme/sessions/main', { key: acmeKey })).status, 200);
    const { id } = await farEnd.post('/send', { from: ALICE, to: OTHER, text: 'secret of zeta' });
    await zetaHook.waitFor((e) => e.data?.id === id);
    const doors = [
      ['GET', ''], ['GET', '/sessions'], ['GET', '/sessions/main'], ['GET', '/sessions/main/qr'],
      ['GET', '/sessions/main/messages'], ['GET', `/sessions/main/messages/${id}`], ['GET', '/sessions/main/chats'],
      ['GET', '/sessions/main/contacts'], ['GET', '/webhooks'], ['GET', '/webhooks/erp'], ['GET', '/events'],
      ['GET', '/keys'], ['POST', '/sessions/main/stop'], ['POST', '/sessions/main/messages'],
      ['POST', '/webhooks/erp/test'], ['DELETE', '/sessions/main'], ['POST', '/keys'],
    ];
    for (const [method, rest] of doors) {
      const body = method === 'POST' && /messages|keys/.test(rest) ? { to: ALICE, text: 'x', name: 'y' } : undefined;
      const answer = await daemon.call(method, `/v1/tenants/zeta${rest}`, { key: acmeKey, body });
      assert.equal(answer.status, 404, `${method} ${rest}`);
      assert.equal(answer.type, 'application/problem+json');
      assert.ok(!answer.text.includes('secret of zeta'));
    }
    assert.equal((await daemon.call('GET', '/v1/tenants', { key: acmeKey })).status, 403);
    assert.equal((await daemon.call('PUT', '/v1/tenants/new', { key: acmeKey, body: {} })).status, 403);
    assert.equal((await zeta.get()).status, 'ready', 'nothing was stopped');
  });

  test('message ids of one tenant do not open in another', async () => {
    const { id } = await farEnd.post('/send', { from: ALICE, to: OTHER, text: 'still zeta' });
    await zetaHook.waitFor((e) => e.data?.id === id);
    const answer = await daemon.call('GET', `${acme.path}/messages/${id}`, { key: acmeKey });
    assert.equal(answer.status, 404);
    const list = await daemon.ok('GET', `${acme.path}/messages?limit=500`, undefined, { key: acmeKey });
    assert.ok(!list.items.some((m) => m.text === 'still zeta'));
  });

  test('a revoked key opens nothing; a deleted tenant is gone with its sessions', async () => {
    const keys = await daemon.ok('GET', '/v1/tenants/zeta/keys');
    assert.equal(keys.items.length, 1);
    assert.ok(!JSON.stringify(keys).includes(zetaKey.split('_').slice(2).join('_')), 'the secret is shown once');
    await daemon.ok('DELETE', `/v1/tenants/zeta/keys/${keys.items[0].id}`);
    assert.equal((await daemon.call('GET', '/v1/tenants/zeta', { key: zetaKey })).status, 401);
    await daemon.ok('DELETE', '/v1/tenants/zeta');
    assert.equal((await daemon.call('GET', '/v1/tenants/zeta')).status, 404);
    await farEnd.wait('unlinked', { account: OTHER });
    assert.equal((await acme.get()).status, 'ready');
  });
});
