// wa-js, unmodified: persons, groups and the settings of chats, changed here and elsewhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ALICE, BOB, CAROL, launch, LID, ME, OTHER, PNG, startFarEnd, TEAM, WaJs } from './support.mjs';

const DAVE = '5511900000004';
let far, phone, browser, me;

before(async () => {
  far = await startFarEnd();
  phone = far.phone;
  browser = await launch(far);
  me = await WaJs.open(browser);
  await me.link(phone, ME);
});

after(async () => {
  await browser?.close();
  await far?.close();
});

const truth = (id) => phone.get(`/group?id=${id}`);
const memberPhones = async (id) => (await truth(id)).members.map((m) => m.phone);
const notice = (subtype, passes = () => true) =>
  me.next('chat.new_message', (m) => m.type === 'gp2' && m.subtype === subtype && passes(m));
const chatNow = async (target) => (await phone.get(`/chats?account=${ME}`)).items.find((c) => c.id === target);

// What the page has of a group, by the library.
const groupHere = (id) =>
  me.evaluate(async (gid) => {
    const chat = await WPP.chat.find(gid);
    const { subject, desc, announce, restrict, participants } = chat.groupMetadata;
    return {
      subject, desc, announce, restrict, name: chat.name, readOnly: chat.isReadOnly,
      members: participants.map((p) => String(p.id)).sort(),
      admins: participants.filter((p) => p.isAdmin).map((p) => String(p.id)).sort(),
    };
  }, id);

// ---- groups, by the library ----

test('a group is made, without those who may not be added', async () => {
  await phone.post('/knobs', { account: DAVE, group_add_code: 403 });
  const made = await me.call('group.create', 'Plans', [`${ALICE}@c.us`, `${DAVE}@c.us`]);
  const codes = Object.values(made.participants).map((p) => [p.wid, p.code, typeof p.invite_code]);
  assert.deepEqual(codes.sort(), [[LID[ALICE], 200, 'object'], ['10000000000004@lid', 403, 'string']].sort());
  assert.deepEqual(await memberPhones(made.gid), [ME, ALICE]);
  assert.equal(await me.evaluate((id) => WPP.group.iAmAdmin(id), made.gid), true);
  assert.equal((await notice('create')).body, 'Plans');
  const all = await me.evaluate(async () => (await WPP.group.getAllGroups()).map((chat) => String(chat.id)));
  assert.deepEqual(all.sort(), [TEAM, made.gid].sort());
});

test('members are added, made admins and removed', async () => {
  const added = await me.call('group.addParticipants', TEAM, [`${CAROL}@c.us`, `${DAVE}@c.us`]);
  assert.deepEqual(Object.values(added).map(({ wid, code }) => [wid, code]), [[LID[CAROL], 200], ['10000000000004@lid', 403]]);
  assert.deepEqual(await memberPhones(TEAM), [ME, ALICE, BOB, CAROL]);
  assert.deepEqual((await notice('add', (m) => m.chat === TEAM)).recipients, [LID[CAROL]]);
  await me.next('group.participant_changed', (e) => e.groupId === TEAM && e.action === 'add');
  await me.call('group.promoteParticipants', TEAM, `${CAROL}@c.us`);
  await notice('promote');
  assert.ok((await groupHere(TEAM)).admins.includes(LID[CAROL]));
  await me.call('group.demoteParticipants', TEAM, LID[CAROL]);
  await notice('demote');
  assert.deepEqual((await groupHere(TEAM)).admins, [LID[ME]]);
  await me.call('group.removeParticipants', TEAM, `${CAROL}@c.us`);
  await notice('remove');
  assert.deepEqual(await memberPhones(TEAM), [ME, ALICE, BOB]);
  assert.equal((await groupHere(TEAM)).members.includes(LID[CAROL]), false);
});

