// The far end's state by itself: no page, no sockets.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Knobs } from './knobs.mjs';
import { ACK, newMessageId, World } from './world.mjs';

const ME = '5511988887777';
const OTHER = '5511977776666';
const ALICE = '5511900000001';
const BOB = '5511900000002';
const TEAM = '120363000000000001@g.us';

const events = (device, name) => device.queue.filter((event) => event.name === name).map((event) => event.data);
const text = (from, to, id, words = 'hi') => ({ from, to, id, type: 'chat', text: words });

test('ids are resolved both ways, by number and by LID', () => {
  const world = new World();
  assert.equal(world.resolve(`${ALICE}@c.us`), ALICE);
  assert.equal(world.resolve('10000000000001@lid'), ALICE);
  assert.equal(world.resolve(TEAM), TEAM);
  for (const unknown of ['1@c.us', '1@lid', '1@g.us', 'nonsense']) assert.equal(world.resolve(unknown), null);
  assert.equal(world.address(world.account(ME), ALICE), '10000000000001@lid');
  assert.equal(world.address(world.account(OTHER), ALICE), `${ALICE}@c.us`);
  assert.equal(world.address(world.account(OTHER), TEAM), TEAM);
});

test('an account is created, updated, and cannot take the LID of another', () => {
  const world = new World({ populated: false });
  const made = world.putAccount({ phone: '551100', name: 'New' });
  assert.equal(world.resolve(`${made.lid}@lid`), '551100');
  world.putAccount({ phone: '551100', name: 'Newer', lid: '42', lid_migrated: false });
  assert.deepEqual([made.name, made.lid, made.lid_migrated], ['Newer', '42', false]);
  assert.equal(world.resolve('42@lid'), '551100');
  assert.throws(() => world.putAccount({ phone: '551101', name: 'Thief', lid: '42' }), /belongs to 551100/);
  assert.equal(world.accounts.has('551101'), false);
});

test('a message goes to the receiver and to every device but the one that sent it', () => {
  const world = new World();
  const [first, second, theirs] = [world.link(ME), world.link(ME), world.link(OTHER)];
  world.submit({ ...text(ME, OTHER, 'AAAA'), device: first });
  assert.deepEqual(events(first, 'message'), []);
  assert.deepEqual(events(second, 'message').map((m) => [m.from_me, m.chat]), [[true, '99000000000002@lid']]);
  assert.deepEqual(events(theirs, 'message').map((m) => [m.from_me, m.chat]), [[false, `${ME}@c.us`]]);
  assert.equal(world.account(OTHER).inbox.length, 1);
  assert.equal(world.account(ME).received.length, 1);
});

test('the same key from a device counts up and is delivered once', () => {
  const world = new World();
  const device = world.link(ME);
  const once = world.submit({ ...text(ME, ALICE, 'AAAA'), device });
  const again = world.submit({ ...text(ME, ALICE, 'AAAA'), device });
  assert.deepEqual([once.repeated, again.repeated, again.message.count], [false, true, 2]);
  assert.equal(world.account(ALICE).inbox.length, 1);
  assert.equal(world.account(ME).received.length, 1);
});

test('the same key from a phone is put in the queues again, and in the inbox once', () => {
  const world = new World();
  const device = world.link(ME);
  world.submit(text(ALICE, ME, 'AAAA'));
  world.submit(text(ALICE, ME, 'AAAA'));
  assert.equal(events(device, 'message').length, 2);
  assert.equal(world.account(ME).inbox.length, 1);
});

test('a group message reaches every member with its author, and only members may write', () => {
  const world = new World();
  const device = world.link(ME);
  world.submit(text(BOB, TEAM, 'AAAA'));
  assert.deepEqual(events(device, 'message').map((m) => [m.chat, m.author]), [[TEAM, '10000000000002@lid']]);
  assert.equal(world.account(ALICE).inbox.length, 1);
  assert.throws(() => world.submit(text(OTHER, TEAM, 'BBBB')), /not in group/);
});

