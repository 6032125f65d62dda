// The life of a link, seen by wa-js: restarts, crashes, lost links, other windows, logouts; and two
// accounts in two browsers that write to each other.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  ALICE, BOB, killBrowser, launch, LID, ME, OTHER, removeDir, startFarEnd, temporaryDir, WaJs,
} from './support.mjs';

let far, phone, profile, browser, me;

before(async () => {
  far = await startFarEnd();
  phone = far.phone;
  profile = await temporaryDir();
  await start();
  await me.link(phone, ME);
});

after(async () => {
  await browser?.close();
  await far?.close();
  await removeDir(profile);
});

async function start() {
  browser = await launch(far, profile);
  me = await WaJs.open(browser);
}

async function restart(stop) {
  await stop();
  await phone.wait('away', { account: ME });
  await start();
  await phone.wait('main', { account: ME });
  await me.ready();
}

const kill = () => killBrowser(browser);
const stored = (id) =>
  me.evaluate((id) => {
    const message = WPP.whatsapp.MsgStore.findFirst((m) => m.id.id === id);
    return message ? { body: message.body, ack: message.ack, isNewMsg: message.isNewMsg } : null;
  }, id);

test('a closed browser comes back linked, with its history and without an event about it', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'remember me' });
  await me.next('chat.new_message', (m) => m.stanza === id);
  await restart(() => browser.close());
  assert.equal((await stored(id)).body, 'remember me');
  assert.deepEqual(me.of('chat.new_message').filter((m) => m.stanza === id), []);
  assert.deepEqual(me.of('conn.authenticated'), []);
  assert.equal((await phone.get('/state')).accounts.find((a) => a.phone === ME).linked_devices, 1);
});

test('a killed browser comes back linked, and has what it had been told', async () => {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'just before the crash' });
  await me.next('chat.new_message', (m) => m.stanza === id);
  await restart(kill);
  assert.equal((await stored(id)).body, 'just before the crash');
});

test('what came while off line arrives as a backlog, before anybody listens', async () => {
  await kill();
  await phone.wait('away', { account: ME });
  const messages = Array.from({ length: 30 }, (_, n) => ({ from: n % 2 ? ALICE : BOB, to: ME, text: `backlog ${n}` }));
  const { ids } = await phone.post('/send-batch', { messages });
  await start();
  await phone.wait('main', { account: ME });
  await me.ready();
  for (const id of ids) assert.notEqual(await stored(id), null);
  assert.deepEqual(me.of('chat.new_message').filter((m) => ids.includes(m.stanza)), []);
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'live again' });
  await me.next('chat.new_message', (m) => m.stanza === id);
});

// A receipt would tell the page that its message has arrived: Alice gives none here.
test('a message that was not acknowledged before a crash goes out again with its key', async () => {
  await phone.post('/offline', { account: ALICE });
  await phone.post('/knobs', { account: ME, server_ack_ms: 60_000 });
  const sent = await me.call('chat.sendTextMessage', LID[ALICE], 'was it sent?', { waitForAck: false });
  const stanza = sent.id.split('_')[2];
  await phone.wait('message', { account: ME, to: ALICE, id: stanza });
  await phone.post('/knobs', { account: ME, server_ack_ms: 0 });
  await restart(kill);
  await me.until((id) => WPP.whatsapp.MsgStore.get(id).ack >= 1, sent.id);
  const message = await phone.get(`/message?from=${ME}&to=${ALICE}&id=${stanza}`);
  assert.equal(message.count, 2);
  const { items } = await phone.get(`/inbox?account=${ALICE}`);
  assert.equal(items.filter((m) => m.id === stanza).length, 1);
});

test('with resend_pending off such a message stays where it is', async () => {
  await phone.post('/knobs', { account: ME, server_ack_ms: 60_000, resend_pending: false });
  const sent = await me.call('chat.sendTextMessage', LID[ALICE], 'lost', { waitForAck: false });
  const stanza = sent.id.split('_')[2];
  await phone.wait('message', { account: ME, to: ALICE, id: stanza });
  await restart(kill);
  await phone.post('/knobs', { account: ME, server_ack_ms: 0, resend_pending: true });
  await me.call('chat.sendTextMessage', LID[ALICE], 'after it');
  assert.equal((await phone.get(`/message?from=${ME}&to=${ALICE}&id=${stanza}`)).count, 1);
  assert.equal((await stored(stanza)).ack, 0);
  await phone.post('/online', { account: ALICE });
});

test('a dropped link is taken up again; what was sent and written meanwhile arrives', async () => {
  await phone.post('/drop', { account: ME, ms: 400 });
  await me.waitSocket('OPENING');
  const sent = await me.call('chat.sendTextMessage', LID[ALICE], 'sent without a link', { waitForAck: false });
  assert.equal(sent.ack, 0);
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'written without a link' });
  await phone.wait('main', { account: ME });
  await me.next('chat.new_message', (m) => m.stanza === id);
  const message = await phone.wait('message', { account: ME, to: ALICE, id: sent.id.split('_')[2] });
  assert.equal(message.count, 1);
  assert.deepEqual(await me.state(), { socket: 'CONNECTED', mode: 'MAIN', info: 'NORMAL' });
});

