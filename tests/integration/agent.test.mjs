// The auto-reply agent: three kinds of endpoints on a local server, real messages both ways.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, deferred, eventually, FarEnd, ME, TEAM, within } from './harness.mjs';

const CAROL = '5511900000003';
const DAVE = '5511900000004';

// An endpoint: `answer(request)` gives {status,headers,body} or a body; it may wait.
class Endpoint {
  static async start() {
    const e = new Endpoint();
    e.requests = [];
    e.waiters = new Set();
    e.answer = () => ({ replies: [] });
    e.server = http.createServer((req, res) => {
      const parts = [];
      res.on('error', () => {});
      req.on('data', (part) => parts.push(part));
      req.on('end', async () => {
        const text = Buffer.concat(parts).toString();
        const entry = { path: req.url, headers: req.headers, text, body: JSON.parse(text) };
        e.requests.push(entry);
        for (const waiter of e.waiters) waiter();
        const result = await e.answer(entry, e.requests.length);
        const { status = 200, headers = {}, body = result } = result.status ? result : {};
        res.writeHead(status, { 'content-type': 'application/json', ...headers });
        res.end(typeof body === 'string' ? body : JSON.stringify(body));
      });
    });
    e.server.listen(0, '127.0.0.1');
    await once(e.server, 'listening');
    e.server.unref();
    e.url = `http://127.0.0.1:${e.server.address().port}/agent`;
    return e;
  }
  reset(answer) {
    this.requests = [];
    this.answer = answer;
  }
  wait(predicate, what = 'call of the agent') {
    const { promise, resolve } = deferred();
    const look = () => {
      const found = this.requests.find(predicate);
      if (found) resolve(found);
    };
    this.waiters.add(look);
    look();
    return within(promise, what).finally(() => this.waiters.delete(look));
  }
  count(n) {
    return this.wait(() => this.requests.length >= n, `${n} calls of the agent`);
  }
  async close() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

describe('auto-reply agent', () => {
  let farEnd, daemon, session, endpoint, events, lid;

  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    await session.link();
    endpoint = await Endpoint.start();
    events = daemon.events();
    const { accounts } = await farEnd.get('/state');
    lid = Object.fromEntries(accounts.map((a) => [a.phone, a.lid]));
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await endpoint?.close();
    await farEnd?.close();
  });
  afterEach(() => daemon.call('DELETE', `${session.path}/agent`));

  const put = (settings) =>
    daemon.ok('PUT', `${session.path}/agent`, { kind: 'http', url: endpoint.url, typing: false, retry_delay_ms: 10, ...settings });
  const write = (from, text, more = {}) => farEnd.post('/send', { from, to: ME, text, ...more });
  const chat = (phone) => `${session.path}/chats/${phone}/agent`;
  const open = (phone) => daemon.ok('PATCH', chat(phone), { enabled: true });
  const arrived = ['sent', 'delivered', 'read']; // after a restart the first of them may be passed over
  // What that person has got from us with this text.
  const got = async (to, text) =>
    (await farEnd.received(ME)).filter((m) => (m.to === to || m.to === `${lid[to]}@lid` || m.to === lid[to] || m.to === `${to}@c.us`) && m.text === text);
  const sent = (text) =>
    events.find((e) => e.type === 'message.status' && e.data.text === text && arrived.includes(e.data.status), `"${text}" sent`);
  const event = (type, predicate = () => true, from = 0) =>
    events.find((e) => e.type === type && e.seq > from && predicate(e.data), type);

