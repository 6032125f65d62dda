// A document of 10 MB out (from POST to the far end's server ack) and in (from the phone to
// message.media), against whatsapp-web.js on the same page. Prints, asserts only that bytes are right.
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import wweb from 'whatsapp-web.js';
import { ALICE, Daemon, FarEnd, ME, removeDirectory, temporaryDirectory, within } from '../integration/harness.mjs';
import { BROWSER, mb, median, ms, row, rssOf, RUNS, watched } from './rows.mjs';

const SIZE = 10 << 20;
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const document = () => Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(SIZE)]);

async function ours(farEnd) {
  const daemon = await Daemon.start({ farEnd, browser: BROWSER, settings: { 'log.level': 'warn' } });
  const session = daemon.session();
  await session.link(ME);
  const events = daemon.events('default', await session.lastSeq());
  const out = [], into = [], grown = [];
  for (let i = 0; i < RUNS; i++) {
    const bytes = document();
    const sent = await watched(daemon.child.pid, async () => {
      const media = await fetch(`${daemon.base}/v1/tenants/default/media?filename=bench.pdf`, {
        method: 'POST', body: bytes, headers: { authorization: `Bearer ${daemon.key}`, 'content-type': 'application/pdf' },
      }).then((r) => r.json());
      const answer = await daemon.call('POST', `${session.path}/messages?wait=server&timeout_s=60`, {
        body: { to: ALICE, document: { media_id: media.media_id, filename: 'bench.pdf' } },
      });
      if (answer.status !== 200 || media.sha256 !== sha256(bytes)) throw new Error(answer.text);
    });
    const got = await watched(daemon.child.pid, async () => {
      const file = { type: 'document', mimetype: 'application/octet-stream', size_bytes: SIZE, seed: i + 1 };
      const { id } = await farEnd.post('/send', { from: ALICE, to: ME, filename: 'bench.bin', ...file });
      const { data } = await events.find((e) => e.type === 'message.media' && e.data.id === id, 'the file');
      if (data.media.size_bytes !== SIZE) throw new Error(JSON.stringify(data.media));
    });
    out.push(sent.took);
    into.push(got.took);
    grown.push(sent.grown, got.grown);
  }
  const rss = rssOf(daemon.child.pid);
  await events.close();
  await daemon.close();
  return { out: median(out), into: median(into), grown: Math.max(...grown), rss };
}

async function peer(farEnd) {
  const dir = temporaryDirectory('peer');
  const client = new wweb.Client({
    authStrategy: new wweb.LocalAuth({ dataPath: dir }),
    webVersionCache: { type: 'none' },
    puppeteer: { executablePath: BROWSER, protocolTimeout: 120_000, args: ['--no-sandbox', ...farEnd.chromiumArgs] },
  });
  client.once('qr', (code) => farEnd.post('/scan', { account: ME, qr: code }));
  const ready = new Promise((resolve) => client.once('ready', resolve));
  client.initialize().catch(() => {});
  await within(ready, 'peer ready');
  const out = [], into = [], grown = [];
  for (let i = 0; i < RUNS; i++) {
    const file = new wweb.MessageMedia('application/pdf', document().toString('base64'), 'bench.pdf');
    const sent = await watched(process.pid, async () => {
      const acked = new Promise((resolve) => client.on('message_ack', (m, ack) => ack >= 1 && resolve()));
      await client.sendMessage(`${ALICE}@c.us`, file, { sendMediaAsDocument: true });
      await within(acked, 'ack of the peer');
    });
    const got = await watched(process.pid, async () => {
      const message = new Promise((resolve) => client.once('message', resolve));
      await farEnd.post('/send', { from: ALICE, to: ME, type: 'document', mimetype: 'application/octet-stream', size_bytes: SIZE, seed: 100 + i, filename: 'b.bin' });
      const media = await (await within(message, 'the message')).downloadMedia();
      if (media.filesize !== SIZE && Buffer.from(media.data, 'base64').length !== SIZE) throw new Error('the peer lost bytes');
    });
    out.push(sent.took);
    into.push(got.took);
    grown.push(sent.grown, got.grown);
  }
  await client.destroy();
  removeDirectory(dir);
  return { out: median(out), into: median(into), grown: Math.max(...grown) };
}

console.log(`a document of 10 MB, medians of ${RUNS}; the peer's process also holds the far end`);
row('', 'wabridge', 'wwebjs', 'ratio');
let farEnd = await FarEnd.start();
const mine = await ours(farEnd);
await farEnd.close();
farEnd = await FarEnd.start({ knobs: { sync_ms: 1500 } });
const theirs = await peer(farEnd).catch((error) => {
  console.log(`the peer did not get through: ${error.message}`);
  return { out: NaN, into: NaN, grown: NaN };
});
await farEnd.close();
for (const [name, key] of [['10 MB document out, to the server ack', 'out'], ['10 MB document in, to its file', 'into']]) {
  row(name, ms(mine[key]), ms(theirs[key]), (mine[key] / theirs[key]).toFixed(2));
}
row('growth of the process meanwhile, most', mb(mine.grown), mb(theirs.grown), (mine.grown / theirs.grown).toFixed(2));
row('daemon afterwards', mb(mine.rss));
process.exit(0);
