// kill -9 of the daemon and of Chromium at random moments under traffic both ways. Afterwards the
// people written to have each accepted message exactly once, and the webhook has each incoming
// message at least once, under one id, in order per chat, none missing.
//
// WABRIDGE_CRASH_ROUNDS (30) and WABRIDGE_CRASH_SEED repeat a run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALICE, BOB, Daemon, FarEnd, ME, Receiver } from '../integration/harness.mjs';

const ROUNDS = Number(process.env.WABRIDGE_CRASH_ROUNDS ?? 30);
const SEED = Number(process.env.WABRIDGE_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));

// mulberry32: small, and the same everywhere
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Sends until it is told to stop; a send whose answer was lost is repeated under its key, as a
// careful client does, until it is accepted.
async function keepSending(world, to) {
  for (let n = 0; !world.stop; n++) {
    const text = `out ${to} ${n}`;
    const options = { body: { to, text }, headers: { 'idempotency-key': `${to}-${n}` } };
    for (;;) {
      const answer = await world.daemon.call('POST', `${world.session.path}/messages`, options).catch(() => null);
      if (answer?.status === 202) {
        world.accepted.push({ id: answer.json.id, to, text });
        break;
      }
      if (answer) assert.ok(answer.status === 503, `${answer.status} ${answer.text}`);
      await pause(50);
    }
    await pause(world.random() * 120);
  }
}

async function keepReceiving(world, from) {
  for (let n = 0; !world.stop; n++) {
    const { id } = await world.farEnd.post('/send', { from, to: ME, text: `in ${from} ${n}` });
    world.incoming.get(from).push(id);
    await pause(world.random() * 150);
  }
}

async function strike(world, round) {
  await pause(world.random() * 2500);
  if (round % 2 === 0) {
    await world.daemon.kill();
    await world.daemon.run();
    return;
  }
  for (const pid of world.daemon.browserPids()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it was ending already
    }
  }
}

test(`${ROUNDS} kills (seed ${SEED})`, { timeout: 600_000 }, async (t) => {
  const farEnd = await FarEnd.start({ knobs: { delivered_ms: 5 } });
  t.after(() => farEnd.close());
  const receiver = await Receiver.start();
  t.after(() => receiver.close());
  const daemon = await Daemon.start({
    farEnd,
    settings: { 'log.level': 'info', 'outbox.ack_timeout_ms': 3000, 'session.backoff_max_ms': 500 },
  });
  t.after(() => daemon.close());
  const world = {
    farEnd, daemon, accepted: [], incoming: new Map([[ALICE, []], [BOB, []]]), random: generator(SEED), stop: false,
  };
  world.session = daemon.session();
  await daemon.ok('PUT', '/v1/tenants/default/webhooks/erp', {
    url: receiver.url, events: ['message.received'], retry: { initial_delay_ms: 50, max_delay_ms: 500 },
  });
  await world.session.link();

  const traffic = [keepSending(world, ALICE), keepSending(world, BOB), keepReceiving(world, ALICE), keepReceiving(world, BOB)];
  const failed = Promise.all(traffic).catch((error) => {
    world.stop = true;
    throw error;
  });
  failed.catch(() => {});
  for (let round = 0; round < ROUNDS; round++) await Promise.race([strike(world, round), failed]);
  world.stop = true;
  await failed;
  await world.session.until('ready');

  const outIds = new Set(world.accepted.map((m) => m.id));
  assert.equal(outIds.size, world.accepted.length);
  await farEnd.wait('received', { account: ME, count: outIds.size, timeout_ms: 120_000 });
  const all = [...world.incoming.values()].flat();
  await receiver.wait((r) => {
    const got = new Set(r.events().map((e) => e.data.id));
    return all.every((id) => got.has(id));
  }, 'each incoming message at the webhook', 120_000);

  // out: each accepted text once with the person it was for, and nothing that was not accepted
  for (const person of [ALICE, BOB]) {
    const inbox = (await farEnd.get(`/inbox?account=${person}`)).items.filter((m) => m.text.startsWith('out '));
    const expected = world.accepted.filter((m) => m.to === person);
    assert.deepEqual(inbox.map((m) => m.id).sort(), expected.map((m) => m.id).sort());
    assert.deepEqual(inbox.map((m) => m.text), expected.map((m) => m.text), 'in the order they were accepted');
  }
  // in: one id each, first attempts in order per chat
  for (const [from, ids] of world.incoming) {
    const events = receiver.events().filter((e) => e.data.chat.phone === from);
    const eventIds = new Map();
    for (const e of events) {
      eventIds.set(e.data.id, (eventIds.get(e.data.id) ?? new Set()).add(e.id));
    }
    for (const id of ids) assert.equal(eventIds.get(id)?.size, 1, `${id} has one event id`);
    const at = [...eventIds.keys()].findIndex((id, i) => id !== ids[i]);
    assert.equal(at, -1, `order of ${from}: place ${at} of ${ids.length} has ${[...eventIds.keys()][at]}, not ${ids[at]}`);
  }
  console.log(`# ${world.accepted.length} sent, ${all.length} received, ${receiver.requests.length} posts`);
});
