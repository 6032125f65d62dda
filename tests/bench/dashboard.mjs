// What scrolling the inbox costs the browser: 10,000 chats, a thread of 20,000 messages. A task over
// 50 ms is what a person feels. Tasks are counted twice: by the clock, as the browser's own observer
// does, where whatever else the machine does counts too (an idle page is measured beside it); and by
// the processor time that the page's thread spent in them, which is ours alone.
//   node tests/bench/dashboard.mjs
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Browser, open } from '../integration/browser.mjs';
import { BUILD, Daemon, removeDirectory, temporaryDirectory } from '../integration/harness.mjs';
import { row } from './rows.mjs';

const FRAMES = 400, STEP_PX = 160, LONG_MS = 50;
const dataDir = temporaryDirectory('scroll');
execFileSync(path.join(BUILD, 'tests/bench/fill_store'), [dataDir, '10000', '20000']);
const daemon = await Daemon.start({ dataDir, settings: { 'browser.executable': '/bin/false', 'log.level': 'info' } });
const browser = await Browser.start();
const page = await browser.signedIn(daemon, { at: 'inbox' });

// Tasks of the page's main thread, in ms: by the clock and by processor time.
function tasksOf(trace) {
  const events = JSON.parse(trace).traceEvents;
  const main = events.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map((e) => `${e.pid}.${e.tid}`);
  const tasks = events.filter((e) => /RunTask$/.test(e.name) && e.ph === 'X' && main.includes(`${e.pid}.${e.tid}`));
  return { clock: tasks.map((e) => e.dur / 1000), cpu: tasks.map((e) => (e.tdur ?? 0) / 1000) };
}
const long = (list) => `${list.filter((ms) => ms > LONG_MS).length} > ${LONG_MS} ms`;
const most = (list) => `max ${Math.round(Math.max(0, ...list))} ms`;

async function measured(name, selector, step) {
  await browser.browser.startTracing(page, { categories: ['toplevel'] });
  await page.evaluate(async ([sel, by, frames]) => {
    const box = document.querySelector(sel);
    for (let i = 0; i < frames; i++) {
      if (by) box.scrollTop += by;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }, [selector, step, FRAMES]);
  const { clock, cpu } = tasksOf((await browser.browser.stopTracing()).toString());
  row(`${name}: by the clock`, long(clock), most(clock));
  row('  by processor time', long(cpu), most(cpu), `${(cpu.reduce((a, b) => a + b, 0) / FRAMES).toFixed(1)} a frame`);
}

await page.locator('.chat-row').first().waitFor();
console.log(`${FRAMES} frames, ${STEP_PX} px each`);
await measured('idle', '.list-scroller', 0);
await measured('chats, down', '.list-scroller', STEP_PX);
await measured('chats, up', '.list-scroller', -STEP_PX);
await open(page, 'inbox/main/5511800000000@c.us');
await page.locator('.bubble').getByText('message 19999', { exact: true }).waitFor();
await measured('idle in a thread', '.scroller', 0);
await measured('thread, up', '.scroller', -STEP_PX);
await measured('thread, down', '.scroller', STEP_PX);
await browser.close();
await daemon.close();
removeDirectory(dataDir);
process.exit(0);
