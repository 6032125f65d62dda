// The visible page: plain, but a screenshot tells what state the session is in.

import { account } from './account.js';
import { Conn, qrText, Socket, Stream } from './session.js';
import { Chats, Messages } from './stores.js';

const SHOWN_CHATS = 12;
const TEXTS = {
  UNPAIRED_IDLE: 'The code has expired. Refresh to get a new one.',
  PAIRING: 'Linking…',
  CONFLICT: 'WhatsApp is open in another window. Take over to use it here.',
  OPENING: 'Connecting…',
};

let scheduled = false;

export function startScreen() {
  for (const source of [Socket, Stream, Conn, Chats, Messages]) source.on('all', schedule);
  draw();
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

function draw() {
  const showsCode = Socket.state === 'UNPAIRED';
  document.getElementById('status').textContent = status();
  document.getElementById('code').textContent = showsCode ? qrText() : '';
  document.getElementById('chats').replaceChildren(...(account.me ? chatLines() : []));
}

function status() {
  if (Socket.state === 'UNPAIRED') return 'Scan this code with your phone to link a device.';
  if (TEXTS[Socket.state]) return TEXTS[Socket.state];
  const who = account.me ? `${account.me.name} (+${account.me.phone})` : 'nobody';
  return Stream.mode === 'MAIN' ? `Linked as ${who}` : `Synchronising ${who}…`;
}

function chatLines() {
  return Chats.slice(0, SHOWN_CHATS).map((chat) => {
    const line = document.createElement('li');
    const last = chat.msgs.last();
    const said = last ? `${last.id.fromMe ? '→' : '←'} ${last.body ?? last.caption ?? last.type}` : '';
    line.textContent = `${chat.formattedTitle}: ${said}`;
    return line;
  });
}
