// The file of a message: seen, heard or downloaded, or why it is not here.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { can } from '../../core/auth.js';
import { bytes, duration } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, Icon, Spinner } from '../../ui/controls.js';
import { Dialog, problem } from '../../ui/overlay.js';
import { SaidShort } from '../../ui/said.js';
import { download, linkTo, useMedia } from './media.js';
import { Player } from './player.js';
import { refetchMedia } from './store.js';

const SIGN = { image: 'photo', video: 'video-camera', audio: 'musical-note', voice: 'microphone', document: 'document-text', sticker: 'face-smile' };
export const isFile = (m) => m.type in SIGN && m.media;
export const typeIcon = (type) => SIGN[type] || { location: 'map-pin', contacts: 'user', poll: 'chart-bar', call: 'phone', revoked: 'no-symbol' }[type];

const MOST_WIDE = 320, MOST_HIGH = 340;
// The place is kept before the picture is here, so that nothing jumps.
function size({ width, height }, most = MOST_WIDE) {
  if (!width || !height) return { width: most, height: 200 };
  const scale = Math.min(most / width, MOST_HIGH / height, 1);
  return { width: Math.max(120, Math.round(width * scale)), height: Math.max(60, Math.round(height * scale)) };
}

function Absent({ message }) {
  const { media, type } = message;
  const [busy, setBusy] = useState(false);
  const again = async () => {
    setBusy(true);
    await refetchMedia(message).catch((error) => problem(error, t('inbox.media.refetch_failed')));
    setBusy(false);
  };
  const why = media.state === 'skipped' && media.error?.code === 'quota_exceeded' ? 'quota' : media.state;
  return html`<div class="absent"><span class="disc"><${Icon} name=${SIGN[type]} size=${24} /></span>
    <div><span>${t(`inbox.type.${type}`)}${media.size_bytes ? html` <small>${bytes(media.size_bytes)}</small>` : ''}</span>
    <small>${media.state === 'pending' ? html`<${Spinner} label=${t('inbox.media.pending')} /> ${t('inbox.media.pending')}` : t(`inbox.media.${why}`)}</small>
    ${media.state === 'failed' && media.error?.detail && html`<small><${SaidShort} of=${media.error} /></small>`}</div>
    ${['skipped', 'failed', 'expired'].includes(media.state) && html`<${Button} small icon="arrow-down-tray" busy=${busy} onClick=${again}>${t('inbox.media.fetch')}</${Button}>`}</div>`;
}

function Picture({ message, onOpen }) {
  const { media, type } = message;
  const { src, error } = useMedia(media.local_url ? null : media.url);
  const sticker = type === 'sticker';
  const box = sticker ? { width: 160, height: 160 } : size(media);
  const shown = media.local_url || src;
  const name = sticker ? t('inbox.type.sticker') : message.text ? t('inbox.picture_of', { text: message.text.slice(0, 120) }) : t('inbox.type.image');
  if (error) return html`<div class="absent"><span class="disc"><${Icon} name="photo" size=${24} /></span><div><span>${name}</span><small>${t('inbox.media.broken')}</small></div></div>`;
  const picture = shown ? html`<img src=${shown} alt=${name} width=${box.width} height=${box.height} decoding="async" />` : html`<span class="loading" role="img" aria-label=${name} />`;
  if (sticker) return html`<div class="sticker" style=${{ inlineSize: `${box.width}px`, blockSize: `${box.height}px` }}>${picture}</div>`;
  return html`<button type="button" class="picture" style=${{ inlineSize: `${box.width}px`, aspectRatio: `${box.width} / ${box.height}` }} aria-label=${t('inbox.open_picture', { name })} onClick=${() => shown && onOpen(shown, name)}>${picture}</button>`;
}

function Video({ message }) {
  const { media } = message;
  const [src, setSrc] = useState(media.local_url || null);
  const [busy, setBusy] = useState(false);
  const box = size(media);
  const play = async () => {
    setBusy(true);
    await linkTo(media).then(setSrc, (error) => problem(error, t('inbox.media.broken')));
    setBusy(false);
  };
  if (src) return html`<video class="video" src=${src} width=${box.width} height=${box.height} controls autoplay=${!media.local_url} loop=${media.gif} muted=${media.gif} playsinline preload="metadata" aria-label=${t('inbox.type.video')} />`;
  return html`<button type="button" class="video still" style=${{ inlineSize: `${box.width}px`, aspectRatio: `${box.width} / ${box.height}` }} onClick=${play} aria-busy=${busy} aria-label=${t('inbox.play_video')}>
    <span class="play">${busy ? html`<span class="spinner" aria-hidden="true" />` : html`<${Icon} name="play" size=${28} />`}</span>
    <span class="about"><${Icon} name="video-camera" size=${16} /> ${media.duration_s ? duration(media.duration_s) : media.size_bytes ? bytes(media.size_bytes) : ''}</span></button>`;
}

const kindOf = ({ filename, mimetype }) => (/\.(\w{1,5})$/.exec(filename || '')?.[1] || mimetype?.split('/').pop() || '').toUpperCase().slice(0, 8);
function Document({ message }) {
  const { media } = message;
  const name = media.filename || t('inbox.type.document');
  const act = () => (media.local_url ? null : download(media, media.filename).catch((error) => problem(error, t('inbox.media.broken'))));
  return html`<button type="button" class="document" onClick=${act}>
    <span class="hidden">${t('inbox.download')}</span><span class="disc"><${Icon} name="document-text" size=${26} /></span><span class="label-lines"><span class="name" dir="auto">${name}</span>
    <small>${[kindOf(media), media.size_bytes != null && bytes(media.size_bytes)].filter(Boolean).join(' · ')}</small></span><${Icon} name="arrow-down-tray" /></button>`;
}

export function BubbleMedia({ message, onOpen }) {
  const { media, type } = message;
  const sending = media.state === 'uploading' || message.local;
  if (!sending && media.state !== 'ready') return html`<${Absent} message=${message} />`;
  const part = type === 'image' || type === 'sticker' ? html`<${Picture} message=${message} onOpen=${onOpen} />`
    : type === 'video' ? html`<${Video} message=${message} />`
    : type === 'voice' || type === 'audio' ? html`<${Player} url=${media.url} duration=${media.duration_s} voice=${type === 'voice'} own=${message.direction === 'out'} />`
    : html`<${Document} message=${message} />`;
  return sending && message.status === 'sending' ? html`<div class="uploading">${part}<span class="veil-up">${media.progress ? html`<progress max="1" value=${media.progress} aria-label=${t('inbox.uploading')} />` : html`<${Spinner} label=${t('inbox.uploading')} />`}</span></div>` : part;
}

// One picture, as big as the window.
export function Lightbox({ picture, onClose }) {
  const save = () => {
    const a = document.createElement('a');
    a.href = picture.src;
    a.download = picture.filename || 'image';
    a.click();
  };
  return html`<${Dialog} wide title=${picture.name} onClose=${onClose} acts=${can('messages:read') && html`<${Button} icon="arrow-down-tray" onClick=${save}>${t('inbox.save_picture')}</${Button}>`}>
    <img class="lightbox" src=${picture.src} alt=${picture.name} /></${Dialog}>`;
}
