// Files on their way to be sent: which kind each is, what WhatsApp takes of it, and the tray that
// shows them before they go.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { bytes } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Icon, IconButton } from '../../ui/controls.js';
import { toast } from '../../ui/overlay.js';

const MIB = 1 << 20;
export const FILES_MOST = 10;
export const CAPTION_MOST = 1024;
// What goes as a picture, a film or a sound, and how big it may be; all else goes as a document.
const KINDS = {
  image: { types: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'], most: 16 * MIB },
  video: { types: ['video/mp4', 'video/3gpp', 'video/quicktime', 'video/webm'], most: 100 * MIB },
  audio: { types: ['audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/aac', 'audio/amr', 'audio/wav', 'audio/x-wav', 'audio/webm', 'audio/x-m4a'], most: 16 * MIB },
  document: { types: [], most: 100 * MIB },
};
const ICONS = { image: 'photo', video: 'film', audio: 'musical-note', document: 'document' };
export const captioned = (kind) => kind !== 'audio';

export function kindOf(file) {
  const type = file.type.split(';')[0];
  return Object.keys(KINDS).find((kind) => KINDS[kind].types.includes(type) && file.size <= KINDS[kind].most) || 'document';
}

let count = 0;
// Of what a person chose, pasted or dropped: the parts that can go; the others are told why not.
export function take(files, already, { as } = {}) {
  const parts = [];
  for (const file of files) {
    if (already + parts.length >= FILES_MOST) {
      toast(t('composer.too_many', { n: FILES_MOST }), { tone: 'bad' });
      break;
    }
    if (file.size === 0) toast(t('composer.file_empty', { name: file.name }), { tone: 'bad' });
    else if (file.size > KINDS.document.most) toast(t('composer.file_too_big', { name: file.name, most: bytes(KINDS.document.most) }), { tone: 'bad' });
    else parts.push({ id: ++count, file, kind: as || kindOf(file), may: kindOf(file), caption: '' });
  }
  return parts;
}

function Preview({ part }) {
  const [url, setUrl] = useState('');
  useEffect(() => {
    if (part.kind !== 'image' && part.kind !== 'video') return undefined;
    const made = URL.createObjectURL(part.file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [part.file, part.kind]);
  if (url && part.kind === 'image') return html`<img src=${url} alt="" />`;
  if (url && part.kind === 'video') return html`<video src=${url} muted preload="metadata" aria-hidden="true" tabindex="-1" />`;
  return html`<span class="attach-sign"><${Icon} name=${ICONS[part.kind]} size=${28} /></span>`;
}

// onChange(id, change), onRemove(id). One file alone gets its caption from the composer's own field.
export function Tray({ parts, onChange, onRemove }) {
  if (parts.length === 0) return null;
  return html`<ul class="attach-tray" aria-label=${t('composer.files', { n: parts.length })}>${parts.map((part) => html`<li key=${part.id} class="attach">
    <${Preview} part=${part} />
    <div class="attach-about"><strong dir="auto" title=${part.file.name}>${part.file.name || t(`composer.kind.${part.kind}`)}</strong>
      <span class="muted">${t(`composer.kind.${part.kind}`)} · ${bytes(part.file.size)}</span>
      ${part.may !== 'document' && html`<label class="check small"><input type="checkbox" checked=${part.kind === 'document'} onChange=${(e) => onChange(part.id, { kind: e.currentTarget.checked ? 'document' : part.may })} /><span>${t('composer.as_document')}</span></label>`}
      ${parts.length > 1 && captioned(part.kind) && html`<input type="text" dir="auto" maxlength=${CAPTION_MOST} value=${part.caption} aria-label=${t('composer.caption_of', { name: part.file.name })} placeholder=${t('composer.caption')} onInput=${(e) => onChange(part.id, { caption: e.currentTarget.value })} />`}</div>
    <${IconButton} icon="x-mark" size=${18} label=${t('composer.remove', { name: part.file.name })} onClick=${() => onRemove(part.id)} /></li>`)}</ul>`;
}

// While files are held above the page: what happens when they are let go.
export function DropZone({ onFiles }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const has = (e) => [...(e.dataTransfer?.types || [])].includes('Files');
    const on = {
      dragenter: (e) => has(e) && (e.preventDefault(), depth++, setOver(true)),
      dragover: (e) => has(e) && e.preventDefault(),
      dragleave: (e) => has(e) && --depth <= 0 && ((depth = 0), setOver(false)),
      drop: (e) => {
        if (!has(e)) return;
        e.preventDefault();
        depth = 0;
        setOver(false);
        onFiles([...e.dataTransfer.files]);
      },
    };
    for (const [name, act] of Object.entries(on)) document.addEventListener(name, act);
    return () => {
      for (const [name, act] of Object.entries(on)) document.removeEventListener(name, act);
    };
  }, [onFiles]);
  return over && html`<div class="drop-zone" aria-hidden="true"><div><${Icon} name="cloud-arrow-up" size=${40} /><strong>${t('composer.drop')}</strong></div></div>`;
}