test('subject, description, settings and the invite are changed', async () => {
  await me.call('group.setSubject', TEAM, 'The Team');
  await me.call('group.setDescription', TEAM, 'what we do');
  await me.call('group.setProperty', TEAM, 'announcement', true);
  await me.call('group.setProperty', TEAM, 'restrict', true);
  const { subject, description, announce, locked, invite } = await truth(TEAM);
  assert.deepEqual([subject, description, announce, locked], ['The Team', 'what we do', true, true]);
  assert.equal(await me.call('group.getInviteCode', TEAM), invite);
  const fresh = await me.call('group.revokeInviteCode', TEAM);
  assert.notEqual(fresh, invite);
  assert.equal((await truth(TEAM)).invite, fresh);
  assert.equal((await me.call('group.getGroupInfoFromInviteCode', fresh)).subject, 'The Team');
  await me.call('group.setProperty', TEAM, 'announcement', false);
  await me.call('group.setProperty', TEAM, 'restrict', false);
  assert.equal((await truth(TEAM)).locked, false);
});

test('what is no right of a member is refused', async () => {
  const { id } = await phone.post('/groups', { subject: 'Theirs', owner: ALICE, members: [ME, BOB] });
  await notice('create', (m) => m.chat === id);
  await assert.rejects(me.call('group.removeParticipants', id, `${BOB}@c.us`), /group_you_are_not_admin/);
  await phone.post('/group-change', { group: id, by: ALICE, action: 'locked', value: true });
  await notice('restrict', (m) => m.chat === id);
  await assert.rejects(me.call('group.setSubject', id, 'Mine'), /not_allowed/);
  assert.equal((await truth(id)).subject, 'Theirs');
});

test('a group is left', async () => {
  const { id } = await phone.post('/groups', { subject: 'Short', owner: ALICE, members: [ME] });
  await notice('create', (m) => m.chat === id);
  await me.call('group.leave', id);
  assert.deepEqual(await memberPhones(id), [ALICE]);
  await notice('leave', (m) => m.chat === id);
  assert.equal((await groupHere(id)).readOnly, true);
});

// ---- groups, by others ----

test('changes by others arrive as notices, and the group is as they left it', async () => {
  const { id } = await phone.post('/groups', { subject: 'Theirs too', owner: ALICE, members: [ME] });
  await notice('create', (m) => m.chat === id);
  const change = (action, rest) => phone.post('/group-change', { group: id, by: ALICE, action, ...rest });
  await change('subject', { value: 'Renamed' });
  await change('description', { value: 'words' });
  await change('add', { participants: [BOB] });
  await change('promote', { participants: [BOB] });
  await change('announce', { value: true });
  const last = await notice('announce', (m) => m.chat === id);
  assert.deepEqual([last.author, last.body, last.fromMe], [LID[ALICE], 'on', false]);
  const here = await groupHere(id);
  assert.deepEqual([here.subject, here.name, here.desc, here.announce], ['Renamed', 'Renamed', 'words', true]);
  assert.deepEqual(here.members, [LID[ALICE], LID[BOB], LID[ME]].sort());
  assert.deepEqual(here.admins, [LID[ALICE], LID[BOB]].sort());
  assert.equal((await chatNow(id)).unread, 0);
  const { items } = await phone.get(`/history?account=${ME}&chat=${id}`);
  assert.deepEqual(items.map((m) => m.subtype), ['create', 'subject', 'description', 'add', 'promote', 'announce']);
});

test('removed from a group: it stays, read only, and nothing more comes', async () => {
  const { id } = await phone.post('/groups', { subject: 'Gone', owner: ALICE, members: [ME, BOB] });
  await notice('create', (m) => m.chat === id);
  await phone.post('/group-change', { group: id, by: ALICE, action: 'remove', participants: [ME] });
  assert.deepEqual((await notice('remove', (m) => m.chat === id)).recipients, [LID[ME]]);
  await phone.post('/send', { from: ALICE, to: id, text: 'without you' });
  const { id: marker } = await phone.post('/send', { from: ALICE, to: ME, text: 'marker' });
  await me.next('chat.new_message', (m) => m.stanza === marker);
  assert.equal(me.of('chat.new_message').some((m) => m.body === 'without you'), false);
  const here = await groupHere(id);
  assert.deepEqual([here.readOnly, here.members.includes(LID[ME])], [true, false]);
  const sent = await me.call('chat.sendTextMessage', id, 'may I?', { waitForAck: true });
  assert.equal(sent.sendMsgResult.messageSendResult, 'ERROR_UNKNOWN');
  assert.equal((await phone.get(`/received?account=${ME}`)).items.some((m) => m.text === 'may I?'), false);
});

