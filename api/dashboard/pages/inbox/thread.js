// The open conversation.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { t } from '../../core/i18n.js';
import { Composer } from './composer.js';
import { messages } from './store.js';

export function Thread({ session, chat }) {
  const [replyTo, setReplyTo] = useState(null);
  return html`<section class="thread" aria-label=${t('inbox.thread')}><ol>${messages.value.map((m) => html`<li key=${m.id} dir="auto" onDblClick=${() => setReplyTo(m)}>${m.text}</li>`)}</ol>
    <${Composer} session=${session} chat=${chat} replyTo=${replyTo} onCancelReply=${() => setReplyTo(null)} /></section>`;
}
