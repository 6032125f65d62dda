// What an inbox is made of: chats of all sessions as one list, a thread opened in its middle,
// failed messages sent again. No WhatsApp is needed: what is sent waits, or expires.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ALICE, BOB, Daemon } from './harness.mjs';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const number = (i) => `55119${String(10_000_000 + i)}`;

let daemon, main, events;

before(async () => {
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
  main = daemon.session();
  await main.act('stop');
  events = daemon.events();
});
after(async () => {
  await events.close();
  await daemon.close();
});

async function tenantWith(name, sessions) {
  await daemon.ok('PUT', `/v1/tenants/${name}`, {});
  const made = {};
  for (const s of sessions) {
    await daemon.ok('PUT', `/v1/tenants/${name}/sessions/${s}`, { autostart: false });
    made[s] = daemon.session(name, s);
  }
  return made;
}

async function keyFor(tenant, body) {
  return (await daemon.ok('POST', `/v1/tenants/${tenant}/keys`, body)).key;
}

// Every item of a list, page by page.
async function all(path, limit, options = {}) {
  const items = [];
  let cursor = '';
  do {
    const page = await daemon.ok('GET', `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor && `&cursor=${cursor}`}`, undefined, options);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}

// A message that failed, because it waited too long.
async function failed(session, to, what) {
  const stream = daemon.events(session.tenant, await session.lastSeq());
  const expires_at = new Date(Date.now() + 3000).toISOString();   // not over before it arrives
  const { id } = await daemon.ok('POST', `${session.path}/messages`, { to, ...what, expires_at });
  await stream.find((e) => e.type === 'message.status' && e.data.id === id && e.data.status === 'failed', 'expiry');
  await stream.close();
  return id;
}

const retry = (session, id, options) => daemon.call('POST', `${session.path}/messages/${id}/retry`, options);

// ---- the inbox of several sessions ----

test('chats of all sessions are one list by recency, whatever the page size', async () => {
  const { a, b, c } = await tenantWith('acme', ['a', 'b', 'c']);
  const told = [];
  for (let i = 0; i < 9; i++) {
    for (const s of [a, b, c]) {
      await s.send(number(i), `hello ${i}`);
      told.unshift(`${s.name}:${number(i)}`);
    }
  }
  await a.send(number(0), 'again');   // moves to the top
  told.splice(told.indexOf(`a:${number(0)}`), 1);
  told.unshift(`a:${number(0)}`);

  const one = await daemon.ok('GET', '/v1/tenants/acme/chats?limit=100');
  // messages of the same millisecond have no order of their own among sessions
  const label = (chat) => `${chat.session}:${chat.phone}`;
  assert.deepEqual(one.items.map(label).sort(), [...told].sort());
  assert.equal(label(one.items[0]), told[0]);
  assert.equal(one.next_cursor, null);
  const at = one.items.map((chat) => chat.last_message.timestamp);
  assert.deepEqual(at, [...at].sort().reverse());
  for (const limit of [1, 4, 26, 27]) {
    assert.deepEqual((await all('/v1/tenants/acme/chats', limit)).map(label), one.items.map(label));
  }
  assert.deepEqual(
    [one.items[0].last_message.text, one.items[0].last_message.direction, one.items[0].last_message.status],
    ['again', 'out', 'queued'],
  );
  const some = await all('/v1/tenants/acme/chats?session=a,c', 5);
  assert.deepEqual(some.map(label), one.items.map(label).filter((l) => !l.startsWith('b:')));

  const { items: own } = await daemon.ok('GET', `${a.path}/chats?limit=1`);
  assert.deepEqual(own[0], one.items[0]);   // the session's own list shows the same object
});

test('filters and facets look over all sessions', async () => {
  const path = '/v1/tenants/acme/sessions';
  await daemon.ok('PATCH', `${path}/a/chats/${number(1)}`, { tags: ['vip', 'late'], assignee: 'ana' });
  await daemon.ok('PATCH', `${path}/b/chats/${number(2)}`, { tags: ['vip'], state: 'closed' });
  const found = async (q) => (await all(`/v1/tenants/acme/chats?${q}`, 3)).map((c) => `${c.session}:${c.phone}`).sort();
  assert.deepEqual(await found('tag=vip'), [`a:${number(1)}`, `b:${number(2)}`]);
  assert.deepEqual(await found('assignee=ana'), [`a:${number(1)}`]);
  assert.deepEqual(await found('state=closed&session=b'), [`b:${number(2)}`]);
  assert.deepEqual(await found('state=closed&session=a'), []);
  assert.deepEqual(await found(`q=${number(3)}`), ['a', 'b', 'c'].map((s) => `${s}:${number(3)}`));

  const facets = await daemon.ok('GET', '/v1/tenants/acme/chats/facets');
  assert.deepEqual(facets, {
    tags: [{ tag: 'vip', count: 2 }, { tag: 'late', count: 1 }],
    assignees: [{ assignee: 'ana', count: 1 }],
    counts: { open: 26, closed: 1, unread: 0, unassigned: 26, archived: 0, archived_unread: 0 },
    scanned: 27,
    complete: true,
  });
  await daemon.ok('PATCH', `${path}/b/chats/${number(2)}`, { state: 'open', assignee: 'ana' });
  const { counts } = await daemon.ok('GET', '/v1/tenants/acme/chats/facets');
  assert.deepEqual([counts.closed, counts.unassigned], [0, 25]);
  await daemon.ok('PATCH', `${path}/b/chats/${number(2)}`, { state: 'closed', assignee: null });
  const ofB = await daemon.ok('GET', '/v1/tenants/acme/chats/facets?session=b');
  assert.deepEqual([ofB.tags, ofB.scanned], [[{ tag: 'vip', count: 1 }], 9]);
});

test('a key sees the chats of its sessions, and no other tenant', async () => {
  const { x } = await tenantWith('umbrella', ['x', 'a']);
  await x.send(BOB, 'secret');
  const foreign = await keyFor('umbrella', { name: 'all', role: 'agent' });
  const ofA = await keyFor('acme', { name: 'a only', role: 'agent', sessions: ['a'] });

  const chats = (tenant, key, q = '') => daemon.call('GET', `/v1/tenants/${tenant}/chats${q}`, { key });
  assert.equal((await chats('acme', foreign)).status, 404);
  assert.equal((await chats('umbrella', ofA)).status, 404);
  const { json: theirs } = await chats('umbrella', foreign);
  assert.deepEqual(theirs.items.map((c) => [c.session, c.phone]), [['x', BOB]]);

  const { json: mine } = await chats('acme', ofA, '?limit=100');
  assert.equal(mine.items.length, 9);
  assert.ok(mine.items.every((c) => c.session === 'a'));
  const hidden = await chats('acme', ofA, '?session=a,b');
  assert.deepEqual([hidden.status, hidden.json.code], [404, 'unknown_session']);
  const facets = await daemon.ok('GET', '/v1/tenants/acme/chats/facets', undefined, { key: ofA });
  assert.deepEqual([facets.scanned, facets.counts.closed], [9, 0]);
  const blind = await keyFor('acme', { name: 'blind', scopes: ['webhooks:read'] });
  assert.equal((await chats('acme', blind)).status, 403);

  const bad = await chats('acme', undefined, '?cursor=i1zz');
  assert.deepEqual([bad.status, bad.json.code], [422, 'invalid_cursor']);
});

// ---- a thread ----

test('a thread opens around a message and goes on in both directions', async () => {
  const ids = [];
  for (let i = 0; i < 30; i++) ids.unshift((await main.send(ALICE, `line ${i}`)).id);   // newest first
  await main.send(BOB, 'another chat');
  const path = `${main.path}/chats/${ALICE}/messages`;
  const middle = await daemon.ok('GET', `${path}?around=${ids[15]}&limit=7`);
  assert.deepEqual(middle.items.map((m) => m.id), ids.slice(12, 19));

  const up = [];
  for (let cursor = middle.previous_cursor; cursor !== null;) {
    const page = await daemon.ok('GET', `${path}?limit=5&cursor=${cursor}`);
    up.unshift(...page.items.map((m) => m.id));
    cursor = page.previous_cursor;
    const below = await daemon.ok('GET', `${path}?limit=1&cursor=${page.next_cursor}`);
    assert.equal(below.items[0].id, ids[ids.indexOf(page.items.at(-1).id) + 1]);
  }
  assert.deepEqual(up, ids.slice(0, 12));
  const down = [];
  for (let cursor = middle.next_cursor; cursor !== null;) {
    const page = await daemon.ok('GET', `${path}?limit=5&cursor=${cursor}`);
    assert.equal(page.previous_cursor, null);
    down.push(...page.items.map((m) => m.id));
    cursor = page.next_cursor;
  }
  assert.deepEqual(down, ids.slice(19));

  const newest = await daemon.ok('GET', `${path}?around=${ids[0]}&limit=4`);
  assert.deepEqual([newest.items.map((m) => m.id), newest.previous_cursor], [ids.slice(0, 4), null]);
  const alone = await daemon.ok('GET', `${path}?around=${ids[3]}&limit=1`);
  assert.deepEqual(alone.items.map((m) => m.id), [ids[3]]);
  const session = await daemon.ok('GET', `${main.path}/messages?around=${ids[2]}&limit=5`);
  assert.deepEqual(session.items.map((m) => m.id), ids.slice(0, 5));

  for (const [query, status, code] of [
    [`around=3EB0FFFFFFFFFFFFFFFFFF`, 404, 'unknown_message'],
    [`around=${ids[3]}&cursor=${middle.next_cursor}`, 422, 'invalid_request'],
    [`cursor=n1zz`, 422, 'invalid_cursor'],
    [`cursor=${'n'.repeat(400)}`, 422, 'invalid_cursor'],
  ]) {
    const answer = await daemon.call('GET', `${path}?${query}`);
    assert.deepEqual([answer.status, answer.json.code], [status, code], query);
  }
  const elsewhere = await daemon.call('GET', `${main.path}/chats/${BOB}/messages?around=${ids[3]}`);
  assert.equal(elsewhere.status, 404);
});

// ---- again ----

test('a failed message is sent again as a new one, once', async () => {
  const id = await failed(main, ALICE, { text: 'too late', metadata: { order: 7 }, source: 'dashboard' });
  const list = await daemon.ok('GET', `${main.path}/messages?status=failed`);
  assert.deepEqual(list.items.map((m) => m.id), [id]);

  const answers = await Promise.all(Array.from({ length: 6 }, () => retry(main, id)));
  assert.deepEqual(answers.map((a) => a.status), Array(6).fill(202));
  const again = new Set(answers.map((a) => a.json.id));
  assert.equal(again.size, 1);
  const fresh = answers[0].json;
  assert.deepEqual(
    [fresh.text, fresh.status, fresh.retry_of, fresh.metadata, fresh.source, fresh.chat.phone],
    ['too late', 'queued', id, { order: 7 }, 'dashboard', ALICE],
  );
  assert.equal(answers.filter((a) => a.headers.get('idempotency-replayed') === 'true').length, 5);
  assert.equal((await main.message(id)).retried_as, fresh.id);
  assert.equal((await main.message(id)).status, 'failed');
  const twice = await retry(main, fresh.id);
  assert.deepEqual([twice.status, twice.json.code], [409, 'not_failed']);
  const nothing = await retry(main, '3EB0FFFFFFFFFFFFFFFFFF');
  assert.deepEqual([nothing.status, nothing.json.code], [404, 'unknown_message']);
});

test('what a message carries goes out again: file, place, people, poll, reply', async () => {
  const asked = (await main.send(ALICE, 'first words')).id;
  const kinds = {
    image: { base64: PNG, filename: 'dot.png', caption: 'a dot' },
    location: { latitude: -23.5, longitude: -46.6, name: 'Shop' },
    contacts: [{ name: 'Bob', phones: [BOB] }],
    poll: { question: 'Which?', options: ['one', 'two'], max_choices: 1 },
  };
  for (const [kind, content] of Object.entries(kinds)) {
    const id = await failed(main, ALICE, { [kind]: content, reply_to: asked });
    const old = await main.message(id);
    const { status, json: fresh } = await retry(main, id);
    assert.equal(status, 202, kind);
    for (const member of ['type', 'text', 'media', 'quoted', 'location', 'contacts', 'poll', 'chat']) {
      assert.deepEqual(fresh[member], old[member], `${kind}: ${member}`);
    }
  }
  const forward = await failed(main, BOB, { forward: { message_id: asked } });
  const { json: passed } = await retry(main, forward);
  assert.deepEqual([passed.text, passed.forwarded, passed.chat.phone], ['first words', true, BOB]);
  const wish = await daemon.call('POST', `${main.path}/messages`, { body: { reaction: { message_id: asked, emoji: '👍' } } });
  const op = await retry(main, wish.json.id);
  assert.deepEqual([op.status, op.json.code], [409, 'not_retryable']);
});

test('sending again goes through what guards every send', async () => {
  const { only } = await tenantWith('guarded', ['only']);
  const id = await failed(only, BOB, { text: 'a cheap offer' });
  await daemon.ok('PUT', '/v1/tenants/guarded/guards', { forbidden: [{ pattern: 'cheap', kind: 'word' }] });
  const refused = await retry(only, id);
  assert.deepEqual([refused.status, refused.json.code], [422, 'forbidden_content']);
  await daemon.ok('PUT', '/v1/tenants/guarded/guards', { forbidden: [] });
  await daemon.ok('PUT', `/v1/tenants/guarded/opt-outs/${BOB}`, {});
  const unwanted = await retry(only, id);
  assert.deepEqual([unwanted.status, unwanted.json.code], [422, 'opted_out']);
  await daemon.call('DELETE', `/v1/tenants/guarded/opt-outs/${BOB}`);
  const { json: fresh } = await retry(only, id);
  await daemon.ok('PUT', `/v1/tenants/guarded/opt-outs/${BOB}`, {});
  const { status, json } = await retry(only, id);   // answered before: nothing is sent
  assert.deepEqual([status, json.id], [202, fresh.id]);

  const stranger = await keyFor('acme', { name: 'sender', role: 'agent' });
  assert.equal((await retry(only, id, { key: stranger })).status, 404);
  const reader = await keyFor('guarded', { name: 'reader', role: 'viewer' });
  assert.equal((await retry(only, id, { key: reader })).status, 403);
});

test('a message says who of the team wrote it', async () => {
  const key = await keyFor('acme', { name: 'Ana Lopes', role: 'agent' });
  const { json } = await daemon.call('POST', '/v1/tenants/acme/sessions/a/messages',
    { key, body: { to: BOB, text: 'hi', source: 'dashboard' } });
  assert.deepEqual([json.source, json.sent_by_name], ['dashboard', 'Ana Lopes']);
  assert.match(json.sent_by, /^key:/);
  const note = await daemon.call('POST', `/v1/tenants/acme/sessions/a/chats/${BOB}/notes`, { key, body: { text: 'call back' } });
  assert.deepEqual([note.status, note.json.author_name], [201, 'Ana Lopes']);
  const bad = await daemon.call('POST', '/v1/tenants/acme/sessions/a/messages', { key, body: { to: BOB, text: 'hi', source: 'moon' } });
  assert.deepEqual([bad.status, bad.json.errors[0].field], [422, 'source']);
});

test('the new message of a retry is the same after a crash', async () => {
  const id = await failed(main, ALICE, { text: 'before the crash' });
  const { json: fresh } = await retry(main, id);
  await daemon.kill();
  await daemon.run();
  const { json } = await retry(main, id);
  assert.equal(json.id, fresh.id);
  const { items } = await daemon.ok('GET', `${main.path}/chats/${ALICE}/messages?q=before%20the%20crash`);
  assert.deepEqual(items.map((m) => m.id).sort(), [id, fresh.id].sort());
});
