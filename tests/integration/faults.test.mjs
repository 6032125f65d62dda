// What a machine can do to the daemon: a full disk, no descriptors left. What was accepted is there, the
// answer is a clear 5xx, and it goes on by itself when the cause is gone.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { ALICE, Daemon, DEADLINE_MS, removeDirectory, temporaryDirectory } from './harness.mjs';

const settings = { 'browser.executable': '/bin/false', 'log.level': 'info' };
const MESSAGES = '/v1/tenants/default/sessions/main/messages';
const TEXT = 'x'.repeat(20_000);

// Sends until one is refused; gives the refusal and the ids of what was accepted.
async function fill(daemon, most) {
  const accepted = [];
  for (let i = 0; i < most; i++) {
    const answer = await daemon.call('POST', MESSAGES, { body: { to: ALICE, text: TEXT } });
    if (answer.status !== 202) return { accepted, refusal: answer };
    accepted.push(answer.json.id);
  }
  throw new Error(`${most} messages found room`);
}

async function allThere(daemon, ids) {
  for (const id of ids) assert.equal((await daemon.session().message(id)).id, id);
}

// Until a send is accepted again, which a cause that is gone allows before long.
async function acceptsAgain(daemon) {
  for (const end = Date.now() + DEADLINE_MS; ;) {
    const answer = await daemon.call('POST', MESSAGES, { body: { to: ALICE, text: 'again' } });
    if (answer.status === 202) return answer.json.id;
    assert.ok(answer.status >= 500, answer.text);
    assert.ok(Date.now() < end, `still refused: ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// A small file system of its own; undefined when this machine does not let us mount one.
function smallDisk(mib) {
  const dir = temporaryDirectory('disk');
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=711`, 'tmpfs', dir]);
  if (status === 0) return { dir, remount: (how) => execFileSync('mount', ['-o', `remount,${how}`, dir]), gone: () => { spawnSync('umount', ['-l', dir]); removeDirectory(dir); } };
  removeDirectory(dir);
}
// A file system of its own in a file, that can turn read-only under open files, as after a disk error.
// (A plain remount is refused while files are open for writing.)
function ownDisk() {
  const dir = temporaryDirectory('disk');
  const image = `${dir}.img`;
  fs.closeSync(fs.openSync(image, 'w'));
  fs.truncateSync(image, 64 << 20);
  const mount = () => spawnSync('mount', ['-o', 'loop', image, dir]).status === 0;
  const unmount = () => spawnSync('umount', ['-l', dir]);
  const gone = () => { unmount(); removeDirectory(dir); fs.rmSync(image, { force: true }); };
  if (spawnSync('mkfs.ext4', ['-q', '-F', image]).status === 0 && mount()) {
    fs.chmodSync(dir, 0o711);
    return { dir, mount, unmount, gone, breaks: () => execFileSync('mount', ['-o', 'remount,abort', dir]) };
  }
  gone();
}
const canMountFile = (() => {
  const disk = process.getuid() === 0 ? ownDisk() : undefined;
  disk?.gone();
  return disk !== undefined;
})();
const canMount = (() => {
  const disk = process.getuid() === 0 ? smallDisk(1) : undefined;
  disk?.gone();
  return disk !== undefined;
})();

describe('a disk that is full', { skip: !canMount && 'this machine does not let us mount a file system' }, () => {
  test('full: 507, nothing accepted is lost, and it goes on when there is room', async () => {
    const disk = smallDisk(12);
    try {
      const dataDir = path.join(disk.dir, 'data');
      let daemon = await Daemon.start({ dataDir, settings });
      const { accepted, refusal } = await fill(daemon, 3000);
      assert.ok(accepted.length > 10);
      assert.ok([503, 507].includes(refusal.status), refusal.text);
      assert.match(refusal.json.detail, /full/);
      assert.ok([200, 503].includes((await daemon.call('GET', '/health')).status));
      await allThere(daemon, accepted);
      disk.remount('size=64m');
      const id = await acceptsAgain(daemon);
      await daemon.kill();
      daemon = await Daemon.start({ dataDir, settings });
      await allThere(daemon, [...accepted, id]);
      await daemon.close();
    } finally {
      disk.gone();
    }
  });

  test('full at start: one line that says so', async () => {
    const disk = smallDisk(1);
    try {
      fs.writeFileSync(path.join(disk.dir, 'ballast'), Buffer.alloc(1 << 20), { flag: 'w' });
    } catch {
      // as much as there was room for
    }
    try {
      await assert.rejects(Daemon.start({ dataDir: path.join(disk.dir, 'data'), settings }), /No space left|full/);
    } finally {
      disk.gone();
    }
  });
});

