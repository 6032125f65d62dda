// Sessions and activity in the dashboard: a person creates a session, links it with what the screen
// shows, sees each status and acts on it; a key shows only what it may.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, fits, open, PHONE } from './browser.mjs';
import { ALICE, Daemon, FarEnd, ME, OTHER, removeDirectory, temporaryDirectory } from './harness.mjs';

// What a camera in front of the screen reads: the pixels of the page, not its data.
async function scanned(page) {
  const dir = temporaryDirectory('screen');
  const file = path.join(dir, 'screen.png');
  // an event may just bring the picture of the code anew
  await page.waitForFunction(() => document.querySelector('.qr-paper[data-ready] img')?.decode().then(() => true, () => false));
  fs.writeFileSync(file, await page.locator('.qr-paper').screenshot());
  const { stdout, stderr } = spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' });
  removeDirectory(dir);
  assert.notEqual(stdout, '', `zbarimg read nothing on the screen: ${stderr}`);
  return stdout.trim();
}
const shown = (page) => page.locator('.qr-paper[data-ready] img').waitFor();
const heading = (page, name) => page.getByRole('heading', { name }).waitFor();
const act = async (page, session, name) => {
  await page.getByRole('button', { name: `More actions for ${session}` }).click();
  await page.getByRole('menuitem', { name, exact: true }).click();
};
// Agrees to the question that is asked; it must say these words.
async function agree(page, title, words, button) {
  const dialog = page.getByRole('dialog', { name: title });
  await dialog.getByText(words).waitFor();
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}
const status = (page, words) => page.locator('.session-now, .page-head').getByText(words, { exact: true }).waitFor();

