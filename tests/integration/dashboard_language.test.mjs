// Loading the catalogues: a language and the English behind it come at the same time, and both are kept.
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
