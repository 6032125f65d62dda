// No holes, as a property: a random script of things that people do at the far end, on our phone and
// through our API, with drops of the link and kills of page, browser and daemon in between. In the
// end the store (through the API), the event log and the far end say the same: every message once,
// as it is in the end, in order in each chat; and the events told one after the other lead to the same.
//
// WABRIDGE_TEST_SEED repeats a script; WABRIDGE_TEST_ACTIONS (2000) is its length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Daemon, FarEnd, within } from '../integration/harness.mjs';
import { disagreement } from './agreement.mjs';
import { Script } from './script.mjs';
import { checkStore } from './store.mjs';

const SEED = Number(process.env.WABRIDGE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const ACTIONS = Number(process.env.WABRIDGE_TEST_ACTIONS ?? 2000);
const TRIES_MS = 400_000;   // for everything to agree in the end: hundreds of sends may wait then

test(`${ACTIONS} actions (seed ${SEED})`, { timeout: 900_000 }, async (t) => {
  t.diagnostic(`WABRIDGE_TEST_SEED=${SEED} WABRIDGE_TEST_ACTIONS=${ACTIONS}`);
  const farEnd = await FarEnd.start({ knobs: { delivered_ms: 5 } });
  t.after(() => farEnd.close());
  const daemon = await Daemon.start({
    farEnd,
    settings: { 'log.level': 'info', 'outbox.ack_timeout_ms': 3000, 'session.backoff_max_ms': 500 },
  });
  t.after(() => daemon.close());
  const script = new Script(farEnd, daemon, SEED);
  await script.session.link();

  const begun = Date.now();
  const between = Math.max(50, Math.floor(ACTIONS / 16));
  for (let n = 0; n < ACTIONS; n += 1) {
    await script.act(n);
    if (n % between === between - 1) await script.trouble(n);
  }
  await script.fillAll();
  await within(Promise.all(script.lanes.values()), 'every send accepted', TRIES_MS);
  const acted = Date.now();
  await script.session.until('ready');
  await script.session.act('sync');
  const problems = await disagreement(script, TRIES_MS);
  t.diagnostic(`${JSON.stringify(script.count)}; acted ${acted - begun} ms, settled ${Date.now() - acted} ms`);
  assert.deepEqual(problems.slice(0, 20), [], `${problems.length} differences; seed ${SEED}\n${daemon.tail(10)}`);
  await daemon.stop();
  await checkStore(daemon.dataDir);
});
