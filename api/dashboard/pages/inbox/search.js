// What a search finds: chats by name or number, and messages, whose hit opens the thread around it.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { get, of } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { phone, recent } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { Button, Icon, Skeleton, Trouble } from '../../ui/controls.js';
import { Avatar } from './avatar.js';
import { ChatRow } from './list_row.js';
import { chatName, keyOf, sameChat } from './names.js';
import { latest, myself, sessions } from './store.js';
import { Snippet } from './text.js';

const WAIT_MS = 250;
const EMPTY = { chats: null, hits: null, next: null, error: null, building: false };

export function useSearch(q, session) {
  const [found, set] = useState(EMPTY);
  useEffect(() => {
    if (!q) {
      set(EMPTY);
      return undefined;
    }
    const aborter = new AbortController();
    const put = (change) => aborter.signal.aborted || set((s) => ({ ...s, ...change }));
    const failed = (error) => error.name !== 'AbortError' && put({ error });
    const timer = setTimeout(() => {
      get(of`/chats`, { q, session, limit: 20 }, { signal: aborter.signal }).then((page) => put({ chats: page.items }), failed);
      hits(q, session, undefined, aborter.signal).then((page) => put({ hits: page.items, next: page.next_cursor, building: page.index?.state === 'building' }), failed);
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [q, session]);
  // a chat that was found changes under our hands: its row does too
  useEffect(() => latest.subscribe((now) => now && set((s) => (!s.chats ? s
    : { ...s, chats: s.chats.map((one) => (one.session === now.session && sameChat(one, now) ? { ...one, ...now, last_message: now.last_message ?? one.last_message } : one)) }))), []);
  const more = async () => {
    // another search may have answered meanwhile, or the same click once more
    const put = (change) => set((s) => (s.hits === found.hits ? { ...s, ...change } : s));
    try {
      const page = await hits(q, session, found.next);
      put({ hits: [...found.hits, ...page.items], next: page.next_cursor });
    } catch (error) {
      put({ error });
    }
  };
  return { ...found, more };
}
const hits = (q, session, cursor, signal) => get(session ? of`/sessions/${session}/search` : of`/search`, { q, limit: 30, cursor }, { signal });

function Hit({ hit, query }) {
  const { message: m, snippet } = hit;
  return html`<a class="chat-row hit" href=${href('inbox', [m.session, m.chat.id], { ...query, message: m.id })}><${Avatar} chat=${m.chat} size=${40} /><span class="lines"><span class="line"><span class="name" dir="auto">${chatName(m.chat)}</span><time datetime=${m.timestamp}>${recent(m.timestamp)}</time></span>
    <span class="line"><span class="preview">${m.direction === 'out' && html`<${Icon} name="arrow-right" size=${14} label=${t('inbox.you')} />`}<span dir="auto"><${Snippet} text=${snippet} /></span></span></span></span></a>`;
}

// A number that is in no chat yet can be written to.
function WriteTo({ q, query }) {
  const digits = q.replace(/[\s()+.-]/g, '');
  if (!/^\d{7,15}$/.test(digits) || !can('messages:send')) return null;
  const from = query.session ? sessions.value.filter((s) => s.id === query.session) : sessions.value;
  const { q: _, ...rest } = query;
  return html`<ul>${from.map((s) => html`<li key=${s.id}><a class="chat-row" href=${href('inbox', [s.id, digits], rest)}><${Avatar} chat=${{ id: digits }} size=${40} /><span class="lines"><span class="line"><span class="name">${t('inbox.search.write_to', { phone: phone(digits) })}</span></span>
    ${sessions.value.length > 1 && html`<span class="line row-tags"><span class="row-tag session" dir="ltr">${s.id}</span></span>`}</span></a></li>`)}</ul>`;
}

export function SearchResults({ q, found, query, session, chat, sessionShown, onMenu }) {
  const { message, ...rest } = query;
  if (found.error && !found.hits) return html`<${Trouble} error=${found.error} />`;
  if (!found.chats && !found.hits) return html`<div class="list-wait" aria-busy="true"><${Skeleton} lines=${6} height=${52} /></div>`;
  const nothing = found.chats?.length === 0 && found.hits?.length === 0;
  return html`<div class="results" tabindex="-1">
    <p class="hidden" role="status">${t('inbox.search.found', { n: (found.chats?.length || 0) + (found.hits?.length || 0) })}</p>
    ${found.chats?.length === 0 && html`<${WriteTo} q=${q} query=${rest} />`}${nothing && html`<p class="nothing">${t('inbox.search.nothing')}</p>`}
    ${found.chats?.length > 0 && html`<h2>${t('inbox.search.chats')}</h2><ul>${found.chats.map((one) => html`<li key=${keyOf(one.session, one.id)}><${ChatRow} chat=${one} query=${rest} chosen=${one.session === session && one.id === chat} stop=${true} sessionShown=${sessionShown} me=${myself()} onMenu=${onMenu} /></li>`)}</ul>`}
    ${found.hits?.length > 0 && html`<h2>${t('inbox.search.messages')}</h2><ul>${found.hits.map((hit) => html`<li key=${keyOf(hit.message.session, hit.message.id)}><${Hit} hit=${hit} query=${rest} /></li>`)}</ul>`}
    ${found.next && html`<div class="more-hits"><${Button} small onClick=${found.more}>${t('common.more')}</${Button}></div>`}
    ${found.building && html`<p class="muted building">${t('inbox.search.building')}</p>`}</div>`;
}
