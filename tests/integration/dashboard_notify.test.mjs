// New messages while nobody looks: a number in the title, a notification, a sound; and a hidden tab
// that stays connected only when somebody asked for that. A real session, a person who writes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, open } from './browser.mjs';
import { ALICE, Daemon, FarEnd, ME } from './harness.mjs';

let farEnd, daemon, browser;
before(async () => {
  farEnd = await FarEnd.start();
  [daemon, browser] = await Promise.all([Daemon.start({ farEnd }), Browser.start()]);
  await daemon.session().link(ME);
});
after(async () => {
  await browser?.close();
  await daemon?.close();
  await farEnd?.close();
});

// A headless tab is never hidden, has no desktop and no loudspeaker: these stand in their places.
const STAND_INS = () => {
  Object.assign(globalThis, { told: [], sounds: 0, away: false });
  Object.defineProperty(document, 'hidden', { get: () => globalThis.away });
  globalThis.AudioContext = class extends globalThis.AudioContext {
    createOscillator() {
      globalThis.sounds++;
      return super.createOscillator();
    }
  };
  globalThis.Notification = class {
    static permission = 'granted';
    static requestPermission = async () => 'granted';
    constructor(title, options) {
      globalThis.told.push({ title, ...options });
    }
  };
};
const away = (page, yes) => page.evaluate((hidden) => {
  globalThis.away = hidden;
  document.dispatchEvent(new Event('visibilitychange'));
}, yes);
const write = (text) => farEnd.post('/send', { from: ALICE, to: ME, text });

// Until the page was told of this message: what it does of it, it has done then.
async function heard(page, text) {
  await page.evaluate(async (words) => {
    const { on } = await import('/assets/core/live.js');
    globalThis.heard = new Promise((resolve) => on(['message.received'], ({ data }) => data.text === words && resolve()));
  }, text);
  await write(text);
  await page.evaluate(() => globalThis.heard);
}

async function person() {
  const page = await browser.signedIn(daemon, { at: 'settings' });
  await page.addInitScript(STAND_INS);
  await page.reload();
  await page.locator('.connection.live').waitFor();
  return page;
}

test('the title counts what came while the tab was hidden, and forgets it when it is looked at', async () => {
  const page = await person();
  await heard(page, 'seen at once');
  assert.equal(await page.title(), 'Settings · wabridge');
  await away(page, true);
  await write('one');
  await page.waitForFunction(() => /^\(1\) /.test(document.title));
  await write('two');
  await page.waitForFunction(() => /^\(2\) /.test(document.title));
  assert.deepEqual(await page.evaluate(() => [globalThis.told, globalThis.sounds]), [[], 0], 'nobody asked for more');
  await away(page, false);
  await page.waitForFunction(() => document.title === 'Settings · wabridge');
  // the inbox counts the chats that are unread
  await open(page, 'inbox');
  await page.waitForFunction(() => document.title === '(1) Inbox · wabridge');
  await open(page, 'settings');
  await page.waitForFunction(() => document.title === 'Settings · wabridge');
  await page.context().close();
});

test('who asks for it gets a notification that says who wrote, not what, and a sound', async () => {
  const page = await person();
  await page.getByRole('switch', { name: 'Show a desktop notification' }).press('Space');
  await page.getByRole('switch', { name: 'Play a sound' }).press('Space');
  await page.waitForFunction(() => globalThis.sounds > 0);   // how it will sound
  const before = await page.evaluate(() => globalThis.sounds);
  await away(page, true);
  await write('the secret words');
  await page.waitForFunction(() => globalThis.told.length === 1);
  const [note] = await page.evaluate(() => globalThis.told);
  assert.equal(note.title, 'Alice');
  assert.ok(!JSON.stringify(note).includes('secret'));
  await page.waitForFunction((n) => globalThis.sounds > n, before);
  await page.context().close();
});
