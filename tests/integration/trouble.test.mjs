// What goes wrong in real life, over both transports: browsers and pages die, the far end unlinks,
// takes the session over, drops the link, answers late. The session comes back by itself or says
// what to do; nothing is lost and nothing is sent twice.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ALICE, Daemon, eventually, FarEnd, ME, OTHER, TRANSPORTS } from './harness.mjs';

// Every process of the browser's group, from /proc.
function groupOf(leader) {
  return fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p)).map(Number).filter((pid) => {
    try {
      return Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[2]) === leader;
    } catch {
      return false;
    }
  });
}
function rendererOf(leader) {
  const isRenderer = (pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer');
    } catch {
      return false;
    }
  };
  return groupOf(leader).filter(isRenderer);
}

// A browser ends and starts renderers as it likes: one may be gone that was just seen.
function signal(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

for (const transport of TRANSPORTS) {
  describe(`trouble over ${transport}`, () => {
    let farEnd, daemon, session, events;

    before(async () => {
      farEnd = await FarEnd.start();
      daemon = await Daemon.start({ farEnd, transport });
      session = daemon.session();
      await session.link();
      events = daemon.events('default', await session.lastSeq());
    });
    after(async () => {
      await events?.close();
      await daemon?.close();
      await farEnd?.close();
    });

    async function backAndComplete(during, what) {
      const seq = await session.lastSeq();
      const gone = daemon.events('default', seq);
      const left = gone.find((e) => e.type === 'session.status' && e.data.status !== 'ready', `${what}: leaving ready`);
      await during();
      const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: `during ${what}` });
      const sent = await session.send(ALICE, `queued during ${what}`);
      await left;
      await session.until('ready');
      await gone.find((e) => e.type === 'message.received' && e.data.id === id, `${what}: the message`);
      await gone.find((e) => e.data?.id === sent.id && ['sent', 'delivered', 'read'].includes(e.data.status), `${what}: the send`);
      assert.equal(gone.items.filter((e) => e.type === 'message.received' && e.data.id === id).length, 1);
      assert.equal((await farEnd.received(ME)).find((m) => m.id === sent.id).count, 1);
      assert.ok(!gone.items.some((e) => e.type === 'session.qr'), 'no new code');
      await gone.close();
    }

    test('kill -9 of the browser: back to ready, nothing lost', async () => {
      const [pid] = daemon.browserPids();
      await backAndComplete(() => process.kill(pid, 'SIGKILL'), 'browser killed');
      assert.notEqual(daemon.browserPids()[0], pid);
    });

    test('kill -9 of the page: back to ready, nothing lost', async () => {
      const [leader] = daemon.browserPids();
      const renderers = rendererOf(leader);
      assert.ok(renderers.length > 0);
      await backAndComplete(() => signal(renderers, 'SIGKILL'), 'page killed');
    });

    test('the link drops: disconnected, then ready again', async () => {
      await backAndComplete(() => farEnd.post('/drop', { ms: 1500 }), 'link dropped');
    });

    test('opened elsewhere: conflict, until taken over', async () => {
      await farEnd.post('/conflict', { account: ME });
      const conflict = await session.until('conflict');
      assert.ok(conflict.status_reason.length > 10);
      await session.act('takeover');
      await session.until('ready');
      const not = await daemon.call('POST', `${session.path}/takeover`);
      assert.equal(not.status, 409);
    });

    test('stop and start: queued meanwhile, sent after; repeating is harmless', async () => {
      await session.act('stop');
      await session.until('stopped');
      await session.act('stop');
      const waiting = await session.send(ALICE, 'while stopped');
      assert.equal(waiting.status, 'queued');
      const refused = await daemon.call('POST', `${session.path}/messages?require=ready`, {
        body: { to: ALICE, text: 'now or never' },
      });
      assert.equal(refused.status, 409);
      assert.equal(refused.json.code, 'session_not_ready');
      const short = await session.send(ALICE, 'too late', { expires_at: new Date(Date.now() + 5000).toISOString() });
      await events.find((e) => e.data?.id === short.id && e.data.status === 'failed' && e.data.error.code === 'expired');
      await session.act('start');
      await session.act('start');
      await session.until('ready');
      await events.find((e) => e.data?.id === waiting.id && e.data.status === 'delivered');
      const there = await farEnd.received(ME);
      assert.equal(there.find((m) => m.id === waiting.id).count, 1);
      assert.ok(!there.some((m) => m.text === 'too late'));
    });

    test('unlinked from the phone: logged_out, with a reason; a start shows a new code', async () => {
      await farEnd.post('/unlink', { account: ME });
      const out = await session.until('logged_out');
      assert.ok(out.status_reason.length > 10);
      assert.equal(out.account, null);
      await session.act('start');
      await session.scan(ME);
      await session.until('ready');
    });

    test('what was queued for one account is not sent by another', async () => {
      await session.act('stop');
      await session.until('stopped');
      const meant = await session.send(ALICE, 'from the old number');
      await session.act('logout');
      await session.until('logged_out');
      await session.link(OTHER);
      const failed = await events.find((e) => e.data?.id === meant.id && e.data.status === 'failed', 'the refusal');
      assert.equal(failed.data.error.code, 'account_changed');
      const sent = await session.send(ALICE, 'from the new number');
      await farEnd.wait('received', { account: OTHER, count: 1 });
      assert.deepEqual((await farEnd.received(OTHER)).map((m) => m.id), [sent.id]);
      await session.act('logout');
      await session.until('logged_out');
      await session.link(ME);
    });

    for (const [what, victims] of [['browser', (leader) => [leader]], ['page', rendererOf]]) {
      test(`the ${what} dies during a logout: logged_out, and says that WhatsApp was not told`, async () => {
        const [leader] = daemon.browserPids();
        signal(rendererOf(leader), 'SIGSTOP'); // so that it cannot answer
        await session.act('logout');
        await session.act('stop'); // does not undo it
        signal(victims(leader), 'SIGKILL');
        const out = await session.until('logged_out');
        assert.match(out.status_reason, /could not be told/);
        assert.equal(out.account, null);
        await session.link(); // the old profile is not used again: there is a code
      });
    }

    test('when the daemon dies its browsers die with it', async () => {
      const pids = daemon.browserPids().flatMap(groupOf);
      assert.ok(pids.length > 1);
      await events.close();
      await daemon.kill();
      // on the process itself: its directory goes when it is reaped
      await eventually('end of the browsers', () => pids.every((pid) => !fs.existsSync(`/proc/${pid}`) || isZombie(pid)));
      await daemon.run();
      await session.until('ready');
      events = daemon.events('default', await session.lastSeq());
    });
  });
}

