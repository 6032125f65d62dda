// The frame of the dashboard: its files, sign-in, tenants, languages, the connection, the keyboard.
// No session runs; the browser is the person's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { accessible, Browser, fits, open, PHONE } from './browser.mjs';
import { Daemon, deferred, ROOT, within } from './harness.mjs';

const QUIET = { 'browser.executable': '/bin/false' };
const FIRST_LOAD_BYTES = 120_000;
const PAGES = ['overview', 'inbox', 'sessions', 'webhooks', 'activity', 'usage', 'keys', 'audit', 'settings', 'settings/tenant',
  'settings/guards', 'settings/opt-outs', 'settings/widget', 'settings/alerts', 'settings/adapter', 'settings/node'];

let daemon, browser;
before(async () => {
  [daemon, browser] = await Promise.all([Daemon.start({ settings: QUIET }), Browser.start()]);
  await daemon.ok('PUT', '/v1/tenants/zebra', { name: 'Zebra' });
  await daemon.session().act('stop');   // nothing happens by itself: no page loads again what is counted
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

// As it is on the wire: fetch() would unpack it.
async function raw(where, { method = 'GET', headers = {} } = {}) {
  const request = http.request(`${daemon.base}${where}`, { method, headers, agent: false }).end();
  const [response] = await within(once(request, 'response'), where);
  const parts = [];
  response.on('data', (part) => parts.push(part));
  await within(once(response, 'end'), `${where} whole`);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) };
}
const leave = (page) => page.context().close();
const signInPage = (page) => page.getByRole('heading', { name: 'Sign in to wabridge' }).waitFor();
const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
// Two keys that act together, however slow the way to the browser is.
const chord = (page, ...keys) => Promise.all(keys.map((key) => page.keyboard.press(key)));

