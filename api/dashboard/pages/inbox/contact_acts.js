// What is done to a chat and its person; each act is seen at once, says what went wrong, and can be
// undone where that is cheap.
import { del, get, of, put } from '../../core/api.js';
import { t } from '../../core/i18n.js';
import { confirm, problem, toast } from '../../ui/overlay.js';
import { changeChat, patchChat } from './store.js';

// Asks for the opt-out of a person: {out: true|false|null (nobody may know with this key), …}
export async function askOptOut(chat) {
  const id = chat?.phone || chat?.lid;
  if (!id || chat.type !== 'user') return { out: null };
  try {
    return { out: true, ...(await get(of`/opt-outs/${id}`)) };
  } catch (error) {
    if (error.status === 404) return { out: false };
    if (error.status === 403) return { out: null };
    throw error;
  }
}
export async function setOptOut(chat, out, state) {
  const id = chat.phone || chat.lid;
  const before = state.data;
  state.set({ ...before, out });
  try {
    if (out) await put(of`/opt-outs/${id}`, {});
    else await del(of`/opt-outs/${id}`);
    state.reload();
  } catch (error) {
    state.set(before);
    problem(error, t('contact.not_changed'));
  }
}
export async function allowAgain(chat, state) {
  const sure = await confirm({ title: t('contact.allow_title'), text: t('contact.allow_text', { name: chat.name || t('composer.customer') }), act: t('composer.allow_again') });
  if (sure) await setOptOut(chat, false, state);
}

// PATCHes the chat; undo: the body that takes it back, offered with the words of what was done.
export async function change(session, chat, body, { done, undo } = {}) {
  try {
    await patchChat(session, chat, body);
    if (done) toast(done, undo && { act: t('common.undo'), onAct: () => change(session, chat, undo) });
    return true;
  } catch (error) {
    problem(error, t('contact.not_changed'), { onRetry: () => change(session, chat, body, { done, undo }) });
    return false;
  }
}

export const unblock = (session, chat) => change(session, chat, { blocked: false }, { done: t('contact.unblocked') });
export async function block(session, chat) {
  const name = chat.name || t('composer.customer');
  const sure = await confirm({ title: t('contact.block_title', { name }), text: t('contact.block_text'), act: t('contact.block'), danger: true });
  if (sure) await change(session, chat, { blocked: true }, { done: t('contact.blocked') });
}
export function setState(session, chat, state) {
  return change(session, chat, { state }, { done: t(state === 'closed' ? 'contact.closed' : 'contact.reopened'), undo: { state: chat.state } });
}
export const assign = (session, chat, assignee) => change(session, chat, { assignee: assignee || null }, { done: assignee ? t('contact.assigned', { name: assignee }) : t('contact.unassigned'), undo: { assignee: chat.assignee } });
export const setTags = (session, chat, tags) => change(session, chat, { tags });
export { changeChat };
