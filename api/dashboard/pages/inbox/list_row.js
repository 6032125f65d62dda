// One chat in the list.
import { html } from 'htm/preact';
import { recent, exactTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { Icon } from '../../ui/controls.js';
import { memo } from '../../ui/virtual.js';
import { Avatar } from './avatar.js';
import { summary } from './bubble.js';
import { typeIcon } from './bubble_media.js';
import { chatName, personName } from './names.js';
import { presenceWords } from './thread_head.js';
import { Ticks } from './ticks.js';

function Preview({ chat, last }) {
  const doing = presenceWords(chat.session, chat);
  if (doing && doing !== t('inbox.presence.online')) return html`<span class="preview doing"><span dir="auto">${doing}</span></span>`;
  if (!last) return html`<span class="preview"><span>${t('inbox.no_messages')}</span></span>`;
  const icon = typeIcon(last.type);
  const who = chat.type === 'group' && last.direction === 'in' && last.from && last.type !== 'system' ? `${personName(last.from)}: ` : '';
  return html`<span class="preview">${last.direction === 'out' && last.type !== 'system' && html`<${Ticks} status=${last.status} />`}${icon && html`<${Icon} name=${icon} size=${16} />`}<span dir="auto">${who}${summary(last)}</span></span>`;
}

// doing: changes when somebody begins or ends typing, so that the row is drawn again
export const ChatRow = memo(({ chat, query, chosen, stop, sessionShown, me, onMenu }) => {
  const last = chat.last_message;
  const unread = chat.unread_count;
  const muted = chat.muted_until && Date.parse(chat.muted_until) > Date.now();
  return html`<a class=${`chat-row ${chosen ? 'current' : ''} ${unread ? 'unread' : ''}`} href=${href('inbox', [chat.session, chat.id], query)} aria-current=${chosen ? 'true' : undefined} tabindex=${stop ? 0 : -1} onContextMenu=${(e) => onMenu(e, chat)}>
    <${Avatar} chat=${chat} /><span class="lines"><span class="line"><span class="name" dir="auto">${chatName(chat)}</span>${last && html`<time datetime=${last.timestamp} title=${exactTime(last.timestamp)}>${recent(last.timestamp)}</time>`}</span>
    <span class="line"><${Preview} chat=${chat} last=${last} /><span class="signs">
      ${chat.archived && html`<${Icon} name="archive-box" size=${16} label=${t('inbox.is_archived')} />`}${chat.pinned && html`<${Icon} name="bookmark" size=${16} label=${t('inbox.is_pinned')} />`}${muted && html`<${Icon} name="bell-slash" size=${16} label=${t('inbox.is_muted')} />`}
      ${unread > 0 ? html`<span class="badge accent">${unread > 999 ? '999+' : unread}<span class="hidden"> ${t('inbox.unread_messages')}</span></span>` : unread < 0 && html`<span class="badge accent dot"><span class="hidden">${t('inbox.marked_unread')}</span></span>`}</span></span>
    ${(sessionShown || chat.assignee || chat.state === 'closed' || chat.tags?.length > 0) && html`<span class="line row-tags">${sessionShown && html`<span class="row-tag session" dir="ltr">${chat.session}</span>`}${chat.state === 'closed' && html`<span class="row-tag">${t('inbox.state.closed')}</span>`}
      ${chat.assignee && html`<span class="row-tag person" dir="auto">${chat.assignee === me ? t('inbox.you') : chat.assignee}</span>`}${chat.tags?.slice(0, 3).map((tag) => html`<span key=${tag} class="row-tag" dir="auto">${tag}</span>`)}</span>`}</span></a>`;
});
