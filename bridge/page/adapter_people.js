// Part of the injected adapter: people, chats and groups. Adds its operations to OPS and what they
// need to NEEDS (adapter_ops.js). Their shapes: bridge/session/channel_ops.h.
//
// What changes something looks at how it is first: asked twice, the second time does nothing.

Object.assign(NEEDS, {
  contacts: ['whatsapp.ContactStore.getModelsArray'],
  check: ['whatsapp.functions.queryWidExists'],
  about: ['contact.getStatus', 'contact.getBusinessProfile'],
  picture: ['whatsapp.ProfilePicThumbStore.find'],
  block: ['blocklist.blockContact', 'blocklist.unblockContact', 'blocklist.isBlocked'],
  chat_settings: ['chat.archive', 'chat.pin', 'chat.mute', 'chat.unmute', 'chat.markIsUnread', 'chat.markIsRead'],
  groups: ['whatsapp.GroupMetadataStore.find', 'whatsapp.ChatStore.getModelsArray'],
  group_create: ['group.create'],
  group_change: [
    'group.setSubject', 'group.setDescription', 'group.setProperty', 'group.addParticipants', 'group.removeParticipants',
    'group.promoteParticipants', 'group.demoteParticipants', 'group.leave',
  ],
  group_invite: ['group.getInviteCode', 'group.revokeInviteCode'],
});

const PAGE_MAX = 500;                // items of a list in one answer
const PICTURE_BYTES = 384 * 1024;
const PICTURE_MS = 10_000;
const SEEN_MS = 3000;
const PARTICIPANTS_MAX = 2048;
const ABOUT_MAX = 1024;

// ---- people ----

const isBlocked = (id) => {
  const other = id.endsWith('@lid') ? phoneOf(id) && `${phoneOf(id)}@c.us` : lidOf(id);
  return [id, other].some((one) => one && !!quietly(() => WPP.blocklist.isBlocked(one)));
};

function contactView(contact) {
  const id = jid(contact.id);
  return {
    ...peer(id),
    saved: Number(contact.isAddressBookContact) === 1,
    business: !!contact.isBusiness,
    blocked: contact.isContactBlocked === true || isBlocked(id),
    push_name: text(contact.pushname, NAME_MAX),
  };
}

// The page keeps everybody under number and LID: the LID is left out where the number is there too.
function contactIds() {
  const mine = new Set([myPhone(), myLid()]);
  const ids = new Set(WPP.whatsapp.ContactStore.getModelsArray().map(({ id }) => jid(id)));
  const once = [...ids].filter((id) => {
    if (mine.has(id) || !/@(c\.us|lid)$/.test(id)) return false;
    const phone = id.endsWith('@lid') ? phoneOf(id) : '';
    return phone === '' || !ids.has(`${phone}@c.us`);
  });
  return once.sort();
}

let listed = null;   // the ids of a walk under way: what comes meanwhile is told by itself

// Cursors name the last id, so that a page that was loaded again goes on where it was.
function contactsList({ cursor, limit }) {
  need('contacts');
  if (!cursor || listed === null) listed = contactIds();
  const from = cursor ? listed.findIndex((id) => id > cursor) : 0;
  const ids = from < 0 ? [] : listed.slice(from, from + Math.min(limit, PAGE_MAX));
  const done = from < 0 || from + ids.length >= listed.length;
  if (done) listed = null;
  const models = ids.map((id) => quietly(() => WPP.whatsapp.ContactStore.get(id)));
  const items = models.map((model) => model && quietly(() => contactView(model))).filter(Boolean);
  return { items, next: done ? '' : ids.at(-1) };
}

async function checkOne(phone) {
  const id = `${phone}@c.us`;
  const answer = await WPP.whatsapp.functions.queryWidExists(wid(id));
  if (!answer) return { phone, exists: false, chat: null, business: false };
  const known = peer(id);
  const lid = known.lid || jid(answer.lid);
  const chat = { ...peer(jid(answer.wid) || id), phone, lid };
  return { phone, exists: true, chat, business: !!answer.biz };
}

