// The messages of a thread, as far as they are near the eye. It stays at the end while one is there,
// keeps what one looks at in its place when older ones are put before it, and says what is new below.
import { html } from 'htm/preact';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { language, t } from '../../core/i18n.js';
import { Icon, Spinner, Trouble } from '../../ui/controls.js';
import { focusDrawn, useVirtual } from '../../ui/virtual.js';
import { Bubble } from './bubble.js';
import { chatName } from './names.js';
import { guess, rowsOf } from './rows.js';
import { notes, withNotes } from './store_notes.js';
import { loadNewer, loadOlder, markSeen, rested, showMessage, showNewest } from './store.js';

const NEAR = 14;        // rows from an end at which more are fetched
const END_PX = 80;      // this near to the end counts as being there
const HIT_MS = 2600;

export function Pane({ th, items, chat, onMenu, onReply, onPicture }) {
  const scroller = useRef(null);
  const rows = useMemo(() => rowsOf(withNotes(items, notes.value, th), th.unreadFrom), [items, notes.value, th.older, th.newer, th.unreadFrom, language.value]);
  const [stop, setStop] = useState(null);      // index of the bubble that the Tab key finds
  const [hit, setHit] = useState(null);
  const [settled, settle] = useState(false);
  const [atEnd, setAtEnd] = useState(!th.focus && !th.unreadFrom);
  const left = useRef(null);                   // id of the last message when the end was left
  const wasWhole = useRef(th.newer === null);  // pages that come as one scrolls down are not followed
  const follow = wasWhole.current && th.newer === null;
  useEffect(() => {
    wasWhole.current = th.newer === null;
  });
  const keyOfRow = useCallback((i) => rows[i].message.view || rows[i].message.id, [rows]);
  const virtual = useVirtual({
    scroller, count: rows.length, getItemKey: keyOfRow, estimateSize: useCallback((i) => guess(rows[i]), [rows]), overscan: 8,
    anchorTo: 'end', followOnAppend: follow && atEnd, scrollEndThreshold: END_PX, paddingStart: 12, paddingEnd: 12,
  });
  const indexOf = (id) => rows.findIndex((row) => row.message.id === id);

  // where it begins: at the message that was asked for, at the first unread one, else at the end
  useLayoutEffect(() => {
    const id = th.focus?.id || th.unreadFrom;
    const at = id ? indexOf(id) : -1;
    if (at >= 0) virtual.scrollToIndex(at, { align: th.focus ? 'center' : 'start' });
    else virtual.scrollToEnd();
    const frame = requestAnimationFrame(() => requestAnimationFrame(() => settle(true)));
    return () => cancelAnimationFrame(frame);
  }, []);
  useEffect(() => {
    if (!th.focus) return undefined;
    const at = indexOf(th.focus.id);
    if (settled && at >= 0) virtual.scrollToIndex(at, { align: 'center' });
    setHit(th.focus.id);
    const timer = setTimeout(() => setHit(null), HIT_MS);
    return () => clearTimeout(timer);
  }, [th.focus]);

  rested.value;   // drawn again then
  // looked at after every change of place: is more needed, is the end seen?
  useEffect(() => {
    if (!settled || !virtual.range) return;
    const { startIndex, endIndex } = virtual.range;
    if (!th.error && th.older && startIndex < NEAR) loadOlder();
    if (!th.error && th.newer && endIndex > rows.length - NEAR) loadNewer();
    const end = th.newer === null && virtual.isAtEnd(END_PX);
    if (end !== atEnd) setAtEnd(end);
    if (end) left.current = null;
    else left.current ??= items.at(-1)?.id;
    if (end) markSeen();
  });
  // what one sends is seen, from wherever one was
  const newest = items.at(-1);
  const sending = newest?.local && newest.status === 'sending' ? newest.id : null;
  useEffect(() => {
    if (settled && sending) virtual.scrollToEnd();
  }, [sending]);
  // a window that changes, or a field that grows below, does not push the end out of sight
  const ending = useRef(true);
  ending.current = atEnd;
  useEffect(() => {
    let first = true;   // an observer begins with what is
    const observer = new ResizeObserver(() => {
      if (!first && ending.current) virtual.scrollToEnd();
      first = false;
    });
    if (settled) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, [settled]);
  useEffect(() => {
    const seen = () => document.hidden || markSeen();
    document.addEventListener('visibilitychange', seen);
    return () => document.removeEventListener('visibilitychange', seen);
  }, []);

  // bubbles are drawn again only when they changed, so what they call must stay the same object
  const latest = useRef({});
  latest.current = { rows, onMenu, onPicture };
  const acts = useMemo(() => ({
    menu: (event, m) => latest.current.onMenu(event, m),
    picture: (src, name) => latest.current.onPicture({ src, name }),
    find: (id) => latest.current.rows.find((row) => row.message.id === id)?.message,
    jump: (id) => showMessage(id),
  }), []);

  const move = (at) => {
    const next = Math.max(0, Math.min(rows.length - 1, at));
    setStop(next);
    virtual.scrollToIndex(next, { align: 'auto' });
    focusDrawn(() => scroller.current?.querySelector(`[data-index="${next}"] [data-message]`));
  };
  const keys = (e) => {
    const own = e.target.closest?.('[data-message]') === e.target;
    if (!own || e.ctrlKey || e.metaKey || e.altKey) return;
    const at = Number(e.target.closest('[data-index]').dataset.index);
    const act = { ArrowDown: () => move(at + 1), ArrowUp: () => move(at - 1), Home: () => move(0), End: () => move(rows.length - 1),
      Enter: () => onMenu(e.target, rows[at].message), r: () => onReply(rows[at].message) }[e.key];
    const isNote = rows[at].message.type === 'note' && ['Enter', 'r'].includes(e.key);
    if (!act || isNote) return;
    e.preventDefault();
    e.stopPropagation();
    act();
  };

  const shown = virtual.getVirtualItems();
  const tabStop = shown.some(({ index }) => index === stop) ? stop : shown.at(-1)?.index;
  const fresh = left.current ? rows.slice(indexOf(left.current) + 1).filter((row) => row.message.direction === 'in').length : 0;
  const down = () => (th.newer ? showNewest() : virtual.scrollToEnd());
  return html`<div class="pane">
    <div ref=${scroller} class="scroller" tabindex="0" role="region" aria-label=${t('inbox.messages_with', { name: chatName(chat) })} onKeyDown=${keys}>
      <div class="room" style=${{ blockSize: `${virtual.getTotalSize()}px` }}>
        <ol style=${{ transform: `translateY(${shown[0]?.start ?? 0}px)` }}>${shown.map(({ index, key }) => html`<${Bubble} key=${key} row=${rows[index]} index=${index} measure=${virtual.measureElement}
          chat=${chat} group=${chat?.type === 'group'} focused=${rows[index].message.id === hit} stop=${index === tabStop} acts=${acts} />`)}</ol></div></div>
    ${th.busy && html`<div class=${`fetching ${th.busy}`}><${Spinner} label=${t('inbox.loading_more')} /></div>`}
    ${th.error && html`<div class="pane-trouble"><${Trouble} error=${th.error} onRetry=${() => (th.newer && virtual.range?.endIndex > rows.length - NEAR ? loadNewer() : loadOlder())} /></div>`}
    ${settled && !atEnd && html`<button type="button" class="to-newest" onClick=${down} aria-label=${fresh ? t('inbox.to_newest_count', { n: fresh }) : t('inbox.to_newest')}><${Icon} name="chevron-down" size=${22} />${fresh > 0 && html`<span class="badge accent" aria-hidden="true">${fresh}</span>`}</button>`}</div>`;
}
