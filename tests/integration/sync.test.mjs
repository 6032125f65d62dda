// No holes: what came, changed or was written on the phone while nobody listened is found, each once
// and in order; only chats that differ are opened; GET …/sync says what was done; older history
// comes on demand.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, eventually, FarEnd, ME, TEAM } from './harness.mjs';

const sync = (session) => session.daemon.ok('GET', `${session.path}/sync`);

// Until GET …/sync shows a run, begun after `since`, that is over.
function synced(session, since) {
  return eventually('end of a run', async () => {
    const now = await sync(session);
    return now.state === 'idle' && now.last && Date.parse(now.last.started_at) >= since && now;
  });
}

async function away(session, during) {
  await session.act('stop');
  await session.until('stopped');
  const seq = await session.lastSeq();
  await during();
  await session.act('start');
  await session.until('ready');
  return session.daemon.events('default', seq);
}

describe('catching up', () => {
  let farEnd, daemon, session;

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.link();
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  const said = (from, text, more = {}) => farEnd.post('/send', { from, to: ME, text, ...more });

  test('the first run relays nothing from before the link and says so', async () => {
    const now = await sync(session);
    assert.equal(now.state, 'idle');
    assert.equal(now.last.error, null);
    assert.equal(now.last.messages_new, 0);
    assert.ok(now.last.chats_seen >= 3);
    assert.ok(Date.parse(now.watermark) <= Date.now());
    assert.ok(Date.parse(now.next_run_at) > Date.now());
    assert.deepEqual(now.history, []);
  });

  test('nothing happened: no chat is opened', async () => {
    await said(ALICE, 'before the quiet');
    const stream = await away(session, async () => {});
    await stream.close();
    const since = Date.now();
    const asked = await daemon.call('POST', `${session.path}/sync`);
    assert.equal(asked.status, 202);
    const { last } = await synced(session, since);
    assert.equal(last.reason, 'asked for');
    assert.equal(last.chats_opened, 0);
    assert.equal(last.page_calls, 1);
  });

  test('away: new messages, edits, revokes, reactions, acks, messages from the phone', async () => {
    const kept = await said(ALICE, 'stays');
    const edited = await said(ALICE, 'before the edit');
    const revoked = await said(ALICE, 'to be taken back');
    const reacted = await said(ALICE, 'liked later');
    await farEnd.post('/knobs', { account: BOB, delivered_ms: null });
    const ours = await session.send(BOB, 'read later');
    const ready = daemon.events();
    await ready.find((e) => e.type === 'message.received' && e.data.id === reacted.id);
    await ready.find((e) => e.data?.id === ours.id && e.data.status === 'sent', 'our message');
    await ready.close();

    let fresh, group, phone;
    const events = await away(session, async () => {
      await farEnd.post('/edit', { from: ALICE, to: ME, id: edited.id, text: 'after the edit' });
      await farEnd.post('/revoke', { from: ALICE, to: ME, id: revoked.id });
      await farEnd.post('/react', { from: ALICE, to: ME, id: reacted.id, emoji: '🎉' });
      await farEnd.post('/read', { account: BOB, from: ME });
      fresh = await farEnd.post('/send-batch', {
        messages: [1, 2, 3, 4, 5].map((n) => ({ from: ALICE, to: ME, text: `meanwhile ${n}` })),
      });
      group = await farEnd.post('/send', { from: BOB, to: TEAM, text: 'to all' });
      phone = await farEnd.post('/send', { from: ME, to: ALICE, text: 'typed on the phone' });
    });
    const about = (id) => (e) => (e.data?.message_id ?? e.data?.id) === id;
    await events.find((e) => e.type === 'message.edited' && about(edited.id)(e), 'the edit');
    await events.find((e) => e.type === 'message.revoked' && about(revoked.id)(e), 'the revoke');
    const reaction = await events.find((e) => e.type === 'message.reaction' && about(reacted.id)(e), 'the reaction');
    assert.equal(reaction.data.emoji, '🎉');
    await events.find((e) => e.type === 'message.status' && e.data.id === ours.id && e.data.status === 'read', 'the ack');
    await events.find((e) => e.type === 'message.sent' && e.data.id === phone.id, 'what the phone sent');
    await events.find((e) => e.type === 'message.received' && e.data.id === group.id, 'the group message');
    const got = events.items.filter((e) => e.type === 'message.received' && e.data.chat.phone === ALICE);
    assert.deepEqual(got.map((e) => e.data.id), fresh.ids, 'each once, in order');
    assert.ok(got.every((e) => e.data.backfill));
    assert.ok(!events.items.some(about(kept.id)), 'what did not change is not told again');
    await events.close();
    await farEnd.post('/knobs', { account: BOB, delivered_ms: 20 });
    assert.equal((await session.message(edited.id)).text, 'after the edit');
    assert.equal((await session.message(revoked.id)).type, 'revoked');
  });

  test('a change alone, in a chat whose last message is the same, is found too', async () => {
    const first = await said(ALICE, 'not the last');
    await said(ALICE, 'the last');
    const seen = daemon.events();
    await seen.find((e) => e.data?.text === 'the last');
    await seen.close();
    const since = Date.now();
    await session.act('sync');
    await synced(session, since);
    const events = await away(session, () => farEnd.post('/react', { from: ALICE, to: ME, id: first.id, emoji: '👍' }));
    const told = await events.find((e) => e.type === 'message.reaction' && e.data.message_id === first.id, 'the reaction');
    assert.equal(told.data.emoji, '👍');
    await events.close();
  });

  test('a change between a placeholder that is filled in and the last message is found', async () => {
    const { id: late } = await said(ALICE, 'cannot be read yet', { pending: true });
    const { id } = await said(ALICE, 'in between');
    const last = await said(ALICE, 'the last one');
    const seen = daemon.events('default', 0);
    await seen.find((e) => e.type === 'message.received' && e.data.id === last.id, 'the last one');
    const told = seen.items.filter((e) => e.type === 'message.received').map((e) => e.data.id);
    assert.deepEqual(told.slice(-3), [late, id, last.id], 'in order, though the first may be read a moment later');
    await seen.close();
    const stream = await away(session, async () => {
      await farEnd.post('/fill', { from: ALICE, to: ME, id: late });
      await farEnd.post('/edit', { from: ALICE, to: ME, id, text: 'edited in between' });
    });
    const { data } = await stream.find((e) => e.type === 'message.edited' && e.data.message_id === id, 'the edit');
    assert.equal(data.message.text, 'edited in between');
    await stream.close();
  });

  test('a browser killed in the middle of a run: it goes on, each message once', async () => {
    const texts = Array.from({ length: 400 }, (_, n) => ({ from: n % 2 ? ALICE : BOB, to: ME, text: `many ${n}` }));
    let ids;
    await session.act('stop');
    await session.until('stopped');
    const events = daemon.events('default', await session.lastSeq());
    ids = (await farEnd.post('/send-batch', { messages: texts })).ids;
    await session.act('start');
    await events.find((e) => e.type === 'message.received', 'the first of many');
    for (const pid of daemon.browserPids()) process.kill(pid, 'SIGKILL');
    await session.until('ready');
    await events.find(() => ids.every((id) => events.items.some((e) => e.data?.id === id)), 'all of them');
    for (const from of [ALICE, BOB]) {
      const wanted = ids.filter((_, n) => texts[n].from === from);
      const got = events.items.filter((e) => e.type === 'message.received' && e.data.chat.phone === from);
      assert.deepEqual(got.map((e) => e.data.id), wanted, `those of ${from} once and in order`);
    }
    await events.close();
  });

  test('a page whose modules come late is deaf at first: nothing is missed', async () => {
    await farEnd.post('/knobs', { late_gap_ms: 1500 });
    let id;
    const events = await away(session, async () => {
      ({ id } = await said(ALICE, 'to a deaf page'));
    });
    await events.find((e) => e.type === 'message.received' && e.data.id === id, 'the message');
    assert.equal(events.items.filter((e) => e.type === 'message.received' && e.data.id === id).length, 1);
    await events.close();
    await farEnd.post('/knobs', { late_gap_ms: 0 });
  });

  test('not ready: a run cannot be asked for, and waits for ready', async () => {
    await session.act('stop');
    await session.until('stopped');
    const refused = await daemon.call('POST', `${session.path}/sync`);
    assert.equal(refused.status, 409);
    assert.equal(refused.json.code, 'session_not_ready');
    const history = await daemon.call('POST', `${session.path}/chats/${ALICE}/history`, { body: { count: 5 } });
    assert.equal(history.status, 409);
    await session.act('start');
    await session.until('ready');
  });
});

