// Loading the catalogues: a language and the English behind it come at the same time, and both are kept.
// From right to left what is put into a text keeps its own order.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT } from './harness.mjs';

test('two catalogues that come at once are both there', async () => {
  globalThis.document = { documentElement: {} };
  globalThis.localStorage = { getItem: () => null };
  // both answers are there before the text of either is read
  const asked = [];
  let answer;
  const answers = new Promise((resolve) => (answer = resolve));
  globalThis.fetch = async (url) => {
    asked.push(path.basename(new URL(url).pathname));
    if (asked.length === 2) answer();
    await answers;
    return new Response(fs.readFileSync(new URL(url)));
  };
  const { has, t, useLanguage } = await import(path.join(ROOT, 'api/dashboard/core/i18n.js'));
  await useLanguage('es');
  assert.deepEqual(asked.toSorted(), ['en.json', 'es.json']);
  assert.equal(t('pages.sessions'), 'Sesiones');
  assert.ok(has('status.ready'), 'English is behind it');
});

test('a language from right to left isolates what is put in, and counts in its own words', async () => {
  globalThis.document = { documentElement: {} };
  globalThis.localStorage = { getItem: () => null };
  globalThis.fetch = async (url) => new Response(fs.readFileSync(new URL(url)));
  const dashboard = path.join(ROOT, 'api/dashboard');
  const { t, useLanguage } = await import(path.join(dashboard, 'core/i18n.js'));
  const { duration } = await import(path.join(dashboard, 'core/format.js'));
  const { monthName } = await import(path.join(dashboard, 'pages/usage/months.js'));
  await useLanguage('fa');
  assert.equal(document.documentElement.dir, 'rtl');
  assert.match(t('inbox.search.write_to', { phone: '+55 11 98888-7777' }), /\u2068\+55 11 98888-7777\u2069$/);
  assert.match(t('inbox.votes', { n: 12 }), /^۱۲ /);
  assert.doesNotMatch(duration(95), /[a-z]/i);
  assert.equal(monthName('2026-11'), new Intl.DateTimeFormat('fa', { calendar: 'gregory', month: 'long', year: 'numeric' }).format(new Date('2026-11-15')));
  await useLanguage('ar');
  assert.deepEqual([1, 2, 3, 11, 100].map((n) => t('sessions.log.copied', { n })), ['نُسخ سطر واحد', 'نُسخ سطران', 'نُسخت 3 أسطر', 'نُسخ 11 سطرًا', 'نُسخ 100 سطر']);
  await useLanguage('en');
  assert.equal(t('inbox.search.write_to', { phone: '+55 11' }), 'Write to +55 11');
});
