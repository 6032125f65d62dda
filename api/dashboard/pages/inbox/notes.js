// Internal notes of a chat: the team sees them, the customer never does. A deleted note can be put
// back for a while: it only goes when the offer to undo is over.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { del, get, of, post } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { t } from '../../core/i18n.js';
import { useEvents, useLoad } from '../../core/load.js';
import { Button, IconButton, Loaded, Time } from '../../ui/controls.js';
import { problem, toast } from '../../ui/overlay.js';
import { sameChat } from './names.js';

const NOTE_MOST = 4000;

export function Notes({ session, chat }) {
  const path = of`/sessions/${session}/chats/${chat.id}/notes`;
  const list = useLoad(() => get(path), [path]);
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const going = useRef(new Map());   // note id → what deletes it for good
  useEvents(['chat.note'], (e) => e.session === session && sameChat(e.data.chat, chat) && list.reload(), [path, list.reload]);
  // Whoever leaves has decided.
  useEffect(() => () => {
    for (const act of going.current.values()) act();
    going.current.clear();
  }, [path]);

  const add = async (e) => {
    e.preventDefault();
    const words = text.trim();
    if (!words || busy) return;
    setBusy(true);
    try {
      const note = await post(path, { text: words });
      setText('');
      list.set((data) => ({ ...data, items: [...(data?.items || []).filter((n) => n.id !== note.id), note] }));
    } catch (error) {
      problem(error, t('contact.note_not_added'));
    } finally {
      setBusy(false);
    }
  };
  const [hidden, setHidden] = useState(new Set());
  const hide = (id, yes) => setHidden((now) => {
    const next = new Set(now);
    if (yes) next.add(id);
    else next.delete(id);
    return next;
  });
  const remove = (note) => {
    hide(note.id, true);
    const forGood = () => {
      if (!going.current.delete(note.id)) return;
      del(`${path}/${encodeURIComponent(note.id)}`).catch((error) => {
        if (error.status === 404) return;
        hide(note.id, false);
        problem(error, t('contact.note_not_deleted'));
      });
    };
    going.current.set(note.id, forGood);
    toast(t('contact.note_deleted'), { act: t('common.undo'), onGone: forGood, onAct: () => {
      if (going.current.delete(note.id)) hide(note.id, false);
    } });
  };
  const shown = (data) => data.items.filter((n) => !hidden.has(n.id));
  const who = (note) => note.author_name || note.author;
  return html`<section class="contact-part notes"><h3>${t('contact.notes')}</h3>
    <${Loaded} of=${list} lines=${2} isEmpty=${(d) => shown(d).length === 0} empty=${html`<p class="muted">${t('contact.no_notes')}</p>`}>${(data) => html`<ul>${shown(data).map((note) => html`<li key=${note.id} class="note"><p dir="auto">${note.text}</p>
      <footer><span class="muted" dir="auto">${who(note)} · <${Time} at=${note.created_at} /></span>${can('chats:manage') && html`<${IconButton} icon="trash" size=${16} label=${t('contact.delete_note')} onClick=${() => remove(note)} />`}</footer></li>`)}</ul>`}</${Loaded}>
    ${can('chats:manage') && html`<form class="note-form" onSubmit=${add}><textarea rows="2" dir="auto" maxlength=${NOTE_MOST} aria-label=${t('contact.new_note')} placeholder=${t('contact.new_note')} value=${text} onInput=${(e) => setText(e.currentTarget.value)} onKeyDown=${(e) => e.key === 'Enter' && (e.ctrlKey || e.metaKey) && add(e)} />
      <${Button} small type="submit" busy=${busy} disabled=${!text.trim()} onClick=${add}>${t('contact.add_note')}</${Button}></form>`}</section>`;
}
