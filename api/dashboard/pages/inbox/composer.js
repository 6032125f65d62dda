// Where messages are written: a field that grows, files before they go, emoji, an answer or a change
// in progress. Enter sends, Shift+Enter begins a line. What is sent leaves the field at once; should it
// fail it stands in the thread, with a way to try again.
import { html } from 'htm/preact';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { can } from '../../core/auth.js';
import { t } from '../../core/i18n.js';
import { isTaken } from '../../core/keys.js';
import { useEvents, useLoad } from '../../core/load.js';
import { IconButton } from '../../ui/controls.js';
import { Menu, problem } from '../../ui/overlay.js';
import { captioned, CAPTION_MOST, DropZone, take, Tray } from './attach.js';
import { barrier, EditBar, ReplyBar, Typing, Warnings } from './composer_parts.js';
import { draftOf, editing, filesOf, keepDraft, keepFiles, mayChange, mayEdit, startEdit, typist } from './composer_state.js';
import { askOptOut } from './contact_acts.js';
import { EmojiPicker } from './emoji.js';
import { chatName, keyOf, sameChat } from './names.js';
import { editMessage, gone, messages, openChat, presence, sendMessage, sessions } from './store.js';

export { startEdit } from './composer_state.js';
const TEXT_MOST = 65_536;
const account = (session) => sessions.value.find((s) => s.id === session);
// A keyboard on glass has no Shift for a new line: there Enter begins one and the button sends.
const touch = matchMedia('(hover: none) and (pointer: coarse)');

function grow(field) {
  field.style.blockSize = 'auto';
  field.style.blockSize = `${field.scrollHeight + 2}px`;
}

// The opt-out of the person of the chat, kept true by events.
export function useOptOut(chat) {
  const state = useLoad(() => askOptOut(chat), [chat?.phone, chat?.lid, chat?.type]);
  useEvents(['contact.opted_in', 'contact.opted_out'], ({ data }) => sameChat(data.opt_out, chat) && state.reload(), [chat?.id, state.reload]);
  return state;
}

export function Composer({ session, chat, replyTo = null, onCancelReply }) {
  const whole = openChat.value?.session === session ? openChat.value : null;
  const optOut = useOptOut(whole);
  const edited = editing.value?.session === session && sameChat(editing.value.chat, whole || { id: chat }) ? editing.value : null;
  useLayoutEffect(() => () => (editing.value = null), [session, chat]);
  const held = barrier({ chat: whole, session, optOut, gone: gone.value.has(session), draft: draftOf(session, chat) });
  return html`<div class="composer">
    <${Typing} state=${presence.value.get(keyOf(session, whole?.id || chat))} />
    ${held || html`<${Warnings} chat=${whole} account=${account(session)} />
      ${edited && html`<${EditBar} message=${edited} onCancel=${() => (editing.value = null)} />`}
      ${!edited && replyTo && html`<${ReplyBar} message=${replyTo} onCancel=${onCancelReply} />`}
      <${Writer} key=${keyOf(session, chat)} ...${{ session, chat, whole, replyTo, onCancelReply, edited }} />`}</div>`;
}

