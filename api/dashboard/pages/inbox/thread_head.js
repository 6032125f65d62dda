// Above the thread: who it is, on which session, and what can be done with the conversation.
import { html } from 'htm/preact';
import { can } from '../../core/auth.js';
import { phone } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { IconButton } from '../../ui/controls.js';
import { Menu } from '../../ui/overlay.js';
import { Avatar } from './avatar.js';
import { chatActs } from './chat_acts.js';
import { chatName, keyOf, personName } from './names.js';
import { assignees, myself, presence, sessions } from './store.js';

export function presenceWords(session, chat) {
  const now = presence.value.get(keyOf(session, chat.id));
  if (!now) return '';
  const name = chat.type === 'group' && now.by ? personName(now.by) : '';
  if (now.state === 'typing' || now.state === 'recording') return t(name ? `inbox.presence.${now.state}_name` : `inbox.presence.${now.state}`, { name });
  return chat.type === 'group' ? '' : t('inbox.presence.online');
}

function Assign({ chat, acts }) {
  const me = myself();
  const others = assignees.value.filter((name) => name !== me);
  const items = [
    { text: t('inbox.assign.me'), checked: chat.assignee === me, onPick: () => acts.assign(me) },
    { text: t('inbox.assign.nobody'), checked: !chat.assignee, onPick: () => acts.assign(null) },
    others.length > 0 && null,
    ...others.map((name) => ({ text: name, checked: chat.assignee === name, onPick: () => acts.assign(name) })),
  ];
  return html`<${Menu} class="assign-menu" label=${t('inbox.assign.label')} icon=${chat.assignee ? 'user-circle' : 'user-plus'} items=${items} />`;
}

// still: nothing can be done with it, its session is gone.
export function ThreadHead({ session, chat, still, panel, onPanel, onBack, heading }) {
  const acts = chat && chatActs(chat);
  const doing = chat ? presenceWords(session, chat) : '';
  const name = chat ? chatName(chat) : '';
  const details = [chat?.type === 'group' && t('inbox.group'), chat?.name && chat.phone && phone(chat.phone), sessions.value.length > 1 && session, chat?.assignee && t('inbox.assigned_to', { name: chat.assignee === myself() ? t('inbox.you') : chat.assignee })].filter(Boolean);
  return html`<header class="thread-head"><${IconButton} icon="arrow-left" class="to-list" label=${t('inbox.back')} onClick=${onBack} />
    <h2 class="hidden" ref=${heading} tabindex="-1">${name}</h2>
    <button type="button" class="identity" disabled=${still} onClick=${onPanel} aria-expanded=${String(panel)} title=${t('inbox.contact_panel')}><${Avatar} chat=${chat} size=${40} />
      <span class="names"><span class="name" dir="auto">${name || '\u00a0'}</span>
      <span class=${`sub ${doing ? 'doing' : ''}`} dir="auto">${doing || details.map((text, i) => html`${i > 0 && ' · '}<bdi>${text}</bdi>`)}</span></span></button>
    ${chat?.state === 'closed' && html`<span class="closed-sign">${t('inbox.state.closed')}</span>`}
    ${chat && !still && can('chats:manage') && html`<${Assign} chat=${chat} acts=${acts} />
      <${IconButton} icon=${chat.state === 'closed' ? 'arrow-path' : 'check-circle'} label=${t(chat.state === 'closed' ? 'inbox.reopen' : 'inbox.close')} onClick=${acts.toggleState} />`}
    ${chat && !still && html`<${IconButton} icon="information-circle" label=${t('inbox.contact_panel')} aria-pressed=${String(panel)} onClick=${onPanel} />`}
    ${chat && !still && can('chats:manage') && html`<${Menu} label=${t('inbox.chat_menu')} items=${acts.items()} />`}</header>`;
}
