// Loading the catalogues: parts that come at the same time are all kept, also while the language is
// changed; English stands in for what cannot be had. From right to left what is put into a text keeps
// its own order.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT } from './harness.mjs';

// What the build serves: a part has its section, the rest has the others. Answers wait for let().
function served({ missing = () => false } = {}) {
  globalThis.document = { documentElement: {} };
  globalThis.localStorage = { getItem: () => null };
  const asked = [], waiting = [];
  let open = false;
  globalThis.fetch = async (url) => {
    const [, language, part] = /text\/(\w+)(?:\/(\w+))?\.json$/.exec(url);
    const name = [language, part].filter(Boolean).join('/');
    asked.push(name);
    if (!open) await new Promise((resolve) => waiting.push(resolve));
    if (missing(name)) return new Response('', { status: 503 });
    const all = JSON.parse(fs.readFileSync(path.join(ROOT, `api/dashboard/text/${language}.json`)));
    return Response.json(part ? { [part]: all[part] } : { ...all, inbox: undefined, audit: undefined });
  };
  return { asked, let: () => (open = true) && waiting.splice(0).forEach((go) => go()) };
}
let copies = 0;   // each test has the module in its first state
const i18n = () => import(`${path.join(ROOT, 'api/dashboard/core/i18n.js')}?${copies++}`);

test('a language and the parts of it that are wanted meanwhile are all there, and English is not asked for', async () => {
  const server = served();
  const { t, useLanguage, useTexts } = await i18n();
  const spanish = useLanguage('es', { parts: ['inbox'] });
  const part = useTexts('audit');   // there is no language yet
  server.let();
  await Promise.all([spanish, part]);
  assert.equal(t('pages.sessions'), 'Sesiones');
  for (const key of ['inbox.back', 'audit.verify']) assert.notEqual(t(key), key);
  const before = server.asked.length;
  await Promise.all([useLanguage('pt'), useTexts('keys')]);
  assert.deepEqual(server.asked.slice(before).toSorted(), ['es/keys', 'pt', 'pt/audit', 'pt/inbox', 'pt/keys']);
});

test('English stands in for a language that cannot be had, and for a part of it', async () => {
  const server = served({ missing: (name) => name === 'fa' || name === 'ar/inbox' });
  const { has, language, t, useLanguage, useTexts } = await i18n();
  server.let();
  await useLanguage('fa');
  assert.deepEqual([language.value, t('pages.sessions')], ['en', 'Sessions']);
  await useLanguage('ar');
  await useTexts('inbox');
  assert.equal(language.value, 'ar');
  assert.notEqual(t('pages.sessions'), 'Sessions');
  assert.ok(has('inbox.back'));
  assert.match(t('inbox.back'), /[a-z]/);
});

test('a language from right to left isolates what is put in, and counts in its own words', async () => {
  globalThis.document = { documentElement: {} };
  globalThis.localStorage = { getItem: () => null };
  globalThis.fetch = async (url) => new Response(fs.readFileSync(new URL(url)));
  const dashboard = path.join(ROOT, 'api/dashboard');
  const { t, useLanguage } = await import(path.join(dashboard, 'core/i18n.js'));
  const { bytes, duration, playTime } = await import(path.join(dashboard, 'core/format.js'));
  const { monthName } = await import(path.join(dashboard, 'pages/usage/months.js'));
  await useLanguage('fa');
  assert.equal(document.documentElement.dir, 'rtl');
  assert.match(t('inbox.search.write_to', { phone: '+55 11 98888-7777' }), /\u2068\+55 11 98888-7777\u2069$/);
  assert.match(t('inbox.votes', { n: 12 }), /^۱۲ /);
  assert.doesNotMatch(duration(95), /[a-z]/i);
  assert.equal(playTime(65.4), '۱:۰۵');
  assert.equal(monthName('2026-11'), new Intl.DateTimeFormat('fa', { calendar: 'gregory', month: 'long', year: 'numeric' }).format(new Date('2026-11-15')));
  await useLanguage('ar');
  assert.deepEqual([1, 2, 3, 11, 100].map((n) => t('sessions.log.copied', { n })), ['نُسخ سطر واحد', 'نُسخ سطران', 'نُسخت 3 أسطر', 'نُسخ 11 سطرًا', 'نُسخ 100 سطر']);
  await useLanguage('en');
  assert.equal(t('inbox.search.write_to', { phone: '+55 11' }), 'Write to +55 11');
  assert.deepEqual([bytes(0), bytes(1), bytes(1500)], ['0 bytes', '1 byte', '1.5 kB']);
  assert.equal(playTime(9), '0:09');
});
