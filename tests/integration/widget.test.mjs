// The back end of the chat widget: who gets in, and that one chat is all that is seen.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, eventually, FarEnd, ME, TEAM, within } from './harness.mjs';

const QUIET = { 'browser.executable': '/bin/false' };
const T = '/v1/tenants/default';
const MAIN = `${T}/sessions/main`;
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const ticketFor = (daemon, body, options) =>
  daemon.ok('POST', `${T}/widget/tickets`, { session: 'main', to: ALICE, ...body }, options);
const enter = (daemon, ticket) => daemon.call('POST', '/v1/widget/sign-in', { key: '', body: { ticket } });
async function open(daemon, body, options) {
  const { ticket } = await ticketFor(daemon, body, options);
  const answer = await enter(daemon, ticket);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

// The text of an event stream from `after` on; until() ends once it holds what is looked for.
async function stream(daemon, key, after, tenant = T) {
  const request = http.get(`${daemon.base}${tenant}/events?after=${after}`, {
    agent: false, headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
  });
  const [response] = await within(once(request, 'response'), 'stream');
  assert.equal(response.statusCode, 200);
  const all = { text: '' };
  const closed = new Promise((resolve) => response.on('close', resolve));
  response.on('error', () => {});
  response.on('data', (data) => (all.text += data));
  all.until = (part) => within((async () => { while (!all.text.includes(part)) await once(response, 'data'); })(), part);
  all.ended = () => within(closed, 'end of the stream');
  all.close = () => request.destroy();
  return all;
}

describe('without WhatsApp', () => {
  let daemon;
  before(async () => { daemon = await Daemon.start({ settings: { ...QUIET, 'limits.login_failures': 3 } }); });
  after(() => daemon?.close());

  test('every route is closed to it but those that are marked', async () => {
    const { credential } = await open(daemon);
    const document = await daemon.ok('GET', '/openapi.json');
    const own = { tenant: 'default', session: 'main', chat: ALICE, message: 'm', media: 'f' };
    const marked = [];
    let closed = 0;
    for (const [pattern, path] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(path)) {
        if (operation.security?.length === 0) continue;
        const where = pattern.replace(/\{(\w+)\}/g, (_, name) => own[name] ?? 'x');
        const body = method === 'get' || method === 'delete' ? undefined : {};
        const answer = await daemon.call(method.toUpperCase(), where, { key: credential, body });
        const what = `${method} ${pattern}: ${answer.status} ${answer.text}`;
        if (operation['x-widget']) {
          marked.push(`${method} ${pattern.replace(/^\/v1\/tenants\/{tenant}/, '').replace('/sessions/{session}', 'S')}`);
          assert.ok(![401, 403, 500].includes(answer.status), what);
        } else {
          assert.equal(answer.status, 403, what);
          assert.equal(answer.json.code, 'forbidden', what);
          closed++;
        }
      }
    }
    assert.ok(closed > 60, `${closed}`);
    // whoever marks another one looks twice
    for (const known of ['get S/chats/{chat}', 'get S/chats/{chat}/messages', 'post S/messages', 'get S/messages/{message}',
      'post S/messages/{message}/media/refetch', 'post S/chats/{chat}/read', 'post S/chats/{chat}/presence', 'post /media',
      'get /media/{media}', 'get /media/{media}/info', 'post /media/{media}/link', 'get /events', 'post /events/tickets',
      'get /widget/chat', 'post S/messages/{message}/retry', 'patch S/messages/{message}', 'delete S/messages/{message}']) {
      assert.ok(marked.includes(known), known);
      marked.splice(marked.indexOf(known), 1);
    }
    assert.deepEqual(marked, []);
    assert.equal((await daemon.call('GET', `${T}/widget/chat`)).status, 403);
  });

  test('one widget does not take the event streams of all', async () => {
    const { credential: key } = await open(daemon, { agent: 'Greedy' });
    const { credential: other } = await open(daemon, { agent: 'Modest' });
    const streams = [];
    try {
      for (let i = 0; i < 32; i++) streams.push(await stream(daemon, key, 0));
      const more = await daemon.call('GET', `${T}/events`, { key, headers: { accept: 'text/event-stream' } });
      assert.deepEqual([more.status, more.json.code], [429, 'too_many_streams']);
      for (const who of [other, daemon.key]) streams.push(await stream(daemon, who, 0));
      streams[0].close();
      await streams[0].ended();
    } finally {
      for (const s of streams) s.close();
    }
  });

  test('another tenant, session or chat is not there', async () => {
    await daemon.ok('PUT', '/v1/tenants/acme', {});
    await daemon.ok('PUT', `${T}/sessions/other`, { autostart: false });
    const { credential: key } = await open(daemon);
    const walk = [['GET', '/v1/tenants/acme/events', 'unknown_tenant'], ['GET', '/v1/tenants/acme/widget/chat', 'unknown_tenant'],
      ['GET', `${T}/sessions/other/chats/${ALICE}/messages`, 'unknown_session'],
      ['POST', `${T}/sessions/other/messages`, 'unknown_session'],
      ['GET', `${MAIN}/chats/${BOB}`, 'unknown_chat'], ['GET', `${MAIN}/chats/${BOB}/messages`, 'unknown_chat'],
      ['GET', `${MAIN}/chats/${TEAM}/messages`, 'unknown_chat'], ['GET', `${MAIN}/chats/x/messages`, 'unknown_chat'],
      ['POST', `${MAIN}/chats/${BOB}/read`, 'unknown_chat'], ['POST', `${MAIN}/chats/${BOB}/presence`, 'unknown_chat']];
    for (const [method, where, code] of walk) {
      const answer = await daemon.call(method, where, { key, body: method === 'GET' ? undefined : { to: ALICE, text: 'x' } });
      assert.equal(answer.status, 404, `${where}: ${answer.text}`);
      assert.equal(answer.json.code, code, where);
    }
    const send = (body) => daemon.call('POST', `${MAIN}/messages`, { key, body });
    assert.equal((await send({ to: BOB, text: 'x' })).status, 404);
    assert.equal((await send({ to: 'status', text: 'x' })).status, 404);
    assert.equal((await send({ text: 'x' })).status, 422);
    assert.equal((await send({ to: ALICE, forward: { message_id: 'x' } })).status, 403);
    assert.equal((await send({ to: ALICE, image: { url: `${daemon.base}/x.png` } })).status, 403);
    const sent = await send({ to: `+${ALICE.slice(0, 4)} ${ALICE.slice(4)}`, text: 'x' });
    assert.equal(sent.status, 202, sent.text);
    assert.match(sent.json.sent_by ?? '', /^widget:/);
    const list = await daemon.ok('GET', `${MAIN}/chats/${ALICE}/messages`, undefined, { key });
    assert.deepEqual(list.items.map((m) => m.id), [sent.json.id]);
  });

  test('a ticket works once, a wrong one is a failed login, an expired credential is none', async () => {
    const { ticket, url, expires_at: expires } = await ticketFor(daemon, { agent: 'Maria', ttl_s: 1 });
    assert.equal(url, '/widget/default');
    assert.ok(Date.parse(expires) > Date.now());
    const first = await enter(daemon, ticket);
    assert.equal(first.status, 200);
    assert.equal(first.json.agent, 'Maria');
    const second = await enter(daemon, ticket);
    assert.equal(second.status, 401);
    assert.equal(second.json.code, 'ticket_used');
    // who sends none guesses none
    for (let i = 0; i < 6; i++) assert.equal((await enter(daemon, null)).status, 422);
    // a page out of a cache shows it again: that is no guess
    for (let i = 0; i < 6; i++) assert.equal((await enter(daemon, ticket)).status, 401);
    const look = () => daemon.call('GET', `${T}/widget/chat`, { key: first.json.credential });
    let answer;
    await within((async () => { do answer = await look(); while (answer.status === 200); })(), 'expiry');
    assert.equal(answer.status, 401);
    assert.equal(answer.json.code, 'credential_expired');
    // expired ones are not held against the address, guesses are
    for (let i = 0; i < 5; i++) assert.equal((await look()).status, 401);
    let status;
    await within((async () => { do ({ status } = await enter(daemon, `wwt_${'0'.repeat(43)}`)); while (status === 401); })(), 'limit');
    assert.equal(status, 429);
  });
});