describe('a disk that is read-only', () => {
  test('turned so while running: 503 in words, reads go on, nothing accepted is lost', { skip: !canMountFile && 'this machine does not let us mount a file system in a file' }, async () => {
    const disk = ownDisk();
    try {
      const dataDir = path.join(disk.dir, 'data');
      let daemon = await Daemon.start({ dataDir, settings });
      const before = [];
      for (let i = 0; i < 5; i++) before.push((await daemon.session().send(ALICE, `m${i}`)).id);
      disk.breaks();
      const refusal = await daemon.call('POST', MESSAGES, { body: { to: ALICE, text: 'refused' } });
      assert.equal(refusal.status, 503, refusal.text);
      assert.equal(refusal.json.code, 'storage_unavailable');
      assert.match(refusal.json.detail, /read-only|disk/i);
      assert.equal((await daemon.call('GET', '/health')).status, 503);
      await allThere(daemon, before);
      await daemon.kill();
      await assert.rejects(Daemon.start({ dataDir, settings }), /[Rr]ead-only|disk/);
      disk.unmount();
      assert.ok(disk.mount());
      daemon = await Daemon.start({ dataDir, settings });
      await allThere(daemon, before);
      await acceptsAgain(daemon);
      assert.equal((await daemon.call('GET', '/health')).status, 200);
      await daemon.close();
    } finally {
      disk.gone();
    }
  });

  test('at start: one line that says so; writable again, it starts with all there', { skip: !canMount && 'this machine does not let us mount a file system' }, async () => {
    const disk = smallDisk(64);
    try {
      const dataDir = path.join(disk.dir, 'data');
      let daemon = await Daemon.start({ dataDir, settings });
      const { id } = await daemon.session().send(ALICE, 'before');
      await daemon.close();
      disk.remount('ro');
      await assert.rejects(Daemon.start({ dataDir, settings }), /[Rr]ead-only/);
      disk.remount('rw');
      daemon = await Daemon.start({ dataDir, settings });
      await allThere(daemon, [id]);
      await acceptsAgain(daemon);
      await daemon.close();
    } finally {
      disk.gone();
    }
  });
});

describe('descriptors', () => {
  test('none left: what is open goes on, new ones wait or are refused, and it recovers', async () => {
    const daemon = await Daemon.start({ settings });
    const sockets = [];
    after(() => sockets.forEach((s) => s.destroy()));
    try {
      const before = await daemon.session().send(ALICE, 'before');
      const { port, hostname } = new URL(daemon.base);
      const used = fs.readdirSync(`/proc/${daemon.child.pid}/fd`).length;
      execFileSync('prlimit', ['--pid', String(daemon.child.pid), `--nofile=${used + 4}:`]);
      for (let i = 0; i < 40; i++) {
        const s = net.connect(Number(port), hostname);
        s.on('error', () => {});
        sockets.push(s);
      }
      // a file that is to be written needs a descriptor: refused in words, or not answered at all
      const upload = await daemon.call('POST', '/v1/tenants/default/media', { body: 'words', headers: { 'content-type': 'text/plain' } }).catch((e) => e);
      if (!(upload instanceof Error)) assert.ok(upload.status >= 500 || upload.status === 201 || upload.status === 429, upload.text);
      sockets.forEach((s) => s.destroy());
      execFileSync('prlimit', ['--pid', String(daemon.child.pid), '--nofile=4096:']);
      for (const end = Date.now() + DEADLINE_MS; ;) {
        const answer = await daemon.call('GET', '/health').catch(() => undefined);
        if (answer?.status === 200) break;
        assert.ok(Date.now() < end, 'no health answer after the descriptors were there again');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await allThere(daemon, [before.id]);
      await acceptsAgain(daemon);
    } finally {
      await daemon.close();
    }
  });
});
