// The list of chats, 10,000 of them if need be: only the rows in sight are in the page.
import { html } from 'htm/preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isTaken, singleKeys } from '../../core/keys.js';
import { t } from '../../core/i18n.js';
import { go, setQuery } from '../../core/router.js';
import { Button, Empty, SearchField, Skeleton, Spinner, Trouble } from '../../ui/controls.js';
import { openMenu } from '../../ui/context.js';
import { focusDrawn, useVirtual } from '../../ui/virtual.js';
import { can } from '../../core/auth.js';
import { chatActs } from './chat_acts.js';
import { FilterBar } from './filter_bar.js';
import { ChatRow } from './list_row.js';
import { chatName, keyOf } from './names.js';
import { SearchResults, useSearch } from './search.js';
import { chats, facets, list, loadChats, loadMoreChats, myself, openChat, presence, sessions } from './store.js';

const NEAR = 20;
const ROW = 72, TALL = 92;
const isTall = (chat, sessionShown) => sessionShown || chat.assignee || chat.state === 'closed' || chat.tags?.length > 0;
const onMenu = (event, chat) => can('chats:manage') && openMenu(event, chatActs(chat).items(), t('inbox.menu_of', { name: chatName(chat) }));

function Rows({ session, chat, query, sessionShown }) {
  const items = chats.value;
  const { more, loading, error } = list.value;
  const scroller = useRef(null);
  const [stop, setStop] = useState(-1);
  const virtual = useVirtual({
    scroller, count: items.length, overscan: 8, paddingStart: 4, paddingEnd: 4,
    getItemKey: useCallback((i) => keyOf(items[i].session, items[i].id), [items]),
    estimateSize: useCallback((i) => (isTall(items[i], sessionShown) ? TALL : ROW), [items, sessionShown]),
  });
  // heights are known beforehand; when a tag makes a row higher, all are laid out again
  const heights = items.reduce((n, one) => n + (isTall(one, sessionShown) ? 1 : 0), 0);
  useEffect(() => virtual.measure(), [heights, sessionShown]);
  useEffect(() => {
    if (more && !loading && !error && (!items.length || virtual.range?.endIndex > items.length - NEAR)) loadMoreChats();
  });
  const here = chat && openChat.value?.session === session ? openChat.value.id : chat;   // the address may name it by its number
  const chosenAt = items.findIndex((one) => one.session === session && one.id === here);
  const shown = virtual.getVirtualItems();
  const tabStop = [stop, chosenAt].find((at) => at >= 0 && shown.some(({ index }) => index === at)) ?? shown[0]?.index;
  const move = (at) => {
    const next = Math.max(0, Math.min(items.length - 1, at));
    setStop(next);
    virtual.scrollToIndex(next, { align: 'auto' });
    focusDrawn(() => scroller.current?.querySelector(`[data-index="${next}"] a`));
  };
  // the thread was closed, and the focus went with it: back to the row of that chat
  const open = useRef(null);
  if (chosenAt >= 0) open.current = keyOf(session, here);
  useEffect(() => {
    if (chat || document.activeElement !== document.body) return;
    const at = items.findIndex((one) => keyOf(one.session, one.id) === open.current);
    if (at >= 0) move(at);
  }, [chat]);
  const keys = (e) => {
    const at = Number(e.target.closest?.('[data-index]')?.dataset.index ?? -1);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1, PageDown: at + 8, PageUp: at - 8 }[e.key];
    if (next === undefined || at < 0) return;
    e.preventDefault();
    move(next);
  };
  const { message, ...rest } = query;
  return html`<div class="list-scroller" ref=${scroller} onKeyDown=${keys}>
    <ul style=${{ blockSize: `${virtual.getTotalSize()}px` }} aria-label=${t('inbox.chats')}>${shown.map(({ index, key, start, size }) => {
      const one = items[index];
      return html`<li key=${key} data-index=${index} aria-setsize=${more ? -1 : items.length} aria-posinset=${index + 1} style=${{ transform: `translateY(${start}px)`, blockSize: `${size}px` }}>
        <${ChatRow} chat=${one} query=${rest} chosen=${index === chosenAt} stop=${index === tabStop} sessionShown=${sessionShown} me=${myself()} onMenu=${onMenu} doing=${presence.value.get(key)} /></li>`;
    })}</ul>
    ${error && html`<${Trouble} error=${error} onRetry=${() => (items.length ? loadMoreChats() : loadChats())} />`}
    ${loading && items.length > 0 && more && html`<div class="list-more"><${Spinner} /></div>`}</div>`;
}

