// Answers that come late: what an event told meanwhile is newer, and is what the page shows. The answers
// are the daemon's own; only their way is made long. No WhatsApp: what is sent waits.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, open } from './browser.mjs';
import { ALICE, BOB, Daemon, deferred, eventually } from './harness.mjs';

const T = '/v1/tenants/default';
const CAROL = '5511900000003';
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
  let isFree = false;
  const hold = async (route) => {
    const response = await route.fetch();
    asked.resolve();
    await free.promise;
    await route.fulfill({ response });
  };
  await page.route(pattern, (route) => (isFree ? route.fallback() : done.push(hold(route))));
  return {
    asked: asked.promise,
    async let() {
      isFree = true;   // the route stays: to take it away would lose a request that is on its way just then
      free.resolve();
      while (done.length) await done.pop();
    },
  };
}
const bubble = (text) => page.locator('.bubble').getByText(text, { exact: true });   // its time follows the text
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

test('a session that was deleted while the sessions were loading is not there', async () => {
  await daemon.ok('PUT', `${T}/sessions/shop`, { autostart: false });
  await open(page, 'settings');
  const answer = await held(/\/sessions\?limit=500$/);
  await open(page, 'inbox');
  await answer.asked;
  await told('session.deleted', () => daemon.ok('DELETE', `${T}/sessions/shop`));
  await row(ALICE).waitFor();
  let answers = 0;
  const again = page.waitForResponse((r) => /\/sessions\?limit=500$/.test(r.url()) && ++answers === 2);   // it is asked once more
  await Promise.all([answer.let(), again]);
  await page.getByRole('button', { name: 'More filters' }).click();
  await page.getByRole('menuitemradio', { name: 'Any tag' }).waitFor();
  assert.equal(await page.getByRole('menuitemradio', { name: 'shop' }).count(), 0);
  await page.keyboard.press('Escape');
});

test('a message that came while the newest were fetched is there', async () => {
  const lines = [];
  for (let n = 0; n < 100; n++) lines.push((await session.send(CAROL, `line ${n}`)).id);
  await open(page, `inbox/main/${encodeURIComponent(await chatOf(CAROL))}?message=${lines[45]}`);
  await bubble('line 45').waitFor();
  const answer = await held(/\/messages\?limit=60&cursor=/);
  await page.locator('.scroller').evaluate((pane) => (pane.scrollTop = pane.scrollHeight));
  await answer.asked;
  await told('message.status', () => session.send(CAROL, 'the last of all'));
  await answer.let();
  await eventually('the end is in sight', async () => {
    await page.locator('.scroller').evaluate((pane) => (pane.scrollTop = pane.scrollHeight));
    return bubble('line 99').isVisible();
  });
  await bubble('the last of all').waitFor();
});

test('what was written for one tenant goes to that one, whichever is chosen when its file is up', async () => {
  await daemon.ok('PUT', '/v1/tenants/zebra', { name: 'Zebra' });
  await daemon.ok('PUT', '/v1/tenants/zebra/sessions/main', { autostart: false });
  const theirs = daemon.session('zebra', 'main');
  await theirs.send(ALICE, 'of zebra');
  const person = await browser.signedIn(daemon, { at: `inbox/main/${encodeURIComponent(await chatOf(ALICE))}` });
  const asked = deferred(), free = deferred();
  await person.route(/\/media\?/, async (route) => {
    asked.resolve();
    await free.promise;
    await route.continue();   // a file would not be in what the test sends itself
  });
  await person.locator('.composer-file').setInputFiles([1, 2].map((n) => ({ name: `${n}.txt`, mimeType: 'text/plain', buffer: Buffer.from(`file ${n}`) })));
  await person.getByRole('textbox', { name: /message/i }).fill('for the default tenant');
  await person.getByRole('button', { name: 'Send', exact: true }).click();
  await asked.promise;
  await person.locator('.tenant-menu button').first().click();
  await person.getByRole('menuitemradio', { name: 'zebra' }).click();
  await person.locator('.chat-list .chat-row').getByText('of zebra').waitFor();
  free.resolve();
  const texts = async (of) => (await daemon.ok('GET', `${of.path}/chats/${await chatOf(ALICE)}/messages`)).items.map((m) => m.text || m.media?.filename);
  await eventually('all of it is there', async () => (await texts(session)).includes('for the default tenant'));
  assert.deepEqual((await texts(session)).slice(0, 3).sort(), ['1.txt', '2.txt', 'for the default tenant']);
  assert.deepEqual(await texts(theirs), ['of zebra']);
  assert.equal(await person.getByText('for the default tenant').count(), 0);
  assert.deepEqual(person.faults, []);
  await person.context().close();
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
