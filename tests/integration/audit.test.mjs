// The audit log and the master key, seen from outside: the daemon, its command line, and files.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { command, Daemon, removeDirectory, temporaryDirectory } from './harness.mjs';

const WITHOUT_BROWSER = { 'browser.executable': '/bin/false', 'log.level': 'trace' };
const start = (dataDir, more = {}) => Daemon.start({ dataDir, ...more, settings: { ...WITHOUT_BROWSER, ...more.settings } });

describe('the audit log', () => {
  let dir, daemon;
  before(async () => {
    dir = temporaryDirectory('audit');
    daemon = await start(dir);
  });
  after(async () => {
    await daemon?.close();
    removeDirectory(dir);
  });

  test('what was done is listed, exported and verified by the command line, and survives a restart', async () => {
    await daemon.ok('PUT', '/v1/tenants/acme', { name: 'acme' });
    await daemon.ok('PUT', '/v1/tenants/acme/sessions/one', { autostart: false });
    await daemon.ok('POST', '/v1/tenants/acme/sessions/one/stop');
    await daemon.ok('PUT', '/v1/tenants/acme/webhooks/erp', { url: 'https://example.com/x' });
    await daemon.kill(); // each of them was answered: each of them is there
    await daemon.run();
    const words = (await daemon.ok('GET', '/v1/tenants/acme/audit?order=oldest')).items.map((r) => r.action);
    assert.deepEqual(words, ['session.put', 'session.stop', 'webhook.put']);
    const list = await command(daemon, 'audit', 'list', 'acme');
    assert.equal(list.code, 0, list.err);
    assert.match(list.out, /webhook\.put +201 acme erp/);
    const verified = await command(daemon, 'audit', 'verify');
    assert.equal(verified.code, 0, verified.err);
    assert.match(verified.out, /admin: .*in order\n(.*\n)*acme: 3 records, the last is 3 .*in order/);
  });

  test('an export is verified without the daemon; a changed, a removed and a missing line are found', async () => {
    const { out, code } = await command(daemon, 'audit', 'export', 'acme');
    assert.equal(code, 0);
    const file = path.join(dir, 'export');
    const verify = async (text) => {
      fs.writeFileSync(file, text);
      return command({ dataDir: '/nonexistent' }, 'audit', 'verify', '--file', file);
    };
    const fine = await verify(out);
    assert.equal(fine.code, 0, fine.err);
    const lines = out.trimEnd().split('\n');
    assert.equal(JSON.parse(lines[0]).log, 'acme');
    // by hand, as the document says
    const bare = lines[1].replace(/,"hash":"[0-9a-f]{64}"}$/, '}');
    assert.equal(crypto.createHash('sha256').update(bare).digest('hex'), JSON.parse(lines[1]).hash);
    const changed = await verify(out.replace('session.stop', 'session.shop'));
    assert.equal(changed.code, 1);
    assert.match(changed.err, /record 2 was changed/);
    assert.match((await verify(lines.toSpliced(2, 1).join('\n'))).err, /record 2 is missing/);
    assert.match((await verify(lines.slice(0, -1).join('\n'))).err, /record 3 is missing/);
  });

  test("a row that was changed in the store's file is found in the running daemon's log", async () => {
    await daemon.stop();
    const data = path.join(dir, 'store', 'data.mdb');
    const bytes = fs.readFileSync(data);
    let n = 0;
    for (let at = bytes.indexOf('"action":"session.stop"'); at >= 0; at = bytes.indexOf('"action":"session.stop"', at + 1), n++) {
      bytes.write('"action":"session.shop"', at);
    }
    assert.ok(n > 0);
    fs.writeFileSync(data, bytes);
    await daemon.run();
    const verified = await command(daemon, 'audit', 'verify', 'acme');
    assert.equal(verified.code, 1);
    assert.match(verified.err, /audit log acme: record 2 was changed/);
  });
});

