// The main pages in each language: nothing that hinders people (axe) in either theme; all of them on a
// phone of 360 px: nothing beyond the edge. No WhatsApp runs; the pages have what needs none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, DESKTOP, open } from './browser.mjs';
import { Daemon } from './harness.mjs';

const LANGUAGES = ['en', 'pt', 'es', 'ar', 'fa'];
const T = '/v1/tenants/default';
const MAIN = ['overview', 'inbox', 'sessions', 'webhooks', 'activity', 'usage', 'keys', 'audit', 'settings'];
const PAGES = [...MAIN, 'sessions/main', 'webhooks/erp', 'settings/tenant', 'settings/guards', 'settings/opt-outs', 'settings/widget', 'settings/alerts', 'settings/adapter', 'settings/node'];
const SMALL = { width: 360, height: 740 };

let daemon, browser;
before(async () => {
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
  await daemon.ok('PUT', '/v1/tenants/zebra', { name: 'Zebra' });
  await daemon.ok('PUT', `${T}/webhooks/erp`, { url: 'http://127.0.0.1:9/hooks/whatsapp', events: ['message.*'] });
  await daemon.ok('POST', `${T}/keys`, { name: 'the till at the corner', role: 'agent', sessions: ['main'] });
  await daemon.ok('PUT', `${T}/opt-outs/5511900000001`);
  browser = await Browser.start();
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

// What lies beyond the edge, and what one would have to push sideways to read; a table may be.
const sideways = () => {
  const edge = document.documentElement.clientWidth;
  const name = (e) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`;
  const out = document.documentElement.scrollWidth > edge ? [`the page: ${document.documentElement.scrollWidth} px`] : [];
  for (const e of document.querySelectorAll('main *')) {
    if (e.closest('.table-wrap, .hidden') || getComputedStyle(e).overflowX === 'visible' || getComputedStyle(e).overflowX === 'clip') continue;
    if (['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1) out.push(name(e));
  }
  return out;
};
const settled = (page) => page.waitForFunction(() => !document.querySelector('main .skeleton'));

describe('each page', () => {
  for (const language of LANGUAGES) {
    test(`in ${language}`, async () => {
      const page = await browser.person({ locale: language });
      await page.goto(daemon.base);
      await page.locator('.sign-in input').fill(daemon.key);
      await page.keyboard.press('Enter');
      await page.locator('.shell').waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), language);
      for (const at of PAGES) {
        await open(page, at);
        await settled(page);
        if (MAIN.includes(at)) await accessible(page, `${language}, ${at}`);
        await page.setViewportSize(SMALL);
        await page.waitForFunction((px) => innerWidth === px, SMALL.width);
        assert.deepEqual(await page.evaluate(sideways), [], `${language}, ${at}, at ${SMALL.width} px`);
        await page.setViewportSize(DESKTOP);
      }
      await page.context().close();
    });
  }
});
