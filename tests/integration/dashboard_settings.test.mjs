// The pages Audit log, Activity and Settings, as a person uses them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, drawn, held, open } from './browser.mjs';
import { command, Daemon, deferred, eventually } from './harness.mjs';

const T = '/v1/tenants/default';
let daemon, browser, ana;
before(async () => {
  [daemon, browser] = await Promise.all([Daemon.start({ settings: { 'browser.executable': '/bin/false' } }), Browser.start()]);
  ana = await daemon.ok('POST', `${T}/keys`, { name: 'Ana', role: 'operator' });
  await daemon.ok('PUT', `${T}/sessions/shop`, { autostart: false });
  await daemon.ok('POST', `${T}/sessions/shop/stop`, undefined, { key: ana.key });
  await daemon.call('PUT', `${T}/guards`, { key: ana.key, body: {} });   // refused: an operator may not
  await daemon.ok('PUT', `${T}/webhooks/erp`, { url: 'https://example.com/x' });
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});
const leave = (page) => page.context().close();
// Its notice goes by itself; that there is nothing more to save stays.
const saved = (page) => page.getByRole('button', { name: 'Save', disabled: true }).waitFor();
// Holds back what a button asks of this address: resolves when it is asked, with what lets it go on until the
// button rests again.
async function hold(page, url, act) {
  const request = await held(page, url);
  await Promise.all([request.asked, act()]);
  await page.locator('main button[aria-busy=true]').waitFor();
  return async () => {
    request.let();
    await page.locator('main button[aria-busy=true]').waitFor({ state: 'detached' });
  };
}
async function download(page, act) {
  const [file] = await Promise.all([page.waitForEvent('download'), act()]);
  return fs.readFileSync(await file.path(), 'utf8');
}

describe('audit log', () => {
  test('records in words with what lies behind them; filters are in the address', async () => {
    const page = await browser.signedIn(daemon, { at: 'audit' });
    const stop = page.locator('.entry', { hasText: 'Session ⁨shop⁩ stopped' });
    await stop.getByText('Key Ana').waitFor();
    await stop.locator('summary').click();
    await stop.getByText('session.stop').waitFor();
    await page.locator('.entry', { hasText: 'Guards on content changed' }).getByText('Refused').waitFor();
    await accessible(page, 'audit');
    await page.getByLabel('What').selectOption('session.*');
    await page.locator('.entry', { hasText: 'Webhook' }).first().waitFor({ state: 'detached' });
    await page.waitForURL(/action=session\.\*/);
    await page.getByLabel('By whom').selectOption({ label: 'Ana' });
    const only = () => page.waitForFunction(() => document.querySelectorAll('.entry').length === 1);
    await only();
    await page.reload();
    await only();   // the address holds the filters
    await page.getByLabel('From').fill('2001-01-01');
    await page.getByLabel('To', { exact: true }).fill('2001-01-02');
    await page.getByText('No record matches').waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Clear filters' }).first().click();
    await page.locator('.entry', { hasText: 'Webhook' }).first().waitFor();
    await leave(page);
  });

  test('the export of the whole log is verified by the program; one with a filter holds what is filtered', async () => {
    const page = await browser.signedIn(daemon, { at: 'audit' });
    await page.locator('.entry').first().waitFor();
    const text = await download(page, () => page.getByRole('button', { name: 'Export' }).click());
    const file = path.join(daemon.dataDir, 'export.ndjson');
    fs.writeFileSync(file, text);
    const verified = await command({ dataDir: '/nonexistent' }, 'audit', 'verify', '--file', file);
    assert.equal(verified.code, 0, verified.err);
    await open(page, 'audit?action=webhook.*');
    await page.locator('.entry', { hasText: 'Session' }).first().waitFor({ state: 'detached' });
    const some = (await download(page, () => page.getByRole('button', { name: 'Export' }).click())).trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(some.map((r) => r.action), ['webhook.put']);
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByRole('dialog').getByText('wabridge audit verify default').waitFor();
    await leave(page);
  });

  test('a long log comes page by page; the log of the installation is for administrators', async () => {
    await daemon.ok('PUT', '/v1/tenants/z-busy', {});
    for (let i = 0; i < 60; i++) await daemon.ok('PUT', '/v1/tenants/z-busy/guards', { max_text_length: i + 1 });
    const page = await browser.signedIn(daemon, { at: 'audit?log=admin' });
    await page.locator('.entry', { hasText: 'Tenant ⁨z-busy⁩ created' }).waitFor();
    await page.locator('.tenant-menu button').first().click();
    await page.getByRole('menuitemradio', { name: 'z-busy' }).click();
    await page.getByRole('tab', { name: 'Tenant z-busy' }).click();
    await page.locator('.entry').nth(49).waitFor();
    assert.equal(await page.locator('.entry').count(), 50);
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.locator('.entry').nth(59).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Load more' }).count(), 0);
    const { key } = await daemon.ok('POST', `${T}/keys`, { role: 'admin' });
    const tenant = await browser.signedIn(daemon, { key, at: 'audit' });
    assert.equal(await tenant.getByRole('tab').count(), 0);
    await Promise.all([leave(page), leave(tenant)]);
  });
});