  test('a message is posted with its conversation, the replies go out as the agent', async () => {
    endpoint.reset(() => ({ replies: [{ text: 'first reply' }, { text: 'second reply' }], conversation_id: 'conv-1' }));
    const made = await put({ headers: { 'X-Api-Token': 'hidden', 'X-Plain': 'seen' }, api_key: 'key-of-mine' });
    assert.equal(made.api_key_set, true);
    assert.deepEqual(made.headers, { 'X-Api-Token': '***', 'X-Plain': 'seen' });
    assert.ok(!JSON.stringify(made).includes('key-of-mine'));
    const { id } = await write(ALICE, 'hello agent');
    await sent('second reply');
    const [call] = endpoint.requests;
    assert.equal(call.headers.authorization, 'Bearer key-of-mine');
    assert.equal(call.headers['x-api-token'], 'hidden');
    assert.equal(call.body.tenant, 'default');
    assert.equal(call.body.session, 'main');
    assert.equal(call.body.conversation_id, null);
    assert.equal(call.body.message.id, id);
    assert.equal(call.body.message.text, 'hello agent');
    assert.equal(call.body.message.chat.phone, ALICE);
    assert.deepEqual(call.body.history, []);
    const first = events.items.find((e) => e.data.text === 'first reply').data;
    assert.equal(first.source, 'agent');
    assert.equal((await got(ALICE, 'first reply')).length, 1);

    await write(ALICE, 'and again');
    await endpoint.count(2);
    const second = endpoint.requests[1].body;
    assert.equal(second.conversation_id, 'conv-1');
    assert.deepEqual(
      second.history.map((t) => [t.role, t.text]),
      [['user', 'hello agent'], ['agent', 'first reply'], ['agent', 'second reply']],
    );
    const state = await daemon.ok('GET', chat(ALICE));
    assert.equal(state.enabled, true);
    assert.equal(state.conversation_id, 'conv-1');
    assert.ok(!daemon.log.some((l) => JSON.stringify(l).includes('key-of-mine')));
  });

