// What a page asks the far end about messages.

import { deviceOf } from './instances.mjs';
import { ACK, STATUS, WorldError } from './world.mjs';

const known = (list) => list?.filter((phone) => phone !== null);

export const MESSAGE_OPERATIONS = {
  // The answer says that the message was taken in; the acknowledgement comes down the stream, and is
  // lost with it, as on the real link.
  send({ world, instances, knobs }, instance, { key, to, mentions, ...message }) {
    const device = deviceOf(instance);
    const from = device.account.phone;
    const target = world.resolve(to);
    const barred = target === null || world.barred(from, target) !== null;
    const error = barred ? 'ERROR_UNKNOWN' : refusal(knobs.get('send_error', from), target);
    if (error) {
      device.account.refused += 1;
      world.emit('changed');
      return { error };
    }
    const phones = known(mentions?.map((jid) => world.resolve(jid)));
    const { t } = world.submit({ ...message, mentions: phones, t: undefined, from, to: target, device }).message;
    instances.acknowledge(instance, { key, t }, knobs.get('server_ack_ms', from));
  },

  edit: changing(({ world }, message, { text }, device) => world.edit(message, text, device)),

  revoke: changing(({ world }, message, _, device) => world.revoke(message, device, device.account.phone)),

  react: changing(({ world }, message, { emoji }, device) =>
    world.react(message, device.account.phone, emoji, device)),

  played: changing(({ world }, message, _, device) => world.receipt(message, device.account.phone, ACK.PLAYED)),

  status_seen: ({ world }, instance, { id }) => world.read(deviceOf(instance).account.phone, STATUS, [id]),

  // Of oneself (without a chat), or in a chat.
  presence({ world, live }, instance, { chat, state }) {
    const target = chat === null ? null : world.resolve(chat);
    if (chat !== null && target === null) throw new WorldError(`no chat ${chat}`, 404);
    live.show(deviceOf(instance).account.phone, target, state);
  },

  // What the page at an address would say of itself.
  link_preview(far, instance, { url }) {
    const { host } = new URL(url);
    return { title: `Title of ${host}`, description: `What ${host} is about`, canonicalUrl: url, matchedText: url };
  },
};

function refusal(knob, target) {
  if (knob === null || typeof knob === 'string') return knob;
  return knob.to === undefined || knob.to === target ? knob.error : null;
}

// An operation on a message that is there already, found by the chat and id the page knows.
// -> {t} or {error}
function changing(apply) {
  return (far, instance, args) => {
    const device = deviceOf(instance);
    const target = far.world.resolve(args.chat);
    if (target === null) throw new WorldError(`no chat ${args.chat}`, 404);
    const message = far.world.messageInChat(device.account.phone, target, args.id);
    const error = far.knobs.get('change_error', device.account.phone);
    if (error) return { error };
    apply(far, message, args, device);
    return { t: Math.floor(Date.now() / 1000) };
  };
}
