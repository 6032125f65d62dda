// The phone API without a browser: what it refuses, and what it says about a page that is played here
// by a few requests.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ALICE, BOB, ME, phoneClient, startFarEnd, TEAM } from './support.mjs';

let far, phone;

before(async () => {
  far = await startFarEnd();
  phone = far.phone;
});

after(() => far?.close());

async function refused(status, pattern, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status, status, error.message);
    assert.match(error.answer.error, pattern);
    return true;
  });
}

test('bad input is refused by name', async () => {
  const wrong = [
    ['/accounts', { name: 'X' }, /^phone: /],
    ['/accounts', { phone: '12', name: 'X' }, /^phone: must be 5 to 20 digits/],
    ['/accounts', { phone: '5511999', name: '' }, /^name: /],
    ['/accounts', { phone: '5511999', name: 'X', lid: 'abc' }, /^lid: /],
    ['/accounts', { phone: '5511999', name: 'X', lid_migrated: 'yes' }, /^lid_migrated: must be a boolean/],
    ['/accounts', { phone: '5511999', name: 'X', lid: '10000000000001' }, /belongs to 5511900000001/],
    ['/groups', { subject: 'X' }, /^owner: /],
    ['/contact', { account: ME, phone: ALICE, saved: 'yes' }, /^saved: /],
    ['/contact', { account: ME, phone: ALICE, business: 'shop' }, /^business: /],
    ['/picture', { phone: ALICE }, /^data_base64: /],
    ['/group-change', { group: TEAM, by: ME, action: 'dissolve' }, /^action: /],
    ['/group-change', { group: TEAM, by: ME, action: 'add' }, /^participants: /],
    ['/chat-set', { account: ME, chat: ALICE, muted_until: -2 }, /^muted_until: /],
    ['/bulk', { account: ME, chats: 0, messages: 1 }, /^chats: /],
    ['/bulk', { account: ME }, /^chats: /],
    ['/phone-history', { account: ME, chat: ALICE }, /^messages: /],
    ['/phone-history', { account: ME, chat: TEAM, messages: [] }, /^chat: /],
    ['/phone-history', { account: ME, chat: ALICE, messages: [{ text: 'x', from: BOB }] }, /^messages\[0\]\.from/],
    ['/scan', { account: ME }, /^qr: /],
    ['/pairing-code', { account: ME }, /^code: /],
    ['/send', { to: ME, text: 'x' }, /^from: /],
    ['/send', { from: ALICE, text: 'x' }, /^to: /],
    ['/send', { from: ALICE, to: ME }, /^text: /],
    ['/send', { from: ALICE, to: ME, text: 5 }, /^text: must be a string/],
    ['/send', { from: ALICE, to: ME, text: 'x', type: 'telegram' }, /^type: /],
    ['/send', { from: ALICE, to: ME, text: 'x', id: 'no_good' }, /^id: /],
    ['/send', { from: ALICE, to: ME, text: 'x', t: -1 }, /^t: /],
    ['/send', { from: ALICE, to: ME, type: 'video', gif: 'yes' }, /^gif: /],
    ['/send', { from: ALICE, to: ME, type: 'video', size_bytes: 1e12 }, /^size_bytes: /],
    ['/send', { from: ALICE, to: ME, type: 'vcard', contacts: [{ phones: ['5511'] }] }, /^contacts: /],
    ['/send', { from: ALICE, to: ME, text: 'x', link: 'https://example.com' }, /^link: /],
    ['/send', { from: ALICE, to: ME, text: 'x', lat: 'north' }, /^lat: /],
    ['/status', { from: ALICE, type: 'poll' }, /^type: /],
    ['/presence', { from: ALICE, to: ME, state: 'bored' }, /^state: /],
    ['/call', { from: ALICE, to: ME, video: 1 }, /^video: /],
    ['/send-batch', {}, /^messages: /],
    ['/send-batch', { messages: [{ from: ALICE, to: ME, text: 'x' }, { from: ALICE, to: ME }] }, /^messages\[1\]\.t/],
    ['/react', { from: ALICE, to: ME, id: 'AAAA' }, /^emoji: /],
    ['/read', { account: ME, from: ALICE, ids: 'AAAA' }, /^ids: /],
    ['/drop', { ms: 'soon' }, /^ms: /],
    ['/knobs', { nonsense: 1 }, /unknown knob/],
    ['/knobs', { sync_ms: -1 }, /bad value/],
  ];
  for (const [route, body, pattern] of wrong) await refused(400, pattern, phone.post(route, body));
  await refused(400, /^for: /, phone.get(`/wait?account=${ME}`));
  await refused(400, /^for: unknown/, phone.get('/wait?for=christmas'));
  await refused(400, /^account: /, phone.get('/wait?for=linked'));
  await refused(400, /^count: /, phone.get(`/wait?for=received&account=${ME}&count=some`));
});