function Nothing({ query }) {
  const filtered = ['state', 'unread', 'assignee', 'tag', 'session', 'archived'].some((name) => query[name] !== undefined);
  if (filtered) return html`<${Empty} icon="funnel" title=${t('inbox.empty.filtered')} action=${html`<${Button} onClick=${() => setQuery({ state: undefined, unread: undefined, assignee: undefined, tag: undefined, session: undefined, archived: undefined })}>${t('inbox.empty.clear')}</${Button}>`}>${t('inbox.empty.filtered_about')}</${Empty}>`;
  if (facets.value?.counts?.archived) return html`<${Empty} icon="archive-box" title=${t('inbox.empty.archived')} action=${html`<${Button} onClick=${() => setQuery({ archived: '1' })}>${t('inbox.empty.show_archived')}</${Button}>`}>${t('inbox.empty.archived_about')}</${Empty}>`;
  const linked = sessions.value.some((s) => s.status === 'ready');
  return html`<${Empty} icon="inbox" title=${t('inbox.empty.title')} action=${!linked && can('sessions:manage') && html`<${Button} kind="primary" href="#/sessions">${t('inbox.empty.link')}</${Button}>`}>${t(linked ? 'inbox.empty.about' : 'inbox.empty.about_unlinked')}</${Empty}>`;
}

export function ChatList({ session, chat, query }) {
  const field = useRef(null);
  const q = query.q?.trim() || '';
  const found = useSearch(q, query.session);
  const sessionShown = sessions.value.length > 1 && !query.session;
  const wanted = useRef(false);   // the field, once the list is back in the place of the thread
  useLayoutEffect(() => {
    const focus = () => field.current.querySelector('input').focus();
    if (wanted.current && !chat) focus();
    wanted.current = false;
    const keys = (e) => {
      if (e.key !== '/' || !singleKeys.value || isTaken(e)) return;
      e.preventDefault();
      wanted.current = field.current.offsetParent === null;
      if (wanted.current) go('inbox', [], { ...query, message: undefined });
      else focus();
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, [query, chat]);
  const escape = (e) => {
    if (e.key === 'Escape' && q) {
      e.preventDefault();
      e.stopPropagation();
      setQuery({ q: undefined });
    } else if (e.key === 'ArrowDown') {
      e.preventDefault();
      e.currentTarget.closest('.chat-list').querySelector('.chat-row[tabindex="0"]')?.focus();
    }
  };
  const state = list.value;
  return html`<section class="chat-list" aria-label=${t('inbox.chats')}>
    <div class="list-head" ref=${field}><${SearchField} label=${t('inbox.search.label')} value=${query.q || ''} onValue=${(text) => setQuery({ q: text || undefined })} onKeyDown=${escape} aria-keyshortcuts="/" />${!q && html`<${FilterBar} query=${query} />`}</div>
    ${q ? html`<${SearchResults} q=${q} found=${found} query=${query} session=${session} chat=${chat} sessionShown=${sessionShown} onMenu=${onMenu} />`
    : state.first && state.loading ? html`<div class="list-wait" aria-busy="true"><${Skeleton} lines=${9} height=${52} /></div>`
    : state.error && chats.value.length === 0 ? html`<div class="list-wait"><${Trouble} error=${state.error} onRetry=${loadChats} /></div>`
    : chats.value.length === 0 && !state.more ? html`<div class="list-wait"><${Nothing} query=${query} /></div>`
    : html`<${Rows} session=${session} chat=${chat} query=${query} sessionShown=${sessionShown} />`}</section>`;
}
