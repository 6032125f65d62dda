// What is done to a linked session and its chats from the page, and seen there: sleep and waking, a
// trial of wa-js, muting and archiving from the contact panel; and a ticket that grew old.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser, open } from './browser.mjs';
import { ALICE, Daemon, FarEnd, ME, ROOT, within } from './harness.mjs';

const LIBRARY = path.join(ROOT, 'node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js');

describe('from the page', () => {
  let farEnd, daemon, session, events, browser, page, unused;
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.link(ME);
    unused = await daemon.ok('POST', '/v1/tenants/default/events/tickets');
    events = daemon.events();
    browser = await Browser.start();
    page = await browser.signedIn(daemon);
  });
  after(async () => {
    await browser?.close();
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  const status = (words) => page.locator('.session-now, .page-head').getByText(words, { exact: true }).waitFor();

  test('a session is put to sleep after a question, and woken by a button; what came meanwhile is there', async () => {
    await open(page, 'sessions/main');
    await status('Ready');
    await page.getByRole('button', { name: 'More actions for main' }).click();
    await page.getByRole('menuitem', { name: 'Hibernate', exact: true }).click();
    const question = page.getByRole('dialog', { name: 'Let main hibernate?' });
    await question.getByText('wakes when something is to be sent').waitFor();
    await question.getByRole('button', { name: 'Hibernate', exact: true }).click();
    await status('Hibernating');
    await page.reload();   // also who comes now sees it
    await status('Hibernating');
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'are you asleep?' });
    await page.getByRole('button', { name: 'Wake', exact: true }).click();
    await status('Ready');
    await events.find((e) => e.type === 'message.received' && e.data.id === id, 'what came meanwhile');
    assert.deepEqual(page.faults, []);
  });

  test('muting and archiving from the contact panel reach WhatsApp, and are taken back', async () => {
    const { id } = await daemon.ok('GET', `${session.path}/chats/${ALICE}`);
    const chat = () => daemon.ok('GET', `${session.path}/chats/${id}`);
    await page.evaluate((to) => (location.hash = to), `#/inbox/main/${encodeURIComponent(id)}`);
    await page.getByText('are you asleep?').first().waitFor();
    const panel = page.getByRole('complementary', { name: 'Contact' });
    await page.getByRole('button', { name: /contact/i }).first().click();
    const act = async (name) => {
      await panel.getByRole('button', { name: 'Actions' }).click();
      await page.getByRole('menuitem', { name, exact: true }).click();
    };
    // The page shows it before WhatsApp has it: what the daemon knows counts.
    const becomes = (fits, what) => within((async () => {
      for (;;) {
        const now = await chat();
        if (fits(now)) return now;
      }
    })(), what);
    const mutedUntil = panel.getByText(/^Muted until/);
    for (const [name, hours] of [['Mute for 8 hours', 8], ['Mute for a week', 168]]) {
      const since = Date.now();
      await act(name);
      await mutedUntil.waitFor();
      const until = Date.parse((await becomes((c) => c.muted_until, name)).muted_until) - hours * 3_600_000;
      assert.ok(until > since - 60_000 && until < Date.now() + 60_000, `${name}: ${new Date(until).toISOString()}`);
      await act('Unmute');
      await mutedUntil.waitFor({ state: 'detached' });
      await becomes((c) => !c.muted_until, 'sound again');
    }
    await act('Archive');
    await page.locator('.toast', { has: page.getByText('Archived', { exact: true }) }).getByRole('button', { name: 'Undo' }).click();
    await becomes((c) => !c.archived, 'undone');
    await act('Archive');
    await becomes((c) => c.archived, 'archived');
    await page.getByText('All chats are archived').waitFor();   // it was the only one; its thread stays open
    await page.getByRole('button', { name: 'Show the archive' }).click();
    await page.locator('.chat-list .chat-row').getByRole('img', { name: 'Archived' }).waitFor();
    await act('Take out of the archive');
    await becomes((c) => !c.archived, 'out of the archive');
    assert.deepEqual(page.faults, []);
  });

  test('another build of wa-js: a path that is none is told, a good one is tried and the end shown', async () => {
    const good = path.join(daemon.dataDir, 'good.js');
    fs.writeFileSync(good, `${fs.readFileSync(LIBRARY, 'utf8')}\n/* another build */\n`);
    await open(page, 'settings/adapter');
    await page.getByText('Nothing under way').waitFor();
    await page.getByLabel('File on the server').fill(path.join(daemon.dataDir, 'none.js'));
    await page.getByRole('button', { name: 'Only try it' }).click();
    await page.getByText(/^The last trial failed/).waitFor();
    await page.locator('main p').filter({ hasText: 'none.js' }).waitFor();
    await page.getByText('Nothing under way').waitFor();
    await page.getByLabel('File on the server').fill(good);
    await page.getByRole('button', { name: 'Only try it' }).click();
    await page.getByText(/^The last trial went well/).waitFor({ timeout: 300_000 });
    await page.getByText('Nothing under way').waitFor();
    await session.until('ready');
    assert.equal((await daemon.ok('GET', '/v1/adapter')).last.ok, true);
    assert.equal(fs.existsSync(path.join(daemon.dataDir, 'wa-js.js')), false, 'tried, not installed');
    assert.deepEqual(page.faults, []);
  });

  // Last: most of its 30 s have gone by with what came before.
  test('a ticket for the event stream that nobody used in its time opens nothing', async () => {
    const opened = (ticket) => fetch(`${daemon.base}/v1/tenants/default/events?ticket=${ticket}`, { headers: { accept: 'text/event-stream' } });
    const left = Date.parse(unused.expires_at) - Date.now() + 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, left)));   // nothing tells that time is over
    const late = await opened(unused.ticket);
    assert.equal(late.status, 401);
    assert.equal((await late.json()).code, 'unknown_ticket');
    const { ticket } = await daemon.ok('POST', '/v1/tenants/default/events/tickets');
    const early = await opened(ticket);
    assert.equal(early.status, 200);
    await early.body.cancel();
  });
});