describe('sessions in the dashboard', () => {
  let farEnd, daemon, browser;
  before(async () => {
    farEnd = await FarEnd.start({ knobs: { ref_ms: 600_000 } });   // a code lasts as long as the slowest hand needs
    daemon = await Daemon.start({ farEnd, settings: { 'session.qr_attempts': 3, 'memory.sample_s': 1 } });
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  test('create, link by the code on the screen, and it is ready there', async () => {
    const page = await browser.signedIn(daemon, { at: 'sessions' });
    await page.getByRole('button', { name: 'New session' }).click();
    const name = page.getByLabel('Name', { exact: true });
    for (const [text, words] of [['My', 'Lower-case letters only'], ['my shop', 'No spaces'], ['-x', 'A name begins with'], ['a/b', 'cannot be in a name'], ['x'.repeat(64), 'At most 63'], ['main', 'already']]) {
      await name.fill(text);
      await page.getByRole('dialog').locator('.error').getByText(words).waitFor();
    }
    await accessible(page, 'create a session');
    await name.fill('shop');
    await page.getByRole('button', { name: 'Create and link' }).click();
    await heading(page, 'Link shop');
    await shown(page);
    await page.getByText('Code 1 of 3').waitFor();
    await page.getByText(/This code works for \d+/).waitFor();
    await accessible(page, 'link by QR code');
    await page.emulateMedia({ colorScheme: 'dark' });
    await farEnd.post('/scan', { account: ME, qr: await scanned(page) });
    await heading(page, 'Linked as Me Myself');
    await status(page, 'Ready');
    await page.emulateMedia({ colorScheme: 'light' });
    await accessible(page, 'linked');
    for (const [link, at] of [['Open the inbox', '#/inbox/shop'], ['Add a webhook', '#/webhooks'], ['Show the session', '#/sessions/shop']]) {
      assert.equal(await page.getByRole('main').getByRole('link', { name: link }).getAttribute('href'), at);
    }
    assert.equal((await daemon.session('default', 'shop').get()).account.phone, ME);
    await page.context().close();
  });

  test('the list says what each is, by status and by name', async () => {
    for (const name of ['desk-2', 'desk-10', 'desk-1', 'stall']) await daemon.ok('PUT', `/v1/tenants/default/sessions/${name}`, { autostart: false });
    const page = await browser.signedIn(daemon, { at: 'sessions' });
    const names = () => page.locator('.session-one h2').allTextContents();
    const shop = page.locator('.session-one').filter({ hasText: 'shop' });
    await shop.getByText('Me Myself').waitFor();
    await shop.getByText(`+${ME}`).waitFor();
    await shop.getByText(/^\d+\sMiB$/).waitFor();
    assert.deepEqual((await names()).filter((n) => n.startsWith('desk')), ['desk-1', 'desk-2', 'desk-10']);
    await accessible(page, 'list of sessions');
    await page.getByRole('link', { name: /^Ready/ }).click();
    await page.waitForURL(/status=ready/);
    await page.locator('.session-one').filter({ hasText: 'stall' }).waitFor({ state: 'detached' });
    assert.deepEqual(await names(), ['shop']);
    await open(page, 'sessions?status=stopped,ready');
    await page.getByRole('searchbox').fill('desk-1');
    await page.getByRole('status').filter({ hasText: '2 sessions are shown' }).waitFor({ state: 'attached' });
    assert.deepEqual(await names(), ['desk-1', 'desk-10']);
    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByText('No session matches').waitFor();
    await page.getByRole('link', { name: 'Show all' }).click();
    // what another client does shows by itself
    await daemon.ok('PUT', '/v1/tenants/default/sessions/fresh', {});
    await page.locator('.session-one').filter({ hasText: 'fresh' }).getByText(/Starting|Not linked/).first().waitFor();
    await daemon.ok('DELETE', '/v1/tenants/default/sessions/fresh');
    // many are lines
    for (let i = 0; i < 9; i++) await daemon.ok('PUT', `/v1/tenants/default/sessions/many-${i}`, { autostart: false });
    await open(page, 'overview');
    await open(page, 'sessions');
    await page.locator('.sessions-many .session-one').nth(12).waitFor();
    await page.setViewportSize(PHONE);
    await accessible(page, 'list of many on a phone');
    await fits(page);
    for (let i = 0; i < 9; i++) await daemon.ok('DELETE', `/v1/tenants/default/sessions/many-${i}`);
    await page.context().close();
  });

  test('one of them: account, memory, what works, agent, notes, catching up', async () => {
    const page = await browser.signedIn(daemon, { at: 'sessions/shop' });
    await page.getByText(`+${ME}`).waitFor();
    await page.getByRole('meter', { name: 'Memory of the browser' }).waitFor();
    await page.getByText('Receiving', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Catch up now' }).click();
    await page.getByText(/\d+ chats seen/).waitFor();
    await accessible(page, 'a session');

    await page.getByRole('button', { name: 'Add an agent' }).click();
    await page.getByLabel('Address (URL)').fill('not an address');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').locator('.error, [role=alert]').first().waitFor();
    await page.getByLabel('Address (URL)').fill('https://bot.example.com/answer');
    await page.getByLabel('API key of the endpoint').fill('secret-1');
    await page.getByLabel('Words that hand over').fill('a person\nhuman');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('https://bot.example.com/answer').waitFor();
    const agent = () => daemon.ok('GET', '/v1/tenants/default/sessions/shop/agent');
    let now = await agent();
    assert.deepEqual([now.enabled, now.api_key_set, now.handover_keywords], [true, true, ['a person', 'human']]);
    const saved = page.waitForResponse((r) => r.url().endsWith('/agent') && r.request().method() === 'PUT');
    await page.getByRole('switch', { name: 'Answers messages' }).click();
    await saved;
    now = await agent();
    assert.deepEqual([now.enabled, now.api_key_set], [false, true], 'the key stays when it is not typed again');

    await page.getByRole('button', { name: 'Edit notes' }).click();
    await accessible(page, 'notes');
    await page.getByLabel('Name', { exact: true }).fill('branch');
    await page.getByLabel('Value', { exact: true }).fill('Porto');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('main').getByText('Porto').waitFor();
    assert.deepEqual((await daemon.session('default', 'shop').get()).metadata, { branch: 'Porto' });
    const chosen = page.waitForResponse((r) => r.request().method() === 'PUT');
    await page.getByLabel('Hibernate when idle').selectOption({ label: 'After 1h' });
    assert.equal((await chosen).status(), 200);
    const { hibernate } = await daemon.session('default', 'shop').get();
    assert.deepEqual([hibernate.after_idle_s, hibernate.wake_every_s], [3600, 14400]);
    await page.getByLabel('Hibernate when idle').selectOption({ label: 'Never' });
    await page.getByText('every 4h').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('log, its level and a picture of the page, for an admin', async () => {
    const page = await browser.signedIn(daemon, { at: 'sessions/shop' });
    await page.getByRole('tab', { name: 'Log' }).click();
    const log = page.getByRole('log');
    await log.getByText('syncing -> ready').first().waitFor();
    await accessible(page, 'log');
    await page.getByLabel('Show', { exact: true }).selectOption('info');
    await page.getByLabel('Write').selectOption('debug');
    await page.getByText(/Writes debug until/).waitFor();
    await log.getByText('log.level').waitFor();   // the poll brings what is new
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused. What comes meanwhile').waitFor();
    await daemon.ok('PUT', '/v1/tenants/default/sessions/shop/log', { level: null });
    assert.equal(await log.getByText('as the node').count(), 0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await log.getByText('as the node').waitFor();

    await page.getByRole('tab', { name: 'Screen' }).click();
    await page.getByRole('button', { name: 'Take a picture' }).click();
    const picture = page.getByRole('img', { name: 'The page of shop' });
    await picture.waitFor();
    assert.ok(await picture.evaluate(async (img) => { await img.decode(); return img.naturalWidth > 100; }));
    await accessible(page, 'picture of the page');
    await page.getByRole('button', { name: 'Enlarge' }).click();
    await page.getByRole('dialog', { name: 'The page of shop' }).waitFor();
    await page.context().close();
  });

  test('what happened, of one and of all, live', async () => {
    const page = await browser.signedIn(daemon, { at: 'activity' });
    await page.getByText(`Linked to`).waitFor();
    await page.getByRole('link', { name: 'shop', exact: true }).first().waitFor();
    await farEnd.post('/send', { from: ALICE, to: ME, text: 'hello' });
    await page.getByText('1 message received').waitFor();
    await accessible(page, 'activity');
    await page.getByLabel('Session', { exact: true }).selectOption('stall');
    await page.getByText('1 message received').waitFor({ state: 'detached' });
    await page.locator('.happened p', { hasText: /^Created$/ }).waitFor();
    assert.equal(await page.locator('.happened').count(), 1);
    await open(page, 'sessions/shop?tab=activity');
    await page.getByText('1 message received').waitFor();
    await page.context().close();
  });

  test('stop, start, take over and log out, each after what it will do', async () => {
    const page = await browser.signedIn(daemon, { at: 'sessions/shop' });
    await status(page, 'Ready');
    await act(page, 'shop', 'Stop');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    assert.equal((await daemon.session('default', 'shop').get()).status, 'ready', 'who does not agree stops nothing');
    await act(page, 'shop', 'Stop');
    await agree(page, 'Stop shop?', 'nothing comes in and nothing goes out', 'Stop');
    await status(page, 'Stopped');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await status(page, 'Ready');
    await farEnd.post('/conflict', { account: ME });
    await status(page, 'Open elsewhere');
    await page.getByRole('button', { name: 'Use it here' }).click();
    await agree(page, 'Use shop here?', 'stops working', 'Use it here');
    await status(page, 'Ready');
    await act(page, 'shop', 'Log out');
    await agree(page, 'Log out shop?', 'a new code', 'Log out');
    await status(page, 'Logged out');
    await page.getByRole('link', { name: 'Link', exact: true }).click();
    await page.getByRole('button', { name: 'Link again' }).click();
    await shown(page);
    await page.context().close();
  });

  test('a code to type on the phone', async () => {
    const page = await browser.signedIn(daemon, { at: 'sessions/shop/link' });
    await page.getByRole('tab', { name: 'Phone number' }).click();
    await page.getByLabel('Phone number of the account').fill('12');
    await page.getByRole('button', { name: 'Get a code' }).click();
    await page.getByText('Write 8 to 15 digits').waitFor();
    await page.getByLabel('Phone number of the account').fill('+55 11 97777-6666');
    await page.getByRole('button', { name: 'Get a code' }).click();
    const code = await page.locator('.pairing-code').getAttribute('data-code');
    assert.match(code, /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);
    await page.getByText(/Works for \d+/).waitFor();
    await accessible(page, 'pairing code');
    await farEnd.post('/pairing-code', { account: OTHER, code });
    await heading(page, 'Linked as Other Tenant');
    await page.context().close();
  });

  test('delete, only after its name was typed', async () => {
    const page = await browser.signedIn(daemon, { at: 'sessions/shop' });
    await act(page, 'shop', 'Delete');
    const dialog = page.getByRole('dialog', { name: 'Delete shop?' });
    await accessible(page, 'delete');
    assert.ok(await dialog.getByRole('button', { name: 'Delete', exact: true }).isDisabled());
    await dialog.getByLabel('Erase its messages').check();
    await dialog.getByLabel('Type shop to confirm').fill('shop');
    const gone = page.waitForRequest((r) => r.method() === 'DELETE');
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    assert.match((await gone).url(), /\/sessions\/shop\?erase=messages$/);
    await page.getByText('shop was deleted').waitFor();
    assert.equal((await daemon.call('GET', '/v1/tenants/default/sessions/shop')).status, 404);
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('a viewer sees no buttons, and a key for some sessions only those', async () => {
    const key = async (body) => (await daemon.ok('POST', '/v1/tenants/default/keys', body)).key;
    const page = await browser.signedIn(daemon, { key: await key({ name: 'viewer', role: 'viewer' }), at: 'sessions' });
    await page.locator('.session-one').nth(3).waitFor();
    for (const name of ['New session', /^Link/]) assert.equal(await page.getByRole('main').getByRole('button', { name }).count() + await page.locator('.session-link').count(), 0);
    await open(page, 'sessions/stall');
    await page.getByText('Is started by hand').waitFor();
    assert.deepEqual(await page.getByRole('main').getByRole('button').allTextContents(), []);
    assert.deepEqual(await page.getByRole('tab').allTextContents(), ['Overview', 'Activity']);
    await open(page, 'sessions/main/link');
    await page.getByText(/Your key may not do this|Have the phone at hand|Starting/).first().waitFor();
    assert.equal(await page.locator('.qr').count(), 0);
    await page.context().close();

    const some = await browser.signedIn(daemon, { key: await key({ name: 'desks', role: 'operator', sessions: ['desk-*'] }), at: 'sessions' });
    await some.locator('.session-one').nth(2).waitFor();
    assert.deepEqual(await some.locator('.session-one h2').allTextContents(), ['desk-1', 'desk-2', 'desk-10']);
    await some.evaluate(() => (location.hash = '#/sessions/stall'));
    await some.getByRole('heading', { name: 'There is no such session' }).waitFor();
    await open(some, 'activity');
    await some.locator('.happened').nth(2).waitFor();
    assert.deepEqual((await some.locator('.happened p').allTextContents()).sort(), ['Created desk-1', 'Created desk-10', 'Created desk-2']);
    await some.context().close();
  });
});

describe('codes that nobody scans', () => {
  test('follow each other on the screen, end, and begin again on request', async () => {
    const farEnd = await FarEnd.start({ knobs: { ref_ms: 600_000 } });   // a code ends when the test says so
    const daemon = await Daemon.start({ farEnd, settings: { 'session.qr_attempts': 3 } });
    const browser = await Browser.start();
    try {
      await daemon.ok('PUT', '/v1/tenants/default/sessions/late', { autostart: false });
      const page = await browser.signedIn(daemon, { at: 'sessions/late/link' });
      await page.getByRole('button', { name: 'Show the code' }).click();
      await page.getByText('Code 1 of 3').waitFor();
      const first = await scanned(page);
      for (const n of [2, 3]) {
        await farEnd.post('/next-ref');
        await page.getByText(`Code ${n} of 3`).waitFor();
      }
      assert.notEqual(await scanned(page), first, 'another code is on the screen');
      await farEnd.post('/next-ref');
      await heading(page, 'Nobody scanned the code');
      await accessible(page, 'codes used up');
      await page.getByRole('button', { name: 'Show new codes' }).click();
      await shown(page);
      await farEnd.post('/scan', { account: ME, qr: await scanned(page) });
      await heading(page, 'Linked as Me Myself');
    } finally {
      await browser.close();
      await daemon.close();
      await farEnd.close();
    }
  });
});
