// Conditions a test may wait for, and the long poll that holds until one is true.

import { HttpError } from './http.mjs';

const MAX_WAIT_MS = 600_000;

// Each condition returns what to answer when it is true, else null.
const CONDITIONS = {
  instance: ({ views, count }) => several(views.instances().filter((i) => i.live), count),
  qr: ({ views, count }) => several(views.instances().filter((i) => i.live && !i.paired && i.ref), count),
  code: ({ views, account }) =>
    views.instances().find((i) => i.live && !i.paired && i.code && (!account || i.phone === account.phone)),
  linked: ({ views, need, count }) => atLeast(views.account(need()).linked_devices, count, views.account(need())),
  unlinked: ({ views, need }) => (views.account(need()).linked_devices === 0 ? views.account(need()) : null),
  live: (context) => ownInstance(context, () => true),
  away: (context) => (ownInstance(context, () => true) ? null : context.views.account(context.need())),
  main: (context) => ownInstance(context, (i) => !i.conflict && i.mode === 'MAIN' && i.info === 'NORMAL'),
  // Such a page has let go of its stream, so it need not be live.
  conflict: ({ views, need }) => views.instances().find((i) => i.conflict && i.account === need().phone),
  received: ({ views, need, count }) => atLeast(need().received.length, count, () => views.received(need())),
  message: ({ views, world, need, input }) => {
    const message = world.findMessage(need().phone, input.to, input.id);
    return message && views.message(message);
  },
  refused: ({ need, count }) => atLeast(need().refused, count, { refused: need().refused }),
  inbox: ({ views, need, count }) => atLeast(need().inbox.length, count, () => views.inbox(need())),
  presence: ({ live, need, count }) => {
    const items = live.shown.get(need().phone) ?? [];
    return atLeast(items.length, count, { items });
  },
  // Its linked devices have stored all they were told.
  settled: ({ world, need }) => {
    const devices = world.devicesOf(need().phone);
    return devices.every(({ queue }) => queue.length === 0) ? { devices: devices.length } : null;
  },
  asked: ({ history, need, count }) => atLeast(history.held(need().phone), count, { held: history.held(need().phone) }),
  // Whatever else is given must be so: archived, pinned, muted_until, unread, blocked, last_id.
  chat: ({ contacts, need, input }) => {
    const item = contacts.chatItem(need(), contacts.chat(need(), input.chat));
    const facts = CHAT_FACTS.filter((name) => input[name] !== undefined);
    return facts.every((name) => String(item[name]) === input[name]) ? item : null;
  },
  seen: ({ need, count }) => atLeast(need().seen, count, { seen: need().seen }),
};

const CHAT_FACTS = ['archived', 'pinned', 'muted_until', 'unread', 'blocked', 'last_id'];

const several = (list, count) => atLeast(list.length, count, list.at(-1));

function atLeast(value, count, answer) {
  if (value < count) return null;
  return typeof answer === 'function' ? answer() : answer;
}

function ownInstance({ views, need }, test) {
  const phone = need().phone;
  return views.instances().find((i) => i.live && i.account === phone && test(i));
}

export class Waits {
  #pending = new Set();

  // sources: emitters whose 'changed' may make a condition true
  constructor(sources) {
    for (const source of sources) source.on('changed', () => this.#check());
  }

  // -> the condition's answer, or null after timeoutMs. `req` closing ends the wait.
  wait(name, context, timeoutMs, res) {
    const condition = CONDITIONS[name];
    if (!condition) throw new HttpError(400, `for: unknown condition "${name}"`);
    const test = () => condition(context);
    const now = test();
    if (now) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const entry = { test, settle: null, reject: null };
      const finish = (act) => (value) => {
        clearTimeout(timer);
        this.#pending.delete(entry);
        act(value);
      };
      entry.settle = finish(resolve);
      entry.reject = finish(reject);
      const timer = setTimeout(() => entry.settle(null), Math.min(timeoutMs, MAX_WAIT_MS));
      res.on('close', () => entry.settle(null));
      this.#pending.add(entry);
    });
  }

  #check() {
    for (const entry of [...this.#pending]) {
      try {
        const answer = entry.test();
        if (answer) entry.settle(answer);
      } catch (error) {
        entry.reject(error);
      }
    }
  }

  close() {
    for (const entry of [...this.#pending]) entry.settle(null);
  }
}
