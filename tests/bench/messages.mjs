// Medians of several runs, and ratios against whatsapp-web.js on the same simulated page and the
// same browser, its runs taking turns with ours. Called by scripts/bench; prints, asserts nothing.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import wweb from 'whatsapp-web.js';
import puppeteer from 'puppeteer';
import { ALICE, Daemon, FarEnd, ME, Receiver, ROOT, temporaryDirectory, within } from '../integration/harness.mjs';
import { BROWSER, median, ms, quantile, row, rssOf, RUNS } from './rows.mjs';

const MESSAGES = Number(process.env.WABRIDGE_BENCH_MESSAGES ?? 60);

// What the peer's users run: it starts whole Chromium, not the shell.
const CHROMIUM = '/usr/lib/chromium/chromium';

function peerClient(farEnd, dir, browser = BROWSER) {
  return new wweb.Client({
    authStrategy: new wweb.LocalAuth({ dataPath: dir }),
    webVersionCache: { type: 'none' },
    puppeteer: { executablePath: browser, args: ['--no-sandbox', ...farEnd.chromiumArgs] },
  });
}

// ---- first code ---------------------------------------------------------------------------------

async function ourFirstCode(farEnd) {
  const daemon = await Daemon.start({ farEnd, browser: BROWSER, settings: { 'log.level': 'warn' } });
  await daemon.session().act('stop');
  await daemon.session().until('stopped');
  await daemon.ok('PUT', '/v1/tenants/default/sessions/bench', { autostart: false });
  const session = daemon.session('default', 'bench');
  const t0 = performance.now();
  await session.act('start');
  await session.qr(60);
  const took = performance.now() - t0;
  await daemon.close();
  return took;
}

async function peerFirstCode(farEnd, browser) {
  const dir = temporaryDirectory('peer');
  const client = peerClient(farEnd, dir, browser);
  const code = new Promise((resolve) => client.once('qr', resolve));
  const t0 = performance.now();
  client.initialize().catch(() => {});
  await within(code, 'code of the peer');
  const took = performance.now() - t0;
  await client.destroy();
  fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  return took;
}

// ---- incoming message ---------------------------------------------------------------------------

// One message at a time; `arrival(id)` resolves with the time at which it was there.
async function latencies(farEnd, arrival) {
  const took = [];
  for (let i = 0; i < MESSAGES + 10; i++) {
    const id = `BENCH${process.hrtime.bigint()}`;
    const there = arrival(id);
    const start = performance.timeOrigin + performance.now();
    await farEnd.post('/send', { from: ALICE, to: ME, text: `bench ${i}`, id });
    const end = await within(there, 'the message');
    if (i >= 10) took.push(end - start);
  }
  return took;
}

async function ourMessages() {
  const farEnd = await FarEnd.start();
  const waiting = new Map();
  const receiver = await Receiver.start({
    answer: ({ event }) => {
      waiting.get(event.data.id)?.(performance.timeOrigin + performance.now());
      return 200;
    },
  });
  const daemon = await Daemon.start({ farEnd, browser: BROWSER, settings: { 'log.level': 'warn' } });
  await daemon.session().link();
  await daemon.ok('PUT', '/v1/tenants/default/webhooks/bench', { url: receiver.url, events: ['message.received'] });
  const result = await latencies(farEnd, (id) => new Promise((resolve) => waiting.set(id, resolve)));
  const rss = rssOf(daemon.child.pid);
  await daemon.close();
  await receiver.close();
  await farEnd.close();
  return { result, rss };
}

async function peerMessages() {
  const farEnd = await FarEnd.start();
  const dir = temporaryDirectory('peer');
  const client = peerClient(farEnd, dir);
  const waiting = new Map();
  client.on('message', (m) => waiting.get(m.id.id)?.(performance.timeOrigin + performance.now()));
  client.once('qr', (code) => farEnd.post('/scan', { account: ME, qr: code }));
  const ready = new Promise((resolve) => client.once('ready', resolve));
  client.initialize().catch(() => {});
  await within(ready, 'peer ready');
  const result = await latencies(farEnd, (id) => new Promise((resolve) => waiting.set(id, resolve)));
  await client.destroy();
  await farEnd.close();
  fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  return result;
}

// The page's own time: from the far end to the message store, told by the page's own clock.
async function pageMessages() {
  const farEnd = await FarEnd.start();
  const browser = await puppeteer.launch({ executablePath: BROWSER, pipe: true, args: ['--no-sandbox', ...farEnd.chromiumArgs] });
  const [page] = await browser.pages(); // the one in front: no throttling
  const waiting = new Map();
  await page.exposeFunction('benchSeen', (id, at) => waiting.get(id)?.(at));
  await page.goto('https://web.whatsapp.com/');
  await page.addScriptTag({ content: 'window.WPPConfig = { disableGoogleAnalytics: true }' });
  await page.evaluate(fs.readFileSync(path.join(ROOT, 'node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js'), 'utf8'));
  await page.waitForFunction('window.WPP && WPP.isFullReady');
  const code = await page.evaluate(async () => {
    while (!(await WPP.conn.getAuthCode())) await new Promise((r) => setTimeout(r, 50));
    return `${(await WPP.conn.getAuthCode()).fullCode},1`;
  });
  await farEnd.post('/scan', { account: ME, qr: code });
  await farEnd.wait('main', { account: ME });
  await page.evaluate(() => {
    WPP.whatsapp.MsgStore.on('add', (m) => window.benchSeen(m.id.id, performance.timeOrigin + performance.now()));
  });
  const result = await latencies(farEnd, (id) => new Promise((resolve) => waiting.set(id, resolve)));
  await browser.close();
  await farEnd.close();
  return result;
}