export function Writer({ session, chat, whole, replyTo, onCancelReply, edited }) {
  const [text, setText] = useState(() => draftOf(session, chat));
  const [parts, setParts] = useState(() => filesOf(session, chat));
  const [picking, setPicking] = useState(false);
  const field = useRef(null), chooser = useRef(null), as = useRef(undefined);
  const kept = useRef(null);   // the draft that an edit put aside
  const hand = useMemo(() => typist(session, chat, () => !account(session) || account(session).status === 'ready'), [session, chat]);
  useLayoutEffect(() => keepFiles(session, chat, parts), [parts]);   // at once: what was sent is not there again for who comes back
  useEffect(() => {
    hand.listen();
    return () => hand.stop();
  }, [hand]);
  useLayoutEffect(() => grow(field.current), [text]);
  useLayoutEffect(() => {
    if (!edited) return void (kept.current = null);
    kept.current ??= text;   // not the words of another edit
    setText(edited.text || '');
    field.current.focus();
    return () => setText(kept.current);
  }, [edited?.id]);
  useLayoutEffect(() => {
    if (replyTo) field.current.focus();
  }, [replyTo?.id]);
  // it may come late, or again when a block ends: whoever writes elsewhere by then goes on there, also
  // in the page around a frame
  useEffect(() => {
    if (!touch.matches && (parent === self || document.hasFocus()) && !isTaken({ target: document.activeElement })) field.current.focus({ preventScroll: true });
  }, []);

  const write = (words) => {
    setText(words);
    if (edited) return;
    keepDraft(session, chat, words);
    if (words.trim()) hand.typing();
    else hand.stop();
  };
  const add = useCallback((files, options) => {
    setParts((now) => [...now, ...take(files, now.length, options)]);
    field.current?.focus();
  }, []);
  const insert = (words) => {
    const { selectionStart: from, selectionEnd: to } = field.current;
    field.current.setRangeText(words, from, to, 'end');   // the caret at once: the next key may come before a frame
    write(field.current.value);
  };
  const choose = (kind, accept) => {
    as.current = kind;
    chooser.current.accept = accept;
    chooser.current.click();
  };
  const empty = !text.trim() && (parts.length === 0 || edited);

  const change = async () => {
    const words = text.trim(), message = edited;
    editing.value = null;
    if (words === (message.text || '').trim()) return;
    try {
      await editMessage(message, words);
    } catch (error) {
      problem(error, t('composer.not_edited'), { onRetry: () => startEdit({ ...message, text: words }) });
    }
  };
  const send = () => {
    if (empty) return;
    setPicking(false);
    if (edited) {
      change();
      return;
    }
    const words = text.trim();
    // the words beside one file alone are its caption
    const alone = parts.length === 1 && captioned(parts[0].kind) && words.length <= CAPTION_MOST;
    const files = parts.map(({ file, kind, caption }) => ({ file, kind, caption: alone ? words : caption.trim() }));
    sendMessage({ session, chat, text: alone ? '' : words, files, replyTo });
    hand.stop(true);
    setText('');
    setParts([]);
    keepDraft(session, chat, '');
    if (replyTo) onCancelReply?.();
    field.current.focus();
  };

  const keys = (e) => {
    if (e.isComposing) return;
    if (e.key === 'Enter' && !e.shiftKey && !touch.matches) {
      e.preventDefault();
      send();
    } else if (e.key === 'Escape' && (edited || replyTo)) {
      e.preventDefault();
      e.stopPropagation();
      if (edited) editing.value = null;
      else onCancelReply?.();
    } else if (e.key === 'ArrowUp' && !text && !edited) {
      const last = messages.value.findLast(mayChange);
      if (last && mayEdit(last)) {
        e.preventDefault();
        startEdit({ ...last, session });
      }
    }
  };
  const paste = (e) => {
    const files = [...(e.clipboardData?.files || [])];
    if (files.length === 0 || edited) return;
    e.preventDefault();
    add(files);
  };
  const label = t('composer.message_to', { name: whole ? chatName(whole) : chat });
  const hint = parts.length === 1 && captioned(parts[0].kind) ? t('composer.caption') : t('composer.placeholder');
  return html`<${DropZone} onFiles=${add} />
    <${Tray} parts=${edited ? [] : parts} onChange=${(id, c) => setParts((now) => now.map((p) => (p.id === id ? { ...p, ...c } : p)))} onRemove=${(id) => { setParts((now) => now.filter((p) => p.id !== id)); field.current.focus(); }} />
    <form class="composer-row" onSubmit=${(e) => { e.preventDefault(); send(); }}>
      <div class="composer-tools">
        ${can('media:write') && !edited && html`<${Menu} label=${t('composer.attach')} icon="paper-clip" align="start" class="attach-menu" items=${[
    { text: t('composer.pick_media'), icon: 'photo', onPick: () => choose(undefined, 'image/*,video/*') },
    { text: t('composer.pick_audio'), icon: 'musical-note', onPick: () => choose(undefined, 'audio/*') },
    { text: t('composer.pick_document'), icon: 'document', onPick: () => choose('document', '') },
  ]} /><input ref=${chooser} type="file" multiple class="composer-file" tabindex="-1" aria-hidden="true" onChange=${(e) => { add([...e.currentTarget.files], { as: as.current }); e.currentTarget.value = ''; }} />`}
        <${IconButton} icon="face-smile" class="emoji-toggle" label=${t('composer.emoji')} aria-expanded=${String(picking)} onClick=${() => setPicking(!picking)} />
        ${picking && html`<${EmojiPicker} onPick=${insert} onClose=${(back) => { setPicking(false); if (back) field.current.focus(); }} />`}
      </div>
      <textarea ref=${field} rows="1" dir="auto" maxlength=${TEXT_MOST} aria-label=${label} placeholder=${hint} value=${text} onInput=${(e) => write(e.currentTarget.value)} onKeyDown=${keys} onPaste=${paste}
        onBlur=${() => hand.stop()} enterkeyhint=${touch.matches ? 'enter' : 'send'} />
      <button type="submit" class="icon-button primary send" disabled=${empty} aria-label=${t(edited ? 'composer.save_edit' : 'composer.send')} title=${t(edited ? 'composer.save_edit' : 'composer.send')}><svg class="icon flips" width="20" height="20" aria-hidden="true" focusable="false"><use href=${SEND} /></svg></button>
    </form>`;
}
const SEND = `${import.meta.resolve('../../icons.svg')}#paper-airplane`;