describe('activity', () => {
  test('older ones that come late do not come behind the newest, which were asked for meanwhile', async () => {
    const page = await browser.signedIn(daemon, { at: 'overview' });
    const item = (session) => ({ kind: 'stopped', session, at: '2026-01-01T10:00:00Z', from_at: '2026-01-01T10:00:00Z', count: 1 });
    const late = deferred();
    await page.route(/\/v1\/tenants\/default\/activity/, async (route) => {
      const older = route.request().url().includes('cursor=');
      if (older) await late.promise;
      await route.fulfill({ json: older ? { items: [item('older')], next_cursor: null } : { items: Array.from({ length: 30 }, (_, i) => item(`new-${i}`)), next_cursor: 'c' } });
    });
    await open(page, 'activity');
    const come = page.waitForResponse(/cursor=c/);
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByRole('button', { name: 'To the newest' }).click();
    late.resolve();
    await (await come).finished();
    await drawn(page);
    await page.getByRole('button', { name: 'Load more' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'older' }).count(), 0);
    await leave(page);
  });
});

describe('settings', () => {
  test('the tenant: a wrong time zone is said at its field; what is right is stored, and what is not shown stays', async () => {
    await daemon.ok('PUT', '/v1/tenants/default', { limits: { sends_per_day: 10, max_sessions: 4 } });
    const page = await browser.signedIn(daemon, { at: 'settings/tenant' });
    await page.getByLabel('Time zone').fill('Mars/Olympus');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.field.wrong', { hasText: 'Time zone' }).locator('input:focus').waitFor();
    await page.getByLabel('Time zone').fill('America/Sao_Paulo');
    await page.getByLabel('Name', { exact: true }).fill('Loja Aurora');
    await page.getByRole('spinbutton', { name: 'Messages per day' }).fill('');
    await page.getByLabel('Files, in MiB').fill('5');
    await page.getByRole('button', { name: 'Save' }).click();
    await saved(page);
    const { name, time_zone, limits } = await daemon.ok('GET', '/v1/tenants/default');
    assert.deepEqual({ name, time_zone, limits }, { name: 'Loja Aurora', time_zone: 'America/Sao_Paulo', limits: { max_sessions: 4, max_media_bytes: 5 << 20 } });
    await accessible(page, 'tenant');
    const viewer = await browser.signedIn(daemon, { key: (await daemon.ok('POST', `${T}/keys`, { role: 'viewer' })).key, at: 'settings/tenant' });
    assert.ok(await viewer.getByLabel('Time zone').isDisabled());
    await Promise.all([leave(page), leave(viewer)]);
  });

  test('guards: rules and stop words are stored; a bad pattern says so and loses nothing', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings/guards' });
    await page.getByLabel('Longest text').fill('900');
    await page.getByRole('button', { name: 'Add a rule' }).click();
    await page.getByLabel('Rule 1', { exact: true }).fill('([');
    await page.getByLabel('Matches').selectOption('regex');
    await page.getByLabel('Your own stop words').fill('chega\nbasta');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.trouble').waitFor();
    assert.equal(await page.getByLabel('Rule 1', { exact: true }).inputValue(), '([');
    await page.getByLabel('Rule 1', { exact: true }).fill('\\bcasino\\b');
    await page.getByRole('button', { name: 'Save' }).click();
    await saved(page);
    const guards = await daemon.ok('GET', `${T}/guards`);
    assert.equal(guards.max_text_length, 900);
    assert.deepEqual(guards.forbidden.map((r) => [r.pattern, r.kind]), [['\\bcasino\\b', 'regex']]);
    assert.deepEqual(guards.opt_out.keywords, ['chega', 'basta']);
    await page.getByLabel('Text', { exact: true }).fill('come to our Casino');
    await page.getByRole('button', { name: 'Try a text' }).click();
    await page.getByText('Would be refused').waitFor();
    await page.getByLabel('Text', { exact: true }).fill('come to our shop');
    await page.getByRole('button', { name: 'Try a text' }).click();
    await page.getByText('May be sent').waitFor();
    await accessible(page, 'guards');

    // answers that come when one has gone on: what is written meanwhile stays, an old verdict is of no new text
    await page.getByLabel('Longest text').fill('800');
    const stored = await hold(page, '**/guards', () => page.getByRole('button', { name: 'Save' }).click());
    await page.getByLabel('Your own stop words').pressSequentially('\nfim');
    await stored();
    await page.keyboard.type('!');
    assert.equal(await page.getByLabel('Your own stop words').inputValue(), 'chega\nbasta\nfim!');
    assert.equal((await daemon.ok('GET', `${T}/guards`)).max_text_length, 800);
    await page.getByRole('button', { name: 'Save', disabled: false }).waitFor();
    const told = await hold(page, '**/guards/try', () => page.getByRole('button', { name: 'Try a text' }).click());
    await page.getByLabel('Text', { exact: true }).fill('to the Casino!');
    await told();
    assert.equal(await page.getByText('May be sent').count(), 0);
    await leave(page);
  });

  test('opt-outs: add, import, look up, take off and undo, download', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings/opt-outs' });
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('dialog').getByLabel('Phone number').fill('12');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.getByRole('dialog').locator('.error').waitFor();
    await page.getByRole('dialog').getByLabel('Phone number').fill('+55 11 90000-0001');
    await page.getByRole('dialog').getByLabel('Reason').fill('=asked by phone');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.getByRole('row', { name: /5511900000001/ }).waitFor();
    await page.getByRole('button', { name: 'Import' }).click();
    await page.getByRole('dialog').getByLabel('Numbers').fill('name\n5511900000002,Bob\n"5511900000003"\n5511900000001\n12345');
    await page.getByRole('dialog').getByRole('button', { name: 'Import 4 numbers' }).click();
    await page.getByText('2 numbers were added.').waitFor();
    await page.getByText('1 was there already.').waitFor();
    await page.getByRole('dialog').getByText('12345').waitFor();
    await page.getByRole('dialog').locator('.dialog-content').getByRole('button', { name: 'Close' }).click();
    await page.getByLabel('Number, reason or text').fill('+55 11 90000-0002');
    await page.getByRole('row', { name: /5511900000001/ }).waitFor({ state: 'detached' });
    await page.getByLabel('Number, reason or text').fill('');
    await page.getByRole('button', { name: /Take .*5511900000001/ }).click();
    await page.locator('.toast').getByText('may be written to again').hover();   // a notice stays while one points at it
    assert.equal((await daemon.call('GET', `${T}/opt-outs/5511900000001`)).status, 404);
    await page.getByRole('row', { name: /5511900000001/ }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('row', { name: /5511900000001/ }).waitFor();
    assert.equal((await daemon.ok('GET', `${T}/opt-outs/5511900000001`)).reason, '=asked by phone');
    const csv = await download(page, () => page.getByRole('button', { name: 'Download' }).click());
    assert.match(csv, /^phone,lid,[^\r]*\r\n/);
    assert.match(csv, /5511900000001,[^\r]*'=asked by phone/, 'no formula for a spreadsheet');
    await accessible(page, 'opt-outs');
    await leave(page);
  });

  test('opt-outs: Undo is of the tenant that it was taken off in', async () => {
    await daemon.ok('PUT', '/v1/tenants/elsewhere', {});
    await daemon.ok('PUT', `${T}/opt-outs/5511900000009`, {});
    const page = await browser.signedIn(daemon, { at: 'settings/opt-outs' });
    await page.getByRole('button', { name: /Take .*5511900000009/ }).click();
    await page.locator('.toast').getByText('may be written to again').hover();
    await page.locator('.tenant-menu button').first().click();
    await page.getByRole('menuitemradio', { name: 'elsewhere' }).click();
    await page.getByText('Nobody opted out').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await eventually('the number again', async () => (await daemon.call('GET', `${T}/opt-outs/5511900000009`)).status === 200);
    assert.equal((await daemon.call('GET', '/v1/tenants/elsewhere/opt-outs/5511900000009')).status, 404);
    await leave(page);
  });

  test('the widget: addresses are stored, a wrong one is refused', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings/widget' });
    await page.getByLabel('Addresses').fill('not an address');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.field.wrong .error, .trouble').first().waitFor();
    await page.getByLabel('Addresses').fill('https://erp.example.com');
    await page.getByRole('button', { name: 'Save' }).click();
    await saved(page);
    assert.deepEqual((await daemon.ok('GET', `${T}/widget`)).origins, ['https://erp.example.com']);
    await page.getByText('data-tenant="default" data-ticket=').waitFor();
    await accessible(page, 'widget');
    await leave(page);
  });

  test('the node: a tenant is made, and deleted only when its name is typed; the log goes on by itself', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings/node' });
    await page.getByRole('button', { name: 'Create a tenant' }).click();
    await page.getByRole('dialog').getByLabel('Id').fill('Not good');
    await page.getByRole('dialog').getByText('Lower-case letters').first().waitFor();
    await page.getByRole('dialog').getByLabel('Id').fill('fleeting');
    await page.getByRole('dialog').getByRole('button', { name: 'Create a tenant' }).click();
    await page.getByRole('button', { name: 'Actions for fleeting' }).click();
    await page.getByRole('menuitem', { name: 'Delete tenant' }).click();
    const sure = page.getByRole('dialog').getByRole('button', { name: 'Delete tenant' });
    await page.getByRole('dialog').getByRole('textbox').fill('fleetin');
    assert.ok(await sure.isDisabled());
    await page.getByRole('dialog').getByRole('textbox').fill('fleeting');
    await sure.click();
    await page.getByRole('button', { name: 'Actions for fleeting' }).waitFor({ state: 'detached' });
    assert.equal((await daemon.call('GET', '/v1/tenants/fleeting')).status, 404);
    await page.getByLabel('From level').selectOption('debug');
    await daemon.ok('PUT', `${T}/sessions/heard`, { autostart: false });
    await page.getByRole('log').getByText('heard').first().waitFor();
    await accessible(page, 'node');
    await leave(page);
  });

  test('alerts and wa-js have their tabs, for those who may see them', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings/alerts' });
    await page.getByText('What is watched').waitFor();
    await accessible(page, 'alerts');
    await open(page, 'settings/adapter');
    await page.getByText('Nothing under way').waitFor();
    assert.ok(await page.getByRole('button', { name: 'Try and install' }).isDisabled());
    await accessible(page, 'wa-js');
    const { key } = await daemon.ok('POST', `${T}/keys`, { role: 'agent' });
    const agent = await browser.signedIn(daemon, { key, at: 'settings/node' });
    assert.deepEqual(await agent.getByRole('tab').allTextContents(), ['This page', 'Tenant', 'Guards', 'Opt-outs', 'Alerts']);
    await Promise.all([leave(page), leave(agent)]);
  });

  test('this page: a sound and notifications are off until they are asked for; the looks are kept', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings', permissions: ['notifications'] });
    assert.equal(await page.getByRole('switch', { name: 'Play a sound' }).isChecked(), false);
    assert.equal(await page.getByRole('switch', { name: 'Show a desktop notification' }).isChecked(), false);
    await page.getByRole('switch', { name: 'Play a sound' }).press('Space');
    await page.getByLabel('Colours').selectOption('dark');
    await page.reload();
    await page.locator('main.page-settings h1').waitFor();
    assert.equal(await page.getByRole('switch', { name: 'Play a sound' }).isChecked(), true);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await accessible(page, 'this page');
    await leave(page);
  });
});
