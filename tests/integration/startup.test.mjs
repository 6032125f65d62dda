// What stands in the way of a start is one clear line that says what to do.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Daemon, DEADLINE_MS, FarEnd, PROGRAM, removeDirectory, temporaryDirectory, within } from './harness.mjs';

const scratch = [];
function directory() {
  const dir = temporaryDirectory('startup');
  scratch.push(dir);
  return dir;
}
after(() => scratch.forEach(removeDirectory));

function run(args, env = {}) {
  const result = spawnSync(PROGRAM, args, {
    encoding: 'utf8',
    timeout: DEADLINE_MS,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, WABRIDGE_BROWSER_SANDBOX: 'off', ...env },
  });
  return { ...result, lines: result.stderr.trim().split('\n').filter((l) => !l.startsWith('{')) };
}

describe('a start that cannot work says why in one line', () => {
  const cases = [
    ['no Chromium', { WABRIDGE_BROWSER_EXECUTABLE: '/nowhere/chromium' }, /\/nowhere\/chromium/],
    ['no wa-js', { WABRIDGE_PAGE_WA_JS: '/nowhere/wa.js' }, /\/nowhere\/wa\.js/],
    ['a bad address', {}, /here:there/, 'here:there'],
    ['a bad value', { WABRIDGE_SESSION_QR_ATTEMPTS: 'many' }, /WABRIDGE_SESSION_QR_ATTEMPTS.*whole number/],
    ['a kind of file that there is not', { WABRIDGE_MEDIA_DOWNLOAD: 'image,pictures' }, /\[media\] download.*image, video/],
    ['an unknown variable', { WABRIDGE_NO_SUCH: '1' }, /WABRIDGE_NO_SUCH/],
    ['a browser user that does not exist', { WABRIDGE_BROWSER_USER: 'nobody-here', WABRIDGE_BROWSER_SANDBOX: 'on' }, /nobody-here/],
  ];
  for (const [name, env, words, listen = '127.0.0.1:0'] of cases) {
    test(name, () => {
      const r = run(['serve', '--data-dir', directory(), '--listen', listen], env);
      assert.notEqual(r.status, 0);
      assert.equal(r.signal, null);
      assert.equal(r.lines.length, 1, r.stderr);
      assert.match(r.lines[0], words);
    });
  }

  test('root as the browser user, with the sandbox', { skip: process.getuid() !== 0 && 'needs root' }, () => {
    const r = run(['serve', '--data-dir', directory(), '--listen', '127.0.0.1:0'], {
      WABRIDGE_BROWSER_SANDBOX: 'on',
      WABRIDGE_BROWSER_USER: 'root',
    });
    assert.notEqual(r.status, 0);
    assert.equal(r.lines.length, 1, r.stderr);
    assert.match(r.lines[0], /\[browser\] user|browser\.user|sandbox/);
  });

  test("another user's data directory", { skip: process.getuid() !== 0 && 'needs root' }, () => {
    const dir = directory();
    fs.chownSync(dir, 65534, 65534);
    const r = run(['serve', '--data-dir', dir, '--listen', '127.0.0.1:0']);
    assert.notEqual(r.status, 0);
    assert.match(r.lines[0], /belongs to user 65534/);
  });

  test('an address that cannot be understood leaves no key that nobody saw', () => {
    const dir = directory();
    assert.equal(run(['serve', '--data-dir', dir, '--listen', '127.0.0.1:99999']).status, 2);
    assert.ok(!fs.existsSync(path.join(dir, 'admin.key')));
  });

  test("root's browsers belong to the user that scripts/setup makes", { skip: process.getuid() !== 0 && 'needs root' }, () => {
    const users = fs.readFileSync('/etc/passwd', 'utf8');
    const user = (env) => /^user = (\w*)/m.exec(run(['config', 'check'], env).stdout)[1];
    assert.equal(user({ WABRIDGE_BROWSER_SANDBOX: 'on' }), /^wabridge:/m.test(users) ? 'wabridge' : '');
    assert.equal(user({ WABRIDGE_BROWSER_SANDBOX: 'off' }), '');
    assert.equal(user({ WABRIDGE_BROWSER_SANDBOX: 'on', WABRIDGE_BROWSER_USER: 'nobody' }), 'nobody');
  });

  test('a port in use', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const r = run(['serve', '--data-dir', directory(), '--listen', `127.0.0.1:${port}`]);
    server.close();
    assert.notEqual(r.status, 0);
    assert.equal(r.lines.length, 1, r.stderr);
    assert.match(r.lines[0], new RegExp(`${port}`));
    assert.match(r.lines[0], /another program.*choose another port/);
  });

  test('a file with an unknown key or a bad value names file and line', () => {
    const dir = directory();
    const file = path.join(dir, 'w.conf');
    const table = [
      ['[log]\nlevel = loud\n', /w\.conf:2.*loud/],
      ['[log]\nlevel = info\n\n[relay]\nsurprise = 1\n', /w\.conf:5.*surprise/],
      ['[log]\nlevel = info\nlevel = debug\n', /w\.conf:3/],
      ['[log]\nthis is no setting\n', /w\.conf:2/],
    ];
    for (const [text, words] of table) {
      fs.writeFileSync(file, text);
      const r = run(['config', 'check', '--config', file]);
      assert.equal(r.status, 2, text);
      assert.match(r.lines[0], words);
    }
  });

  test('config check finds what a start would refuse', () => {
    const issuer = '[jwt]\nissuer = https://idp.example.com\n';
    const table = [
      [issuer, 2, /\[jwt\] audience/],
      [issuer + 'audience = wabridge\n', 2, /RS256 and ES256/],
      [issuer + 'audience = wabridge\nalgorithms = HS512\n', 2, /\[jwt\] algorithms/],
      ['[media]\ndownload = everything\n', 2, /\[media\] download/],
      ['[store]\nmaster_key_file = key\n', 2, /master_key_file = key/],
      ['[page]\nwa_js = /nonexistent/wa.js\n', 1, /\/nonexistent\/wa\.js/],
      ['[browser]\nexecutable = /nonexistent/chromium\n', 1, /\/nonexistent\/chromium/],
      ['[browser]\nattach = nowhere\n', 2, /nowhere/],
      [issuer + 'audience = wabridge\njwks_url = https://idp.example.com/keys\n', 0, /^$/],
    ];
    const file = path.join(directory(), 'w.conf');
    for (const [text, status, words] of table) {
      fs.writeFileSync(file, text);
      const r = run(['config', 'check', '--config', file]);
      assert.equal(r.status, status, text + r.stderr);
      assert.match(r.lines[0] ?? '', words);
    }
    const r = run(['config', 'check'], { WABRIDGE_MASTER_KEY: 'short' });
    assert.equal(r.status, 2);
    assert.match(r.lines[0], /WABRIDGE_MASTER_KEY/);
  });

  test('config check shows each effective value with its origin', () => {
    const dir = directory();
    const file = path.join(dir, 'w.conf');
    fs.writeFileSync(file, '[outbox]\nper_minute = 7\n');
    const r = run(['config', 'check', '--config', file, '--log-level', 'warn'], { WABRIDGE_SESSION_QR_ATTEMPTS: '4' });
    assert.equal(r.status, 0, r.stderr);
    assert.match(r.stdout, /per_minute = 7 .*w\.conf:2/);
    assert.match(r.stdout, /level = warn .*flag --log-level/);
    assert.match(r.stdout, /qr_attempts = 4 .*WABRIDGE_SESSION_QR_ATTEMPTS/);
    assert.match(r.stdout, /burst = 5 .*default/);
  });
});

