// What the widget shows: who it is, the conversation, where one writes.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { can } from '../core/auth.js';
import { said } from '../core/codes.js';
import { phone as phoneText } from '../core/format.js';
import { has, t } from '../core/i18n.js';
import { connection } from '../core/live.js';
import { ContextMenu } from '../ui/context.js';
import { Button, Empty, Icon, IconButton, Skeleton, Trouble } from '../ui/controls.js';
import { problem as complain } from '../ui/overlay.js';
import { Lightbox } from '../pages/inbox/bubble_media.js';
import { Writer } from '../pages/inbox/composer.js';
import { EditBar, ReplyBar, Typing } from '../pages/inbox/composer_parts.js';
import { editing } from '../pages/inbox/composer_state.js';
import { chatName, sameChat } from '../pages/inbox/names.js';
import { Pane } from '../pages/inbox/pane.js';
import { openChat } from '../pages/inbox/store_chats.js';
import { messages, reloadThread, thread } from '../pages/inbox/store_thread.js';
import { announced, load, replyTo, typing } from './chat.js';
import { about, askTicket, minimise, phase, problem, shown } from './line.js';

// What the page calls them stands in while WhatsApp has told no name.
function named() {
  const chat = openChat.value;
  return chat && { ...chat, name: chat.name || about.value?.name };
}

function Head() {
  const chat = named();
  const name = chat ? chatName(chat) : about.value?.name || phoneText(about.value?.phone) || t('widget.title');
  const number = phoneText(chat?.phone || about.value?.phone);
  const { state } = connection.value;
  const live = state === 'live' || state === 'off';
  return html`<header class="w-head"><span class="w-face" aria-hidden="true"><${Icon} name=${chat?.type === 'group' ? 'user-group' : 'user'} size=${22} /></span>
    <div class="w-who"><h1><bdi>${name}</bdi></h1>
      <p role="status">${live || phase.value !== 'ready' ? html`<span class="w-number">${number && number !== name ? number : ''}</span>` : html`<span class=${`w-line ${state}`}>${t(`live.${state}`)}</span>`}</p></div>
    <${IconButton} icon="minus" label=${t('widget.minimise')} onClick=${minimise} /></header>`;
}

// What one does with a message is fetched when somebody asks for it: the frame stays small.
async function onMenu(from, message) {
  if (from instanceof Event) from.preventDefault();
  const at = document.activeElement;
  try {
    const { messageMenu } = await import('../pages/inbox/message_menu.js');
    const now = document.activeElement;   // whoever went on to write meanwhile goes on
    if (now === at || now?.localName !== 'textarea') messageMenu(from, message, { onReply });
  } catch {
    complain({ status: 0 }, t('errors.title'), { onRetry: () => onMenu(document.querySelector(`[data-message="${CSS.escape(message.id)}"]`), message) });
  }
}
const onReply = (message) => can('messages:send') && message.type !== 'system' && (replyTo.value = message);

function Messages() {
  const [picture, setPicture] = useState(null);
  const th = thread.value;
  const items = messages.value;
  const still = th.error && items.length === 0 ? html`<${Trouble} error=${th.error} onRetry=${() => (openChat.value ? reloadThread() : load())} />`
    : th.loading || !openChat.value ? html`<${Skeleton} lines=${5} height=${40} />`
    : items.length === 0 && html`<${Empty} icon="chat-bubble-left-ellipsis" title=${t('widget.empty')}>${can('messages:send') ? t('widget.empty_about') : ''}</${Empty}>`;
  // put away it has no size, and nobody sees anything
  return html`<section class="w-thread" aria-label=${t('inbox.thread')}>${still ? html`<div class="pane still" aria-busy=${String(th.loading)}>${still}</div>`
    : shown.value && html`<${Pane} key=${th.shown} th=${th} items=${items} chat=${named()} onMenu=${onMenu} onReply=${onReply} onPicture=${setPicture} />`}
    ${picture && html`<${Lightbox} picture=${picture} onClose=${() => setPicture(null)} />`}</section>`;
}

function dropReply() {
  replyTo.value = null;
}
function Foot() {
  const { session, session_status: status } = about.value;
  const chat = named();
  const edited = sameChat(editing.value?.chat, chat) ? editing.value : null;
  const away = status && !['ready', 'hibernating'].includes(status);
  return html`<footer class="composer w-foot"><${Typing} state=${typing.value} />
    ${away && html`<p class="composer-notice warn"><${Icon} name="clock" size=${18} /><span>${t('composer.away', { status: has(`status.${status}`) ? t(`status.${status}`) : status })}</span></p>`}
    ${!can('messages:send') ? html`<p class="composer-notice"><${Icon} name="lock-closed" size=${18} /><span>${t('widget.read_only')}</span></p>`
    : chat && html`${edited ? html`<${EditBar} message=${edited} onCancel=${() => (editing.value = null)} />` : replyTo.value && html`<${ReplyBar} message=${replyTo.value} onCancel=${dropReply} />`}
      <${Writer} key=${chat.session} session=${session} chat=${chat.id} whole=${chat} replyTo=${replyTo.value} onCancelReply=${dropReply} edited=${edited} />`}</footer>`;
}

function Nothing() {
  if (phase.value === 'waiting') return html`<div class="w-wait" role="status"><span class="spinner" aria-hidden="true" /> ${t('common.loading')}</div>`;
  if (phase.value === 'alone') return html`<${Empty} icon="chat-bubble-left-ellipsis" title=${t('widget.title')}>${t('widget.alone')}</${Empty}>`;
  const ended = phase.value === 'ended';
  return html`<${Empty} icon=${ended ? 'clock' : 'exclamation-triangle'} title=${t(ended ? 'widget.ended' : 'widget.failed')}
    action=${html`<${Button} kind="primary" onClick=${askTicket}>${t(ended ? 'widget.go_on' : 'common.retry')}</${Button}>`}>${ended ? t('widget.ended_about') : problem.value?.status === 0 ? t('errors.offline') : problem.value && said('problems', problem.value.code, problem.value.message)}</${Empty}>`;
}

export function View() {
  const there = Boolean(about.value && openChat.value) && phase.value === 'ready';
  const keys = (e) => {
    if (e.key !== 'Escape' || e.defaultPrevented || document.querySelector('dialog[open], .emoji-picker, :popover-open:not(.toasts)')) return;
    if (editing.value) editing.value = null;
    else if (replyTo.value) dropReply();
    else minimise();
  };
  return html`<main class="widget page-inbox" id="main" tabindex="-1" onKeyDown=${keys}><${Head} />
    ${there ? html`<${Messages} /><div class="hidden" role="log" aria-live="polite" aria-label=${t('inbox.new_messages')}>${announced.value}</div><${Foot} />` : phase.value === 'ready' && thread.value.error ? html`<${Messages} />` : phase.value === 'ready' ? html`<div class="w-thread"><${Skeleton} lines=${5} height=${40} /></div>` : html`<div class="w-thread"><${Nothing} /></div>`}<${ContextMenu} /></main>`;
}