test('what is looked for in the messages of the chat is counted first', async () => {
  const daemon = await Daemon.start({ settings: { ...QUIET, 'limits.rates': 'on', 'limits.media_per_minute': 3 } });
  try {
    const { credential: key } = await open(daemon);
    const look = (i) => daemon.call('GET', `${T}/media/${i.toString(16).padStart(64, '0')}`, { key });
    const answers = [];
    for (let i = 0; i < 30; i++) answers.push((await look(i)).status);
    assert.equal(answers[0], 404);
    assert.ok(answers.includes(429), `${answers}`);
  } finally {
    await daemon.close();
  }
});

test('a later tenant of the same name is another one', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const where = '/v1/tenants/shop';
    const make = async () => {
      await daemon.ok('PUT', where, {});
      await daemon.ok('PUT', `${where}/sessions/main`, {});
    };
    await make();
    const { ticket } = await daemon.ok('POST', `${where}/widget/tickets`, { session: 'main', to: ALICE });
    const { credential } = (await enter(daemon, ticket)).json;
    const spare = await daemon.ok('POST', `${where}/widget/tickets`, { session: 'main', to: ALICE });
    const look = () => daemon.call('GET', `${where}/widget/chat`, { key: credential });
    assert.equal((await look()).status, 200);
    const live = await stream(daemon, credential, 0, where);
    await daemon.ok('DELETE', where);
    await eventually('the tenant is gone', async () => (await daemon.call('GET', where)).status === 404);
    await make();
    assert.equal((await look()).json.code, 'credential_revoked');
    await live.ended();
    assert.equal((await enter(daemon, spare.ticket)).status, 401);
  } finally {
    await daemon.close();
  }
});

