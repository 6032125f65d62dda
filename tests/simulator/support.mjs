// What the conformance tests share: a simulator with its phones, browsers, and the two clients as
// sessions whose events can be awaited.

import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startSimulator } from './simulator.mjs';

// A test that failed in its cleaning up leaves servers behind; they must not hold the run for ever.
if (process.env.NODE_TEST_CONTEXT) after(() => setTimeout(() => process.exit(), 10_000).unref());

const require = createRequire(import.meta.url);
const puppeteer = require('puppeteer');
const WA_JS = readFileSync(require.resolve('@wppconnect/wa-js'), 'utf8');
export const PAGE_URL = 'https://web.whatsapp.com/';
const TIMEOUT_MS = 60_000;   // of whatever is waited for: more than the most laden machine needs

export const ME = '5511988887777';
export const OTHER = '5511977776666';
export const ALICE = '5511900000001';
export const BOB = '5511900000002';
export const CAROL = '5511900000003';
export const TEAM = '120363000000000001@g.us';
export const LID = {
  [ME]: '99000000000001@lid',
  [OTHER]: '99000000000002@lid',
  [ALICE]: '10000000000001@lid',
  [BOB]: '10000000000002@lid',
  [CAROL]: '10000000000003@lid',
};

// A 4 by 4 red PNG.
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR4nGP4z8AARwzEcQCukw/x0F8jngAAAABJRU5ErkJggg==';

// Files that say what they are in their headers and hold nothing: an MP4 of 5 s and 320 by 240, and a
// WAV of 2 s of silence.
const box = (name, ...parts) => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(name, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const words = (...values) => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
};
export const MP4 = Buffer.concat([
  box('ftyp', Buffer.from('isom'), words(0x200), Buffer.from('isommp41')),
  box(
    'moov',
    box('mvhd', words(0, 0, 0, 1000, 5000, 0x10000, 0x1000000, 0, 0), words(...Array(16).fill(0))),
    box('trak', box('stbl', box('avc1', words(0, 1, 0, 0, 0, 0, (320 << 16) | 240)))),
  ),
]);
const RATE = 8000;
const wavHead = Buffer.alloc(44);
wavHead.write('RIFF', 0);
wavHead.writeUInt32LE(36 + 2 * RATE, 4);
wavHead.write('WAVEfmt ', 8);
wavHead.writeUInt32LE(16, 16);
wavHead.writeUInt16LE(1, 20);
wavHead.writeUInt16LE(1, 22);
wavHead.writeUInt32LE(RATE, 24);
wavHead.writeUInt32LE(RATE, 28);
wavHead.writeUInt16LE(1, 32);
wavHead.writeUInt16LE(8, 34);
wavHead.write('data', 36);
wavHead.writeUInt32LE(2 * RATE, 40);
export const WAV = Buffer.concat([wavHead, Buffer.alloc(2 * RATE, 128)]);

const CHROMIUM = [process.env.WABRIDGE_CHROMIUM, '/usr/lib/chromium/chromium', '/usr/bin/chromium'].find(
  (file) => file && existsSync(file),
);

// ---- the far end ----

export async function startFarEnd(options = {}) {
  const simulator = await startSimulator(options);
  return { ...simulator, phone: phoneClient(simulator.phone_port) };
}

// phone.post('/send', {...}), phone.get('/state'); an answer that is not 200 throws, with .status.
export function phoneClient(port) {
  const call = async (route, init) => {
    const response = await fetch(`http://127.0.0.1:${port}${route}`, init);
    const answer = await response.json();
    if (response.ok) return answer;
    throw Object.assign(new Error(`${route}: ${answer.error}`), { status: response.status, answer });
  };
  const get = (route) => call(route);
  return {
    get,
    post: (route, body) => call(route, { method: 'POST', body: JSON.stringify(body) }),
    wait: (condition, params = {}) =>
      get(`/wait?${new URLSearchParams({ for: condition, timeout_ms: TIMEOUT_MS, ...params })}`),
  };
}

// ---- browsers ----

export const temporaryDir = () => mkdtemp(path.join(tmpdir(), 'wa-profile-'));
export const removeDir = (dir) => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

