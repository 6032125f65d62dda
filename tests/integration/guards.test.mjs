// Guards on content on the real browser: who says stop is left alone, by every name, in the queue
// too, over a restart; what the tenant forbids is not sent; the 24-hour window is shown.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, FarEnd, ME, TEAM } from './harness.mjs';

const ZOE = '5511955550001';
const TENANT = '/v1/tenants/default';

describe('guards', () => {
  let farEnd, daemon, session, events;
  const told = (type, fits, what) => events.find((e) => e.type === type && fits(e.data), what ?? type);
  const write = async (from, text) => {
    const { id } = await farEnd.post('/send', { from, to: ME, text });
    return (await told('message.received', (m) => m.id === id)).data;
  };
  const stopped = async (from, text) => {
    const since = events.items.at(-1)?.seq ?? 0;
    const { lid } = (await write(from, text)).chat;
    return events.find((e) => e.type === 'contact.opted_out' && e.seq > since && e.data.opt_out.text === text
      && (e.data.opt_out.lid === lid || e.data.opt_out.phone === from), `the wish of ${from}`);
  };
  const stop = async (from, text) => (await stopped(from, text)).data.opt_out;
  const post = (body) => daemon.call('POST', `${session.path}/messages`, { body });
  const refused = async (body, code, status = 422) => {
    const answer = await post(body);
    assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text);
    return answer.json;
  };
  const sent = async (body) => {
    const answer = await post(body);
    assert.equal(answer.status, 202, answer.text);
    await told('message.status', (m) => m.id === answer.json.id && ['sent', 'delivered', 'read'].includes(m.status), 'sent');
    return answer.json;
  };
  const settled = (id) => told('message.status', (m) => m.id === id && ['failed', 'sent', 'delivered'].includes(m.status), 'settled');
  const atFarEnd = async (fits) => (await farEnd.received(ME)).filter(fits);
  const rules = (body) => daemon.ok('PUT', `${TENANT}/guards`, body);

  before(async () => {
    farEnd = await FarEnd.start();
    await farEnd.post('/accounts', { phone: ZOE, name: 'Zoe', hidden_phone: true });
    daemon = await Daemon.start({ farEnd });
    session = daemon.session();
    events = daemon.events();
    await session.link();
  });
  after(async () => {
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  test('a message opens the window, and it is shown', async () => {
    const m = await write(BOB, 'good morning');
    for (const where of [`/chats/${BOB}`, `/contacts/${m.chat.contact_id}`]) {
      const { window } = await daemon.ok('GET', `${session.path}${where}`);
      assert.equal(window.open, true, where);
      assert.equal(Date.parse(window.expires_at), Date.parse(m.timestamp) + 24 * 3600_000, where);
    }
    const chats = (await daemon.ok('GET', `${session.path}/chats?limit=100`)).items;
    assert.equal(chats.find((c) => c.phone === BOB).window.open, true);
    assert.ok(chats.filter((c) => c.type === 'group').every((c) => c.window === null));
  });

  test('stop, refusal, a new message, a reply, start', async () => {
    const first = await sent({ to: ALICE, text: 'our offer' });
    const out = await stop(ALICE, 'Stop!');
    assert.equal(out.phone, ALICE);
    assert.deepEqual([out.source, out.session, out.text], ['message', 'main', 'Stop!']);
    await refused({ to: ALICE, text: 'but wait' }, 'opted_out');
    await refused({ to: ALICE, poll: { question: 'why?', options: ['a', 'b'] } }, 'opted_out');
    await sent({ to: TEAM, text: 'groups are another matter' });
    const edit = await daemon.call('PATCH', `${session.path}/messages/${first.id}`, { body: { text: 'another offer' } });
    assert.equal(edit.json.code, 'opted_out');
    assert.equal((await daemon.ok('GET', `${TENANT}/opt-outs/${ALICE}`)).opted_out_at, out.opted_out_at);
    assert.ok((await daemon.ok('GET', `${TENANT}/opt-outs`)).items.some((o) => o.phone === ALICE));

    await write(ALICE, 'where is my order?');
    const reply = await sent({ to: ALICE, text: 'on its way' });
    assert.equal((await atFarEnd((m) => m.id === reply.id)).length, 1);
    assert.equal((await daemon.ok('GET', `${TENANT}/opt-outs/${ALICE}`)).phone, ALICE, 'still on the list');

    await write(ALICE, 'START');
    await told('contact.opted_in', (d) => d.opt_out.phone === ALICE);
    assert.equal((await daemon.call('GET', `${TENANT}/opt-outs/${ALICE}`)).json.code, 'unknown_opt_out');
    assert.deepEqual(await atFarEnd((m) => ['but wait', 'another offer'].includes(m.text)), []);
  });

  test('what waits in the queue when somebody says stop does not go out', async () => {
    let queued, wish, end;
    for (const presence_ms of [6000, 25_000, 25_000]) {
      queued = await session.send(ALICE, 'too late', { presence: 'typing', presence_ms });
      wish = await stopped(ALICE, 'SAIR');
      end = await settled(queued.id);
      if (end.data.status === 'failed' || end.seq > wish.seq) break;
      await daemon.ok('DELETE', `${TENANT}/opt-outs/${ALICE}`); // it was sent before we were told: once more
    }
    assert.equal(end.data.status, 'failed');
    assert.equal(end.data.error.code, 'opted_out');
    assert.deepEqual(await atFarEnd((m) => m.id === queued.id), []);
    await daemon.ok('DELETE', `${TENANT}/opt-outs/${ALICE}`);
    await sent({ to: ALICE, text: 'welcome back' });
  });

  test('the wish of a hidden number holds once it is known, and after a restart', async () => {
    const out = await stop(ZOE, 'unsubscribe');
    assert.equal(out.phone, null);
    await refused({ to: out.lid, text: 'x' }, 'opted_out');
    await farEnd.post('/reveal', { account: ME, phone: ZOE });
    await told('contact.identity', (d) => d.now.phone === ZOE);
    await refused({ to: ZOE, text: 'by her number' }, 'opted_out');
    assert.equal((await daemon.ok('GET', `${TENANT}/opt-outs/${ZOE}`)).lid, out.lid);

    await daemon.kill();
    await events.close();
    await daemon.run();
    events = daemon.events();
    await session.until('ready');
    await refused({ to: ZOE, text: 'after a restart' }, 'opted_out');
    await refused({ to: out.lid, text: 'after a restart' }, 'opted_out');
    assert.equal((await daemon.ok('GET', `${session.path}/chats/${BOB}`)).window.open, true);
  });

  test('a wish is confirmed once, when the tenant has words for it', async () => {
    await rules({ opt_out: { reply: 'You will not hear from us again.' } });
    await stop(BOB, 'baja');
    const [told1] = [await told('message.status', (m) => m.source === 'opt_out' && ['sent', 'delivered'].includes(m.status), 'the confirmation')];
    assert.equal(told1.data.text, 'You will not hear from us again.');
    await write(BOB, 'STOP');
    await refused({ to: BOB, text: 'x' }, 'opted_out');
    assert.equal((await atFarEnd((m) => m.text === 'You will not hear from us again.')).length, 1);
    await daemon.ok('DELETE', `${TENANT}/opt-outs/${BOB}`);
  });

  test('rules: length, words, phrases, patterns', async () => {
    const before = await rules({
      max_text_length: 100,
      forbidden: [
        { pattern: 'casino', kind: 'word', reason: 'no gambling' },
        { pattern: 'free money', kind: 'phrase' },
        { pattern: '\\b\\d{4}[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{4}\\b', kind: 'regex', reason: 'no card numbers' },
      ],
    });
    assert.deepEqual(await daemon.ok('GET', `${TENANT}/guards`), before);
    const e = await refused({ to: BOB, text: 'the ＣＡＳＩＮＯ' }, 'forbidden_content');
    assert.match(e.detail, /no gambling/);
    assert.match((await refused({ to: BOB, text: '4111-1111-1111-1111' }, 'forbidden_content')).detail, /no card numbers/);
    await refused({ to: BOB, text: 'F\u200bree\n money' }, 'forbidden_content');
    await refused({ to: BOB, text: 'x'.repeat(101) }, 'text_too_long');
    await refused({ to: BOB, poll: { question: 'q', options: ['a', 'Casino'] } }, 'forbidden_content');
    await sent({ to: BOB, text: 'x'.repeat(100) });
    const costly = await daemon.call('PUT', `${TENANT}/guards`, { body: { forbidden: [{ pattern: '(a+)+$', kind: 'regex' }] } });
    assert.deepEqual([costly.status, costly.json.code, costly.json.errors[0].field], [422, 'pattern_too_costly', 'forbidden[0].pattern']);
    await rules({ max_text_length: null, forbidden: [] });
    await sent({ to: BOB, text: 'casino' });
  });

  test('one tenant knows nothing of another', async () => {
    await daemon.ok('PUT', '/v1/tenants/other', {});
    await daemon.ok('PUT', '/v1/tenants/other/opt-outs/5511933330000', { reason: 'asked' });
    const { key } = await daemon.ok('POST', '/v1/tenants/other/keys', { name: 'k' });
    const theirs = (where) => daemon.call('GET', where, { key });
    assert.equal((await theirs('/v1/tenants/other/opt-outs')).json.items.length, 1);
    assert.equal((await theirs(`${TENANT}/opt-outs`)).status, 404);
    assert.equal((await daemon.call('GET', `${TENANT}/opt-outs/5511933330000`)).status, 404);
    await daemon.ok('DELETE', '/v1/tenants/other');
    await daemon.ok('PUT', '/v1/tenants/other', {});
    assert.deepEqual((await daemon.ok('GET', '/v1/tenants/other/opt-outs')).items, [], 'gone with the tenant');
    await daemon.ok('DELETE', '/v1/tenants/other');
  });
});
