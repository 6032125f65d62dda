// What scrolling the inbox costs the browser: 10,000 chats, a thread of 20,000 messages. A task over
// 50 ms is what a person feels. An idle page of the same browser is measured beside it: on a busy
// machine it has long tasks too, and only what is above them is ours.
//   node tests/bench/dashboard.mjs
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Browser, open } from '../integration/browser.mjs';
import { BUILD, Daemon, removeDirectory, temporaryDirectory } from '../integration/harness.mjs';
import { row } from './rows.mjs';

const FRAMES = 400, STEP_PX = 160;
const dataDir = temporaryDirectory('scroll');
execFileSync(path.join(BUILD, 'tests/bench/fill_store'), [dataDir, '10000', '20000']);
const daemon = await Daemon.start({ dataDir, settings: { 'browser.executable': '/bin/false', 'log.level': 'info' } });
const browser = await Browser.start();
const page = await browser.signedIn(daemon, { at: 'inbox' });
const cdp = await page.context().newCDPSession(page);
await cdp.send('Performance.enable');
const metric = async (name) => (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === name).value;

async function measured(name, selector, step) {
  const [task, script] = [await metric('TaskDuration'), await metric('ScriptDuration')];
  const tasks = await page.evaluate(async ([sel, by, frames]) => {
    const long = [];
    const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)));
    observer.observe({ entryTypes: ['longtask'] });
    const box = document.querySelector(sel);
    for (let i = 0; i < frames; i++) {
      if (by) box.scrollTop += by;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    long.push(...observer.takeRecords().map((e) => e.duration));
    observer.disconnect();
    return long;
  }, [selector, step, FRAMES]);
  const perFrame = (now, was) => `${((1000 * (now - was)) / FRAMES).toFixed(1)} ms`;
  row(name, `${tasks.length} long`, `max ${Math.round(Math.max(0, ...tasks))} ms`);
  row('  main thread a frame, of which script', perFrame(await metric('TaskDuration'), task), perFrame(await metric('ScriptDuration'), script));
}

await page.locator('.chat-row').first().waitFor();
console.log(`${FRAMES} frames, ${STEP_PX} px each`);
await measured('idle', '.list-scroller', 0);
await measured('chats, down', '.list-scroller', STEP_PX);
await measured('chats, up', '.list-scroller', -STEP_PX);
await open(page, 'inbox/main/5511800000000@c.us');
await page.getByText('message 19999', { exact: true }).last().waitFor();
await measured('idle in a thread', '.scroller', 0);
await measured('thread, up', '.scroller', -STEP_PX);
await measured('thread, down', '.scroller', STEP_PX);
await browser.close();
await daemon.close();
removeDirectory(dataDir);
process.exit(0);
