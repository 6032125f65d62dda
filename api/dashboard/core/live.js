// The tenant's events, live. EventSource cannot send a key, so each connection takes a ticket (30 s,
// once). After a drop it begins again behind the last event that was seen, so nothing is missed; when
// the log no longer reaches back that far, listeners get {type: 'gap'} and load their lists again.
// While the tab is hidden it sleeps.
import { signal } from '@preact/signals';
import { of, post } from './api.js';
import { can, isOurs, key, signedIn, tenant } from './auth.js';
import { EVENT_TYPES } from './events.js';

const BACKOFF_MS = [500, 1000, 2000, 5000, 10_000, 20_000];
const HIDDEN_MS = 60_000;   // a glance at another tab does not cost the connection
export const awake = signal(false);   // somebody wants to hear of messages also while the tab is hidden
// off · connecting · live · waiting (tries again by itself) · asleep · refused
export const connection = signal({ state: 'off', since: Date.now() });

const listeners = new Set();
let source = null, timer = null, sleeper = null, attempt = 0, last = 0, generation = 0;

// on(['message.*', 'gap'], (event) => …): returns what ends it. event: {type, seq, session, data, …}
export function on(types, listener) {
  const entry = { types, listener };
  listeners.add(entry);
  return () => listeners.delete(entry);
}
const wants = (types, type) => types.some((t) => t === type || t === '*' || (t.endsWith('.*') && type.startsWith(t.slice(0, -1))));
function tell(event) {
  for (const { types, listener } of [...listeners]) {
    if (wants(types, event.type)) listener(event);
  }
}
const say = (state) => {
  if (connection.value.state !== state) connection.value = { state, since: Date.now() };
};

function drop() {
  clearTimeout(timer);
  source?.close();
  source = timer = null;
  generation++;
}
function later() {
  drop();
  say('waiting');
  const wait = BACKOFF_MS[Math.min(attempt++, BACKOFF_MS.length - 1)];
  timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
}

async function open() {
  drop();
  if (!signedIn.value || !tenant.value || !can('events:read')) return say('off');
  if (document.hidden && !awake.value && attempt === 0 && last > 0) return say('asleep');
  const mine = generation, used = key.value;
  say(attempt ? 'waiting' : 'connecting');
  try {
    const { ticket } = await post(of`/events/tickets`);
    if (mine !== generation) return;
    listen(`${of`/events`}?ticket=${encodeURIComponent(ticket)}${last ? `&after=${last}` : ''}`);
  } catch (error) {
    if (mine !== generation) return;
    if (error.status === 403 || (error.status === 401 && isOurs(used))) return say('refused');
    later();
  }
}

function listen(url) {
  const mine = (source = new EventSource(url));
  const take = (message) => {
    if (mine !== source) return;
    if (message.lastEventId) last = Number(message.lastEventId);
    try {
      tell(JSON.parse(message.data));
    } catch (error) {
      console.error('an event could not be used', error);   // the next ones still can
    }
  };
  for (const type of EVENT_TYPES) mine.addEventListener(type, take);
  mine.addEventListener('hello', (message) => {
    if (mine === source && message.lastEventId) last ||= Number(message.lastEventId);
  });
  mine.addEventListener('gap', (message) => {
    if (mine !== source) return;
    if (message.lastEventId) last = Number(message.lastEventId);
    tell({ type: 'gap' });
  });
  mine.onopen = () => {
    if (mine !== source) return;
    const again = attempt > 0;
    attempt = 0;
    say('live');
    tell({ type: again ? 'reconnected' : 'connected' });
  };
  // A ticket works once, so that EventSource's own attempts would all be refused.
  mine.onerror = () => mine === source && later();
}

// Begins (again) for the tenant that is chosen.
export function connect() {
  attempt = 0;
  last = 0;
  open();
}
export function retryNow() {
  attempt = Math.max(attempt, 1);
  open();
}
export function disconnect() {
  drop();
  say('off');
}

document.addEventListener('visibilitychange', () => {
  clearTimeout(sleeper);
  if (document.hidden) {
    sleeper = setTimeout(() => {
      if (!source || awake.value) return;
      drop();
      attempt = 0;
      say('asleep');
    }, HIDDEN_MS);
  } else if (connection.value.state === 'asleep' || connection.value.state === 'waiting') retryNow();
});
addEventListener('online', () => connection.value.state === 'waiting' && retryNow());