describe('runs by the clock', () => {
  test('come each sync_interval_ms', async () => {
    const farEnd = await FarEnd.start();
    const daemon = await Daemon.start({ farEnd, settings: { 'session.sync_interval_ms': 300 } });
    try {
      const session = daemon.session();
      await session.link();
      const now = await synced(session, Date.now());
      assert.equal(now.last.reason, 'it was time');
      assert.equal(now.last.error, null);
    } finally {
      await daemon.close();
      await farEnd.close();
    }
  });
});

describe('many chats', () => {
  let farEnd, daemon, session, chats;
  const CHATS = 2000;
  const CHANGED = 50;

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.link();
    chats = (await farEnd.post('/bulk', { account: ME, chats: CHATS, messages: 3 })).chats;
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  test('only those that changed are opened', async (t) => {
    const changed = chats.filter((_, n) => n % (CHATS / CHANGED) === 0);
    const events = await away(session, () => farEnd.post('/bulk-touch', { account: ME, chats: changed, messages: 2 }));
    const { last } = await sync(session);
    assert.equal(last.error, null);
    assert.ok(last.chats_seen >= CHATS);
    assert.equal(last.chats_opened, CHANGED);
    assert.equal(last.messages_new, 2 * CHANGED);
    assert.ok(last.page_calls <= CHATS / 250 + 2 + CHANGED, `${last.page_calls} calls`);
    t.diagnostic(`${last.chats_seen} chats, ${last.chats_opened} opened: ${last.page_calls} calls, ${last.duration_ms} ms`);
    const got = () => events.items.filter((e) => e.type === 'message.received');
    await events.find(() => got().length >= 2 * CHANGED, 'each new message');
    await events.close();
    assert.equal(got().length, 2 * CHANGED);

    const since = Date.now();
    await session.act('sync');
    const again = (await synced(session, since)).last;
    assert.equal(again.chats_opened, 0);
    t.diagnostic(`nothing changed: ${again.page_calls} calls, ${again.duration_ms} ms`);
  });

  test('older history of a chat, on demand: stored, without events', async () => {
    const events = daemon.events('default', await session.lastSeq());
    const [chat] = chats;
    const before = (await daemon.ok('GET', `${session.path}/chats/${chat}/messages`)).items;
    const job = await daemon.ok('POST', `${session.path}/chats/${chat}/history`, { count: 2 });
    assert.ok(['waiting', 'running'].includes(job.state));
    const told = await events.find((e) => e.type === 'chat.history' && e.data.id === job.id, 'chat.history');
    assert.equal(told.data.state, 'done');
    assert.equal(told.data.messages_new, 2);
    assert.equal(told.data.complete, false);
    const now = (await daemon.ok('GET', `${session.path}/chats/${chat}/messages`)).items;
    assert.equal(now.length, before.length + 2);
    assert.ok(now.every((m, n) => n === 0 || m.timestamp <= now[n - 1].timestamp));
    assert.ok(!events.items.some((e) => e.type === 'message.received'));
    assert.equal((await sync(session)).history[0].id, job.id);
    for (const body of [{}, { count: 0 }, { count: 5001 }, { until: 'yesterday' }, { until: new Date(Date.now() + 60_000).toISOString() }, { other: 1 }]) {
      assert.equal((await daemon.call('POST', `${session.path}/chats/${chat}/history`, { body })).status, 422);
    }
    await events.close();
  });

  test('… one that fails is told too, with the reason', async () => {
    const events = daemon.events('default', await session.lastSeq());
    const job = await daemon.ok('POST', `${session.path}/chats/5511955554444/history`, { count: 2 });
    const { data } = await events.find((e) => e.type === 'chat.history' && e.data.id === job.id, 'chat.history');
    assert.deepEqual([data.state, data.error.code, data.messages_new, data.complete], ['failed', 'not_on_whatsapp', 0, false]);
    assert.ok(data.finished_at && data.error.detail);
    assert.deepEqual((await daemon.ok('GET', `${session.path}/sync`)).history.find((j) => j.id === job.id), data);
    await events.close();
  });

  test('… and from the phone, when the page has no more', async () => {
    const [chat] = chats.slice(1);
    const old = Array.from({ length: 30 }, (_, n) => ({ text: `long ago ${n}`, t: 1_500_000_000 + n }));
    await farEnd.post('/phone-history', { account: ME, chat, messages: old });
    const events = daemon.events('default', await session.lastSeq());
    const job = await daemon.ok('POST', `${session.path}/chats/${chat}/history`, { until: '2015-01-01T00:00:00Z' });
    const told = await events.find((e) => e.type === 'chat.history' && e.data.id === job.id, 'chat.history');
    assert.equal(told.data.complete, true);
    const texts = (await daemon.ok('GET', `${session.path}/chats/${chat}/messages?limit=100`)).items.map((m) => m.text).reverse();
    assert.deepEqual(texts.slice(0, 30), old.map((m) => m.text));
    await events.close();
  });
});