// ---- durable sends ------------------------------------------------------------------------------

async function durableSends() {
  const daemon = await Daemon.start({ settings: { 'log.level': 'warn', 'outbox.max_queued': 10_000_000 } });
  const session = daemon.session();
  await session.act('stop');
  await session.until('stopped');
  const script = path.join(daemon.dataDir, 'send.lua');
  fs.writeFileSync(script, `wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer ${daemon.key}"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"to":"${ALICE}","text":"Your order 1042 is ready, pick it up at the counter."}'
`);
  const out = await new Promise((resolve) => {
    const child = spawn('wrk', ['-t2', '-c256', '-d5s', '--latency', '-s', script, `${daemon.base}${session.path}/messages`]);
    let text = '';
    child.stdout.on('data', (d) => (text += d));
    child.on('exit', () => resolve(text));
  });
  const health = await daemon.ok('GET', '/health');
  const result = {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1] ?? NaN),
    p99: /99%\s+([\d.]+\w+)/.exec(out)?.[1] ?? '?',
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0),
    queued: health.queues.outbox,
    total: Number(/(\d+) requests in/.exec(out)?.[1] ?? NaN),
  };
  await daemon.close();
  return result;
}

// ---- memory -------------------------------------------------------------------------------------

async function idleMemory(count) {
  const daemon = await Daemon.start({ settings: { 'log.level': 'warn' } });
  for (let i = 1; i < count; i++) {
    await daemon.ok('PUT', `/v1/tenants/default/sessions/s${i}`, { channel: 'web', autostart: false });
  }
  const rss = rssOf(daemon.child.pid);
  await daemon.close();
  return rss;
}

// -------------------------------------------------------------------------------------------------

const wrk = spawnSync('wrk', ['--version']).error === undefined;
console.log(`medians of ${RUNS} runs, ${MESSAGES} messages each; ${path.basename(BROWSER)}; ours sandboxed as another user, the peer without sandbox`);
row('', 'wabridge', 'wwebjs', 'ratio');

const farEnd = await FarEnd.start();
const code = { ours: [], same: [], usual: [] };
for (let i = 0; i < RUNS; i++) {
  code.ours.push(await ourFirstCode(farEnd));
  code.same.push(await peerFirstCode(farEnd, BROWSER));
  code.usual.push(await peerFirstCode(farEnd, CHROMIUM));
}
await farEnd.close();
for (const [name, theirs] of [['peer in Chromium, as it is used', code.usual], ['peer in the same shell', code.same]]) {
  const [a, b] = [median(code.ours), median(theirs)];
  row(`start of session to QR, ${name}`, ms(a), ms(b), (a / b).toFixed(2));
}

const ours = [], theirs = [], page = [], rss = [];
for (let i = 0; i < Math.max(1, Math.round(RUNS / 2)); i++) {
  const mine = await ourMessages();
  ours.push(...mine.result);
  rss.push(mine.rss);
  theirs.push(...(await peerMessages()));
  page.push(...(await pageMessages()));
}
for (const [name, q] of [['p50', 0.5], ['p99', 0.99]]) {
  const [a, b] = [quantile(ours, q), quantile(theirs, q)];
  row(`incoming message to webhook / handler, ${name}`, ms(a), ms(b), (a / b).toFixed(2));
}
row('  of it the page\'s own time, p50', ms(median(page)), '', '');
row('  beyond the page\'s own time, p50', ms(median(ours) - median(page)), ms(median(theirs) - median(page)));
row('daemon, 1 linked idle session', `${median(rss).toFixed(1)} MB`);
row('daemon, 1 session without browser', `${(await idleMemory(1)).toFixed(1)} MB`);
row('daemon, 20 sessions without browser', `${(await idleMemory(20)).toFixed(1)} MB`);
if (wrk) {
  const sends = [];
  for (let i = 0; i < Math.min(3, RUNS); i++) sends.push(await durableSends());
  const best = sends.sort((a, b) => a.perSecond - b.perSecond)[Math.floor(sends.length / 2)];
  row('durable sends accepted a second (256 connections)', Math.round(best.perSecond));
  row('  p99 latency', best.p99);
  row('  refused; in the queue of accepted', `${best.refused}`, `${best.queued}`, `${best.total}`);
}
process.exit(0);
