// Who is typing: told to streams that are open at that moment, kept nowhere.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ALICE, BOB, Daemon, EventStream, FarEnd, ME, TEAM, within } from './harness.mjs';

let farEnd, daemon, session;
const CAROL = '5511900000003';
const open = [];

before(async () => {
  farEnd = await FarEnd.start();
  daemon = await Daemon.start({ farEnd });
  session = daemon.session();
  await session.link();
});
after(async () => {
  for (const stream of open) await stream.close();
  await daemon.close();
  await farEnd.close();
});

async function stream(tenant, key, after) {
  const s = new EventStream({ base: daemon.base, key }, tenant, after ?? (await daemon.session(tenant).lastSeq()));
  open.push(s);
  return s;
}
const typing = (phone, state) => (e) => e.type === 'chat.presence' && e.data.by.phone === phone && e.data.state === state;

test('typing is told to streams of those who may see the session, and kept nowhere', async () => {
  const say = async (from, to, text) => farEnd.post('/send', { from, to, type: 'text', text });
  const whole = await stream('default', daemon.key);
  await say(ALICE, ME, 'hello');
  await whole.find((e) => e.type === 'message.received' && e.data.text === 'hello');
  await daemon.ok('PUT', '/v1/tenants/other', {});
  const foreign = await stream('other', daemon.key, 0);
  const { key } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'elsewhere', role: 'agent', sessions: ['elsewhere'] });
  const elsewhere = await stream('default', key);

  await farEnd.post('/presence', { from: ALICE, to: ME, state: 'typing' });
  const told = await whole.find(typing(ALICE, 'typing'));
  const { items: [chat] } = await daemon.ok('GET', '/v1/tenants/default/chats');
  assert.deepEqual([told.session, told.data.chat.id, told.data.chat.type, told.seq], ['main', chat.id, 'user', undefined]);
  await farEnd.post('/presence', { from: ALICE, to: ME, state: 'paused' });
  await whole.find(typing(ALICE, 'paused'));
  await farEnd.post('/presence', { from: BOB, to: TEAM, state: 'recording' });
  const group = await whole.find(typing(BOB, 'recording'));
  assert.deepEqual([group.data.chat.id, group.data.chat.type], [TEAM, 'group']);

  // what comes behind it has come: nothing of it is on the way to them any more
  await daemon.ok('PUT', '/v1/tenants/other/sessions/mark', { autostart: false });
  await daemon.ok('POST', '/v1/tenants/other/sessions/mark/messages', { to: BOB, text: 'mark' });
  await foreign.find((e) => e.type === 'message.status');
  await daemon.ok('PUT', '/v1/tenants/default/sessions/elsewhere', { autostart: false });
  await daemon.ok('POST', '/v1/tenants/default/sessions/elsewhere/messages', { to: BOB, text: 'mark' });
  await elsewhere.find((e) => e.type === 'message.status');
  for (const s of [foreign, elsewhere]) assert.deepEqual(s.items.filter((e) => e.type === 'chat.presence'), []);
  const log = await daemon.ok('GET', '/v1/tenants/default/events?after=0&limit=500');
  assert.equal(log.items.some((e) => e.type === 'chat.presence'), false);
});

test('a stream whose key is gone ends at the first thing that it is not told', async () => {
  const whole = await stream('default', daemon.key, 0);
  const { key, id } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'leaver', role: 'agent' });
  const leaver = await stream('default', key, 0);
  for (const s of [whole, leaver]) await s.find((e) => e.type === 'message.received'); // they are open
  await farEnd.post('/presence', { from: ALICE, to: ME, state: 'typing' });
  await leaver.find(typing(ALICE, 'typing'));
  await daemon.ok('DELETE', `/v1/tenants/default/keys/${id}`);
  await farEnd.post('/presence', { from: ALICE, to: ME, state: 'paused' });
  await whole.find(typing(ALICE, 'paused'));
  await within(leaver.done, 'end of the stream of a deleted key');
  assert.equal(leaver.items.some(typing(ALICE, 'paused')), false);
});

test('who is there is told of the chats that were asked for', async () => {
  const all = await stream('default', daemon.key);
  await farEnd.post('/send', { from: CAROL, to: ME, type: 'text', text: 'me too' });
  await all.find((e) => e.type === 'message.received' && e.data.text === 'me too');
  const ask = () => daemon.call('POST', `${session.path}/chats/${CAROL}/presence`, { body: { state: 'subscribe' } });
  assert.equal((await ask()).status, 204);
  await farEnd.post('/presence', { from: CAROL, to: ME, state: 'online' });
  await all.find(typing(CAROL, 'available'));
  await session.act('stop');
  await session.until('stopped');
  const late = await ask();
  assert.deepEqual([late.status, late.json.code], [409, 'session_not_ready']);
});
