// What helps from afar: the log file and its rotation, a session's own lines and level, a picture of
// its page.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { Daemon, eventually, FarEnd, removeDirectory, temporaryDirectory } from './harness.mjs';

const NO_BROWSER = { 'browser.executable': '/bin/false' };
const LOG = '/v1/tenants/default/sessions/main/log';

// Until the file holds this; a file system has no event for it that is the same everywhere.
function inFile(file, text) {
  return eventually(`${text} in ${file}`, () => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes(text));
}
// Those that are whole: the last one may be half written.
const linesOf = (file) => fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);

test('lines go to [log] file, which logrotate may move away', async () => {
  const dir = temporaryDirectory('log');
  const file = path.join(dir, 'wabridge.log');
  // with this level the harness does not wait for a line on standard error, where there is none
  const daemon = await Daemon.start({ settings: { ...NO_BROWSER, 'log.file': file, 'log.level': 'warn' } });
  try {
    await inFile(file, '"event":"session.fail"');
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    fs.renameSync(file, `${file}.1`);
    daemon.child.kill('SIGUSR1');
    await inFile(file, '"event":"session.fail"');
    for (const line of [...linesOf(`${file}.1`), ...linesOf(file)]) JSON.parse(line);
    assert.equal(daemon.log.length, 0, 'nothing on standard error');
  } finally {
    await daemon.close();
    removeDirectory(dir);
  }
});

describe('the log of a session', () => {
  let daemon, key;
  before(async () => {
    daemon = await Daemon.start({ settings: { ...NO_BROWSER, 'log.level': 'info' } });
    await daemon.ok('PUT', '/v1/tenants/default/sessions/other', { autostart: false });
    key = (await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'erp' })).key;
  });
  after(() => daemon?.close());

  test('its lines, no other, and waiting for more', async () => {
    const first = await daemon.ok('GET', `${LOG}?wait=30`);
    assert.ok(first.items.length > 0);
    const more = await daemon.ok('GET', `${LOG}?after=${first.next_after}&wait=30`);
    assert.ok(more.items.length > 0);
    assert.ok(more.items[0].id > first.items.at(-1).id);
    for (const { line } of [...first.items, ...more.items]) assert.equal(JSON.parse(line).session, 'main');
    const one = await daemon.ok('GET', `${LOG}?after=-1&limit=1`);
    assert.equal(one.items.length, 1);
  });

  test('is for administrators, of a session that is there', async () => {
    assert.equal((await daemon.call('GET', LOG, { key })).status, 403);
    assert.equal((await daemon.call('PUT', LOG, { key, body: { level: 'trace' } })).status, 403);
    assert.equal((await daemon.call('GET', LOG.replace('main', 'nobody'))).json.code, 'unknown_session');
  });

  test('a level of its own, for a while', async () => {
    const debug = (l) => l.level === 'debug' && l.session === 'main';
    assert.equal(daemon.log.some(debug), false);
    const set = await daemon.ok('PUT', LOG, { level: 'debug', for_s: 600 });
    assert.equal(set.level, 'debug');
    assert.equal(set.node_level, 'info');
    assert.ok(Date.parse(set.until) > Date.now());
    await daemon.waitLog(debug, 'debug line of the session'); // its browser is launched again and again
    assert.equal(daemon.log.some((l) => l.level === 'debug' && l.session !== 'main'), false);
    const back = await daemon.ok('PUT', LOG, { level: null });
    assert.equal(back.level, 'info');
    assert.equal(back.until, null);
    for (const body of [{}, { level: 'loud' }, { level: 'debug', for_s: 0 }, { level: 'debug', for_s: 86401 }, { level: 'debug', x: 1 }]) {
      assert.equal((await daemon.call('PUT', LOG, { body })).status, 422, JSON.stringify(body));
    }
  });

  test('no picture without a page', async () => {
    const answer = await daemon.call('GET', '/v1/tenants/default/sessions/other/screenshot');
    assert.equal(answer.status, 409);
    assert.equal(answer.json.code, 'session_stopped');
  });
});

// Width, height and the pixels of an eight-bit RGB or RGBA PNG, unfiltered enough to compare colours.
function readPng(data) {
  assert.equal(data.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
  const parts = [];
  let head;
  for (let at = 8; at < data.length;) {
    const len = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    const body = data.subarray(at + 8, at + 8 + len);
    if (type === 'IHDR') head = { width: body.readUInt32BE(0), height: body.readUInt32BE(4) };
    if (type === 'IDAT') parts.push(body);
    at += 12 + len;
  }
  return { ...head, raw: zlib.inflateSync(Buffer.concat(parts)) };
}

describe('a picture of the page', () => {
  let farEnd, daemon, session;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.act('start');
    await session.qr(30);
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  test('is a PNG, for administrators only', async () => {
    const where = `${session.path}/screenshot`;
    const response = await fetch(daemon.base + where, { headers: { authorization: `Bearer ${daemon.key}` } });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'image/png');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const png = readPng(Buffer.from(await response.arrayBuffer()));
    assert.ok(png.width >= 300 && png.height >= 200, `${png.width}x${png.height}`);
    assert.ok(png.raw.length > png.width * png.height);
    const { key } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'erp' });
    assert.equal((await daemon.call('GET', where, { key })).status, 403);
    await daemon.waitLog((l) => l.event === 'session.screenshot', 'line in the log');
    const recorded = async () => (await daemon.ok('GET', '/v1/audit?action=session.screenshot')).items;
    await eventually('record of it', async () => (await recorded()).length > 0);
    const items = await recorded();
    assert.deepEqual(items.map((r) => [r.tenant, r.session, r.status]), [['default', 'main', 200]]);
    assert.match(items[0].actor, /^key:/);
  });

  test('not of a session that was stopped', async () => {
    await session.act('stop');
    await session.until('stopped');
    const answer = await daemon.call('GET', `${session.path}/screenshot`);
    assert.equal(answer.status, 409);
  });
});
