// The emoji picker: groups as tabs, the ones used last before them, arrows move in the grid.
import { html } from 'htm/preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../core/i18n.js';
import { Icon } from '../../ui/controls.js';
import { GROUPS } from './emoji_data.js';

const STORED = 'wabridge.emoji';
const RECENT_MOST = 24;

function recents() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) || [];
  } catch {
    return [];   // never stored, or the browser lets nothing be stored
  }
}
function remember(emoji) {
  try {
    localStorage.setItem(STORED, JSON.stringify([emoji, ...recents().filter((e) => e !== emoji)].slice(0, RECENT_MOST)));
  } catch { /* only the order next time is lost */ }
}

// Moves the focus among the buttons of the grid, by rows as they are laid out.
function move(e) {
  const all = [...e.currentTarget.querySelectorAll('button')];
  const at = all.indexOf(document.activeElement);
  if (at < 0) return;
  const rtl = getComputedStyle(e.currentTarget).direction === 'rtl' ? -1 : 1;
  const columns = all.findIndex((b) => b.offsetTop > all[0].offsetTop);
  const row = columns > 0 ? columns : all.length;
  const next = { ArrowRight: at + rtl, ArrowLeft: at - rtl, ArrowDown: at + row, ArrowUp: at - row, Home: 0, End: all.length - 1 }[e.key];
  if (next === undefined) return;
  e.preventDefault();
  const to = all[Math.max(0, Math.min(all.length - 1, next))];
  for (const b of all) b.tabIndex = b === to ? 0 : -1;
  to.focus();
}

export function EmojiPicker({ onPick, onClose }) {
  const [recent] = useState(recents);
  const groups = recent.length ? [{ id: 'recent', icon: 'clock', list: recent }, ...GROUPS] : GROUPS;
  const [chosen, choose] = useState(groups[0].id);
  const ref = useRef(null);
  const group = groups.find((g) => g.id === chosen);
  useLayoutEffect(() => {
    ref.current.querySelector('.emoji-grid button')?.focus();
    const outside = (e) => !ref.current?.contains(e.target) && !e.target.closest?.('.emoji-toggle') && onClose();
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, []);
  const pick = (emoji) => {
    remember(emoji);
    onPick(emoji);
  };
  const tabs = (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const way = getComputedStyle(e.currentTarget).direction === 'rtl' ? -step : step;
    const at = (groups.findIndex((g) => g.id === chosen) + way + groups.length) % groups.length;
    choose(groups[at].id);
    e.currentTarget.querySelectorAll('button')[at].focus();
  };
  return html`<div class="emoji-picker" ref=${ref} role="dialog" aria-label=${t('composer.emoji')} onKeyDown=${(e) => e.key === 'Escape' && (e.stopPropagation(), onClose(true))}>
    <div class="emoji-tabs" role="tablist" aria-label=${t('composer.emoji_groups')} onKeyDown=${tabs}>${groups.map((g) => html`<button key=${g.id} type="button" role="tab" aria-selected=${String(g.id === chosen)}
      tabindex=${g.id === chosen ? 0 : -1} aria-label=${t(`composer.emoji_group.${g.id}`)} title=${t(`composer.emoji_group.${g.id}`)} onClick=${() => choose(g.id)}>${g.id === 'recent' ? html`<${Icon} name="clock" />` : html`<span aria-hidden="true">${g.list[0]}</span>`}</button>`)}</div>
    <div class="emoji-grid" role="group" aria-label=${t(`composer.emoji_group.${chosen}`)} onKeyDown=${move} key=${chosen}>${group.list.map((emoji, i) => html`<button key=${emoji} type="button" tabindex=${i === 0 ? 0 : -1} onClick=${() => pick(emoji)}>${emoji}</button>`)}</div></div>`;
}