describe('files', () => {
  test('every asset: a name with its hash, for ever, the same bytes packed and plain, 304, HEAD', async () => {
    const index = (await raw('/')).body.toString();
    const names = [...new Set(index.match(/\/assets\/[\w./-]+\.[0-9a-f]{10}\.\w+/g))];
    assert.ok(names.length > 40, `${names.length} files`);
    for (const name of names) {
      const plain = await raw(name);
      assert.equal(plain.status, 200, name);
      assert.match(plain.headers['cache-control'], /immutable/, name);
      assert.match(plain.headers['x-content-type-options'], /nosniff/, name);
      const packed = await raw(name, { headers: { 'accept-encoding': 'gzip' } });
      assert.equal(packed.headers['content-encoding'], 'gzip', name);
      assert.deepEqual(zlib.gunzipSync(packed.body), plain.body, name);
      const known = await raw(name, { headers: { 'if-none-match': plain.headers.etag } });
      assert.deepEqual([known.status, known.body.length], [304, 0], name);
    }
    const head = await raw(names[0], { method: 'HEAD' });
    assert.deepEqual([head.status, head.body.length], [200, 0]);
  });

  test('the numbers of the overview come packed for who takes that, plain for others', async () => {
    const headers = { authorization: `Bearer ${daemon.key}` };
    const plain = await raw('/v1/tenants/default/stats', { headers });
    assert.equal(plain.headers['content-encoding'], undefined);
    const packed = await raw('/v1/tenants/default/stats', { headers: { ...headers, 'accept-encoding': 'gzip' } });
    assert.deepEqual([packed.status, packed.headers['content-encoding']], [200, 'gzip']);
    const series = (body) => JSON.parse(body).series.map((step) => Object.keys(step));
    assert.deepEqual(series(zlib.gunzipSync(packed.body)).at(-1), series(plain.body).at(-1));
    assert.ok(packed.body.length * 5 < plain.body.length, `${packed.body.length} of ${plain.body.length} bytes`);
    const refused = await raw('/v1/tenants/default/stats', { headers: { ...headers, 'accept-encoding': 'gzip;q=0' } });
    assert.equal(refused.headers['content-encoding'], undefined);
  });

  test('what is no asset is 404, also another hash', async () => {
    const name = /\/assets\/main\.[0-9a-f]{10}\.js/.exec((await raw('/')).body.toString())[0];
    for (const wrong of ['/assets/', '/assets/main.js', name.replace(/\.[0-9a-f]{10}\./, '.0000000000.'), '/assets/../etc/passwd', '/assets/%2e%2e/x']) {
      assert.equal((await raw(wrong)).status, 404, wrong);
    }
  });

  test('the page has a strict policy and is asked for anew', async () => {
    const { headers } = await raw('/');
    const policy = headers['content-security-policy'];
    for (const rule of ["default-src 'none'", "connect-src 'self'", "style-src 'self';", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"]) assert.ok(policy.includes(rule), policy);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.match(policy, /script-src 'self' 'sha256-[\w+/=]+';/);
    assert.match(headers['cache-control'], /no-cache/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
  });

  test('no page asks another host, and none breaks the policy or throws', async () => {
    const page = await browser.person();
    const hosts = new Set();
    page.on('request', (request) => /^https?:|^wss?:/.test(request.url()) && hosts.add(new URL(request.url()).origin));
    await page.goto(daemon.base);
    await page.getByLabel('API key').fill(daemon.key);
    await page.keyboard.press('Enter');
    await page.locator('.shell').waitFor();
    for (const at of PAGES) await open(page, at);
    assert.deepEqual([...hosts], [daemon.base]);
    assert.deepEqual(page.faults, []);
    await leave(page);
  });

  // Everything until the overview is shown, and what comes after it: bytes on the wire, with the heads
  // of the answers, in the language with the longest texts.
  test('the first load stays under 120 KB, compressed, headers included', async () => {
    const page = await browser.person({ locale: 'fa-IR', routed: false });
    const devtools = await page.context().newCDPSession(page);
    const asked = new Map();   // request id → its address, of those that have not come whole
    const all = deferred();
    let bytes = 0, files = 0, chart = false;
    const gone = (id) => {
      chart ||= Boolean(asked.get(id)?.includes('/uplot.'));
      asked.delete(id);
      if (chart && [...asked.values()].every((url) => url.includes('/events?'))) all.resolve();   // the stream stays
    };
    await devtools.send('Network.enable');
    devtools.on('Network.requestWillBeSent', (e) => asked.set(e.requestId, e.request.url));
    devtools.on('Network.loadingFinished', (e) => {
      bytes += e.encodedDataLength;
      files++;
      gone(e.requestId);
    });
    devtools.on('Network.loadingFailed', (e) => gone(e.requestId));
    await page.goto(daemon.base);
    await page.locator('.sign-in input').fill(daemon.key);
    const before = bytes;
    await page.keyboard.press('Enter');
    await page.locator('main.page-overview h1').waitFor();
    await page.waitForFunction(() => !document.querySelector('main .skeleton'));
    const shown = bytes;
    await within(all.promise, 'all that was asked for');
    console.log(`# first load: ${before} bytes on the wire until the sign-in page, ${shown} until the overview is shown, ${bytes} with its charts, ${files} requests`);
    assert.ok(files > 40 && bytes > 80_000, `${files} requests of ${bytes} bytes: is everything counted?`);
    assert.ok(bytes < FIRST_LOAD_BYTES, `${bytes} bytes`);
    await leave(page);
  });
});

describe('sign-in', () => {
  test('says what is wrong with a key; a good one opens the first page', async () => {
    const page = await browser.person();
    await page.goto(daemon.base);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Paste a key first.').waitFor();
    await page.getByLabel('API key').fill(`wab_000000000000_${'A'.repeat(43)}`);
    await page.keyboard.press('Enter');
    await page.getByText('This key is not known').waitFor();
    assert.equal(await page.getByLabel('API key').getAttribute('aria-invalid'), 'true');
    await page.getByLabel('API key').fill(` ${daemon.key}\n`);
    await page.keyboard.press('Enter');
    await page.locator('main.page-overview').waitFor();
    await leave(page);
  });

  test('the key is of this tab: a reload keeps it, another tab does not have it, signing out forgets it', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings' });
    await page.reload();
    await page.locator('main.page-settings h1').waitFor();
    const other = await page.context().newPage();
    await other.goto(daemon.base);
    await signInPage(other);
    assert.deepEqual(await page.context().cookies(), []);
    assert.ok(!JSON.stringify(await page.evaluate(() => ({ ...localStorage }))).includes('wab_'));
    await page.locator('.top .menu').last().getByRole('button').first().click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await signInPage(page);
    assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage).filter((name) => name.endsWith('key'))), []);
    await leave(page);
  });

  test('a one-time link signs in once, and stays in no address', async () => {
    const link = await daemon.ok('POST', '/v1/sign-in-links', { tenant: 'default', role: 'viewer' });
    const page = await browser.person();
    await page.goto(`${daemon.base}/#ticket=${link.ticket}`);
    await page.locator('.shell').waitFor();
    await page.locator('main.page-overview h1').waitFor();
    await page.waitForURL(/#\/overview$/);
    assert.equal(await page.getByRole('navigation').getByRole('link', { name: 'Keys' }).count(), 0, 'a viewer sees no keys');
    const again = await browser.person();
    await again.goto(`${daemon.base}/#ticket=${link.ticket}`);
    await again.getByText('This link was used already').waitFor();
    await Promise.all([leave(page), leave(again)]);
  });

  test('a one-time link that is opened in a tab with the page signs in there', async () => {
    const page = await browser.person();
    await page.goto(daemon.base);
    await signInPage(page);
    const [first, second] = [await daemon.ok('POST', '/v1/sign-in-links', { tenant: 'default', role: 'viewer' }), await daemon.ok('POST', '/v1/sign-in-links', {})];
    await page.goto(`${daemon.base}/#ticket=${first.ticket}`);
    await page.locator('main.page-overview h1').waitFor();
    await page.goto(`${daemon.base}/#ticket=${second.ticket}`);
    await page.getByRole('navigation').getByRole('link', { name: 'Keys' }).waitFor();
    await page.waitForURL(/#\/overview$/);
    await leave(page);
  });

  test('a daemon that cannot answer at a reload costs nobody the key: the page says so, and tries again', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings' });
    await page.route('**/v1/me', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ code: 'starting', detail: 'The daemon is starting.' }) }));
    await page.reload();
    await page.getByText('The daemon is starting.').waitFor();
    await page.unroute('**/v1/me');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.locator('main.page-settings h1').waitFor();
    await page.reload();
    await page.locator('main.page-settings h1').waitFor();
    await leave(page);
  });

  test('an address that was cut short still opens the page', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings' });
    await page.evaluate(() => (location.hash = '#/sessions/50%'));
    await page.locator('main.page-sessions').waitFor();
    await page.reload();
    await page.locator('main.page-sessions').waitFor();
    assert.deepEqual(page.faults, []);
    await leave(page);
  });

  test('a key that ends, or is deleted, brings back the sign-in page and says why', async () => {
    const key = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'short', role: 'admin' });
    const page = await browser.signedIn(daemon, { key: key.key, at: 'settings' });
    await page.locator('.connection.live').waitFor();
    await daemon.ok('PATCH', `/v1/tenants/default/keys/${key.id}`, { expires_at: new Date(Date.now() + 5000).toISOString() });
    await page.getByText('You were signed out.').waitFor();   // its stream ended with it
    await page.getByText('the time of this key is over').waitFor();
    const deleted = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'gone', role: 'admin' });
    await page.getByLabel('API key').fill(deleted.key);
    await page.keyboard.press('Enter');
    await page.locator('main.page-settings h1').waitFor();
    await page.locator('.connection.live').waitFor();   // what it said of the key before is gone
    await daemon.ok('DELETE', `/v1/tenants/default/keys/${deleted.id}`);
    await page.getByText('You were signed out.').waitFor();
    await leave(page);
  });
});