  test('what comes while a call is out is the next call, in one batch; other chats do not wait', async () => {
    const gate = deferred();
    endpoint.reset(async (call, n) => {
      if (n === 1) await gate.promise;
      return { replies: [{ text: `batch of ${call.body.messages.length} for ${call.body.message.chat.phone}` }] };
    });
    await put({ secret: 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz' });
    await write(BOB, 'one');
    await endpoint.count(1);
    for (const text of ['two', 'three']) {
      await write(BOB, text);
      await event('message.received', (m) => m.text === text && m.chat.phone === BOB);
    }
    await write(CAROL, 'not behind Bob');
    await sent(`batch of 1 for ${CAROL}`);
    assert.equal(endpoint.requests.filter((c) => c.body.message.chat.phone === BOB).length, 1);
    gate.resolve();
    await sent(`batch of 2 for ${BOB}`);
    const last = endpoint.requests.at(-1);
    assert.deepEqual(last.body.messages.map((m) => m.text), ['two', 'three']);
    assert.match(last.headers['webhook-signature'], /^v1,/);
  });

  test('an OpenAI-compatible endpoint gets prompt, turns and key; its marker is a handover', async () => {
    endpoint.reset(() => ({ choices: [{ message: { role: 'assistant', content: 'A person will help you. [[handover]]' } }] }));
    await put({
      kind: 'openai', url: `${endpoint.url}/v1`, model: 'small', system_prompt: 'You are kind.', api_key: 'sk-1',
    });
    const from = await session.lastSeq();
    await write(DAVE, 'help me');
    await sent('A person will help you.');
    const [call] = endpoint.requests;
    assert.equal(call.path, '/agent/v1/chat/completions');
    assert.equal(call.headers.authorization, 'Bearer sk-1');
    assert.equal(call.body.model, 'small');
    assert.deepEqual(call.body.messages, [
      { role: 'system', content: 'You are kind.' },
      { role: 'user', content: 'help me' },
    ]);
    const handover = await event('agent.handover', undefined, from);
    assert.equal(handover.data.reason, 'handover');
    assert.equal(handover.data.chat.phone, DAVE);
    assert.equal((await daemon.ok('GET', chat(DAVE))).enabled, false);

    // closed: the next message is not answered, in another chat it is
    await write(DAVE, 'are you there?');
    await event('message.received', (m) => m.text === 'are you there?');
    endpoint.answer = () => ({ choices: [{ message: { content: 'for Carol' } }] });
    await write(CAROL, 'hi');
    await sent('for Carol');
    assert.ok(!endpoint.requests.some((c) => c.text.includes('are you there?')));
    const opened = await open(DAVE);
    assert.equal(opened.enabled, true);
    await event('agent.opened', undefined, from);
    endpoint.answer = () => ({ choices: [{ message: { content: 'back again' } }] });
    await write(DAVE, 'and now?');
    await sent('back again');
  });

  test('a Retell agent: a chat is created once per contact, and anew when it has ended', async () => {
    let chats = 0, ended = null;
    endpoint.reset((call) => {
      if (call.path === '/agent/create-chat') return { status: 201, body: { chat_id: `chat_${++chats}`, chat_status: 'ongoing' } };
      if (call.body.chat_id === ended) return { status: 422, body: { status: 'error', message: 'chat ended' } };
      return {
        status: 201,
        body: { messages: [{ role: 'tool_call_invocation', name: 'x' }, { role: 'agent', content: `re ${call.body.content} in ${call.body.chat_id}` }] },
      };
    });
    await put({ kind: 'retell', agent_id: 'agent_1', api_key: 'retell-key' });
    await daemon.ok('PATCH', chat(DAVE), { conversation_id: null });
    await write(DAVE, 'uno');
    await sent('re uno in chat_1');
    await write(DAVE, 'due');
    await sent('re due in chat_1');
    assert.equal(endpoint.requests[0].body.agent_id, 'agent_1');
    assert.equal(endpoint.requests[0].headers.authorization, 'Bearer retell-key');
    ended = 'chat_1';
    await write(DAVE, 'tre');
    await sent('re tre in chat_2');
    assert.equal(chats, 2);
  });

  test('an endpoint that fails is tried again; then one apology, an alert, and later its end', async () => {
    let status = 503;
    const from = await session.lastSeq();
    endpoint.reset((call, n) => (n === 2 ? { status: 429, headers: { 'retry-after': '0' }, body: {} } : status ? { status, body: {} } : { replies: [{ text: 'well again' }] }));
    await put({ retries: 2, apology: 'Sorry, a person will answer soon.' });
    await write(ALICE, 'first that fails');
    await sent('Sorry, a person will answer soon.');
    assert.equal(endpoint.requests.length, 3);
    const alert = await event('alert.agent_failing', undefined, from);
    assert.equal(alert.data.consecutive_failures, 1);
    assert.match(alert.data.last_error, /503/);
    await write(ALICE, 'second that fails');
    await endpoint.count(6);
    const failing = await daemon.ok('GET', `${session.path}/agent`);
    assert.equal(failing.health.state, 'failing');
    status = 0;
    await write(ALICE, 'third is answered');
    await sent('well again');
    await event('alert.agent_recovered', undefined, from);
    assert.equal((await got(ALICE, 'Sorry, a person will answer soon.')).length, 1, 'one apology an episode');
    assert.equal(events.items.filter((e) => e.seq > from && e.type === 'alert.agent_failing').length, 1);
  });

  test('no answer in time, an answer too long, one that is no JSON: failures that say so', async () => {
    const never = deferred();
    const answers = [() => never.promise, () => ({ status: 200, body: `{"x":"${'y'.repeat(300 << 10)}"}` }), () => ({ status: 200, body: 'certainly!' })];
    const whats = [/no answer within 300 ms/, /longer than 256 KiB/, /no JSON/];
    endpoint.reset((call, n) => answers[n - 1]());
    await put({ retries: 0, apology: 'sorry' });
    for (const [i, what] of whats.entries()) {
      const from = await session.lastSeq();
      await daemon.ok('PUT', `${session.path}/agent`, { apology: `sorry ${i}`, timeout_ms: i === 0 ? 300 : 60_000 });
      const who = [BOB, CAROL, DAVE][i];
      await open(who);
      await write(who, `fails ${i}`);
      await sent(`sorry ${i}`);
      assert.match((await daemon.ok('GET', `${session.path}/agent`)).health.last_error, what);
      assert.ok(from);
    }
    never.resolve({ replies: [] });
    endpoint.answer = () => ({ replies: [{ text: 'fine again' }] });
    for (const who of [BOB, CAROL, DAVE]) await write(who, 'ok?');
    await events.find(() => new Set(events.items.filter((e) => e.data.text === 'fine again' && arrived.includes(e.data.status)).map((e) => e.data.id)).size === 3, 'three answers');
  });

  test('groups, old messages and backlog are not answered; a reply of another kind is', async () => {
    endpoint.reset((call) => ({ replies: [{ location: { latitude: -23.5, longitude: -46.6, name: 'Office' } }, { text: `seen ${call.body.message.text}` }] }));
    await put();
    await farEnd.post('/send', { from: ALICE, to: TEAM, text: 'to the group' });
    await event('message.received', (m) => m.text === 'to the group');
    await write(ALICE, 'an old one', { t: Math.floor(Date.now() / 1000) - 3600 });
    await event('message.received', (m) => m.text === 'an old one');
    await write(BOB, 'a new one');
    await sent('seen a new one');
    assert.equal(endpoint.requests.length, 1);
    await put({ reply_to_groups: true });
    await farEnd.post('/send', { from: ALICE, to: TEAM, text: 'again to the group' });
    await sent('seen again to the group');
    assert.equal((await farEnd.received(ME)).filter((m) => m.to === TEAM && m.text === 'seen again to the group').length, 1);
  });

  test('typing is shown while the endpoint thinks; a message with a file is told with its file', async () => {
    const gate = deferred();
    endpoint.reset(async (call) => {
      await gate.promise;
      const { media } = call.body.message;
      return { replies: [{ text: `got ${media.state} ${media.size_bytes}` }] };
    });
    await put({ typing: true });
    const data = Buffer.from('a file for the agent');
    const { t } = (await farEnd.get(`/presence?account=${ME}`)).items.at(-1) ?? { t: 0 };
    await write(ALICE, undefined, { type: 'document', filename: 'a.txt', mimetype: 'text/plain', data_base64: data.toString('base64') });
    await endpoint.count(1);
    assert.equal(endpoint.requests[0].body.message.media.state, 'ready');
    await eventually('typing shown', async () => {
      const { items } = await farEnd.get(`/presence?account=${ME}`);
      return items.some((i) => i.t >= t && i.to !== null && ['composing', 'typing'].includes(i.state));
    });
    gate.resolve();
    await sent(`got ready ${data.length}`);
  });

  test('a reply with a url that gives nothing is dropped and told; the chat goes on', async () => {
    endpoint.reset(() => ({ replies: [{ image: { url: 'http://127.0.0.1:1/none.png' } }, { text: 'beside the picture' }] }));
    await put({});
    await open(BOB);
    await write(BOB, 'a picture please');
    await sent('beside the picture');
    const refused = await daemon.waitLog((l) => l.event === 'agent.reply_refused', 'the refusal');
    assert.match(refused.msg, /could not be fetched/);
    assert.equal((await got(BOB, 'beside the picture')).length, 1);
  });

  test('a keyword hands over; a person of ours who writes pauses the agent', async () => {
    const from = await session.lastSeq();
    endpoint.reset((call) => ({ replies: [{ text: `auto ${call.body.message.text}` }] }));
    await put({ handover_keywords: ['human please'], pause_on_human_ms: 600000 });
    await write(CAROL, 'A HUMAN PLEASE');
    const handover = await event('agent.handover', undefined, from);
    assert.equal(handover.data.reason, 'keyword');
    assert.equal(endpoint.requests.length, 0);
    await open(CAROL);
    await session.send(CAROL, 'I am a person');
    await write(CAROL, 'thank you, person');
    await event('message.received', (m) => m.text === 'thank you, person');
    const paused = await daemon.ok('GET', chat(CAROL));
    assert.ok(Date.parse(paused.paused_until) > Date.now() + 300000);
    await open(CAROL);
    await write(CAROL, 'agent?');
    await sent('auto agent?');
    assert.ok(!endpoint.requests.some((c) => c.body.message.text === 'thank you, person'));
  });

  test('no more replies an hour than allowed; the rest is left to people', async () => {
    const from = await session.lastSeq();
    endpoint.reset((call) => ({ replies: [{ text: `counted ${call.body.message.text}` }] }));
    const [eve, frank] = ['5511900000011', '5511900000012'];
    for (const phone of [eve, frank]) await farEnd.post('/accounts', { phone, name: `Person ${phone}` });
    await put({ max_replies_per_hour: 1 });
    await write(eve, 'once');
    await sent('counted once');
    for (const text of ['twice', 'three times']) {
      await write(eve, text);
      await event('message.received', (m) => m.text === text);
    }
    const limited = await event('agent.limited', undefined, from);
    assert.equal(limited.data.chat.phone, eve);
    await write(frank, 'another chat');
    await sent('counted another chat');
    assert.ok(!endpoint.requests.some((c) => c.text.includes('twice')));
    assert.equal(events.items.filter((e) => e.seq > from && e.type === 'agent.limited').length, 1, 'told once');
    const state = await daemon.ok('GET', chat(eve));
    assert.equal(state.enabled, true);
    assert.equal(state.replies_last_hour, 1);
  });

  test('two machines that answer each other are stopped, with an alert', async () => {
    const from = await session.lastSeq();
    endpoint.reset((call, n) => ({ replies: [{ text: `robot line ${n}` }] }));
    await put({ loop_max_replies: 4 });
    await open(BOB);
    let n = 0;
    await write(BOB, 'beep 0');
    for (;;) {
      const done = event('alert.agent_loop', undefined, from).then(() => null);
      const next = sent(`robot line ${n + 1}`);
      done.catch(() => {});
      next.catch(() => {});
      if (!(await Promise.race([done, next]))) break;
      assert.ok(++n < 10, 'it never ends');
      await write(BOB, `beep ${n}`);
    }
    assert.ok(n >= 3 && n <= 4, `stopped after ${n} replies`);
    const state = await daemon.ok('GET', chat(BOB));
    assert.equal(state.enabled, false);
    assert.equal(state.reason, 'loop');
    await open(BOB);
    endpoint.reset(() => ({ replies: [{ text: 'We are closed now.' }] }));
    for (let i = 1; ; i++) {
      const seq = await session.lastSeq();
      await write(BOB, 'Thank you for your message.');
      const end = await events.find((e) => e.seq > seq && (e.type === 'alert.agent_loop' || (e.data.text === 'We are closed now.' && e.data.status === 'queued')), 'answer or alert');
      if (end.type === 'alert.agent_loop') {
        assert.equal(i, 3, 'the third time it is the same');
        assert.equal(end.data.kind, 'identical');
        break;
      }
      assert.ok(i < 5);
    }
    await open(BOB);
  });

  test('kill -9 between the answer and the sends: nothing twice, nothing lost', async () => {
    endpoint.reset(async (call, n) => {
      if (n === 1) {
        await daemon.kill();
        return { replies: [] };
      }
      return { replies: [{ text: `after the crash: ${call.body.message.text}` }, { text: 'second part' }] };
    });
    await put();
    await write(ALICE, 'asked before the crash');
    await endpoint.count(1);
    await within(daemon.exited, 'end of the daemon');
    await events.close();
    await daemon.run();
    events = daemon.events();
    await session.until('ready');
    await sent('second part');
    assert.equal(endpoint.requests.length, 2, 'asked again after the crash');
    assert.equal(endpoint.requests[1].body.message.text, 'asked before the crash');

    // The replies are durable and one is sent when it dies.
    endpoint.reset((call) => ({ replies: ['p1', 'p2', 'p3'].map((p) => ({ text: `${p} of ${call.body.message.text}` })) }));
    const queued = events.find((e) => e.data.text === 'p1 of more' && e.data.status === 'queued', 'first part queued');
    await write(ALICE, 'more');
    await queued;
    await daemon.kill();
    await events.close();
    await daemon.run();
    events = daemon.events();
    await session.until('ready');
    await sent('p3 of more');
    for (const p of ['p1', 'p2', 'p3']) assert.equal((await got(ALICE, `${p} of more`)).length, 1, p);
    assert.equal((await got(ALICE, 'after the crash: asked before the crash')).length, 1);
    assert.equal((await got(ALICE, 'second part')).length, 1);
    assert.equal(endpoint.requests.length, 1, 'the answer was durable: not asked again');
  });

  test('switched off, what waited is not answered later', async () => {
    const gate = deferred();
    endpoint.reset(async (call) => {
      if (call.body.message.text === 'held') await gate.promise;
      return { replies: [{ text: `answer to ${call.body.message.text}` }] };
    });
    await put();
    await write(DAVE, 'held');
    await endpoint.count(1);
    await put({ enabled: false });
    gate.resolve();
    await write(DAVE, 'while off');
    await event('message.received', (m) => m.text === 'while off');
    await put({ enabled: true });
    await write(DAVE, 'on again');
    await sent('answer to on again');
    assert.deepEqual(endpoint.requests.map((c) => c.body.message.text), ['held', 'on again']);
    assert.equal((await got(DAVE, 'answer to held')).length, 0);
  });

  test('a tenant that is deleted and made again has an agent that answers', async () => {
    endpoint.reset(() => ({ replies: [] }));
    for (const life of [0, 1]) {
      await daemon.ok('PUT', '/v1/tenants/again');
      const theirs = daemon.session('again', 'main');
      await daemon.ok('PUT', theirs.path);
      await theirs.link();
      await daemon.ok('PUT', `${theirs.path}/agent`, { kind: 'http', url: endpoint.url, typing: false });
      for (let n = 1; n <= (life === 0 ? 6 : 1); n++) {
        await write(CAROL, `life ${life} message ${n}`);
        await endpoint.wait((call) => call.body.message.text === `life ${life} message ${n}`);
      }
      await theirs.act('stop');
      await theirs.until('stopped');
      await daemon.ok('DELETE', '/v1/tenants/again');
    }
  });

  test('bad settings are refused with their field; there is no agent until one is made', async () => {
    const bad = async (body, field, code) => {
      const answer = await daemon.call('PUT', `${session.path}/agent`, { body });
      assert.equal(answer.status, 422, answer.text);
      assert.equal(answer.json.errors[0].field, field, answer.text);
      if (code) assert.equal(answer.json.code, code);
    };
    for (const where of [`${session.path}/agent`, chat(ALICE)]) {
      const none = await daemon.call('GET', where);
      assert.equal(none.status, 404);
      assert.equal(none.json.code, 'unknown_agent');
    }
    await bad({}, 'kind', 'required');
    await bad({ kind: 'http' }, 'url', 'required');
    await bad({ kind: 'openai' }, 'model', 'required');
    await bad({ kind: 'retell', api_key: 'x' }, 'agent_id', 'required');
    await bad({ kind: 'telepathy' }, 'kind');
    await bad({ kind: 'http', url: 'ftp://example.org/' }, 'url', 'invalid_url');
    await bad({ kind: 'http', url: endpoint.url, history_turns: 51 }, 'history_turns');
    await bad({ kind: 'http', url: endpoint.url, handover_keywords: [''] }, 'handover_keywords[0]');
    await bad({ kind: 'http', url: endpoint.url, api_key: 'two words' }, 'api_key');
    await put({ api_key: 'k1' });
    await bad({ url: 'http://127.0.0.1:9/elsewhere' }, 'api_key', 'required');
  });
});