test('it is worth what its key is worth, and outlives a restart', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const made = await daemon.ok('POST', `${T}/keys`, { role: 'agent', sessions: ['ma*'] });
    const own = { key: made.key };
    const first = await open(daemon, { agent: 'Maria' }, own);
    assert.deepEqual([first.can_send, first.can_attach, first.chat], [true, true, `${ALICE}@c.us`]);
    const look = (who, where = `${T}/widget/chat`) => daemon.call('GET', where, { key: who.credential });
    assert.equal((await look(first)).status, 200);

    await daemon.stop();
    await daemon.run();
    assert.equal((await look(first)).status, 200);

    const reader = await open(daemon, { can_send: false }, own);
    assert.equal(reader.can_send, false);
    const refused = await daemon.call('POST', `${MAIN}/messages`, { key: reader.credential, body: { to: ALICE, text: 'x' } });
    assert.equal(refused.status, 403);
    assert.equal((await daemon.call('POST', `${T}/media`, { key: reader.credential, body: 'x' })).status, 403);

    const forged = `${first.credential.slice(0, -1)}${first.credential.endsWith('0') ? '1' : '0'}`;
    assert.equal((await look({ credential: forged })).status, 401);

    const live = await stream(daemon, first.credential, 0);
    await daemon.ok('PATCH', `${T}/keys/${made.id}`, { sessions: ['sales'] });
    assert.equal((await look(first)).json.code, 'credential_revoked');
    await live.ended();
    await daemon.ok('PATCH', `${T}/keys/${made.id}`, { sessions: ['*'] });
    assert.equal((await look(first)).status, 200);
    await daemon.ok('DELETE', `${T}/keys/${made.id}`);
    assert.equal((await look(first)).json.code, 'credential_revoked');
    assert.equal((await look(reader)).json.code, 'credential_revoked');

    const audit = (await daemon.ok('GET', `${T}/audit?action=widget.*&order=oldest`)).items;
    assert.deepEqual(audit.map((r) => r.action), ['widget.ticket', 'widget.sign_in', 'widget.ticket', 'widget.sign_in']);
    assert.equal(audit[0].detail.to, ALICE);
    assert.equal(audit[1].actor, 'widget:Maria');
    assert.ok(!JSON.stringify(audit).includes('wwt_') && !JSON.stringify(audit).includes('waw_'));
    assert.ok(!daemon.tail(1000).includes('waw_') && !daemon.tail(1000).includes('wwt_'));
  } finally {
    await daemon.close();
  }
});

