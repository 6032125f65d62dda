// The open conversation: its head, its messages, and where one writes.
import { html } from 'htm/preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { singleKeys } from '../../core/keys.js';
import { t } from '../../core/i18n.js';
import { go, route } from '../../core/router.js';
import { Empty, Skeleton, Trouble } from '../../ui/controls.js';
import { summary } from './bubble.js';
import { Lightbox } from './bubble_media.js';
import { Composer } from './composer.js';
import { MessageDialog, messageMenu } from './message_menu.js';
import { personName } from './names.js';
import { Pane } from './pane.js';
import { announced, gone, messages, openChat, show, thread } from './store.js';
import { ThreadHead } from './thread_head.js';

const typing = (target) => target.closest?.('input, textarea, select, [contenteditable], dialog, [popover]');
const covered = () => document.querySelector('dialog[open], :popover-open:not(.toasts)');

export function Thread({ session, chat: id, panel, onPanel }) {
  const [replyTo, setReplyTo] = useState(null);
  const [dialog, setDialog] = useState(null);
  const [picture, setPicture] = useState(null);
  const heading = useRef(null);
  const isGone = gone.value.has(session);
  // what was read stays in sight; more of it cannot be had
  const th = isGone ? { ...thread.value, older: null, newer: null, error: null, busy: '' } : thread.value;
  const here = th.session === session && th.chat === id;
  const chat = here ? openChat.value : null;
  const items = here ? messages.value : [];
  const back = () => {
    const { message, ...query } = route.value.query;
    go('inbox', [], query);
  };

  // on a phone the list goes away, and the focus with it
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.offsetParent === null) heading.current?.focus({ preventScroll: true });
  }, []);
  // the field went, and the focus with it
  useEffect(() => {
    if (isGone && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, [isGone]);
  useLayoutEffect(() => {   // at once: a second Escape is not told to what the first has ended
    const keys = (e) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || covered()) return;
      if (e.key === 'Escape') {
        if (replyTo) setReplyTo(null);
        else if (panel) onPanel();
        else if (!typing(e.target)) back();
      } else if (e.key === 'r' && !isGone && singleKeys.value && !typing(e.target)) {
        const last = messages.value.findLast((m) => m.direction === 'in' && m.type !== 'system');
        if (last) {
          e.preventDefault();
          setReplyTo(last);
        }
      }
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, [replyTo, panel, isGone]);

  const onMenu = (event, m) => !isGone && messageMenu(event, m, { onReply: setReplyTo, open: (what, message) => setDialog({ what, message }) });
  return html`<section class="thread" aria-label=${t('inbox.thread')}>
    <${ThreadHead} session=${session} chat=${chat} still=${isGone} panel=${panel} onPanel=${onPanel} onBack=${back} heading=${heading} />
    ${isGone && items.length === 0 ? html`<div class="pane still"><${Empty} icon="trash" title=${t(thread.value.error ? 'inbox.gone.unknown' : 'inbox.gone.deleted')}>${t('inbox.gone.about')}</${Empty}></div>`
    : th.error && items.length === 0 ? html`<div class="pane still"><${Trouble} error=${th.error} onRetry=${() => show(session, id)} /></div>`
    : !here || th.loading ? html`<div class="pane still" aria-busy="true"><${Skeleton} lines=${7} height=${44} /></div>`
    : items.length === 0 ? html`<div class="pane still"><${Empty} icon="chat-bubble-left-ellipsis" title=${t('inbox.none.title')}>${t('inbox.none.about')}</${Empty}></div>`
    : html`<${Pane} key=${th.shown} th=${th} items=${items} chat=${chat} onMenu=${onMenu} onReply=${setReplyTo} onPicture=${setPicture} />`}
    <${News} session=${session} />
    <${Composer} session=${session} chat=${id} replyTo=${replyTo} onCancelReply=${() => setReplyTo(null)} />
    ${dialog && html`<${MessageDialog} ...${dialog} onClose=${() => setDialog(null)} />`}
    ${picture && html`<${Lightbox} picture=${picture} onClose=${() => setPicture(null)} />`}</section>`;
}

// Said to those who listen: the last message that came in here, once things are quiet, not each one.
const QUIET_MS = 700;
function News({ session }) {
  const [text, setText] = useState('');
  const count = useRef(0);
  const m = announced.value;
  const before = useRef(m);   // of the chat that was open before
  useEffect(() => {
    if (!m || m === before.current || m.session !== session || m.chat.id !== openChat.value?.id) return undefined;
    count.current++;
    const timer = setTimeout(() => {
      const said = t('inbox.announce', { name: personName(m.from), text: summary(m).slice(0, 200) });
      setText(count.current > 1 ? `${t('inbox.announce_more', { n: count.current })} ${said}` : said);
      count.current = 0;
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [m]);
  return html`<div class="hidden" role="log" aria-live="polite" aria-label=${t('inbox.new_messages')}>${text}</div>`;
}
