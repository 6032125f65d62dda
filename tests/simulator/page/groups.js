// Groups: what the page knows of them, what is told of them, and what a client asks of them.

import { isMe, lidOf, mapIds, phoneOf } from './account.js';
import { BaseModel, Collection, defineModel } from './core.js';
import { Contacts } from './contacts.js';
import { wid } from './ids.js';
import { operation } from './link.js';
import { ensureChat } from './messages.js';
import { pictureChanged } from './person-details.js';
import { define, defineDefault, own } from './runtime.js';

const PEOPLE_CHANGES = ['add', 'invite', 'remove', 'leave', 'promote', 'demote'];
const PROPERTIES = { announcement: 'announce', restrict: 'locked' };
const SIZE_LIMIT = 1024;

// ---- models ----

export class Participant extends BaseModel {
  get contact() {
    return this.__x_id && Contacts.gadd(this.__x_id);
  }
}
defineModel(Participant, { proxyName: 'participant', props: ['id', 'isAdmin', 'isSuperAdmin'] });

class ParticipantCollection extends Collection {
  _me() {
    return this.findFirst(({ id }) => isMe(id));
  }

  iAmMember() {
    return this._me() !== undefined;
  }

  iAmAdmin() {
    return !!this._me()?.isAdmin;
  }

  iAmSuperAdmin() {
    return !!this._me()?.isSuperAdmin;
  }

  iAmRestrictedMember() {
    return !!this.parent?.restrict && !this.iAmAdmin();
  }

  canAdd() {
    return this.iAmAdmin();
  }

  canRemove(participant) {
    return this.iAmAdmin() && !isMe(participant.id) && !participant.isSuperAdmin;
  }

  canPromote(participant) {
    return this.iAmAdmin() && !participant.isAdmin;
  }

  canDemote(participant) {
    return this.iAmAdmin() && !!participant.isAdmin && !participant.isSuperAdmin;
  }
}
ParticipantCollection.model = Participant;

class GroupMetadata extends BaseModel {
  initialize() {
    this._assign({
      participants: new ParticipantCollection(this.participants ?? [], { parent: this }),
      pastParticipants: new ParticipantCollection([], { parent: this }),
    });
  }

  canSetSubject() {
    return this.participants.iAmMember() && !this.participants.iAmRestrictedMember();
  }

  canSetDescription() {
    return this.canSetSubject();
  }

  canSetGroupProperty() {
    return this.participants.iAmAdmin();
  }

  canSetEphemeralSetting() {
    return this.canSetSubject();
  }

  // Only what differs is announced.
  setParticipants(list) {
    const now = new Set(list.map(({ id }) => String(id)));
    const gone = this.participants.filter(({ id }) => !now.has(String(id)));
    this.participants.remove(gone);
    this.pastParticipants.add(gone.map(({ id }) => ({ id })));
    this.participants.add(list, { merge: true });
    this.set('size', this.participants.length);
  }
}
defineModel(GroupMetadata, {
  proxyName: 'group-metadata',
  props: [
    'id', 'subject', 'owner', 'creation', 'participants', 'pastParticipants', 'announce', 'restrict', 'desc', 'descId',
    'stale', 'groupType', 'isLidAddressingMode', 'memberAddMode', 'size', 'inviteCode',
  ],
});

class GroupMetadataCollection extends Collection {
  _handleParentGroupChange() {}

  async findImpl(id) {
    throw new Error(`group not found ${id}`);
  }

  async update(id) {
    return this.get(id);
  }
}
GroupMetadataCollection.model = GroupMetadata;
export const Groups = new GroupMetadataCollection();

// ---- what the far end tells ----

const participantOf = ({ lid, admin, super: isSuperAdmin }) => ({
  id: wid(`${lid}@lid`), isAdmin: admin, isSuperAdmin,
});

export function addGroup({ id, subject, description, description_id, owner, announce, locked, created, members }) {
  const group = wid(id);
  for (const person of members) mapIds(person);
  const facts = {
    subject,
    desc: description,
    descId: description_id ?? undefined,
    owner: wid(owner),
    announce,
    restrict: locked,
    creation: created,
    stale: false,
    isLidAddressingMode: true,
    memberAddMode: 'admin_add',
    groupType: 'DEFAULT',
  };
  const known = Groups.get(group) ?? Groups.add({ id: group, ...facts });
  known.set(facts);
  known.setParticipants(members.map(participantOf));
  const chat = ensureChat(group, subject);
  chat.set({ name: subject, isReadOnly: !known.participants.iAmMember() });
  return chat;
}

// The group as it is now, and the notice of it that its chat shows.
export async function groupChanged({ group, notice }) {
  addGroup(group);
  const { subtype, recipients = [] } = notice;
  const author = wid(notice.author);
  if (PEOPLE_CHANGES.includes(subtype)) {
    const participants = recipients.map((id) => ({ id: wid(id) }));
    const actionType = subtype === 'invite' ? 'add' : subtype === 'leave' ? 'remove' : subtype;
    const reason = subtype === 'invite' ? 'invite' : undefined;
    const pushname = notice.person.name;
    own('WAWebGroupModifyParticipants').updateDBForGroupAction(
      { chatId: wid(group.id), author, pushname, t: notice.t },
      { actionType, participants, reason, isInvite: subtype === 'invite' },
    );
  }
  if (subtype === 'picture') await pictureChanged({ ids: [group.id] });
}

