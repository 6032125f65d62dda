// What there is in the end, by message, in one form: at the far end, in the store (through the API),
// and as told by the events one after the other. differences() says where they do not agree.
import { ME, within } from '../integration/harness.mjs';
import { CHATS } from './script.mjs';

const STATUS = { 1: 'sent', 2: 'delivered', 3: 'read' };
const OPERATIONS = ['edit', 'revoke', 'reaction'];
// An operation on what was taken back meanwhile cannot be carried out any more.
const MAY_FAIL = ['unknown_message', 'message_revoked', 'message_failed'];
const KEYS = ['out', 'text', 'revoked', 'reactions', 'votes', 'file', 'status'];

const byPerson = (pairs) => Object.fromEntries(pairs.sort());
const reactionsIn = (list) => byPerson((list ?? []).map((r) => [r.by.phone, r.emoji]));
const votesIn = (list) => byPerson((list ?? []).map((v) => [v.by.phone, v.options]));

async function atFarEnd(farEnd, chat) {
  const { items } = await farEnd.get(`/history?account=${ME}&chat=${encodeURIComponent(chat)}`);
  return items.map((m) => ({
    id: m.id,
    out: m.from === ME,
    text: m.text,
    revoked: m.revoked,
    reactions: byPerson(Object.entries(m.reactions ?? {})),
    votes: byPerson((m.poll?.votes ?? []).map(({ by, options }) => [by, options])),
    file: m.filehash ? Buffer.from(m.filehash, 'base64').toString('hex') : null,
    status: m.from === ME ? STATUS[m.ack] : null,
  }));
}

// The far end shows a place's name and a poll's question as text.
const ofApi = (m) => ({
  id: m.id,
  out: m.direction === 'out',
  text: m.location?.name ?? m.poll?.question ?? m.text,
  revoked: m.type === 'revoked',
  reactions: reactionsIn(m.reactions),
  votes: votesIn(m.poll?.votes),
  file: m.media ? (m.media.state === 'ready' ? m.media.sha256 : m.media.state) : null,
  status: m.direction === 'out' ? m.status : null,
});

async function listed(session, where) {
  const all = [];
  for (let cursor = ''; cursor !== null; ) {
    const page = await session.daemon.ok('GET', `${session.path}/${where}limit=500&cursor=${encodeURIComponent(cursor)}`);
    all.push(...page.items);
    cursor = page.next_cursor;
  }
  return all;
}

const inStore = async (session, chat) => (await listed(session, `chats/${encodeURIComponent(chat)}/messages?`)).reverse();

async function allEvents(daemon) {
  const all = [];
  for (let after = 0; ; after = all.at(-1).seq) {
    const { items } = await daemon.ok('GET', `/v1/tenants/default/events?after=${after}&limit=500`);
    if (items.length === 0) return all;
    all.push(...items);
  }
}

// What somebody knows who has only read the events, one after the other.
function told(events) {
  const messages = new Map();
  const files = new Set();
  const problems = [];
  const known = (data) => ({ ...ofApi(data), chat: data.chat.phone ?? data.chat.id });
  const of = {
    'message.received'(data, seq) {
      if (messages.has(data.id)) problems.push(`${data.id} was told twice (seq ${seq})`);
      messages.set(data.id, known(data));
    },
    'message.status'(data) {
      if (OPERATIONS.includes(data.type)) return;
      if (!messages.has(data.id)) messages.set(data.id, known(data));
      messages.get(data.id).status = data.status;
    },
    'message.updated': (data) => Object.assign(messages.get(data.id), known(data)),
    'message.media'(data, seq) {
      if (files.has(data.id) || data.media.state !== 'ready') problems.push(`file of ${data.id}: ${data.media.state} (seq ${seq})`);
      files.add(data.id);
      messages.get(data.id).file = data.media.sha256;
    },
    'message.edited': ({ message_id, message }) => (messages.get(message_id).text = message.text),
    'message.revoked': ({ message_id }) => (messages.get(message_id).revoked = true),
    'message.reaction': ({ message_id, ...change }) => put(messages.get(message_id).reactions, change, change.emoji),
    'message.vote': ({ message_id, ...change }) => put(messages.get(message_id).votes, change, change.options),
  };
  of['message.sent'] = of['message.received'];
  const put = (table, { from_me, by }, value) => {
    const who = from_me ? ME : by.phone;
    if (value.length === 0) delete table[who];
    else table[who] = value;
  };
  const changes = /^message\.(updated|media|edited|revoked|reaction|vote)$/;
  for (const { seq, type, data } of events) {
    const id = data?.message_id ?? data?.id;
    if (changes.test(type) && !messages.has(id)) problems.push(`${type} of ${id}, which was never told (seq ${seq})`);
    else of[type]?.(data, seq);
  }
  return { messages, problems };
}

