// Answering customers from the inbox: words, files, what fails and goes again, what the team keeps
// about a person. The daemon, its browser and the reader's browser are real.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, Browser, open, PHONE } from './browser.mjs';
import { ALICE, Daemon, eventually, FarEnd, ME } from './harness.mjs';

const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const dot = (name) => ({ name, mimeType: 'image/png', buffer: Buffer.from(DOT, 'base64') });

let farEnd, daemon, session, events, browser, page, chat;

before(async () => {
  farEnd = await FarEnd.start();
  daemon = await Daemon.start({ farEnd });
  session = daemon.session();
  await session.link();
  events = daemon.events();
  await farEnd.post('/send', { from: ALICE, to: ME, type: 'text', text: 'Is my order ready?' });
  await events.find((e) => e.type === 'message.received');
  [chat] = (await daemon.ok('GET', '/v1/tenants/default/chats')).items;
  const { key } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'Ana Lopes', role: 'agent' });
  browser = await Browser.start();
  page = await browser.signedIn(daemon, { key });
  await open(page, `inbox/main/${encodeURIComponent(chat.id)}`);
  await page.getByText('Is my order ready?').first().waitFor();
});
after(async () => {
  await browser?.close();
  await events?.close();
  await daemon?.close();
  await farEnd?.close();
});

const field = () => page.getByRole('textbox', { name: 'Message to Alice' });
const holds = (text) => page.waitForFunction((words) => document.querySelector('.composer textarea')?.value === words, text);
const bubble = (text) => page.locator('.message.out').filter({ hasText: text });
const received = async (what) => {
  for (let count = 1; ; count++) {
    const found = (await farEnd.received(ME)).find(what);
    if (found) return found;
    await farEnd.wait('received', { account: ME, count });
  }
};
const sent = (text) => events.find((e) => e.type === 'message.status' && e.data.text === text && e.data.status === 'sent', `"${text}" sent`);
const told = async (of) => (await daemon.ok('GET', `${session.path}/chats/${encodeURIComponent(chat.id)}${of}`));

test('a customer is answered, and the words reach them as they were written', async () => {
  await field().click();
  await page.keyboard.type('Good morning!');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('It is on its way.');
  await page.keyboard.press('Enter');
  await holds('');
  await sent('Good morning!\nIt is on its way.');
  await bubble('It is on its way.').waitFor();
  const { items } = await told('/messages?direction=out');
  assert.deepEqual([items[0].sent_by_name, items[0].source], ['Ana Lopes', 'dashboard']);
  for (let count = 1; ; count++) {   // typing was shown
    const { items } = await farEnd.wait('presence', { account: ME, count });
    if (items.some((p) => p.state === 'composing')) break;
  }
});

