// Parts of the contact panel: tags, who looks after it, switches, what was shared.
import { html } from 'htm/preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { call, get, of, patch } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { bytes, dateTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { useEvents, useLoad, usePages } from '../../core/load.js';
import { Button, Icon, IconButton, Loaded, Switch, Tabs, Time } from '../../ui/controls.js';
import { problem } from '../../ui/overlay.js';
import { allowAgain, assign, setOptOut, setTags } from './contact_acts.js';
import { sameChat } from './names.js';
import { myself, showMessage } from './store.js';

const TAGS_MOST = 20;
const TAG_MOST = 64;

export function Tags({ session, chat, known }) {
  const [text, setText] = useState('');
  const id = useId();
  const tags = chat.tags || [];
  const may = can('chats:manage');
  const add = (e) => {
    e.preventDefault();
    const tag = text.trim();
    setText('');
    if (tag && !tags.includes(tag)) setTags(session, chat, [...tags, tag]);
  };
  const free = known.filter(({ tag }) => !tags.includes(tag));
  return html`<section class="contact-part"><h3>${t('contact.tags')}</h3>
    ${tags.length > 0 ? html`<ul class="tags">${tags.map((tag) => html`<li key=${tag} class="tag"><span dir="auto">${tag}</span>${may && html`<${IconButton} icon="x-mark" size=${14} label=${t('contact.remove_tag', { tag })} onClick=${() => setTags(session, chat, tags.filter((x) => x !== tag))} />`}</li>`)}</ul>` : html`<p class="muted">${t('contact.no_tags')}</p>`}
    ${may && tags.length < TAGS_MOST && html`<form class="one-line" onSubmit=${add}><input type="text" dir="auto" maxlength=${TAG_MOST} list=${id} value=${text} aria-label=${t('contact.add_tag')} placeholder=${t('contact.add_tag')} onInput=${(e) => setText(e.currentTarget.value)} />
      <datalist id=${id}>${free.map(({ tag }) => html`<option key=${tag} value=${tag} />`)}</datalist><${Button} small icon="plus" type="submit" disabled=${!text.trim()} onClick=${add}>${t('common.add')}</${Button}></form>`}</section>`;
}

export function Assignee({ session, chat, known }) {
  const [text, setText] = useState('');
  const id = useId();
  const me = myself();
  const give = (e) => {
    e.preventDefault();
    if (text.trim()) assign(session, chat, text.trim());
    setText('');
  };
  const others = known.filter(({ assignee }) => assignee !== chat.assignee);
  return html`<section class="contact-part"><h3>${t('contact.assignee')}</h3>
    <p class="assignee"><${Icon} name="user-circle" /><span dir="auto">${chat.assignee ? (chat.assignee === me ? t('contact.you', { name: me }) : chat.assignee) : t('contact.nobody')}</span>
    ${chat.assignee && can('chats:manage') && html`<${IconButton} icon="x-mark" size=${16} label=${t('contact.unassign')} onClick=${() => assign(session, chat, null)} />`}</p>
    ${can('chats:manage') && html`<div class="assign">${me && chat.assignee !== me && html`<${Button} small icon="user-plus" onClick=${() => assign(session, chat, me)}>${t('contact.assign_me')}</${Button}>`}
      <form class="one-line" onSubmit=${give}><input type="text" dir="auto" maxlength="128" list=${id} value=${text} aria-label=${t('contact.assign_to')} placeholder=${t('contact.assign_to')} onInput=${(e) => setText(e.currentTarget.value)} />
      <datalist id=${id}>${others.map(({ assignee }) => html`<option key=${assignee} value=${assignee} />`)}</datalist><${Button} small type="submit" disabled=${!text.trim()} onClick=${give}>${t('contact.assign')}</${Button}></form></div>`}</section>`;
}

