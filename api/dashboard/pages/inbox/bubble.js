// One message in the thread.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { can } from '../../core/auth.js';
import { dayName, dateTime, time } from '../../core/format.js';
import { direction, has, t } from '../../core/i18n.js';
import { Icon } from '../../ui/controls.js';
import { problem } from '../../ui/overlay.js';
import { SaidShort } from '../../ui/said.js';
import { memo } from '../../ui/virtual.js';
import { callWords, Kind, systemWords } from './bubble_kinds.js';
import { BubbleMedia, isFile, typeIcon } from './bubble_media.js';
import { hueOf } from './hue.js';
import { personKey, personName } from './names.js';
import { ownReaction, reactTo } from './reaction.js';
import { discardMessage, retryMessage } from './store.js';
import { Formatted, isJumbo, plain } from './text.js';
import { Ticks } from './ticks.js';

const LONG = 1200;

export const Failure = ({ message: { error } }) => (error ? html`<${SaidShort} section="messages" of=${error} />` : t('status.failed'));

// A message in a few words: previews and quotes.
export function summary(m) {
  if (!m) return '';
  if (m.type === 'revoked' || m.revoked_at) return t('inbox.revoked');
  if (m.type === 'system') return m.system ? systemWords(m) : m.text || t('inbox.type.system');
  if (m.type === 'call') return m.call ? callWords(m.call) : t('inbox.type.call');
  if (m.text) return plain(m.text.slice(0, 300));
  return m.poll?.question || m.location?.name || m.media?.filename || m.contacts?.map((c) => c.name).join(', ') || (has(`inbox.type.${m.type}`) ? t(`inbox.type.${m.type}`) : m.type);
}

function Quote({ quoted, chat, find, onJump }) {
  const whole = find(quoted.id) || quoted;
  const name = whole.direction === 'out' ? t('inbox.you') : whole.from ? personName(whole.from) : chat && chat.type !== 'group' ? personName(chat) : '';
  const icon = typeIcon(whole.type);
  return html`<button type="button" class=${`quote hue-${whole.direction === 'out' ? 'me' : hueOf(personKey(whole.from) || chat?.contact_id || '')}`} onClick=${() => onJump(quoted.id)}>
    <span class="hidden">${t('inbox.go_to_quoted')}</span>${name && html`<strong dir="auto">${name}</strong>`}<span dir="auto">${icon && html`<${Icon} name=${icon} size=${15} /> `}${summary(whole) || t('inbox.quoted')}</span></button>`;
}

// In the direction of its own language, with the time where its last line ends.
function Text({ message, meta }) {
  const [whole, setWhole] = useState(false);
  const { text } = message;
  if (isJumbo(text) && !isFile(message)) return html`<span class="jumbo">${text}</span>${meta}`;
  const long = text.length > LONG && !whole;
  return html`<div class="words" dir="auto"><span class="text"><${Formatted} text=${long ? `${text.slice(0, LONG)}…` : text} mentions=${message.mentions} />
    ${long && html` <button type="button" class="link" onClick=${() => setWhole(true)}>${t('inbox.read_more')}</button>`}</span>${meta}</div>`;
}

function Body({ message, meta }) {
  const { text } = message;
  // of places, cards and polls the text only says again what their parts show
  if (text && !isSaid(message)) return html`<${Text} message=${message} meta=${meta} />`;
  return html`<${Sign} message=${message} />${meta}`;
}
const isGone = (m) => m.type === 'revoked' || Boolean(m.revoked_at);
const isSaid = (m) => isGone(m) || ['pending', 'call'].includes(m.type) || m.location || m.contacts || m.poll;
function Sign({ message }) {
  if (isGone(message)) return html`<span class="gone"><${Icon} name="no-symbol" size=${16} /> ${t(message.direction === 'out' ? 'inbox.revoked_own' : 'inbox.revoked')}</span>`;
  if (message.type === 'pending') return html`<span class="gone"><${Icon} name="clock" size=${16} /> ${t('inbox.pending')}</span>`;
  if (message.type === 'call') return html`<span class="call"><span class="disc"><${Icon} name=${message.call?.video ? 'video-camera' : 'phone'} size=${20} /></span>${callWords(message.call)}</span>`;
  if (message.type === 'unknown' && !message.text) return html`<span class="gone"><${Icon} name="question-mark-circle" size=${16} /> ${t('inbox.unknown')}</span>`;
  return null;
}

// One of ours is a button that takes it back.
function Reactions({ message }) {
  const own = ownReaction(message);
  const groups = new Map();
  for (const { emoji, by } of message.reactions) if (emoji) groups.set(emoji, [...(groups.get(emoji) || []), personName(by)]);
  const chip = (emoji, who) => html`<span>${emoji}</span>${who.length > 1 && html`<span class="n" aria-hidden="true">${who.length}</span>`}<span class="hidden">${who.join(', ')}</span>`;
  return groups.size > 0 && html`<ul class="reactions" aria-label=${t('inbox.reactions')}>${[...groups].map(([emoji, who]) => html`<li key=${emoji} title=${who.join(', ')}>${emoji === own && can('messages:send')
    ? html`<button type="button" class="chip" onClick=${() => reactTo(message, emoji)}>${chip(emoji, who)}<span class="hidden">. ${t('inbox.take_back')}</span></button>` : html`<span class="chip">${chip(emoji, who)}</span>`}</li>`)}</ul>`;
}

