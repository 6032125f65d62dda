// Part of the injected adapter: sending, changing and finding messages. Adds its operations to OPS
// and what they need to NEEDS (adapter_ops.js).
//
// A message goes out under a key of the bridge's choice, and at most once: what the page has already
// is not given to it again, and what it is still at is waited for. A file comes in pieces before its
// message; they lie in Blobs, outside the script's memory, and go with the document.

Object.assign(NEEDS, {
  send_text: [
    'chat.sendTextMessage', 'chat.find', 'whatsapp.functions.addAndSendMsgToChat', 'whatsapp.MsgKey.fromString',
  ],
  send_raw: ['chat.sendRawMessage', 'chat.find', 'whatsapp.functions.addAndSendMsgToChat', 'whatsapp.MsgKey.fromString'],
  send_file: ['chat.sendFileMessage', 'whatsapp.MediaPrep.prepRawMedia', 'whatsapp.OpaqueData.createFromData'],
  reply: ['chat.getMessageById', 'whatsapp.functions.getSearchContext'],
  find_message: ['chat.getMessageById', 'whatsapp.MsgStore.get'],
  edit: ['chat.editMessage', 'whatsapp.functions.addAndSendMessageEdit'],
  revoke: ['chat.deleteMessage', 'whatsapp.Cmd.sendRevokeMsgs'],
  react: ['chat.sendReactionToMessage', 'whatsapp.functions.sendReactionToMsg'],
  presence: ['chat.markIsComposing', 'chat.markIsRecording', 'chat.markIsPaused'],
  mark_read: ['chat.markIsRead', 'whatsapp.functions.sendSeen'],
});

const STATUS = 'status@broadcast';
const EDIT_MS = 15 * 60_000;
const REVOKE_MS = 60 * 3_600_000;
const LOAD_BACK = 50;
const LOAD_BACK_MAX = 1000;   // messages looked at for one that is not in memory

// ---- finding ----

function ourKey(chat, id) {
  const key = `true_${chat}_${id}`;
  if (chat === STATUS) return `${key}_${myPhone()}`;
  return chat.endsWith('@g.us') ? `${key}_${myIdIn(chat)}` : key;
}

const inMemory = (chat, id) =>
  quietly(() => WPP.whatsapp.MsgStore.get(ourKey(String(chat.id), id))) ??
  quietly(() => chat.msgs.getModelsArray().find((msg) => keyParts(msg.id).id === id));

const notFound = (error) => /not_found$/.test(error?.code ?? '');

// Any message of the chat by the last part of its key, ours or theirs.
async function message(chat, id) {
  const known = inMemory(chat, id);
  if (known) return known;
  const remote = String(chat.id);
  for (const key of [ourKey(remote, id), `false_${remote}_${id}`]) {
    try {
      const found = await WPP.chat.getMessageById(key);
      if (found) return found;
    } catch (error) {
      if (!notFound(error)) throw error;
    }
  }
  return remote.endsWith('@g.us') ? loadBack(chat, id) : null;
}

// In a group the key names the author too, whom we are not told: looked for, newest first.
async function loadBack(chat, id) {
  let oldest = quietly(() => chat.msgs.getModelsArray()[0]);
  for (let seen = 0; seen < LOAD_BACK_MAX; seen += LOAD_BACK) {
    const options = { count: LOAD_BACK, direction: 'before' };
    if (oldest) options.id = String(oldest.id);
    const earlier = await WPP.chat.getMessages(chat.id, options).catch(() => []);
    const found = earlier.find((msg) => keyParts(msg.id).id === id);
    if (found) return found;
    if (earlier.length === 0 || String(earlier[0].id) === String(oldest?.id)) return null;
    oldest = earlier[0];
  }
  return null;
}

async function messageToChange(chat, id) {
  const found = await message(chat, id);
  if (!found) throw new Refusal('unknown_message', 'the message is not in this chat');
  return found;
}

async function findMessage({ chat: address, id }) {
  need('find_message');
  const chat = localChat(address) ?? (address === STATUS ? { id: STATUS } : undefined);
  if (!chat) return { found: false };
  const known = inMemory(chat, id) ?? (await WPP.chat.getMessageById(ourKey(String(chat.id), id)).catch((error) => {
    if (notFound(error)) return null;
    throw error;
  }));
  return known ? { found: true, ack: ackOf(known.ack), t: milliseconds(known.t) } : { found: sending.has(id) };
}

// ---- files, in pieces ----