async function contactCheck({ phones }) {
  need('check');
  needLink();
  const items = [];
  for (const phone of phones.slice(0, 20)) items.push(await checkOne(phone));   // one by one: not a scan
  return { items };
}

async function contactAbout({ id }) {
  need('about');
  needLink();
  const about = text(await WPP.contact.getStatus(id).catch(() => ''), ABOUT_MAX);
  const profile = await WPP.contact.getBusinessProfile(id).catch(() => undefined);
  if (!profile) return { about, business: null };
  const first = (list) => text(Array.isArray(list) ? list[0]?.localized_display_name ?? list[0]?.url ?? list[0] : list, ABOUT_MAX);
  return {
    about,
    business: {
      description: text(profile.description, 4096),
      category: first(profile.categories),
      email: text(profile.email, NAME_MAX),
      website: first(profile.website),
      address: text(profile.address, ABOUT_MAX),
    },
  };
}

// Asked of the far end each time: what the page remembers may be long gone.
async function thumb(id) {
  const known = quietly(() => WPP.whatsapp.ProfilePicThumbStore.get(wid(id)));
  if (known) quietly(() => WPP.whatsapp.ProfilePicThumbStore.remove(known));
  return (await WPP.whatsapp.ProfilePicThumbStore.find(wid(id)).catch(() => null)) ?? {};
}

async function picture({ id }) {
  need('picture');
  needLink();
  const found = await thumb(id);
  const url = text(found.imgFull ?? found.img ?? found.eurl, 4096);
  return { url, tag: url ? text(found.tag ?? url.replace(/[?].*$/, ''), 256) : '' };
}

async function bytesOf(url) {
  const answer = await fetch(url, { credentials: 'omit', signal: AbortSignal.timeout(PICTURE_MS) });
  if (!answer.ok) throw new Refusal('no_picture', `the picture cannot be fetched (${answer.status})`);
  return answer.blob();
}

async function pictureFetch({ id, full }) {
  need('picture');
  needLink();
  const found = await thumb(id);
  const url = text((full ? found.imgFull : found.img) ?? found.imgFull ?? found.img ?? found.eurl, 4096);
  if (!url) throw new Refusal('no_picture', 'there is no picture, or it is hidden from us');
  const blob = await bytesOf(url);
  if (blob.size > PICTURE_BYTES) throw new Refusal('too_large', 'the picture is too large');
  const data = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
  return { data };
}

async function block({ id, blocked }) {
  need('block');
  needLink();
  if (isBlocked(id) === blocked) return {};
  await (blocked ? WPP.blocklist.blockContact(id) : WPP.blocklist.unblockContact(id));
  return {};
}

// ---- chats ----

const seconds = (ms) => Math.floor(ms / 1000);

async function setMute(chat, until) {
  const now = Number(quietly(() => chat.mute.expiration) ?? 0);
  if (until === 0) {
    if (now !== 0) await WPP.chat.unmute(chat.id);
  } else if (now !== seconds(until)) {
    await WPP.chat.mute(chat.id, { expiration: seconds(until) });
  }
}

async function chatSet({ chat: address, pinned, archived, muted_until_ms, unread }) {
  need('chat_settings');
  needLink();
  const other = address.endsWith('@lid') ? phoneOf(address) && `${phoneOf(address)}@c.us` : lidOf(address);
  const chat = localChat(address) ?? (other ? localChat(other) : undefined);
  if (!chat) throw new Refusal('unknown_chat', 'the page has no such chat');
  if (archived !== undefined && !!chat.archive !== archived) await WPP.chat.archive(chat.id, archived);
  if (pinned !== undefined && !!chat.pin !== pinned) await (pinned ? WPP.chat.pin(chat.id) : WPP.chat.unpin(chat.id));
  if (muted_until_ms !== undefined) await setMute(chat, muted_until_ms);
  if (unread === true && !chat.unreadCount) await WPP.chat.markIsUnread(chat.id);
  if (unread === false && chat.unreadCount) await WPP.chat.markIsRead(chat.id);
  return {};
}

