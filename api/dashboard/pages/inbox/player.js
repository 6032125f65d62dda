// A voice message or a sound: play, seek (by keys too), speed. One plays at a time.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { number, playTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Icon } from '../../ui/controls.js';
import { useMedia } from './media.js';

const SPEEDS = [1, 1.5, 2];
let playing = null;

export function Player({ url, duration = 0, voice, own }) {
  const [wanted, want] = useState(false);
  const [now, setNow] = useState({ at: 0, on: false, speed: 1, length: duration || 0 });
  const audio = useRef(null);
  const { src, error } = useMedia(url, wanted);
  const set = (change) => setNow((s) => ({ ...s, ...change }));
  useEffect(() => {
    if (src && wanted && now.on) start();
  }, [src]);
  useEffect(() => () => playing === audio.current && (playing = null), []);
  function start() {
    if (playing && playing !== audio.current) playing.pause();
    playing = audio.current;
    audio.current.playbackRate = now.speed;
    audio.current.play().catch(() => set({ on: false }));
  }
  const toggle = () => {
    if (now.on) {
      audio.current.pause();
      set({ on: false });
    } else {
      want(true);
      set({ on: true });
      if (src) start();
    }
  };
  const seek = (e) => {
    const at = Number(e.currentTarget.value);
    want(true);
    set({ at });
    if (audio.current) audio.current.currentTime = at;
  };
  const faster = () => {
    const speed = SPEEDS[(SPEEDS.indexOf(now.speed) + 1) % SPEEDS.length];
    set({ speed });
    audio.current.playbackRate = speed;
  };
  const length = now.length || duration || 0;
  return html`<div class=${`player ${own ? 'own' : ''}`}>
    <button type="button" class="play" aria-label=${t(now.on ? 'inbox.pause' : voice ? 'inbox.play_voice' : 'inbox.play_audio')} onClick=${toggle} aria-busy=${now.on && !src && !error}>
      ${now.on && !src && !error ? html`<span class="spinner" aria-hidden="true" />` : html`<${Icon} name=${now.on ? 'pause' : 'play'} size=${20} />`}</button>
    <div class="track"><input type="range" min="0" max=${Math.max(length, 0.1)} step="0.1" value=${now.at} aria-label=${t('inbox.position')} aria-valuetext=${`${playTime(now.at)} / ${playTime(length)}`} onInput=${seek} dir="ltr" />
      <span class="clock" dir="ltr">${playTime(now.at > 0 ? now.at : length)}</span></div>
    <button type="button" class="speed" onClick=${faster}><span class="hidden">${t('inbox.speed')} </span>${number(now.speed)}×</button>
    ${error && html`<p class="media-note" role="alert">${t('inbox.media.broken')}</p>`}
    <audio ref=${audio} src=${src || undefined} preload="metadata" onTimeUpdate=${(e) => set({ at: e.currentTarget.currentTime })} onEnded=${() => set({ on: false, at: 0 })} onPause=${() => set({ on: false })}
      onLoadedMetadata=${(e) => Number.isFinite(e.currentTarget.duration) && set({ length: e.currentTarget.duration })} /></div>`;
}
