// What a killed browser leaves in the database of its page, and what then costs the link unless the
// daemon mends it before each start:
//   half a record at the end of the log (Chromium writes on behind it and finds it one start later);
//   two transactions that were open at once (Chromium cannot take both back).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ALICE, Daemon, FarEnd, ME } from '../integration/harness.mjs';
import { batchBehind, openTransaction } from './leveldb.mjs';

const DATABASE = 'profiles/default/main/Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';

// The header of a record of 5,000 bytes, and a hundred of them.
function halfARecord() {
  const half = Buffer.alloc(7 + 100, 0x55);
  half.writeUInt32LE(0x12345678, 0);
  half.writeUInt16LE(5000, 4);
  half[6] = 1;
  return half;
}

const twoTransactions = (log) =>
  batchBehind(log, [openTransaction(100, 'model-storage', [1]), openTransaction(101, 'model-storage', [3, 2])]);

// Three times: the session stops, its database's log gets more bytes, and it is still linked.
async function survives(t, more) {
  const farEnd = await FarEnd.start();
  t.after(() => farEnd.close());
  const daemon = await Daemon.start({ farEnd });
  t.after(() => daemon.close());
  const session = daemon.session();
  await session.link(ME);
  const database = path.join(daemon.dataDir, DATABASE);

  for (let n = 1; n <= 3; n++) {
    await session.act('stop');
    await session.until('stopped');
    const name = fs.readdirSync(database).filter((file) => file.endsWith('.log')).sort().at(-1);
    const log = path.join(database, name);
    fs.appendFileSync(log, more(fs.readFileSync(log)));
    await session.act('start');
    const now = await session.until('ready', 'unlinked', 'logged_out');
    assert.equal(now.status, 'ready', now.status_reason);
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'still here' });
    const events = daemon.events();
    await events.find((e) => e.data?.id === id);
    await events.close();
    assert.equal(daemon.log.filter((l) => l.event === 'profile.mended').length, n);
  }
}

test('half a record does not cost the link', (t) => survives(t, halfARecord));
test('two transactions that were open do not cost the link', (t) => survives(t, twoTransactions));
