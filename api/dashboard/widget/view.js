// What the widget shows: who it is, the conversation, where one writes.
import { html } from 'htm/preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { can } from '../core/auth.js';
import { phone as phoneText } from '../core/format.js';
import { has, t } from '../core/i18n.js';
import { connection } from '../core/live.js';
import { Button, Empty, Icon, IconButton, Skeleton, Trouble } from '../ui/controls.js';
import { Bubble } from '../pages/inbox/bubble.js';
import { Lightbox } from '../pages/inbox/bubble_media.js';
import { Writer } from '../pages/inbox/composer.js';
import { Typing } from '../pages/inbox/composer_parts.js';
import { chatName } from '../pages/inbox/names.js';
import { rowsOf } from '../pages/inbox/rows.js';
import { openChat } from '../pages/inbox/store_chats.js';
import { loadOlder, messages, reloadThread, showNewest, thread } from '../pages/inbox/store_thread.js';
import { announced, load, markSeen, typing } from './chat.js';
import { about, askTicket, minimise, phase, problem, shown } from './line.js';

const NEAR = 80;   // pixels from the end that still count as the end

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

// The scroll stays where the eye is: at the end while one is there, else on the same message.
function useScroll(list, rows) {
  const held = useRef({ atEnd: true, height: 0, first: null });
  useLayoutEffect(() => {
    const el = list.current;
    const first = rows[0]?.message.id || null;
    const h = held.current;
    if (h.atEnd) el.scrollTop = el.scrollHeight;
    else if (first !== h.first && h.first && rows.some((r) => r.message.id === h.first)) el.scrollTop += el.scrollHeight - h.height;
    h.height = el.scrollHeight;
    h.first = first;
  });
  useEffect(() => {
    const el = list.current;
    // pictures and the keyboard change heights without a new message
    const watch = new ResizeObserver(() => held.current.atEnd && (el.scrollTop = el.scrollHeight));
    watch.observe(el);
    watch.observe(el.firstElementChild);
    return () => watch.disconnect();
  }, []);
  return () => {
    const el = list.current;
    held.current.atEnd = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR;
    held.current.height = el.scrollHeight;
    if (el.scrollTop < NEAR && thread.value.older && !thread.value.busy) loadOlder();
  };
}

function Messages() {
  const list = useRef(null);
  const [picture, setPicture] = useState(null);
  const { loading, error, busy, older, newer, unreadFrom } = thread.value;
  const chat = openChat.value;
  const rows = useMemo(() => rowsOf(messages.value, unreadFrom), [messages.value, unreadFrom]);
  const onScroll = useScroll(list, rows);
  const acts = useMemo(() => ({
    menu() {}, find: (id) => messages.value.find((m) => m.id === id), picture: (src, name) => setPicture({ src, name }),
    jump: (id) => list.current.querySelector(`[data-message="${CSS.escape(id)}"]`)?.scrollIntoView({ block: 'center' }),
  }), []);
  useEffect(() => {
    if (shown.value) markSeen();
  });
  return html`<section class="w-thread" ref=${list} onScroll=${onScroll} tabindex="0" aria-label=${t('widget.conversation')}><div>
    ${older && !loading && html`<div class="w-older"><${Button} small kind="quiet" busy=${busy === 'older'} onClick=${loadOlder}>${t('widget.older')}</${Button}></div>`}
    ${loading && rows.length === 0 && html`<${Skeleton} lines=${5} height=${40} />`}
    ${error && html`<${Trouble} error=${error} onRetry=${() => (openChat.value ? reloadThread() : load())} />`}
    ${!loading && !error && rows.length === 0 && html`<${Empty} icon="chat-bubble-left-ellipsis" title=${t('widget.empty')}>${can('messages:send') ? t('widget.empty_about') : ''}</${Empty}>`}
    <ol class="w-messages">${rows.map((row, i) => html`<${Bubble} key=${row.message.id} row=${row} index=${i} chat=${chat} group=${chat?.type === 'group'} acts=${acts} />`)}</ol>
    ${newer && html`<div class="w-older"><${Button} small kind="quiet" onClick=${showNewest}>${t('widget.newest')}</${Button}></div>`}</div>
    ${picture && html`<${Lightbox} picture=${picture} onClose=${() => setPicture(null)} />`}</section>`;
}

function Foot() {
  const { session, session_status: status } = about.value;
  const chat = named();
  const away = status && !['ready', 'hibernating'].includes(status);
  return html`<footer class="composer w-foot"><${Typing} state=${typing.value} />
    ${away && html`<p class="composer-notice warn"><${Icon} name="clock" size=${18} /><span>${t('composer.away', { status: has(`status.${status}`) ? t(`status.${status}`) : status })}</span></p>`}
    ${!can('messages:send') ? html`<p class="composer-notice"><${Icon} name="lock-closed" size=${18} /><span>${t('widget.read_only')}</span></p>`
    : chat && html`<${Writer} key=${chat.session} session=${session} chat=${chat.id} whole=${chat} edits=${false} />`}</footer>`;
}

function Nothing() {
  if (phase.value === 'waiting') return html`<div class="w-wait" role="status"><span class="spinner" aria-hidden="true" /> ${t('common.loading')}</div>`;
  if (phase.value === 'alone') return html`<${Empty} icon="chat-bubble-left-ellipsis" title=${t('widget.title')}>${t('widget.alone')}</${Empty}>`;
  const ended = phase.value === 'ended';
  return html`<${Empty} icon=${ended ? 'clock' : 'exclamation-triangle'} title=${t(ended ? 'widget.ended' : 'widget.failed')}
    action=${html`<${Button} kind="primary" onClick=${askTicket}>${t(ended ? 'widget.go_on' : 'common.retry')}</${Button}>`}>${ended ? t('widget.ended_about') : problem.value?.status === 0 ? t('errors.offline') : problem.value?.message}</${Empty}>`;
}

export function View() {
  const there = Boolean(about.value && openChat.value) && phase.value === 'ready';
  const keys = (e) => e.key === 'Escape' && !e.defaultPrevented && !document.querySelector('dialog[open], .emoji-picker, :popover-open') && minimise();
  return html`<main class="widget page-inbox" onKeyDown=${keys}><${Head} />
    ${there ? html`<${Messages} /><div class="hidden" role="log" aria-live="polite" aria-label=${t('inbox.new_messages')}>${announced.value}</div><${Foot} />` : phase.value === 'ready' && thread.value.error ? html`<${Messages} />` : phase.value === 'ready' ? html`<div class="w-thread"><${Skeleton} lines=${5} height=${40} /></div>` : html`<div class="w-thread"><${Nothing} /></div>`}</main>`;
}
