// The command line on a running daemon.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PNG } from '../simulator/support.mjs';
import { ALICE, command, Daemon, deferred, FarEnd, ME, PROGRAM, Receiver, within } from './harness.mjs';

describe('command line', () => {
  let farEnd, daemon;
  before(async () => {
    farEnd = await FarEnd.start({ knobs: { ref_ms: 1500 } });
    daemon = await Daemon.start({ farEnd });
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  test('link draws the code, redraws it when it rotates, and ends with who is linked', async () => {
    const png = path.join(daemon.dataDir, 'code.png');
    const child = spawn(PROGRAM, ['link', '--data-dir', daemon.dataDir, '--png', png, '--style', 'dark'], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    });
    let out = '';
    const twice = deferred();
    child.stdout.on('data', (data) => {
      out += data;
      if ((out.match(/Link a device/g) ?? []).length >= 2) twice.resolve();
    });
    const ended = once(child, 'close');
    await within(twice.promise, 'a second code');
    assert.ok(fs.statSync(png).size > 200);
    await farEnd.post('/knobs', { ref_ms: 60000 });
    await daemon.session().scan(ME);
    const [exit] = await within(ended, 'end of link');
    assert.equal(exit, 0);
    assert.match(out, /[▀▄█]/);
    assert.ok(out.split('\n').every((line) => [...line].length < 80), 'fits a terminal: redrawing counts lines');
    assert.match(out, new RegExp(`linked as \\+${ME} \\(Me Myself\\)\\n$`));
  });

  test('status, sessions and --json', async () => {
    const status = await command(daemon, 'status');
    assert.equal(status.code, 0, status.err);
    assert.match(status.out, /default\/main\s+ready\s+\+5511988887777/);
    const json = JSON.parse((await command(daemon, 'status', '--json')).out);
    assert.equal(json.health.status, 'ok');
    assert.equal(json.health.sessions.ready, 1);
    assert.equal(JSON.parse((await command(daemon, 'sessions', '--json')).out)[0].id, 'main');
  });

  test('send', async () => {
    const sent = await command(daemon, 'send', ALICE, 'from the shell');
    assert.equal(sent.code, 0, sent.err);
    assert.match(sent.out, /^3EB0[0-9A-F]{18}: (sent|delivered)/);
    assert.ok((await farEnd.received(ME)).some((m) => m.text === 'from the shell' && m.count === 1));
    const file = path.join(daemon.dataDir, 'a picture.png');
    fs.writeFileSync(file, Buffer.from(PNG, 'base64'));
    const picture = await command(daemon, 'send', ALICE, '--file', file, '--caption', 'look');
    assert.equal(picture.code, 0, picture.err);
    const [id] = /^3EB0[0-9A-F]{18}/.exec(picture.out);
    const item = (await farEnd.received(ME)).find((m) => m.id === id);
    assert.deepEqual([item.type, item.text, item.size], ['image', 'look', fs.statSync(file).size]);
    const paper = await command(daemon, 'send', 'default/main', ALICE, '--file', file, '--type', 'document', '--json');
    assert.equal(JSON.parse(paper.out).media.filename, 'a picture.png');
    const missing = await command(daemon, 'send', ALICE, '--file', `${file}.not`);
    assert.notEqual(missing.code, 0);
    assert.match(missing.err, /No such file/);
    const bad = await command(daemon, 'send', 'default/main', '12', 'x');
    assert.notEqual(bad.code, 0);
    assert.match(bad.err, /to/);
    const unknown = await command(daemon, 'send', 'default/none', ALICE, 'x');
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.err, /none/);
  });

  test('send to a session that is away says so at once', async () => {
    await command(daemon, 'sessions', 'create', 'away/one');
    await command(daemon, 'sessions', 'stop', 'away/one');
    await daemon.session('away', 'one').until('stopped');
    const started = Date.now();
    const sent = await command(daemon, 'send', 'away/one', ALICE, 'later');
    assert.equal(sent.code, 0, sent.err);
    assert.match(sent.out, /: queued, .*the session is stopped/);
    assert.ok(Date.now() - started < 10_000, 'did not wait for an acknowledgement');
    await daemon.ok('DELETE', '/v1/tenants/away');
  });

  test('webhooks: add, test, list, delete', async () => {
    const receiver = await Receiver.start();
    const added = await command(daemon, 'webhooks', 'add', 'default/erp', receiver.url);
    assert.equal(added.code, 0, added.err);
    assert.match(added.out, /whsec_/);
    const tested = await command(daemon, 'webhooks', 'test', 'default/erp');
    assert.equal(tested.code, 0, tested.err);
    assert.equal(receiver.events('webhook.test').length, 1);
    const list = await command(daemon, 'webhooks');
    assert.match(list.out, /erp/);
    assert.equal((await command(daemon, 'webhooks', 'delete', 'default/erp')).code, 0);
    await receiver.close();
  });

  test('sessions: create, stop, start, delete', async () => {
    assert.equal((await command(daemon, 'sessions', 'create', 'acme/sales')).code, 0);
    const which = await command(daemon, 'link');
    assert.equal(which.code, 2);
    assert.match(which.err, /acme\/sales/);
    // a lone name is never guessed: the wrong account would write
    assert.equal((await command(daemon, 'sessions', 'create', 'acme/main')).code, 0);
    const twice = await command(daemon, 'sessions', 'stop', 'main');
    assert.equal(twice.code, 2);
    assert.match(twice.err, /acme\/main, default\/main/);
    assert.equal((await command(daemon, 'sessions', 'stop', 'sales')).code, 0, 'there is one of that name');
    assert.match((await command(daemon, 'sessions', 'stop', 'nobody')).err, /TENANT\/nobody/);
    assert.equal((await command(daemon, 'sessions', 'delete', 'acme/main')).code, 0);
    assert.equal((await command(daemon, 'sessions', 'stop', 'acme/sales')).code, 0);
    await daemon.session('acme', 'sales').until('stopped');
    assert.equal((await command(daemon, 'sessions', 'delete', 'acme/sales')).code, 0);
    assert.equal((await daemon.call('GET', '/v1/tenants/acme/sessions/sales')).status, 404);
  });

  test('logs hold no text and no full number', async () => {
    const logs = await command(daemon, 'logs', '--lines', '1000');
    assert.equal(logs.code, 0, logs.err);
    assert.match(logs.out, /session/);
    assert.ok(!logs.out.includes('from the shell'));
    assert.ok(!logs.out.includes(ALICE), 'numbers are shortened');
    const lines = (await command(daemon, 'logs', '--json')).out.trim().split('\n');
    assert.ok(lines.every((line) => typeof JSON.parse(line) === 'object'), 'for programs each line is JSON');
  });

  test('a slip is told as one, not taken for a name', async () => {
    for (const [words, says] of [
      [['webhooks', 'add'], /webhooks \[TENANT/],
      [['webhooks', 'delete'], /webhooks \[TENANT/],
      [['send', 'default/main', ALICE], /TO or TEXT is missing/],
      [['logs', '--lines', '10x'], /--lines 10x/],
      [['config', 'check', '--listen', '127.0.0.1:99999'], /127\.0\.0\.1:99999/],
    ]) {
      const r = await command(daemon, ...words);
      assert.equal(r.code, 2, words.join(' '));
      assert.match(r.err, says);
    }
    assert.equal((await command(daemon, 'help')).code, 0);
  });

  test('WABRIDGE_KEY stands in for a key file that cannot be read', async () => {
    const elsewhere = { dataDir: '/nonexistent/wabridge', env: { WABRIDGE_KEY: daemon.key } };
    const socket = path.join(daemon.dataDir, 'wabridge.sock');
    const status = await command(elsewhere, 'status', '--socket', socket);
    assert.equal(status.code, 0, status.err);
    const wrong = { ...elsewhere, env: { WABRIDGE_KEY: 'wab_0_0' } };
    assert.equal((await command(wrong, 'sessions', '--socket', socket)).code, 1);
  });

  test('doctor looks at everything and says how to mend', async () => {
    const doctor = await command(daemon, 'doctor', '--json');
    const checks = Object.fromEntries(JSON.parse(doctor.out).map((c) => [c.check, c]));
    for (const name of ['browser', 'sandbox', 'wa-js', 'data', 'disk', 'clock', 'origin', 'daemon']) {
      assert.ok(checks[name], name);
    }
    assert.equal(checks.daemon.result, 'ok');
    assert.equal(checks['wa-js'].result, 'ok');
  });

  test('a command that does not exist, and no daemon', async () => {
    assert.equal((await command(daemon, 'dance')).code, 2);
    const nobody = await command({ dataDir: '/nonexistent/wabridge' }, 'status');
    assert.equal(nobody.code, 1);
    assert.match(nobody.err, /admin\.key|serve/);
  });
});
