// What the server says by codes, in the reader's language: the catalogues text/codes/ and the sources
// name the same codes, all languages say all of them, and the page shows them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, open, PHONE } from './browser.mjs';
import { Daemon, ROOT } from './harness.mjs';

const LANGUAGES = ['en', 'pt', 'es', 'ar', 'fa'];
const read = (language) => JSON.parse(fs.readFileSync(path.join(ROOT, 'api/dashboard/text/codes', `${language}.json`), 'utf8'));
const english = read('en');
const codes = (section) => Object.keys(english[section]).toSorted();

// Codes that no act of the dashboard brings about: clients of their own, the command line, and what the
// page shows in another way. Whoever adds a code to the sources adds it here or to the catalogues.
const NOT_SHOWN = new Set(['already_exists', 'canceled', 'cursor_lost', 'daemon_running', 'damaged_backup', 'handle_lost', 'header_too_large', 'http_version',
  'invalid_base64', 'invalid_cursor', 'invalid_request', 'invalid_signature', 'malformed_json', 'malformed_request', 'method_not_allowed', 'missing_file',
  'no_picture', 'not_a_backup', 'not_a_sign_in', 'not_acceptable', 'not_exported', 'not_found', 'one_kind_only', 'profile_busy', 'range_not_satisfiable',
  'session_exists', 'signing_keys_pending', 'too_many_levels', 'too_many_waiters', 'unknown_field', 'unknown_parameter', 'unknown_signing_key',
  'unsupported', 'unsupported_media_type', 'uri_too_long', 'wrong_key', 'wrong_state']);

// ---- the sources
const HOMES = ['base', 'cdp', 'qr', 'session-store', 'bridge', 'api'];
const files = HOMES.flatMap((home) => fs.readdirSync(path.join(ROOT, home), { recursive: true }).filter((name) => /\.[ch]$/.test(name)).map((name) => path.join(home, name)));
const source = Object.fromEntries(files.map((name) => [name, fs.readFileSync(path.join(ROOT, name), 'utf8')]));