const FILES_MAX = 4;
const FILES_BYTES_MAX = 2 * 1024 ** 3;
const FILE_IDLE_MS = 120_000;
const files = new Map();   // handle -> {name, mimetype, size, parts, have, at}
let lastFile = 0;

function forgetIdleFiles() {
  const idle = Date.now() - FILE_IDLE_MS;
  for (const [handle, file] of files) if (file.at < idle) files.delete(handle);
}

function fileOfHandle(handle) {
  const file = files.get(handle);
  if (!file) throw new Refusal('file_lost', 'the page has no such file (any more)');
  file.at = Date.now();
  return file;
}

function fileBegin({ name, mimetype, size }) {
  forgetIdleFiles();
  let bytes = size;
  for (const file of files.values()) bytes += file.size;
  if (files.size >= FILES_MAX || bytes > FILES_BYTES_MAX) {
    throw new Refusal('busy', 'too many files are on their way into the page');
  }
  lastFile += 1;
  const handle = `${instance}.${lastFile}`;
  files.set(handle, { name, mimetype, size, parts: [], have: 0, at: Date.now() });
  setTimeout(forgetIdleFiles, FILE_IDLE_MS + 1000);
  return { handle };
}

function filePiece({ handle, offset, data }) {
  const file = fileOfHandle(handle);
  const text = atob(data);
  if (offset !== file.have || offset + text.length > file.size) {
    throw new Refusal('file_gap', `a piece at ${offset} of a file that is known up to ${file.have}`);
  }
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  file.parts.push(new Blob([bytes]));
  file.have += bytes.length;
  return { have: file.have };
}

function fileDrop({ handle }) {
  files.delete(handle);
  return {};
}

function takeFile(handle) {
  const file = fileOfHandle(handle);
  files.delete(handle);
  if (file.have !== file.size) throw new Refusal('file_gap', 'the file is not complete');
  return new File(file.parts, file.name || 'file', { type: file.mimetype });
}

// ---- sending ----

const SENDING_MS = 15 * 60_000;     // what the page is still at after that is given up
const sending = new Map();          // message id -> the promise of its send

