// Crowds: more connections than there is room for, and clients that hold on to theirs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { BUILD, DEADLINE_MS, Daemon, command, within } from './harness.mjs';

const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const PER_CONNECTION = 96 * 1024 * (/asan/.test(BUILD) ? 8 : 1); // resident bytes a connection may cost at most

const start = (settings = {}) => Daemon.start({ settings: { 'browser.executable': '/bin/false', 'log.level': 'info', ...settings } });
const memory = (daemon) => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8'))[1]) * 1024;
const descriptors = (daemon) => fs.readdirSync(`/proc/${daemon.child.pid}/fd`).length;

// Keeps what it hears; `over` resolves when the server has ended it.
async function dial(where) {
  const socket = net.connect(where);
  socket.text = '';
  socket.on('data', (data) => (socket.text += data));
  socket.on('error', () => {});
  socket.over = new Promise((resolve) => {
    socket.on('end', resolve);
    socket.on('close', resolve);
  });
  await within(once(socket, 'connect'), 'connection');
  return socket;
}

async function exchange(where, bytes = HEALTH) {
  const socket = await dial(where);
  socket.write(bytes);
  await within(socket.over, 'end of the connection');
  socket.destroy();
  return socket.text;
}

const tcp = (daemon, more = {}) => ({ host: '127.0.0.1', port: Number(new URL(daemon.base).port), ...more });
const local = (daemon) => ({ path: path.join(daemon.dataDir, 'wabridge.sock') });

// A new client gets in, if not at once: each that is turned away is told to come again.
async function served(where) {
  for (const end = Date.now() + DEADLINE_MS; Date.now() < end;) {
    const text = await exchange(where);
    if (/^HTTP\/1\.1 200/.test(text)) return;
    assert.match(text, /^(HTTP\/1\.1 503 [^]*too_many_connections[^]*)?$/);
  }
  assert.fail('no new client got in');
}

test('10,000 connections: who is silent makes room, memory stays bounded, the Unix socket is apart', async () => {
  const hard = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1e6);
  const count = Math.min(10_000, hard - 1000);
  const daemon = await start();
  const crowd = [];
  try {
    await served(tcp(daemon));
    const before = { memory: memory(daemon), descriptors: descriptors(daemon) };
    while (crowd.length < count) {
      crowd.push(...await Promise.all(Array.from({ length: 250 }, () => dial(tcp(daemon)))));
    }
    const bound = before.memory + 1024 * PER_CONNECTION + 16 * 2 ** 20;
    assert.ok(descriptors(daemon) <= before.descriptors + 1024 + 256, `${descriptors(daemon)} descriptors`);
    assert.ok(memory(daemon) < bound, `${memory(daemon)} of ${bound} bytes`);
    assert.match(await exchange(local(daemon)), /^HTTP\/1\.1 200/);
    await served(tcp(daemon));

    // every one of them begins a request that it does not end
    const head = `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(16_000)}`;
    for (const socket of crowd) socket.write(head);
    assert.match(await exchange(local(daemon)), /^HTTP\/1\.1 200/);
    const status = await command(daemon, 'status');
    assert.equal(status.code, 0, status.err);
    assert.ok(memory(daemon) < bound, `${memory(daemon)} of ${bound} bytes`);
    assert.ok(descriptors(daemon) <= before.descriptors + 1024 + 256);

    for (const socket of crowd) socket.destroy();
    await served(tcp(daemon));
    for (const end = Date.now() + DEADLINE_MS; descriptors(daemon) > before.descriptors + 8 && Date.now() < end;) {
      await served(local(daemon));
    }
    assert.ok(descriptors(daemon) <= before.descriptors + 8, `${descriptors(daemon)} descriptors are left`);
    assert.ok(memory(daemon) < bound);
  } finally {
    for (const socket of crowd) socket.destroy();
    await daemon.close();
  }
});

test('an address has its share, and a house that is full says so', async () => {
  const daemon = await start({ 'server.listen': '0.0.0.0:0', 'server.max_connections': 16, 'server.max_per_address': 10 });
  daemon.base = daemon.base.replace('0.0.0.0', '127.0.0.1');
  const from = (n) => tcp(daemon, { localAddress: `127.0.0.${n}` });
  const open = [];
  // a stream is a request under way: nothing takes its place
  const stream = async (where) => {
    const socket = await dial(where);
    open.push(socket);
    socket.write(`GET /v1/tenants/default/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${daemon.key}\r\nAccept: text/event-stream\r\n\r\n`);
    const refused = socket.over.then(() => assert.fail(`no stream: ${socket.text}`));
    while (!/retry: \d+\n\n/.test(socket.text)) await within(Promise.race([once(socket, 'data'), refused]), 'a stream');
    refused.catch(() => {});
  };
  try {
    for (let i = 0; i < 10; i++) await stream(from(1));
    const told = await exchange(from(1));
    assert.match(told, /^HTTP\/1\.1 503 Service Unavailable\r\nContent-Type: application\/problem\+json/);
    assert.match(told, /\r\nRetry-After: \d+\r\n/);
    const problem = JSON.parse(told.slice(told.indexOf('\r\n\r\n') + 4));
    assert.equal(problem.code, 'too_many_connections');
    assert.match(problem.detail, /your address has 10 connections open/);
    assert.match(await exchange(from(2)), /^HTTP\/1\.1 200/);

    for (let i = 0; i < 6; i++) await stream(from(2));
    const full = await exchange(from(3));
    assert.match(full, /^HTTP\/1\.1 503 [^]*16 connections are open, the most there can be/);
    assert.match(await exchange(local(daemon)), /^HTTP\/1\.1 200/);
    await daemon.waitLog((l) => l.event === 'api.full', 'line that says so');

    open.pop().destroy();
    await served(from(3));
  } finally {
    for (const socket of open) socket.destroy();
    await daemon.close();
  }
});