function Failed({ message }) {
  const [busy, setBusy] = useState(false);
  const again = async ({ currentTarget: button }) => {
    const bubble = button.closest('li').querySelector('.bubble');
    setBusy(true);
    await Promise.resolve(retryMessage(message)).catch((error) => problem(error, t('inbox.retry_failed')));
    setBusy(false);
    // the button goes, and the focus with it
    if ([button, document.body].includes(document.activeElement)) bubble.focus({ preventScroll: true });
  };
  return html`<div class="fail-note" role="group" aria-label=${t('status.failed')}><${Icon} name="exclamation-circle" size=${16} /><${Failure} message=${message} />
    ${message.retried_as ? html`<span>${t('inbox.retried')}</span>` : can('messages:send') && html`<button type="button" class="link" disabled=${busy} onClick=${again}>${t('common.retry')}</button>`}
    ${message.local && html`<button type="button" class="link" onClick=${() => discardMessage(message)}>${t('common.delete')}</button>`}</div>`;
}

// Floats to where the text ends in its direction, but reads in the direction of the page.
const Meta = ({ message, own }) => html`<span class="meta"><span dir=${direction.value}>${message.edited_at && !isGone(message) && html`<span>${t('inbox.edited')}</span>`}${message.sent_by_name && own && html`<span class="by" dir="auto">${message.sent_by_name}</span>`}
  <time datetime=${message.timestamp} title=${dateTime(message.timestamp)}>${time(message.timestamp)}</time>${own && html`<${Ticks} status=${message.status} />`}</span></span>`;

// acts: {menu(event, message), jump(id), find(id), picture(src, name)}, the same object always
export const Bubble = memo(({ row, index, measure, chat, group, focused, stop, acts }) => {
  const { message: m, newDay, unread, first } = row;
  const own = m.direction === 'out';
  const notice = m.type === 'system' || m.type === 'note';
  const bare = (m.type === 'sticker' || isJumbo(m.text)) && !isGone(m) && !m.quoted && (m.type === 'sticker' || m.type === 'text');
  const label = t(own ? 'inbox.own_message' : 'inbox.message_of', { name: own ? '' : personName(m.from?.name || m.from?.phone ? m.from : chat) });
  return html`<li ref=${measure} data-index=${index} class=${`message ${notice ? 'notice-row' : own ? 'out' : 'in'} ${first ? 'first' : ''}`}>
    ${newDay && html`<div class="day-line"><span>${dayName(m.timestamp)}</span></div>`}
    ${unread && html`<div class="unread-line"><span>${t('inbox.unread_line')}</span></div>`}
    ${m.type === 'note' ? html`<div class="note-text" data-message=${m.id} tabindex=${stop ? 0 : -1} role="note"><small><${Icon} name="lock-closed" size=${13} /> ${t('inbox.note')} · <bdi>${m.author}</bdi> · <time datetime=${m.timestamp} title=${dateTime(m.timestamp)}>${time(m.timestamp)}</time></small><span class="text" dir="auto">${m.text}</span></div>`
    : notice ? html`<div class="notice-text" data-message=${m.id} tabindex=${stop ? 0 : -1}><span dir="auto">${systemWords(m)}</span></div>`
    : html`<div class=${`bubble ${bare ? 'bare' : ''} ${m.media && !bare ? 'with-file' : ''} ${focused ? 'hit' : ''}`} data-message=${m.id} tabindex=${stop ? 0 : -1} role="group" aria-label=${label} onContextMenu=${(e) => acts.menu(e, m)}>
      ${group && !own && first && html`<strong class=${`who hue-${hueOf(personKey(m.from))}`} dir="auto">${personName(m.from)}</strong>`}
      ${m.forwarded && !isGone(m) && html`<span class="forwarded"><${Icon} name="arrow-right" size=${14} /> ${t('inbox.forwarded')}</span>`}
      ${m.quoted && !isGone(m) && html`<${Quote} quoted=${m.quoted} chat=${chat} find=${acts.find} onJump=${acts.jump} />`}
      ${isFile(m) && !isGone(m) && html`<${BubbleMedia} message=${m} onOpen=${acts.picture} />`}
      <${Kind} message=${m} /><${Body} message=${m} meta=${html`<${Meta} message=${m} own=${own} />`} />
      ${!m.local && html`<button type="button" class="more" tabindex="-1" aria-label=${t('inbox.message_menu')} aria-haspopup="menu" onClick=${(e) => acts.menu(e, m)}><${Icon} name="chevron-down" size=${18} /></button>`}
    </div>${m.reactions?.length > 0 && !isGone(m) && html`<${Reactions} message=${m} />`}${m.status === 'failed' && html`<${Failed} message=${m} />`}`}</li>`;
});
