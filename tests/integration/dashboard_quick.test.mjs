// People who are quicker than the page: what it does a moment after an act does not undo what they
// have begun meanwhile. No WhatsApp: what is sent waits.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, DESKTOP, open } from './browser.mjs';
import { ALICE, BOB, Daemon } from './harness.mjs';

const T = '/v1/tenants/default';
let daemon, session, browser, page, alice, bob;
before(async () => {
  [daemon, browser] = await Promise.all([Daemon.start({ settings: { 'browser.executable': '/bin/false' } }), Browser.start()]);
  session = daemon.session();
  await session.act('stop');
  // far enough from each other that the menu of one does not lie over the other
  for (const text of ['the first', ...Array.from({ length: 15 }, (_, n) => `line ${n}`), 'the second']) await session.send(ALICE, text);
  await session.send(BOB, 'hello Bob');
  [alice, bob] = await Promise.all([ALICE, BOB].map(async (phone) => `inbox/main/${encodeURIComponent((await daemon.ok('GET', `${session.path}/chats/${phone}`)).id)}`));
  page = await browser.signedIn(daemon, { at: 'inbox' });
  await page.locator('.connection.live').waitFor();
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

const bubble = (text) => page.locator('.bubble').filter({ hasText: text });
const search = () => page.getByRole('searchbox');
const searched = () => page.waitForURL(/[?&]q=hello$/);
const focused = (locator) => locator.and(page.locator(':focus')).waitFor();
const composer = '.composer textarea';
// Does it, and the other thing as soon as such an element is in the page: before anything that the page puts off.
const once = (selector, act, then) => page.evaluate(([sel, first, second]) => new Promise((resolve) => {
  const run = ([what, on]) => document.querySelector(on)[what]();
  new MutationObserver((_, observer) => {
    if (!document.querySelector(sel)) return;
    observer.disconnect();
    resolve(run(second));
  }).observe(document.body, { childList: true, subtree: true });
  run(first);
}), [selector, act, then]);

test('who opens a chat and goes to the search at once stays there', async () => {
  await page.locator('.chat-row').first().waitFor();
  await once(composer, ['click', '.chat-row'], ['focus', '[type=search]']);
  await page.keyboard.type('hello');
  await searched();
  await focused(search());
  assert.deepEqual([await search().inputValue(), await page.locator(composer).inputValue()], ['hello', '']);
  await search().fill('');
});

test('a field that comes back while one writes elsewhere does not take the words', async () => {
  await open(page, alice);
  await bubble('the second').waitFor();
  await daemon.ok('PUT', `${T}/opt-outs/${ALICE}`, {});
  await page.locator(composer).waitFor({ state: 'detached' });
  await search().focus();
  await daemon.ok('DELETE', `${T}/opt-outs/${ALICE}`);
  await page.locator(composer).waitFor();
  await page.keyboard.type('hello');
  await searched();
  assert.equal(await page.locator(composer).inputValue(), '');
  await search().fill('');
});

test('who sends a file and leaves at once does not find it again', async () => {
  await open(page, alice);
  await page.locator('.composer-file').setInputFiles([{ name: 'once.txt', mimeType: 'text/plain', buffer: Buffer.from('one') }]);
  await page.getByRole('button', { name: 'Remove once.txt' }).waitFor();
  await page.evaluate((to) => {
    document.querySelector('.send').click();
    location.hash = `#/${to}`;
  }, bob);
  await bubble('hello Bob').waitFor();
  await open(page, alice);
  await bubble('once.txt').waitFor();
  assert.equal(await page.locator('.attach').count(), 0);
});

test('a menu that closes leaves the next one open, the focus where one pressed, and stays away', async () => {
  await open(page, alice);
  await focused(page.locator(composer));
  const more = (text) => bubble(text).locator('.more'), menu = page.getByRole('menu', { name: 'Actions for this message' });
  const opened = async (text) => {
    await bubble(text).hover();
    await more(text).click();
  };
  await opened('the first');
  await focused(menu.locator('button'));
  await opened('the second');
  await focused(menu.locator('button'));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await menu.getByRole('menuitem').last().and(page.locator(':focus')).waitFor();   // still open
  await opened('the second');   // its own button once more
  await menu.waitFor({ state: 'detached' });
  await opened('the first');
  await focused(menu.locator('button'));
  await search().click();
  await menu.waitFor({ state: 'detached' });
  await page.keyboard.type('hello');
  await searched();
  await focused(search());
  await search().fill('');
  await opened('the first');
  await focused(menu.locator('button'));
  await open(page, 'settings');
  await open(page, alice);
  await focused(page.locator(composer));
  assert.equal(await menu.count(), 0);
});

test('in a narrow window the key of the search brings the list back, and writes there', async () => {
  await page.setViewportSize({ ...DESKTOP, width: 600 });
  await open(page, `${alice}?state=open`);
  await bubble('the second').waitFor();
  await page.getByRole('region', { name: /^Messages with/ }).focus();
  await page.keyboard.press('/');
  await focused(search());
  await page.keyboard.type('hello');
  await page.waitForURL(/#\/inbox\?state=open&q=hello$/);
  assert.deepEqual(page.faults, []);
});