// ---- groups ----

const groupIds = () =>
  WPP.whatsapp.ChatStore.getModelsArray().map(({ id }) => jid(id)).filter((id) => id.endsWith('@g.us')).sort();

// A group that we left stays among the chats, and is none of ours.
async function metadata(id) {
  const group = id.endsWith('@g.us') && localChat(id) ? await WPP.whatsapp.GroupMetadataStore.find(wid(id)) : null;
  if (!group || quietly(() => group.participants.iAmMember()) === false) {
    throw new Refusal('unknown_group', 'the account is in no such group');
  }
  return group;
}

function groupView(id, group) {
  const people = group.participants;
  return {
    ...peer(id, group.subject),
    size: count(people?.length),
    owner: peer(group.owner),
    created_ms: milliseconds(group.creation),
    description: text(group.desc, 4096),
    announce: !!group.announce,
    locked: !!group.restrict,
    admin: !!quietly(() => people.iAmAdmin()),
  };
}

async function groupsList({ cursor, limit }) {
  need('groups');
  const all = groupIds();
  const from = cursor ? all.findIndex((id) => id > cursor) : 0;
  const ids = from < 0 ? [] : all.slice(from, from + Math.min(limit, PAGE_MAX));
  const items = [];
  for (const id of ids) {
    const group = await metadata(id).catch(() => null);
    if (group) items.push(groupView(id, group));
  }
  return { items, next: from < 0 || from + ids.length >= all.length ? '' : ids.at(-1) };
}

async function oneGroup({ id }) {
  need('groups');
  const group = await metadata(id);
  const participants = group.participants.getModelsArray().slice(0, PARTICIPANTS_MAX).map((one) => ({
    ...peer(one.id), admin: !!one.isAdmin || !!one.isSuperAdmin, super: !!one.isSuperAdmin,
  }));
  return { ...groupView(id, group), participants };
}

// What the far end says to each person, in words; 200 is done.
const RESULTS = {
  403: 'invite_needed', 404: 'not_on_whatsapp', 408: 'left_lately', 409: 'is_there_already', 417: 'refused', 419: 'group_full',
};
const codeOf = (code) => (Number(code) === 200 ? '' : RESULTS[Number(code)] ?? `refused_${count(Number(code))}`);

const namesOf = (id) => new Set([id, lidOf(id), phoneOf(id) && `${phoneOf(id)}@c.us`]);

// Answers are keyed by whichever id the page prefers; ours are found under either.
function byPerson(answer, asked) {
  const entries = Object.entries(answer ?? {}).map(([key, value]) => [jid(value?.wid ?? key), value?.code]);
  return asked.map((id) => {
    const own = namesOf(id);
    const found = entries.find(([key]) => own.has(key));
    const code = found ? codeOf(found[1]) : 'no_answer';
    return { id, ok: code === '', code };
  });
}

async function groupCreate({ name, participants }) {
  need('group_create');
  needLink();
  const there = [];
  const failed = [];
  for (const id of participants) {
    if (await WPP.whatsapp.functions.queryWidExists(wid(id))) there.push(id);
    else failed.push({ id, code: 'not_on_whatsapp' });
  }
  if (there.length === 0) throw new Refusal('participant_not_exists', 'none of these people is on WhatsApp');
  const made = await WPP.group.create(name, there);
  const results = byPerson(made.participants, there).filter(({ ok, code }) => !ok && code !== 'no_answer');
  return { group: peer(made.gid, name), failed: [...failed, ...results.map(({ id, code }) => ({ id, code }))] };
}

// The far end says no without a word of wa-js's own.
async function asAdmin(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal || error?.code) throw error;
    throw new Refusal('group_refused', `WhatsApp refused: ${text(error?.message, 160)}`);
  }
}

// The page hears of what we changed a moment after it was done; who looks next shall see it.
async function seen(holds) {
  const until = Date.now() + SEEN_MS;
  while (!quietly(holds) && Date.now() < until) await new Promise((go) => setTimeout(go, 25));
}

