// What lies above the page: dialogs, questions, menus, toasts.
import { html } from 'htm/preact';
import { signal } from '@preact/signals';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../core/i18n.js';
import { Button, Checkbox, Icon, IconButton } from './controls.js';
import { Said } from './said.js';

// ---- dialogs: the browser's own <dialog> holds the focus and knows Escape
export function Dialog({ title, onClose, children, acts, wide = false }) {
  const ref = useRef(null), outside = useRef(false);   // a press that began inside, on a text say, closes nothing
  const id = useId();
  useLayoutEffect(() => {   // at once: no key goes past it
    ref.current.showModal();
    // the first thing to fill in or to decide, not the cross in the corner
    (ref.current.querySelector('.dialog-content :is(input, textarea, select):not([type=file], [disabled])') || ref.current.querySelector('footer button, .dialog-content button'))?.focus();
    return () => ref.current.close();   // gives the focus back
  }, []);
  return html`<dialog ref=${ref} class=${`dialog ${wide ? 'wide' : ''}`} aria-labelledby=${id} onCancel=${(e) => { e.preventDefault(); onClose(); }}
    onPointerDown=${(e) => (outside.current = e.target === ref.current)} onClick=${(e) => e.target === ref.current && outside.current && onClose()}>
    <div class="dialog-body"><header><h2 id=${id}>${title}</h2><${IconButton} icon="x-mark" label=${t('common.close')} onClick=${onClose} /></header>
    <div class="dialog-content">${children}</div>${acts && html`<footer>${acts}</footer>`}</div></dialog>`;
}

// if (await confirm({title, text, act: 'Log out', danger: true})) …   With `type`, that word must be typed;
// with `option`, a checkbox of that text, the answer is {option: true or false}.
const question = signal(null);
export const confirm = (options) => new Promise((resolve) => (question.value = { ...options, resolve }));
function Question() {
  const q = question.value;
  const [typed, setTyped] = useState('');
  const option = useRef(false);
  useEffect(() => {
    if (!q) return undefined;
    const left = () => end(false);   // it was about the page before
    addEventListener('hashchange', left);
    return () => removeEventListener('hashchange', left);
  }, [q]);
  if (!q) return null;
  function end(answer) {
    question.value = null;
    q.resolve(answer && q.option ? { option: option.current } : answer);
    setTyped('');
    option.current = false;
  }
  const agree = () => (!q.type || typed === q.type) && end(true);
  return html`<${Dialog} title=${q.title} onClose=${() => end(false)} acts=${html`<${Button} onClick=${() => end(false)}>${t('common.cancel')}</${Button}>
    <${Button} kind=${q.danger ? 'danger' : 'primary'} disabled=${Boolean(q.type) && typed !== q.type} onClick=${agree}>${q.act}</${Button}>`}><p>${q.text}</p>
    ${q.option && html`<p class="row"><${Checkbox} label=${q.option} onValue=${(yes) => (option.current = yes)} /></p>`}
    ${q.type && html`<label class="field">${t('common.type_to_confirm', { word: q.type })}<input type="text" dir="ltr" autocomplete="off" value=${typed} onInput=${(e) => setTyped(e.currentTarget.value)} onKeyDown=${(e) => e.key === 'Enter' && agree()} /></label>`}</${Dialog}>`;
}