test('a batch with one bad message sends none of them', async () => {
  const messages = [{ from: ALICE, to: BOB, text: 'x' }, { from: ALICE, to: BOB, type: 'chat' }];
  await assert.rejects(phone.post('/send-batch', { messages }));
  assert.equal((await phone.get(`/inbox?account=${BOB}`)).total, 0);
});

test('what is not there is a 404', async () => {
  await refused(404, /no route/, phone.get('/nowhere'));
  await refused(404, /no route/, phone.get('/send'));
  await refused(404, /no account 123/, phone.post('/unlink', { account: '123' }));
  await refused(404, /no account or group/, phone.post('/send', { from: ALICE, to: '1@g.us', text: 'x' }));
  await refused(404, /no group/, phone.get('/group?id=1@g.us'));
  await refused(404, /no chat/, phone.get(`/history?account=${ME}&chat=1@g.us`));
  await refused(403, /no admin/, phone.post('/group-change', { group: TEAM, by: ALICE, action: 'announce' }));
  await refused(403, /not in group/, phone.post('/group-change', { group: TEAM, by: '5511900000003', action: 'leave' }));
  await refused(404, /no message/, phone.post('/edit', { from: ALICE, to: ME, id: 'ZZZZ', text: 'x' }));
  await refused(404, /no call/, phone.post('/call-end', { id: 'ZZZZ' }));
  await refused(404, /no file/, phone.get(`/received-file?account=${ME}&id=ZZZZ`));
});

test('only admins write where it is so', async () => {
  const { id } = await phone.post('/groups', { subject: 'News', owner: ALICE, members: [BOB] });
  await phone.post('/group-change', { group: id, by: ALICE, action: 'announce' });
  await refused(400, /only admins/, phone.post('/send', { from: BOB, to: id, text: 'me too' }));
  await phone.post('/group-change', { group: id, by: ALICE, action: 'promote', participants: [BOB] });
  await phone.post('/send', { from: BOB, to: id, text: 'me too' });
});

test('what each was there for is in the history each has', async () => {
  const { id } = await phone.post('/groups', { subject: 'Comings', owner: ALICE, members: [] });
  await phone.post('/send', { from: ALICE, to: id, text: 'alone' });
  await phone.post('/group-change', { group: id, by: ALICE, action: 'add', participants: [BOB] });
  await phone.post('/send', { from: ALICE, to: id, text: 'together' });
  await phone.post('/group-change', { group: id, by: BOB, action: 'leave' });
  await phone.post('/send', { from: ALICE, to: id, text: 'alone again' });
  const seen = async (phoneOf) =>
    (await phone.get(`/history?account=${phoneOf}&chat=${id}`)).items.map((m) => m.subtype ?? m.text);
  assert.deepEqual(await seen(ALICE), ['create', 'alone', 'add', 'together', 'leave', 'alone again']);
  assert.deepEqual(await seen(BOB), ['add', 'together', 'leave']);
  const { items } = await phone.get(`/chats?account=${BOB}`);
  assert.equal(items.find((chat) => chat.id === id).unread, 1);
});

test('a body that is not a JSON object is refused', async () => {
  for (const body of ['{', '[]', '"x"']) {
    const response = await fetch(`http://127.0.0.1:${far.phone_port}/send`, { method: 'POST', body });
    assert.equal(response.status, 400);
    assert.match((await response.json()).error, /^body is not/);
  }
});

test('a code nobody shows is refused', async () => {
  await refused(422, /1 fields/, phone.post('/scan', { account: ME, qr: 'x' }));
  await refused(422, /^ref: unknown/, phone.post('/scan', { account: ME, qr: '2@x,a,b,c,1' }));
  await refused(422, /^code: unknown/, phone.post('/pairing-code', { account: ME, code: 'ABCD-EFGH' }));
});

test('people write to each other without any page', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: TEAM, text: 'hello', id: 'ABCD' });
  const { items } = await phone.get(`/inbox?account=${BOB}`);
  assert.deepEqual([id, items.at(-1).id, items.at(-1).from, items.at(-1).text], ['ABCD', 'ABCD', ALICE, 'hello']);
  await phone.post('/knobs', { account: BOB, echo: true });
  await phone.post('/send', { from: ALICE, to: BOB, text: 'anybody?' });
  const answers = await phone.wait('inbox', { account: ALICE });
  assert.equal(answers.items.at(-1).text, 'echo: anybody?');
  await phone.post('/knobs', { account: BOB, echo: false });
});