export function browserOptions(simulator, userDataDir) {
  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  return {
    executablePath: CHROMIUM,
    headless: true,
    timeout: TIMEOUT_MS,
    pipe: true,
    userDataDir,
    args: [...sandbox, '--disable-gpu', '--disable-dev-shm-usage', ...simulator.chromium_args],
  };
}

export const launch = (simulator, userDataDir) => puppeteer.launch(browserOptions(simulator, userDataDir));

// Makes whole again what a killed browser leaves: these tests are about clients, and Chromium would
// begin with an empty database.
const MEND = fileURLToPath(new URL(`../../${process.env.WABRIDGE_TEST_BUILD ?? 'build'}/tests/mend_profile`, import.meta.url));

// As a crash or a power cut would: no time to write anything.
export async function killBrowser(browser) {
  const gone = new Promise((resolve) => browser.process().once('exit', resolve));
  browser.process().kill('SIGKILL');
  await gone;
  const profile = browser.process().spawnargs.find((arg) => arg.startsWith('--user-data-dir='));
  await promisify(execFile)(MEND, [profile.slice(profile.indexOf('=') + 1)]);
}

// ---- events that can be awaited ----

export class EventLog extends EventEmitter {
  seen = [];

  record(name, value) {
    this.seen.push({ name, value });
    this.emit('recorded');
  }

  of(name) {
    return this.seen.filter((event) => event.name === name).map((event) => event.value);
  }

  // The first event of that name that passes, from the past or the future.
  async next(name, passes = () => true) {
    const found = () => this.of(name).find(passes);
    if (found() === undefined) await this.#until(() => found() !== undefined, name);
    return found();
  }

  #until(done, name) {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!done()) return;
        this.off('recorded', check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.off('recorded', check);
        const names = this.seen.map((event) => JSON.stringify(event)).join('\n  ');
        reject(new Error(`no such event "${name}"; seen:\n  ${names}`));
      }, TIMEOUT_MS);
      this.on('recorded', check);
    });
  }
}

// ---- wa-js ----

// Runs in the page after the library: turns its events into plain data and hands them to Node.
function forwardEvents() {
  const text = (value) => (value === undefined || value === null ? null : String(value));
  const plainMessage = (m) => ({
    id: text(m.id), stanza: m.id.id, fromMe: m.id.fromMe, chat: text(m.id.remote), author: text(m.author),
    from: text(m.from), to: text(m.to), type: m.type, body: m.body ?? null, caption: m.caption ?? null,
    quoted: m.quotedStanzaID ?? null, notifyName: m.notifyName ?? null, ack: m.ack, mimetype: m.mimetype ?? null,
    loc: m.loc ?? null, pollName: m.pollName ?? null, mentions: (m.mentionedJidList ?? []).map(String), subtype: m.subtype ?? null, recipients: m.recipients?.map(text) ?? null,
  });
  const projections = {
    'chat.new_message': plainMessage,
    'chat.msg_ack_change': (e) => ({ ack: e.ack, chat: text(e.chat), ids: e.ids.map((id) => id.id) }),
    'chat.msg_revoke': (e) => ({ ref: e.refId.id, from: text(e.from), to: text(e.to), type: e.type }),
    'chat.msg_edited': (e) => ({ id: text(e.id), stanza: e.msg.id.id, body: e.msg.body ?? e.msg.caption }),
    'chat.new_reaction': (e) => ({ msg: text(e.msgId), emoji: e.reactionText, sender: text(e.sender) }),
    'group.participant_changed': (e) => e,
    'chat.poll_response': (e) => ({
      msg: text(e.msgId), sender: text(e.sender), options: e.selectedOptions.filter(Boolean).map(({ name }) => name),
    }),
    'chat.presence_change': (e) => ({
      id: text(e.id), state: e.state, group: e.isGroup, online: e.isOnline, participants: e.participants ?? [],
    }),
    'call.incoming_call': (e) => ({ id: e.id, peer: text(e.peerJid), video: e.isVideo, group: e.isGroup }),
    'conn.auth_code_change': (code) => code && code.fullCode,
    'conn.stream_mode_changed': text,
    'conn.authenticated': text,
    'conn.main_loaded': text,
    'conn.main_ready': text,
    'conn.logout': text,
    'conn.logout_reason': text,
    'conn.qrcode_idle': text,
  };
  for (const [name, project] of Object.entries(projections)) {
    WPP.on(name, (value) => window.simulatorEvent(name, project(value)));
  }
}

