// Full-text search: what comes, goes, changes and disappears is found as it is now; the index mends
// itself.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, eventually, FarEnd, ME, TEAM } from './harness.mjs';

describe('search', () => {
  let farEnd, daemon, session, events;

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.link();
    events = daemon.events();
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  const ask = (query, where = session.path) => daemon.ok('GET', `${where}/search?${new URLSearchParams(query)}`);
  const texts = async (q, more = {}) => (await ask({ q, ...more })).items.map((i) => i.message.text);
  const write = async (from, text, more = {}) => {
    const sent = await farEnd.post('/send', { from, to: ME, ...(text ? { text } : {}), ...more });
    await events.find((e) => e.type === 'message.received' && e.data.id === sent.id, `"${text}" received`);
    return sent.id;
  };
  // Asks until the index, which follows in the background, is complete.
  const built = (where = session.path) => eventually('complete index', async () => {
    const { index } = await ask({ q: 'anything' }, where);
    return index.state === 'ready' && index;
  });
  const restart = async (between = () => {}) => {
    await events.close();
    await daemon.stop();
    await between(path.join(daemon.dataDir, 'search'));
    await daemon.run();
    events = daemon.events();
  };

  test('what was just received or sent is found: words, beginnings, phrases, without accents', async () => {
    await write(ALICE, 'A reunião começa às dez horas');
    await write(BOB, 'meeting at ten, bring the Straße map');
    const out = await session.send(ALICE, 'I will bring the contract tomorrow');
    assert.deepEqual(await texts('reuniao'), ['A reunião começa às dez horas']);
    assert.deepEqual(await texts('REUNIÃO dez'), ['A reunião começa às dez horas']);
    assert.deepEqual(await texts('contr'), ['I will bring the contract tomorrow']);
    assert.deepEqual(await texts('contr tomorrow'), []);
    assert.deepEqual(await texts('contr* tomorrow'), ['I will bring the contract tomorrow']);
    assert.deepEqual(await texts('"bring the contract"'), ['I will bring the contract tomorrow']);
    assert.deepEqual(await texts('"the bring"'), []);
    const { items, next_cursor, index } = await ask({ q: 'bring' });
    assert.deepEqual(items.map((i) => i.message.text), ['I will bring the contract tomorrow', 'meeting at ten, bring the Straße map']);
    assert.equal(items[0].message.id, out.id);
    assert.match(items[0].snippet, /\*\*bring\*\*/);
    assert.equal(next_cursor, null);
    assert.equal(index.state, 'ready');
  });

  test('filters, pages and rank', async () => {
    assert.deepEqual(await texts('bring', { chat: BOB }), ['meeting at ten, bring the Straße map']);
    assert.deepEqual(await texts('bring', { direction: 'out' }), ['I will bring the contract tomorrow']);
    assert.deepEqual(await texts('bring', { type: 'image' }), []);
    assert.deepEqual(await texts('bring', { until: '2020-01-01T00:00:00Z' }), []);
    assert.equal((await texts('bring', { since: '2020-01-01T00:00:00Z' })).length, 2);
    for (let i = 0; i < 7; i++) await write(ALICE, `parcel number ${i}${i === 3 ? ' parcel parcel' : ''}`);
    for (const order of ['newest', 'rank']) {
      const seen = [];
      for (let cursor = ''; cursor !== null;) {
        const page = await ask({ q: 'parcel', limit: 3, order, ...(cursor ? { cursor } : {}) });
        seen.push(...page.items.map((i) => i.message.text));
        cursor = page.next_cursor;
      }
      assert.equal(new Set(seen).size, 7, order);
      assert.equal(seen.length, 7, order);
      if (order === 'rank') assert.equal(seen[0], 'parcel number 3 parcel parcel');
      else assert.deepEqual(seen.map((t) => t[14]), ['6', '5', '4', '3', '2', '1', '0']);
    }
    const whole = await ask({ q: 'parcel' }, '/v1/tenants/default');
    assert.equal(whole.items.length, 7);
    assert.ok(whole.items.every((i) => i.message.session === 'main'));
  });

  test('captions, file names, places, polls and contacts', async () => {
    const data = Buffer.from('%PDF-1.4 none').toString('base64');
    await write(ALICE, null, { type: 'document', filename: 'quittance-2026.pdf', mimetype: 'application/pdf', data_base64: data });
    await write(ALICE, null, { type: 'location', lat: 1, lng: 2, name: 'Zoological Garden', address: 'Budapester Str 32' });
    await write(ALICE, 'Which colour?', { type: 'poll', poll_options: ['turquoise', 'magenta'] });
    for (const [q, type] of [['quittance', 'document'], ['zoological', 'location'], ['budapester', 'location'], ['turquoise', 'poll'], ['colour', 'poll']]) {
      const { items } = await ask({ q });
      assert.equal(items.length, 1, q);
      assert.equal(items[0].message.type, type, q);
      assert.deepEqual((await ask({ q, type })).items.length, 1);
    }
  });

  test('edited: found by the new words only; revoked: not at all', async () => {
    const id = await write(ALICE, 'the umbrella is blue');
    assert.equal((await texts('umbrella')).length, 1);
    await farEnd.post('/edit', { from: ALICE, to: ME, id, text: 'the parasol is blue' });
    await events.find((e) => e.type === 'message.edited' && e.data.message_id === id, 'edit');
    assert.deepEqual(await texts('umbrella'), []);
    assert.deepEqual(await texts('parasol'), ['the parasol is blue']);
    await farEnd.post('/revoke', { from: ALICE, to: ME, id });
    await events.find((e) => e.type === 'message.revoked' && e.data.message_id === id, 'revoke');
    assert.deepEqual(await texts('parasol'), []);
    assert.equal((await ask({ q: 'blue', chat: TEAM })).items.length, 0);
  });

  test('no query is an error of the index; what cannot be a query says so', async () => {
    const hostile = [
      '"', '""', '"""', '*', '**', '(', ')', '()', 'AND', 'OR', 'NOT', 'NEAR', 'NEAR(a b)', 'a AND', 'OR OR', '^', '^a', '-', '--', '+', 'a + b',
      ':', 'body:x', 'k:s', 'f:"', '{body}', '{body k}: x', '\\', "'", "'; DROP TABLE m; --", '%', '_', '!!!', '..', 'a"b', 'a"b"c', '"a" "', '"a*"', '*a',
      '💥', 'ä'.repeat(100), 'x '.repeat(128), '\u200b', '<b>', '&amp;', 'parcel OR 1=1', 'parcel" OR "bring',
    ];
    for (const q of hostile) {
      const answer = await daemon.call('GET', `${session.path}/search?${new URLSearchParams({ q })}`);
      assert.equal(answer.status, 200, `${JSON.stringify(q)}: ${answer.text}`);
      assert.equal(answer.json.index.state, 'ready', JSON.stringify(q));
    }
    assert.deepEqual(await texts('parcel" OR "bring'), []);
    const bad = async (query, field) => {
      const answer = await daemon.call('GET', `${session.path}/search?${new URLSearchParams(query)}`);
      assert.equal(answer.status, 422, answer.text);
      assert.equal(answer.json.errors[0].field, field);
    };
    await bad({}, 'q');
    await bad({ q: 'y'.repeat(300) }, 'q');
    await bad({ q: 'x', cursor: 'r5' }, 'cursor');
    await bad({ q: 'x', cursor: 'n5x' }, 'cursor');
    await bad({ q: 'x', order: 'best' }, 'order');
    await bad({ q: 'x', type: 'photo' }, 'type');
    assert.equal((await daemon.call('GET', '/v1/tenants/default/sessions/none/search?q=x')).status, 404);
    assert.equal((await daemon.call('GET', '/v1/tenants/nobody/search?q=x')).status, 404);
  });

  test('a file that is deleted, broken or of a crash is mended by itself', async () => {
    const before = (await built()).messages;
    assert.ok(before >= 12);
    const all = await texts('parcel');
    await restart((dir) => fs.readdirSync(dir).forEach((f) => fs.rmSync(path.join(dir, f))));
    assert.equal((await built()).messages, before);
    assert.deepEqual(await texts('parcel'), all);
    await restart((dir) => {
      for (const f of fs.readdirSync(dir)) {
        const file = path.join(dir, f);
        fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size + 5000, 0x55));
      }
    });
    assert.equal((await built()).messages, before);
    assert.deepEqual(await texts('parcel'), all);
    // An older copy of the file, as a restore or a lost power leaves it.
    const dir = path.join(daemon.dataDir, 'search');
    await restart(() => fs.cpSync(dir, `${dir}-old`, { recursive: true }));
    await session.until('ready');
    await write(ALICE, 'parcel that the old file does not know');
    assert.equal((await texts('parcel')).length, 8);
    await restart(() => {
      fs.rmSync(dir, { recursive: true });
      fs.renameSync(`${dir}-old`, dir);
    });
    await built();
    assert.equal((await texts('parcel')).length, 8);
    // kill -9 right behind messages
    await session.until('ready');
    for (let i = 0; i < 20; i++) await write(BOB, `crashing ${i}`);
    await events.close();
    await daemon.kill();
    await daemon.run();
    events = daemon.events();
    assert.equal((await texts('crashing')).length, 20);
  });

  test('many tenants whose indexes are gone: each is made again, whoever asks', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `many-${i}`);
    for (const name of names) {
      await daemon.ok('PUT', `/v1/tenants/${name}`, {});
      await daemon.ok('PUT', `/v1/tenants/${name}/sessions/desk`, { autostart: false });
      await daemon.session(name, 'desk').send(ALICE, `hello from ${name}`);
    }
    await restart((dir) => fs.readdirSync(dir).forEach((f) => fs.rmSync(path.join(dir, f))));
    await Promise.all(names.map((name) => built(`/v1/tenants/${name}`)));
    for (const name of names) {
      const { items, index } = await ask({ q: 'hello' }, `/v1/tenants/${name}`);
      assert.deepEqual(items.map((i) => i.message.text), [`hello from ${name}`]);
      assert.equal(index.state, 'ready');
    }
    assert.equal((await texts('parcel')).length, 8);
  });

  test('what is erased is not found any more; a deleted tenant leaves no file', async () => {
    await daemon.ok('PUT', '/v1/tenants/shop', {});
    await daemon.ok('PUT', '/v1/tenants/shop/sessions/desk', { autostart: false });
    const desk = daemon.session('shop', 'desk');
    await desk.send(ALICE, 'parcel of the shop');
    await built(desk.path);
    assert.equal((await ask({ q: 'parcel' }, desk.path)).items.length, 1);
    assert.equal((await ask({ q: 'shop' }, '/v1/tenants/default')).items.length, 0, 'tenants do not see each other');
    await daemon.ok('DELETE', `${desk.path}?erase=messages`);
    assert.equal((await ask({ q: 'parcel' }, '/v1/tenants/shop')).items.length, 0);
    const file = path.join(daemon.dataDir, 'search', 'shop.db');
    assert.ok(fs.existsSync(file));
    await daemon.ok('DELETE', '/v1/tenants/shop');
    await eventually('removal of the index file', () => !fs.existsSync(file));
  });
});