test('messages of every kind say what they carry, polls what was voted', async () => {
  const last = async () => (await phone.get(`/inbox?account=${BOB}`)).items.at(-1);
  const send = (message) => phone.post('/send', { from: ALICE, to: BOB, ...message });
  await send({ type: 'location', lat: 1, lng: 2, name: 'Here', address: 'Street 1', live: true });
  const place = { latitude: 1, longitude: 2, name: 'Here', address: 'Street 1', live: true };
  assert.deepEqual((await last()).location, place);
  await send({ type: 'vcard', contacts: [{ name: 'Zoe', phones: ['5511955554444'] }] });
  const [{ name, phones, vcard }] = (await last()).contacts;
  assert.deepEqual([name, phones, vcard.split('\n')[0]], ['Zoe', ['5511955554444'], 'BEGIN:VCARD']);
  await send({ type: 'document', size_bytes: 1000, seed: 'x', view_once: true, forwarded: true, mentions: [BOB] });
  const { size, view_once, forwarded, mentions } = await last();
  assert.deepEqual([size, view_once, forwarded, mentions], [1000, true, true, [BOB]]);

  const { id } = await send({ type: 'poll', text: 'Which?', poll_options: ['a', 'b'], max_choices: 1 });
  await refused(400, /^options: the poll has no "c"/, phone.post('/vote', { from: BOB, to: ALICE, id, options: ['c'] }));
  for (const options of [['a'], ['b']]) await phone.post('/vote', { from: BOB, to: ALICE, id, options });
  const { votes, ...poll } = (await last()).poll;
  assert.deepEqual(poll, { question: 'Which?', options: ['a', 'b'], max_choices: 1 });
  assert.deepEqual(votes.map(({ by, options }) => [by, options]), [[BOB, ['b']]]);
});

test('a new account and a new group can be used at once', async () => {
  const { lid } = await phone.post('/accounts', { phone: '5511900000099', name: 'Zoe', lid_migrated: false });
  assert.match(lid, /^\d+$/);
  const { id } = await phone.post('/groups', { subject: 'Two', owner: ALICE, members: ['5511900000099'] });
  await phone.post('/send', { from: ALICE, to: id, text: 'hi Zoe' });
  const { items } = await phone.get('/inbox?account=5511900000099');
  assert.equal(items[0].to, id);
});

test('waiting ends when it is true, and with 408 when it stays false', async () => {
  await refused(408, /timed out/, phone.get(`/wait?for=linked&account=${ME}&timeout_ms=10`));
  const waiting = phone.wait('inbox', { account: ME, count: 1 });
  await phone.post('/send', { from: ALICE, to: ME, text: 'now' });
  assert.equal((await waiting).total, 1);
});

// ---- a page of our own ----

function request(method, path, body) {
  const options = { port: far.page_port, host: '127.0.0.1', method, path, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const req = https.request(options, resolve);
    req.on('error', reject);
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const op = (inst, args) => request('POST', '/sim/op', { inst, ...args });
const key = () => randomBytes(32).toString('base64');

test('the page is served under its certificate, and nothing else is', async () => {
  const page = await request('GET', '/');
  assert.equal(page.statusCode, 200);
  assert.equal(page.socket.getPeerCertificate().subjectaltname, 'DNS:web.whatsapp.com');
  assert.equal((await request('GET', '/page/boot.js')).statusCode, 200);
  assert.equal((await request('GET', '/page/../main.mjs')).statusCode, 404);
  assert.equal((await request('GET', '/sim/stream?inst=nobody')).statusCode, 404);
});

test('an instance links by its code, counts repeated sends, and loses its rights when unlinked', async () => {
  const inst = 'instance-of-a-test';
  const keys = { noise: key(), identity: key(), adv: key(), platform: '1' };
  await request('POST', '/sim/register', { inst, ...keys });
  const stream = await request('GET', `/sim/stream?inst=${inst}&device=`);
  const { ref } = await phone.wait('qr');
  const qr = [ref, keys.noise, keys.identity, keys.adv, keys.platform].join(',');
  await phone.post('/scan', { account: ME, qr });
  assert.equal((await phone.wait('linked', { account: ME })).linked_devices, 1);

  for (const n of [1, 2]) {
    const answer = await op(inst, { op: 'send', key: 'k', id: 'REPEATED', to: `${BOB}@c.us`, type: 'chat', text: 'x' });
    assert.equal(answer.statusCode, 200);
    const { items } = await phone.get(`/received?account=${ME}`);
    assert.deepEqual(items.map((m) => [m.id, m.count]), [['REPEATED', n]]);
  }
  await phone.post('/unlink', { account: ME });
  await phone.wait('unlinked', { account: ME });
  assert.equal((await op(inst, { op: 'send', id: 'X', to: `${BOB}@c.us` })).statusCode, 401);
  stream.destroy();
});

// ---- the program ----

test('the program says where it is in one line, and ends with its standard input', async () => {
  const main = fileURLToPath(new URL('./main.mjs', import.meta.url));
  const child = spawn(process.execPath, [main, '--exit-with-stdin', '--knobs', '{"sync_ms":1}']);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const line = await new Promise((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
  const { page_port, phone_port, spki, chromium_args } = JSON.parse(line);
  assert.deepEqual(chromium_args, [
    `--host-resolver-rules=MAP web.whatsapp.com 127.0.0.1:${page_port}`,
    `--ignore-certificate-errors-spki-list=${spki}`,
  ]);
  assert.equal((await phoneClient(phone_port).get('/knobs')).sync_ms, 1);
  child.stdin.end();
  assert.equal(await ended, 0);
});
