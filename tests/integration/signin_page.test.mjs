// Signing in on the page itself: a link of the command line, out again, and what the browser is told
// about what the page may do.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { command, Daemon, request } from './harness.mjs';

describe('signing in on the page', () => {
  let browser, daemon;
  before(async () => {
    daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false', 'session.backoff_min_ms': 60_000, 'session.backoff_max_ms': 60_000 } });
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await daemon?.close();
  });
  const link = async (...words) => JSON.parse((await command(daemon, 'dashboard', '--json', ...words)).out).url;
  const stored = (page) => page.evaluate(() => Object.keys(sessionStorage).sort());

  test('a link signs in, leaves the address, works once; signing out leaves nothing in the tab', async () => {
    const url = await link('--tenant', 'default', '--role', 'agent');
    const page = await browser.person();
    await page.goto(url);
    await page.locator('.shell').waitFor();
    await page.waitForURL((url) => !url.hash.includes('ticket'));
    const key = await page.evaluate(() => sessionStorage.getItem('wabridge.key'));
    const me = (await daemon.call('GET', '/v1/me', { key })).json;
    assert.deepEqual([me.kind, me.tenant, me.role], ['sign_in', 'default', 'agent']);
    await page.goBack().catch(() => {});
    assert.ok(!(await page.evaluate(() => location.href)).includes('ticket'));

    const late = await browser.person();
    await late.goto(url);
    await late.getByRole('alert').or(late.locator('[aria-invalid=true]')).first().waitFor();
    assert.equal(await late.locator('.shell').count(), 0);

    await page.goto(`${daemon.base}/#/settings`);
    await page.evaluate(() => (globalThis.memory = 'of who signs out'));
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.waitForFunction(() => globalThis.memory === undefined && document.querySelector('main.sign-in input'));   // begun afresh
    assert.deepEqual(await stored(page), []);
    assert.equal((await daemon.call('GET', '/v1/me', { key })).status, 401);
    assert.deepEqual([...page.faults], []);
  });

  test('the next person in a tab finds nothing of the one before', async () => {
    const page = await browser.signedIn(daemon);
    await page.evaluate(() => {
      sessionStorage.setItem('wabridge.draft.default/main/1', 'not for others');
      globalThis.memory = 'of the first';
    });
    const { key, id } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'Ana', role: 'agent' });
    // her key comes into this tab: the page begins afresh
    await page.evaluate(async (text) => {
      const { signIn } = await import('/assets/core/auth.js');
      signIn(text);   // not awaited: the page goes away under it
    }, key);
    // the page of before knows the new one already while it goes: what it remembers tells it apart
    await page.waitForFunction((who) => sessionStorage.getItem('wabridge.who') === who && globalThis.memory === undefined
      && document.querySelector('.shell'), id);
    assert.equal(await page.evaluate(() => sessionStorage.getItem('wabridge.draft.default/main/1')), null);
  });

  test('the policy: our own files only, no markup from texts, in no frame; files of hashed names', async () => {
    const answer = await request(daemon.base, 'GET', '/');
    const policy = answer.headers.get('content-security-policy');
    for (const part of ["default-src 'none'", "script-src 'self' 'sha256-", "style-src 'self';", "connect-src 'self'", "base-uri 'none'",
      "form-action 'none'", "worker-src 'none'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), part);
    }
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    const head = (name) => answer.headers.get(name);
    assert.deepEqual([head('x-frame-options'), head('referrer-policy'), head('x-content-type-options'), head('cross-origin-opener-policy'), head('cache-control'), head('etag')],
      ['DENY', 'no-referrer', 'nosniff', 'same-origin', 'no-cache', null]);
    assert.equal((await request(daemon.base, 'GET', '/?from=mail')).status, 200);
    assert.equal((await request(daemon.base, 'GET', '/', { headers: { 'if-none-match': '*' } })).status, 200);
    const script = /<script type="module" src="([^"]+)"/.exec(answer.text)[1];
    const file = await request(daemon.base, 'GET', script);
    assert.match(file.type, /javascript/);
    assert.match(file.headers.get('cache-control'), /immutable/);
    assert.equal((await request(daemon.base, 'GET', script, { headers: { 'if-none-match': file.headers.get('etag') } })).status, 304);
    // the browser keeps to it
    const page = await browser.person();
    await page.goto(daemon.base);
    await page.getByLabel('API key').waitFor();
    const refused = await page.evaluate(async () => {
      const attempts = [() => { document.body.innerHTML = '<b>x</b>'; }, () => { document.createElement('script').text = 'alert(1)'; }];
      const thrown = attempts.map((act) => { try { act(); return false; } catch { return true; } });
      const told = new Promise((resolve) => document.addEventListener('securitypolicyviolation',
        (e) => e.effectiveDirective === 'connect-src' && resolve(e.blockedURI)));
      await fetch('https://elsewhere.invalid/').catch(() => {});
      return { thrown, told: await told };
    });
    assert.deepEqual(refused, { thrown: [true, true], told: 'https://elsewhere.invalid/' });
  });

  test('the longest list of pages that may frame the widget is whole in its policy', async () => {
    const label = 'a'.repeat(50);
    const origins = Array.from({ length: 16 }, (_, i) => `https://${label}.${label}.n${String(i).padStart(2, '0')}.example`);
    await daemon.ok('PUT', '/v1/tenants/default/widget', { origins });
    const answer = await request(daemon.base, 'GET', '/widget/default');
    assert.equal(answer.status, 200);
    const [, ancestors] = /frame-ancestors (.*)$/.exec(answer.headers.get('content-security-policy'));
    assert.deepEqual(ancestors.split(' '), origins);
    assert.equal(answer.headers.get('x-frame-options'), null);
    const none = await request(daemon.base, 'GET', '/widget/nobody');
    assert.match(none.headers.get('content-security-policy'), /frame-ancestors 'none'$/);
    assert.equal(none.headers.get('x-frame-options'), 'DENY');
  });

  test('no foreign page can make its visitor a guesser: a sign-in needs a type that browsers ask about', async () => {
    const body = JSON.stringify({ ticket: 'x' });
    const bare = await fetch(`${daemon.base}/v1/sign-in`, { method: 'POST', body: new Blob([body]) });
    assert.equal(bare.status, 415);
    const text = await fetch(`${daemon.base}/v1/sign-in`, { method: 'POST', body });
    assert.equal(text.status, 415);
    const asked = await fetch(`${daemon.base}/v1/sign-in`, { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } });
    assert.equal(asked.headers.get('access-control-allow-origin'), null);
  });
});