describe('Ctrl-C during the start', () => {
  test('at any moment ends it in order', { timeout: 5 * DEADLINE_MS }, async () => {
    for (let delay = 0; delay <= 60; delay += 3) {
      const dir = directory();
      const child = spawn(PROGRAM, ['serve', '--data-dir', dir, '--listen', '127.0.0.1:0'], {
        env: { PATH: process.env.PATH, HOME: process.env.HOME, WABRIDGE_BROWSER_SANDBOX: 'off' },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGINT');
      const [code, signal] = await within(ended, `end after ${delay} ms`);
      // before the program watches for signals the system ends it
      assert.ok(code === 0 || signal === 'SIGINT', `after ${delay} ms: ${code ?? signal}`);
    }
  });
});

describe('a second daemon', () => {
  let farEnd, daemon;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });
  test('on the same data directory is refused and names the first', () => {
    const r = run(['serve', '--data-dir', daemon.dataDir, '--listen', '127.0.0.1:0']);
    assert.notEqual(r.status, 0);
    assert.equal(r.lines.length, 1, r.stderr);
    assert.match(r.lines[0], new RegExp(`${daemon.child.pid}`));
  });
  test('the first start printed the admin key once; the file is private', async () => {
    await daemon.waitOutput(/wab_\S+\n/);
    assert.match(daemon.output, /wab_[a-z0-9]+_[A-Za-z0-9_-]+/);
    assert.ok(daemon.output.includes(daemon.key));
    assert.equal(fs.statSync(path.join(daemon.dataDir, 'admin.key')).mode & 0o777, 0o600);
    assert.ok(!daemon.log.some((l) => JSON.stringify(l).includes(daemon.key)), 'never in the log');
    await daemon.stop();
    await daemon.run();
    assert.equal(daemon.output, '', 'not at the second start');
  });
  test('a signal that a parent passes on once more is still one: everything is closed', async () => {
    daemon.child.kill('SIGINT');
    await daemon.waitLog((l) => l.event === 'daemon.stopping', 'daemon.stopping');
    daemon.child.kill('SIGTERM');
    assert.deepEqual(await within(daemon.exited, 'end of the daemon'), { code: 0, signal: null });
    await daemon.run();
  });
  test('a terminal that is closed ends it in order', async () => {
    daemon.child.kill('SIGHUP');
    assert.deepEqual(await within(daemon.exited, 'end of the daemon'), { code: 0, signal: null });
    await daemon.run();
  });
  test('a lost admin key is replaced on demand; the data stays', async () => {
    const old = daemon.key;
    await daemon.stop();
    fs.rmSync(path.join(daemon.dataDir, 'admin.key'));
    daemon.args = ['--new-admin-key'];
    await daemon.run();
    assert.notEqual(daemon.key, old);
    assert.equal((await daemon.call('GET', '/v1/tenants/default')).status, 200);
    assert.equal((await daemon.call('GET', '/v1/tenants/default', { key: old })).status, 200);
    const keys = await daemon.ok('GET', '/v1/keys');
    assert.equal(keys.items.length, 2);
    await daemon.ok('DELETE', `/v1/keys/${old.split('_')[1]}`);
    assert.equal((await daemon.call('GET', '/v1/tenants/default', { key: old })).status, 401);
  });
});

describe('no network', () => {
  test('the session says that the origin cannot be reached, and tries again', async () => {
    const daemon = await Daemon.start({
      settings: { 'page.origin': 'https://web.whatsapp.com/', 'browser.args': '--host-resolver-rules=MAP * ~NOTFOUND', 'page.ready_timeout_s': 5 },
    });
    try {
      const session = daemon.session();
      await session.act('start');
      const failed = await session.until('failed', 'disconnected');
      assert.match(failed.status_reason, /reach|network|name|resolve|ERR_/i);
    } finally {
      await daemon.close();
    }
  });
});