test('events wait until they are confirmed', () => {
  const world = new World();
  const device = world.link(ME);
  for (const id of ['AAAA', 'BBBB', 'CCCC']) world.submit(text(ALICE, ME, id));
  world.confirm(device.token, 2);
  assert.deepEqual(events(device, 'message').map((m) => m.id), ['CCCC']);
  world.confirm(device.token, 3);
  assert.deepEqual(device.queue, []);
});

test('receipts only rise, and tell the writer who gave them in a group', () => {
  const world = new World();
  const device = world.link(ME);
  const { message } = world.submit({ ...text(ME, TEAM, 'AAAA'), device });
  world.receipt(message, ALICE, ACK.READ);
  world.receipt(message, ALICE, ACK.DELIVERED);
  assert.deepEqual(events(device, 'receipt').map((r) => [r.ack, r.participant]), [[3, '10000000000001@lid']]);
});

test('reading covers what is unread, or the ids asked for', () => {
  const world = new World();
  for (const id of ['AAAA', 'BBBB', 'CCCC']) world.submit(text(ME, ALICE, id));
  assert.equal(world.read(ALICE, ME, ['BBBB']), 1);
  assert.equal(world.read(ALICE, ME), 2);
  assert.equal(world.read(ALICE, ME), 0);
  assert.throws(() => world.read(ALICE, ME, ['ZZZZ']), /no message ZZZZ/);
});

test('a quote shows what it quotes, to each in the ids of their own', () => {
  const world = new World();
  const [mine, theirs] = [world.link(ME), world.link(OTHER)];
  world.submit(text(ME, OTHER, 'AAAA', 'question'));
  world.submit({ ...text(OTHER, ME, 'BBBB', 'answer'), quoted: 'AAAA' });
  const quote = (device) => events(device, 'message').at(-1).quoted;
  assert.deepEqual(quote(mine), { id: 'AAAA', author: '99000000000001@lid', type: 'chat', text: 'question' });
  assert.equal(quote(theirs).author, `${ME}@c.us`);
});

test('edits, revokes and reactions change the message and are told to both sides', () => {
  const world = new World();
  const device = world.link(ME);
  const { message } = world.submit(text(ALICE, ME, 'AAAA'));
  world.edit(message, 'better');
  world.react(message, ME, '👍');
  world.revoke(message);
  assert.deepEqual([message.text, message.edited, message.revoked], ['better', true, true]);
  assert.deepEqual(device.queue.map((event) => event.name), ['message', 'edit', 'reaction', 'revoke']);
  const [own] = events(device, 'reaction');
  assert.deepEqual([own.from_me, own.by_me], [false, true]);
  world.react(message, ME, '');
  assert.equal(message.reactions.size, 0);
});

test('an unlinked device is gone', () => {
  const world = new World();
  const device = world.link(ME);
  const gone = [];
  world.on('unlinked', (d) => gone.push(d));
  world.unlink(device.token);
  world.unlink(device.token);
  assert.deepEqual([gone, world.devicesOf(ME)], [[device], []]);
});

test('message ids look like those of the real page', () => {
  assert.match(newMessageId(), /^3EB0[0-9A-F]{18}$/);
});

test('knobs: one account can differ, and nothing wrong is taken in', () => {
  const knobs = new Knobs({ sync_ms: 7 });
  knobs.set({ delivered_ms: null, echo: true }, ALICE);
  assert.deepEqual([knobs.get('delivered_ms', ALICE), knobs.get('delivered_ms', BOB)], [null, 20]);
  assert.equal(knobs.forPage(ALICE).sync_ms, 7);
  assert.throws(() => knobs.set({ sync_ms: 8, nonsense: 1 }), /unknown knob "nonsense"/);
  const wrong = [
    { sync_ms: -1 }, { sync_ms: '5' }, { ref_count: 0 }, { csp: 1 }, { missing_modules: 'x' },
    { send_error: { to: BOB } },
  ];
  for (const values of wrong) assert.throws(() => knobs.set(values), /bad value for knob/);
  assert.equal(knobs.get('sync_ms'), 7);
});
