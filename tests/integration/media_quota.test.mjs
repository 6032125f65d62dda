// limits.max_media_bytes: uploads, sends with a file, and files that others send.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { ALICE, Daemon, eventually, FarEnd, ME } from './harness.mjs';

const TENANT = '/v1/tenants/default';
const MAIN = `${TENANT}/sessions/main`;
const quota = async (daemon) => {
  const { limit, used, resets_at: resets } = (await daemon.ok('GET', `${TENANT}/usage`)).quotas.find((q) => q.name === 'max_media_bytes');
  assert.equal(resets, null, 'nothing brings it back but deleting');
  return { limit, used };
};
const allow = (daemon, bytes) => daemon.ok('PUT', TENANT, { limits: bytes === null ? {} : { max_media_bytes: bytes } });
async function upload(daemon, bytes) {
  const answer = await fetch(`${daemon.base}${TENANT}/media`, {
    method: 'POST', body: bytes, headers: { authorization: `Bearer ${daemon.key}`, 'content-type': 'application/octet-stream' },
  });
  return { status: answer.status, json: await answer.json() };
}

function filesOf(daemon) {
  const root = path.join(daemon.dataDir, 'media', 'default');
  return fs.existsSync(root) ? fs.readdirSync(root, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).length : 0;
}

// A body without a length that goes on until the server answers.
function endless(daemon) {
  return new Promise((resolve, reject) => {
    let answered = false;
    const url = new URL(`${TENANT}/media`, daemon.base);
    const request = http.request(url, { method: 'POST', headers: { authorization: `Bearer ${daemon.key}`, 'content-type': 'application/octet-stream' } }, (response) => {
      answered = true;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (s) => { text += s; });
      response.on('end', () => { request.destroy(); resolve({ status: response.statusCode, json: JSON.parse(text) }); });
    });
    request.on('error', (error) => { if (!answered) reject(error); });
    const piece = Buffer.alloc(16384, 'e');
    const more = () => { if (!answered) request.write(piece, () => setImmediate(more)); };
    more();
  });
}

test('uploads and sends past the quota are refused and leave nothing', async () => {
  const daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
  try {
    await daemon.ok('PUT', MAIN, { autostart: false });
    assert.deepEqual(await quota(daemon), { limit: null, used: 0 });
    await allow(daemon, 300000);
    const first = await upload(daemon, Buffer.alloc(200000, 'a'));
    assert.equal(first.status, 201, JSON.stringify(first.json));
    const refused = await upload(daemon, Buffer.alloc(150000, 'b'));
    assert.deepEqual([refused.status, refused.json.code], [429, 'quota_exceeded']);
    const stream = await endless(daemon);
    assert.deepEqual([stream.status, stream.json.code], [429, 'quota_exceeded']);
    const base64 = Buffer.alloc(120000, 'c').toString('base64');
    const sent = await daemon.call('POST', `${MAIN}/messages`, { body: { to: '5511900000001', document: { base64 } } });
    assert.deepEqual([sent.status, sent.json.code], [429, 'quota_exceeded']);
    assert.equal((await daemon.ok('GET', `${MAIN}/messages`)).items.length, 0);
    assert.deepEqual(await quota(daemon), { limit: 300000, used: 200000 });

    const known = await daemon.call('POST', `${MAIN}/messages`, { body: { to: '5511900000001', document: { media_id: first.json.media_id } } });
    assert.equal(known.status, 202, 'what is here needs no room');
    await eventually('end of what was written of the refused ones', () => filesOf(daemon) === 1);

    await daemon.kill();
    await daemon.run();
    assert.deepEqual(await quota(daemon), { limit: 300000, used: 200000 });
    await allow(daemon, 400000);
    assert.equal((await upload(daemon, Buffer.alloc(150000, 'b'))).status, 201, 'raised');
    await daemon.ok('DELETE', `${TENANT}/media/${first.json.media_id}`);
    assert.deepEqual(await quota(daemon), { limit: 400000, used: 150000 });
    const bad = await daemon.call('PUT', TENANT, { body: { limits: { max_media_bytes: -1 } } });
    assert.equal(bad.status, 422);
  } finally {
    await daemon.close();
  }
});

test('a file that comes in past the quota is skipped; the others stay', async () => {
  const farEnd = await FarEnd.start();
  const daemon = await Daemon.start({ farEnd });
  try {
    const session = daemon.session();
    await session.link();
    const events = daemon.events();
    await allow(daemon, 1000);
    const image = { from: ALICE, to: ME, type: 'image', mimetype: 'image/png' };
    const file = async (more) => {
      const { id } = await farEnd.post('/send', { ...image, ...more });
      return (await events.find((e) => e.type === 'message.media' && e.data.id === id, `file of ${id}`)).data;
    };
    const fits = await file({ size_bytes: 600, seed: 1 });
    assert.equal(fits.media.state, 'ready');
    const past = await file({ size_bytes: 500, seed: 2 });
    assert.deepEqual([past.media.state, past.media.error.code], ['skipped', 'quota_exceeded']);
    const liar = await file({ size_bytes: 500, seed: 3, told_size: 10 });
    assert.deepEqual([liar.media.state, liar.media.error.code], ['skipped', 'quota_exceeded']);
    assert.equal((await session.message(fits.id)).media.state, 'ready');
    assert.deepEqual(await quota(daemon), { limit: 1000, used: 600 });

    await allow(daemon, null);
    await daemon.ok('POST', `${session.path}/messages/${past.id}/media/refetch`);
    const after = await events.find((e) => e.type === 'message.media' && e.data.id === past.id && e.data.media.state === 'ready', 'the file after all');
    assert.equal(after.data.media.error, undefined);
    await events.close();
  } finally {
    await daemon.close();
    await farEnd.close();
  }
});