// 24-hour window, opt-out, auto-reply agent.
export function Standing({ session, chat, optOut }) {
  const path = of`/sessions/${session}/chats/${chat.id}/agent`;
  const agent = useLoad(() => get(path).catch((error) => (error.status === 404 ? null : Promise.reject(error))), [path]);
  useEvents(['agent.*'], (e) => e.session === session && sameChat(e.data.chat, chat) && agent.reload(), [path, agent.reload]);
  const setAgent = async (enabled) => {
    const before = agent.data;
    agent.set({ ...before, enabled });
    try {
      agent.set(await patch(path, { enabled }));
    } catch (error) {
      agent.set(before);
      problem(error, t('contact.not_changed'));
    }
  };
  const { window: open } = chat;
  const out = optOut.data?.out;
  return html`<section class="contact-part standing"><h3>${t('contact.standing')}</h3>
    ${open && html`<p><${Icon} name="clock" size=${18} /><span>${open.open ? t('contact.window_open', { until: dateTime(open.expires_at) }) : t('contact.window_closed')}</span></p>`}
    ${chat.muted_until && html`<p><${Icon} name="bell-slash" size=${18} /><span>${t('contact.muted_until', { until: dateTime(chat.muted_until) })}</span></p>`}
    ${typeof out === 'boolean' && (can('tenant:manage')
    ? html`<${Switch} label=${t('contact.may_write')} checked=${!out} onValue=${(yes) => (yes ? allowAgain(chat, optOut).then(() => optOut.reload()) : setOptOut(chat, true, optOut))} />`
    : html`<p><${Icon} name=${out ? 'hand-raised' : 'check-circle'} size=${18} /><span>${t(out ? 'contact.opted_out' : 'contact.opted_in')}</span></p>`)}
    ${agent.data && (can('chats:manage') ? html`<${Switch} label=${t('contact.agent')} checked=${agent.data.enabled} onValue=${setAgent} />`
    : html`<p><${Icon} name="bolt" size=${18} /><span>${t(agent.data.enabled ? 'contact.agent_on' : 'contact.agent_off')}</span></p>`)}</section>`;
}

// ---- what was shared
const KINDS = ['image', 'video', 'document', 'audio'];
const SHARED_PAGE = 24;

function Thumb({ message }) {
  const [url, setUrl] = useState('');
  useEffect(() => {
    const gone = new AbortController();
    let made = '';
    call('GET', message.media.url, { as: 'blob', signal: gone.signal })
      .then((blob) => setUrl((made = URL.createObjectURL(blob))), () => {});   // the sign stays in its place
    return () => {
      gone.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [message.media.url]);
  return url ? html`<img src=${url} alt="" />` : html`<span class="thumb-sign"><${Icon} name="photo" size=${24} /></span>`;
}

export function Shared({ session, chat }) {
  const [kind, setKind] = useState('image');
  const path = of`/sessions/${session}/chats/${chat.id}/messages`;
  const list = usePages(({ cursor, signal }) => get(path, { type: kind, limit: SHARED_PAGE, cursor }, { signal }), [path, kind]);
  useEvents(['message.media'], (e) => e.session === session && sameChat(e.data.message?.chat || e.data.chat, chat) && list.reload(), [path, kind, list.reload]);
  const name = (m) => m.media?.filename || m.text || t(`composer.kind.${m.type}`);
  const grid = kind === 'image';
  return html`<section class="contact-part shared"><h3>${t('contact.shared')}</h3>
    <${Tabs} label=${t('contact.shared')} value=${kind} onValue=${setKind} tabs=${KINDS.map((k) => [k, t(`contact.kind.${k}`)])} />
    <${Loaded} of=${list} lines=${2} empty=${html`<p class="muted">${t('contact.nothing_shared')}</p>`}>${({ items, next_cursor }) => html`<ul class=${grid ? 'thumbs' : 'shared-list'}>${items.map((m) => html`<li key=${m.id}><button type="button" aria-label=${t('contact.show_message', { name: name(m), at: dateTime(m.timestamp) })} onClick=${() => showMessage(m.id)}>
      ${grid ? (m.media?.url ? html`<${Thumb} message=${m} />` : html`<span class="thumb-sign"><${Icon} name="photo" size=${24} /></span>`)
    : html`<${Icon} name=${{ video: 'film', document: 'document', audio: 'musical-note' }[kind]} /><span><strong dir="auto">${name(m)}</strong><small>${m.media?.size_bytes ? `${bytes(m.media.size_bytes)} · ` : ''}<${Time} at=${m.timestamp} as=${dateTime} /></small></span>`}</button></li>`)}</ul>
      ${next_cursor && html`<${Button} small busy=${list.adding} onClick=${() => list.more().catch(problem)}>${t('common.more')}</${Button}>`}`}</${Loaded}></section>`;
}
