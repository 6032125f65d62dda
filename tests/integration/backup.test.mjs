// Backups: made while it runs, checked, restored; a session moved to another host; without linking
// again.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, command, Daemon, eventually, FarEnd, ME, removeDirectory, temporaryDirectory, within } from './harness.mjs';

const NO_BROWSER = { 'browser.executable': '/bin/false' };

// A daemon whose command line works on another directory, or none.
const at = (dataDir, daemon = {}) => ({ ...daemon, dataDir });

describe('backup of a daemon without browsers', () => {
  let daemon, dir, file, media;
  before(async () => {
    dir = temporaryDirectory('backup');
    daemon = await Daemon.start({ settings: NO_BROWSER });
    await daemon.ok('PUT', '/v1/tenants/acme', { name: 'Acme' });
    await daemon.ok('PUT', '/v1/tenants/acme/sessions/shop', { autostart: false });
    for (let i = 0; i < 50; i++) await daemon.session('acme', 'shop').send(ALICE, `queued ${i}`);
    const answer = await daemon.call('POST', '/v1/tenants/acme/media', { body: 'a picture in words', headers: { 'content-type': 'text/plain' } });
    assert.equal(answer.status, 201, answer.text);
    media = answer.json.media_id;
    file = path.join(dir, 'all.backup');
  });
  after(async () => {
    await daemon?.close();
    removeDirectory(dir);
  });

  test('is made while it runs, and is whole', async () => {
    const made = await command(daemon, 'backup', file);
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /master key/);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    const checked = await command(daemon, 'backup', 'verify', file, '--json');
    assert.equal(checked.code, 0, checked.err);
    const manifest = JSON.parse(checked.out);
    assert.equal(manifest.kind, 'backup');
    assert.ok(manifest.files >= 4, checked.out);
    assert.ok(!fs.readFileSync(file).includes('queued 1'), 'nothing of it is readable');
    const again = await command(daemon, 'backup', file);
    assert.equal(again.code, 1);
    assert.match(again.err, /exists/);
    assert.deepEqual(fs.readdirSync(dir), ['all.backup'], 'nothing half is left');
  });

  test('a tenant may not, and a second one at once is refused', async () => {
    const { key } = await daemon.ok('POST', '/v1/tenants/acme/keys', { name: 'acme' });
    assert.equal((await daemon.call('POST', '/v1/backup', { key, body: {} })).status, 403);
    assert.equal((await daemon.call('POST', '/v1/tenants/acme/sessions/shop/export', { key, body: {} })).status, 403);
    assert.equal((await daemon.call('POST', '/v1/backup', { body: { passphrase: 'short' } })).status, 422);
    assert.equal((await daemon.call('POST', '/v1/backup', { body: { what: 1 } })).json.code, 'unknown_field');
  });

  test('restores into an empty directory, with all that it held', async () => {
    const target = path.join(dir, 'restored');
    const key = path.join(daemon.dataDir, 'store', 'master.key');
    const done = await command(at(target), 'restore', file, '--key-file', key);
    assert.equal(done.code, 0, done.err);
    assert.match(done.err, /never runs again/);
    const other = await Daemon.start({ dataDir: target, settings: NO_BROWSER });
    try {
      const session = await other.session('acme', 'shop').get();
      assert.equal(session.backlog.outbox, 50);
      const list = await other.ok('GET', '/v1/tenants/acme/sessions/shop/messages?limit=500');
      assert.equal(list.items.length, 50);
      assert.equal((await other.call('GET', `/v1/tenants/acme/media/${media}`)).text, 'a picture in words');
      assert.equal(other.key, daemon.key, 'the admin key too');
    } finally {
      await other.close();
    }
    const full = await command(at(target), 'restore', file, '--key-file', key);
    assert.equal(full.code, 1);
    assert.match(full.err, /has something in it/);
    const forced = await command(at(target), 'restore', file, '--key-file', key, '--force');
    assert.equal(forced.code, 0, forced.err);
    assert.equal(fs.readdirSync(dir).filter((n) => n.startsWith('restored.before-restore-')).length, 1);
  });

  test('another key, a cut, a changed bit, pieces in another order: refused, and nothing is left', async () => {
    const key = path.join(daemon.dataDir, 'store', 'master.key');
    const whole = fs.readFileSync(file);
    const bad = path.join(dir, 'bad.backup'), target = path.join(dir, 'nothing');
    const wrong = path.join(dir, 'wrong.key');
    fs.writeFileSync(wrong, Buffer.alloc(32, 7));
    const refuses = async (bytes, pattern, keyFile = key) => {
      fs.writeFileSync(bad, bytes);
      for (const words of [['backup', 'verify', bad], ['restore', bad]]) {
        const answer = await command(at(target), ...words, '--key-file', keyFile);
        assert.equal(answer.code, 1, answer.err);
        assert.match(answer.err, pattern);
      }
      assert.ok(!fs.existsSync(target));
      assert.deepEqual(fs.readdirSync(dir).filter((n) => n.startsWith('nothing')), []);
    };
    await refuses(whole, /not the master key/, wrong);
    await refuses(whole.subarray(0, whole.length - 1), /end is missing/);
    await refuses(whole.subarray(0, 30), /no backup of wabridge/);
    await refuses(Buffer.concat([whole, Buffer.from('x')]), /something follows/);
    const changed = Buffer.from(whole);
    changed[whole.length - 40] ^= 1;
    await refuses(changed, /changed or is out of place/);
    const chunk = 4 + 65536 + 28, head = 60;
    assert.ok(whole.length > head + 2 * chunk, 'at least two full pieces');
    const swapped = Buffer.concat([whole.subarray(0, head), whole.subarray(head + chunk, head + 2 * chunk), whole.subarray(head, head + chunk), whole.subarray(head + 2 * chunk)]);
    await refuses(swapped, /changed or is out of place/);
    await refuses(Buffer.from('not at all, but long enough to have a head of its own, which it has not'), /no backup of wabridge/);
  });

  test('with a passphrase, and without a daemon', async () => {
    const phrase = path.join(dir, 'phrase'), sealed = path.join(dir, 'sealed.backup');
    fs.writeFileSync(phrase, 'correct horse battery\n');
    assert.equal((await command(daemon, 'backup', sealed, '--key-file', phrase, '--no-media')).code, 0);
    const without = await command(at(path.join(dir, 'no')), 'backup', 'verify', sealed);
    assert.equal(without.code, 1);
    assert.match(without.err, /passphrase/);
    const target = path.join(dir, 'restored');   // of the test above
    const offline = path.join(dir, 'offline.backup');
    const made = await command(at(target), 'backup', offline, '--key-file', phrase);
    assert.equal(made.code, 0, made.err);
    const checked = await command(at(target), 'backup', 'verify', offline, '--key-file', phrase);
    assert.equal(checked.code, 0, checked.err);
  });

  test('a session moves to another daemon with its queue, and is sent from there only', async () => {
    const exported = path.join(dir, 'shop.session'), phrase = path.join(dir, 'phrase');
    const gone = await command(daemon, 'export-session', 'acme/shop', exported, '--key-file', phrase);
    assert.equal(gone.code, 0, gone.err);
    assert.match(gone.err, /is stopped/);
    const refused = await daemon.call('POST', '/v1/tenants/acme/sessions/shop/messages', { body: { to: ALICE, text: 'too late' } });
    assert.equal(refused.status, 409);
    assert.equal(refused.json.code, 'session_exported');
    const start = await daemon.call('POST', '/v1/tenants/acme/sessions/shop/start');
    assert.equal(start.json.code, 'session_exported');

    const other = await Daemon.start({ settings: NO_BROWSER });
    try {
      const early = await command(other, 'import-session', exported, '--key-file', phrase);
      assert.equal(early.code, 1);
      assert.match(early.err, /tenant/);
      await other.ok('PUT', '/v1/tenants/beta', {});
      const come = await command(other, 'import-session', exported, '--key-file', phrase, '--as', 'beta/store', '--no-start');
      assert.equal(come.code, 0, come.err);
      const session = await other.session('beta', 'store').get();
      assert.equal(session.backlog.outbox, 50);
      assert.equal(session.exported, false);
      const list = await other.ok('GET', '/v1/tenants/beta/sessions/store/messages?limit=500');
      assert.deepEqual(list.items.map((m) => m.text), Array.from({ length: 50 }, (_, i) => `queued ${49 - i}`));
      assert.ok(list.items.every((m) => m.session === 'store'));
      const twice = await command(other, 'import-session', exported, '--key-file', phrase, '--as', 'beta/store');
      assert.equal(twice.code, 1);
      assert.match(twice.err, /already/);
      const both = await Promise.all([1, 2].map(() =>
        command(other, 'import-session', exported, '--key-file', phrase, '--as', 'beta/twin', '--no-start')));
      assert.deepEqual(both.map((c) => c.code).sort(), [0, 1], 'two at once: one of them');
      assert.match(both.find((c) => c.code === 1).err, /already/);
      const twin = await other.ok('GET', '/v1/tenants/beta/sessions/twin/messages?limit=500');
      assert.equal(twin.items.length, 50, 'and it is whole');
      assert.equal((await other.session('beta', 'twin').get()).backlog.outbox, 50);
      assert.deepEqual(fs.readdirSync(path.join(other.dataDir, 'import')), [], 'nothing unpacked stays');
    } finally {
      await other.close();
    }
    const taken = await daemon.ok('DELETE', '/v1/tenants/acme/sessions/shop/export');
    assert.equal(taken.exported, false);
    const again = await daemon.call('DELETE', '/v1/tenants/acme/sessions/shop/export');
    assert.equal(again.status, 409);
    assert.equal(again.json.code, 'not_exported');
    await daemon.session('acme', 'shop').send(ALICE, 'it stays here after all');
  });
});

