// The Webhooks page on the real daemon: create, test, dead letters and their way back.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, DESKTOP, fits, open, PHONE } from './browser.mjs';
import { Daemon, Receiver } from './harness.mjs';

const T = '/v1/tenants/default';
let daemon, browser;
before(async () => {
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
  await api('DELETE', '/sessions/main');   // it would tell of its own failed starts
  browser = await Browser.start();
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

const api = (method, path, body) => daemon.ok(method, T + path, body);
// Something that webhooks are told: a person asks not to be written to.
let people = 5511900000000;
const happen = () => api('PUT', `/opt-outs/${++people}`);
const dialog = (page) => page.getByRole('dialog');
const rows = (page) => page.locator('table.deliveries tbody tr');
const tab = (page, name) => page.getByRole('tab', { name });

async function create(page, name, url) {
  await page.getByRole('button', { name: 'New webhook' }).first().click();
  await dialog(page).getByLabel('Name', { exact: true }).fill(name);
  await dialog(page).getByLabel('Address').fill(url);
  await dialog(page).getByRole('button', { name: 'New webhook' }).click();
  await page.getByRole('heading', { name: `Secret of ${name}` }).waitFor();
  const secret = await dialog(page).locator('code').innerText();
  await dialog(page).getByRole('button', { name: 'I have stored it' }).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
  return secret;
}

describe('the Webhooks page', () => {
  test('without webhooks it tells what they are', async () => {
    const page = await browser.signedIn(daemon, { at: 'webhooks' });
    await page.getByRole('heading', { name: 'Tell your software what happens' }).waitFor();
    for (const kind of ['Frappe and ERPNext', 'n8n']) await page.getByRole('heading', { name: kind }).waitFor();
    await accessible(page, 'no webhooks');
    await page.context().close();
  });

  test('the server judges an address while one types, in its own words beside the field', async () => {
    const strict = await Daemon.start({ settings: { 'browser.executable': '/bin/false', 'relay.allow_private': 'no' } });
    try {
      const page = await browser.signedIn(strict, { at: 'webhooks' });
      await page.getByRole('button', { name: 'New webhook' }).first().click();
      const wrong = dialog(page).locator('.field.wrong .error');
      await dialog(page).getByLabel('Address').fill('http://10.0.0.7/hook');
      await wrong.filter({ hasText: 'allow_private' }).waitFor();
      await dialog(page).getByLabel('Address').fill('gopher://erp.example.com/');
      await wrong.filter({ hasText: 'https://' }).waitFor();
      await dialog(page).getByLabel('Address').fill('https://erp.example.com/hooks');
      await wrong.first().waitFor({ state: 'detached' });
      await dialog(page).getByRole('button', { name: 'Add a header' }).click();
      await dialog(page).getByLabel('Name of the header').fill('webhook-id');
      await wrong.or(dialog(page).locator('.headers .error')).filter({ hasText: 'set by the relay' }).waitFor();
      await accessible(page, 'the form with an error');
      await dialog(page).getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('heading', { name: 'Leave without saving?' }).waitFor();
      await page.getByRole('button', { name: 'Leave', exact: true }).click();
      await dialog(page).waitFor({ state: 'detached' });
      assert.deepEqual((await strict.ok('GET', `${T}/webhooks`)).items, []);
      await page.context().close();
    } finally {
      await strict.close();
    }
  });

  test('made on the page, tested, refused, a dead letter with its tries and body, sent again', async () => {
    let status = 200;
    const receiver = await Receiver.start({ answer: () => ({ status, headers: { 'X-App': 'erp/1.2' }, body: status === 200 ? '' : 'moved to /v2' }) });
    const page = await browser.signedIn(daemon, { at: 'webhooks' });
    const secret = await create(page, 'erp', receiver.url);
    assert.match(secret, /^whsec_/);
    const stored = await api('GET', '/webhooks/erp');
    assert.equal(stored.url, receiver.url);
    assert.equal(JSON.stringify(stored).includes(secret), false);

    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByText('It works: your receiver took the event').waitFor();
    assert.equal(receiver.events('webhook.test').length, 1);
    status = 410;
    await dialog(page).getByRole('button', { name: 'Send again' }).click();
    await page.getByText('Your receiver did not take the event').waitFor();
    for (const text of ['HTTP 410', 'gone for good', 'erp/1.2', 'moved to /v2']) await dialog(page).getByText(text).first().waitFor();
    await accessible(page, 'a failed test');
    await dialog(page).getByRole('button', { name: 'Close' }).last().click();

    await tab(page, 'Deliveries').click();
    await tab(page, 'Dead letters').click();
    await page.waitForURL(/#\/webhooks\/erp\?.*state=dead/);
    await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
    for (let i = 0; i < 3; i++) await happen();
    await rows(page).nth(2).waitFor();   // live: nobody pressed anything
    await rows(page).first().getByRole('button', { name: 'contact.opted_out' }).click();
    await dialog(page).getByText('What is posted').waitFor();
    const shown = JSON.parse(await dialog(page).locator('.code pre').innerText());
    assert.deepEqual(shown, receiver.events('contact.opted_out').find((e) => e.id === shown.id));
    assert.equal(await dialog(page).locator('.tries li').count(), 1);
    assert.match(await dialog(page).locator('.tries li').innerText(), /HTTP 410/);
    await accessible(page, 'a dead letter');

    status = 200;
    await dialog(page).getByRole('button', { name: 'Send again' }).click();
    await page.getByText('1 event goes out again').waitFor();
    await receiver.wait((r) => r.requests.filter((q) => q.event?.id === shown.id && q.status === 200)[0]);
    await rows(page).nth(2).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Send all again' }).click();
    await page.getByRole('heading', { name: 'Send 2 events again?' }).waitFor();
    await dialog(page).getByRole('button', { name: 'Send again' }).click();
    await page.getByText('2 events go out again').waitFor();
    await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
    await tab(page, 'Delivered').click();
    await rows(page).nth(2).waitFor();
    assert.equal(new Set(receiver.requests.filter((q) => q.status === 200 && q.event.type === 'contact.opted_out').map((q) => q.event.id)).size, 3);
    await rows(page).first().getByRole('button', { name: 'contact.opted_out' }).click();
    await dialog(page).locator('.tries li').nth(1).waitFor();   // the refusal, then the success
    await dialog(page).getByRole('button', { name: 'Close' }).last().click();
    await accessible(page, 'deliveries');
    await page.context().close();
    await api('DELETE', '/webhooks/erp');
    await receiver.close();
  });

  test('some dead letters are chosen and sent again, the others stay', async () => {
    let status = 410;
    const receiver = await Receiver.start({ answer: () => status });
    await api('PUT', '/webhooks/some', { url: receiver.url });
    for (let i = 0; i < 3; i++) await happen();
    const page = await browser.signedIn(daemon, { at: 'webhooks/some?state=dead' });
    await rows(page).nth(2).waitFor();
    status = 200;
    await rows(page).nth(0).getByRole('checkbox').check();
    await rows(page).nth(2).getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Send 2 again' }).click();
    await dialog(page).getByRole('button', { name: 'Send again' }).click();
    await page.getByText('2 events go out again').waitFor();
    await rows(page).nth(1).waitFor({ state: 'detached' });
    assert.equal((await api('GET', '/webhooks/some')).dead, 1);
    // opened from the list it shows what is wrong
    await open(page, 'webhooks');
    await page.getByRole('link', { name: 'some', exact: true }).click();
    await page.getByRole('tab', { name: 'Dead letters', selected: true }).waitFor();
    await rows(page).first().waitFor();
    assert.doesNotMatch(page.url(), /state=/);
    // and stays there when it is mended
    await page.getByRole('button', { name: 'Send all again' }).click();
    await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
    await tab(page, 'Delivered').click();
    await rows(page).nth(2).waitFor();   // until then they wait
    await open(page, 'webhooks');
    await page.getByRole('link', { name: 'some', exact: true }).click();
    await page.getByRole('tab', { name: 'Delivered', selected: true }).waitFor();
    await page.context().close();
    await api('DELETE', '/webhooks/some');
    await receiver.close();
  });

  test('a webhook is changed without losing what was hidden; disabled, it is told nothing; deleted, it is gone', async () => {
    const receiver = await Receiver.start();
    await api('PUT', '/webhooks/shop', { url: receiver.url, headers: { 'X-Api-Key': 'hidden-value', 'X-Site': 'hq' } });
    const page = await browser.signedIn(daemon, { at: 'webhooks/shop?tab=settings' });
    await page.getByText('X-Api-Key: ***').waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await dialog(page).getByText('Only these').first().click();
    await dialog(page).getByText('Contacts', { exact: true }).click();
    await dialog(page).getByText('contact.opted_out', { exact: true }).click();
    await accessible(page, 'the form');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await page.getByText('Webhook shop is saved').waitFor();
    assert.deepEqual((await api('GET', '/webhooks/shop')).events.sort(), ['contact.opted_out', 'message.*']);
    await happen();
    const got = await receiver.waitFor((e) => e.type === 'contact.opted_out');
    assert.ok(got);
    assert.equal(receiver.requests[0].headers['x-api-key'], 'hidden-value');

    const menu = page.getByRole('button', { name: 'More for shop' });
    await menu.click();
    await page.getByRole('menuitem', { name: 'Disable' }).click();
    await page.getByText('shop is disabled').hover();   // a notice stays while one points at it
    await happen();   // it is not told of this one, also not later
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('shop gets events again').waitFor();
    await happen();
    const next = await receiver.wait((r) => r.events('contact.opted_out')[1]);
    assert.equal(next.data.opt_out.phone, String(people));

    await menu.click();
    await page.getByRole('menuitem', { name: 'New secret' }).click();
    await dialog(page).getByRole('button', { name: 'Make a new secret' }).click();
    await page.getByRole('heading', { name: 'Secret of shop' }).waitFor();
    const fresh = await dialog(page).locator('code').innerText();
    await dialog(page).getByRole('button', { name: 'I have stored it' }).click();
    await happen();
    const signed = await receiver.wait((r) => r.requests.filter((q) => q.event)[2]);
    const { createHmac } = await import('node:crypto');
    const want = createHmac('sha256', Buffer.from(fresh.slice(6), 'base64')).update(`${signed.headers['webhook-id']}.${signed.headers['webhook-timestamp']}.${signed.text}`).digest('base64');
    assert.equal(signed.headers['webhook-signature'], `v1,${want}`);

    await menu.click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await dialog(page).getByRole('button', { name: 'Delete' }).click();
    await page.getByText('shop was deleted').waitFor();
    assert.equal((await daemon.call('GET', `${T}/webhooks/shop`)).status, 404);
    await page.context().close();
    await receiver.close();
  });

  test('the receivers to copy are those of the documentation, with the path of the webhook', async () => {
    await api('PUT', '/webhooks/copy', { url: 'https://erp.example.com/api/method/app.receive?x=1', events: ['call.received'] });
    const page = await browser.signedIn(daemon, { at: 'webhooks/copy?tab=signature' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    for (const [title, file] of [['Python', 'receiver.py'], ['Node', 'receiver.mjs'], ['PHP', 'receiver.php'], ['C', 'receiver.c']]) {
      await page.getByRole('tab', { name: title, exact: true }).click();
      const code = page.locator('.code', { has: page.getByRole('heading', { name: file, exact: true }) });
      await code.getByText('/api/method/app.receive').first().waitFor();
      const copied = code.getByRole('button', { name: 'Copied' }).waitFor();   // said for a moment only
      await Promise.all([copied, code.getByRole('button', { name: 'Copy' }).click()]);
      const want = fs.readFileSync(new URL(`../../docs/examples/webhook/${file}`, import.meta.url), 'utf8').replaceAll('/hooks/whatsapp', '/api/method/app.receive');
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), want, file);
    }
    await accessible(page, 'receivers to copy');
    await page.context().close();
    await api('DELETE', '/webhooks/copy');
  });

  test('nobody answers: the page says why and what to do, and when it is tried again', async () => {
    const receiver = await Receiver.start();
    await receiver.close();   // its port refuses from now on
    await api('PUT', '/webhooks/away', { url: receiver.url, retry: { initial_delay_ms: 3_600_000, max_delay_ms: 3_600_000 } });
    await happen();
    const page = await browser.signedIn(daemon, { at: 'webhooks/away?state=pending' });
    await page.locator('table.deliveries td .bad').first().waitFor();
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByText('Nothing listens at this address and port').waitFor();
    await dialog(page).getByRole('button', { name: 'Close' }).last().click();
    await open(page, 'webhooks');
    await page.locator('.hook', { hasText: 'away' }).getByText('Failing').waitFor();
    await page.getByRole('link', { name: 'away', exact: true }).click();   // shows what does not get through
    await page.getByRole('tab', { name: 'Pending', selected: true }).waitFor();
    await rows(page).first().waitFor();
    await open(page, 'webhooks');
    await page.locator('.hook', { hasText: 'away' }).getByText('Failing').waitFor();
    for (const viewport of [PHONE, DESKTOP]) {
      await page.setViewportSize(viewport);
      await accessible(page, `the list at ${viewport.width}`);
      await fits(page);
    }
    await page.context().close();
    await api('DELETE', '/webhooks/away');
  });

  test('a viewer looks and changes nothing', async () => {
    let status = 410;
    const receiver = await Receiver.start({ answer: () => status });
    await api('PUT', '/webhooks/seen', { url: receiver.url });
    await happen();
    const { key } = await api('POST', '/keys', { name: 'viewer', role: 'viewer' });
    const page = await browser.signedIn(daemon, { key, at: 'webhooks' });
    await page.getByRole('link', { name: 'seen' }).waitFor();
    for (const name of ['New webhook', 'Test seen', 'More for seen']) assert.equal(await page.getByRole('button', { name }).count(), 0, name);
    await open(page, 'webhooks/seen?state=dead');
    await rows(page).first().waitFor();
    for (const name of ['Test', 'Send again', 'Send all again']) assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
    assert.equal(await page.getByRole('checkbox').count(), 0);
    await rows(page).first().getByRole('button').click();
    await dialog(page).getByText('What is posted').waitFor();
    await accessible(page, 'what a viewer sees');

    // one that may not read events sees that there was one, not what it says
    const { key: blind } = await api('POST', '/keys', { name: 'blind', scopes: ['webhooks:read'] });
    const other = await browser.signedIn(daemon, { key: blind, at: 'webhooks/seen?state=dead' });
    await rows(other).first().getByRole('button').click();
    await other.getByText('Your key may not read events').waitFor();
    await page.context().close();
    await other.context().close();
    await api('DELETE', '/webhooks/seen');
    await receiver.close();
  });
});
