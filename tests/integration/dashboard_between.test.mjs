// What a person does between an act and what comes of it later: the later thing takes nothing back, and
// moves nobody. Only the way of files and answers is made long. No WhatsApp runs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, drawn, held, open } from './browser.mjs';
import { Daemon } from './harness.mjs';

const T = '/v1/tenants/default';
let daemon, browser;
before(async () => {
  const settings = { 'browser.executable': '/bin/false', 'session.backoff_min_ms': 60_000, 'session.backoff_max_ms': 60_000 };
  [daemon, browser] = await Promise.all([Daemon.start({ settings }), Browser.start()]);
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

const go = (page, hash) => page.evaluate((to) => (location.hash = to), hash);
const dialog = (page) => page.getByRole('dialog');

test('two keys in a hurry are one attempt to sign in', async () => {
  const page = await browser.person();
  await page.goto(daemon.base);
  const me = await held(page, '**/v1/me', 'GET');
  await page.getByLabel('API key').fill(daemon.key);
  await page.keyboard.press('Enter');
  await me.asked;
  await page.getByLabel('API key').fill('another');
  await page.keyboard.press('Enter');
  me.let();
  await page.locator('main.page-overview h1').waitFor();
  assert.equal(me.count, 1);
  await page.context().close();
});

test('of two languages the one that was chosen last is shown', async () => {
  const page = await browser.signedIn(daemon, { at: 'settings' });
  const texts = await held(page, /\/text\/pt\b/, 'GET');
  await page.evaluate(async () => {
    const { useLanguage } = await import('/assets/core/i18n.js');
    globalThis.first = useLanguage('pt');
    await useLanguage('es');
  });
  await texts.asked;
  texts.let();
  await page.evaluate(() => globalThis.first.then(() => {}));
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'es');
  await page.context().close();
});

test('the code of a page that comes late leaves the focus to who has gone on', async () => {
  const page = await browser.signedIn(daemon);
  await page.locator('main.page-overview h1:focus').waitFor();
  const code = await held(page, /\/pages\/audit\.\w+\.js/, 'GET');
  await go(page, '#/audit');
  await code.asked;
  await page.locator('.top .menu').last().getByRole('button').first().click();
  await page.locator('[role=menuitemradio]:focus').waitFor();
  code.let();
  await page.locator('main.page-audit h1').waitFor();
  await drawn(page);
  assert.equal(await page.locator('[role=menuitemradio]:focus').count(), 1);
  await page.context().close();
});

test('whether the code of a page that was left came or not is nothing to the next one', async () => {
  const page = await browser.signedIn(daemon, { at: 'settings' });
  const left = await held(page, /\/pages\/audit\.\w+\.js/, 'GET'), shown = await held(page, /\/pages\/usage\.\w+\.js/, 'GET');
  await go(page, '#/audit');
  await left.asked;
  await go(page, '#/usage');
  await shown.asked;
  shown.fail();
  await page.getByText('This page could not be shown').waitFor();
  const came = page.waitForResponse(/\/pages\/audit\.\w+\.js/);
  left.let();
  await (await came).finished();
  await page.evaluate(() => import('/assets/pages/audit.js').then(() => {}));
  await drawn(page);
  assert.equal(await page.getByText('This page could not be shown').count(), 1);
  await page.context().close();
});

test('what an address says goes with the page that it leads to', async () => {
  const page = await browser.signedIn(daemon, { at: 'settings' });
  await page.evaluate(async () => {
    const { setQuery } = await import('/assets/core/router.js');
    location.hash = '#/sessions';
    setQuery({ q: 'x' });   // before the page has heard of it
  });
  await page.locator('main.page-sessions h1').waitFor();
  await page.context().close();
});

test('a dialog is open as soon as it is there, and what was loaded is shown for what it was asked for', async () => {
  await daemon.ok('PUT', `${T}/webhooks/copy`, { url: 'https://erp.example.com/', enabled: false });
  const page = await browser.signedIn(daemon, { at: 'webhooks/copy?tab=signature' });
  await page.locator('.code h3', { hasText: 'receiver.py' }).waitFor();
  const found = await page.evaluate(async () => {
    globalThis.requestAnimationFrame = () => 0;   // nothing is drawn now
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    [...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === 'PHP').click();
    await turn();
    const code = document.querySelector('.code pre')?.textContent;
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }));
    await turn();
    return [code, document.querySelector('dialog')?.open, document.activeElement.closest('dialog') !== null];
  });
  assert.deepEqual(found, [undefined, true, true]);
  await page.context().close();
});