// ---- toasts: toast('Saved'); toast(text, {tone: 'bad', act: 'Undo', onAct}); problem(error, 'What failed')
const toasts = signal([]);
let count = 0;
// onGone: called when it goes and its act was not taken. It stays while one points at it or has the focus in it.
export function toast(text, { tone = 'ok', detail, error, act, onAct, onGone, ms = act || tone === 'bad' ? 10_000 : 5000 } = {}) {
  const id = ++count;
  const entry = { id, text, tone, detail, error, act, onAct, onGone };
  entry.rest = () => {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => dismiss(id), ms);
  };
  entry.rest();
  for (const old of toasts.value.slice(0, -3)) dismiss(old.id);
  toasts.value = [...toasts.value, entry];
  return () => dismiss(id);
}
function dismiss(id, { acted = false } = {}) {
  const gone = toasts.value.find((x) => x.id === id);
  toasts.value = toasts.value.filter((x) => x.id !== id);
  if (!acted) gone?.onGone?.();
}
// By its own button, which goes with it: the focus must not fall to the top of the page.
function leave(id, options) {
  dismiss(id, options);
  document.getElementById('main')?.focus({ preventScroll: true });
}
// An error of a call, in words that help: what was tried, and what the server says.
export function problem(error, title, { onRetry } = {}) {
  if (error.name === 'AbortError') return;
  toast(title || t('errors.title'), {
    tone: 'bad', detail: error.status === 0 && t('errors.offline_detail'), error,
    act: onRetry && t('common.retry'), onAct: onRetry,
  });
}
const SIGNS = { ok: 'check-circle', bad: 'exclamation-triangle', info: 'information-circle' };
const isHeld = (e) => e.currentTarget.matches(':hover, :focus-within');
// In the top layer, shown anew with each change: else an open dialog would lie above them.
function Toasts() {
  const ref = useRef(null);
  useEffect(() => {
    ref.current.hidePopover();
    if (toasts.value.length) ref.current.showPopover();
  }, [toasts.value]);
  return html`<div class="toasts" ref=${ref} popover="manual" role="region" aria-label=${t('common.notices')} aria-live="polite">${toasts.value.map((x) => html`<div key=${x.id} class=${`toast ${x.tone}`} role=${x.tone === 'bad' ? 'alert' : undefined}
  onMouseEnter=${() => clearTimeout(x.timer)} onFocusIn=${() => clearTimeout(x.timer)} onMouseLeave=${(e) => isHeld(e) || x.rest()} onFocusOut=${(e) => isHeld(e) || x.rest()}><${Icon} name=${SIGNS[x.tone] || SIGNS.info} /><div dir="auto"><strong>${x.text}</strong>${x.detail ? html`<p>${x.detail}</p>` : x.error && html`<${Said} of=${x.error} />`}</div>
  ${x.act && html`<${Button} small onClick=${() => { leave(x.id, { acted: true }); x.onAct(); }}>${x.act}</${Button}>`}
  <${IconButton} icon="x-mark" size=${16} label=${t('common.close')} onClick=${() => leave(x.id)} /></div>`)}</div>`;
}

export const Overlays = () => html`<${Question} /><${Toasts} />`;

// ---- a menu behind a button. items: [{text, icon, onPick, href, danger, checked, disabled} | null (line)]
export function Menu({ label, icon = 'ellipsis-vertical', items, children, align = 'end', class: more = '' }) {
  const id = useId();
  const list = useRef(null), button = useRef(null);
  const place = () => {
    const at = button.current.getBoundingClientRect();
    const style = list.current.style;
    const rtl = document.documentElement.dir === 'rtl';
    const right = (align === 'end') !== rtl;
    style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - list.current.offsetHeight - 8))}px`;
    const left = right ? at.right - list.current.offsetWidth : at.left;
    style.left = `${Math.max(8, Math.min(left, innerWidth - list.current.offsetWidth - 8))}px`;
  };
  const toggled = (e) => {
    button.current?.setAttribute('aria-expanded', String(e.newState === 'open'));
    if (e.newState !== 'open' || !list.current) return;
    place();
    list.current.querySelector('[role^=menuitem]:not([disabled])')?.focus();
  };
  const keys = (e) => {
    const all = [...list.current.querySelectorAll('[role^=menuitem]:not([disabled])')];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (next !== undefined) {
      e.preventDefault();
      all[(next + all.length) % all.length]?.focus();
    } else if (e.key === 'Tab') list.current.hidePopover();
  };
  const pick = (item) => {
    list.current.hidePopover();
    button.current.focus();
    item.onPick?.();
  };
  return html`<span class=${`menu ${more}`}><button type="button" ref=${button} class=${children ? 'menu-button' : 'icon-button quiet'} popovertarget=${id} aria-haspopup="menu" aria-expanded="false"
    aria-label=${children ? undefined : label} title=${label}>${children ? html`<span class="hidden">${label}: </span>${children}` : html`<${Icon} name=${icon} />`}</button>
    <div id=${id} ref=${list} popover="auto" role="menu" class="menu-list" aria-label=${label} onToggle=${toggled} onKeyDown=${keys}>
    ${items.filter((x) => x !== undefined && x !== false).map((item, i) => item === null ? html`<hr key=${i} />` : html`<${item.href ? 'a' : 'button'} key=${item.text} role=${item.checked === undefined ? 'menuitem' : 'menuitemradio'} aria-checked=${item.checked === undefined ? undefined : String(item.checked)}
      type=${item.href ? undefined : 'button'} href=${item.href} disabled=${item.disabled} tabindex="-1" class=${item.danger ? 'danger' : ''} onClick=${() => pick(item)}>
      ${item.icon && html`<${Icon} name=${item.icon} size=${18} />`}<span>${item.text}</span>${item.checked && html`<${Icon} name="check" size=${16} />`}</${item.href ? 'a' : 'button'}>`)}</div></span>`;
}
