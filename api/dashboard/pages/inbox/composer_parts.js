// What stands above the field: why one should not or cannot write, what is answered or changed, who
// is typing.
import { html } from 'htm/preact';
import { t, has } from '../../core/i18n.js';
import { ago } from '../../core/format.js';
import { can } from '../../core/auth.js';
import { href } from '../../core/router.js';
import { Button, Icon, IconButton, toClipboard } from '../../ui/controls.js';
import { toast } from '../../ui/overlay.js';
import { personName } from './names.js';
import { allowAgain, unblock } from './contact_acts.js';

const first = (text) => (text || '').replace(/\s+/g, ' ').slice(0, 200);
const words = (m) => first(m.text) || (has(`composer.kind.${m.type}`) ? t(`composer.kind.${m.type}`) : t('composer.kind.message'));

export const Quote = ({ icon, title, message, onCancel }) => html`<div class="composer-quote"><${Icon} name=${icon} size=${18} />
  <div><strong>${title}</strong><span dir="auto">${words(message)}</span></div><${IconButton} icon="x-mark" size=${18} label=${t('common.cancel')} onClick=${onCancel} /></div>`;
export const ReplyBar = ({ message, onCancel }) => html`<${Quote} icon="arrow-uturn-left" message=${message} onCancel=${onCancel}
  title=${message.direction === 'out' ? t('composer.reply_to_own') : t('composer.reply_to', { name: personName(message.from) })} />`;
export const EditBar = ({ message, onCancel }) => html`<${Quote} icon="pencil-square" message=${message} onCancel=${onCancel} title=${t('composer.editing')} />`;

// Seen above the thread and in the list; here it is said.
export const Typing = ({ state }) => html`<div class="hidden composer-typing" role="status">${state && ['typing', 'recording'].includes(state.state) && html`${t(`composer.presence.${state.state}`, { name: state.by?.name || state.by?.phone || t('composer.customer') })}`}</div>`;

const Notice = ({ icon, tone = '', children, act, onAct, href: to }) => html`<div class=${`composer-notice ${tone}`}><${Icon} name=${icon} size=${18} /><span>${children}</span>${act && html`<${Button} small href=${to} onClick=${onAct}>${act}</${Button}>`}</div>`;

async function copy(text) {
  if (await toClipboard(text)) toast(t('common.copied'));
}
// The session is not there any more. What was begun is not lost with it.
function Gone({ session, draft }) {
  return html`<div role="alert"><${Notice} icon="trash" tone="warn" act=${can('sessions:read') && t('composer.gone_act')} href=${href('sessions')}>${t('composer.gone', { name: session })}</${Notice}>
    ${draft && html`<${Notice} icon="pencil-square" act=${t('common.copy')} onAct=${() => copy(draft)}><strong>${t('composer.gone_draft')}</strong><span class="kept-draft" dir="auto">${draft}</span></${Notice}>`}</div>`;
}

// Why nothing can be sent: one notice in the place of the field. null: all is well.
// gone: the session is; draft: what was begun in it.
export function barrier({ chat, session, optOut, gone = false, draft }) {
  if (gone) return html`<${Gone} session=${session} draft=${draft} />`;
  const name = chat?.name || t('composer.customer');
  if (!can('messages:send')) return html`<${Notice} icon="lock-closed">${t('composer.read_only')}</${Notice}>`;
  if (['status', 'channel'].includes(chat?.type)) return html`<${Notice} icon="information-circle">${t('composer.one_way')}</${Notice}>`;
  if (chat?.blocked) return html`<${Notice} icon="no-symbol" tone="warn" act=${can('chats:manage') && t('composer.unblock')} onAct=${() => unblock(session, chat)}>${t('composer.blocked', { name })}</${Notice}>`;
  if (optOut.data?.out) return html`<${Notice} icon="hand-raised" tone="warn" act=${can('tenant:manage') && t('composer.allow_again')} onAct=${() => allowAgain(chat, optOut)}>${t('composer.opted_out', { name })}</${Notice}>`;
  return null;
}

// What one should know before writing; it does not hold anybody back.
export function Warnings({ chat, account }) {
  const closed = chat?.window && !chat.window.open;
  const away = account && account.status !== 'ready' && account.status !== 'hibernating';
  return html`${away && html`<${Notice} icon="clock" tone="warn">${t('composer.away', { status: has(`status.${account.status}`) ? t(`status.${account.status}`) : account.status })}</${Notice}>`}
    ${closed && html`<${Notice} icon="clock">${chat.window.expires_at ? t('composer.window_closed', { ago: ago(chat.window.expires_at) }) : t('composer.window_never')}</${Notice}>`}`;
}
