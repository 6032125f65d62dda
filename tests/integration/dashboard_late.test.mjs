// Answers that come late: what an event told meanwhile is newer, and is what the page shows. The answers
// are the daemon's own; only their way is made long. No WhatsApp: what is sent waits.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, open } from './browser.mjs';
import { ALICE, BOB, Daemon, deferred } from './harness.mjs';

const T = '/v1/tenants/default';
let daemon, session, browser, page;
before(async () => {
  [daemon, browser] = await Promise.all([Daemon.start({ settings: { 'browser.executable': '/bin/false' } }), Browser.start()]);
  session = daemon.session();
  await session.act('stop');
  await session.send(ALICE, 'the first');
  page = await browser.signedIn(daemon, { at: 'settings' });
  await page.locator('.connection.live').waitFor();
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

// Does it, and waits until the page was told of it by such an event; status: of the session that it tells of.
async function told(type, act, status) {
  await page.evaluate(async (wanted) => {
    const { on } = await import('/assets/core/live.js');
    globalThis.told = new Promise((resolve) => on([wanted.type], (e) => (!wanted.status || e.data.status === wanted.status) && resolve()));
  }, { type, status });
  await act();
  await page.evaluate(() => globalThis.told.then(() => {}));
}
// Answers to such requests are held, as the daemon gave them. asked: the first is held; let(): all go on.
async function held(pattern) {
  const asked = deferred(), free = deferred(), done = [];
  const hold = async (route) => {
    const response = await route.fetch();
    asked.resolve();
    await free.promise;
    await route.fulfill({ response });
  };
  await page.route(pattern, (route) => done.push(hold(route)));
  return {
    asked: asked.promise,
    async let() {
      free.resolve();
      while (done.length) await done.pop();
      await page.unroute(pattern);
    },
  };
}
const bubble = (text) => page.locator('.bubble').filter({ hasText: text });
const row = (name) => page.locator('.chat-list .chat-row').filter({ has: page.locator('.name', { hasText: name }) });
const chatOf = async (phone) => (await daemon.ok('GET', `${session.path}/chats/${phone}`)).id;

test('a message that came while its thread was loading is there', async () => {
  const answer = await held(/\/chats\/[^/]+\/messages\?/);
  await open(page, `inbox/main/${encodeURIComponent(await chatOf(ALICE))}`);
  await answer.asked;
  await told('message.status', () => session.send(ALICE, 'the second'));
  await answer.let();
  await bubble('the first').waitFor();
  await bubble('the second').waitFor();
  assert.equal(await bubble('the second').count(), 1);
});

test('a note that was made while the notes were loading is there', async () => {
  await open(page, 'settings');
  const answer = await held(/\/notes$/);
  await open(page, `inbox/main/${encodeURIComponent(await chatOf(ALICE))}`);
  await answer.asked;
  await told('chat.note', async () => daemon.ok('POST', `${session.path}/chats/${await chatOf(ALICE)}/notes`, { text: 'prefers the morning' }));
  await answer.let();
  await page.getByRole('note').getByText('prefers the morning').waitFor();
});

test('a chat that changed while the list was loading is shown as it is', async () => {
  await session.send(BOB, 'hello Bob');
  await open(page, 'settings');
  const answer = await held(/\/chats\?archived=false&limit=100$/);   // behind those that are pinned
  await open(page, 'inbox');
  await answer.asked;
  await told('chat.updated', async () => daemon.ok('PATCH', `${session.path}/chats/${await chatOf(BOB)}`, { tags: ['vip'] }));
  await answer.let();
  await row(BOB).getByText('vip').waitFor();
  await row(ALICE).waitFor();
});

test('a session that was stopped while the answer to its start was on the way is shown as stopped', async () => {
  await open(page, 'sessions/main/link');
  const act = page.getByRole('button', { name: 'Show the code' });
  await act.waitFor();
  const looks = await held(/\/sessions\/main$/);   // nothing else mends it
  const answer = await held(/\/sessions\/main\/start$/);
  await act.click();
  await answer.asked;
  await told('session.status', () => session.act('stop'), 'stopped');
  await answer.let();
  await page.locator('.say .button[aria-busy=false]', { hasText: 'Show the code' }).waitFor();   // the answer was seen
  await looks.let();
  await act.waitFor();
});

test('a server that takes longer than the page waits between two looks is waited for', async () => {
  await daemon.ok('PUT', `${T}/webhooks/slow`, { url: 'http://127.0.0.1:9/', events: ['call.received'] });
  await open(page, 'settings');
  await page.clock.install();
  let asked = 0;
  page.on('request', (request) => (asked += request.url().includes('/deliveries?')));
  const answer = await held(/\/deliveries\?/);
  await open(page, 'webhooks/slow');
  await answer.asked;
  await page.clock.runFor(20_000);   // it looks every five seconds
  assert.equal(asked, 1);
  await answer.let();
  await page.getByRole('heading', { name: 'Nothing was delivered yet' }).waitFor();
});

test('who gives the own key a new secret is not signed out by what the old one is refused meanwhile', async () => {
  const { key, id } = await daemon.ok('POST', `${T}/keys`, { name: 'lead', role: 'admin' });
  const before = page;
  page = await browser.signedIn(daemon, { key, at: 'keys' });
  await page.locator('.connection.live').waitFor();
  const answer = await held(/\/rotate$/);
  const refused = page.waitForResponse((r) => r.url().endsWith('/events/tickets') && r.status() === 401);   // its stream ended
  await page.getByRole('button', { name: 'More for lead' }).click();
  await page.getByRole('menuitem', { name: 'New secret' }).click();
  await page.getByLabel('The old secret works').selectOption('0');
  await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).click();
  await answer.asked;
  await refused;
  await answer.let();
  await page.getByRole('button', { name: 'I have stored it' }).click();
  await page.locator('.connection.live').waitFor();
  assert.equal(await page.evaluate(() => fetch('/v1/me', { headers: { authorization: `Bearer ${sessionStorage.getItem('wabridge.key')}` } }).then((r) => r.json()).then((me) => me.id)), id);
  await page.context().close();
  page = before;
});
