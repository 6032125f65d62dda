// People, conversations and groups on the real browser: who is who, what is kept of them, and what
// the API does with them at the far end.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, eventually, FarEnd, ME, Receiver, TEAM } from './harness.mjs';

const CAROL = '5511900000003';
const DAVE = '5511900000004';
const ZOE = '5511955550001';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

describe('people', () => {
  let farEnd, daemon, session, events;
  const api = (method, where, body) => daemon.call(method, `${session.path}${where}`, { body });
  const ok = (method, where, body) => daemon.ok(method, `${session.path}${where}`, body);
  const told = (type, fits, what) => events.find((e) => e.type === type && fits(e.data), what ?? type);
  const write = async (from, text) => {
    const { id } = await farEnd.post('/send', { from, to: ME, text });
    return (await told('message.received', (m) => m.id === id)).data;
  };

  before(async () => {
    farEnd = await FarEnd.start();
    await farEnd.post('/accounts', { phone: ZOE, name: 'Zoë Ávila', hidden_phone: true });
    await farEnd.post('/contact', { account: ME, phone: CAROL, name: 'Carol of Accounts', saved: true, about: 'numbers' });
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

  test('the address book of the account is there after the first ready', async () => {
    await daemon.waitLog((l) => l.event === 'people.refreshed', 'address book');
    const { items } = await ok('GET', '/contacts?q=carol');
    assert.equal(items.length, 1);
    assert.match(items[0].id, /^con_[0-9a-f]{20}$/);
    assert.equal(items[0].phone, CAROL);
    assert.equal(items[0].saved_name, 'Carol of Accounts');
    assert.equal(items[0].push_name, 'Carol');
    for (const q of ['ACC', 'carol of', CAROL.slice(3, 9), 'carol acc']) {
      const found = await ok('GET', `/contacts?q=${encodeURIComponent(q)}`);
      assert.ok(found.items.some((c) => c.phone === CAROL), `by ${q}`);
    }
    assert.deepEqual((await ok('GET', '/contacts?q=nobody')).items, []);
  });

  test('a hidden number that is learnt later: one person, one chat, one history, told once', async () => {
    const first = await write(ZOE, 'from nowhere');
    assert.equal(first.chat.phone, null);
    const id = first.chat.contact_id;
    assert.match(id, /^con_/);
    const queued = await session.send(ZOE, 'to your number');
    await told('message.status', (m) => m.id === queued.id && ['sent', 'delivered'].includes(m.status), 'sent to the number');
    await farEnd.post('/reveal', { account: ME, phone: ZOE });
    const identity = await told('contact.identity', (d) => d.now.phone === ZOE);
    assert.equal(identity.data.now.lid, first.chat.lid);
    assert.ok(identity.data.was.some((w) => w.contact_id === id));
    const second = await write(ZOE, 'now you know me');
    assert.equal(second.chat.phone, ZOE);
    assert.equal(second.chat.contact_id, identity.data.now.contact_id);
    const rows = (await ok('GET', '/chats?limit=100')).items.filter((c) => c.phone === ZOE || c.lid === first.chat.lid);
    assert.equal(rows.length, 1, JSON.stringify(rows));
    for (const name of [ZOE, `${ZOE}@c.us`, first.chat.lid, id, second.chat.contact_id]) {
      const texts = (await ok('GET', `/chats/${name}/messages`)).items.map((m) => m.text);
      assert.deepEqual(texts.sort(), ['from nowhere', 'now you know me', 'to your number'], name);
    }
    const identities = events.items.filter((e) => e.type === 'contact.identity' && e.data.now.phone === ZOE);
    assert.equal(identities.length, 1);
    assert.deepEqual((await ok('GET', '/contacts?q=avi')).items.map((c) => c.phone), [ZOE]);
  });

  test('what still waits for a webhook under the LID goes out before what follows under the number', async () => {
    const YURI = '5511955550002';
    await farEnd.post('/accounts', { phone: YURI, name: 'Yuri', hidden_phone: true });
    let open = false;   // until then the first message alone is not taken
    const receiver = await Receiver.start({ answer: ({ event }) => (open || event.data.text !== 'before' ? 200 : 503) });
    try {
      await daemon.ok('PUT', '/v1/tenants/default/webhooks/late', {
        url: receiver.url, events: ['message.received', 'contact.identity'], retry: { initial_delay_ms: 500, max_delay_ms: 500 },
      });
      const first = await write(YURI, 'before');
      await receiver.waitFor((e) => e.data.id === first.id, 'the first try');
      await farEnd.post('/reveal', { account: ME, phone: YURI });
      await told('contact.identity', (d) => d.now.phone === YURI);
      const second = await write(YURI, 'after');
      open = true;
      await receiver.waitFor((e, q) => e.data.id === second.id && q.status === 200, 'the last one');
      const taken = receiver.requests.filter((q) => q.status === 200).map((q) => q.event);
      const ours = taken.filter((e) => e.data.now?.phone === YURI || [first.id, second.id].includes(e.data.id));
      assert.deepEqual(ours.map((e) => e.data.text ?? e.type), ['before', 'contact.identity', 'after']);
    } finally {
      await daemon.call('DELETE', '/v1/tenants/default/webhooks/late');
      await receiver.close();
    }
  });

  test('a contact id is an address', async () => {
    const carol = (await ok('GET', '/contacts?q=carol')).items[0];
    const sent = await session.send(carol.id, 'by our own id');
    await told('message.status', (m) => m.id === sent.id && m.status === 'delivered');
    assert.ok((await farEnd.received(ME)).some((m) => m.id === sent.id && m.to === CAROL));
    const nobody = await api('POST', '/messages', { to: 'con_00000000000000000000', text: 'x' });
    assert.equal(nobody.status, 404);
    assert.equal(nobody.json.code, 'unknown_contact');
  });

  test('one contact, with what it says of itself, and by every name', async () => {
    const carol = (await ok('GET', '/contacts?q=carol')).items[0];
    for (const name of [carol.id, CAROL, carol.lid]) {
      const one = await ok('GET', `/contacts/${name}`);
      assert.equal(one.id, carol.id);
      assert.equal(one.about, 'numbers');
    }
    const missing = await api('GET', '/contacts/5511912345678');
    assert.equal(missing.status, 404);
    assert.equal(missing.json.code, 'unknown_contact');
  });

  test('a picture comes through the page, byte for byte; none is a 404', async () => {
    assert.equal((await api('GET', `/contacts/${CAROL}/picture`)).json.code, 'no_picture');
    await farEnd.post('/picture', { phone: CAROL, data_base64: PNG });
    for (let turn = 0; turn < 2; turn += 1) {
      const picture = await daemon.call('GET', `${session.path}/contacts/${CAROL}/picture`, { raw: true });
      assert.equal(picture.status, 200, picture.text);
      assert.equal(picture.bytes.toString('base64'), PNG);
      assert.equal(picture.type, 'image/png');
    }
    await farEnd.post('/picture', { phone: CAROL, data_base64: Buffer.from('no picture at all').toString('base64') });
    const other = await daemon.call('GET', `${session.path}/contacts/${CAROL}/picture`, { raw: true });
    assert.deepEqual([other.status, other.type], [200, 'application/octet-stream']);
    await farEnd.post('/picture', { phone: CAROL, data_base64: null });
    assert.equal((await api('GET', `/contacts/${CAROL}/picture`)).status, 404);
  });

  test('numbers are checked in groups and remembered', async () => {
    const phones = [ALICE, '+55 (11) 90000-0002', '5511911112222', 'not a number', ...Array.from({ length: 21 }, (_, n) => `551192222${1000 + n}`)];
    const { items } = await ok('POST', '/contacts/check', { phones });
    assert.equal(items.length, phones.length);
    assert.deepEqual(items.slice(0, 4).map((i) => [i.phone, i.exists]), [[ALICE, true], [BOB, true], ['5511911112222', false], [null, null]]);
    assert.equal(items[3].error.code, 'invalid_phone');
    assert.equal(items[0].chat.phone, ALICE);
    assert.equal(items[0].cached, false);
    assert.equal(items.filter((i) => i.exists === false).length, 22);
    const again = await ok('POST', '/contacts/check', { phones: [ALICE, '5511911112222'] });
    assert.deepEqual(again.items.map((i) => [i.exists, i.cached]), [[true, true], [false, true]]);
    assert.equal((await api('POST', '/contacts/check', { phones: [] })).status, 422);
    assert.equal((await api('POST', '/contacts/check', { phones: Array(101).fill(ALICE) })).status, 422);
    const number = await api('POST', '/contacts/check', { phones: [ALICE, 5511900000002] });
    assert.deepEqual([number.status, number.json.errors[0].field], [422, 'phones[1]']);
  });

  test('blocked and unblocked at the far end', async () => {
    await write(DAVE, 'hello');
    const blocked = await ok('PUT', `/contacts/${DAVE}/block`);
    assert.equal(blocked.blocked, true);
    assert.deepEqual((await farEnd.get(`/blocked?account=${ME}`)).items, [DAVE]);
    assert.equal((await ok('GET', `/chats/${DAVE}`)).blocked, true);
    assert.equal((await ok('DELETE', `/contacts/${DAVE}/block`)).blocked, false);
    assert.deepEqual((await farEnd.get(`/blocked?account=${ME}`)).items, []);
    assert.equal((await ok('PATCH', `/chats/${DAVE}`, { blocked: true })).blocked, true);
    assert.deepEqual((await farEnd.get(`/blocked?account=${ME}`)).items, [DAVE]);
    await farEnd.post('/block', { account: ME, phone: DAVE, blocked: false });
    await told('chat.updated', (d) => d.chat.phone === DAVE && d.chat.blocked === false);
  });

  test('a conversation has a state, an assignee, tags; a message opens it again', async () => {
    await write(BOB, 'first');
    const chat = await ok('PATCH', `/chats/${BOB}`, { state: 'closed', assignee: 'ana', tags: ['vip', 'late'], metadata: { ticket: 7 } });
    assert.deepEqual([chat.state, chat.assignee, chat.tags, chat.metadata], ['closed', 'ana', ['vip', 'late'], { ticket: 7 }]);
    await told('chat.updated', (d) => d.chat.phone === BOB && d.chat.state === 'closed');
    const found = async (query) => (await ok('GET', `/chats?${query}`)).items.map((c) => c.phone);
    assert.deepEqual(await found('state=closed'), [BOB]);
    assert.deepEqual(await found('tag=vip'), [BOB]);
    assert.deepEqual(await found('assignee=ana&q=bo'), [BOB]);
    assert.deepEqual(await found('tag=none'), []);
    await write(BOB, 'again');
    await told('chat.updated', (d) => d.chat.phone === BOB && d.chat.state === 'open', 'the chat open again');
    // the page counts what is unread, and tells it apart from the message
    const now = await eventually('both unread', async () => {
      const one = await ok('GET', `/chats/${BOB}`);
      return one.unread_count === 2 && one;
    });
    assert.deepEqual([now.state, now.unread_count, now.last_message.text, now.assignee], ['open', 2, 'again', 'ana']);
    assert.ok((await found('unread=true')).includes(BOB));
    assert.ok(!(await found('unread=false')).includes(BOB));
    for (const wrong of [{ state: 'asleep' }, { tags: Array(21).fill('x') }, { pinned: 1 }, { muted_until: '2001-01-01T00:00:00Z' }, { colour: 1 }]) {
      assert.equal((await api('PATCH', `/chats/${BOB}`, wrong)).status, 422, JSON.stringify(wrong));
    }
    assert.equal((await api('PATCH', '/chats/5511912345678', { state: 'open' })).json.code, 'unknown_chat');
  });

  test('what is WhatsApp’s is done there, and what the phone does shows here', async () => {
    const until = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000);
    const chat = await ok('PATCH', `/chats/${BOB}`, { pinned: true, archived: true, muted_until: until.toISOString(), unread: false });
    assert.deepEqual([chat.pinned, chat.archived, chat.muted_until, chat.unread_count], [true, true, until.toISOString(), 0]);
    await farEnd.wait('chat', { account: ME, chat: BOB, archived: true, pinned: true, muted_until: until.getTime() / 1000, unread: 0 });
    await farEnd.post('/chat-set', { account: ME, chat: BOB, archived: false, pinned: false, muted_until: 0 });
    await told('chat.updated', (d) => d.chat.phone === BOB && !d.chat.archived && !d.chat.pinned && d.chat.muted_until === null);
    await farEnd.post('/send', { from: BOB, to: ME, text: 'unread' });
    await told('message.received', (m) => m.text === 'unread');
    await farEnd.post('/chat-set', { account: ME, chat: BOB, unread: false });
    await told('chat.updated', (d) => d.chat.phone === BOB && d.chat.last_message.text === 'unread' && d.chat.unread_count === 0);
    assert.equal((await ok('PATCH', `/chats/${BOB}`, { unread: true })).unread_count, 1);
    await farEnd.wait('chat', { account: ME, chat: BOB, unread: -1 });
    assert.equal((await ok('PATCH', `/chats/${BOB}`, { unread: false })).unread_count, 0);
    await farEnd.wait('chat', { account: ME, chat: BOB, unread: 0 });
  });

  test('internal notes', async () => {
    const note = await ok('POST', `/chats/${BOB}/notes`, { text: 'call him back' });
    assert.match(note.id, /^note_/);
    assert.ok(note.author);
    await told('chat.note', (d) => d.action === 'added' && d.note.id === note.id && d.chat.phone === BOB);
    await ok('POST', `/chats/${BOB}@c.us/notes`, { text: 'he called' });
    const contact = (await ok('GET', `/chats/${BOB}`)).contact_id;
    assert.deepEqual((await ok('GET', `/chats/${contact}/notes`)).items.map((n) => n.text), ['call him back', 'he called']);
    assert.equal((await api('DELETE', `/chats/${BOB}/notes/${note.id}`)).status, 204);
    await told('chat.note', (d) => d.action === 'deleted' && d.note.id === note.id);
    assert.equal((await api('DELETE', `/chats/${BOB}/notes/${note.id}`)).json.code, 'unknown_note');
    assert.equal((await ok('GET', `/chats/${BOB}/notes`)).items.length, 1);
    assert.equal((await api('POST', `/chats/${BOB}/notes`, { text: 'x'.repeat(4001) })).status, 422);
    const nobody = await api('POST', '/chats/5511955554444/notes', { text: 'who?' });
    assert.deepEqual([nobody.status, nobody.json.code], [404, 'unknown_chat']);
  });

  test('groups: listed, made, changed, left', async () => {
    const { items } = await ok('GET', '/groups');
    const team = items.find((g) => g.id === TEAM);
    assert.equal(team.name, 'Team');
    const detail = await ok('GET', `/groups/${TEAM}`);
    assert.deepEqual(detail.participants.map((p) => p.phone).sort(), [ALICE, BOB, ME].sort());
    assert.equal(detail.participants.find((p) => p.phone === ME).super_admin, true);
    assert.match(detail.participants.find((p) => p.phone === BOB).contact_id, /^con_/);

    const made = await ok('POST', '/groups', { name: 'Invoices', participants: [ALICE, CAROL, '5511912345678'] });
    assert.deepEqual(made.failed.map((f) => [f.person.phone, f.code]), [['5511912345678', 'not_on_whatsapp']]);
    const id = made.group.id;
    const truth = () => farEnd.get(`/group?id=${id}`);
    assert.deepEqual((await truth()).members.map((m) => m.phone).sort(), [ALICE, CAROL, ME].sort());

    const changed = await ok('PATCH', `/groups/${id}`, { name: 'Invoices 2026', description: 'all of them', announce: true, locked: true });
    assert.deepEqual([changed.name, changed.description, changed.announce, changed.locked], ['Invoices 2026', 'all of them', true, true]);
    assert.deepEqual(await truth().then((g) => [g.subject, g.description, g.announce, g.locked]), ['Invoices 2026', 'all of them', true, true]);

    const { results } = await ok('POST', `/groups/${id}/participants`, { add: [BOB, '5511912345678'], remove: [CAROL, DAVE], promote: [ALICE] });
    assert.deepEqual(results.map((r) => [r.action, r.person.phone, r.ok]), [
      ['add', BOB, true], ['add', '5511912345678', false], ['remove', CAROL, true], ['remove', DAVE, false], ['promote', ALICE, true],
    ]);
    const members = (await truth()).members;
    assert.deepEqual(members.map((m) => m.phone).sort(), [ALICE, BOB, ME].sort());
    assert.equal(members.find((m) => m.phone === ALICE).admin, true);

    const { link } = await ok('GET', `/groups/${id}/invite-link`);
    assert.equal(link, `https://chat.whatsapp.com/${(await truth()).invite}`);
    const renewed = await ok('POST', `/groups/${id}/invite-link`);
    assert.notEqual(renewed.link, link);
    assert.equal(renewed.link, `https://chat.whatsapp.com/${(await truth()).invite}`);

    assert.equal((await api('POST', `/groups/${id}/leave`)).status, 204);
    assert.ok(!(await truth()).members.some((m) => m.phone === ME));
    assert.equal((await api('GET', `/groups/${id}`)).json.code, 'unknown_group');
    assert.equal((await api('PATCH', `/groups/${id}`, { name: 'x' })).json.code, 'unknown_group');
  });

  test('a group that is changed by others is another one here too', async () => {
    await farEnd.post('/group-change', { group: TEAM, by: ME, action: 'promote', participants: [ALICE] });
    await farEnd.post('/group-change', { group: TEAM, by: ALICE, action: 'subject', value: 'Team of Alice' });
    await told('group.changed', (d) => d.chat.id === TEAM && d.kind === 'subject');
    const team = await ok('GET', `/groups/${TEAM}`);
    assert.equal(team.name, 'Team of Alice');
    await farEnd.post('/group-change', { group: TEAM, by: ALICE, action: 'demote', participants: [ME] });
    await told('group.changed', (d) => d.chat.id === TEAM && d.kind === 'demote');
    for (const [method, where, body] of [
      ['PATCH', `/groups/${TEAM}`, { locked: true }],
      ['POST', `/groups/${TEAM}/participants`, { remove: [BOB] }],
      ['GET', `/groups/${TEAM}/invite-link`],
    ]) {
      const answer = await api(method, where, body);
      assert.equal(answer.status, 409, `${method} ${where}: ${answer.text}`);
      assert.equal(answer.json.code, 'not_group_admin');
    }
    for (const wrong of [{ add: [] }, { add: ['nobody'] }, {}, { expel: [BOB] }]) {
      assert.equal((await api('POST', `/groups/${TEAM}/participants`, wrong)).status, 422, JSON.stringify(wrong));
    }
  });

  test('a page that is too slow: what is asked of it says so, what is stored is given', async () => {
    const pid = daemon.browserPids()[0];
    assert.ok(pid > 0);
    process.kill(pid, 'SIGSTOP');
    try {
      const one = await ok('GET', `/contacts/${CAROL}`);
      assert.equal(one.about, 'numbers');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await session.until('ready');
  });

  test('not ready: what is stored is given, what is WhatsApp’s is refused', async () => {
    await session.act('stop');
    await session.until('stopped');
    for (const [method, where, body] of [
      ['PATCH', `/chats/${BOB}`, { pinned: true }],
      ['PUT', `/contacts/${BOB}/block`],
      ['POST', '/contacts/check', { phones: ['5511933334444'] }],
      ['POST', '/groups', { name: 'x', participants: [BOB] }],
      ['GET', `/groups/${TEAM}/invite-link`],
      ['GET', `/contacts/${BOB}/picture`],
    ]) {
      const answer = await api(method, where, body);
      assert.equal(answer.status, 409, `${method} ${where}: ${answer.text}`);
      assert.equal(answer.json.code, 'session_not_ready');
    }
    assert.equal((await ok('PATCH', `/chats/${BOB}`, { state: 'closed' })).state, 'closed');
    assert.equal((await ok('GET', `/contacts/${CAROL}`)).about, 'numbers');
    assert.ok((await ok('GET', `/groups/${TEAM}`)).participants.length > 0);
    assert.deepEqual((await ok('POST', '/contacts/check', { phones: [ALICE] })).items.map((i) => i.cached), [true]);
  });
});
