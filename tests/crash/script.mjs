// The random script of property.test.mjs: what people do at the far end, on our phone and through our
// API, and what goes wrong meanwhile.
import fs from 'node:fs';
import { ALICE, BOB, deferred, ME, TEAM } from '../integration/harness.mjs';
import { seededBytes } from '../simulator/media-store.mjs';
import { checkStore } from './store.mjs';

const CAROL = '5511900000003';
export const CHATS = [ALICE, BOB, CAROL, TEAM];
const MEMBERS = [ALICE, BOB];
const EMOJI = ['👍', '❤️', '😂', ''];
const OPTIONS = ['yes', 'no', 'later'];
const FAR_END = ['theirs', 'theirs', 'theirs', 'phone', 'edit', 'revoke', 'react', 'react', 'vote', 'vote', 'fill', 'read'];
const API = ['ours', 'ours', 'ours', 'change'];

// mulberry32: small, and the same everywhere
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const chatOf = (m) => (m.to === ME ? m.from : m.to);
const addressIn = (chat, who) => (chat === TEAM || who === ME ? chat : ME);

export class Script {
  constructor(farEnd, daemon, seed) {
    Object.assign(this, { farEnd, daemon, random: generator(seed), messages: [], lanes: new Map(), count: {} });
    this.session = daemon.session();
    this.sent = new Map(CHATS.map((chat) => [chat, []]));   // ids as accepted
    this.operations = [];                                   // ids of accepted edits, revokes, reactions
  }
  below(n) {
    return Math.floor(this.random() * n);
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  counted(kind) {
    this.count[kind] = (this.count[kind] ?? 0) + 1;
  }
  // Somebody who may write in the chat, other than us.
  other(chat) {
    return chat === TEAM ? this.pick(MEMBERS) : chat;
  }
  // One that is there and not taken back, among the last.
  some(filter = () => true) {
    const list = this.messages.filter((m) => !m.revoked && filter(m));
    return list.length > 0 ? this.pick(list.slice(-40)) : null;
  }

  async far(route, body) {
    return this.farEnd.post(route, body).catch((error) => {
      if (error.status === 404) return null;   // ours, and not there yet
      throw error;
    });
  }

  // ---- at the far end, and on our phone ----

  content(n) {
    switch (this.below(10)) {
      case 0:
        return { type: 'location', lat: -23.5, lng: -46.6, name: `place ${n}` };
      case 1:
      case 2:
        return { type: 'poll', text: `question ${n}`, poll_options: OPTIONS, max_choices: 0 };
      case 3:
        return {
          type: 'document', mimetype: 'application/pdf', filename: `${n}.pdf`, caption: `file ${n}`,
          size_bytes: 200 + this.below(300), seed: n,
        };
      default:
        return { text: `text ${n}` };
    }
  }
  async write(from, to, n) {
    const content = this.content(n);
    const pending = from !== ME && this.below(8) === 0;
    const { id } = await this.far('/send', { from, to, ...content, ...(pending ? { pending } : {}) });
    this.messages.push({ id, from, to, pending, text: content.type === undefined, poll: content.type === 'poll' });
  }
  theirs(n) {
    const chat = this.pick(CHATS);
    const from = this.other(chat);
    return this.write(from, addressIn(chat, from), n);
  }
  phone(n) {
    return this.write(ME, this.pick(CHATS), n);
  }
  async edit(n) {
    const m = this.some(({ text, pending }) => text && !pending);
    if (m) await this.far('/edit', { from: m.from, to: m.to, id: m.id, text: `edited ${n}` });
  }
  async revoke() {
    const m = this.some(({ pending }) => !pending);
    if (m && (await this.far('/revoke', { from: m.from, to: m.to, id: m.id }))) m.revoked = true;
  }
  // Somebody of the chat of the message, one time in three we on our phone.
  async someoneDoes(route, m, more) {
    const who = this.below(3) === 0 ? ME : this.other(chatOf(m));
    await this.far(route, { from: who, to: addressIn(chatOf(m), who), id: m.id, ...more });
  }
  async react() {
    const m = this.some(({ pending }) => !pending);
    if (m) await this.someoneDoes('/react', m, { emoji: this.pick(EMOJI) });
  }
  async vote() {
    const m = this.some(({ poll, pending }) => poll && !pending);
    if (m) await this.someoneDoes('/vote', m, { options: OPTIONS.filter(() => this.below(2) === 0) });
  }
  async fill(n, m = this.some(({ pending }) => pending)) {
    if (!m) return;
    await this.far('/fill', { from: m.from, to: m.to, id: m.id });
    m.pending = false;
  }
  async read() {
    const chat = this.pick(CHATS);
    await this.far('/read', { account: this.other(chat), from: addressIn(chat, chat) });
    if (this.below(2) === 0) await this.far('/read', { account: ME, from: chat });
  }

  // ---- through the API: in order for each chat, repeated under the key until there is an answer ----

  inTurn(chat, work) {
    const turn = (this.lanes.get(chat) ?? Promise.resolve()).then(work);
    turn.catch(() => {});   // told where the lanes are waited for
    this.lanes.set(chat, turn);
  }
  async ask(method, where, body, n) {
    for (;;) {
      const options = { body, headers: { 'idempotency-key': `ask-${n}` } };
      const answer = await this.daemon.call(method, `${this.session.path}/messages${where}`, options).catch(() => null);
      if (answer && answer.status !== 503) return answer;
      await this.alive?.promise;
      await new Promise(setImmediate);
    }
  }
  ours(n) {
    const to = this.pick(CHATS);
    const bytes = seededBytes(200 + this.below(300), n);
    const file = { document: { base64: bytes.toString('base64'), filename: `${n}.pdf`, caption: `file ${n}` } };
    const kind = this.below(8);
    const content = kind === 0 ? file : kind === 1 ? { poll: { question: `question ${n}`, options: OPTIONS } } : { text: `out ${n}` };
    this.inTurn(to, async () => {
      const answer = await this.ask('POST', '', { to, ...content }, n);
      if (answer.status !== 202) throw new Error(`send: ${answer.status} ${answer.text}`);
      const { id } = answer.json;
      this.messages.push({ id, from: ME, to, text: kind > 1, poll: kind === 1 });
      this.sent.get(to).push(id);
    });
  }
  // An edit, a revoke or a reaction. What the store has not heard of, or what is gone, is refused.
  change(n) {
    const kind = this.pick(['edit', 'revoke', 'reaction', 'reaction']);
    const emoji = this.pick(EMOJI);
    const m = this.some((c) => !c.pending && (kind === 'reaction' || (c.from === ME && (kind === 'revoke' || c.text))));
    if (!m) return;
    this.inTurn(chatOf(m), async () => {
      const answer = kind === 'reaction'
        ? await this.ask('POST', '', { to: chatOf(m), reaction: { message_id: m.id, emoji } }, n)
        : await this.ask(kind === 'edit' ? 'PATCH' : 'DELETE', `/${m.id}`, kind === 'edit' ? { text: `edited ${n}` } : undefined, n);
      if (answer.status === 202) {
        this.operations.push(answer.json.id);
        this.counted(`api ${kind}`);
        if (kind === 'revoke') m.revoked = true;
      } else if (![404, 409].includes(answer.status)) throw new Error(`${kind}: ${answer.status} ${answer.text}`);
    });
  }

  // ---- the whole ----

  async act(n, kinds = [...FAR_END, ...API]) {
    const kind = this.pick(kinds);
    this.counted(kind);
    await this[kind](n);
  }

  async trouble(n) {
    const kind = this.pick(['drop', 'page', 'browser', 'daemon']);
    this.counted(kind);
    if (kind === 'drop') {
      await this.farEnd.post('/drop', { account: ME, ms: this.below(600) });
    } else if (kind === 'daemon') {
      this.alive = deferred();
      await this.daemon.kill();
      await checkStore(this.daemon.dataDir);
      for (let i = this.below(20); i > 0; i -= 1) await this.act(`${n}-${i}`, FAR_END);   // while nobody is there
      await this.daemon.run();
      this.alive.resolve();
    } else {
      const leaders = this.daemon.browserPids();
      for (const pid of kind === 'page' ? leaders.flatMap(renderersOf) : leaders) killed(pid);
    }
    if (this.below(2) === 0) await this.session.until('ready');
  }

  async fillAll() {
    for (const m of this.messages) if (m.pending) await this.fill(0, m);
  }
}

function killed(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it was ending already
  }
}

function renderersOf(leader) {
  const isOne = (pid) => {
    try {
      const group = Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[2]);
      return group === leader && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer');
    } catch {
      return false;
    }
  };
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter(isOne);
}