// The arguments of the call whose parenthesis opens at `at`.
function args(text, at) {
  const out = [];
  let depth = 1, from = at + 1, quoted = false;
  for (let i = from; depth > 0; i++) {
    const c = text[i];
    if (c === '"' && text[i - 1] !== '\\') quoted = !quoted;
    if (quoted) continue;
    if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    if (depth === 0 || (depth === 1 && c === ',')) {
      out.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return out;
}
const words = (text) => [...(text ?? '').matchAll(/"([a-z0-9_]+)"/g)].map((m) => m[1]);
// The words of a table of the sources, X(NAME, "word") or X(NAME, 1, "word").
const table = (file, name) => [...new RegExp(`#define ${name}\\(X\\)((?:.*\\\\\\n)*.*)`).exec(source[file])[1].matchAll(/X\(\w+,(?: -?\d+,)?\s*"([a-z_]+)"/g)].map((m) => m[1]);

function given() {
  const found = new Set(table('base/err.h', 'ERR_TABLE'));
  const take = { err_word: 2, err_field: 1, lane_fail: 2, refuse: 1 };   // which argument is the code
  for (const text of Object.values(source)) {
    for (const { 1: name, index, 0: all } of text.matchAll(/\b(err_word|err_field|lane_fail|refuse)\(/g)) {
      for (const word of words(args(text, index + all.length - 1)[take[name]])) found.add(word);
    }
    for (const [, word] of text.matchAll(/(?:error_code|\bword) = "([a-z_]+)"/g)) found.add(word);
  }
  for (const [, word] of source['bridge/page/page_answer.c'].matchAll(/E_\w+, "([a-z_]+)"\}/g)) found.add(word);
  for (const [, word] of source['api/guard.c'].matchAll(/\{PARAM_\w+, "([a-z_]+)"\}/g)) found.add(word);
  return found;
}

test('each code that the sources give has a text, or is known to need none', () => {
  const found = given();
  assert.ok(found.size > 150, `only ${found.size} codes were found: does this test still read the sources?`);
  const told = new Set([...codes('problems'), ...codes('messages')]);
  assert.deepEqual([...found].filter((code) => !told.has(code) && !NOT_SHOWN.has(code)), [], 'without a text');
  assert.deepEqual([...told, ...NOT_SHOWN].filter((code) => !found.has(code)), [], 'given by no source any more');
  assert.deepEqual([...NOT_SHOWN].filter((code) => told.has(code)), []);
});

test('reasons of sessions and deliveries, and alerts, are those of the tables', () => {
  assert.deepEqual(codes('reasons'), table('bridge/session/session_reason.h', 'SESSION_REASON_TABLE').toSorted());
  assert.deepEqual(codes('deliveries'), table('bridge/relay/reason.h', 'RELAY_REASON_TABLE').toSorted());
  const { details } = JSON.parse(fs.readFileSync(path.join(ROOT, 'api/dashboard/text/en.json'), 'utf8')).overview.alerts;
  assert.deepEqual(Object.keys(details).toSorted(), table('bridge/alert/alert.h', 'ALERT_TABLE').toSorted());
});

for (const language of LANGUAGES) {
  test(`${language} has a text for each code, with its places and all plural forms of the language`, () => {
    const here = read(language);
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).toSorted();
    assert.deepEqual(Object.keys(here), Object.keys(english));
    for (const section of Object.keys(english)) {
      assert.deepEqual(Object.keys(here[section]).toSorted(), codes(section), section);
      for (const [code, text] of Object.entries(here[section])) {
        const model = english[section][code];
        assert.equal(typeof text, typeof model, code);
        if (typeof text === 'object') assert.deepEqual(Object.keys(text).toSorted(), forms, code);
        assert.deepEqual(places(text.other ?? text), places(model.other ?? model), code);
        for (const one of Object.values(typeof text === 'object' ? text : { text })) assert.ok(one.trim(), code);
      }
    }
  });
}

// ---- in the page
describe('the page', () => {
  let daemon, browser;
  before(async () => {
    [daemon, browser] = await Promise.all([Daemon.start({ settings: { 'browser.executable': '/bin/false' } }), Browser.start()]);
    await daemon.ok('PUT', '/v1/tenants/default/sessions/shop', { autostart: false });
    await daemon.ok('POST', '/v1/tenants/default/sessions/shop/logout');   // it was not linked: a reason that stays
  });
  after(async () => {
    await browser?.close();
    await daemon?.close();
  });
  const enter = async (locale, at, options) => {
    const page = await browser.person({ locale, ...options });
    await page.goto(daemon.base);
    await page.locator('.sign-in input').fill(daemon.key);
    await page.keyboard.press('Enter');
    await page.locator('.shell').waitFor();
    await open(page, at);
    return page;
  };

  test('the OpenAPI document lists the reasons that the sources give', async () => {
    const { components: { schemas } } = (await daemon.call('GET', '/openapi.json')).json;
    const listed = (of) => of.enum.filter((word) => word !== null).toSorted();
    assert.deepEqual(listed(schemas.Session.properties.reason_code), codes('reasons'));
    for (const of of [schemas.Delivery.properties.last_reason, schemas.Webhook.properties.health.properties.last_reason, schemas.WebhookTest.properties.reason]) assert.deepEqual(listed(of), codes('deliveries'));
  });

  for (const [language, locale] of [['fa', 'fa-IR'], ['ar', 'ar-EG'], ['pt', 'pt-BR']]) {
    test(`${language}: why a session has its status, with the server's own words behind it`, async () => {
      const page = await enter(locale, 'sessions/shop', { viewport: PHONE });
      const reason = page.locator('.session-reason');
      await reason.getByText(read(language).reasons.not_linked, { exact: true }).waitFor();
      const words = reason.locator('.own-words');
      await words.locator('summary').filter({ hasText: read(language).more.own }).click();
      await words.locator('code[lang=en]').filter({ hasText: 'not_linked' }).waitFor();
      await accessible(page, `reason, ${language}`);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }

  // What the page asks for is another session's, which is not there: the server says so.
  const lost = (page) => page.route('**/sessions/shop/activity*', (route) => route.continue({ url: route.request().url().replace('/shop/', '/nowhere/') }));

  test('what is refused is said in the reader\'s language, with the code and the request behind it', async () => {
    const page = await enter('es-ES', 'overview');
    await lost(page);
    await open(page, 'sessions/shop?tab=activity');
    const trouble = page.locator('.trouble');
    await trouble.getByText(read('es').problems.unknown_session, { exact: true }).waitFor();
    await trouble.locator('summary').click();
    await trouble.locator('code').filter({ hasText: /unknown_session · HTTP 404 · \S+/ }).waitFor();
    await page.context().close();
  });

  test('while the texts cannot be had the server\'s own words are shown', async () => {
    const page = await enter('es-ES', 'overview');
    await lost(page);
    await page.route('**/text/*/codes.*', (route) => route.abort());
    await open(page, 'sessions/shop?tab=activity');
    await page.locator('.trouble').getByText('there is no session nowhere', { exact: true }).waitFor();
    await page.context().close();
  });
});
