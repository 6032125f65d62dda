// The receivers of docs/examples/webhook, run as they are against what the daemon posts and signs.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Daemon, freePort, Receiver } from './harness.mjs';

const EXAMPLES = path.join(import.meta.dirname, '../../docs/examples/webhook');
const T = '/v1/tenants/default';
const SECRET = 'whsec_' + Buffer.from('a secret of twenty-four!').toString('base64');
const there = (program) => spawnSync(program, ['--version']).status === 0;

let daemon, directory, awake;
before(async () => {
  awake = setInterval(() => {}, 60_000);   // what the harness opens does not keep Node running

  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wabridge-examples-'));
});
after(async () => {
  clearInterval(awake);
  await daemon?.close();
  if (directory) fs.rmSync(directory, { recursive: true });
});

// What the daemon really posts: headers and bytes of a webhook.test.
async function posted() {
  const receiver = await Receiver.start();
  await daemon.ok('PUT', `${T}/webhooks/sample`, { url: receiver.url, events: ['call.received'], secret: SECRET });
  const result = await daemon.ok('POST', `${T}/webhooks/sample/test`);
  assert.equal(result.ok, true);
  await receiver.close();
  const { headers, text } = receiver.requests[0];
  return { headers: Object.fromEntries(['webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-hub-signature-256'].map((h) => [h, headers[h]])), text };
}
// The same as it would have been an hour ago, well signed.
function old({ headers, text }) {
  const stamp = String(Number(headers['webhook-timestamp']) - 3600);
  const mac = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64')).update(`${headers['webhook-id']}.${stamp}.${text}`).digest('base64');
  return { headers: { ...headers, 'webhook-timestamp': stamp, 'webhook-signature': `v1,${mac}` }, text };
}
const without = ({ headers, text }, ...names) => ({ headers: Object.fromEntries(Object.entries(headers).filter(([h]) => !names.includes(h))), text });

// Each case with what a receiver answers that checks the one signature or the other.
function cases(sample) {
  const changed = { ...sample, text: sample.text.replace('webhook.test', 'webhook.tesT') };
  const two = { ...sample, headers: { ...sample.headers, 'webhook-signature': `v1,AAAA ${sample.headers['webhook-signature']}` } };
  return [
    ['as it is', sample, 204, 204], ['changed on its way', changed, 401, 401], ['an hour old', old(sample), 401, 204],
    ['two signatures', two, 204, 204], ['no signature', without(sample, 'webhook-signature', 'x-hub-signature-256'), 401, 401],
    ['no time', without(sample, 'webhook-timestamp'), 401, 204], ['only the other signature', without(sample, 'webhook-signature'), 401, 204],
  ];
}

async function server(command, args, env, port) {
  const child = spawn(command, args, { cwd: directory, env: { PATH: process.env.PATH, HOME: directory, WEBHOOK_SECRET: SECRET, PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const found = new Promise((resolve, reject) => {
    const look = (data) => {
      said += data;
      const match = /listening on (\d+)/.exec(said);
      if (match) resolve(Number(match[1]));
      else if (port && /Development Server .* started/.test(said)) resolve(port);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('exit', (code) => reject(new Error(`${command} ended with ${code}: ${said}`)));
  });
  return {
    port: await found, said: () => said,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
async function send(port, { headers, text }) {
  const request = http.request({ host: '127.0.0.1', port, path: '/hooks/whatsapp', method: 'POST', agent: false, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers } });
  request.end(text);
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

// The daemon posts to it and is content; then what a forger would send.
async function serves(start) {
  for (const check of ['standard', 'hub']) {
    const receiver = await start({ WEBHOOK_CHECK: check });
    try {
      await daemon.ok('PUT', `${T}/webhooks/example`, { url: `http://127.0.0.1:${receiver.port}/hooks/whatsapp`, events: ['call.received'], secret: SECRET });
      const result = await daemon.ok('POST', `${T}/webhooks/example/test`);
      assert.equal(result.status, 204, `${check}: ${JSON.stringify(result)}\n${receiver.said()}`);
      for (const [what, request, standard, hub] of cases(await posted())) {
        assert.equal(await send(receiver.port, request), check === 'hub' ? hub : standard, `${check}, ${what}\n${receiver.said()}`);
      }
    } finally {
      await receiver.stop();
    }
  }
}

describe('receivers of the documentation', () => {
  test('Python', () => serves((env) => server('python3', ['-u', path.join(EXAMPLES, 'receiver.py')], env)));
  test('Node', () => serves((env) => server(process.execPath, [path.join(EXAMPLES, 'receiver.mjs')], env)));
  test('PHP', { skip: !there('php') && 'php is not installed' }, () => serves(async (env) => {
    const port = await freePort();
    return server('php', ['-S', `127.0.0.1:${port}`, path.join(EXAMPLES, 'receiver.php')], env, port);
  }));
  test('C, as a CGI program', async () => {
    const program = path.join(directory, 'receiver.cgi');
    execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, path.join(EXAMPLES, 'receiver.c'), '-lcrypto']);
    const run = ({ headers, text }, check) => {
      const env = { WEBHOOK_SECRET: SECRET, WEBHOOK_CHECK: check };
      for (const [name, value] of Object.entries(headers)) env[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = value;
      return Number(/^Status: (\d+)/.exec(execFileSync(program, { env, input: text }).toString())[1]);
    };
    for (const [what, request, standard, hub] of cases(await posted())) {
      assert.equal(run(request, 'standard'), standard, what);
      assert.equal(run(request, 'hub'), hub, `hub, ${what}`);
    }
    assert.equal(run(await posted(), ''), 204);
  });
  test('C: secrets of every length, with base64 padding and without', async () => {
    const program = path.join(directory, 'receiver.cgi');
    for (const bytes of [24, 25, 26, 64]) {
      const secret = 'whsec_' + Buffer.alloc(bytes, 'x').toString('base64');
      const receiver = await Receiver.start();
      await daemon.ok('PUT', `${T}/webhooks/long`, { url: receiver.url, events: ['call.received'], secret });
      await daemon.ok('POST', `${T}/webhooks/long/test`);
      await receiver.close();
      const { headers, text } = receiver.requests[0];
      const env = { WEBHOOK_SECRET: secret };
      for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) env[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = headers[name];
      assert.match(execFileSync(program, { env, input: text }).toString(), /^Status: 204/, `${bytes} bytes`);
    }
  });
});
