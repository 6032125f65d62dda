// A session that is deleted while people look at it: the open chat says so and keeps the draft, lists
// and numbers follow, and all of it is back with a new session of that name.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, Browser, open, PHONE } from './browser.mjs';
import { ALICE, Daemon, FarEnd, ME } from './harness.mjs';

const T = '/v1/tenants/default';
let farEnd, daemon, browser, chat;
const remove = (name, query = '') => daemon.ok('DELETE', `${T}/sessions/${name}${query}`);
const create = (name) => daemon.ok('PUT', `${T}/sessions/${name}`, { autostart: false });

before(async () => {
  farEnd = await FarEnd.start();
  daemon = await Daemon.start({ farEnd });
  const events = daemon.events();
  await daemon.session().link();
  await farEnd.post('/send', { from: ALICE, to: ME, type: 'text', text: 'Is my order ready?' });
  await events.find((e) => e.type === 'message.received');
  await events.close();
  [chat] = (await daemon.ok('GET', `${T}/chats`)).items;
  browser = await Browser.start();
});
after(async () => {
  await browser?.close();
  await daemon?.close();
  await farEnd?.close();
});

test('the list, one session and its numbers follow a session that comes and goes', async () => {
  const list = await browser.signedIn(daemon, { at: 'sessions' });
  const row = (name) => list.locator('.session-one').filter({ has: list.getByRole('heading', { name, exact: true }) });
  await row('main').waitFor();
  await create('shop');
  await row('shop').waitFor();
  const one = await browser.signedIn(daemon, { at: 'sessions/shop' });
  await one.locator('.session-now').waitFor();
  const numbers = await browser.signedIn(daemon, { at: 'overview?session=shop' });
  await numbers.locator('[data-ready]').waitFor();
  await remove('shop');
  await row('shop').waitFor({ state: 'detached' });
  await row('main').waitFor();
  await one.getByRole('heading', { name: 'This session was deleted' }).waitFor();
  await accessible(one, 'a session that is gone');
  await numbers.waitForURL((url) => !url.hash.includes('session='));
  await numbers.locator('.of-session').waitFor({ state: 'detached' });   // one session is left

  // the same name again: the page of it goes on, and an address of none says so
  await create('shop');
  await one.locator('.session-now').waitFor();
  await numbers.locator('.of-session option', { hasText: 'shop' }).waitFor({ state: 'attached' });
  await remove('shop');
  await open(one, 'sessions/never');
  await one.getByRole('heading', { name: 'There is no such session' }).waitFor();
  await one.getByRole('link', { name: 'See the sessions' }).click();
  await one.locator('.session-one').first().waitFor();
  for (const page of [list, one, numbers]) {
    assert.deepEqual(page.faults, []);
    await page.context().close();
  }
});

test('the open chat says that its session was deleted, and gives the draft back with a new one', async () => {
  const { key } = await daemon.ok('POST', `${T}/keys`, { name: 'Ana Lopes', role: 'agent' });
  const page = await browser.signedIn(daemon, { key, at: `inbox/main/${encodeURIComponent(chat.id)}` });
  const field = page.getByRole('textbox', { name: 'Message to Alice' });
  const said = page.locator('.message').filter({ hasText: 'Is my order ready?' });
  await said.waitFor();
  await field.fill('It leaves at noon, and');
  await remove('main');
  await page.getByText('Session main was deleted').waitFor();
  await page.getByText('It leaves at noon, and').waitFor();
  await field.waitFor({ state: 'detached' });
  assert.equal(await page.getByText('waits and goes out').count(), 0);
  await said.waitFor();   // what was read stays in sight
  await page.locator('.chat-list .chat-row').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'More for this chat' }).waitFor({ state: 'detached' });
  await accessible(page, 'a chat whose session is gone');
  await page.setViewportSize(PHONE);
  await page.getByRole('link', { name: 'See the sessions' }).waitFor();
  await accessible(page, 'the same on a phone');

  // its messages were kept: they are back with the session, and so are the words
  await create('main');
  await field.waitFor();
  assert.equal(await field.inputValue(), 'It leaves at noon, and');
  await said.waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('an address of a session that is not there says so', async () => {
  const page = await browser.signedIn(daemon, { at: `inbox/never/${ALICE}` });
  await page.getByRole('heading', { name: 'There is no such session' }).waitFor();
  await page.getByText('Session never was deleted').waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
