// Sessions under traffic for a long time, with a fault every few seconds. At the end everything must
// have arrived, once, and the daemon must hold as many descriptors and threads as at the start.
//   scripts/soak [--minutes 30] [--sessions 5] [--every 20] [--seed N]
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { ALICE, BOB, Daemon, FarEnd, Receiver } from '../integration/harness.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' }, sessions: { type: 'string', default: '5' },
    every: { type: 'string', default: '20' }, seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const MINUTES = Number(values.minutes), SESSIONS = Number(values.sessions), EVERY_MS = Number(values.every) * 1000;
const SETTLE_MS = 300_000;
if (!(MINUTES > 0) || !(SESSIONS >= 1 && SESSIONS <= 50) || !(EVERY_MS >= 1000)) {
  console.error('usage: scripts/soak [--minutes 30] [--sessions 5] [--every 20] [--seed N]');
  process.exit(2);
}
let seed = Number(values.seed);
function random() {   // mulberry32, as in the kill test
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const started = Date.now();
const say = (text) => console.log(`[${((Date.now() - started) / 1000).toFixed(0).padStart(5)} s] ${text}`);

let deaf = false;   // the receiver has its own fault
const farEnd = await FarEnd.start({ knobs: { delivered_ms: 50 } });
const receiver = await Receiver.start({ answer: () => (deaf ? 503 : 200) });
const daemon = await Daemon.start({
  farEnd, settings: { 'log.level': 'warn', 'outbox.ack_timeout_ms': 5000, 'session.backoff_max_ms': 2000 },
});
await daemon.ok('PUT', '/v1/tenants/default/webhooks/soak', {
  url: receiver.url, events: ['message.received'], retry: { initial_delay_ms: 200, max_delay_ms: 2000 },
});

// ---- the sessions ----

const sessions = [];
for (let n = 0; n < SESSIONS; n++) {
  const account = `55119777700${String(n).padStart(2, '0')}`;
  await farEnd.post('/accounts', { phone: account, name: `Shop ${n}` });
  await daemon.ok('PUT', `/v1/tenants/default/sessions/s${n}`, {});
  const session = daemon.session('default', `s${n}`);
  await session.link(account);
  sessions.push({ session, account, accepted: [], incoming: [] });
}
await daemon.ok('DELETE', '/v1/tenants/default/sessions/main').catch(() => {});
const ready = () => Promise.all(sessions.map(({ session }) => session.until('ready')));
say(`${SESSIONS} sessions are ready (seed ${values.seed})`);

// ---- what the daemon holds ----

const peak = { daemon: 0, browsers: 0 };
const restarts = { daemon: 0, browser: 0, page: 0 };
// What is open, without TCP connections: those to the webhook and from us are kept for the next request,
// a few of them, and close when they like.
function openFiles() {
  const proc = `/proc/${daemon.child.pid}`, tcp = new Set();
  for (const table of ['tcp', 'tcp6']) {
    for (const line of fs.readFileSync(`${proc}/net/${table}`, 'utf8').split('\n').slice(1)) {
      const column = line.trim().split(/\s+/);
      if (column[3] !== '0A') tcp.add(`socket:[${column[9]}]`);   // but listening sockets
    }
  }
  const links = fs.readdirSync(`${proc}/fd`).map((fd) => fs.readlinkSync(`${proc}/fd/${fd}`));
  return links.filter((link) => !tcp.has(link)).map((link) => link.replace(/\[\d+\]/, '')).sort();
}
function holds() {
  const status = fs.readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8');
  return {
    descriptors: openFiles().length,
    threads: Number(/^Threads:\s*(\d+)/m.exec(status)[1]),
    rss: Number(/^VmRSS:\s*(\d+)/m.exec(status)[1]) * 1024,
  };
}
async function sample() {
  try {
    peak.daemon = Math.max(peak.daemon, holds().rss);
    const all = await Promise.all(sessions.map(({ session }) => session.get()));
    peak.browsers = Math.max(peak.browsers, all.reduce((sum, s) => sum + (s.memory?.browser_pss_bytes ?? 0), 0));
  } catch {
    // it was down just now
  }
}
// Quiet means: nothing on its way, and as much held twice in a row.
async function atRest() {
  let before = '';
  for (let n = 0; n < 60; n++) {
    const { descriptors, threads } = holds();
    const now = `${descriptors} descriptors, ${threads} threads`;
    if (now === before) return { descriptors, threads };
    before = now;
    await pause(5000);
  }
  return holds();
}

// ---- traffic ----

let stop = false;
async function sends(each, n) {
  for (let i = 0; !stop; i++) {
    const to = i % 2 ? ALICE : BOB, text = `out ${n}.${i}`;
    for (;;) {
      const answer = await daemon.call('POST', `${each.session.path}/messages`, {
        body: { to, text }, headers: { 'idempotency-key': `soak-${n}-${i}` },
      }).catch(() => null);
      if (answer?.status === 202) {
        each.accepted.push({ id: answer.json.id, text, to });
        break;
      }
      if (answer && ![429, 503].includes(answer.status)) throw new Error(`${answer.status} ${answer.text}`);
      await pause(200);
    }
    await pause(4000 + random() * 2000);   // the daemon paces at 20 a minute
  }
}
async function receives(each, n) {
  for (let i = 0; !stop; i++) {
    const { id } = await farEnd.post('/send', { from: i % 2 ? ALICE : BOB, to: each.account, text: `in ${n}.${i}` });
    each.incoming.push(id);
    await pause(500 + random() * 1000);
  }
}

// ---- faults ----

const childrenOf = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
const below = (pid) => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
const commandOf = (pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
function kill(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it was ending already
    }
  }
}
const faults = {
  async 'kill -9 of the daemon'() {
    restarts.daemon++;
    await daemon.kill();
    await daemon.run();
  },
  async 'stop and start of the daemon'() {
    restarts.daemon++;
    await daemon.stop();
    await daemon.run();
  },
  async 'kill -9 of a browser'() {
    restarts.browser++;
    kill([pick(daemon.browserPids())].filter(Boolean));
  },
  async 'kill -9 of a page'() {
    restarts.page++;
    const renderers = below(daemon.child.pid).filter((pid) => commandOf(pid).includes('--type=renderer'));
    kill([pick(renderers)].filter(Boolean));
  },
  async 'the connection to WhatsApp drops'() {
    await farEnd.post('/drop', { account: pick(sessions).account, ms: 1000 + Math.floor(random() * 5000) });
  },
  async 'the receiver answers 503 for 10 s'() {
    deaf = true;
    setTimeout(() => (deaf = false), 10_000);
  },
};