// ---- persons ----

const contactHere = (id) =>
  me.evaluate(async (jid) => {
    const c = await WPP.contact.get(jid);
    return c && { name: c.name ?? null, pushname: c.pushname, mine: c.isMyContact, number: c.phoneNumber && String(c.phoneNumber) };
  }, id);

test('a contact is saved and renamed on the phone', async () => {
  await phone.post('/contact', { account: ME, phone: CAROL, name: 'Carol of Sales' });
  await me.until((id) => WPP.whatsapp.ContactStore.get(id)?.name === 'Carol of Sales', LID[CAROL]);
  assert.deepEqual(await contactHere(`${CAROL}@c.us`), { name: 'Carol of Sales', pushname: 'Carol', mine: true });
  await phone.post('/accounts', { phone: CAROL, name: 'Caroline' });
  await me.until((id) => WPP.whatsapp.ContactStore.get(id)?.pushname === 'Caroline', LID[CAROL]);
  assert.equal((await contactHere(LID[CAROL])).name, 'Carol of Sales');
  await phone.post('/contact', { account: ME, phone: CAROL, saved: false });
  await me.until((id) => WPP.whatsapp.ContactStore.get(id)?.name === undefined, LID[CAROL]);
});

test('about, business profile and picture are found when asked for', async () => {
  const business = { description: 'We sell', email: 'a@example.com' };
  await phone.post('/contact', { account: ME, phone: BOB, about: 'at work', business });
  assert.equal(await me.call('contact.getStatus', `${BOB}@c.us`), 'at work');
  assert.equal((await me.call('contact.getBusinessProfile', `${BOB}@c.us`)).description, 'We sell');
  assert.equal(await me.call('contact.getBusinessProfile', `${CAROL}@c.us`), null);
  assert.equal(await me.call('contact.getProfilePictureUrl', LID[BOB]), null);

  await phone.post('/picture', { phone: BOB, data_base64: PNG });
  await me.until((id) => WPP.whatsapp.ProfilePicThumbStore.get(id)?.imgFull, LID[BOB]);
  const bytes = await me.evaluate(async (id) => {
    const response = await fetch(await WPP.contact.getProfilePictureUrl(id));
    return WPP.util.blobToBase64(await response.blob());
  }, LID[BOB]);
  assert.equal(bytes.split(',')[1], PNG);
  await phone.post('/picture', { phone: BOB, data_base64: null });
  await me.until((id) => !WPP.whatsapp.ProfilePicThumbStore.get(id).imgFull, LID[BOB]);
});

test('many numbers are asked about, and an answer can take its time', async () => {
  await phone.post('/knobs', { exists_delay_ms: 50 });
  const numbers = Array.from({ length: 20 }, (_, i) => `55119777000${10 + i}`);
  for (const number of numbers.slice(0, 10)) await phone.post('/accounts', { phone: number, name: `P${number}` });
  const found = await me.evaluate(
    async (list) => Promise.all(list.map(async (n) => String((await WPP.contact.queryExists(`${n}@c.us`))?.wid ?? null))),
    numbers,
  );
  assert.deepEqual(found, numbers.map((n, i) => (i < 10 ? `${n}@c.us` : 'null')));
  await phone.post('/knobs', { exists_delay_ms: 0 });
});