test('an emoji by keyboard; a draft and its files wait for their chat', async () => {
  await page.getByRole('button', { name: 'Emoji', exact: true }).click();
  const picker = page.getByRole('dialog', { name: 'Emoji' });
  await picker.getByRole('tab', { name: 'Hearts and signs' }).click();
  await picker.getByRole('button', { name: '✅' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await picker.waitFor({ state: 'detached' });
  await holds('✅');
  await page.locator('.composer-file').setInputFiles([dot('waits.png')]);
  await page.getByRole('button', { name: 'Remove waits.png' }).waitFor();
  await open(page, 'settings');
  await open(page, `inbox/main/${encodeURIComponent(chat.id)}`);
  await field().waitFor();
  await holds('✅');
  await page.getByRole('button', { name: 'Remove waits.png' }).click();
  await field().fill('');
});

test('an image goes with its caption, and its ticks go to read', async () => {
  await page.locator('.composer-file').setInputFiles([dot('menu.png')]);
  await page.locator('.attach img').waitFor();
  await field().fill('Our menu');
  await page.keyboard.press('Enter');
  const image = await received((m) => m.type === 'image');
  assert.equal(image.text, 'Our menu');
  await farEnd.post('/read', { account: ALICE, from: ME });
  await bubble('Our menu').getByRole('img', { name: 'Read' }).waitFor();
});

test('pasted files are shown before they go, one is taken back, captions are their own', async () => {
  await field().focus();
  await page.evaluate(([png]) => {
    const data = new DataTransfer();
    const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
    data.items.add(new File([bytes], 'pasted.png', { type: 'image/png' }));
    data.items.add(new File(['a,b\n1,2\n'], 'table.csv', { type: 'text/csv' }));
    data.items.add(new File(['oops'], 'wrong.txt', { type: 'text/plain' }));
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, [DOT]);
  await page.getByRole('list', { name: '3 files to send' }).waitFor();
  await accessible(page, 'files before they go');
  await page.getByRole('button', { name: 'Remove wrong.txt' }).click();
  await page.getByLabel('Caption of pasted.png').fill('the picture');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const picture = await received((m) => m.text === 'the picture');
  const table = await received((m) => m.filename === 'table.csv');
  assert.deepEqual([picture.type, table.type], ['image', 'document']);
  assert.equal((await farEnd.received(ME)).some((m) => m.filename === 'wrong.txt'), false);
  assert.equal(await page.locator('.attach').count(), 0);
});

test('what does not reach the bridge stays in the thread, and goes once when tried again', async () => {
  const path = `**${session.path}/messages`;
  await page.route(path, (route) => route.abort());
  await field().fill('Lost on the way');
  await page.keyboard.press('Enter');
  const failed = bubble('Lost on the way');
  await failed.getByText('wabridge cannot be reached').waitFor();
  await page.unroute(path);
  await failed.getByRole('button', { name: 'Try again' }).click();
  await sent('Lost on the way');
  await failed.getByText('wabridge cannot be reached').waitFor({ state: 'detached' });
  assert.equal((await farEnd.received(ME)).filter((m) => m.text === 'Lost on the way').length, 1);
});

test('what WhatsApp refused says why, and goes as a new message when tried again', async () => {
  await farEnd.post('/knobs', { send_error: { error: 'refused for a while', to: ALICE } });
  await field().fill('Second attempt');
  await page.keyboard.press('Enter');
  const { data } = await events.find((e) => e.type === 'message.status' && e.data.text === 'Second attempt' && e.data.status === 'failed', 'the refusal');
  await farEnd.post('/knobs', { send_error: null });
  const old = page.locator('.message.out').filter({ has: page.locator(`[data-message="${data.id}"]`) });
  await old.getByRole('button', { name: 'Try again' }).click();
  const again = await events.find((e) => e.type === 'message.status' && e.data.retry_of === data.id && e.data.status === 'sent', 'the new one');
  assert.equal(again.data.source, 'dashboard');
  await old.getByRole('button', { name: 'Try again' }).waitFor({ state: 'detached' });
  assert.equal((await session.message(data.id)).retried_as, again.data.id);
});

test('one is answered with its quote, one of ours is changed', async () => {
  await field().fill('');
  await page.keyboard.press('Escape');
  await page.locator('.message.in [data-message]').first().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Reply' }).click();
  await page.locator('.composer-quote').getByText('Is my order ready?').waitFor();
  await field().fill('Yes, it is');
  await page.keyboard.press('Enter');
  const answer = await received((m) => m.text === 'Yes, it is');
  assert.ok(answer.quoted);
  await sent('Yes, it is');
  assert.equal(await page.locator('.composer-quote').count(), 0);

  await bubble('Yes, it is').getByRole('img', { name: /Sent|Delivered|Read/ }).waitFor();   // the page knows it too
  await field().press('ArrowUp');
  await page.getByText('Change your message').waitFor();
  await holds('Yes, it is');
  await field().fill('Yes, it is ready');
  await page.keyboard.press('Enter');
  await events.find((e) => e.type === 'message.edited', 'the edit');
  await bubble('Yes, it is ready').waitFor();

  // a draft waits for the end of the edits, however many
  await field().fill('half a thought');
  for (const text of ['Yes, it is ready', 'It is on its way.']) {
    await bubble(text).locator('[data-message]').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    await page.waitForFunction((words) => document.querySelector('.composer textarea').value.includes(words), text);
  }
  await field().press('Escape');
  await holds('half a thought');
  await field().fill('');
});

test('the customer is seen typing', async () => {
  await farEnd.post('/presence', { from: ALICE, to: ME, state: 'typing' });
  await page.locator('.composer-typing').getByText('Alice is typing').waitFor({ state: 'attached' });
});

test('tags, assignment, notes and the state are kept from the contact panel', async () => {
  await page.getByRole('button', { name: /contact/i }).first().click();
  const panel = page.getByRole('complementary', { name: 'Contact' });
  await panel.getByLabel('New tag').fill('vip');
  await panel.getByRole('button', { name: 'Add', exact: true }).click();
  await panel.getByText('vip', { exact: true }).waitFor();
  await panel.getByRole('button', { name: 'Assign to me' }).click();
  await panel.getByText('Ana Lopes (you)').waitFor();
  await panel.getByLabel('Write a note for your team').fill('Prefers the morning');
  await panel.getByRole('button', { name: 'Add note' }).click();
  await panel.locator('.note').getByText('Prefers the morning').waitFor();
  await accessible(page, 'contact panel');

  await panel.getByRole('button', { name: 'Delete note' }).click();
  await panel.locator('.note').waitFor({ state: 'detached' });
  await page.locator('.toast', { hasText: 'Note deleted' }).getByRole('button', { name: 'Undo' }).click();
  await panel.locator('.note').waitFor();
  const notes = await told('/notes');
  assert.deepEqual(notes.items.map((n) => [n.text, n.author_name]), [['Prefers the morning', 'Ana Lopes']]);

  await panel.getByRole('button', { name: 'Close conversation' }).click();
  await panel.getByText('Closed', { exact: true }).waitFor();
  await events.find((e) => e.type === 'chat.updated' && e.data.chat.state === 'closed');
  const now = await told('');
  assert.deepEqual([now.tags, now.assignee, now.state], [['vip'], 'Ana Lopes', 'closed']);
});

test('who asked not to be written to is not: the composer says so, and who may change it can', async () => {
  await daemon.ok('PUT', `/v1/tenants/default/opt-outs/${ALICE}`, {});
  await page.getByText('Alice asked not to be written to.').waitFor();
  assert.equal(await field().count(), 0);
  await accessible(page, 'a chat that is opted out');
  const admin = await browser.signedIn(daemon, { at: `inbox/main/${encodeURIComponent(chat.id)}` });
  await admin.getByRole('button', { name: 'Allow again' }).click();
  await admin.getByRole('dialog').getByRole('button', { name: 'Allow again' }).click();
  await admin.getByRole('textbox', { name: 'Message to Alice' }).waitFor();
  await field().waitFor();
});

test('a person is blocked after a question, and unblocked where one would write', async () => {
  const panel = page.getByRole('complementary', { name: 'Contact' });
  const act = async (name) => {
    await panel.getByRole('button', { name: 'Actions' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  await act('Block');
  await page.getByRole('dialog', { name: 'Block Alice?' }).getByRole('button', { name: 'Block' }).click();
  await page.getByText('Alice is blocked. Unblock to write again.').waitFor();
  assert.equal(await field().count(), 0);
  const blocked = await events.find((e) => e.type === 'chat.updated' && e.data.chat.blocked, 'the block');
  assert.deepEqual((await farEnd.get(`/blocked?account=${ME}`)).items, [ALICE]);
  await page.getByRole('button', { name: 'Unblock' }).click();
  await field().waitFor();
  await events.find((e) => e.type === 'chat.updated' && e.seq > blocked.seq && !e.data.chat.blocked, 'the end of the block');
  const said = page.getByText('Pinned', { exact: true }).waitFor();
  await Promise.all([said, act('Pin')]);
  assert.equal((await told('')).pinned, true);
});

test('it fits a phone', async () => {
  const panel = page.getByRole('complementary', { name: 'Contact' });
  await page.setViewportSize(PHONE);
  await panel.waitFor();
  await accessible(page, 'contact panel on a phone');
  await panel.getByRole('button', { name: 'Hide contact' }).click();
  await field().waitFor();
  await accessible(page, 'thread on a phone');
  const { scrollWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth }));
  assert.ok(scrollWidth <= PHONE.width, `${scrollWidth} px wide`);
});

// Until the thread stands at its end: it is laid out as its bubbles are measured.
const settled = (reader) => reader.waitForFunction(() => {
  const box = document.querySelector('.scroller');
  const at = box && `${box.scrollTop} ${box.scrollHeight}`;
  const isEnd = box && box.scrollTop + box.clientHeight >= box.scrollHeight - 2;
  globalThis.frames = isEnd && at === globalThis.stood ? globalThis.frames + 1 : 0;
  globalThis.stood = at;
  return globalThis.frames > 20;
});

test('what one sends is seen from wherever one was, and notices do not lie over where one writes', async () => {
  const last = { type: 'text', from: ALICE, to: ME };
  for (let n = 0; n < 40; n++) await farEnd.post('/send', { ...last, text: `page ${n}` });
  await events.find((e) => e.type === 'message.received' && e.data.text === 'page 39');
  // a thread with unread messages opens where they begin; the tab that has it open reads them in its own time
  await daemon.ok('POST', `${session.path}/chats/${encodeURIComponent(chat.id)}/read`);
  await eventually('nothing unread', async () => (await told('')).unread_count === 0);
  for (const viewport of [undefined, PHONE]) {
    const reader = await browser.signedIn(daemon, { viewport, at: `inbox/main/${encodeURIComponent(chat.id)}` });
    const write = reader.getByRole('textbox', { name: 'Message to Alice' });
    await reader.locator('.bubble').getByText('page 39', { exact: true }).waitFor();
    await settled(reader);
    await reader.locator('.scroller').evaluate((pane) => (pane.scrollTop = 0));
    await reader.getByRole('button', { name: 'newest' }).first().waitFor();
    const words = `Seen at once ${viewport ? 'there' : 'here'}`;
    await write.fill(words);
    await reader.getByRole('button', { name: 'Send', exact: true }).click();
    await reader.locator('.message.out').filter({ hasText: words }).waitFor();
    await reader.locator('.composer-file').setInputFiles([{ name: 'nothing.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) }]);
    await reader.locator('.toast').waitFor();   // it has no place before
    const notice = await reader.locator('.toast').boundingBox(), composer = await reader.locator('.composer').boundingBox();
    assert.ok(notice.y >= 0 && notice.y + notice.height <= composer.y, `${notice.y + notice.height} is over ${composer.y}`);
    assert.deepEqual(reader.faults, []);
    await reader.context().close();
  }
});
