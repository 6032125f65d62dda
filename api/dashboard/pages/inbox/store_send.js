// Sending: a bubble at once, under an id of its own, then what the server answers in its place.
// Messages of one chat go one after the other, so that they are accepted in the order they were
// written. An Idempotency-Key for each makes a retry harmless when nobody knows whether it arrived.
import { idempotencyKey, of, post } from '../../core/api.js';
import { t } from '../../core/i18n.js';
import { keyOf } from './names.js';
import { previewMessage, sessionGone } from './store_chats.js';
import { uploadFile } from './upload.js';
import { dropMessage, isOpenThread, messages, putMessage, replaceMessage, thread } from './store_thread.js';

const PROGRESS_STEP = 0.04;
const CLOCKS_MS = 10 * 60_000;   // a browser's clock may differ from the server's
const chains = new Map();   // chat → the promise of its last send
const flying = new Map();   // session → how many POSTs are on their way
const held = [];            // events of our own messages whose POST is not answered yet
const unsent = new Map();   // local id → its message, for chats that are not open

// {session, chat: id, text, files: [{file, kind, caption, view_once}], replyTo: message, mentions,
//  content: other members of the body (location, contacts, poll …)} → a promise of all of it.
export function sendMessage({ session, chat, text = '', files = [], replyTo = null, mentions, content = null }) {
  const parts = files.map((part) => ({ part, text: part.caption || '' }));
  if (text || content) parts.push({ text });
  return Promise.all(parts.map((one, n) => {
    const body = { to: chat, source: 'dashboard', ...(n === 0 && replyTo ? { reply_to: replyTo.id } : {}), ...(mentions?.length ? { mentions } : {}), ...(one.part ? {} : { ...(one.text ? { text: one.text } : {}), ...content }) };
    return start(draft({ session, chat, body, one, replyTo: n === 0 ? replyTo : null }));
  }));
}

// Words and files that are not sent yet live in this page only: leaving it asks first.
addEventListener('beforeunload', (e) => unsent.size > 0 && e.preventDefault());

function draft({ session, chat, body, one, replyTo }) {
  const { part, text } = one;
  const id = `local:${crypto.randomUUID?.() || Math.random()}`;
  const type = part ? part.kind : Object.keys(body).find((name) => ['location', 'contacts', 'poll'].includes(name)) || 'text';
  return {
    id, session, chat: { id: chat }, direction: 'out', type, text: text || null, status: 'sending', status_history: [], error: null,
    quoted: replyTo ? { id: replyTo.id, text: replyTo.text, type: replyTo.type, from: replyTo.from, direction: replyTo.direction } : null,
    ...(type !== 'text' && !part ? { [type]: body[type] } : {}),
    media: part ? { state: 'uploading', mimetype: part.file.type, filename: part.file.name, size_bytes: part.file.size, local_url: URL.createObjectURL(part.file) } : null,
    timestamp: new Date().toISOString(), local: { body, part, key: idempotencyKey(), media_id: null, tenant: of`` },
  };
}

function start(made) {
  // at the end, whatever the clock of this browser says
  const last = isOpen(made) ? messages.value.at(-1)?.timestamp : '';
  const message = last > made.timestamp ? { ...made, timestamp: last } : made;
  unsent.set(message.id, message);
  show(message);
  const key = keyOf(message.session, message.chat.id);
  const turn = (chains.get(key) || Promise.resolve()).then(() => submit(message));
  chains.set(key, turn);
  return turn.finally(() => chains.get(key) === turn && chains.delete(key));
}
// A big file takes its time: by then another tenant may be chosen, with a session and a chat of the same names.
const isOpen = ({ session, chat, local }) => local.tenant === of`` && isOpenThread(session, chat);
const show = (message) => {
  if (isOpen(message)) putMessage(message);
};

async function submit(message) {
  const { local, session, chat } = message;
  if (!unsent.has(message.id)) return null;   // taken back while it waited
  const count = (n) => flying.set(session, (flying.get(session) || 0) + n);
  let isFlying = false;
  try {
    if (local.part && !local.media_id) local.media_id = await upload(message);
    count(1);
    isFlying = true;
    const body = local.part ? { ...local.body, [local.part.kind]: file(local) } : local.body;
    const answer = await post(`${local.tenant}/sessions/${encodeURIComponent(session)}/messages`, body, { headers: { 'Idempotency-Key': local.key } });
    unsent.delete(message.id);
    if (isOpen(message)) replaceMessage(message.id, answer);
    if (local.tenant === of``) previewMessage(session, answer);
    return answer;
  } catch (error) {
    const failed = { ...message, status: 'failed', error: error.status ? { code: error.code, detail: error.message } : { detail: t('errors.offline') }, local: { ...local, unsure: !error.status || error.status >= 500 } };
    unsent.set(message.id, failed);
    if (error.code === 'unknown_session' && local.tenant === of``) sessionGone(session);
    show(failed);
    return null;
  } finally {
    if (isFlying) count(-1);
    release();
  }
}
// Its bubble shows how far the file is, in steps that are worth a new picture.
async function upload(message) {
  let shown = 0;
  const told = (share) => {
    if (share - shown < PROGRESS_STEP && share < 1) return;
    shown = share;
    show({ ...message, media: { ...message.media, progress: share } });
  };
  return (await uploadFile(message.local.part.file, told, message.local.tenant)).media_id;
}
function file({ part, media_id }) {
  return { media_id, ...(part.file.name ? { filename: part.file.name } : {}), ...(part.caption ? { caption: part.caption } : {}), ...(part.view_once ? { view_once: true } : {}) };
}

// An event of a message of ours. While a POST is on its way it may be that one's: it waits until the
// answer says which id it has, so that no message is shown twice.
export function ownEvent(message) {
  if (messages.value.some((m) => m.id === message.id) || !flying.get(message.session)) take(message);
  else held.push(message);
}
function take(message) {
  // one that we believe failed had arrived after all
  const twin = [...unsent.values()].find((m) => m.status === 'failed' && m.local.unsure && isOpen(m) && m.type === message.type && (m.text || '') === (message.text || '') &&
    Date.parse(message.timestamp) > Date.parse(m.timestamp) - CLOCKS_MS);
  if (twin) {
    unsent.delete(twin.id);
    dropMessage(twin.id);
  }
  putMessage(message);
}
function release() {
  for (const message of held.splice(0)) {
    if (flying.get(message.session) && !messages.value.some((m) => m.id === message.id)) held.push(message);
    else if (isOpenThread(message.session, message.chat)) take(message);
  }
}

// Again: what never left under its old key, what the server knows as failed through it.
export async function retryMessage(message) {
  if (message.local) {
    const again = { ...message, status: 'sending', error: null, local: { ...message.local, key: message.local.unsure ? message.local.key : idempotencyKey() } };
    return start(again);
  }
  const answer = await post(of`/sessions/${message.session}/messages/${message.id}/retry`, {}, { headers: { 'Idempotency-Key': `retry-${message.id}` } });
  if (isOpenThread(message.session, message.chat)) {
    putMessage({ ...message, retried_as: answer.id });
    putMessage(answer);
  }
  return answer;
}
// Takes a message away that was never sent.
export function discardMessage(message) {
  unsent.delete(message.id);
  if (message.media?.local_url) URL.revokeObjectURL(message.media.local_url);
  dropMessage(message.id);
}
// Those of this chat that are not sent yet; shown again when it is opened again.
export function showUnsent() {
  const { session, chat } = thread.value;
  for (const message of unsent.values()) if (message.session === session && message.chat.id === chat) show(message);
}