test('blocking keeps messages out', async () => {
  await me.call('blocklist.blockContact', `${BOB}@c.us`);
  assert.deepEqual(await phone.get(`/blocked?account=${ME}`), { items: [BOB] });
  assert.deepEqual(await me.evaluate(() => WPP.blocklist.all().map(String)), [LID[BOB]]);
  await phone.post('/send', { from: BOB, to: ME, text: 'let me in' });
  await me.call('blocklist.unblockContact', LID[BOB]);
  const { id } = await phone.post('/send', { from: BOB, to: ME, text: 'thanks' });
  await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(me.of('chat.new_message').some((m) => m.body === 'let me in'), false);
  await phone.post('/block', { account: ME, phone: BOB });
  await me.until((id) => WPP.blocklist.isBlocked(id), LID[BOB]);
  await phone.post('/block', { account: ME, phone: BOB, blocked: false });
  await me.until((id) => !WPP.blocklist.isBlocked(id), LID[BOB]);
});

// ---- persons known by LID only ----

const HIDDEN = '5511933330001';
const HIDDEN_LID = '10000000000077@lid';
const numberHere = (id) => me.evaluate((lid) => String(WPP.whatsapp.lidPnCache.getPhoneNumber(WPP.whatsapp.WidFactory.createWid(lid)) ?? null), id);

test('somebody who hides the number is known by LID until the number is learnt', async () => {
  await phone.post('/accounts', { phone: HIDDEN, name: 'Hidden', lid: HIDDEN_LID.split('@')[0], hidden_phone: true });
  const { id } = await phone.post('/send', { from: HIDDEN, to: ME, text: 'guess who' });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.deepEqual([message.chat, message.notifyName], [HIDDEN_LID, 'Hidden']);
  assert.equal(await numberHere(HIDDEN_LID), 'null');
  assert.equal((await me.call('contact.getPnLidEntry', HIDDEN_LID)).phoneNumber, undefined);
  assert.deepEqual(await contactHere(HIDDEN_LID), { name: null, pushname: 'Hidden', mine: false });
  await me.call('chat.sendTextMessage', HIDDEN_LID, 'no idea');
  await phone.wait('inbox', { account: HIDDEN });

  await me.evaluate((lid) => {
    WPP.whatsapp.ContactStore.on('change:phoneNumber', (contact, number) => {
      if (String(contact.id) === lid) window.simulatorEvent('learnt', String(number));
    });
  }, HIDDEN_LID);
  await phone.post('/reveal', { account: ME, phone: HIDDEN });
  assert.equal(await me.next('learnt'), `${HIDDEN}@c.us`);
  assert.equal(await numberHere(HIDDEN_LID), `${HIDDEN}@c.us`);
  const entry = await me.call('contact.getPnLidEntry', `${HIDDEN}@c.us`);
  assert.deepEqual([entry.lid._serialized, entry.phoneNumber._serialized], [HIDDEN_LID, `${HIDDEN}@c.us`]);
  const { id: second } = await phone.post('/send', { from: HIDDEN, to: ME, text: 'me' });
  assert.equal((await me.next('chat.new_message', (m) => m.stanza === second)).chat, HIDDEN_LID);
});

test('writing to a hidden number finds the chat that is there under the LID', async () => {
  const [number, lid] = ['5511933330002', '10000000000078'];
  await phone.post('/accounts', { phone: number, name: 'Hidden Too', lid, hidden_phone: true });
  const { id } = await phone.post('/send', { from: number, to: ME, text: 'hi' });
  await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(await me.evaluate(async (n) => String((await WPP.chat.find(n)).id), `${number}@c.us`), `${lid}@lid`);
  assert.equal(await numberHere(`${lid}@lid`), `${number}@c.us`);
});

test('in a group, a hidden member has a LID only', async () => {
  const number = '5511933330003';
  await phone.post('/accounts', { phone: number, name: 'Third', lid: '10000000000079', hidden_phone: true });
  const { id } = await phone.post('/groups', { subject: 'With hidden', owner: ALICE, members: [ME, number] });
  await notice('create', (m) => m.chat === id);
  assert.ok((await groupHere(id)).members.includes('10000000000079@lid'));
  assert.equal(await numberHere('10000000000079@lid'), 'null');
});

