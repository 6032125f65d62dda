// The two journeys on the real browser, over both transports: link by QR, send and follow the acks,
// receive and relay, restart without a new code.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { ALICE, BOB, Daemon, FarEnd, ME, Receiver, removeDirectory, TEAM, temporaryDirectory, TRANSPORTS } from './harness.mjs';

function zbar(png) {
  const dir = temporaryDirectory('qr');
  const file = path.join(dir, 'code.png');
  fs.writeFileSync(file, png);
  const { stdout, stderr } = spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' });
  removeDirectory(dir);
  assert.notEqual(stdout, '', `zbarimg read nothing: ${stderr}`);
  return stdout.trim();
}

for (const transport of TRANSPORTS) {
  describe(`journey over ${transport}`, () => {
    let farEnd, daemon, session, receiver, events, secret;

    before(async () => {
      farEnd = await FarEnd.start({ knobs: { ref_ms: 120_000 } }); // one code for all that reads it
      receiver = await Receiver.start();
      daemon = await Daemon.start({ farEnd, transport });
      session = daemon.session();
      const made = await daemon.ok('PUT', '/v1/tenants/default/webhooks/erp', {
        url: receiver.url,
        events: ['*'],
      });
      secret = made.secret;
      assert.match(secret, /^whsec_/);
      events = daemon.events();
    });
    after(async () => {
      await events?.close();
      await daemon?.close();
      await receiver?.close();
      await farEnd?.close();
    });

    test('a code is offered in every format, and each says the same', async () => {
      await session.act('start');
      const json = await session.qr(30);
      assert.equal(json.attempt, 1);
      assert.equal(json.code.split(',').length, 5, 'the platform field is there');
      assert.ok(Date.parse(json.expires_at) > Date.now());
      const png = await daemon.call('GET', `${session.path}/qr`, { headers: { accept: '*/*' } });
      assert.equal(png.type, 'image/png');
      assert.equal(zbar(png.bytes), json.code);
      const dataUrl = Buffer.from(json.data_url.split(',')[1], 'base64');
      assert.equal(zbar(dataUrl), json.code);
      const svg = await daemon.call('GET', `${session.path}/qr`, { headers: { accept: 'image/svg+xml' } });
      assert.match(svg.text, /^(<\?xml[^>]*>\s*)?<svg/);
      const text = await daemon.call('GET', `${session.path}/qr`, { headers: { accept: 'text/plain' } });
      assert.match(text.text, /[▀▄█]/);
      const none = await daemon.call('GET', `${session.path}/qr`, { headers: { accept: 'audio/ogg' } });
      assert.equal(none.status, 406);
    });

    test('a scan links the account and the session becomes ready', async () => {
      await session.scan(ME);
      const ready = await session.until('ready');
      assert.equal(ready.account.phone, ME);
      assert.equal(ready.account.push_name, 'Me Myself');
      assert.ok(ready.linked_at);
      await events.find((e) => e.type === 'session.status' && e.data.status === 'ready', 'ready on the stream');
      const statuses = events.items.filter((e) => e.type === 'session.status').map((e) => e.data.status);
      for (const status of ['starting', 'unlinked', 'syncing', 'ready']) {
        assert.ok(statuses.includes(status), `${status} in ${statuses}`);
      }
      const again = await daemon.call('GET', `${session.path}/qr`);
      assert.equal(again.status, 409);
      assert.equal(again.json.code, 'already_linked');
    });

    test('a text goes out once and its acks come back in order', async () => {
      const sent = await session.send(ALICE, 'Olá, *fatura* 42 ✅', { metadata: { invoice: 42 } });
      assert.match(sent.id, /^3EB0[0-9A-F]{18}$/);
      assert.equal(sent.status, 'queued');
      await events.find((e) => e.type === 'message.status' && e.data.id === sent.id && e.data.status === 'delivered');
      const items = await farEnd.received(ME);
      const mine = items.filter((m) => m.id === sent.id);
      assert.deepEqual(mine.map((m) => [m.text, m.count]), [['Olá, *fatura* 42 ✅', 1]]);
      await farEnd.post('/read', { account: ALICE, from: ME });
      await events.find((e) => e.type === 'message.status' && e.data.id === sent.id && e.data.status === 'read');
      const order = events.items
        .filter((e) => e.type === 'message.status' && e.data.id === sent.id)
        .map((e) => e.data.status);
      assert.deepEqual(order, ['queued', 'submitted', 'sent', 'delivered', 'read']);
      const stored = await session.message(sent.id);
      assert.equal(stored.status, 'read');
      const times = stored.status_history.map((step) => step.at);
      assert.deepEqual(times, [...times].sort(), 'no step is before the one that it follows');
      assert.equal(stored.chat.phone, ALICE);
      assert.equal(stored.chat.lid, '10000000000001@lid');
      assert.deepEqual(stored.metadata, { invoice: 42 });
      assert.deepEqual(stored.status_history.map((h) => h.status), order);
    });

    test('wait=server answers 200 once the server has it, wait=read 202 when nobody reads', async () => {
      const answer = await daemon.call('POST', `${session.path}/messages?wait=server&timeout_s=20`, {
        body: { to: `+${ALICE.slice(0, 2)} (11) 90000-0001`, text: 'wait for me' },
      });
      assert.equal(answer.status, 200, answer.text);
      assert.ok(['sent', 'delivered'].includes(answer.json.status));
      const late = await daemon.call('POST', `${session.path}/messages?wait=read&timeout_s=1`, {
        body: { to: BOB, text: 'nobody reads' },
      });
      assert.equal(late.status, 202, late.text);
    });

    test('the same idempotency key sends once', async () => {
      const options = { headers: { 'idempotency-key': `order-7-${transport}` }, body: { to: ALICE, text: 'once' } };
      const first = await daemon.call('POST', `${session.path}/messages`, options);
      const second = await daemon.call('POST', `${session.path}/messages`, options);
      assert.equal(first.status, 202);
      assert.equal(second.status, 202);
      assert.equal(second.json.id, first.json.id);
      assert.equal(second.headers.get('idempotency-replayed'), 'true');
      assert.equal(first.headers.get('idempotency-replayed'), null);
      const other = await daemon.call('POST', `${session.path}/messages`, {
        ...options,
        body: { to: ALICE, text: 'twice' },
      });
      assert.equal(other.status, 409);
      assert.equal(other.json.code, 'idempotency_conflict');
      await events.find((e) => e.data?.id === first.json.id && e.data.status === 'delivered');
      const texts = (await farEnd.received(ME)).filter((m) => ['once', 'twice'].includes(m.text));
      assert.deepEqual(texts.map((m) => [m.text, m.count]), [['once', 1]]);
    });

    test('a number that is not on WhatsApp fails at once, by name', async () => {
      const sent = await session.send('5511912345678', 'hello?');
      const failed = await events.find((e) => e.data?.id === sent.id && e.data.status === 'failed');
      assert.equal(failed.data.error.code, 'not_on_whatsapp');
      assert.equal((await farEnd.received(ME)).filter((m) => m.id === sent.id).length, 0);
    });

    test('an incoming message reaches the webhook, signed in both ways', async () => {
      const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'Bom dia 👋' });
      const hook = await receiver.waitFor((e) => e.type === 'message.received' && e.data.id === id, 'the message');
      const { event, headers, text } = hook;
      assert.equal(event.data.text, 'Bom dia 👋');
      assert.equal(event.data.direction, 'in');
      assert.equal(event.data.type, 'text');
      assert.equal(event.data.chat.phone, ALICE);
      assert.equal(event.data.from.lid, '10000000000001@lid');
      assert.equal(event.data.backfill, false);
      assert.equal(event.tenant, 'default');
      assert.equal(event.session, 'main');
      assert.match(event.id, /^evt_[0-9A-Z]{26}$/);
      assert.equal(headers['webhook-id'], event.id);
      assert.equal(headers['webhook-attempt'], '1');
      assert.deepEqual(new Webhook(secret).verify(text, headers), event);
      const { createHmac } = await import('node:crypto');
      const hub = createHmac('sha256', secret).update(text).digest('hex');
      assert.equal(headers['x-hub-signature-256'], `sha256=${hub}`);
      assert.equal((await session.message(id)).text, 'Bom dia 👋');
    });

    test('a reply carries its quote both ways', async () => {
      const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'question' });
      await events.find((e) => e.type === 'message.received' && e.data.id === id);
      const sent = await session.send(ALICE, 'answer', { reply_to: id });
      await events.find((e) => e.data?.id === sent.id && e.data.status === 'delivered');
      const there = (await farEnd.received(ME)).find((m) => m.id === sent.id);
      assert.equal(there.quoted, id);
      const back = await farEnd.post('/send', { from: ALICE, to: ME, text: 'thanks', quoted: sent.id });
      const event = await events.find((e) => e.type === 'message.received' && e.data.id === back.id);
      assert.equal(event.data.quoted.id, sent.id);
    });

    test('a group message names the group and its author', async () => {
      const { id } = await farEnd.post('/send', { from: BOB, to: TEAM, text: 'hi team' });
      const event = await events.find((e) => e.type === 'message.received' && e.data.id === id);
      assert.equal(event.data.chat.id, TEAM);
      assert.equal(event.data.chat.type, 'group');
      assert.equal(event.data.from.phone, BOB);
      const sent = await session.send(TEAM, 'hello all');
      await events.find((e) => e.data?.id === sent.id && e.data.status === 'sent');
      assert.equal((await farEnd.received(ME)).filter((m) => m.id === sent.id)[0].to, TEAM);
    });

    test('what the phone itself sends is message.sent; edits, revokes, reactions are events', async () => {
      const own = await farEnd.post('/send', { from: ME, to: ALICE, text: 'from my phone' });
      const sent = await events.find((e) => e.type === 'message.sent' && e.data.id === own.id);
      assert.equal(sent.data.source, 'phone');
      assert.equal(sent.data.direction, 'out');
      const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'tpyo' });
      await events.find((e) => e.type === 'message.received' && e.data.id === id);
      await farEnd.post('/edit', { from: ALICE, to: ME, id, text: 'typo' });
      await events.find((e) => e.type === 'message.edited' && JSON.stringify(e.data).includes(id));
      assert.equal((await session.message(id)).text, 'typo');
      await farEnd.post('/react', { from: ALICE, to: ME, id: own.id, emoji: '👍' });
      await events.find((e) => e.type === 'message.reaction' && JSON.stringify(e.data).includes('👍'));
      await farEnd.post('/revoke', { from: ALICE, to: ME, id });
      await events.find((e) => e.type === 'message.revoked' && JSON.stringify(e.data).includes(id));
    });

    test('media arrives as an event with its type and caption', async () => {
      const { id } = await farEnd.post('/send', {
        from: ALICE, to: ME, type: 'document', caption: 'the invoice', mimetype: 'application/pdf',
        filename: 'invoice.pdf', data_base64: Buffer.from('%PDF-1.4').toString('base64'),
      });
      const event = await events.find((e) => e.type === 'message.received' && e.data.id === id);
      assert.equal(event.data.type, 'document');
      assert.equal(event.data.text, 'the invoice');
      assert.equal(event.data.media.mimetype, 'application/pdf');
    });

    test('lists show history, chats and contacts from the store', async () => {
      const all = await daemon.ok('GET', `${session.path}/messages?limit=500`);
      assert.ok(all.items.length >= 8);
      const incoming = await daemon.ok('GET', `${session.path}/messages?direction=in&q=bom%20dia`);
      assert.deepEqual(incoming.items.map((m) => m.text), ['Bom dia 👋']);
      const page = await daemon.ok('GET', `${session.path}/messages?limit=3`);
      const next = await daemon.ok('GET', `${session.path}/messages?limit=3&cursor=${encodeURIComponent(page.next_cursor)}`);
      assert.deepEqual([...page.items, ...next.items].map((m) => m.id), all.items.slice(0, 6).map((m) => m.id));
      const byPhone = await daemon.ok('GET', `${session.path}/chats/${ALICE}/messages?limit=500`);
      assert.ok(byPhone.items.length > 0);
      assert.ok(byPhone.items.every((m) => m.chat.phone === ALICE));
      const chats = await daemon.ok('GET', `${session.path}/chats`);
      assert.ok(chats.items.some((c) => c.phone === ALICE), JSON.stringify(chats.items));
      const contacts = await daemon.ok('GET', `${session.path}/contacts?q=ali`);
      assert.ok(contacts.items.some((c) => c.phone === ALICE && c.lid === '10000000000001@lid'), JSON.stringify(contacts));
    });

    test('after a restart of the daemon it is ready with no new code, and what came meanwhile is there', async () => {
      await events.close();
      const before = await session.lastSeq();
      const stopped = await daemon.stop();
      assert.equal(stopped.code, 0);
      const ids = [];
      for (let i = 0; i < 5; i++) {
        ids.push((await farEnd.post('/send', { from: ALICE, to: ME, text: `while away ${i}` })).id);
      }
      await daemon.run();
      events = daemon.events('default', before);
      await session.until('ready');
      for (const id of ids) await events.find((e) => e.type === 'message.received' && e.data.id === id);
      const got = events.items.filter((e) => e.type === 'message.received').map((e) => e.data);
      assert.deepEqual(got.map((m) => m.id), ids, 'each once, in order');
      assert.ok(got.every((m) => m.backfill === true));
      assert.ok(!events.items.some((e) => e.type === 'session.qr'));
      await receiver.waitFor((e) => e.data?.id === ids.at(-1), 'the last of the backlog');
      const hooked = receiver.events('message.received').filter((e) => ids.includes(e.data.id));
      assert.deepEqual(hooked.map((e) => e.data.id), ids);
    });

    test('logout unlinks at the far end; a start shows a new code', async () => {
      await session.act('logout');
      await farEnd.wait('unlinked', { account: ME });
      const out = await session.until('logged_out', 'stopped');
      assert.equal(out.account, null);
      await session.act('start');
      const { code } = await session.qr(30);
      assert.match(code, /^2@/);
    });
  });
}
