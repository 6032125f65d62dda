// A browser that is killed in the middle of a write leaves half a record at the end of its database's
// log. Chromium writes on behind it and, one start later, takes the database for broken and begins an
// empty one: the link would be gone. The daemon cuts the half record off before each start.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ALICE, Daemon, FarEnd, ME } from '../integration/harness.mjs';

const DATABASE = 'profiles/default/main/Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';

// The header of a record of 5,000 bytes, and a hundred of them.
function halfARecord() {
  const half = Buffer.alloc(7 + 100, 0x55);
  half.writeUInt32LE(0x12345678, 0);
  half.writeUInt16LE(5000, 4);
  half[6] = 1;
  return half;
}

test('half a record that a killed browser left does not cost the link', async (t) => {
  const farEnd = await FarEnd.start();
  t.after(() => farEnd.close());
  const daemon = await Daemon.start({ farEnd });
  t.after(() => daemon.close());
  const session = daemon.session();
  await session.link(ME);
  const database = path.join(daemon.dataDir, DATABASE);

  for (let n = 0; n < 3; n++) {
    await session.act('stop');
    await session.until('stopped');
    const log = fs.readdirSync(database).filter((name) => name.endsWith('.log')).sort().at(-1);
    fs.appendFileSync(path.join(database, log), halfARecord());
    await session.act('start');
    const now = await session.until('ready', 'unlinked', 'logged_out');
    assert.equal(now.status, 'ready', now.status_reason);
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'still here' });
    const events = daemon.events();
    await events.find((e) => e.data?.id === id);
    await events.close();
  }
  assert.ok(daemon.log.some((l) => l.event === 'profile.mended'));
});
