// Buttons, fields and small signs. All text comes in translated.
import { html } from 'htm/preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t, has } from '../core/i18n.js';
import { dateTime, exactTime, ago } from '../core/format.js';
import { Said } from './said.js';

const SPRITE = import.meta.resolve('../icons.svg');
// Decoration unless it has a label.
// Those that show a direction of reading are mirrored from right to left.
const FLIPS = new Set(['arrow-left', 'arrow-right', 'chevron-left', 'chevron-right', 'arrow-uturn-left', 'arrow-right-start-on-rectangle', 'arrow-top-right-on-square', 'paper-airplane', 'list-bullet', 'queue-list', 'document-text', 'chart-bar']);
export const Icon = ({ name, label, size = 20 }) => html`<svg class=${FLIPS.has(name) ? 'icon flips' : 'icon'} width=${size} height=${size}
  role=${label ? 'img' : undefined} aria-label=${label} aria-hidden=${label ? undefined : 'true'} focusable="false"><use href=${`${SPRITE}#${name}`} /></svg>`;

// kind: 'primary' | 'plain' | 'quiet' | 'danger'. busy: an act is on its way. href makes it a link.
export function Button({ kind = 'plain', icon, busy = false, disabled, href, small, children, class: more = '', ...rest }) {
  const className = `button ${kind} ${small ? 'small' : ''} ${more}`;
  const inner = html`${busy ? html`<span class="spinner" aria-hidden="true" />` : icon && html`<${Icon} name=${icon} size=${small ? 16 : 18} />`}<span>${children}</span>`;
  if (href) return html`<a class=${className} href=${href} ...${rest}>${inner}</a>`;
  return html`<button type="button" class=${className} disabled=${disabled} aria-busy=${busy} ...${rest}
    onClick=${(e) => !busy && rest.onClick?.(e)}>${inner}</button>`;
}
export const IconButton = ({ icon, label, class: more = '', kind = 'quiet', size = 20, ...rest }) => html`<button type="button"
  class=${`icon-button ${kind} ${more}`} aria-label=${label} title=${label} ...${rest}><${Icon} name=${icon} size=${size} /></button>`;

