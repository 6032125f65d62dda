// What is done to groups, by their members' phones or pages. Every change is a notice in the group (a
// message of type gp2, as the real page has it) and goes to all who were in it before or are after.

import { randomBytes } from 'node:crypto';

import { newGroup, newMessageId, WorldError } from './world.mjs';

const INVITE_LIFE_S = 3 * 86_400;
const seconds = () => Math.floor(Date.now() / 1000);
const onOff = (value) => (value ? 'on' : 'off');

// Each changes the group and returns the notice: subtype, text, participants. `list` are phones.
const ACTIONS = {
  subject: (group, { value }) => {
    group.subject = String(value);
    return { subtype: 'subject', text: group.subject };
  },
  description: (group, { value }) => {
    group.description = String(value ?? '');
    group.description_id = newMessageId();
    return { subtype: 'description', text: group.description };
  },
  announce: (group, { value }) => {
    group.announce = value !== false;
    return { subtype: 'announce', text: onOff(group.announce) };
  },
  locked: (group, { value }) => {
    group.locked = value !== false;
    return { subtype: 'restrict', text: onOff(group.locked) };
  },
  picture: (group, { value }) => {
    group.picture = value ?? null;
    return { subtype: 'picture', text: group.picture === null ? 'remove' : 'set' };
  },
  invite: (group) => {
    group.invite = randomBytes(11).toString('base64url');
    return { subtype: 'revoke_invite' };
  },
  add: (group, { list }) => {
    for (const phone of list) {
      group.members.push(phone);
      group.left.delete(phone);
    }
    return { subtype: 'add', participants: list };
  },
  join: (group, { by }) => ({ ...ACTIONS.add(group, { list: [by] }), subtype: 'invite' }),
  remove: (group, { list }) => {
    group.members = group.members.filter((phone) => !list.includes(phone));
    for (const phone of list) group.admins.delete(phone);
    return { subtype: 'remove', participants: list };
  },
  leave: (group, { by }) => ({ ...ACTIONS.remove(group, { list: [by] }), subtype: 'leave' }),
  promote: (group, { list }) => {
    for (const phone of list) group.admins.add(phone);
    return { subtype: 'promote', participants: list };
  },
  demote: (group, { list }) => {
    for (const phone of list) group.admins.delete(phone);
    return { subtype: 'demote', participants: list };
  },
};
export const GROUP_ACTIONS = Object.keys(ACTIONS);

const ON_PEOPLE = ['add', 'remove', 'promote', 'demote'];
const FOR_ADMINS = [...ON_PEOPLE, 'announce', 'locked', 'invite'];
const MAY_LOCK = ['subject', 'description', 'picture'];

export class Groups {
  #world;
  #knobs;

  constructor(world, knobs) {
    this.#world = world;
    this.#knobs = knobs;
  }

  group(id) {
    const group = this.#world.groups.get(String(id));
    if (!group) throw new WorldError(`no group ${id}`, 404);
    return group;
  }

  // -> {group, results}: what became of each of the wished members
  create({ subject, owner, members }) {
    const id = `120363${randomBytes(6).readUIntBE(0, 6).toString().padStart(15, '0').slice(-12)}@g.us`;
    const wished = [...new Set(members)].filter((phone) => phone !== owner);
    const group = newGroup({ id, subject, owner, members: [owner] });
    const results = wished.map((phone) => this.#admission(group, phone));
    const added = results.filter(({ code }) => code === 200).map(({ phone }) => phone);
    group.members.push(...added);
    this.#world.groups.set(id, group);
    this.#announce(group, owner, { subtype: 'create', text: subject, participants: added }, [], 'create');
    return { group, results };
  }

  // value: the new subject, description, whether on, or the picture's file; participants: phones.
  // -> {results} as above, for the actions on people
  change(group, { by, action, participants = [], value }) {
    this.#check(group, by, action, participants);
    const before = [...group.members];
    const results = participants.map((phone) => this.#result(group, action, phone));
    const list = results.filter(({ code }) => code === 200).map(({ phone }) => phone);
    if (ON_PEOPLE.includes(action) && list.length === 0) return { results };
    const parting = action === 'leave' ? [by] : action === 'remove' ? list : [];
    const notice = ACTIONS[action](group, { by, list, value });
    for (const phone of parting) group.left.set(phone, this.#world.groupView(this.#world.account(phone), group));
    this.#announce(group, by, notice, before, action);
    return { results };
  }

  #check(group, by, action, participants) {
    const joins = action === 'join';
    if (!joins && !group.members.includes(by)) throw new WorldError(`by: ${by} is not in group ${group.id}`, 403);
    if (joins && group.members.includes(by)) throw new WorldError(`by: ${by} is in group ${group.id} already`, 409);
    const needsAdmin = FOR_ADMINS.includes(action) || (group.locked && MAY_LOCK.includes(action));
    if (needsAdmin && !group.admins.has(by)) throw new WorldError(`by: ${by} is no admin of ${group.id}`, 403);
    if (ON_PEOPLE.includes(action) && participants.length === 0) throw new WorldError('participants: nobody is named');
  }

  #result(group, action, phone) {
    if (action === 'add') return this.#admission(group, phone);
    return { phone, code: group.members.includes(phone) ? 200 : 404 };
  }

  // Somebody whose privacy does not allow it is not added but can be invited.
  #admission(group, phone) {
    if (group.members.includes(phone)) return { phone, code: 409 };
    const code = this.#knobs.get('group_add_code', phone) ?? 200;
    const invited = code === 403 && { invite_code: group.invite, invite_code_exp: seconds() + INVITE_LIFE_S };
    return { phone, code, ...invited };
  }

  #announce(group, by, content, before, action) {
    const world = this.#world;
    const everyone = [...new Set([...before, ...group.members])];
    const id = newMessageId();
    const message = world.notice({
      id, from: by, to: group.id, type: 'gp2', ...content, recipients: everyone.filter((phone) => phone !== by),
    });
    for (const phone of everyone) {
      world.tell(phone, 'group_change', (viewer) => ({
        action,
        group: group.left.get(viewer.phone) ?? world.groupView(viewer, group),
        notice: world.messageView(viewer, message),
      }));
    }
    world.emit('changed');
  }
}
