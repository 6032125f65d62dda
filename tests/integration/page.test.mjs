// WhatsApp changes: keys are renamed, modules come late or not at all, the policy is strict, the
// account is not migrated to LID. The bridge goes on, or says exactly what is missing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { ALICE, Daemon, FarEnd, ME, OTHER, removeDirectory, temporaryDirectory, within } from './harness.mjs';

async function roundTrip({ knobs, account = ME, ...options }) {
  const farEnd = await FarEnd.start({ knobs });
  const daemon = await Daemon.start({ farEnd, ...options });
  const events = daemon.events();
  try {
    const session = daemon.session();
    const linked = await session.link(account);
    const { id } = await farEnd.post('/send', { from: ALICE, to: account, text: 'in' });
    const received = await events.find((e) => e.type === 'message.received' && e.data.id === id);
    const sent = await session.send(ALICE, 'out');
    await events.find((e) => e.data?.id === sent.id && e.data.status === 'delivered');
    assert.equal((await farEnd.received(account)).find((m) => m.id === sent.id).count, 1);
    return { linked, received, session, events, daemon, farEnd };
  } finally {
    await events.close();
    await daemon.close();
    await farEnd.close();
  }
}

describe('the page changes', () => {
  test('renamed message keys ($1)', async () => {
    await roundTrip({ knobs: { dollar_keys: true } });
  });
  test('a strict Content-Security-Policy', async () => {
    await roundTrip({ knobs: { csp: true } });
  });
  test('modules that arrive after wa-js gave up waiting: our own hooks hear', async () => {
    await roundTrip({ knobs: { batches: 4, batch_ms: 100, late_gap_ms: 1500 } });
  });
  test('an account that is not migrated to LID', async () => {
    const { received } = await roundTrip({ account: OTHER });
    assert.equal(received.data.chat.phone, ALICE);
  });
  test('Chromium itself instead of the headless shell', async () => {
    await roundTrip({ browser: '/usr/lib/chromium/chromium' });
  });
  test('a missing page function disables what needs it, by name', async () => {
    const { linked } = await roundTrip({ knobs: { missing_modules: ['WAWebAltDeviceLinkingApi'] } });
    const text = JSON.stringify(linked.capabilities);
    assert.match(text, /pairing/);
    const pairing = Object.entries(linked.capabilities).find(([name]) => /pairing/.test(name))[1];
    assert.equal(pairing.ok, false);
    assert.ok(pairing.missing.length > 0);
    assert.equal(linked.capabilities.send_text.ok, true);
  });
});

describe('names that a message brings along', () => {
  const part = (name) => readFileSync(new URL(`../../bridge/page/adapter_${name}.js`, import.meta.url), 'utf8');
  const project = runInNewContext(`${part('project')}\n${part('content')}\nproject`, { WPP: {} });
  const id = { id: '3EB0AA', remote: '120363000000000001@g.us', participant: '1@c.us', fromMe: false };
  for (const name of ['constructor', '__proto__', 'toString', 'valueOf']) {
    test(`${name} is no type and no notice of ours`, () => {
      const odd = JSON.parse(JSON.stringify(project({ id, type: name, body: 'x', t: 1 })));
      assert.deepEqual([odd.type, odd.text, odd.file], ['unknown', 'x', null]);
      const notice = JSON.parse(JSON.stringify(project({ id, type: 'gp2', subtype: name, body: 'x', t: 1 })));
      assert.equal(notice.content.system.kind, name.toLowerCase());
    });
  }
});

describe('a browser that runs elsewhere', () => {
  test('is attached to, and outlives the daemon', async () => {
    const farEnd = await FarEnd.start();
    const profile = temporaryDirectory('elsewhere');
    const args = ['--remote-debugging-port=0', `--user-data-dir=${profile}`, '--no-sandbox', ...farEnd.chromiumArgs];
    const browser = spawn('/usr/lib/chromium/chromium-headless-shell', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(browser, 'exit');
    const address = new Promise((resolve) => {
      createInterface({ input: browser.stderr }).on('line', (line) => {
        const found = /DevTools listening on (ws:\S+)/.exec(line);
        if (found) resolve(found[1]);
      });
    });
    let daemon;
    try {
      const settings = { 'browser.attach': await within(address, 'the browser') };
      daemon = await Daemon.start({ farEnd, settings });
      const session = daemon.session();
      await session.link(ME);
      const answer = await daemon.call('POST', `${session.path}/messages?wait=server&timeout_s=60`, {
        body: { to: ALICE, text: 'from elsewhere' },
      });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(daemon.browserPids(), [], 'none was launched');
      await daemon.close();
      daemon = null;
      assert.equal(browser.exitCode, null, 'it still runs');
    } finally {
      await daemon?.close();
      browser.kill('SIGKILL');
      await within(ended, 'end of the browser');
      removeDirectory(profile);
      await farEnd.close();
    }
  });
});
