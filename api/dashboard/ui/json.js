// JSON for reading: indented, names apart from values, to be copied as it is.
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { t } from '../core/i18n.js';
import { Button, toClipboard } from './controls.js';

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
function coloured(text) {
  const parts = [];
  let at = 0;
  for (const m of text.matchAll(TOKEN)) {
    parts.push(text.slice(at, m.index), html`<span class=${m[1] ? (m[2] ? 'json-name' : 'json-text') : 'json-value'}>${m[1] || m[0]}</span>`, m[2] || '');
    at = m.index + m[0].length;
  }
  return [...parts, text.slice(at)];
}

export function CopyButton({ text, children, ...rest }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    if (!(await toClipboard(text))) return;
    setDone(true);
    setTimeout(() => setDone(false), 2000);
  };
  return html`<${Button} small icon=${done ? 'check' : 'clipboard-document'} onClick=${copy} ...${rest}>${done ? t('common.copied') : children || t('common.copy')}</${Button}>`;
}

export function Json({ value, label }) {
  const text = useMemo(() => JSON.stringify(value, null, 2), [value]);
  return html`<div class="code"><header><h3>${label}</h3><${CopyButton} text=${text} /></header><pre dir="ltr" tabindex="0" aria-label=${label}>${coloured(text)}</pre></div>`;
}
// The same for text of any kind.
export const Code = ({ text, label }) => html`<div class="code"><header><h3>${label}</h3><${CopyButton} text=${text} /></header><pre dir="ltr" tabindex="0" aria-label=${label}>${text}</pre></div>`;