describe('the shell', () => {
  test('tenants: an admin changes between them, a key of one has no choice', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings/tenant' });
    await page.locator('.tenant-menu button').first().click();
    await page.getByRole('menuitemradio', { name: 'zebra' }).click();
    await page.waitForFunction(() => [...document.querySelectorAll('main input')].some((input) => input.value === 'Zebra'));
    await page.reload();
    await page.waitForFunction(() => [...document.querySelectorAll('main input')].some((input) => input.value === 'Zebra'));
    await daemon.ok('PUT', '/v1/tenants/zebra/webhooks/of-zebra', { url: 'http://127.0.0.1:9/', events: ['message.*'] });
    await open(page, 'webhooks/of-zebra?state=dead');
    await page.locator('.tenant-menu button').first().click();
    await page.getByRole('menuitemradio', { name: 'default' }).click();
    await page.waitForURL(/#\/webhooks$/);   // the other tenant's webhook is nothing here
    const { key } = await daemon.ok('POST', '/v1/tenants/zebra/keys', { role: 'viewer' });
    const viewer = await browser.signedIn(daemon, { key });
    assert.equal(await viewer.locator('.tenant-menu').count(), 0);
    await open(viewer, 'settings');
    assert.deepEqual(await viewer.getByRole('tab').allTextContents(), ['This page', 'Tenant', 'Guards', 'Opt-outs', 'Alerts']);
    await viewer.evaluate(() => (location.hash = '#/keys'));
    await viewer.getByText('There is nothing here for you').waitFor();
    await Promise.all([leave(page), leave(viewer)]);
  });

  test('five languages load, two of them from right to left', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings' });
    for (const [language, direction] of [['pt', 'ltr'], ['es', 'ltr'], ['ar', 'rtl'], ['fa', 'rtl'], ['en', 'ltr']]) {
      const title = JSON.parse(fs.readFileSync(path.join(ROOT, `api/dashboard/text/${language}.json`))).pages.settings;
      await page.locator('main select').first().selectOption(language);
      await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
      await page.locator(`html[lang=${language}][dir=${direction}]`).waitFor();
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(beyond <= 0, `${language}: ${beyond} px beyond the edge`);
    }
    await leave(page);
  });

  test('it says when the daemon is gone, and comes back by itself', async () => {
    const own = await Daemon.start({ settings: QUIET });
    try {
      const page = await browser.signedIn(own, { at: 'settings', viewport: { width: 360, height: 640 } });
      await page.locator('.connection.live').waitFor();
      own.settings['server.listen'] = own.base.replace('http://', '');
      await own.stop();
      await page.getByText('Connection lost, trying again').waitFor();
      for (const width of [360, 640, 880]) {   // also a window of 1280 at 200 %
        await page.setViewportSize({ width, height: 640 });
        await fits(page);
      }
      await page.evaluate(() => (location.hash = '#/keys'));   // its code is not here yet
      await page.getByText('This page could not be shown').waitFor();
      await own.run();
      await page.locator('.connection.live').waitFor();
      await page.locator('main.page-keys').getByRole('heading', { level: 1, name: 'Keys' }).waitFor();
      await leave(page);
    } finally {
      await own.close();
    }
  });

  test('accessible: sign-in, menus, help, a question, the drawer of a phone', async () => {
    const page = await browser.person();
    await page.goto(daemon.base);
    await signInPage(page);
    await accessible(page, 'sign-in');
    await leave(page);
    const wide = await browser.signedIn(daemon, { at: 'settings/node' });
    await press(wide, '?');
    await wide.getByRole('dialog').waitFor();
    await accessible(wide, 'help');
    await press(wide, 'Escape');
    await wide.locator('.tenant-menu button').first().click();
    await accessible(wide, 'menu');
    await press(wide, 'Escape');
    await wide.getByRole('button', { name: 'Actions for zebra' }).click();
    await wide.getByRole('menuitem', { name: 'Delete tenant' }).click();
    await accessible(wide, 'question');
    assert.ok(await wide.getByRole('dialog').getByRole('button', { name: 'Delete tenant' }).isDisabled(), 'not before the name is typed');
    await wide.evaluate(() => (location.hash = '#/usage'));
    await wide.getByRole('dialog').waitFor({ state: 'detached' });   // it was about the page before
    await leave(wide);
    const phone = await browser.signedIn(daemon, { at: 'audit', viewport: PHONE });
    await phone.getByRole('button', { name: 'Menu' }).click();
    await accessible(phone, 'drawer');
    await leave(phone);
  });
});

