// One menu for many things: rows and bubbles open it where they are, so that none carries its own.
// openMenu(event or element, items, label): items as those of Menu, and {emojis: […], onPick}.
import { html } from 'htm/preact';
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './controls.js';

const shown = signal(null);
export function openMenu(from, items, label) {
  const isEvent = from instanceof Event;
  // an event that was kept a while has no current target any more
  const element = isEvent ? from.currentTarget || from.target.closest('button, [data-message]') || from.target : from;
  if (isEvent) from.preventDefault();
  if (from.type === 'click' && shown.value?.element === element) return void closeMenu();   // its own button once more
  const box = element.getBoundingClientRect();
  // the context-menu key has no place of its own
  const atPointer = isEvent && from.type === 'contextmenu' && (from.clientX || from.clientY);
  const place = atPointer ? { top: from.clientY, bottom: from.clientY, left: from.clientX, right: from.clientX } : { top: box.top, bottom: box.bottom, left: box.left, right: box.right };
  shown.value = { element, items: items.filter(Boolean), label, place, opener: document.activeElement && document.activeElement !== document.body ? document.activeElement : element };
}
export const closeMenu = () => (shown.value = null);

export function ContextMenu() {
  const now = shown.value;
  useLayoutEffect(() => closeMenu, []);   // it is not open again for who comes back
  return now && html`<${Open} key=${now} ...${now} />`;
}

function Open({ items, label, place, opener }) {
  const list = useRef(null);
  useLayoutEffect(() => {
    const el = list.current;
    el.showPopover();
    const rtl = document.documentElement.dir === 'rtl';
    const left = rtl ? place.right - el.offsetWidth : place.left;
    const below = place.bottom + 4 + el.offsetHeight <= innerHeight - 8;
    el.style.top = `${Math.max(8, below ? place.bottom + 4 : place.top - el.offsetHeight - 4)}px`;
    el.style.left = `${Math.max(8, Math.min(left, innerWidth - el.offsetWidth - 8))}px`;
    el.querySelector('button:not([disabled])')?.focus();
  }, []);
  const end = () => {
    // a press beside it has given the focus to something else
    const had = document.activeElement === document.body || list.current.contains(document.activeElement);
    closeMenu();
    if (had && opener?.isConnected) opener.focus({ preventScroll: true });
  };
  const pick = (act) => {
    end();
    act?.();
  };
  const keys = (e) => {
    const all = [...list.current.querySelectorAll('button:not([disabled])')];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (next !== undefined) {
      e.preventDefault();
      all[(next + all.length) % all.length]?.focus();
    } else if (e.key === 'Tab') {
      e.preventDefault();
      end();
    }
    e.stopPropagation();
  };
  return html`<div ref=${list} popover="auto" role="menu" class="menu-list context-menu" aria-label=${label} onKeyDown=${keys} onToggle=${(e) => e.newState === 'closed' && list.current && end()}>
    ${items.map((item, i) => item.emojis ? html`<div key=${i} class="emoji-row" role="group" aria-label=${item.text}>${item.emojis.map((emoji) => html`<button key=${emoji} type="button" role="menuitemradio"
      aria-checked=${String(item.chosen === emoji)} tabindex="-1" aria-label=${emoji} onClick=${() => pick(() => item.onPick(emoji))}>${emoji}</button>`)}</div>`
    : html`<button key=${i} type="button" role=${item.checked === undefined ? 'menuitem' : 'menuitemradio'} aria-checked=${item.checked === undefined ? undefined : String(item.checked)}
      disabled=${item.disabled} tabindex="-1" class=${item.danger ? 'danger' : ''} onClick=${() => pick(item.onPick)}>
      ${item.icon && html`<${Icon} name=${item.icon} size=${18} />`}<span>${item.text}</span>${item.checked && html`<${Icon} name="check" size=${16} />`}</button>`)}</div>`;
}
