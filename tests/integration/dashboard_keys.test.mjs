// The Keys page on the real daemon: what it makes can do what it says, and no more.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, DESKTOP, held, open, PHONE } from './browser.mjs';
import { Daemon } from './harness.mjs';

const T = '/v1/tenants/default';
const DAY = 86_400_000;
let daemon, browser;
before(async () => {
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
  await daemon.ok('PUT', `${T}/sessions/shop-1`, {});
  browser = await Browser.start();
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

const dialog = (page) => page.getByRole('dialog');
const row = (page, name) => page.locator('table.keys tbody tr', { hasText: name });
const status = async (key, method, path) => (await daemon.call(method, path, { key })).status;
const menu = async (page, name, item) => {
  await page.getByRole('button', { name: `More for ${name}` }).click();
  await page.getByRole('menuitem', { name: item }).click();
};
async function taken(page) {
  const secret = (await dialog(page).locator('.secret code').innerText()).replace(/\s/g, '');
  assert.match(secret, /^wab_/);
  await dialog(page).getByRole('button', { name: 'I have stored it' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  return secret;
}

describe('the Keys page', () => {
  test('a key with a role and sessions is limited as the page says; rotated with an overlap; deleted, it ends', async () => {
    const page = await browser.signedIn(daemon, { at: 'keys' });
    await page.getByRole('heading', { name: 'No keys yet' }).waitFor();
    await accessible(page, 'no keys');
    await page.getByRole('button', { name: 'New key' }).click();
    await dialog(page).getByRole('button', { name: 'New key' }).click();
    await dialog(page).getByText('Say whose it is.').waitFor();
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-invalid') === 'true');   // which may have been out of sight
    await dialog(page).getByLabel('Name', { exact: true }).fill('helpdesk');
    await dialog(page).getByRole('radio', { name: /^Agent/ }).check();
    await dialog(page).getByText('Only these').click();
    await dialog(page).getByRole('checkbox', { name: 'shop-1' }).check();
    await dialog(page).getByLabel('Ends').selectOption('30');
    await accessible(page, 'the form of a key');
    await dialog(page).getByRole('button', { name: 'New key' }).click();
    await page.getByRole('heading', { name: 'Key helpdesk' }).waitFor();
    await accessible(page, 'the secret of a key');
    await page.keyboard.press('Escape');   // not by mistake
    await page.getByRole('heading', { name: 'Did you store it?' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    const key = await taken(page);

    const me = await daemon.ok('GET', '/v1/me', undefined, { key });
    assert.equal(me.role, 'agent');
    assert.deepEqual(me.sessions, ['shop-1']);
    assert.ok(Math.abs(new Date(me.expires_at) - Date.now() - 30 * DAY) < DAY / 2);
    assert.equal(await status(key, 'GET', `${T}/sessions/shop-1/chats`), 200);
    assert.equal(await status(key, 'GET', `${T}/sessions/main/chats`), 404);
    assert.equal(await status(key, 'GET', `${T}/webhooks`), 403);

    await menu(page, 'helpdesk', 'New secret');
    await dialog(page).getByLabel('The old secret works').selectOption('86400');
    await accessible(page, 'rotation');
    await dialog(page).getByRole('button', { name: 'New secret' }).click();
    await dialog(page).locator('.secret').waitFor();
    const second = await taken(page);
    assert.notEqual(second, key);
    for (const secret of [key, second]) assert.equal(await status(secret, 'GET', '/v1/me'), 200);
    await row(page, 'helpdesk').getByText('Two secrets').waitFor();
    await menu(page, 'helpdesk', 'New secret');
    await dialog(page).getByLabel('The old secret works').selectOption('0');
    await dialog(page).getByRole('button', { name: 'New secret' }).click();
    await dialog(page).locator('.secret').waitFor();
    const third = await taken(page);
    assert.deepEqual([await status(key, 'GET', '/v1/me'), await status(second, 'GET', '/v1/me'), await status(third, 'GET', '/v1/me')], [401, 401, 200]);

    await menu(page, 'helpdesk', 'Edit');
    await dialog(page).getByRole('radio', { name: 'Single rights' }).check();
    for (const scope of me.scopes) await dialog(page).getByRole('checkbox', { name: scope }).uncheck();
    await dialog(page).getByRole('checkbox', { name: 'usage:read' }).check();
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    assert.deepEqual((await daemon.ok('GET', '/v1/me', undefined, { key: third })).scopes, ['usage:read']);

    for (const viewport of [PHONE, DESKTOP]) {
      await page.setViewportSize(viewport);
      await accessible(page, `keys at ${viewport.width}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `nothing sticks out at ${viewport.width}`);
    }
    await menu(page, 'helpdesk', 'Delete');
    await dialog(page).getByText('It was last used').waitFor();
    await dialog(page).getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No keys yet' }).waitFor();
    assert.equal(await status(third, 'GET', '/v1/me'), 401);
    await page.context().close();
  });

  test('the roles and rights that the page tells of are those of the server', async () => {
    const page = await browser.signedIn(daemon, { at: 'keys' });
    const { roles, scopes } = await page.evaluate(async () => {
      const rights = await import('/assets/pages/keys/rights.js');
      return { roles: rights.ROLES, scopes: rights.SCOPES };
    });
    for (const [role, told] of Object.entries(roles)) {
      const made = await daemon.ok('POST', `${T}/keys`, { name: role, role });
      assert.deepEqual([...made.scopes].sort(), [...told].sort(), role);
      await daemon.ok('DELETE', `${T}/keys/${made.id}`);
    }
    const document = await daemon.ok('GET', '/openapi.json');
    const known = new Set(Object.values(document.paths).flatMap((path) => Object.values(path).map((o) => o['x-scope'])));
    for (const scope of known) if (scope?.includes(':') && scope !== 'metrics:read') assert.ok(scopes.includes(scope), scope);
    await page.context().close();
  });

  test('one that may not do everything is offered, and can give, only what it has', async () => {
    const { key, id } = await daemon.ok('POST', `${T}/keys`, { name: 'lead', scopes: ['keys:manage', 'messages:read', 'sessions:read'], sessions: ['shop-*'], expires_at: new Date(Date.now() + 10 * DAY).toISOString() });
    const big = await daemon.ok('POST', `${T}/keys`, { name: 'big', role: 'operator' });
    const page = await browser.signedIn(daemon, { key, at: 'keys' });
    await row(page, 'lead').getByText('You', { exact: true }).waitFor();
    assert.equal(await row(page, 'big').count(), 0);
    assert.equal(await page.getByRole('tab', { name: 'Admin keys' }).count(), 0);
    await page.getByRole('button', { name: 'New key' }).click();
    await dialog(page).getByRole('radio', { name: 'Single rights' }).waitFor();
    for (const role of ['Admin', 'Operator', 'Agent', 'Viewer']) assert.equal(await dialog(page).getByRole('radio', { name: role }).count(), 0, role);
    assert.equal(await dialog(page).locator('.scopes input').count(), 3);
    assert.equal(await dialog(page).getByText('All sessions').count(), 0);
    assert.deepEqual(await dialog(page).getByLabel('Ends').locator('option').evaluateAll((all) => all.map((o) => o.value)), ['1', '7', 'mine', 'date']);
    await dialog(page).getByLabel('Name', { exact: true }).fill('part');
    await dialog(page).getByRole('checkbox', { name: 'messages:read' }).check();
    await dialog(page).getByLabel('Names and patterns').fill('main');
    await dialog(page).getByRole('button', { name: 'New key' }).click();
    await dialog(page).locator('.patterns .error').filter({ hasText: 'cannot give' }).waitFor();
    await dialog(page).getByLabel('Names and patterns').fill('shop-1');
    await dialog(page).getByRole('button', { name: 'New key' }).click();
    await dialog(page).locator('.secret').waitFor();
    const part = await taken(page);
    assert.deepEqual((await daemon.ok('GET', '/v1/me', undefined, { key: part })).scopes, ['messages:read']);

    // its own secret anew: this tab goes on with it
    await menu(page, 'lead', 'New secret');
    await dialog(page).getByLabel('The old secret works').selectOption('0');
    // the answer is late: it has what nobody sees again, so nothing closes before it
    const answer = await held(page, '**/rotate');
    await dialog(page).getByRole('button', { name: 'New secret' }).click();
    await answer.asked;
    await page.keyboard.press('Escape');
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    answer.let();
    await dialog(page).locator('.secret').waitFor();
    await taken(page);
    await row(page, 'part').waitFor();
    assert.equal(await status(key, 'GET', '/v1/me'), 401);
    await page.reload();
    await row(page, 'part').waitFor();

    await menu(page, 'lead', 'Delete');
    await dialog(page).getByText('signed in with').waitFor();
    await dialog(page).getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel('API key').waitFor();
    assert.equal((await daemon.call('GET', `${T}/keys/${id}`)).status, 404);
    await daemon.ok('DELETE', `${T}/keys/${big.id}`);
    await page.context().close();
  });

  test('an invited agent is signed in by the link, once, stands apart, and is signed out from here', async () => {
    const page = await browser.signedIn(daemon, { at: 'keys' });
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await dialog(page).getByText('Only these').click();
    await dialog(page).getByLabel('Names and patterns').fill('shop-*');
    await accessible(page, 'the invitation');
    await dialog(page).getByRole('button', { name: 'Make a link' }).click();
    const link = (await dialog(page).locator('.secret code').innerText()).replace(/\s/g, '');
    await accessible(page, 'the link');
    await dialog(page).getByRole('button', { name: 'Close' }).last().click();

    const agent = await browser.person();
    await agent.goto(link);
    await agent.getByRole('navigation').first().waitFor({ state: 'attached' });
    assert.equal(await agent.getByRole('link', { name: 'Keys' }).count(), 0);
    assert.ok(await agent.getByRole('link', { name: 'Inbox' }).count() > 0);
    const late = await browser.person();
    await late.goto(link);
    await late.getByText('This link was used already').waitFor();

    await open(page, 'overview');
    await open(page, 'keys');
    const apart = page.locator('.signed-in table tbody tr');
    await apart.first().waitFor();
    assert.equal(await apart.count(), 1);
    await accessible(page, 'keys with one signed in');
    await apart.getByRole('button', { name: /^More for/ }).click();
    assert.deepEqual(await page.getByRole('menuitem').filter({ visible: true }).allInnerTexts(), ['Sign out']);
    await page.getByRole('menuitem', { name: 'Sign out' }).filter({ visible: true }).click();
    await dialog(page).getByRole('button', { name: 'Sign out' }).click();
    await page.locator('.signed-in').waitFor({ state: 'detached' });
    for (const p of [page, agent, late]) await p.context().close();
  });

  test('admin keys are made and ended by administrators; the last one stays', async () => {
    const page = await browser.signedIn(daemon, { at: 'keys?tab=admin' });
    await page.getByText('You', { exact: true }).waitFor();
    const mine = await daemon.ok('GET', '/v1/me');
    await page.getByRole('button', { name: 'New admin key' }).click();
    await dialog(page).getByLabel('Name', { exact: true }).fill('prometheus');
    await dialog(page).getByRole('radio', { name: 'Monitoring only' }).check();
    await accessible(page, 'the form of an admin key');
    await dialog(page).getByRole('button', { name: 'New admin key' }).click();
    await dialog(page).locator('.secret').waitFor();
    const key = await taken(page);
    assert.deepEqual([await status(key, 'GET', '/v1/alerts'), await status(key, 'GET', '/v1/tenants')], [200, 403]);
    await accessible(page, 'admin keys');
    await menu(page, mine.name || mine.id, 'Delete');
    await dialog(page).getByRole('button', { name: 'Delete' }).click();
    await page.getByText('This is the last key that may do everything').waitFor();
    assert.equal(await status(daemon.key, 'GET', '/v1/me'), 200);
    await page.context().close();
  });
});