describe('secrets', () => {
  const planted = [
    'whsec_' + Buffer.from('planted-webhook-secret').toString('base64'), 'planted-header-value', 'planted-agent-key',
    'whsec_' + Buffer.from('planted-agent-secret').toString('base64'),
  ];
  let dir, daemon, key;
  before(async () => {
    dir = temporaryDirectory('secrets');
    key = crypto.randomBytes(32).toString('base64');
    daemon = await start(dir, { env: { WABRIDGE_MASTER_KEY: key } });
    await daemon.ok('PUT', '/v1/tenants/default/webhooks/erp', {
      url: 'http://127.0.0.1:9/', secret: planted[0], headers: { Authorization: `Bearer ${planted[1]}` },
    });
    await daemon.ok('PUT', '/v1/tenants/default/sessions/main/agent', {
      kind: 'http', url: 'http://127.0.0.1:9/', api_key: planted[2], secret: planted[3], headers: { 'X-Token': planted[1] },
    });
  });
  after(async () => {
    await daemon?.close();
    removeDirectory(dir);
  });

  const opens = async () => {
    assert.equal((await daemon.ok('GET', '/v1/tenants/default/webhooks/erp')).id, 'erp');
    assert.equal((await daemon.ok('GET', '/v1/tenants/default/sessions/main/agent')).api_key_set, true);
  };

  test('are in no answer, log line, audit record or file, nor in what the kernel shows of the process', async () => {
    await daemon.call('POST', '/v1/tenants/default/webhooks/erp/test');
    await daemon.call('PUT', '/v1/tenants/default/webhooks/bad', { body: { url: 'ftp://x', secret: planted[0], headers: { Authorization: planted[1] } } });
    await daemon.call('PUT', '/v1/tenants/default/sessions/main/agent', { body: { kind: 'none', api_key: planted[2], secret: planted[3] } });
    const fresh = (await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'x' })).key;
    await daemon.call('GET', '/v1/tenants/default/sessions', { key: `${fresh}x` });
    const secret = (k) => k.split('_').slice(2).join('_');
    const all = [...planted, key, secret(daemon.key), secret(fresh)];
    const seen = {};
    for (const where of ['/v1/tenants/default/webhooks', '/v1/tenants/default/webhooks/erp', '/v1/tenants/default/sessions/main/agent',
      '/v1/tenants/default/events', '/v1/tenants/default/audit', '/v1/audit', '/v1/tenants/default/keys', '/v1/logs?limit=1000', '/health']) {
      seen[where] = (await daemon.call('GET', where)).text;
    }
    for (const file of ['cmdline', 'environ', 'status', 'comm']) seen[file] = fs.readFileSync(`/proc/${daemon.child.pid}/${file}`, 'latin1');
    for (const file of fs.readdirSync(path.join(dir, 'store'))) seen[`store/${file}`] = fs.readFileSync(path.join(dir, 'store', file), 'latin1');
    await daemon.waitLog((l) => l.event === 'api.request' && /\/health/.test(l.msg), 'the last request in the log');
    seen.log = JSON.stringify(daemon.log);
    assert.ok(seen.log.includes('"api.request"'), 'the log is there at level trace');
    for (const [where, text] of Object.entries(seen)) {
      for (const word of all) assert.ok(!text.includes(word), `a secret is in ${where}`);
    }
    assert.ok(!fs.existsSync(path.join(dir, 'store', 'master.key')), 'the key is not beside the store');
  });

  test('another master key is refused with both ids; the right one opens', async () => {
    await daemon.stop();
    const wrong = crypto.randomBytes(32).toString('base64');
    const refused = await command({ dataDir: dir, env: { WABRIDGE_MASTER_KEY: wrong, WABRIDGE_BROWSER_EXECUTABLE: '/bin/false' } }, 'serve');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /WABRIDGE_MASTER_KEY \(id [0-9a-f]{8}\) is not the key this store is sealed with \(id [0-9a-f]{8}\)/);
    await daemon.run();
    await opens();
  });

  test('rotation: not beside a daemon; to a file; then in place, the old key kept', async () => {
    const busy = await command(daemon, 'master-key', 'rotate');
    assert.notEqual(busy.code, 0);
    await daemon.stop();
    const file = path.join(dir, 'key');
    const needs = await command(daemon, 'master-key', 'rotate');
    assert.match(needs.err, /--new-key-file/);
    const rotated = await command(daemon, 'master-key', 'rotate', '--new-key-file', file);
    assert.equal(rotated.code, 0, rotated.err);
    assert.match(rotated.out, /^6 secrets are sealed/);
    daemon.env = { WABRIDGE_STORE_MASTER_KEY_FILE: file };
    await daemon.run();
    await opens();
    await daemon.stop();
    const again = await command(daemon, 'master-key', 'rotate');
    assert.equal(again.code, 0, again.err);
    assert.ok(fs.readdirSync(dir).some((name) => /^key\.old-[0-9a-f]{8}$/.test(name)));
    await daemon.run();
    await opens();
  });
});
