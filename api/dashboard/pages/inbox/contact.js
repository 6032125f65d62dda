// The panel about the person or group of the open chat: who it is, what the team knows and does.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { call, get, of, post } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { phone as phoneText, dateTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { useEvents, useLoad } from '../../core/load.js';
import { Badge, Button, Copy, Icon, IconButton, Skeleton } from '../../ui/controls.js';
import { Menu, problem, toast } from '../../ui/overlay.js';
import { useOptOut } from './composer.js';
import { block, change, setState, unblock } from './contact_acts.js';
import { Assignee, Shared, Standing, Tags } from './contact_parts.js';
import { chatName, sameChat } from './names.js';
import { Notes } from './notes.js';
import { openChat } from './store.js';

const HISTORY_COUNT = 500;
const HOUR = 3_600_000;
const isGroup = (chat) => chat.type === 'group';
const personPath = (session, chat) => (isGroup(chat) ? of`/sessions/${session}/groups/${chat.id}` : of`/sessions/${session}/contacts/${chat.contact_id || chat.id}`);

function Picture({ session, chat }) {
  const [url, setUrl] = useState('');
  useEffect(() => {
    setUrl('');
    if (!['user', 'group'].includes(chat.type)) return undefined;
    const gone = new AbortController();
    let made = '';
    call('GET', `${personPath(session, chat)}/picture`, { as: 'blob', signal: gone.signal })
      .then((blob) => setUrl((made = URL.createObjectURL(blob))), () => {});   // none, hidden, or not now
    return () => {
      gone.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [session, chat.id]);
  return html`<span class="contact-picture">${url ? html`<img src=${url} alt=${t('contact.picture_of', { name: chatName(chat) })} />` : html`<${Icon} name=${isGroup(chat) ? 'user-group' : 'user'} size=${40} />`}</span>`;
}

const until = (ms) => new Date(Date.now() + ms).toISOString();
function Acts({ session, chat }) {
  if (!can('chats:manage')) return null;
  const set = (body, done, undo) => change(session, chat, body, { done, undo });
  const muted = chat.muted_until && new Date(chat.muted_until) > Date.now();
  const mute = (ms) => set({ muted_until: until(ms) }, t('contact.muted'), { muted_until: null });
  return html`<div class="contact-acts">
    <${Button} small kind=${chat.state === 'closed' ? 'primary' : 'plain'} icon=${chat.state === 'closed' ? 'arrow-path' : 'check-circle'} onClick=${() => setState(session, chat, chat.state === 'closed' ? 'open' : 'closed')}>${t(chat.state === 'closed' ? 'contact.reopen' : 'contact.close')}</${Button}>
    <${Menu} label=${t('common.actions')} items=${[
    { text: t(chat.pinned ? 'contact.unpin' : 'contact.pin'), icon: 'bookmark', onPick: () => set({ pinned: !chat.pinned }, t(chat.pinned ? 'contact.unpinned' : 'contact.pinned'), { pinned: chat.pinned }) },
    { text: t(chat.archived ? 'contact.unarchive' : 'contact.archive'), icon: 'archive-box', onPick: () => set({ archived: !chat.archived }, t(chat.archived ? 'contact.unarchived' : 'contact.archived'), { archived: chat.archived }) },
    { text: t('contact.mark_unread'), icon: 'chat-bubble-left-ellipsis', onPick: () => set({ unread: true }) },
    null,
    ...(muted ? [{ text: t('contact.unmute'), icon: 'bell-alert', onPick: () => set({ muted_until: null }, t('contact.unmuted'), { muted_until: chat.muted_until }) }]
      : [{ text: t('contact.mute_8h'), icon: 'bell-slash', onPick: () => mute(8 * HOUR) }, { text: t('contact.mute_week'), icon: 'bell-slash', onPick: () => mute(7 * 24 * HOUR) }]),
    ...(chat.type === 'user' ? [null, chat.blocked ? { text: t('composer.unblock'), icon: 'no-symbol', onPick: () => unblock(session, chat) } : { text: t('contact.block'), icon: 'no-symbol', danger: true, onPick: () => block(session, chat) }] : []),
  ]} /></div>`;
}

const Row = ({ name, children }) => children && html`<div><dt>${name}</dt><dd dir="auto">${children}</dd></div>`;
function Identity({ chat, person }) {
  const who = person.data || {};
  const profile = who.business_profile || {};
  return html`<section class="contact-part"><h3>${t('contact.identity')}</h3>
    ${person.data === undefined && person.loading ? html`<${Skeleton} lines=${2} height=${16} />` : html`<dl class="facts">
    <${Row} name=${t('contact.about')}>${who.about || who.description}</${Row}>
    <${Row} name=${t('contact.push_name')}>${who.push_name !== chat.name && who.push_name}</${Row}>
    <${Row} name=${t('contact.saved_name')}>${who.saved_name !== chat.name && who.saved_name}</${Row}>
    <${Row} name=${t('contact.size')}>${who.size && t('contact.people', { n: who.size })}</${Row}>
    <${Row} name=${t('contact.business')}>${[profile.description, profile.address, profile.email, ...(profile.website || profile.websites || [])].flat().filter((x) => typeof x === 'string').join(' · ')}</${Row}>
    <${Row} name=${t('contact.first_seen')}>${who.first_seen_at && dateTime(who.first_seen_at)}</${Row}></dl>`}
    ${chat.phone && html`<${Copy} text=${`+${chat.phone}`} label=${t('contact.copy_phone')} />`}
    ${(chat.lid || isGroup(chat)) && html`<${Copy} text=${chat.lid || chat.id} label=${t('contact.copy_id')} />`}
    ${chat.contact_id && html`<${Copy} text=${chat.contact_id} label=${t('contact.copy_contact')} />`}</section>`;
}

function History({ session, chat }) {
  const [busy, setBusy] = useState(false);
  useEvents(['chat.history'], (e) => {
    if (e.session !== session || !sameChat(e.data.chat, chat)) return;
    setBusy(false);
    if (e.data.state === 'failed') toast(t('contact.history_failed'), { tone: 'bad', error: e.data.error });
    else toast(t('contact.history_done', { n: e.data.messages_new ?? 0 }));
  }, [session, chat.id]);
  const fetchOlder = async () => {
    setBusy(true);
    try {
      await post(of`/sessions/${session}/chats/${chat.id}/history`, { count: HISTORY_COUNT });
    } catch (error) {
      setBusy(false);
      problem(error, t('contact.history_failed'), { onRetry: fetchOlder });
    }
  };
  return can('chats:manage') && html`<section class="contact-part"><h3>${t('contact.history')}</h3><p class="muted">${t('contact.history_about')}</p>
    <${Button} small icon="arrow-down-tray" busy=${busy} onClick=${fetchOlder}>${t(busy ? 'contact.history_busy' : 'contact.history_fetch')}</${Button}></section>`;
}

// session, chat: as for the composer; openChat.value is all of the chat.
export function ContactPanel({ session, chat: id, onClose }) {
  const chat = openChat.value?.session === session ? openChat.value : null;
  const facets = useLoad(() => get(of`/chats/facets`, { session }), [session]);
  const person = useLoad(() => (chat && ['user', 'group'].includes(chat.type) ? get(personPath(session, chat)).catch((error) => (error.status === 404 ? {} : Promise.reject(error))) : null), [session, chat?.id]);
  const optOut = useOptOut(chat);
  const top = onClose && html`<${IconButton} icon="x-mark" class="contact-close" label=${t('contact.hide')} onClick=${onClose} />`;
  if (!chat) return html`<aside class="contact-panel" aria-label=${t('contact.panel')} aria-busy="true">${top}<${Skeleton} lines=${6} /></aside>`;
  const known = { tags: facets.data?.tags || [], assignees: facets.data?.assignees || [] };
  return html`<aside class="contact-panel" key=${id} aria-label=${t('contact.panel')}>${top}
    <header class="contact-head"><${Picture} session=${session} chat=${chat} /><h2 dir="auto">${chatName(chat)}</h2>
      ${chat.phone && chat.name && html`<p class="muted">${phoneText(chat.phone)}</p>`}
      <p class="badges">${chat.archived && html`<${Badge}>${t('inbox.is_archived')}</${Badge}>`}${chat.state === 'closed' && html`<${Badge}>${t('contact.is_closed')}</${Badge}>`}${chat.blocked && html`<${Badge} tone="bad">${t('contact.is_blocked')}</${Badge}>`}${person.data?.business && html`<${Badge}>${t('contact.is_business')}</${Badge}>`}</p>
      <${Acts} session=${session} chat=${chat} /></header>
    <${Assignee} session=${session} chat=${chat} known=${known.assignees} />
    <${Tags} session=${session} chat=${chat} known=${known.tags} />
    <${Notes} session=${session} chat=${chat} />
    <${Standing} session=${session} chat=${chat} optOut=${optOut} />
    <${Identity} chat=${chat} person=${person} />
    <${Shared} session=${session} chat=${chat} />
    <${History} session=${session} chat=${chat} /></aside>`;
}
