// New messages when nobody looks: a sound, a notification of the desktop, a number in the title.
// Both are off until somebody asks for them, and are kept for this browser.
import { effect, signal } from '@preact/signals';
import { can } from './auth.js';
import { t } from './i18n.js';
import { awake, on } from './live.js';
import { go } from './router.js';

const STORED = 'wabridge.notify';
const SOUND_GAP_MS = 3000;   // a burst of messages is one sound
function read() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) || {};
  } catch {
    return {};
  }
}
export const wishes = signal({ sound: false, desktop: false, ...read() });
export const unseen = signal(0);   // messages that came while the tab was hidden
export const waiting = signal(0);   // chats that are unread, as the inbox knows while it is open
export const canDesktop = () => 'Notification' in globalThis && isSecureContext;

function wish(changes) {
  wishes.value = { ...wishes.value, ...changes };
  localStorage.setItem(STORED, JSON.stringify(wishes.value));
}

// To be called by a click: the browser asks only then. False when the browser says no.
export async function wantDesktop(yes) {
  if (yes && (!canDesktop() || (await Notification.requestPermission()) !== 'granted')) {
    wish({ desktop: false });
    return false;
  }
  wish({ desktop: yes });
  return true;
}
export function wantSound(yes) {
  wish({ sound: yes });
  if (yes) ring(true);
}

let audio = null, rung = 0;
// Two soft tones, made here: no file to fetch.
function ring(always = false) {
  if (!always && Date.now() - rung < SOUND_GAP_MS) return;
  if (!always) rung = Date.now();
  audio ??= new AudioContext();
  audio.resume();
  [[660, 0], [880, 0.12]].forEach(([frequency, at]) => {
    const tone = audio.createOscillator(), loudness = audio.createGain();
    const start = audio.currentTime + at;
    tone.frequency.value = frequency;
    loudness.gain.setValueAtTime(0.0001, start);
    loudness.gain.exponentialRampToValueAtTime(0.15, start + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
    tone.connect(loudness).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.35);
  });
}

// A lock screen shows it to anybody: who wrote, not what.
function show({ session, data }) {
  const chat = data.chat?.id ?? data.chat;
  const note = new Notification(data.from?.name || data.from?.phone || t('notify.someone'), { body: t('notify.wrote', { session }), tag: `${session}/${chat}` });
  note.onclick = () => {
    focus();
    go('inbox', [session, chat].filter(Boolean));
    note.close();
  };
}

// Begins to listen; returns what ends it.
export function listen() {
  const seen = () => document.hidden || (unseen.value = 0);
  document.addEventListener('visibilitychange', seen);
  const ends = [
    effect(() => (awake.value = wishes.value.sound || wishes.value.desktop)),
    on(['message.received'], (event) => {
      if (event.data?.backfill || !can('messages:read')) return;
      if (document.hidden) unseen.value++;
      if (wishes.value.sound && (document.hidden || !document.hasFocus())) ring();
      if (wishes.value.desktop && document.hidden && canDesktop() && Notification.permission === 'granted') show(event);
    }),
    () => document.removeEventListener('visibilitychange', seen),
  ];
  return () => ends.forEach((end) => end());
}
