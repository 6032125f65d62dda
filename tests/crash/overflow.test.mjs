// More live events than an inbox holds while the session catches up: what is dropped is fetched, and
// in the end the store, the event log and the far end say the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALICE, BOB, Daemon, FarEnd, ME, TEAM, within } from '../integration/harness.mjs';
import { disagreement } from './agreement.mjs';
import { Script } from './script.mjs';

const MESSAGES = 2600;   // an inbox holds 2000 events
const CHANGED = 40;      // of the first and of the last of them

test(`${MESSAGES} messages and their changes while nobody may tell them`, { timeout: 480_000 }, async (t) => {
  const farEnd = await FarEnd.start({ knobs: { delivered_ms: 5 } });
  t.after(() => farEnd.close());
  const daemon = await Daemon.start({ farEnd, settings: { 'log.level': 'info' } });
  t.after(() => daemon.close());
  const script = new Script(farEnd, daemon, 1);
  await script.session.link();

  const events = daemon.events('default', await script.session.lastSeq());
  await farEnd.post('/drop', { account: ME, ms: 3000 });
  await events.find((e) => e.type === 'session.status' && e.data.status === 'disconnected', 'the lost link');
  await events.close();
  const messages = Array.from({ length: MESSAGES }, (_, n) => {
    const [from, to] = [[ALICE, ME], [BOB, ME], [ALICE, TEAM], [BOB, TEAM]][n % 4];
    return { from, to, text: `text ${n}` };
  });
  const { ids } = await farEnd.post('/send-batch', { messages });
  for (const n of [...Array(CHANGED).keys()].flatMap((i) => [i, MESSAGES - 1 - i])) {
    const { from, to } = messages[n];
    const what = { from, to, id: ids[n] };
    if (n % 3 === 0) await farEnd.post('/edit', { ...what, text: `edited ${n}` });
    else if (n % 3 === 1) await farEnd.post('/react', { ...what, emoji: '👍' });
    else await farEnd.post('/revoke', what);
  }
  await within(daemon.waitLog((l) => l.event === 'inbox.overflow'), 'events that had no room');
  await script.session.until('ready');
  assert.deepEqual((await disagreement(script, 180_000)).slice(0, 20), [], daemon.tail(10));
});