test('a chart is read by keys also while its plot is on its way', async () => {
  const page = await browser.person();
  const plot = await held(page, /\/uplot\./, 'GET');
  await page.goto(daemon.base);
  await page.getByLabel('API key').fill(daemon.key);
  await page.keyboard.press('Enter');
  await daemon.ok('PUT', `${T}/sessions/main`, {});
  const chart = page.getByRole('slider', { name: /^Messages every/ });
  await chart.focus();
  await page.keyboard.press('Home');
  await page.locator('[role=slider][aria-valuenow="0"]:focus').waitFor();
  plot.let();
  await page.locator('.uplot').first().waitFor({ state: 'attached' });
  await drawn(page);
  await page.keyboard.press('ArrowRight');
  await page.locator('[role=slider][aria-valuenow="1"]:focus').waitFor();
  await page.context().close();
});

test('a menu keeps its place when what it offers changes', async () => {
  await daemon.session().act('start');
  const page = await browser.signedIn(daemon, { at: 'sessions/main' });
  await page.getByRole('button', { name: 'More actions for main' }).click();
  await page.locator('[role=menuitem]:focus').waitFor();
  await page.getByRole('menuitem', { name: 'Stop', exact: true }).waitFor();
  await page.keyboard.press('End');
  await page.locator('[role=menuitem]:focus', { hasText: 'Delete' }).waitFor();
  await daemon.session().act('stop');
  await page.getByRole('menuitem', { name: 'Stop', exact: true }).waitFor({ state: 'detached' });
  await page.locator('[role=menuitem]:focus', { hasText: 'Delete' }).waitFor();
  await page.context().close();
});

test('a webhook is made once, and its secret shown, however often Enter and Escape are pressed', async () => {
  const page = await browser.signedIn(daemon, { at: 'webhooks' });
  await page.getByRole('button', { name: 'New webhook' }).first().click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('once');
  await dialog(page).getByLabel('Address').fill('https://erp.example.com/');
  const made = await held(page, '**/webhooks/once', 'PUT');
  await page.keyboard.press('Enter');
  await made.asked;
  for (const key of ['Enter', 'Escape']) await page.keyboard.press(key);
  made.let();
  await page.getByRole('heading', { name: 'Secret of once' }).waitFor();
  assert.equal(made.count, 1);
  await page.context().close();
});

test('who leaves while something is made or deleted is not led away', async () => {
  const page = await browser.signedIn(daemon, { at: 'webhooks/once' });
  const deleted = await held(page, '**/webhooks/once', 'DELETE');
  await page.getByRole('button', { name: 'More for once' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await deleted.asked;
  await open(page, 'settings');
  deleted.let();
  await page.getByText('once was deleted').waitFor();
  await open(page, 'sessions');
  const made = await held(page, '**/sessions/new', 'PUT');
  await page.getByRole('button', { name: 'New session' }).click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('new');
  await page.keyboard.press('Enter');
  await made.asked;
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  const answered = page.waitForResponse((r) => r.request().method() === 'PUT');
  made.let();
  await (await answered).finished();
  await page.locator('.session-one').filter({ hasText: 'new' }).waitFor();
  await drawn(page);
  assert.equal(await page.evaluate(() => location.hash), '#/sessions');
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('a dialog gives the focus back, however it ends', async () => {
  const page = await browser.signedIn(daemon, { at: 'settings/tenant' });
  const tab = page.getByRole('tab', { selected: true });
  await tab.focus();
  for (const end of [() => page.keyboard.press('Escape'), () => dialog(page).getByRole('button', { name: 'Close' }).click()]) {
    await page.keyboard.press('?');
    await dialog(page).waitFor();
    await end();
    await dialog(page).waitFor({ state: 'detached' });
    await page.locator('[role=tab][aria-selected=true]:focus').waitFor();
  }
  await page.context().close();
});

test('a notice stays while one points at it or is in it, and goes once one is elsewhere', async () => {
  const page = await browser.person();
  await page.clock.install();
  await page.goto(daemon.base);
  await page.getByLabel('API key').fill(daemon.key);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.locator('main.page-overview h1').waitFor();
  const notice = page.locator('.toast');
  for (const [come, leave] of [
    [() => notice.hover(), () => page.mouse.move(5, 5)],
    [() => notice.getByRole('button', { name: 'Close' }).focus(), () => page.locator('#main').focus()],
  ]) {
    await page.evaluate(async () => (await import('/assets/ui/overlay.js')).toast('Done'));
    await come();
    await page.clock.runFor(60_000);
    assert.equal(await notice.count(), 1);
    await leave();
    await page.clock.runFor(60_000);
    await notice.waitFor({ state: 'detached' });
  }
  await page.context().close();
});
