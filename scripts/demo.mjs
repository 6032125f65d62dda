// The whole loop without an account: a simulated WhatsApp, a phone that scans and chats by itself,
// the daemon, and a webhook receiver whose deliveries are printed. Called by `scripts/run --demo`.
// Ends with Ctrl-C, or by itself after the first round trip with --once.
import { spawn } from 'node:child_process';
import { ALICE, Daemon, FarEnd, ME, PROGRAM, Receiver } from '../tests/integration/harness.mjs';

const once = process.argv.includes('--once');
const unknown = process.argv.slice(2).filter((word) => word !== '--once');
if (unknown.length) {
  console.error(`scripts/run --demo takes only --once, not ${unknown.join(' ')}`);
  process.exit(2);
}
const started = Date.now();
const say = (text) => console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}`);

const farEnd = await FarEnd.start({ knobs: { delivered_ms: 300 } });
await farEnd.post('/knobs', { account: ALICE, echo: true });
const receiver = await Receiver.start({ answer: ({ event }) => (show(event), 200) });
const daemon = await Daemon.start({ farEnd, settings: { 'log.level': 'info', 'outbox.per_minute': 60 } });
let ending = null;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end(0));

say(`wabridge answers at ${daemon.base}; its key is in ${daemon.dataDir}/admin.key`);
const hook = await daemon.ok('PUT', '/v1/tenants/default/webhooks/demo', {
  url: receiver.url,
  events: ['session.status', 'message.*'],
});
say(`webhook "demo" goes to ${receiver.url}, signed with ${hook.secret}`);
say('linking default/main; a real person would scan this code, here a simulated phone does:');

const link = spawn(PROGRAM, ['link', '--data-dir', daemon.dataDir], { stdio: ['ignore', 'inherit', 'inherit'] });
const linked = new Promise((resolve) => link.on('exit', (code) => resolve(code === 0)));
const { code } = await daemon.session().qr(30);
setTimeout(() => farEnd.post('/scan', { account: ME, qr: code }), once ? 500 : 4000);
if (!(await linked)) await end(1);

say('linked. Alice writes, and echoes what we send her:');
const session = daemon.session();
await farEnd.post('/send', { from: ALICE, to: ME, text: 'Hello! Is order 1042 ready?' });
await session.send(ALICE, 'Yes, you can pick it up today.');
if (once) {
  await receiver.waitFor((e) => e.type === 'message.received' && e.data.text.startsWith('echo:'), "Alice's echo");
  await end(0);
}
const { ticket } = await daemon.ok('POST', '/v1/sign-in-links', {});
say('try it yourself (Ctrl-C here ends the demo), in a browser with this link, which works once:');
console.log(`
  ${daemon.base}/#ticket=${ticket}
`);
say('or in another terminal:');
console.log(`
  ${PROGRAM} send --data-dir ${daemon.dataDir} ${ALICE} "Hello from the shell"
  ${PROGRAM} status --data-dir ${daemon.dataDir}
  curl -H "Authorization: Bearer $(cat ${daemon.dataDir}/admin.key)" ${daemon.base}/v1/tenants/default/sessions/main/messages
`);

function show(event) {
  const { type, data } = event;
  if (type === 'session.status') say(`webhook ← ${type}: ${data.status}`);
  else if (type === 'message.received') say(`webhook ← ${type}: ${data.from.name || data.from.phone} wrote "${data.text}"`);
  else say(`webhook ← ${type}: ${data.id} ${data.status ?? ''}`);
}

async function end(code) {
  ending ??= (async () => {
    say('ending (Ctrl-C again to end at once)');
    await daemon.close().catch((error) => {
      // a second Ctrl-C ends the daemon with 128 + the signal; that is no fault
      if (!/ended with 1[34]\d/.test(error.message)) say(error.message);
    });
    await receiver.close();
    await farEnd.close();
    process.exit(code);
  })();
  await ending;
}
