// The list of chats.
import { html } from 'htm/preact';
import { href } from '../../core/router.js';
import { chatName, keyOf } from './names.js';
import { chats } from './store.js';

export function ChatList({ query }) {
  return html`<section class="chat-list"><ul>${chats.value.map((chat) => html`<li key=${keyOf(chat.session, chat.id)}><a href=${href('inbox', [chat.session, chat.id], query)} dir="auto">${chatName(chat)}</a></li>`)}</ul></section>`;
}
