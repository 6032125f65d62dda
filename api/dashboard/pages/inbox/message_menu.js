// What one can do with a message: its menu, and the dialogs behind it.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { get, of } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { dateTime, exactTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, SearchField, Spinner, toClipboard } from '../../ui/controls.js';
import { openMenu } from '../../ui/context.js';
import { confirm, Dialog, problem, toast } from '../../ui/overlay.js';
import { Avatar } from './avatar.js';
import { Failure, summary } from './bubble.js';
import { mayChange, mayEdit, startEdit } from './composer_state.js';
import { chatName } from './names.js';
import { ownReaction, reactTo } from './reaction.js';
import { forwardMessage, revokeMessage } from './store.js';
import { statusWords } from './ticks.js';

const EMOJIS = ['👍', '❤️', '😂', '😮', '😢', '🙏'];
const REVOKE_MS = 60 * 3600_000;
const age = (m) => Date.now() - Date.parse(m.timestamp);
const gone = (m) => m.type === 'revoked' || Boolean(m.revoked_at);
// none of these can be reacted to or deleted
const FIXED = ['call', 'system', 'pending', 'unknown'];
const sentOut = (m) => mayChange(m) && !FIXED.includes(m.type) && !['failed', 'sending'].includes(m.status);

async function copy(m) {
  const done = await toClipboard(m.text);
  toast(t(done ? 'common.copied' : 'inbox.copy_failed'), { tone: done ? 'ok' : 'bad' });
}
async function revoke(m) {
  if (!(await confirm({ title: t('inbox.revoke.title'), text: t('inbox.revoke.about'), act: t('inbox.revoke.act'), danger: true }))) return;
  await revokeMessage(m).catch((error) => problem(error, t('inbox.revoke.failed'), { onRetry: () => revokeMessage(m).catch(problem) }));
}

// open(what, message): shows one of the dialogs below; without it they are not offered.
export function messageMenu(event, m, { onReply, open }) {
  const may = can('messages:send') && m.type !== 'system';
  const isText = m.text && !gone(m);
  openMenu(event, [
    may && !gone(m) && !FIXED.includes(m.type) && m.status !== 'failed' && { emojis: EMOJIS, text: t('inbox.react'), chosen: ownReaction(m), onPick: (emoji) => reactTo(m, emoji) },
    may && { text: t('inbox.reply'), icon: 'arrow-uturn-left', onPick: () => onReply(m) },
    isText && { text: t('inbox.copy_text'), icon: 'clipboard-document', onPick: () => copy(m) },
    open && may && !gone(m) && { text: t('inbox.forward.act'), icon: 'arrow-right', onPick: () => open('forward', m) },
    may && isText && mayEdit(m) && { text: t('common.edit'), icon: 'pencil-square', onPick: () => startEdit(m) },
    open && { text: t('inbox.info.act'), icon: 'information-circle', onPick: () => open('info', m) },
    may && !gone(m) && sentOut(m) && age(m) < REVOKE_MS && { text: t('inbox.revoke.act'), icon: 'trash', danger: true, onPick: () => revoke(m) },
  ], t('inbox.message_menu'));
}

function Info({ message: m, onClose }) {
  const steps = m.status_history || [];
  return html`<${Dialog} title=${t('inbox.info.title')} onClose=${onClose}><dl class="info-facts">
    <div><dt>${t('inbox.info.message')}</dt><dd dir="auto">${summary(m)}</dd></div>
    <div><dt>${t(m.direction === 'out' ? 'inbox.info.written' : 'inbox.info.received')}</dt><dd>${exactTime(m.timestamp)}</dd></div>
    ${m.edited_at && html`<div><dt>${t('inbox.edited')}</dt><dd>${exactTime(m.edited_at)}</dd></div>`}
    ${(m.sent_by_name || m.sent_by) && html`<div><dt>${t('inbox.info.by')}</dt><dd dir="auto">${m.sent_by_name || m.sent_by}</dd></div>`}
    ${m.error && html`<div><dt>${t('inbox.info.error')}</dt><dd><${Failure} message=${m} /></dd></div>`}
    <div><dt>${t('inbox.info.id')}</dt><dd><code dir="ltr">${m.id}</code></dd></div></dl>
    ${steps.length > 0 && html`<h3>${t('inbox.info.history')}</h3><ol class="status-steps">${steps.map((step, i) => html`<li key=${i}><span>${statusWords(step.status)}</span><time datetime=${step.at}>${dateTime(step.at)}</time></li>`)}</ol>`}</${Dialog}>`;
}

function Forward({ message, onClose }) {
  const [q, setQ] = useState('');
  const [found, setFound] = useState(null);
  useEffect(() => {
    const aborter = new AbortController();
    get(of`/sessions/${message.session}/chats`, { q: q.trim(), limit: 30 }, { signal: aborter.signal }).then((page) => setFound(page.items), (error) => error.name !== 'AbortError' && problem(error));
    return () => aborter.abort();
  }, [q]);
  const to = async (chat) => {
    onClose();
    await forwardMessage(message, chat.id).then(() => toast(t('inbox.forward.done', { name: chatName(chat) })), (error) => problem(error, t('inbox.forward.failed')));
  };
  return html`<${Dialog} title=${t('inbox.forward.title')} onClose=${onClose}><${SearchField} label=${t('inbox.forward.search')} value=${q} onValue=${setQ} />
    ${!found ? html`<${Spinner} />` : html`<ul class="pick-chat">${found.map((chat) => html`<li key=${chat.id}><button type="button" onClick=${() => to(chat)}><${Avatar} chat=${chat} size=${36} /><span dir="auto">${chatName(chat)}</span></button></li>`)}</ul>`}
    ${found?.length === 0 && html`<p class="muted">${t('inbox.search.nothing')}</p>`}</${Dialog}>`;
}

const DIALOGS = { info: Info, forward: Forward };
export const MessageDialog = ({ what, message, onClose }) => html`<${DIALOGS[what]} message=${message} onClose=${onClose} />`;
