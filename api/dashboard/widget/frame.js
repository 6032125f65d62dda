// Begins the widget's frame. The page that shows us greets when this document has loaded, so the
// listener stands before anything is waited for.
import { effect } from '@preact/signals';
import { html, render } from 'htm/preact';
import { connection } from '../core/live.js';
import { Overlays } from '../ui/overlay.js';
import { openChat } from '../pages/inbox/store_chats.js';
import { follow, load } from './chat.js';
import { about, listen, phase, refreshAbout, shown, tellUnread } from './line.js';
import { View } from './view.js';

listen(() => render(html`<${View} /><${Overlays} />`, document.getElementById('app')));
follow();
let loaded = '';
effect(() => {
  const what = about.value && `${about.value.session}/${about.value.chat}`;
  if (phase.value !== 'ready' || !what || what === loaded) return;
  loaded = what;
  load();
});
effect(() => tellUnread(shown.value ? 0 : Math.max(0, openChat.value?.unread_count || 0)));
// Once the focus is in this frame: whoever went on in the page around it meanwhile keeps it.
const write = () => document.querySelector('.composer textarea')?.focus({ preventScroll: true });
effect(() => {
  removeEventListener('focus', write);
  if (!shown.value) return;
  if (document.hasFocus()) write();
  else addEventListener('focus', write, { once: true });
});
// The account may go and come back without an event of this chat.
const ASK_MS = 30_000;
setInterval(() => {
  const away = !['ready', 'hibernating'].includes(about.value?.session_status);
  if (phase.value === 'ready' && !document.hidden && shown.value && (away || connection.value.state === 'live')) refreshAbout();
}, ASK_MS);
// Links of the dashboard lead nowhere here.
addEventListener('click', (e) => {
  if (e.target.closest?.('a[href^="#"]')) e.preventDefault();
});