test('the script is for every page, the frame for those that are listed', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    const script = await daemon.call('GET', '/widget.js', { key: '' });
    assert.equal(script.status, 200);
    assert.match(script.type, /javascript/);
    assert.equal(script.headers.get('cross-origin-resource-policy'), 'cross-origin');
    assert.match(script.headers.get('cache-control'), /max-age=\d{2,4}$/);
    const again = await daemon.call('GET', '/widget.js', { key: '', headers: { 'if-none-match': script.headers.get('etag') } });
    assert.equal(again.status, 304);
    const frame = (tenant) => daemon.call('GET', `/widget/${tenant}`, { key: '' });
    const hidden = await frame('default');
    const nobody = await frame('nobody');
    assert.equal(hidden.status, 200);
    assert.equal(hidden.text, nobody.text);
    for (const name of ['content-security-policy', 'x-frame-options', 'cross-origin-resource-policy']) {
      assert.equal(hidden.headers.get(name), nobody.headers.get(name), name);
    }
    const origins = Array.from({ length: 16 }, (_, i) => `https://${'a'.repeat(60)}.${'b'.repeat(40)}.example:100${10 + i}`);
    await daemon.ok('PUT', `${T}/widget`, { origins });
    const shown = await frame('default');
    assert.match(shown.headers.get('content-security-policy'), /default-src 'none'.*script-src 'self' 'sha256-[^ ]+';/);
    assert.equal(/frame-ancestors (.*)$/.exec(shown.headers.get('content-security-policy'))[1], origins.join(' '));
    assert.equal(shown.headers.get('x-frame-options'), null);
    for (const path of ['/widget', '/widget/', '/widget/a/b', '/widget.html']) {
      assert.equal((await daemon.call('GET', path, { key: '' })).status, 404, path);
    }
  } finally {
    await daemon.close();
  }
});

test('origins are checked, kept, and the tenant manages its own', async () => {
  const daemon = await Daemon.start({ settings: QUIET });
  try {
    assert.deepEqual(await daemon.ok('GET', `${T}/widget`), { origins: [] });
    const { key } = await daemon.ok('POST', `${T}/keys`, { scopes: ['tenant:manage'] });
    const put = (origins) => daemon.call('PUT', `${T}/widget`, { key, body: { origins } });
    const answer = await put(['https://ERP.example.com/', 'http://localhost:8000']);
    assert.deepEqual(answer.json, { origins: ['https://erp.example.com', 'http://localhost:8000'] });
    for (const bad of ['http://erp.example.com', 'https://*', 'https://a.example/x', 7]) {
      const refused = await put([bad]);
      assert.equal(refused.status, 422, String(bad));
      assert.equal(refused.json.code, 'invalid_origin');
      assert.equal(refused.json.errors[0].field, 'origins[0]');
    }
    assert.equal((await put(Array.from({ length: 17 }, (_, i) => `https://a${i}.example`))).status, 422);
    const tenant = await daemon.ok('GET', T);
    assert.deepEqual(tenant.widget, { origins: ['https://erp.example.com', 'http://localhost:8000'] });
    await daemon.ok('PUT', T, { name: 'Default' });
    assert.equal((await daemon.ok('GET', `${T}/widget`)).origins.length, 2);
    assert.equal((await daemon.call('PUT', '/v1/tenants/nobody/widget', { body: { origins: [] } })).status, 404);
    assert.equal((await daemon.call('GET', '/v1/tenants/nobody')).status, 404);
    const { key: viewer } = await daemon.ok('POST', `${T}/keys`, { role: 'viewer' });
    assert.equal((await daemon.call('PUT', `${T}/widget`, { key: viewer, body: { origins: [] } })).status, 403);
  } finally {
    await daemon.close();
  }
});

