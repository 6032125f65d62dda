// wabridge fsck on a data directory in order and in disorder; a damaged store at start.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { ALICE, command, Daemon, DEADLINE_MS, PROGRAM, removeDirectory, temporaryDirectory } from './harness.mjs';

describe('fsck', () => {
  const settings = { 'browser.executable': '/bin/false' };
  let dataDir, media, file;
  const fsck = async (...flags) => {
    const { code, out, err } = await command({ dataDir }, 'fsck', ...flags);
    return { code, out, err };
  };
  before(async () => {
    dataDir = path.join(temporaryDirectory('fsck'), 'data');
    const daemon = await Daemon.start({ dataDir, settings });
    for (let i = 0; i < 10; i++) await daemon.session().send(ALICE, `queued ${i}`);
    const answer = await daemon.call('POST', '/v1/tenants/default/media', { body: 'a picture in words', headers: { 'content-type': 'text/plain' } });
    media = answer.json.media_id;
    const running = await fsck();
    assert.equal(running.code, 1);
    assert.match(running.err, /stop it first/);
    await daemon.close();
    file = path.join(dataDir, 'media', 'default', media.slice(0, 2), media);
  });
  after(() => removeDirectory(path.dirname(dataDir)));

  test('says that all is in order', async () => {
    const { code, out, err } = await fsck();
    assert.equal(code, 0, out + err);
    assert.match(out, /indexes and counts agree/);
    assert.match(out, /1 files of messages/);
  });

  test('finds a changed file of a message, and forgets it when asked', async () => {
    fs.writeFileSync(file, 'a picture in Words');
    const found = await fsck();
    assert.equal(found.code, 1);
    assert.match(found.out, /another content: --repair/);
    const json = JSON.parse((await fsck('--json')).out);
    assert.ok(json.some((n) => n.state === 'wrong' && n.what === 'media'));
    const mended = await fsck('--repair');
    assert.equal(mended.code, 0, mended.out);
    assert.match(mended.out, /mended/);
    assert.equal((await fsck()).code, 0);
    assert.ok(!fs.existsSync(file));
  });

  test('removes a broken search index', async () => {
    const index = path.join(dataDir, 'search', 'default.db');
    fs.mkdirSync(path.dirname(index), { recursive: true });
    fs.writeFileSync(index, Buffer.alloc(8192, 'x'));
    assert.equal((await fsck()).code, 1);
    assert.equal((await fsck('--repair')).code, 0);
    assert.ok(!fs.existsSync(index));
  });

  test('a store that is cut off or overwritten is told at start, with the way out', () => {
    const store = path.join(dataDir, 'store', 'data.mdb');
    const whole = fs.readFileSync(store);
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, WABRIDGE_BROWSER_EXECUTABLE: '/bin/false', WABRIDGE_SERVER_LISTEN: '127.0.0.1:0', WABRIDGE_BROWSER_SANDBOX: 'no' };
    for (const bytes of [whole.subarray(0, 8192 + 100), Buffer.alloc(whole.length, 'y'), Buffer.alloc(4096 * 3)]) {
      fs.writeFileSync(store, bytes);
      for (const words of [['serve'], ['fsck'], ['backup', path.join(dataDir, 'none')]]) {
        const { status, signal, stderr } = spawnSync(PROGRAM, [...words, '--data-dir', dataDir], { env, encoding: 'utf8', timeout: DEADLINE_MS });
        assert.equal(signal, null, stderr);
        assert.equal(status, 1, stderr);
        assert.match(stderr, /damaged|cut off/);
        assert.match(stderr, /wabridge restore/);
      }
    }
    fs.writeFileSync(store, whole);
  });
});