// The bridge waits a little longer than it tells us to.
const beforeDeadline = (promise, ms = 15_000) => {
  let timer;
  const late = new Promise((_, no) => {
    timer = setTimeout(() => no(new Refusal('late', 'WhatsApp Web did not take it in time')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

async function quoted(chat, id) {
  need('reply');
  const found = await message(chat, id);
  if (!found) throw new Refusal('reply_to_not_found', `the message to reply to is not in this chat`);
  return found;
}

async function everybody(chat) {
  const id = String(chat.id);
  if (!id.endsWith('@g.us')) throw new Refusal('mentions_need_a_group', 'only in a group can all be mentioned');
  const members = await WPP.group.getParticipants(chat.id);
  return members.map((member) => jid(member.id)).filter((member) => member !== myPhone() && member !== myLid());
}

async function optionsOf(chat, { id, quoted_id, mentions, link_preview }) {
  const options = {
    messageId: ourKey(String(chat.id), id),
    waitForAck: false,
    markIsRead: false,
    detectMentioned: false,
    linkPreview: !!link_preview,
  };
  if (quoted_id) options.quotedMsg = await quoted(chat, quoted_id);
  if (mentions?.length) options.mentionedList = mentions[0] === 'all' ? await everybody(chat) : mentions;
  return options;
}

// Whoever forwards passes on the content, not its author; the page's own forwarding chooses its key
// itself and so could not be looked up after an accident.
const forwardMarks = (source) => ({ isForwarded: true, forwardingScore: count(Number(source.forwardingScore)) + 1 });

function vcards(contacts) {
  if (contacts.length > 1) {
    const list = contacts.map(({ name, vcard }) => ({ displayName: name, vcard }));
    return { type: 'multi_vcard', vcardList: list };
  }
  return { type: 'vcard', body: contacts[0].vcard, vcardFormattedName: contacts[0].name };
}

// Any number of choices is 0 for the page.
function sendPoll({ question, options, max_choices }, more) {
  const selectableCount = max_choices >= options.length ? 0 : max_choices;
  return WPP.chat.sendCreatePollMessage(more.chat, question, options, { ...more.options, selectableCount });
}

const TEXT_RAW = { type: 'chat', subtype: null, urlText: null, urlNumber: null };

const SEND_FILE = {
  image: ({ view_once }) => ({ type: 'image', isViewOnce: !!view_once }),
  video: ({ view_once }) => ({ type: 'video', isViewOnce: !!view_once }),
  audio: () => ({ type: 'audio' }),
  voice: ({ view_once }) => ({ type: 'audio', isPtt: true, waveform: true, isViewOnce: !!view_once }),
  document: () => ({ type: 'document' }),
  sticker: () => ({ type: 'sticker' }),
};

const PREPARE = {
  audio: { isPtt: false }, ptt: { isPtt: true }, voice: { isPtt: true }, document: { asDocument: true },
  sticker: { asSticker: true }, image: { maxDimension: 1600 },
};

// What wa-js does for files, where it leaves our key out (a status) or knows no way (a forward).
async function sendPrepared(chat, file, kind, caption, marks, options) {
  const opaque = await WPP.whatsapp.OpaqueData.createFromData(file, file.type);
  const prepared = WPP.whatsapp.MediaPrep.prepRawMedia(opaque, { ...PREPARE[kind] });
  const named = { caption: caption || file.name, filename: file.name, isCaptionByUser: !!caption, ...marks };
  const raw = await WPP.chat.prepareRawMessage(chat, named, options);
  await prepared.waitForPrep();
  const how = { caption: caption || undefined, productMsgOptions: raw, addEvenWhilePreparing: false, type: raw.type };
  const sent = prepared.sendToChat.length === 1
    ? prepared.sendToChat({ chat, options: how })
    : prepared.sendToChat(chat, how);
  sent.catch?.(() => {});   // its failure shows in the message's ack
  return { ack: 0 };
}

const SEND = {
  text: ({ chat, options, m }) => WPP.chat.sendTextMessage(chat.id, m.text, options),
  location({ chat, options, m }) {
    const { latitude: lat, longitude: lng, name, address } = m.content.location;
    return WPP.chat.sendLocationMessage(chat.id, { ...options, lat, lng, name, address });
  },
  contacts: ({ chat, options, m }) => WPP.chat.sendRawMessage(chat.id, vcards(m.content.contacts), options),
  poll: ({ chat, options, m }) => sendPoll(m.content.poll, { chat: chat.id, options }),
  forward: forwardCopy,
};
for (const [kind, how] of Object.entries(SEND_FILE)) {
  SEND[kind] = ({ chat, options, m }) => {
    const file = takeFile(m.handle);
    const more = { ...how(m), filename: file.name, mimetype: file.type };
    if (m.text) more.caption = m.text;
    return WPP.chat.sendFileMessage(chat.id, file, { ...options, ...more });
  };
}

const COPIED = {
  chat: ({ body }) => ({ ...TEXT_RAW, body }),
  location: ({ lat, lng, loc }) => ({ type: 'location', lat, lng, loc }),
  vcard: ({ body, vcardFormattedName }) => ({ type: 'vcard', body, vcardFormattedName }),
  multi_vcard: ({ vcardList }) => ({ type: 'multi_vcard', vcardList }),
};
const FORWARDED_FILES = new Set(['image', 'video', 'audio', 'ptt', 'document', 'sticker']);

async function forwardCopy({ chat, options, m }) {
  const from = m.content.forward;
  const source = await messageToChange(await chatOf(from.chat), from.message_id);
  const marks = forwardMarks(source);
  const copy = ofOurs(COPIED, source.type)?.(source);
  if (copy) return WPP.chat.sendRawMessage(chat.id, { ...copy, ...marks }, options);
  if (source.isViewOnce || !FORWARDED_FILES.has(source.type)) {
    throw new Refusal('not_forwardable', `a message of type ${text(source.type, 32)} cannot be forwarded`);
  }
  const blob = await WPP.chat.downloadMedia(String(source.id)).catch((error) => {
    if (error?.code !== 'media_not_found') throw error;
    throw new Refusal('forward_file_gone', 'WhatsApp has the file of that message no more');
  });
  const file = new File([blob], text(source.filename, NAME_MAX) || source.type, { type: text(source.mimetype, 128) });
  return sendPrepared(chat, file, source.type, text(source.caption), marks, options);
}

// wa-js asks whether the phone allows status posts and then posts; its files go without our key.
async function postStatus({ m }) {
  const messageId = WPP.whatsapp.MsgKey.fromString(ourKey(STATUS, m.id));
  if (m.type === 'text') return WPP.status.sendTextStatus(m.text, { messageId, waitForAck: false });
  const file = takeFile(m.handle);
  const chat = new WPP.whatsapp.ChatModel({ id: wid(STATUS) });
  return sendPrepared(chat, file, m.type, m.text, { author: wid(myPhone()) }, { messageId });
}

async function startSend(m) {
  if (m.chat === STATUS) return postStatus({ m });
  const chat = await chatOf(m.chat);
  return SEND[m.type]({ chat, options: await optionsOf(chat, m), m });
}

async function sendMessage(m) {
  if (!Object.hasOwn(SEND, m.type)) throw new Refusal('unknown_op', 'a type that is not known');
  need(m.type === 'text' ? 'send_text' : m.handle ? 'send_file' : 'send_raw');
  needLink();
  const chat = m.chat === STATUS ? { id: STATUS } : await chatOf(m.chat);
  const known = inMemory(chat, m.id);
  if (known || sending.has(m.id)) files.delete(m.handle);
  if (known) return { ack: ackOf(known.ack), known: true };
  if (!sending.has(m.id)) {
    const run = startSend(m).finally(() => sending.delete(m.id));
    sending.set(m.id, run);
    run.catch(() => {});
    setTimeout(() => sending.get(m.id) === run && sending.delete(m.id), SENDING_MS);
  }
  const { ack } = await beforeDeadline(sending.get(m.id), m.ms);
  return { ack: ackOf(ack), known: false };
}

// ---- changing ----

const age = (msg) => Date.now() - milliseconds(msg.t);

const CHANGE = {
  async edit(chat, msg, { text: body }) {
    need('edit');
    const field = msg.type === 'chat' ? msg.body : msg.caption;
    if (field === body) return;
    if (!keyParts(msg.id).fromMe) throw new Refusal('not_yours', 'only messages of our own can be edited');
    if (age(msg) > EDIT_MS) throw new Refusal('too_late', 'a message can be edited for 15 minutes');
    await WPP.chat.editMessage(String(msg.id), body, { waitForAck: false });
  },
  async revoke(chat, msg) {
    need('revoke');
    if (msg.type === 'revoked') return;
    const admin = String(chat.id).endsWith('@g.us') && (await WPP.group.iAmAdmin(chat.id));
    if (!keyParts(msg.id).fromMe && !admin) {   // wa-js would delete it here only
      throw new Refusal('not_yours', 'only messages of our own can be deleted for everyone');
    }
    if (age(msg) > REVOKE_MS) throw new Refusal('too_late', 'a message can be deleted for everyone for 60 hours');
    await WPP.chat.deleteMessage(chat.id, String(msg.id), false, true);
  },
  async react(chat, msg, { text: emoji }) {
    need('react');
    const { sendMsgResult } = await WPP.chat.sendReactionToMessage(String(msg.id), emoji);
    const result = sendMsgResult?.messageSendResult ?? sendMsgResult;
    if (typeof result === 'string' && result !== 'OK') throw new Error(`the reaction ended with ${text(result, 64)}`);
  },
};

async function changeMessage({ what, chat: address, id, text: body, ms }) {
  if (!Object.hasOwn(CHANGE, what)) throw new Refusal('unknown_op', 'a change that is not known');
  needLink();
  const chat = await chatOf(address);
  const msg = await messageToChange(chat, id);
  await beforeDeadline(CHANGE[what](chat, msg, { text: body }), ms);
  return {};
}

const SHOW = { typing: 'markIsComposing', recording: 'markIsRecording', paused: 'markIsPaused' };

// wa-js asks for the presence of the chats that are there when it begins, and of those we type in;
// "subscribe" asks for one more, and shows nothing.
async function showPresence({ chat: address, state: shown, ms }) {
  need('presence');
  needLink();
  const chat = await chatOf(address);
  const act = shown === 'subscribe' ? WPP.contact.subscribePresence(String(chat.id)) : WPP.chat[SHOW[shown]](chat.id);
  await beforeDeadline(act, ms);
  return {};
}

async function markRead({ chat: address, ms }) {
  need('mark_read');
  needLink();
  const other = address.endsWith('@lid') ? phoneOf(address) && `${phoneOf(address)}@c.us` : lidOf(address);
  const chat = localChat(address) ?? (other ? localChat(other) : undefined);
  if (!chat) throw new Refusal('unknown_chat', 'there is no such chat');
  await beforeDeadline(WPP.chat.markIsRead(chat.id), ms);
  return {};
}

Object.assign(OPS, {
  send: sendMessage,
  find_message: findMessage,
  change: changeMessage,
  presence: showPresence,
  mark_read: markRead,
  file_begin: fileBegin,
  file_piece: filePiece,
  file_drop: fileDrop,
});