describe('on WhatsApp', () => {
  let farEnd, daemon, session, events;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    events = daemon.events();
    await session.link();
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });
  const received = async (from, to, more) => {
    const { id } = await farEnd.post('/send', { from, to, ...more });
    return (await events.find((e) => e.type === 'message.received' && e.data.id === id, 'received')).data;
  };

  test('messages, files and events of one chat, and nothing of the others', async () => {
    const mine = await received(ALICE, ME, { text: 'from Alice' });
    const other = await received(BOB, ME, { text: 'from Bob' });
    await received(ALICE, TEAM, { text: 'Alice in the group' });
    const photo = async (from, caption) => {
      const m = await received(from, ME, { type: 'image', caption, mimetype: 'image/png', data_base64: PNG });
      return (await events.find((e) => e.type === 'message.media' && e.data.id === m.id, 'file')).data;
    };
    const picture = await photo(BOB, 'of Bob');
    const { credential: key } = await open(daemon, { agent: 'Maria' });
    const call = (method, where, body) => daemon.call(method, where, { key, body });

    assert.equal((await call('GET', `${MAIN}/messages/${mine.id}`)).status, 200);
    assert.equal((await call('GET', `${MAIN}/messages/${other.id}`)).status, 404);
    assert.equal((await call('POST', `${MAIN}/messages/${other.id}/media/refetch`)).status, 404);
    assert.equal((await call('POST', `${MAIN}/messages`, { to: ALICE, text: 'x', reply_to: other.id })).status, 404);
    for (const name of [mine.chat.id, mine.chat.lid, mine.chat.contact_id, ALICE].filter(Boolean)) {
      const { items } = (await call('GET', `${MAIN}/chats/${name}/messages`)).json;
      assert.deepEqual(items.map((m) => m.text), ['from Alice'], name);
    }
    // a file is seen once it is in this chat, or was uploaded here
    const file = `${T}/media/${picture.media.sha256}`;
    for (const [method, where] of [['GET', file], ['GET', `${file}/info`], ['POST', `${file}/link`]]) {
      assert.equal((await call(method, where, method === 'POST' ? {} : undefined)).status, 404, where);
    }
    const image = { image: { media_id: picture.media.sha256 } };
    assert.equal((await call('POST', `${MAIN}/messages`, { to: ALICE, ...image })).status, 404);
    const named = await received(ALICE, ME, { text: `look at ${picture.media.sha256}` });
    assert.ok(named.text.includes(picture.media.sha256));
    assert.equal((await call('GET', file)).status, 404);
    const uploaded = await fetch(`${daemon.base}${T}/media?filename=a.png`, {
      method: 'POST', body: Buffer.from(PNG, 'base64'), headers: { authorization: `Bearer ${key}`, 'content-type': 'image/png' },
    });
    assert.equal(uploaded.status, 201);
    const { media_id: id } = await uploaded.json();
    const sent = await call('POST', `${MAIN}/messages?wait=device&timeout_s=60`, { to: ALICE, image: { media_id: id, caption: 'mine' } });
    assert.equal(sent.status, 200, sent.text);
    assert.equal(sent.json.sent_by, 'widget:Maria');
    assert.equal((await call('GET', `${T}/media/${id}`)).status, 200);
    await photo(ALICE, 'of Alice');

    assert.equal((await call('POST', `${MAIN}/chats/${ALICE}/presence`, { state: 'typing' })).status, 204);
    assert.equal((await call('POST', `${MAIN}/chats/${ALICE}/read`)).status, 204);

    const seen = (await call('GET', `${T}/events?limit=500`)).json.items;
    const all = (await daemon.ok('GET', `${T}/events?limit=500`)).items;   // more may have come meanwhile
    const own = all.filter((e) => e.seq <= seen.at(-1).seq && /^message\.|^chat\.updated$/.test(e.type) &&
      (e.data.chat ?? e.data.message?.chat)?.phone === ALICE);
    assert.deepEqual(seen, own);
    assert.ok(all.length > seen.length && seen.some((e) => e.type === 'message.status') && seen.some((e) => e.type === 'message.media'));
    const live = await stream(daemon, key, 0);
    const last = await received(BOB, ME, { text: 'Bob once more' });
    const end = await received(ALICE, ME, { text: 'the end' });
    await live.until(end.id);
    live.close();
    assert.ok(!live.text.includes(last.id) && !live.text.includes(BOB) && !live.text.includes('in the group'));
  });

  test('reactions, edits and deletions: of this chat, and of what was sent from here', async () => {
    const theirs = await received(ALICE, ME, { text: 'how much is it?' });
    const foreign = await received(BOB, ME, { text: 'not for the widget' });
    const sent = (to, text, options) => daemon.ok('POST', `${MAIN}/messages?wait=device`, { to, text }, options);
    const toBob = await sent(BOB, 'to Bob');
    const { credential: key, account } = await open(daemon, { agent: 'Maria' });
    assert.equal(account.phone, ME);
    const mine = await sent(ALICE, '10', { key });
    const { id: phoned } = await farEnd.post('/send', { from: ME, to: ALICE, text: 'written on the phone' });
    await events.find((e) => e.type === 'message.sent' && e.data.id === phoned, 'written on the phone');
    const call = async (method, where, body) => {
      const { status, json } = await daemon.call(method, `${MAIN}/messages${where}`, { key, body });
      return [status, json?.code];
    };
    const react = (message_id, to = ALICE) => call('POST', '', { to, reaction: { message_id, emoji: '👍' } });

    // of another chat nothing is there, whoever is named beside it
    for (const { id } of [foreign, toBob]) {
      assert.deepEqual(await react(id), [404, 'unknown_message']);
      assert.deepEqual(await react(id, BOB), [404, 'unknown_message']);
      assert.deepEqual(await call('PATCH', `/${id}`, { text: 'x' }), [404, 'unknown_message']);
      assert.deepEqual(await call('DELETE', `/${id}`), [404, 'unknown_message']);
    }
    assert.deepEqual(await react('3EB0NOBODYKNOWSTHIS0'), [404, 'unknown_message']);
    assert.deepEqual(await react(theirs.id, BOB), [404, 'unknown_chat']);
    // nor does it change what others wrote, or the phone did
    for (const id of [theirs.id, phoned]) {
      assert.deepEqual(await call('PATCH', `/${id}`, { text: 'x' }), [409, 'not_yours']);
      assert.deepEqual(await call('DELETE', `/${id}`), [409, 'not_yours']);
    }
    assert.deepEqual(await call('POST', '', { to: ALICE, reaction: { message_id: theirs.id, emoji: '👍', chat: BOB } }), [422, 'unknown_field']);

    const live = await stream(daemon, key, 0);
    const told = (type, what) => events.find((e) => e.type === type && what(e.data.message ?? e.data, e.data), type);
    const emoji = (m) => (m.reactions ?? []).map((r) => r.emoji).join();
    assert.deepEqual(await react(theirs.id), [202, undefined]);
    await told('message.reaction', (m) => m.id === theirs.id && emoji(m) === '👍');
    assert.deepEqual(await call('POST', '', { to: ALICE, reaction: { message_id: theirs.id, emoji: '' } }), [202, undefined]);
    await told('message.reaction', (m) => m.id === theirs.id && emoji(m) === '');
    assert.deepEqual(await call('PATCH', `/${mine.id}`, { text: '12' }), [202, undefined]);
    await told('message.edited', (m) => m.id === mine.id && m.text === '12');
    assert.deepEqual(await call('DELETE', `/${mine.id}`), [202, undefined]);
    const { seq } = await told('message.revoked', (m) => m.id === mine.id);
    const end = await received(ALICE, ME, { text: 'that is all' });
    await live.until(end.id);
    live.close();
    for (const type of ['message.reaction', 'message.edited', 'message.revoked']) assert.ok(live.text.includes(`event: ${type}`), type);
    assert.ok(seq > 0 && !live.text.includes('to Bob'));
    // what Bob got is as it was
    const still = await daemon.ok('GET', `${MAIN}/messages/${toBob.id}`);
    assert.deepEqual([still.text, still.reactions ?? []], ['to Bob', []]);
    // who may only read changes nothing
    const { credential: reader } = await open(daemon, { can_send: false });
    for (const [method, body] of [['PATCH', { text: 'x' }], ['DELETE', undefined]]) {
      assert.equal((await daemon.call(method, `${MAIN}/messages/${end.id}`, { key: reader, body })).status, 403);
    }
  });

  test('who turns out to be the same person is the same chat, also while it is open', async () => {
    const ZOE = '5511955550001';
    await farEnd.post('/accounts', { phone: ZOE, name: 'Zoe', hidden_phone: true });
    const { credential: key, phone } = await open(daemon, { to: ZOE });
    assert.equal(phone, ZOE);
    const list = async () => (await daemon.ok('GET', `${MAIN}/chats/${ZOE}/messages`, undefined, { key })).items.map((m) => m.text).sort();
    assert.deepEqual(await list(), []);   // nobody ever wrote: the first send makes the chat
    const before = await received(ZOE, ME, { text: 'from nowhere' });
    assert.equal((await daemon.call('GET', `${MAIN}/messages/${before.id}`, { key })).status, 404);
    const live = await stream(daemon, key, 0);
    const sent = await daemon.ok('POST', `${MAIN}/messages?wait=server`, { to: ZOE, text: 'to your number' }, { key });
    await live.until(sent.id);
    await farEnd.post('/reveal', { account: ME, phone: ZOE });
    await events.find((e) => e.type === 'contact.identity' && e.data.now.phone === ZOE, 'identity');
    const after = await received(ZOE, ME, { text: 'now you know me' });
    await live.until(after.id);
    live.close();
    assert.deepEqual(await list(), ['from nowhere', 'now you know me', 'to your number']);
    assert.equal((await daemon.call('GET', `${MAIN}/messages/${before.id}`, { key })).status, 200);
  });
});