// ---- what a client asks ----

class ServerStatusCodeError extends Error {
  name = 'ServerStatusCodeError';
  status = 403;
}

const idOf = (group) => String(group.id ?? group);
const jidOf = (person) => String(person.lid ?? person.phoneNumber ?? person.id ?? person);

async function change(group, action, args = {}) {
  try {
    return await operation('group_change', { group: idOf(group), action, ...args });
  } catch {
    throw new ServerStatusCodeError(`${action} was refused`);
  }
}

const resultOf = ({ person, code, invite_code = null, invite_code_exp = null }) => ({
  userWid: wid(`${person.lid}@lid`),
  wid: wid(`${person.lid}@lid`),
  code: String(code),
  error: code === 200 ? null : code,
  invite_code,
  invite_code_exp,
});

const onPeople = (action) => async (group, people) => {
  const { results } = await change(group, action, { participants: people.map(jidOf) });
  return { status: results.length === 1 && results[0].code !== 200 ? 207 : 200, participants: results.map(resultOf) };
};

async function createGroup({ title }, people) {
  const { group, results } = await operation('group_create', { subject: title, members: people.map(jidOf) });
  addGroup(group);
  return { wid: wid(group.id), subject: title, participants: results.map(resultOf) };
}

async function setGroupProperty(group, property, value) {
  if (!PROPERTIES[property]) throw new ServerStatusCodeError(`no property ${property}`);
  await change(group, PROPERTIES[property], { value: !!value });
  return { status: 200 };
}

async function resetGroupInviteCode(group) {
  await change(group, 'invite');
  const { code } = await operation('group_invite', { group: idOf(group) });
  return { code };
}

async function queryAllGroups() {
  const { groups } = await operation('groups');
  for (const group of groups) addGroup(group);
  return groups.map(({ id, subject }) => ({ id: wid(id), subject }));
}

async function groupOfInvite(code) {
  const { group } = await operation('group_of_invite', { code });
  if (!group) throw new ServerStatusCodeError('no such invite');
  const { id, subject, owner, members } = group;
  const participants = members.map(participantOf);
  return { groupInfo: { id: wid(id), subject, owner: wid(owner), participants, size: members.length } };
}

async function findCommonGroups(contact) {
  const ids = [contact.id, contact.id.isLid() ? phoneOf(contact.id) : lidOf(contact.id)].filter(Boolean).map(String);
  const common = Groups.filter(({ participants }) => participants.some(({ id }) => ids.includes(String(id))));
  return { getModelsArray: () => common };
}

defineDefault('WAWebParticipantModel', () => Participant);
defineDefault('WAWebGroupMetadataModel', () => GroupMetadata);
defineDefault('WAWebGroupMetadataCollection', () => Groups);
define('WAWebGroupModifyParticipants', () => ({ updateDBForGroupAction() {} }));
define('WAWebGroupCreateJob', () => ({
  createGroup,
  GroupAlreadyExistsError: class GroupAlreadyExistsError extends Error {},
}));
define('WAWebGroupModifyParticipantsJob', () => ({
  addGroupParticipants: onPeople('add'),
  removeGroupParticipants: onPeople('remove'),
  promoteGroupParticipants: onPeople('promote'),
  demoteGroupParticipants: onPeople('demote'),
}));
define('WAWebModifyParticipantsGroupAction', () => ({
  addParticipants: onPeople('add'),
  removeParticipants: onPeople('remove'),
  promoteParticipants: onPeople('promote'),
  demoteParticipants: onPeople('demote'),
  promoteCommunityParticipants: onPeople('promote'),
  demoteCommunityParticipants: onPeople('demote'),
}));
define('WAWebGroupModifyInfoJob', () => ({
  setGroupSubject: (group, value) => change(group, 'subject', { value }),
  setGroupDescription: (group, value) => change(group, 'description', { value }),
  setGroupProperty,
}));
define('WAWebSetPropertyGroupAction', () => ({ setGroupProperty }));
define('WAWebExitGroupAction', () => ({ sendExitGroup: (group) => change(group, 'leave') }));
define('WAWebMexFetchGroupInviteCodeJob', () => ({
  fetchMexGroupInviteCode: async (group) => (await operation('group_invite', { group: idOf(group) })).code,
}));
define('WAWebGroupInviteJob', () => ({
  resetGroupInviteCode,
  joinGroupViaInvite: async (code) => ({ gid: wid((await operation('group_join', { code })).id) }),
}));
define('WAWebGroupQueryInviteJob', () => ({ sendQueryGroupInvite: groupOfInvite }));
define('WAWebGroupQueryJob', () => ({ queryAllGroups, resetGroupInviteCode }));
define('WAWebGroupGatingUtils', () => ({ getGroupSizeLimit: () => SIZE_LIMIT }));
define('WAWebFindCommonGroupsContactAction', () => ({ findCommonGroups }));