async function groupSet({ id, name, description, announce, locked }) {
  need('group_change');
  needLink();
  const group = await metadata(id);
  await asAdmin(async () => {
    if (name !== undefined && name !== group.subject) await WPP.group.setSubject(id, name);
    if (description !== undefined && description !== (group.desc ?? '')) await WPP.group.setDescription(id, description);
    if (announce !== undefined && announce !== !!group.announce) await WPP.group.setProperty(id, 'announcement', announce);
    if (locked !== undefined && locked !== !!group.restrict) await WPP.group.setProperty(id, 'restrict', locked);
  });
  await seen(() =>
    (name ?? group.subject) === group.subject && (description ?? group.desc ?? '') === (group.desc ?? '') &&
    (announce ?? !!group.announce) === !!group.announce && (locked ?? !!group.restrict) === !!group.restrict);
  return {};
}

const PEOPLE = {
  add: (id, person) => WPP.group.addParticipants(id, person),
  remove: (id, person) => WPP.group.removeParticipants(id, person),
  promote: (id, person) => WPP.group.promoteParticipants(id, person),
  demote: (id, person) => WPP.group.demoteParticipants(id, person),
};

const HOLDS = {
  add: (member) => member !== undefined,
  remove: (member) => member === undefined,
  promote: (member) => !!member?.isAdmin,
  demote: (member) => !member?.isAdmin,
};

const memberOf = (group, id) => {
  const own = namesOf(id);
  return group.participants.getModelsArray().find((one) => own.has(jid(one.id)));
};

// One by one: what is wrong with one says nothing about the next.
async function groupPeople({ id, action, participants }) {
  need('group_change');
  needLink();
  const group = await metadata(id);
  if (!group.participants.iAmAdmin() && !(action === 'add' && group.memberAddMode === 'all_member_add')) {
    throw new Refusal('group_you_are_not_admin', 'only admins of the group may do that');
  }
  const results = [];
  for (const person of participants) results.push(await onePerson(id, action, person));
  const done = results.filter(({ ok }) => ok).map((result) => result.id);
  await seen(() => done.every((person) => HOLDS[action](memberOf(group, person))));
  return { results };
}

async function onePerson(group, action, id) {
  try {
    if (action === 'add' && !(await WPP.whatsapp.functions.queryWidExists(wid(id)))) {
      return { id, ok: false, code: 'not_on_whatsapp' };
    }
    const answer = await PEOPLE[action](group, [id]);
    return action === 'add' ? byPerson(answer, [id])[0] : { id, ok: true, code: '' };
  } catch (error) {
    const code = text(error?.code, 64);
    if (/participant_not_found/.test(code)) return { id, ok: false, code: 'not_in_group' };
    return { id, ok: false, code: /^[a-z_]+$/.test(code) ? code : 'refused' };
  }
}

async function groupInvite({ id, revoke }) {
  need('group_invite');
  needLink();
  await metadata(id);
  const answer = await asAdmin(() => (revoke ? WPP.group.revokeInviteCode(id) : WPP.group.getInviteCode(id)));
  const code = text(answer?.code ?? answer, 64);
  if (!/^[\w-]+$/.test(code)) throw new Refusal('group_refused', 'WhatsApp gave no invite code');
  return { link: `https://chat.whatsapp.com/${code}` };
}

async function groupLeave({ id }) {
  need('group_change');
  needLink();
  const group = await metadata(id);
  await asAdmin(() => WPP.group.leave(id));
  await seen(() => !group.participants.iAmMember());
  return {};
}

Object.assign(OPS, {
  contacts_list: contactsList,
  contact_check: contactCheck,
  contact_about: contactAbout,
  picture,
  picture_fetch: pictureFetch,
  block,
  chat_set: chatSet,
  groups_list: groupsList,
  group: oneGroup,
  group_create: groupCreate,
  group_set: groupSet,
  group_people: groupPeople,
  group_invite: groupInvite,
  group_leave: groupLeave,
});