describe('by keyboard alone', () => {
  const focus = (page, name) => page.waitForFunction((wanted) => (document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label')) === wanted, name);

  test('sign in, go to a page, change a tab, a menu and back, sign out', async () => {
    const page = await browser.person();
    await page.goto(daemon.base);
    await signInPage(page);
    await page.waitForFunction(() => document.activeElement.type === 'password');   // the field has the focus by itself
    await page.keyboard.insertText(daemon.key);
    await press(page, 'Enter');
    await page.waitForFunction(() => document.activeElement.tagName === 'H1' && document.activeElement.closest('main.page-overview'));
    await page.reload();
    await page.locator('main h1').waitFor();
    await press(page, 'Tab');
    await focus(page, 'Skip to content');
    await press(page, 'Enter');
    await page.waitForFunction(() => document.activeElement.id === 'main');
    await chord(page, 'g', 't');
    await page.locator('main.page-settings h1').waitFor();
    await page.waitForFunction(() => document.activeElement.tagName === 'H1');
    await press(page, 'Tab', 'ArrowRight');
    await page.waitForURL(/#\/settings\/tenant$/);
    await focus(page, 'Tenant');
    await press(page, '?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await press(page, 'Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await focus(page, 'Tenant');   // is back
    const person = page.locator('.top .menu').last().getByRole('button').first();
    await person.focus();
    await press(page, 'Enter');
    await page.waitForFunction(() => document.activeElement.role === 'menuitemradio');
    await press(page, 'ArrowUp');
    await focus(page, 'Sign out');
    await press(page, 'Escape');
    // the focus is on the button again, which says that its menu is shut
    await page.waitForFunction(() => document.activeElement.matches('.top .menu:last-child [aria-haspopup][aria-expanded=false]'));
    await press(page, 'Enter');
    await page.waitForFunction(() => document.activeElement.role === 'menuitemradio');
    await press(page, 'End', 'Enter');
    await signInPage(page);
    await leave(page);
  });

  test('single keys can be turned off, and are no keys while something is typed', async () => {
    const page = await browser.signedIn(daemon, { at: 'settings/tenant' });
    await page.locator('main input').first().fill('');
    await page.locator('main input').first().pressSequentially('g?t');
    assert.equal(await page.locator('main input').first().inputValue(), 'g?t');
    assert.equal(await page.getByRole('dialog').count(), 0);
    await page.getByRole('tab', { selected: true }).focus();
    await press(page, '?');
    await page.getByRole('switch', { name: 'Single keys act' }).press('Space');
    await press(page, 'Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await press(page, '?');
    await chord(page, 'g', 'a');
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.match(page.url(), /#\/settings\/tenant$/);
    await leave(page);
  });

  test('the drawer of a phone takes the focus, keeps what is behind it away, and gives it back', async () => {
    const page = await browser.signedIn(daemon, { at: 'audit', viewport: PHONE });
    const button = page.getByRole('button', { name: 'Menu' });
    await button.focus();
    await press(page, 'Enter');
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-current') === 'page');
    await page.waitForFunction(() => document.querySelector('main').inert);
    await press(page, 'Escape');
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-expanded') === 'false');
    await page.waitForFunction(() => !document.querySelector('main').inert);
    await press(page, 'Enter');
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-current') === 'page');
    await press(page, 'ArrowDown', 'Tab');
    await page.waitForFunction(() => document.activeElement.getAttribute('href')?.endsWith('/settings'));
    await press(page, 'Enter');
    await page.locator('main.page-settings h1').waitFor();
    await leave(page);
  });
});