// Of what was taken back nothing else matters; a vote for nothing is none.
function inOneForm(m) {
  const gone = { text: '', reactions: {}, votes: {}, file: null };
  const votes = byPerson(Object.entries(m.votes).filter(([, options]) => options.length > 0));
  return { ...m, votes, reactions: byPerson(Object.entries(m.reactions)), ...(m.revoked ? gone : {}) };
}

function compare(name, truth, seen) {
  const problems = [];
  const byId = new Map();
  for (const m of seen) {
    if (byId.has(m.id)) problems.push(`${name}: ${m.id} is there twice`);
    byId.set(m.id, inOneForm(m));
  }
  for (const m of truth.map(inOneForm)) {
    const mine = byId.get(m.id);
    byId.delete(m.id);
    if (!mine) problems.push(`${name}: ${m.id} (${m.out ? 'ours' : 'theirs'}, "${m.text}") is missing`);
    else {
      for (const key of KEYS) {
        const [is, should] = [JSON.stringify(mine[key]), JSON.stringify(m[key])];
        if (is !== should) problems.push(`${name}: ${m.id} (${m.out ? 'ours' : 'theirs'}, "${m.text}"): ${key} is ${is}, not ${should}`);
      }
    }
  }
  for (const id of byId.keys()) problems.push(`${name}: ${id} is not at the far end`);
  return problems;
}

function order(name, wanted, seen) {
  const at = wanted.findIndex((id, n) => seen[n] !== id);
  return at < 0 ? [] : [`${name}: place ${at} of ${wanted.length} has ${seen[at]}, not ${wanted[at]}`];
}

// Each that was accepted was carried out, or could not be for a reason that is told.
async function operationsLeft({ session, operations }) {
  const lists = await Promise.all(OPERATIONS.map((type) => listed(session, `messages?type=${type}&`)));
  const done = new Map(lists.flat().map((m) => [m.id, m]));
  const bad = (m) => m?.status !== 'sent' && !(m?.status === 'failed' && MAY_FAIL.includes(m.error.code));
  return operations.filter((id) => bad(done.get(id))).map((id) => {
    const m = done.get(id);
    return `operation ${id}: ${m ? `${m.type} ${m.status} ${JSON.stringify(m.error)}` : 'lost'}`;
  });
}

// A file that the page was still uploading when it was killed: the page cannot send it any more.
const uploadLost = (m) => m.direction === 'out' && m.media && m.status === 'failed' && m.error.code === 'rejected';

// Theirs are in the order in which they wrote; ours as they were accepted. What failed was told so,
// and may have failed only for one reason.
async function differences(script) {
  const { farEnd, daemon, session } = script;
  const log = told(await allEvents(daemon));
  const problems = [...log.problems, ...(await operationsLeft(script))];
  const received = await farEnd.received(ME);
  for (const m of received) if (m.count !== 1) problems.push(`far end: ${m.id} was sent ${m.count} times`);
  for (const chat of CHATS) {
    const truth = await atFarEnd(farEnd, chat);
    const all = await inStore(session, chat);
    const failed = new Set(all.filter(uploadLost).map((m) => m.id));
    const went = (m) => !failed.has(m.id) || truth.some(({ id }) => id === m.id);
    const store = all.map(ofApi).filter(went);
    const events = [...log.messages.values()].filter((m) => m.chat === chat && went(m));
    problems.push(...compare(`store of ${chat}`, truth, store), ...compare(`events of ${chat}`, truth, events));
    const theirs = (list) => list.filter((m) => !m.out).map((m) => m.id);
    problems.push(...order(`store of ${chat}`, theirs(truth), theirs(store)));
    problems.push(...order(`events of ${chat}`, theirs(truth), theirs(events)));
    const accepted = script.sent.get(chat).filter((id) => went({ id }));
    const ids = new Set(accepted);
    problems.push(...order(`far end of ${chat}`, accepted, received.map((m) => m.id).filter((id) => ids.has(id))));
  }
  return problems;
}

// Until nothing differs. -> what differs in the end
export async function disagreement(script, ms) {
  let problems = [];
  const same = async () => {
    for (;;) {
      const begun = Date.now();
      problems = await differences(script);
      if (problems.length === 0) return;
      // a look costs the daemon as much as many a send: twice as long nobody looks
      await new Promise((resolve) => setTimeout(resolve, Math.max(200, 2 * (Date.now() - begun))));
    }
  };
  await within(same(), 'agreement', ms).catch((error) => problems.length > 0 || Promise.reject(error));
  return problems;
}
