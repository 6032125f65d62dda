// Files that are too large, a disk that is full, uploads that a crash or a stop cuts off: nothing half kept.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Daemon, removeDirectory, temporaryDirectory, within } from './harness.mjs';
import { MEDIA, filesUnder, tidy, untilFolder, upload } from './media_files.mjs';

const run = promisify(execFile);

describe('bounds', () => {
  const MAX = 1 << 20;
  let daemon, folder;
  before(async () => {
    daemon = await Daemon.start({ settings: { 'media.max_upload_bytes': MAX, 'browser.executable': '/bin/false' } });
    folder = path.join(daemon.dataDir, 'media');
  });
  after(() => daemon?.close());

  test('too much is told at once, or when it shows', async () => {
    const exact = await upload(daemon, MEDIA, [randomBytes(MAX)], { headers: { 'content-length': MAX } });
    assert.equal(exact.status, 201);
    const known = filesUnder(folder);
    const announced = await upload(daemon, MEDIA, [], { headers: { 'content-length': MAX + 1 } });
    assert.equal(announced.status, 413);
    assert.equal(announced.json.code, 'payload_too_large');
    const huge = await upload(daemon, MEDIA, [], { headers: { 'content-length': '999999999999999' } });
    assert.equal(huge.status, 413);
    const chunked = await upload(daemon, MEDIA, Array.from({ length: 40 }, () => randomBytes(100_000)));
    assert.equal(chunked.status, 413);
    assert.equal(chunked.json.code, 'payload_too_large');
    const form = new FormData();
    form.set('file', new Blob([randomBytes(MAX + 1)]), 'x');
    const asForm = await fetch(`${daemon.base}${MEDIA}`, { method: 'POST', body: form, headers: { authorization: `Bearer ${daemon.key}` } });
    assert.equal(asForm.status, 413);
    await tidy(folder);
    assert.deepEqual(filesUnder(folder), known);
  });

  // An upload that stays half way, once its temporary file is there.
  async function half() {
    const { hostname, port } = new URL(daemon.base);
    const socket = net.connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.write(`POST ${MEDIA} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${daemon.key}\r\nContent-Length: 900000\r\n\r\n`);
    socket.write(randomBytes(500_000));
    await untilFolder(path.join(folder, 'default', 'tmp'), (names) => names.length > 0);
    return socket;
  }

  test('a crash in the middle of an upload: the next start removes what is left', async () => {
    await half();
    await daemon.kill();
    const tmp = path.join(folder, 'default', 'tmp');
    assert.equal(fs.readdirSync(tmp).length, 1);
    await daemon.run();
    assert.deepEqual(fs.readdirSync(tmp), []);
  });

  test('a stop in the middle of an upload ends it and is in order', async () => {
    const socket = await half();
    const closed = new Promise((resolve) => socket.on('close', resolve)); // not once(): it may be reset
    const { code } = await daemon.stop();
    assert.equal(code, 0, daemon.tail());
    await within(closed, 'end of the upload');
    assert.deepEqual(fs.readdirSync(path.join(folder, 'default', 'tmp')), []);
    await daemon.run();
  });
});

describe('a full disk', { skip: process.getuid() !== 0 && 'needs root to mount' }, () => {
  let daemon, dataDir, mounted;
  before(async () => {
    dataDir = temporaryDirectory('full');
    fs.mkdirSync(path.join(dataDir, 'media'), { mode: 0o700 });
    mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', path.join(dataDir, 'media')]).then(() => true, () => false);
    if (mounted) daemon = await Daemon.start({ dataDir, settings: { 'browser.executable': '/bin/false' } });
  });
  after(async () => {
    await daemon?.close();
    if (mounted) await run('umount', [path.join(dataDir, 'media')]);
    removeDirectory(dataDir);
  });

  test('is told, and nothing is half kept', async (t) => {
    if (!mounted) return t.skip('mount is not allowed here');
    const folder = path.join(dataDir, 'media');
    const small = await upload(daemon, MEDIA, [randomBytes(500_000)]);
    assert.equal(small.status, 201);
    const known = filesUnder(folder);
    for (const headers of [{ 'content-length': 3_000_000 }, {}]) {
      const full = await upload(daemon, MEDIA, Array.from({ length: 30 }, () => randomBytes(100_000)), { headers });
      assert.equal(full.status, 507);
      assert.equal(full.json.code, 'storage_full');
      await tidy(folder);
      assert.deepEqual(filesUnder(folder), known);
    }
    assert.equal((await daemon.call('GET', `${MEDIA}/${small.json.media_id}`)).status, 200);
    assert.equal((await upload(daemon, MEDIA, [randomBytes(500_000)])).status, 201, 'what fits is taken');
  });
});
