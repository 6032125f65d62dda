// The widget's line to the page that shows it, and its credential. The page gives tickets and says
// whether the panel is open; it hears how many messages are unread and when a fresh ticket is needed,
// and nothing else. The credential is kept in memory only: a frame that is loaded again asks for
// another ticket.
import { effect, signal } from '@preact/signals';
import { call, get, of } from '../core/api.js';
import { key, me, tenant } from '../core/auth.js';
import { useLanguage, t } from '../core/i18n.js';
import { connect, retryNow } from '../core/live.js';
import { useTheme } from '../core/theme.js';

const PARTS = ['inbox', 'composer', 'contact', 'widget'];   // of the catalogue
const EARLY_MS = 60_000;   // a fresh ticket is asked for so long before the end
const WAIT_MS = 30_000;    // the page has so long to bring one
// alone (in no page) · waiting (for a ticket) · ready · ended (there is no ticket any more) · failed (problem says why)
export const phase = signal('waiting');
export const about = signal(null);     // what the ticket opened: {session, chat, name, phone, can_send …}
export const problem = signal(null);
export const shown = signal(false);    // the panel is open

let port = null, renewal = null, patience = null, asked = false, tried = false;
const tell = (type, detail) => port?.postMessage({ type, ...detail });
export const minimise = () => tell('minimise');
export const tellUnread = (count) => tell('unread', { count, label: count ? t('widget.open_unread', { n: count }) : t('widget.open') });

// The page greets once, before anything else can be said; only who frames us is listened to, and the
// policy of this document says who may. begin: called when it is known how to look.
export function listen(begin) {
  if (parent === self) {
    phase.value = 'alone';
    useLanguage(undefined, { parts: PARTS }).then(begin);
    return;
  }
  addEventListener('message', async (e) => {
    if (e.source !== parent || parent === self || e.data?.wabridge !== 'hello' || !e.ports[0] || port) return;
    port = e.ports[0];
    const { theme, lang } = e.data;
    shown.value = Boolean(e.data.shown);
    useTheme(['light', 'dark'].includes(theme) ? theme : 'system', { store: false });
    await useLanguage(String(lang || '').slice(0, 2).toLowerCase() || undefined, { parts: PARTS });
    port.onmessage = ({ data }) => heard(data);
    begin();
    tell('ready', { title: t('widget.title'), label: t('widget.open') });
  });
}

function heard(data) {
  if (data.type === 'ticket') enter(data.ticket);
  else if (data.type === 'no_ticket') over();
  else if (data.type === 'shown') shown.value = Boolean(data.shown);
}
function over() {
  clearTimeout(patience);
  asked = false;
  if (me.value) return;   // what we have still works
  phase.value = 'ended';
  tell('expired');
}
export function askTicket() {
  if (asked) return;
  asked = true;
  if (!me.value) phase.value = 'waiting';
  patience = setTimeout(over, WAIT_MS);
  tell('ticket');
}

async function enter(ticket) {
  clearTimeout(patience);
  asked = false;
  try {
    const { credential, ...rest } = await call('POST', '/v1/widget/sign-in', { body: { ticket }, open: true });
    const again = about.value?.chat === rest.chat && about.value.session === rest.session;
    key.value = credential;
    tenant.value = rest.tenant;
    me.value = { kind: 'widget', id: rest.chat, name: rest.agent || '', admin: false, scopes: scopesOf(rest) };
    about.value = { ...rest, name: rest.name || about.value?.name || null };
    problem.value = null;
    phase.value = 'ready';
    renew(rest.expires_at);
    if (again) retryNow();
    else connect();
    tried = false;
  } catch (error) {
    problem.value = error;
    if (['ticket_used', 'unknown_ticket'].includes(error.code) && !tried) {
      tried = true;   // a page out of the browser's cache brings a ticket that was used: once more
      askTicket();
    } else if (/^credential_/.test(error.code)) over();
    else if (me.value) renewal = setTimeout(askTicket, WAIT_MS);
    else phase.value = 'failed';
  }
}
const scopesOf = ({ can_send, can_attach }) => ['messages:read', 'events:read', ...(can_send ? ['messages:send'] : []), ...(can_attach ? ['media:write'] : [])];

function renew(at) {
  clearTimeout(renewal);
  const left = Date.parse(at) - Date.now();
  renewal = setTimeout(askTicket, Math.max(left / 2, left - EARLY_MS));
}
// A call was refused: the credential is over, or its key is gone.
effect(() => {
  if (phase.value === 'ready' && !me.value) askTicket();
});

// What the session does now; the rest stays.
export async function refreshAbout() {
  const now = await get(of`/widget/chat`).catch(() => null);
  if (now) about.value = { ...about.value, session_status: now.session_status, name: now.name || about.value.name, phone: now.phone || about.value.phone };
}