function isZombie(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].startsWith('Z');
  } catch {
    return true;
  }
}

describe('codes', () => {
  let farEnd, daemon, session;
  before(async () => {
    farEnd = await FarEnd.start({ knobs: { ref_ms: 700 } });
    daemon = await Daemon.start({ farEnd, settings: { 'session.qr_attempts': 3 } });
    session = daemon.session();
  });
  after(async () => {
    await daemon?.close();
    await farEnd?.close();
  });

  test('rotate, are counted, and stop after the last one with the reason', async () => {
    const events = daemon.events();
    await session.act('start');
    const stopped = await session.until('stopped');
    assert.match(stopped.status_reason, /code|QR/i);
    await events.find((e) => e.type === 'session.status' && e.data.status === 'stopped', 'the end on the stream');
    const codes = events.items.filter((e) => e.type === 'session.qr');
    assert.deepEqual(codes.map((e) => e.data.attempt), [1, 2, 3]);
    const answer = await daemon.call('GET', `${session.path}/qr`);
    assert.equal(answer.status, 409);
    assert.equal(answer.json.code, 'session_stopped');
    await events.close();
  });

  test('pairing by phone number', async () => {
    await farEnd.post('/knobs', { ref_ms: 20000 });
    await session.act('start');
    await session.until('unlinked');
    const bad = await daemon.call('POST', `${session.path}/pairing-code`, { body: { phone: '12' } });
    assert.equal(bad.status, 422);
    const { code, expires_at } = await session.act('pairing-code', { phone: `+${ME}` });
    assert.match(code, /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);
    assert.ok(Date.parse(expires_at) > Date.now());
    await farEnd.post('/pairing-code', { account: ME, code });
    const ready = await session.until('ready');
    assert.equal(ready.account.phone, ME);
  });
});
