// Catching up after an absence: 2,000 chats, 50 of them with something new.
import { Daemon, FarEnd, ME } from '../integration/harness.mjs';
import { BROWSER, median, ms, row, RUNS } from './rows.mjs';

const CHATS = 2000, CHANGED = 50;

const farEnd = await FarEnd.start();
const daemon = await Daemon.start({ farEnd, browser: BROWSER, settings: { 'log.level': 'warn' } });
const session = daemon.session();
await session.link(ME);
const { chats } = await farEnd.post('/bulk', { account: ME, chats: CHATS, messages: 3 });
const took = { changed: [], calls: [], nothing: [], ready: [] };

async function away(meanwhile) {
  await session.act('stop');
  await session.until('stopped');
  await meanwhile();
  const start = performance.now();
  await session.act('start');
  await session.until('ready');
  took.ready.push(performance.now() - start);
  return (await daemon.ok('GET', `${session.path}/sync`)).last;
}

await away(() => {});
took.ready = [];
for (let i = 0; i < RUNS; i++) {
  const some = chats.filter((_, n) => (n + i) % (CHATS / CHANGED) === 0);
  const run = await away(() => farEnd.post('/bulk-touch', { account: ME, chats: some, messages: 1 }));
  if (run.messages_new !== CHANGED) throw new Error(`${run.messages_new} of ${CHANGED} messages`);
  took.changed.push(run.duration_ms);
  took.calls.push(run.page_calls);
  took.nothing.push((await away(() => {})).duration_ms);
}
await daemon.close();
await farEnd.close();
console.log(`catching up with ${CHATS} chats, medians of ${RUNS}`);
row(`${CHANGED} chats with a new message`, ms(median(took.changed)), `${median(took.calls)} calls`);
row('nothing new', ms(median(took.nothing)));
row('start of the browser to ready', ms(median(took.ready)));
process.exit(0);