describe('an archive that nobody reads to its end', () => {
  test('an export is undone; the daemon stops although a backup waits for its reader', async () => {
    const daemon = await Daemon.start({ settings: NO_BROWSER });
    const sockets = [];
    // Asks, reads one piece and no more.
    const begin = (where) => within(new Promise((resolve, reject) => {
      const { port, hostname, host } = new URL(daemon.base);
      const socket = net.connect(Number(port), hostname);
      sockets.push(socket);
      socket.on('error', reject);
      socket.once('data', (data) => {
        socket.pause();
        socket.off('error', reject);
        socket.on('error', () => {});
        resolve({ socket, head: data.toString('latin1').split('\r\n')[0] });
      });
      socket.write(`POST ${where} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${daemon.key}\r\nContent-Length: 0\r\n\r\n`);
    }), `answer to ${where}`);
    try {
      await daemon.ok('PUT', '/v1/tenants/default/sessions/big', { autostart: false });
      for (let i = 0; i < 400; i++) await daemon.session('default', 'big').send(ALICE, 'x'.repeat(50_000));
      const { socket, head } = await begin('/v1/tenants/default/sessions/big/export');
      assert.match(head, / 200 /);
      assert.equal((await daemon.session('default', 'big').get()).exported, true);
      const second = await daemon.call('POST', '/v1/backup', { body: {} });
      assert.equal(second.status, 429);
      assert.equal(second.json.code, 'backup_running');
      socket.destroy();
      await eventually('end of the export', async () => !(await daemon.session('default', 'big').get()).exported);
      await daemon.session('default', 'big').send(ALICE, 'goes on here');
      // one that was delivered may run elsewhere: another that nobody reads does not take it back
      const whole = await daemon.call('POST', '/v1/tenants/default/sessions/big/export', { body: {} });
      assert.equal(whole.status, 200);
      const again = await begin('/v1/tenants/default/sessions/big/export');
      assert.match(again.head, / 200 /);
      again.socket.destroy();
      const backup = async () => {
        const next = await begin('/v1/backup');
        if (/ 200 /.test(next.head)) return next.socket;
        next.socket.destroy();
      };
      (await eventually('end of the export', backup)).destroy();
      assert.equal((await daemon.session('default', 'big').get()).exported, true);
      await eventually('end of a backup', backup);
    } finally {
      await daemon.close();
      sockets.forEach((s) => s.destroy());
    }
  });
});

