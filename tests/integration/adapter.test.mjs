// Another build of wa-js: tried on one session, refused when it does not work, installed and given
// to the others when it does, taken back.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Daemon, eventually, FarEnd, ME, OTHER, PROGRAM, ROOT, within } from './harness.mjs';

const LIBRARY = path.join(ROOT, 'node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js');

describe('adapter', () => {
  let farEnd, daemon, first, second, good, lame, dead;

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    first = daemon.session();
    await first.link(ME);
    second = daemon.session('default', 'second');
    await daemon.ok('PUT', second.path, { channel: 'web' });
    await second.link(OTHER);
    const text = fs.readFileSync(LIBRARY, 'utf8');
    const write = (name, content) => {
      const file = path.join(daemon.dataDir, name);
      fs.writeFileSync(file, content);
      return file;
    };
    good = write('good.js', `${text}\n/* another build */\n`);
    lame = write('lame.js', `${text}\n;if (self.WPP) { delete WPP.chat.getMessages; try { Object.defineProperty(WPP, 'chat', { value: { ...WPP.chat, getMessages: undefined } }); } catch { WPP.chat = undefined; } }\n`);
    dead = write('dead.js', '/*! wppconnect-team/wa-js v9.9.9 */ self.notWPP = {};\n');
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  const status = () => daemon.ok('GET', '/v1/adapter');
  const inState = (state) => async () => {
    const a = await status();
    return a.state === state && a;
  };
  const ended = () => eventually('end of the trial', inState('idle'), 300_000);
  async function act(verb, body) {
    const answer = await daemon.call('POST', `/v1/adapter/${verb}`, { body });
    assert.equal(answer.status, 202, answer.text);
    assert.notEqual(answer.json.state, 'idle');
    return ended();
  }
  // A trial waits twice this and a quarter of a minute for what never comes.
  async function patience(seconds) {
    await daemon.stop();
    daemon.settings['page.ready_timeout_s'] = seconds;
    await daemon.run();
    await first.until('ready');
    await second.until('ready');
  }
  const installed = () => fs.existsSync(path.join(daemon.dataDir, 'wa-js.js'));

  test('status: version, hash, who runs it', async () => {
    const a = await status();
    assert.match(a.current.version, /^\d+\.\d+/);
    assert.match(a.current.sha256, /^[0-9a-f]{64}$/);
    assert.equal(a.current.source, 'packaged');
    assert.equal(a.previous, null);
    assert.deepEqual(a.sessions.map((s) => s.count), [2]);
    assert.equal(a.state, 'idle');
  });

  test('what cannot be one is refused', async () => {
    for (const [verb, body, code] of [
      ['test', { file: 'relative.js' }, 'invalid_request'],
      ['use', {}, 'invalid_request'],
      ['test', { file: good, session: 'default/nobody' }, 'no_canary'],
      ['rollback', {}, 'no_previous'],
    ]) {
      const answer = await daemon.call('POST', `/v1/adapter/${verb}`, { body });
      assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
      assert.equal(answer.json.code, code);
    }
    assert.equal((await act('use', { file: path.join(daemon.dataDir, 'nothing.js') })).last.ok, false);
    assert.equal((await act('use', { file: daemon.dataDir })).last.ok, false);
    fs.writeFileSync(path.join(daemon.dataDir, 'page.html'), '<html>not it</html>');
    const a = await act('use', { file: path.join(daemon.dataDir, 'page.html') });
    assert.equal(a.last.error.code, 'not_wa_js');
    assert.ok(!installed());
  });

  test('a build that does not run: nothing changes, the canary is back', async () => {
    const before = await status();
    const pids = daemon.browserPids();
    const a = await act('use', { file: dead, session: 'default/second' });
    assert.equal(a.last.ok, false);
    assert.equal(a.last.canary, 'default/second');
    assert.equal(a.last.error.code, 'adapter_does_not_run');
    assert.deepEqual(a.current, before.current);
    assert.ok(!installed());
    assert.equal((await first.get()).status, 'ready');
    assert.equal((await second.get()).status, 'ready');
    assert.ok(daemon.browserPids().some((pid) => pids.includes(pid)), 'the other session was left alone');
  });

  test('a build that lacks something: refused by name', async () => {
    await patience(10);
    const a = await act('use', { file: lame, session: 'default/second' });
    assert.equal(a.last.ok, false, JSON.stringify(a.last));
    assert.equal(a.last.error.code, 'adapter_lacks');
    assert.ok(!installed());
    assert.equal((await second.get()).status, 'ready');
  });

  test('a canary that is stopped meanwhile stays stopped, and starts with what is in use', async () => {
    const before = await status();
    const asked = await daemon.call('POST', '/v1/adapter/use', { body: { file: lame, session: 'default/second' } });
    assert.equal(asked.status, 202, asked.text);
    await eventually('trial on the canary', inState('testing'));
    await second.act('stop');
    await second.until('stopped');
    const a = await ended();
    assert.equal(a.last.error.code, 'no_canary', JSON.stringify(a.last));
    assert.equal((await second.get()).status, 'stopped');
    await second.act('start');
    await second.until('ready');
    assert.deepEqual((await status()).sessions, before.sessions);
  });

  test('a build that fails on the next session: all of them go back', async () => {
    const before = await status();
    const text = fs.readFileSync(LIBRARY, 'utf8');
    const trap = `;setInterval(() => { try { if (JSON.stringify(WPP.conn.getMyUserId()).includes('${OTHER}')) {
      Object.defineProperty(WPP.whatsapp.Stream, 'mode', { get: () => 'SYNCING' }); } } catch {} }, 5);`;
    const file = path.join(daemon.dataDir, 'trap.js');
    fs.writeFileSync(file, text + trap);
    const a = await act('use', { file, session: 'default/main' });
    assert.equal(a.last.ok, false, JSON.stringify(a.last));
    assert.equal(a.last.rolled_back, true);
    assert.equal(a.last.error.code, 'adapter_too_late');
    assert.equal(a.current.sha256, before.current.sha256);
    assert.equal(a.previous, null);
    await first.until('ready');
    await second.until('ready');
    assert.deepEqual((await status()).sessions.map((s) => [s.sha256, s.count]), [[before.current.sha256, 2]]);
  });

  test('test: on one session, then back', async () => {
    await patience(undefined);
    const before = await status();
    const a = await act('test', { file: good });
    assert.equal(a.last.ok, true, JSON.stringify(a.last));
    assert.notEqual(a.last.sha256, before.current.sha256);
    assert.deepEqual(a.current, before.current);
    assert.deepEqual(a.sessions, before.sessions);
  });

  test('use: installed, both run it, over a restart of the daemon too; rollback', async () => {
    const before = await status();
    const cli = spawn(PROGRAM, ['adapter', 'use', good, '--data-dir', daemon.dataDir], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    cli.stdout.on('data', (d) => (output += d));
    cli.stderr.on('data', (d) => (output += d));
    const [code] = await within(once(cli, 'close'), 'end of wabridge adapter use', 300_000);
    assert.equal(code, 0, output);
    const a = await status();
    assert.equal(a.last.ok, true);
    assert.equal(a.current.source, 'data');
    assert.notEqual(a.current.sha256, before.current.sha256);
    assert.equal(a.previous.sha256, before.current.sha256);
    assert.deepEqual(a.sessions, [{ version: a.current.version, sha256: a.current.sha256, count: 2 }]);
    assert.equal((await first.get()).status, 'ready');
    assert.equal((await second.get()).status, 'ready');

    await daemon.stop();
    await daemon.run();
    const later = await status();
    assert.deepEqual(later.current, a.current);
    assert.deepEqual(later.previous, a.previous);
    await first.until('ready');
    await second.until('ready');

    const back = await act('rollback', {});
    assert.equal(back.last.ok, true, JSON.stringify(back.last));
    assert.equal(back.current.sha256, before.current.sha256);
    assert.equal(back.previous.sha256, a.current.sha256);
    assert.deepEqual(back.sessions.map((s) => [s.sha256, s.count]), [[before.current.sha256, 2]]);
  });

  test('a tenant\'s key may not', async () => {
    const { key } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'shop' });
    const answer = await daemon.call('GET', '/v1/adapter', { key });
    assert.equal(answer.status, 403);
  });
});
