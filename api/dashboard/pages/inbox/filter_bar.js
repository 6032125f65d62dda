// Which chats are listed: chips for what one asks for all day, a menu for the rest. All of it stands
// in the address, so that a view can be kept as a bookmark.
import { html } from 'htm/preact';
import { compact } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { setQuery } from '../../core/router.js';
import { Icon } from '../../ui/controls.js';
import { Menu } from '../../ui/overlay.js';
import { facets, myself, sessions } from './store.js';

const NONE = { state: undefined, unread: undefined, assignee: undefined };
export function FilterBar({ query }) {
  const me = myself();
  const counts = facets.value?.counts || {};
  const chips = [
    ['all', {}, !query.state && !query.unread && query.assignee === undefined],
    ['unread', { unread: '1' }, Boolean(query.unread), query.archived ? counts.archived_unread : counts.unread - counts.archived_unread],
    ['mine', { assignee: me }, query.assignee === me],
    ['open', { state: 'open' }, query.state === 'open'],
    ['closed', { state: 'closed' }, query.state === 'closed'],
  ];
  const names = sessions.value.map((s) => s.id);
  const tags = facets.value?.tags || [];
  const archived = t('inbox.filter.archived');
  const items = [
    ...(names.length > 1 ? [{ text: t('inbox.filter.all_sessions'), checked: !query.session, onPick: () => setQuery({ session: undefined }) }, ...names.map((name) => ({ text: name, checked: query.session === name, onPick: () => setQuery({ session: name }) })), null] : []),
    { text: counts.archived ? `${archived} (${compact(counts.archived)})` : archived, icon: 'archive-box', checked: Boolean(query.archived), onPick: () => setQuery({ archived: query.archived ? undefined : '1' }) }, null,
    { text: t('inbox.filter.any_tag'), checked: !query.tag, onPick: () => setQuery({ tag: undefined }) },
    ...tags.map(({ tag }) => ({ text: tag, icon: 'tag', checked: query.tag === tag, onPick: () => setQuery({ tag }) })),
  ];
  const off = (name, text) => html`<button type="button" class="fchip on" onClick=${() => setQuery({ [name]: undefined })} aria-label=${t('inbox.filter.remove', { text })}><span dir="auto">${text}</span><${Icon} name="x-mark" size=${14} /></button>`;
  return html`<div class="list-filters" role="group" aria-label=${t('inbox.filter.label')}><div class="fchips">
    ${query.archived && off('archived', archived)}${query.session && off('session', query.session)}${query.tag && off('tag', query.tag)}
    ${chips.map(([id, change, on, n]) => html`<button key=${id} type="button" class=${`fchip ${on ? 'on' : ''}`} aria-pressed=${String(on)} onClick=${() => setQuery({ ...NONE, ...(on ? {} : change) })}>${t(`inbox.filter.${id}`)}${n > 0 && html` <span class="n">${compact(n)}</span>`}</button>`)}</div>
    <${Menu} label=${t('inbox.filter.more')} icon="funnel" items=${items} /></div>`;
}