const unreadOf = (number) => phone.wait('chat', { account: ME, chat: number }).then(({ unread }) => unread);
const shownUnread = (number, count) => me.until((id, n) => WPP.chat.get(id).unreadCount === n, LID[number], count);

test('what was read without a link is told after a crash, also when more is read before there is one', async () => {
  for (const from of [ALICE, BOB]) {
    await phone.post('/send', { from, to: ME, text: 'to be read' });
    await shownUnread(from, await unreadOf(from));
  }
  await phone.post('/drop', { account: ME, ms: 600_000 });
  await me.waitSocket('OPENING');
  await me.call('chat.markIsRead', LID[ALICE]);
  await kill();
  await start();
  await me.until('window.WPP?.isReady');   // more it is not before there is a link
  await me.call('chat.markIsRead', LID[BOB]);
  assert.ok((await unreadOf(ALICE)) > 0 && (await unreadOf(BOB)) > 0);
  await phone.post('/drop', { account: ME, ms: 0 });
  for (const from of [ALICE, BOB]) {
    await phone.wait('chat', { account: ME, chat: from, unread: 0 });
    await shownUnread(from, 0);
  }
});

test('a crash between storing a message and showing it loses no unread count', async () => {
  await me.evaluate(() => {
    WPP.whatsapp.MsgStore.processMultipleMessages = () => new Promise(() => (window.simulatorHeld = true));
  });
  await phone.post('/send', { from: ALICE, to: ME, text: 'stored, not shown' });
  await me.until(() => window.simulatorHeld);
  // the chat is saved meanwhile
  await me.call('chat.sendTextMessage', LID[ALICE], 'at the same time', { waitForAck: false, markIsRead: false });
  await restart(kill);
  assert.equal(await unreadOf(ALICE), 1);
  await shownUnread(ALICE, 1);
});

test('opened elsewhere: the page stops, and takes over when it is asked to', async () => {
  await phone.post('/conflict', { account: ME });
  await phone.wait('conflict', { account: ME });
  await me.waitSocket('CONFLICT');
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'to whom?' });
  await me.evaluate(() => WPP.whatsapp.Socket.takeover());
  await phone.wait('main', { account: ME });
  await me.next('chat.new_message', (m) => m.stanza === id);
});

test('a second window of the same profile takes the session from the first', async () => {
  const second = await WaJs.open(browser);
  await me.waitSocket('CONFLICT');
  await phone.wait('main', { account: ME });
  await second.page.close();
  await me.evaluate(() => WPP.whatsapp.Socket.takeover());
  await phone.wait('main', { account: ME });
});

test('unlinked by the phone: the profile is wiped and a new code is shown', async () => {
  const navigated = me.page.waitForNavigation();
  await phone.post('/unlink', { account: ME });
  await me.next('conn.logout');
  await navigated;
  assert.match(me.page.url(), /\?post_logout=1&logout_reason=0$/);
  await phone.wait('qr');
  await me.link(phone, ME);
  assert.equal(await me.evaluate(() => WPP.whatsapp.MsgStore.length), 0);
});

test('logged out by the page: the far end forgets the device', async () => {
  const navigated = me.page.waitForNavigation();
  await me.call('conn.logout');
  await navigated;
  await phone.wait('unlinked', { account: ME });
  await phone.wait('qr');
});

test('two accounts in two browsers, with and without LIDs, write to each other', async () => {
  const otherBrowser = await launch(far);
  try {
    const other = await WaJs.open(otherBrowser);
    await other.ready();
    const code = await other.call('conn.genLinkDeviceCodeForPhoneNumber', OTHER);
    await phone.post('/pairing-code', { account: OTHER, code: `${code.slice(0, 4)}-${code.slice(4)}` });
    await phone.wait('main', { account: OTHER });
    await me.link(phone, ME);

    const there = await me.call('chat.sendTextMessage', `${OTHER}@c.us`, 'ping');
    assert.equal(there.to, LID[OTHER]);
    const ping = await other.next('chat.new_message', (m) => m.body === 'ping');
    assert.equal(ping.chat, `${ME}@c.us`);
    await other.call('chat.sendTextMessage', ping.chat, 'pong', { quotedMsg: ping.id });
    const pong = await me.next('chat.new_message', (m) => m.body === 'pong');
    assert.equal(pong.chat, LID[OTHER]);
    assert.equal(pong.quoted, there.id.split('_')[2]);
    await other.call('chat.markIsRead', ping.chat);
    await me.next('chat.msg_ack_change', (e) => e.ack === 3 && e.ids.includes(pong.quoted));
  } finally {
    await otherBrowser.close();
  }
});