export class WaJs extends EventLog {
  // browser: something with newPage(), a browser or one of its contexts
  static async open(browser) {
    const session = new WaJs();
    session.page = await browser.newPage();
    session.page.setDefaultTimeout(TIMEOUT_MS);
    session.page.on('console', (message) => session.record('console', message.text()));
    session.page.on('pageerror', (error) => session.record('pageerror', error.message));
    await session.page.exposeFunction('simulatorEvent', (name, value) => session.record(name, value));
    await session.page.evaluateOnNewDocument('window.WPPConfig = { disableGoogleAnalytics: true };');
    await session.page.evaluateOnNewDocument(WA_JS);
    await session.page.evaluateOnNewDocument(forwardEvents);
    await session.page.goto(PAGE_URL);
    return session;
  }

  // Calls a library function by its path: call('chat.sendTextMessage', id, text). What comes back is
  // plain data; what is rejected becomes an error with the library's code in its message.
  async call(path, ...args) {
    const { value, error } = await this.page.evaluate(
      async (path, args) => {
        try {
          const target = path.split('.').reduce((object, name) => object[name], WPP);
          const value = await target(...args);
          return { value: value === undefined ? null : JSON.parse(JSON.stringify(value)) };
        } catch (error) {
          return { error: error.code ?? error.message ?? String(error) };
        }
      },
      path,
      args,
    );
    if (error !== undefined) throw new Error(error);
    return value;
  }

  evaluate(...args) {
    return this.page.evaluate(...args);
  }

  // Polled by time: a page that is not in front gets no animation frames.
  until(condition, ...args) {
    return this.page.waitForFunction(condition, { timeout: TIMEOUT_MS, polling: 50 }, ...args);
  }

  // The library has its hooks on; true on the QR page as well as when linked.
  ready() {
    return this.until('window.WPP?.isFullReady');
  }

  state() {
    return this.evaluate(() => ({
      socket: WPP.whatsapp.Socket.state,
      mode: WPP.whatsapp.Stream.mode,
      info: WPP.whatsapp.Stream.info,
    }));
  }

  waitSocket(state) {
    return this.until((wanted) => WPP.whatsapp.Socket.state === wanted, state);
  }

  // The code as a phone's camera must read it: the library's four fields and the platform.
  qr() {
    return this.evaluate(async () => {
      const { fullCode } = await WPP.conn.getAuthCode();
      return `${fullCode},${require('WAWebCompanionRegClientUtils').DEVICE_PLATFORM}`;
    });
  }

  async link(phone, account) {
    await this.ready();
    await phone.post('/scan', { account, qr: await this.qr() });
    await phone.wait('main', { account });
  }
}

// ---- whatsapp-web.js ----

const { Client, Location, MessageMedia, NoAuth, Poll } = require('whatsapp-web.js');
export { Location, MessageMedia, Poll };

const CLIENT_EVENTS = [
  'qr', 'code', 'authenticated', 'ready', 'message', 'message_create', 'message_ack', 'message_edit',
  'message_reaction', 'message_revoke_everyone', 'vote_update', 'change_state', 'disconnected', 'auth_failure',
];

export class WebClient extends EventLog {
  // options: further options of the client
  static open(simulator, userDataDir, options = {}) {
    const session = new WebClient();
    session.client = new Client({
      authStrategy: new NoAuth(),
      webVersionCache: { type: 'none' },
      puppeteer: browserOptions(simulator, userDataDir),
      ...options,
    });
    for (const name of CLIENT_EVENTS) {
      session.client.on(name, (...args) => session.record(name, args.length > 1 ? args : args[0] ?? true));
    }
    session.starting = session.client.initialize();
    session.starting.catch((error) => session.record('auth_failure', String(error)));
    return session;
  }

  // The client does some of its work without telling anyone, and that work rejects into nowhere when
  // its browser goes. Its listener for the end of a synchronisation is the last thing it sets up.
  async settled() {
    await this.client.pupPage.waitForFunction(
      () => require('WAWebSocketModel').Socket._events?.has('change:hasSynced'),
      { timeout: TIMEOUT_MS },
    );
    await this.client.pupPage.evaluate('1');
  }

  async close() {
    await this.settled();
    await this.client.destroy();
  }
}
