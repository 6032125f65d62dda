// What every integration test needs: a far end, a daemon on a directory of its own, a webhook
// receiver. All real; everything that a test waits for is an event with a deadline.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startSimulator } from '../simulator/simulator.mjs';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const BUILD = path.join(ROOT, process.env.WABRIDGE_TEST_BUILD ?? 'build');
export const PROGRAM = path.join(BUILD, 'wabridge');
export const DEADLINE_MS = 120_000;

export const ME = '5511988887777';
export const OTHER = '5511977776666';
export const ALICE = '5511900000001';
export const BOB = '5511900000002';
export const TEAM = '120363000000000001@g.us';

// A browser user needs to walk in, so the directory is not under a private home.
export function temporaryDirectory(name) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `wabridge-${name}-`));
  fs.chmodSync(dir, 0o711);
  return dir;
}

// A browser's last processes may still write while its directory goes: rmSync tries again by itself,
// but not for every directory below.
export function removeDirectory(dir) {
  for (let attempt = 1; ; attempt++) {
    try {
      return fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' || attempt === 20) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

// A test that failed in its cleaning up leaves servers behind; they must not hold the run for ever.
if (process.env.NODE_TEST_CONTEXT) after(() => setTimeout(() => process.exit(), 10_000).unref());

export function deferred() {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

// Rejects with what was waited for when the deadline passes.
export function within(promise, what, ms = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, no) => {
    timer = setTimeout(() => no(new Error(`no ${what} within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// For what no event tells: looks again every few milliseconds until there is something, and says what
// was waited for when the deadline passes.
export async function eventually(what, look, ms = DEADLINE_MS) {
  for (const end = Date.now() + ms; ;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`no ${what} within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function request(base, method, where, { body, headers = {}, raw = false } = {}) {
  const response = await fetch(base + where, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(3 * DEADLINE_MS),   // longer than the longest wait of the API
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  const json = /json/.test(type) && bytes.length > 0 && !raw ? JSON.parse(bytes) : undefined;
  return { status: response.status, headers: response.headers, type, bytes, text: bytes.toString(), json };
}

// The phone side and the state of the simulated WhatsApp.
export class FarEnd {
  static async start(options = {}) {
    const far = new FarEnd();
    far.simulator = await startSimulator({ stateDir: certificateDirectory(), ...options });
    far.base = `http://127.0.0.1:${far.simulator.phonePort ?? far.simulator.phone_port}`;
    far.chromiumArgs = far.simulator.chromiumArgs ?? far.simulator.chromium_args;
    return far;
  }
  async call(method, where, body) {
    const answer = await request(this.base, method, where, { body });
    if (answer.status !== 200) {
      const error = new Error(`far end ${where}: ${answer.status} ${answer.text}`);
      error.status = answer.status;
      throw error;
    }
    return answer.json;
  }
  post(where, body = {}) {
    return this.call('POST', where, body);
  }
  get(where) {
    return this.call('GET', where);
  }
  wait(what, options = {}) {
    const query = new URLSearchParams({ for: what, timeout_ms: DEADLINE_MS, ...options });
    return this.get(`/wait?${query}`);
  }
  async received(account) {
    return (await this.get(`/received?account=${account}`)).items;
  }
  async close() {
    await this.simulator.close();
  }
}

// One certificate for the whole run: making it takes a moment.
let certificates;
function certificateDirectory() {
  certificates ??= temporaryDirectory('certificate');
  return certificates;
}

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  if (certificates) removeDirectory(certificates);
});

// A port that stays free until somebody listens there: below those that the system gives to connections.
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = http.createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(() => true, () => false);
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

export class Daemon {
  // settings: {'outbox.per_minute': 0, …}; dataDir: kept by the caller, else made and removed.
  static async start({ farEnd, dataDir, settings = {}, transport, browser, args = [], env = {} } = {}) {
    const d = new Daemon();
    d.ownsDirectory = dataDir === undefined;
    d.dataDir = dataDir ?? temporaryDirectory('data');
    d.farEnd = farEnd;
    const root = process.getuid() === 0;
    d.settings = {
      'server.listen': '127.0.0.1:0',
      'log.format': 'json',
      'log.level': 'debug',
      'browser.transport': transport ?? process.env.WABRIDGE_TEST_TRANSPORT ?? 'pipe',
      'browser.args': farEnd?.chromiumArgs.join(' '),
      'browser.executable': browser ?? process.env.WABRIDGE_TEST_BROWSER,
      'browser.user': root ? 'wabridge' : undefined,
      'session.start_stagger_ms': 0,
      'session.watchdog_ms': 1000,
      'session.backoff_min_ms': 100,
      'session.backoff_max_ms': 1000,
      'outbox.per_minute': 0,
      'limits.rates': 'off',
      'limits.login_failures': 0,
      'relay.allow_private': 'yes',
      ...settings,
    };
    if (['warn', 'error'].includes(d.settings['log.level'])) d.settings['server.listen'] = `127.0.0.1:${await freePort()}`;
    d.args = args;
    d.env = env;
    await d.run();
    return d;
  }

  environment() {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...this.env };
    for (const key of ['ASAN_OPTIONS', 'UBSAN_OPTIONS']) {
      if (process.env[key]) env[key] = process.env[key];
    }
    for (const [key, value] of Object.entries(this.settings)) {
      if (value !== undefined) env[`WABRIDGE_${key.replace('.', '_').toUpperCase()}`] = String(value);
    }
    return env;
  }

  async run() {
    this.log = [];
    this.logListeners = new Set();
    this.output = '';
    this.child = spawn(PROGRAM, ['serve', '--data-dir', this.dataDir, ...this.args], {
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(this.child);
    for (const handle of [this.child, this.child.stdout, this.child.stderr]) handle.unref();
    this.exited = once(this.child, 'exit').then(([code, signal]) => {
      children.delete(this.child);
      return { code, signal };
    });
    this.child.stdout.on('data', (data) => (this.output += data));
    const lines = createInterface({ input: this.child.stderr }).on('line', (line) => this.onLine(line));
    this.told = once(lines, 'close');
    const quiet = ['warn', 'error'].includes(this.settings['log.level']);
    const ready = quiet ? this.answering() : this.logged((l) => l.event === 'daemon.ready');
    const early = this.exited.then(async ({ code, signal }) => {
      await this.lastWords();
      throw new Error(`daemon ended (${code ?? signal}) before it was ready:\n${this.tail()}`);
    });
    early.catch(() => {});
    const line = await within(Promise.race([ready, early]), 'daemon.ready');
    this.base = /https?:\/\/[^,\s]+/.exec(line.msg)[0];
    this.key = fs.readFileSync(path.join(this.dataDir, 'admin.key'), 'utf8').trim();
  }

  // A daemon that logs too little to say so is asked at the port it was given.
  async answering() {
    const base = `http://${this.settings['server.listen']}`;
    let over = false;
    this.exited.then(() => (over = true));
    await eventually(`answer at ${base}`, () => over || fetch(`${base}/health`).then((r) => r.ok, () => false));
    return over ? new Promise(() => {}) : { msg: base };
  }

  // Its end is told by the system, what it said last by a pipe: until that was read too. A browser that
  // outlives it may hold the pipe.
  async lastWords() {
    await within(this.told, 'end of the log', 5000).catch(() => {});
  }

  onLine(line) {
    let entry;
    try {
      entry = JSON.parse(line);
    } catch {
      entry = { raw: line };
    }
    this.log.push(entry);
    for (const listener of this.logListeners) listener(entry);
  }
  waitLog(predicate, what = 'line in the log') {
    return within(this.logged(predicate), what);
  }
  logged(predicate) {
    const found = this.log.find(predicate);
    if (found) return Promise.resolve(found);
    const { promise, resolve } = deferred();
    const listener = (entry) => {
      if (predicate(entry)) {
        this.logListeners.delete(listener);
        resolve(entry);
      }
    };
    this.logListeners.add(listener);
    return promise;
  }
  // Until what the daemon printed for people matches.
  waitOutput(pattern) {
    const { promise, resolve } = deferred();
    const look = () => pattern.test(this.output) && resolve();
    this.child.stdout.on('data', look);
    look();
    return within(promise, `${pattern} printed`).finally(() => this.child.stdout.off('data', look));
  }
  tail(n = 40) {
    return this.log.slice(-n).map((l) => l.raw ?? JSON.stringify(l)).join('\n');
  }

  call(method, where, options = {}) {
    const key = options.key ?? this.key;
    return request(this.base, method, where, {
      ...options,
      headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...options.headers },
    });
  }
  // 2xx or an error that shows the answer.
  async ok(method, where, body, options = {}) {
    const answer = await this.call(method, where, { body, ...options });
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${method} ${where}: ${answer.status} ${answer.text}\n${this.tail(15)}`);
    }
    return answer.json;
  }

  session(tenant = 'default', session = 'main') {
    return new Session(this, tenant, session);
  }

  // The tenant's event stream from `after` on; stops by itself when the daemon goes.
  events(tenant = 'default', after = 0) {
    return new EventStream(this, tenant, after);
  }

  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return within(this.exited, 'end of the daemon');
  }
  async kill() {
    this.child.kill('SIGKILL');
    return within(this.exited, 'end of the daemon');
  }
  // Stops it and says whether that was in order; removes its directory.
  async close() {
    const { code, signal } = await this.stop();
    if (this.ownsDirectory) removeDirectory(this.dataDir);
    if (code !== 0 && signal !== 'SIGKILL') {
      await this.lastWords();
      throw new Error(`daemon ended with ${code ?? signal}:\n${this.tail(80)}`);
    }
  }
  // Process ids of the browsers' leaders: our children.
  browserPids() {
    const list = fs.readFileSync(`/proc/${this.child.pid}/task/${this.child.pid}/children`, 'utf8');
    return list.trim().split(/\s+/).filter(Boolean).map(Number);
  }
}

// On node:http: an aborted fetch() may leave its body open for ever, on some versions of Node
// always, on others now and then; a destroyed request ends.
export class EventStream {
  constructor(daemon, tenant, after) {
    this.items = [];
    this.waiters = new Set();
    this.request = http.get(`${daemon.base}/v1/tenants/${tenant}/events?after=${after}`, {
      agent: false,
      headers: { authorization: `Bearer ${daemon.key}`, accept: 'text/event-stream' },
    });
    this.done = new Promise((resolve) => this.request.on('close', resolve));
    this.request.on('error', (error) => (this.error ??= error));
    this.request.on('response', (response) => this.read(response));
  }
  read(response) {
    if (response.statusCode !== 200) {
      this.error = new Error(`event stream: ${response.statusCode}`);
      this.request.destroy();
      return;
    }
    let text = '';
    response.setEncoding('utf8');
    response.on('error', () => {});   // the daemon went, or we did
    response.on('data', (chunk) => {
      text += chunk;
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const data = /^data: ?(.*)$/m.exec(text.slice(0, end));
        if (data) this.push(JSON.parse(data[1]));
      }
    });
  }
  push(item) {
    this.items.push(item);
    for (const waiter of this.waiters) waiter();
  }
  // The first event (also an earlier one) for which the predicate holds.
  find(predicate, what = 'event', ms = DEADLINE_MS) {
    const { promise, resolve } = deferred();
    const look = () => {
      const found = this.items.find(predicate);
      if (found) resolve(found);
    };
    this.waiters.add(look);
    look();
    return within(promise, what, ms)
      .catch((error) => {
        error.message += `; events so far: ${this.items.map((e) => `${e.type}:${e.data?.status ?? ''}`).join(' ')}`;
        if (this.error) error.message += `; the stream: ${this.error.message}`;
        throw error;
      })
      .finally(() => this.waiters.delete(look));
  }
  close() {
    this.request.destroy();
    return within(this.done, 'end of an event stream');
  }
}

export class Session {
  constructor(daemon, tenant, name) {
    Object.assign(this, { daemon, tenant, name, path: `/v1/tenants/${tenant}/sessions/${name}` });
  }
  get() {
    return this.daemon.ok('GET', this.path);
  }
  act(verb, body) {
    return this.daemon.ok('POST', `${this.path}/${verb}`, body);
  }
  // Resolves with the session object once its status is one of these.
  async until(...statuses) {
    const stream = this.daemon.events(this.tenant, await this.lastSeq());
    try {
      // the event is of a moment; it counts when the session is still so
      for (let seen = 0; ;) {
        const now = await this.get();
        if (statuses.includes(now.status)) return now;
        ({ seq: seen } = await stream.find(
          (e) => e.seq > seen && e.type === 'session.status' && e.session === this.name && statuses.includes(e.data.status),
          `${this.tenant}/${this.name} in ${statuses.join('|')} (now ${now.status}: ${now.status_reason})`,
        ));
      }
    } catch (error) {
      error.message += `\n${this.daemon.tail(60)}`;
      throw error;
    } finally {
      await stream.close();
    }
  }
  async lastSeq() {
    let after = 0;
    for (;;) {
      const page = await this.daemon.ok('GET', `/v1/tenants/${this.tenant}/events?after=${after}&limit=500`);
      if (page.items.length === 0) return after;
      after = page.items.at(-1).seq;
    }
  }
  async qr(wait = 20) {
    let answer;
    const end = Date.now() + DEADLINE_MS;
    do {
      answer = await this.daemon.call('GET', `${this.path}/qr?wait=${wait}`, { headers: { accept: 'application/json' } });
    } while (answer.json?.code === 'qr_not_ready' && Date.now() < end);
    if (answer.status !== 200) throw new Error(`qr: ${answer.status} ${answer.text}\n${this.daemon.tail(30)}`);
    return answer.json;
  }
  // The far end refuses a code that has just rotated away, as a phone does: then the next one is scanned.
  async scan(account = ME) {
    await eventually('code that is still good', async () => {
      const { code } = await this.qr(30);
      return this.daemon.farEnd.post('/scan', { account, qr: code }).then(() => true, (error) => {
        if (error.status !== 422 || !/expired|unknown/.test(error.message)) throw error;
      });
    });
  }
  // From any state to ready, by scanning with this account's phone.
  async link(account = ME) {
    await this.act('start');
    await this.scan(account);
    return this.until('ready');
  }
  send(to, text, options = {}) {
    const { query = '', headers, ...body } = options;
    return this.daemon.ok('POST', `${this.path}/messages${query}`, { to, text, ...body }, { headers });
  }
  message(id) {
    return this.daemon.ok('GET', `${this.path}/messages/${id}`);
  }
}

// A webhook receiver that keeps every request. `answer(request, n)` chooses the status.
export class Receiver {
  static async start({ answer = () => 200, port = 0 } = {}) {
    const r = new Receiver();
    r.requests = [];
    r.waiters = new Set();
    r.answer = answer;
    r.server = http.createServer((req, res) => {
      const parts = [];
      req.on('data', (part) => parts.push(part));
      req.on('end', async () => {
        const text = Buffer.concat(parts).toString();
        const entry = { method: req.method, path: req.url, headers: req.headers, text, at: Date.now() };
        try {
          entry.event = JSON.parse(text);
        } catch {
          // kept as text
        }
        r.requests.push(entry);
        const result = await r.answer(entry, r.requests.length);
        const { status = 200, headers = {}, body = '' } = typeof result === 'number' ? { status: result } : result;
        entry.status = status;
        res.writeHead(status, headers);
        res.end(body);
        for (const waiter of r.waiters) waiter();
      });
    });
    r.server.listen(port, '127.0.0.1');
    await once(r.server, 'listening');
    r.server.unref(); // a failed test leaves it open, and must still end
    r.port = r.server.address().port;
    r.url = `http://127.0.0.1:${r.port}/hook`;
    return r;
  }
  events(type) {
    return this.requests.map((q) => q.event).filter((e) => e && (!type || e.type === type));
  }
  wait(predicate, what = 'webhook', ms = DEADLINE_MS) {
    const { promise, resolve } = deferred();
    const look = () => {
      const found = predicate(this);
      if (found) resolve(found);
    };
    this.waiters.add(look);
    look();
    return within(promise, what, ms).finally(() => this.waiters.delete(look));
  }
  waitFor(predicate, what) {
    return this.wait((r) => r.requests.find((q) => q.event && predicate(q.event, q)), what);
  }
  async close() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

// A command of the program, to its end. Not spawnSync: the far end lives in this process.
export function command(daemon, ...words) {
  const child = spawn(PROGRAM, [...words, '--data-dir', daemon.dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '', ...daemon.env },
  });
  let out = '', err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const ended = once(child, 'close').then(([code]) => ({ code, out, err }));
  return within(ended, `end of ${words[0]}`);
}

export const TRANSPORTS = ['pipe', 'websocket'];
