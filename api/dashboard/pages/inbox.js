// The inbox: chats on one side, the open thread in the middle, the contact beside it. One at a time
// on a phone. Where we are is in the address: #/inbox/<session>/<chat>?<filters>&message=<id>
import { html } from 'htm/preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { t } from '../core/i18n.js';
import { waiting } from '../core/notify.js';
import { Empty } from '../ui/controls.js';
import { ContextMenu } from '../ui/context.js';
import { ContactPanel } from './inbox/contact.js';
import { ChatList } from './inbox/list.js';
import { Thread } from './inbox/thread.js';
import { facets, filters, gone, loadChats, show, showNothing, startInbox } from './inbox/store.js';

const FILTERS = ['session', 'state', 'unread', 'assignee', 'tag', 'archived'];
const OVER = matchMedia('(max-width: 1240px)');
const chosen = (query) => Object.fromEntries(FILTERS.filter((name) => query[name] !== undefined).map((name) => [name, query[name]]));

export default function Inbox({ parts, query }) {
  const [session, chat] = parts;
  const [wantsPanel, setPanel] = useState(false);
  const panel = wantsPanel && !gone.value.has(session);   // nobody knows the people of a session that was deleted
  useEffect(startInbox, []);
  // where the panel lies over the thread it goes away with its chat; at once, not when it was opened again
  useLayoutEffect(() => {
    if (OVER.matches) setPanel(false);
  }, [session, chat]);
  const wanted = JSON.stringify(chosen(query));
  useEffect(() => {
    filters.value = JSON.parse(wanted);
    loadChats();
  }, [wanted]);
  useEffect(() => {
    if (session && chat) show(session, chat, { around: query.message || null });
    else showNothing();
  }, [session, chat, query.message]);
  const counts = facets.value?.counts;
  const unread = counts ? counts.unread - counts.archived_unread : 0;   // the archive does not call
  useEffect(() => {
    waiting.value = unread;
    return () => (waiting.value = 0);
  }, [unread]);
  return html`<h1 class="hidden" tabindex="-1">${t('pages.inbox')}</h1>
    <div class=${`inbox ${chat ? 'with-thread' : ''} ${chat && panel ? 'with-panel' : ''}`}>
    <${ChatList} session=${session} chat=${chat} query=${query} />
    ${chat ? html`<${Thread} key=${`${session}/${chat}`} session=${session} chat=${chat} panel=${panel} onPanel=${() => setPanel(!panel)} />`
    : html`<section class="no-thread"><${Empty} icon="chat-bubble-left-right" title=${t('inbox.pick.title')}>${t('inbox.pick.about')}</${Empty}></section>`}
    ${chat && panel && html`<${ContactPanel} session=${session} chat=${chat} onClose=${() => setPanel(false)} />`}</div><${ContextMenu} />`;
}
