// The test button of a webhook against receivers that misbehave: what the page says of each.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, fits, PHONE } from './browser.mjs';
import { Daemon, Receiver, removeDirectory, temporaryDirectory } from './harness.mjs';

const T = '/v1/tenants/default';
let daemon, browser, page;
before(async () => {
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false', 'relay.timeout_s': 1 } });
  browser = await Browser.start();
  page = await browser.signedIn(daemon);
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

const dialog = () => page.getByRole('dialog');
const says = (text) => dialog().getByText(text).first().waitFor();
// Presses Test on a webhook of this address and waits for the verdict.
async function tried(id, url, verdict = 'Your receiver did not take the event') {
  await daemon.ok('PUT', `${T}/webhooks/${id}`, { url, events: ['message.*'] });
  await page.evaluate((to) => (location.hash = to), `#/webhooks/${id}`);
  await page.getByRole('heading', { name: id, exact: true }).waitFor();
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await says(verdict);
}
async function close() {
  await dialog().getByRole('button', { name: 'Close' }).last().click();
  await dialog().waitFor({ state: 'detached' });
}
// Takes connections and does with each what `meet` does.
async function server(meet, make = net.createServer) {
  const s = make(meet).listen(0, '127.0.0.1');
  await once(s, 'listening');
  s.unref();
  return { port: s.address().port, close: () => s.close() };
}

describe('the test of a webhook', () => {
  test('a receiver that never answers', async () => {
    const silent = await server((socket) => socket.on('error', () => {}).resume());
    await tried('silent', `http://127.0.0.1:${silent.port}/`);
    await says('longer than the bridge waits');
    await accessible(page, 'a receiver that never answers');
    await close();
    silent.close();
  });

  test('one with a certificate that nobody knows', async () => {
    const dir = temporaryDirectory('self-signed');
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(dir, name));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    let asked = 0;
    const unknown = await server(() => asked++, (meet) => https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, meet).on('tlsClientError', () => {}));
    await tried('unknown', `https://127.0.0.1:${unknown.port}/`);
    await says('The connection could not be secured');
    assert.equal(asked, 0, 'nothing was told to it');
    await close();
    unknown.close();
    removeDirectory(dir);
  });

  test('https to one that speaks http alone', async () => {
    const receiver = await Receiver.start();
    await tried('plain', receiver.url.replace('http:', 'https:'));
    await says('Does the address need http?');
    await close();
    await receiver.close();
  });

  test('one that hangs up, and none at all', async () => {
    const rude = await server((socket) => socket.on('error', () => {}).once('data', () => socket.resetAndDestroy()));
    await tried('rude', `http://127.0.0.1:${rude.port}/`);
    await says('The connection broke before there was an answer');
    rude.close();
    await close();
    const gone = await Receiver.start();
    await gone.close();
    await tried('gone', gone.url);
    await says('Nothing listens at this address and port');
    await close();
  });

  test('one that fails, at length: what it says is shown, within the window also on a phone', async () => {
    const body = `Traceback (most recent call last):\n${'  File "/srv/erp/hooks.py", line 12, in take\n'.repeat(400)}${'x'.repeat(4000)}`;
    const receiver = await Receiver.start({ answer: () => ({ status: 500, headers: { 'Content-Type': 'text/plain', 'X-Trace': 'y'.repeat(300) }, body }) });
    await tried('failing', receiver.url);
    for (const text of ['HTTP 500', 'The receiver failed by itself', 'Traceback (most recent call last)', 'y'.repeat(300)]) await says(text);
    await accessible(page, 'a long answer');
    const wide = page.viewportSize();
    await page.setViewportSize(PHONE);
    await fits(page);
    const box = await dialog().getByRole('button', { name: 'Close' }).last().boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= PHONE.height, `its buttons are there: ${JSON.stringify(box)}`);
    await close();
    await page.setViewportSize(wide);
    await receiver.close();
  });

  test('one that takes it and talks on: its status counts, the beginning of its answer is shown', async () => {
    const receiver = await Receiver.start({ answer: () => ({ status: 200, body: `thanks ${'z'.repeat(200_000)}` }) });
    await tried('talking', receiver.url, 'It works: your receiver took the event');
    await says('thanks z');
    assert.ok((await dialog().locator('.code pre').innerText()).length < 70_000);
    await close();
    await receiver.close();
  });

  test('one that leads elsewhere is not followed', async () => {
    const elsewhere = await Receiver.start();
    const receiver = await Receiver.start({ answer: () => ({ status: 308, headers: { Location: elsewhere.url } }) });
    await tried('leading', receiver.url);
    for (const text of ['HTTP 308', 'Redirects are not followed', elsewhere.url]) await says(text);
    assert.equal(elsewhere.requests.length, 0);
    await close();
    await Promise.all([receiver.close(), elsewhere.close()]);
    assert.deepEqual(page.faults, []);
  });
});
