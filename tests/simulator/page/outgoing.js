// Messages on their way out: shown at once, sent one after the other, and sent again until the far
// end has them.

import { meIn } from './account.js';
import { findMessage, save } from './disk.js';
import { MsgKey } from './ids.js';
import { wireOf } from './kinds.js';
import { knobs } from './knobs.js';
import { operation } from './link.js';
import { setTime, show } from './messages.js';
import { define } from './runtime.js';
import { showStatus } from './status.js';
import { Messages, Msg } from './stores.js';

const SEND_RETRY_MS = 300;

const unacknowledged = new Map();   // key text -> {message, settle}
let line = Promise.resolve();
let connected = false;

// [message shown, message accepted by the far end], as the real page hands them out. The message is
// inserted on a later turn, and what the caller gave as id stays that very object. `prepare` does
// what must come before the wire (an upload).
export function sendOut(chat, data, prepare = async () => {}) {
  if (data.type === 'protocol') throw new Error('protocol messages cannot be sent');
  const shown = Promise.resolve().then(async () => {
    const message = (await findMessage(data.id)) ?? new Msg({ ack: 0, ...data });
    show(message, chat);
    if (chat.id.isStatus()) showStatus(message);
    await save(message, chat.id.isStatus() ? [] : [chat]);
    return message;
  });
  const sent = shown.then(async (message) => {
    try {
      await prepare(message);
    } catch {
      return fail(message, 'ERROR_UPLOAD');
    }
    await save(message);
    return transmit(message);
  });
  return [shown, sent];
}

function transmit(message) {
  return new Promise((settle) => {
    unacknowledged.set(String(message.id), { message, settle });
    if (connected) post(message);
  });
}

// One at a time, so that the far end sees messages in the order they were sent: while the link is
// down for one, those behind it wait.
function post(message) {
  line = line.then(async () => {
    const key = String(message.id);
    while (connected && unacknowledged.has(key)) {
      try {
        const { error } = await operation('send', wireForm(message));
        if (error) settle(key, fail(message, error));
        return;
      } catch (error) {
        const again = new Promise((resolve) => setTimeout(resolve, SEND_RETRY_MS));
        if (/HTTP 4/.test(error.message)) return void again.then(() => connected && post(message));
        await again;
      }
    }
  });
}

const wireForm = (message) => ({
  key: String(message.id),
  id: message.id.id,
  to: String(message.id.remote),
  ...wireOf(message),
});

function settle(key, result) {
  unacknowledged.get(key)?.settle(result);
  unacknowledged.delete(key);
}

function fail(message, error) {
  message.updateAck(-1);
  save(message);
  return { messageSendResult: error };
}

// The far end has the message.
export function acknowledge({ key, t }) {
  const message = unacknowledged.get(key)?.message;
  if (!message) return;
  setTime(message, t);
  message.updateAck(1);
  save(message);
  settle(key, { messageSendResult: 'OK', t });
}

// Whatever was not acknowledged goes out again, with the key it had.
export function linkIsUp() {
  connected = true;
  for (const { message } of unacknowledged.values()) post(message);
}

export function linkIsDown() {
  connected = false;
}

// After a reload: messages an earlier document had accepted. Those whose upload was lost cannot be
// sent any more.
export function resumeStoredSends() {
  if (!knobs.resend_pending) return;
  for (const message of Messages.filter((m) => m.id.fromMe && m.ack === 0)) {
    const lost = message.filehash && !message.directPath;
    if (lost) fail(message, 'ERROR_UPLOAD');
    else transmit(message);
  }
}

// ---- receipts ----

// A receipt may overtake the acknowledgement, or come in its stead: it knows the message's time too.
async function handleReceipt({ from, externalIds, ack, sentTs }) {
  for (const id of externalIds) {
    const participant = from.isGroup() || from.isStatus() ? meIn(from) : undefined;
    const message = await findMessage(new MsgKey({ fromMe: true, remote: from, id, participant }));
    if (!message) continue;
    if (message.ack === 0) setTime(message, sentTs);
    message.updateAck(ack);
    settle(String(message.id), { messageSendResult: 'OK', t: message.t });   // it has arrived, then
    await save(message);
  }
}

for (const kind of ['Chat', 'Group', 'Status']) {
  define(`WAWebHandle${kind}Receipt`, () => ({ [`handle${kind}SimpleReceipt`]: handleReceipt }));
}
