// A browser for the tests of the dashboard: Debian's Chromium, driven by Playwright. Not the browser
// of a session: that one is the daemon's own.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import { deferred } from './harness.mjs';

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };
// WABRIDGE_TEST_SLOW=6: pages compute six times slower and draw late, as on a machine that is busy elsewhere.
const SLOW = Number(process.env.WABRIDGE_TEST_SLOW || 0);
const LATE_MS = 12;   // a frame, each time the page is slower
const TIMEOUT_MS = SLOW ? 120_000 : 60_000;

export class Browser {
  static async start() {
    const b = new Browser();
    b.browser = await chromium.launch({
      executablePath: process.env.WABRIDGE_TEST_DESKTOP_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox', '--lang=en-US'],
    });
    return b;
  }
  // A person at a fresh browser of their own. What the page does wrong is kept in page.faults. Requests go
  // by way of this process from the start (routed): a page.route() on a page that is busy misses some of them
  // otherwise, for the renderer keeps its old way for a while. Without it, the browser's cache works.
  async person({ viewport = DESKTOP, theme = 'light', locale = 'en-US', routed = true, ...options } = {}) {
    const context = await this.browser.newContext({ viewport, colorScheme: theme, locale, reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(TIMEOUT_MS);
    if (routed) await context.route('**/nothing-asks-for-this', (route) => route.abort());
    const page = await context.newPage();
    if (SLOW) {
      await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: SLOW });
      await context.addInitScript((late) => {
        const real = window.requestAnimationFrame.bind(window), due = new Set();
        window.requestAnimationFrame = (act) => {
          const id = real(() => setTimeout(() => due.delete(id) && act(performance.now()), Math.random() * late));
          due.add(id);
          return id;
        };
        window.cancelAnimationFrame = (id) => due.delete(id);
      }, SLOW * LATE_MS);
    }
    page.faults = [];
    page.on('pageerror', (error) => page.faults.push(String(error.stack || error)));
    page.on('console', (message) => message.type() === 'error' && !/Failed to load resource/.test(message.text()) && page.faults.push(message.text()));
    return page;
  }
  // The same, signed in to this daemon with a key, on a page: "overview", "inbox/main", …
  async signedIn(daemon, { key = daemon.key, at = '', ...options } = {}) {
    const page = await this.person(options);
    await page.goto(daemon.base);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.locator('.shell').waitFor();   // the menu itself is hidden on a phone
    if (at) await open(page, at);
    return page;
  }
  close() {
    return this.browser.close();
  }
}

// Goes to a page of the dashboard by its address and waits for its heading.
export async function open(page, at) {
  // heard and drawn: the page before may have such a heading, too
  await page.evaluate((hash) => new Promise((heard) => {
    const before = location.href;
    location.hash = hash;
    if (location.href === before) heard();
    else addEventListener('hashchange', () => heard(), { once: true });
  }), `#/${at}`);
  await page.locator(`main.page-${at.split(/[/?]/)[0]} h1, main.page-${at.split(/[/?]/)[0]} [data-ready]`).first().waitFor();
}

// Such requests are held on their way. asked: the first has come; count: of them; let(): all go on; fail(): all break.
export async function held(page, pattern, method) {
  const asked = deferred(), free = deferred();
  const h = { asked: asked.promise, count: 0, let: () => free.resolve('continue'), fail: () => free.resolve('abort') };
  await page.route(pattern, async (route) => {
    if (method && route.request().method() !== method) return route.continue();
    h.count++;
    asked.resolve();
    return route[await free.promise]();
  });
  return h;
}

// All that the page does of itself after what it has drawn. at: a page, or an element of a frame.
export const drawn = (at) => at.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)))));

// Has the size that it was given, and nothing beyond the edge at the side.
export async function fits(page) {
  await page.waitForFunction((width) => innerWidth === width && document.documentElement.scrollWidth <= width, page.viewportSize().width);
}

// No fault of accessibility in either theme (WCAG 2.2 A and AA), and none of the page itself.
export async function accessible(page, what) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // through DevTools: the page's own policy lets no foreign script in
    await page.evaluate(`globalThis.axe || (() => { ${AXE} })(); 0`);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    const found = violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary}`).join('\n    ')}`);
    assert.deepEqual(found, [], `${what}, ${colorScheme}:\n${found.join('\n')}`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  assert.deepEqual(page.faults, [], `${what}: faults of the page`);
}
