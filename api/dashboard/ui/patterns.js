// Which sessions: all of them, or some by name and pattern. For webhooks and keys.
import { html } from 'htm/preact';
import { useId, useState } from 'preact/hooks';
import { all, of } from '../core/api.js';
import { can, tenant } from '../core/auth.js';
import { t } from '../core/i18n.js';
import { useLoad } from '../core/load.js';
import { Checkbox, Icon, TextField } from './controls.js';

const VALID = /^[a-z0-9_*-]{1,63}$/;
// value: ['*'] or patterns. within: patterns that may be given, ['*'] when all may.
export function SessionPatterns({ legend, hint, value, onValue, error, within = ['*'] }) {
  const id = useId();
  const everything = within.includes('*');
  const sessions = useLoad((signal) => (can('sessions:read') ? all(of`/sessions`, {}, { signal }) : []), [tenant.value]);
  const names = (sessions.data || []).map((s) => s.id);
  const [typed, setTyped] = useState(() => value.filter((p) => p !== '*').join(', '));
  const isAll = value.includes('*');
  const write = (list) => onValue([...new Set(list)]);
  const type = (text) => {
    setTyped(text);
    write(text.split(/[\s,]+/).filter(Boolean));
  };
  const tick = (name, on) => {
    const next = on ? [...value.filter((p) => p !== '*'), name] : value.filter((p) => p !== name);
    setTyped(next.join(', '));
    write(next);
  };
  const bad = isAll ? undefined : value.find((p) => !VALID.test(p));
  return html`<fieldset class="field patterns"><legend>${legend}</legend>${hint && html`<p class="hint">${hint}</p>`}
    ${everything && html`<label class="check"><input type="radio" name=${id} checked=${isAll} onChange=${() => write(['*'])} /><span>${t('patterns.all')}</span></label>
    <label class="check"><input type="radio" name=${id} checked=${!isAll} onChange=${() => type(typed)} /><span>${t('patterns.some')}</span></label>`}
    ${!isAll && html`<div class="patterns-some">
      ${names.length > 0 && html`<div class="patterns-names">${names.map((name) => html`<${Checkbox} key=${name} label=${html`<bdi>${name}</bdi>`} checked=${value.includes(name)} onValue=${(on) => tick(name, on)} />`)}</div>`}
      <${TextField} label=${t('patterns.typed')} hint=${t('patterns.typed_hint')} dir="ltr" spellcheck=${false} value=${typed} onValue=${type}
        error=${bad && t('patterns.bad', { pattern: bad })} /></div>`}
    ${error && html`<p class="error"><${Icon} name="exclamation-circle" size=${16} /> ${error}</p>`}</fieldset>`;
}
// "All sessions", or the patterns.
export const Sessions = ({ patterns }) => (patterns.includes('*') ? html`<span>${t('patterns.all')}</span>` : html`<bdi class="mono">${patterns.join(', ')}</bdi>`);