test('an account without LIDs keeps such a chat under the LID, whatever it learns', async () => {
  const [number, lid] = ['5511933330004', '10000000000080'];
  await phone.post('/accounts', { phone: number, name: 'Fourth', lid, hidden_phone: true });
  const context = await browser.createBrowserContext();
  const other = await WaJs.open(context);
  await other.link(phone, OTHER);
  const first = await phone.post('/send', { from: number, to: OTHER, text: 'one' });
  assert.equal((await other.next('chat.new_message', (m) => m.stanza === first.id)).chat, `${lid}@lid`);
  await phone.post('/reveal', { account: OTHER, phone: number });
  await other.until((id) => WPP.whatsapp.ContactStore.get(id)?.phoneNumber, `${lid}@lid`);
  assert.equal(await other.evaluate(async (n) => String((await WPP.chat.find(n)).id), `${number}@c.us`), `${lid}@lid`);
  const second = await phone.post('/send', { from: number, to: OTHER, text: 'two' });
  assert.equal((await other.next('chat.new_message', (m) => m.stanza === second.id)).chat, `${lid}@lid`);
  await context.close();
});

// ---- chats ----

test('a chat is archived, pinned, muted and marked unread here', async () => {
  await phone.post('/send', { from: ALICE, to: ME, text: 'hello' });
  await me.next('chat.new_message', (m) => m.body === 'hello');
  await me.call('chat.markIsRead', LID[ALICE]);
  await me.call('chat.archive', LID[ALICE]);
  await me.call('chat.pin', LID[ALICE]);
  const until = Math.floor(Date.now() / 1000) + 3600;
  assert.equal((await me.call('chat.mute', LID[ALICE], { expiration: until })).isMuted, true);
  await me.call('chat.markIsUnread', LID[ALICE]);
  await phone.wait('chat', { account: ME, chat: ALICE, archived: true });
  const { archived, pinned, muted_until, unread } = await chatNow(LID[ALICE]);
  assert.deepEqual([archived, pinned, muted_until, unread], [true, true, until, -1]);
  await me.call('chat.unarchive', LID[ALICE]);
  await me.call('chat.unmute', LID[ALICE]);
  await me.call('chat.markIsRead', LID[ALICE]);
  await phone.wait('chat', { account: ME, chat: ALICE, archived: false, muted_until: 0, unread: 0 });
});

test('a chat is set on the phone, and unread counts are right', async () => {
  await phone.post('/chat-set', { account: ME, chat: ALICE, archived: true, pinned: true, muted_until: -1, unread: true });
  await me.until((id) => {
    const chat = WPP.chat.get(id);
    return chat.archive && chat.pin > 0 && chat.mute.isMuted && chat.unreadCount === -1;
  }, LID[ALICE]);
  await phone.post('/chat-set', { account: ME, chat: ALICE, archived: false, pinned: false, muted_until: 0, unread: false });
  await me.until((id) => {
    const chat = WPP.chat.get(id);
    return !chat.archive && !chat.pin && !chat.mute.isMuted && chat.unreadCount === 0;
  }, LID[ALICE]);
  const { ids } = await phone.post('/send-batch', { messages: ['a', 'b'].map((text) => ({ from: ALICE, to: ME, text })) });
  await me.next('chat.new_message', (m) => m.stanza === ids[1]);
  assert.equal(await me.evaluate((id) => WPP.chat.get(id).unreadCount, LID[ALICE]), 2);
  assert.equal(await me.evaluate(async () => String((await WPP.chat.list())[0].id)), LID[ALICE]);
  const { unread, last_id, count } = await chatNow(LID[ALICE]);
  assert.equal(unread, 2);
  assert.equal(last_id, ids[1]);
  assert.equal(count, (await phone.get(`/history?account=${ME}&chat=${ALICE}`)).items.length);
});

test('nothing went wrong in the page unnoticed', () => {
  assert.deepEqual(me.of('pageerror'), []);
  assert.deepEqual(me.of('console').filter((text) => /not found|not a function/.test(text)), []);
});