// ---- the run ----

// One message each way first: what stays open for the next one is open from then on.
await sessions[0].session.send(ALICE, 'first');
const { id: greeting } = await farEnd.post('/send', { from: ALICE, to: sessions[0].account, text: 'first' });
await receiver.waitFor((e) => e.data.id === greeting, 'the first message');
const first = await atRest();
const openAtFirst = openFiles();
say(`at rest: ${first.descriptors} descriptors, ${first.threads} threads`);
const traffic = Promise.all(sessions.flatMap((each, n) => [sends(each, n), receives(each, n)]));
let broken = null;
traffic.catch((error) => {
  broken = error;
  stop = true;
});
const sampling = setInterval(sample, 2000);
const end = Date.now() + MINUTES * 60_000;
let told = 0;
while (Date.now() < end && !stop) {
  await pause(Math.min(EVERY_MS, end - Date.now()));
  if (Date.now() >= end || stop) break;
  const what = pick(Object.keys(faults));
  try {
    await faults[what]();
  } catch (error) {
    if (!/ENOENT|ESRCH/.test(String(error))) throw error;   // who was to be killed went by itself
  }
  told++;
  const sent = sessions.reduce((sum, s) => sum + s.accepted.length, 0);
  say(`${what}; so far ${sent} accepted, ${receiver.requests.length} posts`);
}
stop = true;
await traffic.catch(() => {});
if (broken) throw broken;
deaf = false;
say('traffic ends; waiting until everything has arrived');
await ready();

async function missing() {
  const people = new Map();
  for (const person of [ALICE, BOB]) people.set(person, (await farEnd.get(`/inbox?account=${person}`)).items);
  const got = new Set([...people.values()].flat().map((m) => m.id));
  const posted = new Set(receiver.events('message.received').map((e) => e.data.id));
  return {
    out: sessions.flatMap((s) => s.accepted).filter((m) => !got.has(m.id)),
    in: sessions.flatMap((s) => s.incoming).filter((id) => !posted.has(id)),
    people,
  };
}
let left = await missing();
for (const until = Date.now() + SETTLE_MS; left.out.length + left.in.length > 0 && Date.now() < until; left = await missing()) await pause(2000);
clearInterval(sampling);
await sample();
const last = await atRest();

const texts = new Map();
let again = 0;
for (const m of [...left.people.values()].flat()) {
  texts.set(m.text, (texts.get(m.text) ?? 0) + 1);
  if (m.count > 1) again++;
}
const duplicated = [...texts].filter(([text, n]) => text.startsWith('out ') && n > 1).length;
const ids = new Map();
for (const e of receiver.events('message.received')) ids.set(e.data.id, (ids.get(e.data.id) ?? new Set()).add(e.id));
const renamed = [...ids.values()].filter((set) => set.size > 1).length;
const sum = (f) => sessions.reduce((total, s) => total + f(s), 0);
const mb = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;
const rows = [
  ['minutes, sessions, faults', `${((Date.now() - started) / 60000).toFixed(1)}, ${SESSIONS}, ${told}`],
  ['sent (accepted)', sum((s) => s.accepted.length)],
  ['received (written to us)', sum((s) => s.incoming.length)],
  ['delivered to the webhook', `${ids.size} in ${receiver.requests.length} posts`],
  ['lost', left.out.length + left.in.length],
  ['duplicated sends', duplicated],
  ['sent again under the same key', again],
  ['messages with two event ids', renamed],
  ['restarts: daemon, browser, page', `${restarts.daemon}, ${restarts.browser}, ${restarts.page}`],
  ['peak memory: daemon, browsers', `${mb(peak.daemon)}, ${mb(peak.browsers)}`],
  ['descriptors at start and end', `${first.descriptors}, ${last.descriptors}`],
  ['threads at start and end', `${first.threads}, ${last.threads}`],
];
console.log();
for (const [name, value] of rows) console.log(`${name.padEnd(34)} ${value}`);
for (const m of left.out) console.log(`lost: ${m.id} "${m.text}" to ${m.to}`);
for (const id of left.in) console.log(`lost: ${id} written to us`);
if (first.descriptors !== last.descriptors) {
  console.log(`open at the start: ${openAtFirst.join(' ')}\nopen at the end:   ${openFiles().join(' ')}`);
}
const good = left.out.length + left.in.length + duplicated + renamed === 0 &&
  first.descriptors === last.descriptors && first.threads === last.threads;
console.log(good ? '\nsoak: good' : '\nsoak: NOT good');
await daemon.close();
await receiver.close();
await farEnd.close();
process.exit(good ? 0 : 1);
