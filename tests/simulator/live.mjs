// What is only true while somebody looks: calls that ring and people who are typing. Pages that are
// away never hear of either; of a call they find the entry that it leaves when it has ended.

import { newMessageId, WorldError } from './world.mjs';

export class Live {
  #world;
  #instances;
  #calls = new Map();
  shown = new Map();   // account phone -> [{to, state, t}] that its pages showed

  constructor(world, instances) {
    this.#world = world;
    this.#instances = instances;
  }

  // Everybody in the chat but `except` hears it on the devices that are connected now.
  #tell(target, except, view) {
    for (const phone of this.#world.peopleOf(target)) {
      if (phone === except) continue;
      for (const device of this.#world.devicesOf(phone)) this.#instances.tell(device, 'live', view(device.account));
    }
  }

  call({ from, to, video, group, id = newMessageId() }) {
    if (this.#calls.has(id)) throw new WorldError(`call ${id} is there already`);
    const t = Math.floor(Date.now() / 1000);
    const call = { id, from, to, video, group: group || this.#world.groups.has(to), t };
    this.#calls.set(id, call);
    this.#tell(to, from, (viewer) => ({
      kind: 'call',
      id,
      peer: this.#world.address(viewer, from),
      chat: call.group ? to : null,
      video,
      group: call.group,
      t,
    }));
    return { id };
  }

  // The call leaves an entry in the chat, whose id is the call's.
  end(id, state, duration) {
    const call = this.#calls.get(id);
    if (!call) throw new WorldError(`no call ${id}`, 404);
    this.#calls.delete(id);
    this.#tell(call.to, null, () => ({ kind: 'call_end', id, state }));
    this.#world.submit({ ...call, type: 'call_log', state, duration });
  }

  presence(from, to, state) {
    const grouped = this.#world.groups.has(to);
    this.#tell(to, from, (viewer) => ({
      kind: 'presence',
      chat: this.#world.address(viewer, grouped ? to : from),
      participant: grouped ? this.#world.lidOf(from) : null,
      state,
      t: Math.floor(Date.now() / 1000),
    }));
  }

  // What a page of ours shows of itself. `to` is null for being there at all.
  show(phone, to, state) {
    const items = this.shown.get(phone) ?? [];
    items.push({ to, state, t: Math.floor(Date.now() / 1000) });
    this.shown.set(phone, items);
    if (to !== null) this.presence(phone, to, state);
    this.#world.emit('changed');
  }
}
