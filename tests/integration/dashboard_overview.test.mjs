// The overview and the usage page: real numbers, each with the way to its list, live, by keyboard and
// for everybody's eyes.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Browser, DESKTOP, PHONE, accessible, fits, open } from './browser.mjs';
import { ALICE, Daemon, FarEnd, ME, Receiver } from './harness.mjs';

const TENANT = '/v1/tenants/default';
const NOBODY = '5511999990000';   // not on WhatsApp

describe('overview and usage', () => {
  let farEnd, daemon, session, events, receiver, browser, page;
  const tile = (name) => page.locator('.tiles .tile').filter({ has: page.getByText(name, { exact: true }) });
  const shows = (name, value) => tile(name).locator('.tile-value').filter({ hasText: new RegExp(`^${value}$`) }).waitFor();
  const status = (id, ...wanted) =>
    events.find((e) => e.type === 'message.status' && e.data.id === id && wanted.includes(e.data.status), `${id} ${wanted}`);

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    await daemon.ok('PUT', '/v1/tenants/empty', {});
    receiver = await Receiver.start({ answer: () => 410 });
    session = daemon.session();
    await session.link();
    events = daemon.events('default', await session.lastSeq());
    browser = await Browser.start();
    page = await browser.signedIn(daemon, { at: 'overview' });
    await page.locator('.overview').waitFor();
  });
  after(async () => {
    await browser?.close();
    await events?.close();
    await daemon?.close();
    await receiver?.close();
    await farEnd?.close();
  });

  test('numbers follow what happens', async () => {
    await shows('Received', '0');
    await page.locator('.first-steps .next h3', { hasText: /^Add a webhook$/ }).waitFor();   // the other two steps are done
    await farEnd.post('/send', { from: ALICE, to: ME, text: 'hello' });
    await shows('Received', '1');
    const sent = await session.send(ALICE, 'hello to you');
    await status(sent.id, 'delivered', 'read');
    const failed = await session.send(NOBODY, 'to nobody');
    await status(failed.id, 'failed');
    await shows('Sent', '1');
    await shows('Delivered', '100%');
    await shows('Failed', '1');
    await daemon.ok('PUT', `${TENANT}/webhooks/erp`, { url: receiver.url, events: ['message.received'] });
    await farEnd.post('/send', { from: ALICE, to: ME, text: 'again' });
    await page.getByRole('link', { name: /Dead letters 1/ }).waitFor();
    await page.locator('.first-steps').waitFor({ state: 'detached' });
  });

  test('each number leads to its list', async () => {
    await tile('Failed').click();
    await page.locator('.messages li').first().waitFor();
    assert.deepEqual(await page.locator('.messages .message-text').allInnerTexts(), ['to nobody']);
    await page.getByLabel('Status').selectOption('');
    await page.getByText('hello to you').waitFor();
    await page.waitForURL(/direction=out/);
    await accessible(page, 'the messages behind a number');
    await page.goBack();
    await page.locator('.overview').waitFor();
    // what was read since was delivered and sent, too; what came while nobody listened is not counted
    await farEnd.post('/read', { account: ALICE, from: ME });
    await shows('Read', '100%');
    for (const name of ['Sent', 'Delivered', 'Read']) {
      await tile(name).click();
      await page.locator('.messages li').first().waitFor();
      assert.deepEqual(await page.locator('.messages .message-text').allInnerTexts(), ['hello to you'], name);
      await page.goBack();
      await page.locator('.overview').waitFor();
    }
    await tile('Received').click();
    await page.locator('.messages li').nth(1).waitFor();
    assert.deepEqual(await page.locator('.messages .message-text').allInnerTexts(), ['again', 'hello']);
    await page.goBack();
    await page.locator('.overview').waitFor();
    assert.equal(await page.getByRole('link', { name: /^Ready/ }).getAttribute('href'), '#/sessions?status=ready');
    assert.equal(await page.getByRole('link', { name: /Dead letters/ }).getAttribute('href'), '#/webhooks/erp?state=dead');
  });

  test('the range is kept in the address', async () => {
    await page.getByRole('button', { name: '90 days' }).click();
    await page.getByRole('button', { name: '90 days', pressed: true }).waitFor();
    await page.waitForURL(/overview\?range=90d$/);
    await page.reload();
    await page.locator('.overview').waitFor();
    await page.getByRole('button', { name: '90 days', pressed: true }).waitFor();
    await shows('Received', '2');
    const steps = page.getByRole('table', { name: /^Messages every/ }).locator('tbody tr');
    await steps.nth(89).waitFor({ state: 'attached' });
    assert.equal(await steps.count(), 90);
  });

  test('a chart is read with the arrow keys', async () => {
    const chart = page.getByRole('slider', { name: /^Messages every/ });
    assert.match(await chart.getAttribute('aria-valuetext'), /Received 2, Sent 1$/);
    await chart.focus();
    await page.keyboard.press('Home');
    await page.locator('[role=slider][aria-valuenow="0"]:focus').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('[role=slider][aria-valuenow="1"][aria-valuetext$="Received 0, Sent 0"]').waitFor();
    await page.keyboard.press('End');
    await page.locator('.readout').filter({ hasText: '2' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.readout').waitFor({ state: 'detached' });
  });

  test('nothing in the way of anybody, wide and narrow', async () => {
    await accessible(page, 'overview');
    await page.setViewportSize(PHONE);
    await accessible(page, 'overview on a phone');
    await fits(page);
    await page.setViewportSize({ width: 360, height: 640 });
    await fits(page);
    await page.setViewportSize(DESKTOP);
  });

  test('from right to left it stands the other way round', async () => {
    await page.route(/\/text\/ar\b.*json/, (route) => route.fulfill({ json: {} }));   // English words will do
    await page.evaluate(() => localStorage.setItem('wabridge.language', 'ar'));
    await page.reload();
    await page.locator('html[dir=rtl] .overview').waitFor();
    const axis = await page.locator('.uplot .u-axis').nth(1).boundingBox();
    const plot = await page.locator('.uplot .u-over').first().boundingBox();
    assert.ok(axis.x > plot.x, 'the scale is at the right');
    await accessible(page, 'overview from right to left');
    await page.evaluate(() => localStorage.removeItem('wabridge.language'));
    await page.reload();
    await page.locator('.overview').waitFor();
  });

  test('a new tenant is taught the first steps', async () => {
    await page.getByRole('button', { name: /^Tenant/ }).click();
    await page.getByRole('menuitemradio', { name: 'empty' }).click();
    await page.getByRole('heading', { name: 'Three steps to your first message' }).waitFor();
    assert.equal(await page.locator('.tiles').count(), 0);
    assert.equal(await page.getByRole('link', { name: 'Create a session' }).getAttribute('href'), '#/sessions');
    await accessible(page, 'overview of a new tenant');
    await page.getByRole('button', { name: /^Tenant/ }).click();
    await page.getByRole('menuitemradio', { name: 'default' }).click();
    await shows('Received', '2');
  });

  test('usage: counts, quotas, months, and a file of them', async () => {
    await daemon.ok('PUT', TENANT, { limits: { sends_per_day: 2, max_sessions: 4 }, tariff: { currency: 'BRL', default: '0.50' } });
    await open(page, 'usage');
    await page.getByRole('meter', { name: 'Messages today' }).waitFor();
    assert.equal(await page.getByRole('meter', { name: 'Messages today' }).getAttribute('aria-valuenow'), '100');
    assert.equal(await page.getByRole('meter', { name: 'Sessions' }).getAttribute('aria-valuetext'), '1 of 4');
    await page.getByRole('tab', { name: 'Country code' }).click();
    const row = page.getByRole('row', { name: /^\+55/ });
    await row.waitFor();
    assert.match(await row.innerText(), /^\+55\s+2\s+2\s/);
    assert.match(await row.innerText(), /R\$1\.00/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download as CSV' }).click()]);
    assert.match(download.suggestedFilename(), /^usage-default-\d{4}-\d\d-country\.csv$/);
    const lines = fs.readFileSync(await download.path(), 'utf8').split('\r\n');
    assert.deepEqual(lines.slice(0, 2), ['country,messages_out,messages_in,media_bytes_out,media_bytes_in,cost,currency', '55,2,2,0,0,1.00,BRL']);
    await page.getByRole('button', { name: 'Month before' }).click();
    await page.getByRole('heading', { name: 'Nothing in this month' }).waitFor();
    await page.waitForURL(/month=\d{4}-\d\d/);
    await page.goBack();
    await open(page, 'usage');
    await page.getByRole('table', { name: 'Messages by day' }).waitFor({ state: 'attached' });
    await accessible(page, 'usage');
    await page.setViewportSize(PHONE);
    await accessible(page, 'usage on a phone');
    await fits(page);
    await page.setViewportSize(DESKTOP);
  });

  test('one session of several, and the messages of all together', async () => {
    await daemon.ok('PUT', TENANT, { limits: {} });
    await daemon.ok('PUT', `${TENANT}/sessions/second`, { autostart: false });
    await daemon.session('default', 'second').send(ALICE, 'waits in the second');
    await open(page, 'overview/messages?direction=out');
    await page.getByText('waits in the second').waitFor();
    assert.deepEqual(await page.locator('.messages .message-text').allInnerTexts(), ['waits in the second', 'to nobody', 'hello to you']);
    await page.getByLabel('Session').selectOption('main');
    await page.getByText('waits in the second').waitFor({ state: 'detached' });
    await open(page, 'overview');
    await page.reload();
    await page.getByLabel('Session').selectOption('second');
    await shows('Received', '0');
    await page.waitForURL(/session=second/);
    assert.match(await page.getByRole('link', { name: /^Messages to send 1/ }).getAttribute('href'), /session=second/);
    assert.equal(await page.getByText('Webhook latency').count(), 0, 'webhooks are of no session');
    await accessible(page, 'overview of one session');
  });

  test('a key that sees one session sees its numbers, and no webhooks', async () => {
    const { key } = await daemon.ok('POST', `${TENANT}/keys`, { role: 'viewer', sessions: ['main'] });
    const other = await browser.signedIn(daemon, { key, at: 'overview' });
    await other.locator('.overview').waitFor();
    assert.equal(await other.getByText('Webhook latency').count(), 0);
    assert.equal(await other.getByText('Dead letters').count(), 0);
    assert.deepEqual(other.faults, []);
    await other.context().close();
  });
});
