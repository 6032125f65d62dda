// Long lists: 10,000 chats and a thread of 20,000 messages. Wherever one scrolls, the page holds few
// rows and the right ones, nothing jumps, and what was left behind is fetched again. What it costs in
// time depends on the machine: tests/bench/dashboard.mjs measures that.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser, open } from './browser.mjs';
import { BUILD, Daemon, removeDirectory, temporaryDirectory } from './harness.mjs';

const CHATS = 10_000, MESSAGES = 20_000;
const BIG = '5511800000000@c.us';
const MOST_ROWS = 90;

describe('long lists', () => {
  let dataDir, daemon, browser, page;
  before(async () => {
    dataDir = temporaryDirectory('scroll');
    execFileSync(path.join(BUILD, 'tests/bench/fill_store'), [dataDir, String(CHATS), String(MESSAGES)]);
    daemon = await Daemon.start({ dataDir, settings: { 'browser.executable': '/bin/false', 'log.level': 'info' } });
    browser = await Browser.start();
    page = await browser.signedIn(daemon, { at: 'inbox' });
  });
  after(async () => {
    await browser?.close();
    await daemon?.close();
    removeDirectory(dataDir);
  });

  // Scrolls as far as `by` says (pixels, 'top', 'bottom') and waits until the rows there are shown, what
  // is fetched for them is here, and they stand still. -> {numbers: those of the rows in sight, in order, rows: how many the page holds, …}
  const scroll = (selector, row, by) => page.evaluate(async ([sel, rowSel, how]) => {
    const box = document.querySelector(sel);
    if (how === 'top') box.scrollTop = 0;
    else if (how === 'bottom') box.scrollTop = box.scrollHeight;
    else box.scrollTop += how;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const look = () => {
      const area = box.getBoundingClientRect();
      const rows = [...box.querySelectorAll(rowSel)];
      const seen = rows.filter((el) => {
        const at = el.getBoundingClientRect();
        return at.height > 0 && at.bottom > area.top + 1 && at.top < area.bottom - 1;
      });
      const filled = !document.querySelector('.fetching, .list-more') && seen.length > 0 && seen[0].getBoundingClientRect().top < area.top + 80 && seen.at(-1).getBoundingClientRect().bottom > area.bottom - 80;
      const numbers = seen.map((el) => Number(/(?:Customer|message) (\d+)/.exec(el.querySelector('.name, .text')?.textContent)?.[1] ?? -1));
      return { filled, rows: rows.length, numbers, at: Math.round(box.scrollTop), top: Math.round(seen[0]?.getBoundingClientRect().top) };
    };
    let before = '', still = 0, now;
    while (still < 4) {
      await frame();
      now = look();
      const text = JSON.stringify(now);
      still = now.filled && text === before ? still + 1 : 0;
      before = text;
    }
    return now;
  }, [selector, row, by]);
  const list = (by) => scroll('.list-scroller', '.chat-row', by);
  const thread = (by) => scroll('.scroller', '.bubble', by);

  const consecutive = (numbers, step) => {
    const known = numbers.filter((n) => n >= 0);
    for (let i = 1; i < known.length; i++) assert.equal(known[i] - known[i - 1], step, `rows in order: ${numbers.join(' ')}`);
    assert.ok(known.length > 3, `rows in sight: ${numbers.join(' ')}`);
  };

  test('ten thousand chats', async () => {
    await page.locator('.chat-row').first().waitFor();
    for (let i = 0; i < 12; i++) {
      const now = await list(1500);
      consecutive(now.numbers, -1);
      assert.ok(now.rows < MOST_ROWS, `${now.rows} rows in the page`);
    }
    // pages of the list come as one goes down, until the oldest chat is there
    for (let last = 0; last !== 1;) {
      const now = await list('bottom');
      assert.ok(now.rows < MOST_ROWS, `${now.rows} rows in the page`);
      last = now.numbers.at(-1);
    }
    const up = await list(-300_000);
    consecutive(up.numbers, -1);
    const top = await list('top');
    assert.ok(top.numbers.includes(CHATS), `the newest: ${top.numbers}`);
  });

  test('twenty thousand messages: up past what is kept, and down again', async () => {
    await open(page, `inbox/main/${BIG}`);
    await page.locator('.bubble').getByText(`message ${MESSAGES - 1}`, { exact: true }).waitFor();
    let now = await thread(-1);
    assert.equal(now.numbers.at(-1), MESSAGES - 1, 'it opens at the end');
    const steps = async (by, count) => {
      for (let i = 0; i < count; i++) {
        const was = now.numbers;
        now = await thread(by);
        consecutive(now.numbers, 1);
        assert.ok(now.rows < MOST_ROWS, `${now.rows} rows in the page`);
        assert.ok(now.numbers[0] <= was.at(-1) && now.numbers.at(-1) >= was[0], `no jump: ${was}, then ${now.numbers}`);
      }
    };
    const runs = async (to, enough) => {
      for (let i = 0; i < 200 && !enough(); i++) {
        now = await thread(to);
        consecutive(now.numbers, 1);
        assert.ok(now.rows < MOST_ROWS, `${now.rows} rows in the page`);
      }
      assert.ok(enough(), `came as far as ${now.numbers}`);
    };
    await steps(-400, 25);
    await runs('top', () => now.numbers[0] < MESSAGES - 1300);   // further than what is kept in memory
    await steps(-400, 5);
    await steps(400, 15);
    await runs('bottom', () => now.numbers.at(-1) === MESSAGES - 1);
  });

  test('the middle of it, and back to the newest by one button', async () => {
    const id = `3EB1${(7000).toString(16).toUpperCase().padStart(16, '0')}`;
    const hit = page.locator('.bubble.hit').getByText('message 7000', { exact: true }).waitFor();   // marked for a moment only
    await Promise.all([hit, open(page, `inbox/main/${BIG}?message=${id}`)]);
    const now = await thread(1);
    consecutive(now.numbers, 1);
    assert.ok(now.numbers.includes(7000), `in sight: ${now.numbers}`);
    await page.getByRole('button', { name: /To the newest/ }).click();
    await page.locator('.bubble').getByText(`message ${MESSAGES - 1}`, { exact: true }).waitFor();
    assert.equal((await thread(0)).numbers.at(-1), MESSAGES - 1);
    assert.deepEqual(page.faults, []);
  });
});