describe('backup of a linked session', () => {
  let farEnd, daemon, dir;
  before(async () => {
    dir = temporaryDirectory('backup');
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    await daemon.session().link();
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
    removeDirectory(dir);
  });

  test('made under traffic, it comes up ready elsewhere without linking again', async () => {
    const file = path.join(dir, 'live.backup'), target = path.join(dir, 'data');
    const key = path.join(daemon.dataDir, 'store', 'master.key');
    let going = true, sent = 0;
    const traffic = (async () => {
      while (going) {
        await daemon.session().send(sent % 2 ? ALICE : BOB, `during the backup ${sent++}`, { query: '?wait=server' });
      }
    })();
    for (let i = 0; i < 3; i++) {
      const made = await command(daemon, 'backup', file, '--force');
      assert.equal(made.code, 0, made.err);
    }
    going = false;
    await traffic;
    assert.ok(sent > 0);
    const kept = path.join(dir, 'master.key');
    fs.copyFileSync(key, kept);
    await daemon.stop();   // two daemons on one link would take it from each other
    const done = await command(at(target), 'restore', file, '--key-file', kept);
    assert.equal(done.code, 0, done.err);
    const other = await Daemon.start({ farEnd, dataDir: target });
    try {
      const session = await other.session().until('ready', 'unlinked', 'logged_out');
      assert.equal(session.status, 'ready', other.tail(30));
      assert.equal(session.account.phone, ME);
      await other.session().send(ALICE, 'from the restored one', { query: '?wait=server' });

      // and from there to a third host, as one session, with what waits to be sent
      await other.session().act('stop');
      await other.session().until('stopped');
      const queued = ['first in the queue', 'second in the queue', 'third in the queue'];
      const ids = [];
      for (const text of queued) ids.push((await other.session().send(ALICE, text)).id);
      const exported = path.join(dir, 'main.session');
      const gone = await command(other, 'export-session', 'default/main', exported);
      assert.equal(gone.code, 0, gone.err);
      const third = await Daemon.start({ farEnd });
      try {
        const masterKey = path.join(target, 'store', 'master.key');
        const come = await command(third, 'import-session', exported, '--key-file', masterKey, '--as', 'default/moved');
        assert.equal(come.code, 0, come.err);
        const moved = await third.session('default', 'moved').until('ready', 'unlinked', 'logged_out');
        assert.equal(moved.status, 'ready', third.tail(30));
        const list = await third.ok('GET', '/v1/tenants/default/sessions/moved/messages?limit=500');
        assert.ok(list.items.some((m) => m.text === 'from the restored one'));
        await third.session('default', 'moved').send(BOB, 'from the third', { query: '?wait=server' });
        for (const id of ids) assert.notEqual((await third.session('default', 'moved').message(id)).status, 'queued', 'the queue goes first');
      } finally {
        await third.close();
      }
    } finally {
      await other.close();
    }
    const received = await farEnd.received(ME);
    for (const text of ['from the restored one', 'first in the queue', 'second in the queue', 'third in the queue', 'from the third']) {
      const copies = received.filter((m) => m.text === text);
      assert.equal(copies.length, 1, `${text}: once`);
      assert.equal(copies[0].count, 1, `${text}: once`);
    }
  });
});
