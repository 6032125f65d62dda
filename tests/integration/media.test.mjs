// Files: streamed in and out byte for byte, linked, deleted.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Daemon, FarEnd, eventually } from './harness.mjs';
import { MEDIA, PNG, filesUnder, sha256, tidy, upload } from './media_files.mjs';

// The most memory that it had since the last call, in bytes.
function peak(daemon) {
  const of = `/proc/${daemon.child.pid}`;
  const [, kb] = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`${of}/status`, 'utf8'));
  fs.writeFileSync(`${of}/clear_refs`, '5');
  return Number(kb) * 1024;
}

describe('media', () => {
  let farEnd, daemon, folder;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    await daemon.session().act('stop');
    await daemon.session().until('stopped');
    folder = path.join(daemon.dataDir, 'media');
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  const put = (bytes, options) => upload(daemon, MEDIA, [bytes], options);

  test('an upload and what is known of it', async () => {
    const { status, json } = await upload(daemon, `${MEDIA}?filename=caf%C3%A9%20%22x%22.png`, [PNG], {
      headers: { 'content-type': 'image/jpeg', 'content-length': PNG.length },
    });
    assert.equal(status, 201);
    assert.equal(json.media_id, sha256(PNG));
    assert.equal(json.sha256, sha256(PNG));
    assert.equal(json.size_bytes, PNG.length);
    assert.equal(json.mimetype, 'image/png', 'told by the bytes, not by the header');
    assert.equal(json.filename, 'café "x".png');
    assert.deepEqual([json.width, json.height, json.duration_s], [3, 2, null]);
    const info = await daemon.ok('GET', `${MEDIA}/${json.media_id}/info`);
    assert.equal(info.filename, 'café "x".png');
    assert.ok(info.created_at && info.last_used_at);

    const file = await daemon.call('GET', `${MEDIA}/${json.media_id}`);
    assert.equal(file.status, 200);
    assert.equal(file.type, 'image/png');
    assert.deepEqual(file.bytes, PNG);
    assert.equal(file.headers.get('x-content-type-options'), 'nosniff');
    assert.match(file.headers.get('content-security-policy'), /sandbox/);
    assert.equal(
      file.headers.get('content-disposition'),
      `inline; filename="caf_ _x_.png"; filename*=UTF-8''caf%C3%A9%20%22x%22.png`,
    );
    const named = await daemon.call('GET', `${MEDIA}/${json.media_id}?filename=b.png`);
    assert.equal(named.headers.get('content-disposition'), 'inline; filename="b.png"');
    const head = await daemon.call('HEAD', `${MEDIA}/${json.media_id}`);
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), String(PNG.length));
    assert.equal(head.bytes.length, 0);
    // one copy, in its place, for nobody else's eyes
    assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
    const again = await put(PNG);
    assert.equal(again.status, 201);
    assert.equal(again.json.media_id, json.media_id);
    assert.equal(again.json.filename, 'café "x".png', 'kept when the next use has no name');
    assert.deepEqual(filesUnder(folder), [path.join(folder, 'default', json.media_id.slice(0, 2), json.media_id)]);
  });

  test('ranges and what is known already', async () => {
    const bytes = randomBytes(100_000);
    const { json } = await put(bytes);
    const get = (headers) => daemon.call('GET', `${MEDIA}/${json.media_id}`, { headers });
    for (const [range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=10-19', 10, 20],
      ['bytes=99990-', 99_990, 100_000],
      ['bytes=-5', 99_995, 100_000],
      ['bytes=-200000', 0, 100_000],
      ['bytes=50000-999999', 50_000, 100_000],
    ]) {
      const part = await get({ range });
      assert.equal(part.status, 206, range);
      assert.equal(part.headers.get('content-range'), `bytes ${from}-${to - 1}/100000`);
      assert.deepEqual(part.bytes, bytes.subarray(from, to), range);
    }
    for (const range of ['bytes=100000-', 'bytes=-0']) {
      const none = await get({ range });
      assert.equal(none.status, 416, range);
      assert.equal(none.headers.get('content-range'), 'bytes */100000');
      assert.equal(none.json.code, 'range_not_satisfiable');
    }
    for (const range of ['bytes=0-1,5-6', 'bytes=5-2', 'bytes=x', 'lines=0-1', 'bytes=-']) {
      const all = await get({ range });
      assert.equal(all.status, 200, range);
      assert.deepEqual(all.bytes, bytes);
    }
    const etag = (await get({})).headers.get('etag');
    assert.equal(etag, `"${json.media_id}"`);
    for (const list of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const known = await get({ 'if-none-match': list });
      assert.equal(known.status, 304, list);
      assert.equal(known.bytes.length, 0);
    }
    assert.equal((await get({ 'if-none-match': '"other"' })).status, 200);
    assert.equal((await get({ range: 'bytes=0-9', 'if-range': etag })).status, 206);
    assert.equal((await get({ range: 'bytes=0-9', 'if-range': '"other"' })).status, 200);
  });

  test('60 MB in chunks and back, without holding it', async () => {
    const piece = randomBytes(1 << 20);
    const whole = createHash('sha256');
    function* pieces() {
      for (let i = 0; i < 60; i++) {
        piece.writeUInt32LE(i);
        const copy = Buffer.from(piece);
        whole.update(copy);
        yield copy;
      }
    }
    await upload(daemon, MEDIA, [randomBytes(1 << 20)]); // buffers that stay are there now
    peak(daemon);
    await daemon.call('GET', MEDIA);
    const before = peak(daemon);
    const { status, json } = await upload(daemon, `${MEDIA}?filename=big.bin`, pieces(), {
      headers: { 'content-type': 'application/octet-stream' },
    });
    assert.equal(status, 201);
    assert.equal(json.size_bytes, 60 << 20);
    assert.equal(json.sha256, whole.digest('hex'));
    const grown = peak(daemon) - before;
    assert.ok(grown < 8 << 20, `upload: ${grown} bytes more`);

    const back = createHash('sha256');
    const response = await fetch(`${daemon.base}${MEDIA}/${json.media_id}`, { headers: { authorization: `Bearer ${daemon.key}` } });
    for await (const part of response.body) back.update(part);
    assert.equal(back.digest('hex'), json.sha256);
    const more = peak(daemon) - before;
    assert.ok(more < 8 << 20, `download: ${more} bytes more`);
    await daemon.ok('DELETE', `${MEDIA}/${json.media_id}`);
  });

  test('a form with a file, and forms that are none', async () => {
    const bytes = randomBytes(300_000);
    const send = (form, query = '') =>
      fetch(`${daemon.base}${MEDIA}${query}`, { method: 'POST', body: form, headers: { authorization: `Bearer ${daemon.key}` } });
    const form = new FormData();
    form.set('caption', 'not for here');
    form.set('file', new Blob([bytes], { type: 'application/x-thing' }), 'ünicode.bin');
    const good = await send(form);
    assert.equal(good.status, 201);
    const json = await good.json();
    assert.equal(json.media_id, sha256(bytes));
    assert.equal(json.filename, 'ünicode.bin');
    assert.equal(json.mimetype, 'application/x-thing');
    const renamed = await (await send(form, '?filename=other.bin')).json();
    assert.equal(renamed.filename, 'other.bin');

    const two = new FormData();
    two.set('a', new Blob([bytes]), 'a');
    two.set('b', new Blob([bytes]), 'b');
    const empty = new FormData();
    empty.set('text', 'no file');
    for (const [what, body, status, code] of [
      ['two files', two, 422, 'invalid_request'],
      ['no file', empty, 422, 'missing_file'],
    ]) {
      const answer = await send(body);
      assert.equal(answer.status, status, what);
      assert.equal((await answer.json()).code, code, what);
    }
    const type = { 'content-type': 'multipart/form-data; boundary=xyz' };
    const cut = await put(Buffer.from('--xyz\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'), { headers: type });
    assert.equal(cut.status, 400);
    assert.equal(cut.json.code, 'malformed_request');
    const none = await put(Buffer.from('x'), { headers: { 'content-type': 'multipart/form-data' } });
    assert.equal(none.status, 400);
  });

  test('bad input is refused with a reason', async () => {
    const other = sha256('never uploaded');
    const { json: known } = await put(Buffer.from('something known'));
    const link = `${MEDIA}/${known.media_id}/link`;
    for (const [method, where, options, status, code] of [
      ['POST', MEDIA, { body: '' }, 422, 'empty_file'],
      ['POST', '/v1/tenants/nobody/media', { body: 'x' }, 404, 'unknown_tenant'],
      ['POST', MEDIA, { body: 'x', headers: { 'content-encoding': 'gzip' } }, 415, 'unsupported_media_type'],
      ['POST', `${MEDIA}?name=x`, { body: 'x' }, 422, undefined],
      ['POST', MEDIA, { body: 'x', key: 'wab_none_none' }, 401, 'unauthorized'],
      ['GET', `${MEDIA}/${other}`, {}, 404, 'unknown_media'],
      ['GET', `${MEDIA}/${other}/info`, {}, 404, 'unknown_media'],
      ['DELETE', `${MEDIA}/${other}`, {}, 404, 'unknown_media'],
      ['POST', `${MEDIA}/${other}/link`, {}, 404, 'unknown_media'],
      ['GET', `${MEDIA}/${known.media_id.toUpperCase()}`, {}, 404, 'unknown_media'],
      ['GET', `${MEDIA}/..%2F..%2Fadmin.key`, {}, 404, 'unknown_media'],
      ['GET', `${MEDIA}/x`, {}, 404, 'unknown_media'],
      ['GET', `${MEDIA}/${known.media_id}`, { key: 'wab_none_none' }, 401, 'unauthorized'],
      ['POST', link, { body: { ttl_s: 0 } }, 422, 'invalid_request'],
      ['POST', link, { body: { ttl_s: 86401 } }, 422, 'invalid_request'],
      ['POST', link, { body: { ttl_s: '60' } }, 422, 'invalid_request'],
      ['POST', link, { body: { ttl: 60 } }, 422, 'unknown_field'],
      ['PUT', MEDIA, { body: 'x' }, 405, 'method_not_allowed'],
    ]) {
      const answer = await daemon.call(method, where, options);
      assert.equal(answer.status, status, `${method} ${where}: ${answer.text}`);
      if (code) assert.equal(answer.json.code, code, `${method} ${where}`);
    }
  });

  test('what may run in a browser is never shown by one', async () => {
    for (const [bytes, type] of [
      ['<!doctype html><script>alert(1)</script>', 'text/html'],
      ['<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', 'image/svg+xml'],
      ['<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'application/xml'],
    ]) {
      const { json } = await put(Buffer.from(bytes), { headers: { 'content-type': 'image/png' } });
      assert.equal(json.mimetype, type);
      const file = await daemon.call('GET', `${MEDIA}/${json.media_id}`);
      assert.match(file.headers.get('content-disposition'), /^attachment/);
      const named = await daemon.call('GET', `${MEDIA}/${json.media_id}?filename=${'%22'.repeat(512)}`);
      assert.equal(named.headers.get('content-disposition'), 'attachment', 'a name that no header holds');
    }
  });

  test('a link works without a key, until it ends or is changed', async () => {
    const bytes = Buffer.from('for a friend');
    const { json } = await put(bytes);
    const asked = Date.now();
    const { url, expires_at } = await daemon.ok('POST', `${MEDIA}/${json.media_id}/link`, { ttl_s: 60 });
    const from = Date.parse(expires_at) - 60_000;
    assert.ok(from > asked - 1000 && from < Date.now() + 1000, expires_at);
    const open = (where, headers) => daemon.call('GET', where, { key: ' ', headers });
    const fetchPlain = async (where, headers = {}) => {
      const r = await fetch(daemon.base + where, { headers });
      return { status: r.status, bytes: Buffer.from(await r.arrayBuffer()) };
    };
    const good = await fetchPlain(url);
    assert.equal(good.status, 200);
    assert.deepEqual(good.bytes, bytes);
    assert.equal((await fetchPlain(`${url}&filename=x.txt`, { range: 'bytes=0-2' })).status, 206);
    const { expires, signature } = Object.fromEntries(new URL(url, daemon.base).searchParams);
    const where = new URL(url, daemon.base).pathname;
    const { json: second } = await put(Buffer.from('another file'));
    await daemon.ok('PUT', '/v1/tenants/other', {});
    for (const [what, changed] of [
      ['another time', `${where}?expires=${Number(expires) + 1}&signature=${signature}`],
      ['another signature', `${where}?expires=${expires}&signature=${signature.replace(/^./, (c) => (c === '0' ? '1' : '0'))}`],
      ['a short signature', `${where}?expires=${expires}&signature=${signature.slice(1)}`],
      ['no time', `${where}?signature=${signature}`],
      ['another file', url.replace(json.media_id, second.media_id)],
      ['another tenant', url.replace('/default/', '/other/')],
      ['no tenant', url.replace('/default/', '/nobody/')],
    ]) {
      const answer = await fetch(daemon.base + changed);
      assert.equal(answer.status, 403, what);
      assert.equal((await answer.json()).code, 'invalid_signature', what);
    }
    assert.equal((await fetch(daemon.base + where)).status, 401);
    assert.equal((await open(url)).status, 401, 'a broken key is not made good by a link');
    for (const verb of ['link', 'info']) {
      const answer = await fetch(`${daemon.base}${where}/${verb}?expires=${expires}&signature=${signature}`, { method: verb === 'link' ? 'POST' : 'GET' });
      assert.equal(answer.status, 401, `${verb} needs a key`);
    }
    assert.equal((await fetch(daemon.base + url, { method: 'DELETE' })).status, 401);
    const short = await daemon.ok('POST', `${MEDIA}/${json.media_id}/link`, { ttl_s: 1 });
    const late = await eventually('end of the link', async () => {
      const answer = await fetch(daemon.base + short.url);
      return answer.status !== 200 && answer;
    });
    assert.equal(late.status, 403);
    assert.equal((await late.json()).code, 'link_expired');
    assert.ok(Date.now() >= Date.parse(short.expires_at), 'not before its time');
  });

  test('a tenant sees its own files only', async () => {
    await daemon.ok('PUT', '/v1/tenants/other', {});
    const { key } = await daemon.ok('POST', '/v1/tenants/other/keys', { name: 'other' });
    const { json } = await put(Buffer.from('of the default tenant'));
    const theirs = `/v1/tenants/other/media/${json.media_id}`;
    for (const [method, where] of [['GET', theirs], ['GET', `${theirs}/info`], ['POST', `${theirs}/link`], ['DELETE', theirs]]) {
      const answer = await daemon.call(method, where, { key });
      assert.equal(answer.status, 404);
      assert.equal(answer.json.code, 'unknown_media');
      const foreign = await daemon.call(method, where.replace('/other/', '/default/'), { key });
      assert.equal(foreign.status, 404);
      assert.equal(foreign.json.code, 'unknown_tenant');
    }
    const own = await upload(daemon, '/v1/tenants/other/media', [Buffer.from('of the default tenant')], { key });
    assert.equal(own.status, 201);
    await daemon.ok('DELETE', `${MEDIA}/${json.media_id}`);
    assert.equal((await daemon.call('GET', theirs, { key })).status, 200, 'each tenant has its own copy');
    // and all of it goes with the tenant
    await daemon.ok('DELETE', '/v1/tenants/other');
    assert.deepEqual(fs.readdirSync(folder).filter((name) => name !== 'default'), []);
    await daemon.ok('PUT', '/v1/tenants/other', {});
    assert.equal((await daemon.call('GET', theirs)).status, 404);
  });

  test('delete', async () => {
    const { json } = await put(Buffer.from('not for long'));
    await daemon.ok('DELETE', `${MEDIA}/${json.media_id}`);
    assert.equal((await daemon.call('GET', `${MEDIA}/${json.media_id}`)).status, 404);
    assert.ok(!filesUnder(folder).some((file) => file.endsWith(json.media_id)));
    assert.equal((await put(Buffer.from('not for long'))).status, 201);
    assert.equal((await daemon.call('GET', `${MEDIA}/${json.media_id}`)).status, 200);
  });

  test('uploads that end early leave nothing', async () => {
    const known = filesUnder(folder).sort();
    for (const abortAfter of [1, 200_000, 3_000_000]) {
      await upload(daemon, MEDIA, [randomBytes(1), randomBytes(200_000), randomBytes(3_000_000)], {
        abortAfter,
        headers: { 'content-length': 10_000_000 },
      });
    }
    // its end is seen by the daemon a moment later: the log says so
    const lost = () => daemon.log.filter((l) => l.event === 'api.request' && /\/media .*connection lost/.test(l.msg)).length;
    await daemon.waitLog(() => lost() >= 3, 'three lost uploads in the log');
    // what they still had to write is behind a whole upload's way to the disk, then it goes
    const { json } = await put(Buffer.from('one more'));
    await daemon.ok('DELETE', `${MEDIA}/${json.media_id}`);
    await tidy(folder);
    assert.deepEqual(filesUnder(folder).sort(), known);
  });

  test('many at once', async () => {
    const files = Array.from({ length: 40 }, () => randomBytes(200_000 + Math.floor(Math.random() * 400_000)));
    const same = randomBytes(300_000);
    const all = await Promise.all([...files, ...Array(10).fill(same)].map((bytes) => put(bytes)));
    for (const answer of all) assert.equal(answer.status, 201);
    assert.deepEqual(all.slice(0, 40).map((a) => a.json.media_id), files.map(sha256));
    const back = await Promise.all(files.map((bytes) => daemon.call('GET', `${MEDIA}/${sha256(bytes)}`)));
    back.forEach((answer, i) => assert.ok(answer.bytes.equals(files[i])));
  });

  test('a session says what it wants fetched', async () => {
    const s = daemon.session();
    for (const media of [{ download: 'none' }, { download: ['image', 'voice'], max_bytes: 1000 }, { max_bytes: 0 }]) {
      await daemon.ok('PUT', s.path, { media });
      assert.deepEqual((await s.get()).media, media);
    }
    await daemon.ok('PUT', s.path, { metadata: { a: 1 } });
    assert.deepEqual((await s.get()).media, { max_bytes: 0 }, 'kept by a PUT that does not name it');
    for (const [media, field] of [
      [{ download: 'some' }, 'media.download'],
      [{ download: ['pictures'] }, 'media.download'],
      [{ download: 5 }, 'media.download'],
      [{ max_bytes: -1 }, 'media.max_bytes'],
      [{ max_bytes: 'much' }, 'media.max_bytes'],
      [{ types: [] }, 'types'],
      ['all', 'media'],
    ]) {
      const answer = await daemon.call('PUT', s.path, { body: { media } });
      assert.equal(answer.status, 422, JSON.stringify(media));
      assert.equal(answer.json.errors[0].field, field);
    }
    await daemon.ok('PUT', s.path, { media: null });
    assert.equal((await s.get()).media, null);
  });
});