// A labelled control. children: (props) => the control, which spreads props.
export function Field({ label, hint, error, optional, children, class: more = '' }) {
  const id = useId();
  const about = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return html`<div class=${`field ${more} ${error ? 'wrong' : ''}`}>
    <label for=${id}>${label}${optional && html` <span class="optional">${t('common.optional')}</span>`}</label>
    ${children({ id, 'aria-describedby': about, 'aria-invalid': error ? 'true' : undefined })}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="error" role="alert" id=${`${id}-error`}><${Icon} name="exclamation-circle" size=${16} /> ${error}</p>`}
  </div>`;
}
// After an attempt that failed: to the first field that is wrong, which may be out of sight of the button.
export const useFault = (error) => useEffect(() => {
  if (error) (document.querySelector('dialog[open]') || document.querySelector('main')).querySelector('[aria-invalid=true]')?.focus();
}, [error]);
const value = (onValue) => (e) => onValue?.(e.currentTarget.value);
export const TextField = ({ label, hint, error, optional, onValue, class: more, multiline, ...rest }) => html`<${Field} ...${{ label, hint, error, optional, class: more }}>
  ${(props) => (multiline ? html`<textarea ...${props} onInput=${value(onValue)} dir="auto" ...${rest} />` : html`<input type="text" ...${props} onInput=${value(onValue)} dir="auto" ...${rest} />`)}</${Field}>`;
// options: [[value, text], …]
export const Select = ({ label, hint, error, options, value: chosen, onValue, class: more, ...rest }) => html`<${Field} ...${{ label, hint, error, class: more }}>
  ${(props) => html`<select ...${props} value=${chosen} onChange=${value(onValue)} ...${rest}>${options.map(([v, text]) => html`<option key=${v} value=${v} selected=${v === chosen}>${text}</option>`)}</select>`}</${Field}>`;
export const Checkbox = ({ label, hint, checked, onValue, ...rest }) => html`<label class="check"><input type="checkbox" checked=${checked}
  onChange=${(e) => onValue?.(e.currentTarget.checked)} ...${rest} /><span>${label}${hint && html`<small>${hint}</small>`}</span></label>`;
export const Switch = ({ label, checked, onValue, ...rest }) => html`<label class="switch"><input type="checkbox" role="switch" checked=${checked}
  onChange=${(e) => onValue?.(e.currentTarget.checked)} ...${rest} /><span class="track" aria-hidden="true" /><span>${label}</span></label>`;

export function SearchField({ label, value: text, onValue, ...rest }) {
  return html`<div class="search" role="search"><${Icon} name="magnifying-glass" size=${18} /><input type="search" aria-label=${label} placeholder=${label}
    value=${text} onInput=${value(onValue)} dir="auto" ...${rest} /></div>`;
}

// The browser's own way works on HTTPS and on the machine itself only; elsewhere by a selection.
export async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const field = Object.assign(document.createElement('textarea'), { value: text, readOnly: true });
  const before = document.activeElement;
  (before?.closest('dialog') || document.body).append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  before?.focus();
  return done;
}
// A secret or address to copy.
export function Copy({ text, label, secret = false }) {
  const [done, setDone] = useState(false);
  const [seen, setSeen] = useState(!secret);
  const copy = async () => {
    if (!(await toClipboard(text))) return;
    setDone(true);
    setTimeout(() => setDone(false), 2000);
  };
  return html`<div class="copy"><code dir="ltr">${seen ? text : '•'.repeat(24)}</code>
    ${secret && html`<${IconButton} icon=${seen ? 'eye-slash' : 'eye'} label=${t(seen ? 'common.hide' : 'common.show')} onClick=${() => setSeen(!seen)} />`}
    <${IconButton} icon=${done ? 'check' : 'clipboard-document'} label=${label || t('common.copy')} onClick=${copy} />
    <span class="hidden" role="status">${done ? t('common.copied') : ''}</span></div>`;
}

const TONES = { ready: 'ok', delivered: 'ok', failed: 'bad', dead: 'bad', logged_out: 'bad', conflict: 'warn', disconnected: 'warn', unlinked: 'info', linking: 'info', syncing: 'info', starting: 'info', pending: 'info', stopped: 'still', hibernating: 'still' };
// A status in words with a sign; colour is never alone.
export const Status = ({ value: word, tone = TONES[word] || 'still' }) => html`<span class=${`status ${tone}`}>${has(`status.${word}`) ? t(`status.${word}`) : word}</span>`;
export const Badge = ({ children, tone = '' }) => html`<span class=${`badge ${tone}`}>${children}</span>`;
export const Time = ({ at, as = ago }) => (at ? html`<time datetime=${at} title=${exactTime(at)}>${as(at)}</time>` : html`<span>–</span>`);
export const ExactTime = ({ at }) => html`<${Time} at=${at} as=${dateTime} />`;
export const Spinner = ({ label }) => html`<span class="spinner" role="status" aria-label=${label || t('common.loading')} />`;

// Nothing here yet: says what this is for and what to do.
export const Empty = ({ icon, title, children, action }) => html`<div class="empty">${icon && html`<span class="empty-sign"><${Icon} name=${icon} size=${28} /></span>`}
  <h2>${title}</h2>${children && html`<p>${children}</p>`}${action}</div>`;
// Grey lines in the shape of what comes.
export const Skeleton = ({ lines = 3, height = 20 }) => html`<div class="skeleton" aria-hidden="true">${Array.from({ length: lines }, (_, i) => html`<span key=${i} style=${{ height: `${height}px`, width: `${96 - ((i * 17) % 40)}%` }} />`)}</div>`;
// What failed, and a way to try again.
export const Trouble = ({ error, onRetry, title }) => html`<div class="trouble" role="alert"><${Icon} name="exclamation-triangle" />
  <div><strong>${title || t(error.status === 0 ? 'errors.offline' : error.status === 403 ? 'errors.forbidden' : 'errors.title')}</strong>${error.status === 0 ? html`<p>${t('errors.offline_detail')}</p>` : html`<${Said} of=${error} />`}</div>
  ${onRetry && html`<${Button} small icon="arrow-path" onClick=${onRetry}>${t('common.retry')}</${Button}>`}</div>`;
// What a list shows: skeleton, trouble, empty, or the children with the data.
export function Loaded({ of: state, lines = 4, height, empty, isEmpty = (d) => d.items?.length === 0, children }) {
  if (state.data === undefined) return state.error ? html`<${Trouble} error=${state.error} onRetry=${state.reload} />` : html`<div aria-busy="true"><${Skeleton} lines=${lines} height=${height} /></div>`;
  return html`${state.error && html`<${Trouble} error=${state.error} onRetry=${state.reload} />`}${empty && isEmpty(state.data) ? empty : children(state.data)}`;
}

// The rest of a list of usePages; onTrouble gets what failed.
export const More = ({ of: list, onTrouble }) => list.data?.next_cursor && html`<div class="load-more"><${Button} icon="chevron-down" busy=${list.adding} onClick=${() => list.more().catch(onTrouble)}>${t('common.more')}</${Button}></div>`;

export const PageHead = ({ title, about, children }) => html`<header class="page-head"><div><h1 tabindex="-1">${title}</h1>${about && html`<p>${about}</p>`}</div>${children && html`<div class="acts">${children}</div>`}</header>`;
export const Card = ({ title, children, class: more = '', acts, ...rest }) => html`<section class=${`card ${more}`} ...${rest}>${title && html`<header><h2>${title}</h2>${acts}</header>`}${children}</section>`;

// tabs: [[id, text, count?], …]; panel: the id of what they switch
export function Tabs({ tabs, value: chosen, onValue, label, panel }) {
  const move = (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -99, End: 99 }[e.key];
    if (!step) return;
    e.preventDefault();
    const way = getComputedStyle(e.currentTarget).direction === 'rtl' && Math.abs(step) === 1 ? -step : step;
    const at = tabs.findIndex(([id]) => id === chosen);
    const next = Math.abs(way) > 1 ? (way < 0 ? 0 : tabs.length - 1) : (at + way + tabs.length) % tabs.length;
    onValue(tabs[next][0]);
    e.currentTarget.querySelectorAll('[role=tab]')[next].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>${tabs.map(([id, text, count]) => html`<button key=${id} type="button" role="tab"
    aria-selected=${id === chosen ? 'true' : 'false'} aria-controls=${id === chosen ? panel : undefined} tabindex=${id === chosen ? 0 : -1} onClick=${() => onValue(id)}>${text}${count !== undefined && html` <span class="count">${count}</span>`}</button>`)}</div>`;
}
