// The sessions of the tenant, and one of them, kept up to date: a session.status event is the session
// object itself, as is session.created; session.qr tells of a new code; what no event tells (memory,
// backlog) is asked for now and then.
import { useEffect, useRef, useState } from 'preact/hooks';
import { all, get, of } from '../../core/api.js';
import { tenant } from '../../core/auth.js';
import { connection } from '../../core/live.js';
import { useEvents, useInterval, useLoad } from '../../core/load.js';

const AGAIN_MS = 15_000;
const OFTEN_MS = 2000;
const LIVE = ['session.created', 'session.status', 'session.qr', 'session.deleted', 'gap', 'reconnected'];

// What an event makes of a session; the events' own members stay out of it.
function changed(session, { type, data }) {
  if (type === 'session.qr') return { ...session, qr: { attempt: data.attempt, max_attempts: data.max_attempts, expires_at: data.expires_at } };
  const { previous, ...now } = data;
  return { ...session, ...now };
}

// Why it has its status, as ui/said.js wants it.
export const whyOf = (s) => ({ code: s.reason_code, detail: s.status_reason });

// branch-9 comes before branch-10
const names = new Intl.Collator('en', { numeric: true });
const sorted = (items) => items.sort((a, b) => names.compare(a.id, b.id));

// Of what is read again the sessions that did not change stay the same objects: only the others are drawn anew.
function keeper() {
  let before = new Map();
  return (items) => {
    const now = new Map(items.map((s) => [s.id, { session: s, text: JSON.stringify(s) }]));
    for (const [id, entry] of now) {
      if (before.get(id)?.text === entry.text) entry.session = before.get(id).session;
    }
    before = now;
    return [...now.values()].map((entry) => entry.session);
  };
}

export function useSessions() {
  const [kept] = useState(keeper);
  const list = useLoad((signal) => all(of`/sessions`, {}, { signal }).then(sorted).then(kept), [tenant.value]);
  useEvents(LIVE, (event) => {
    if (event.type === 'session.qr') return;   // the list shows no codes
    if (!event.session) return void list.reload();
    if (event.type === 'session.deleted') return void list.set((items) => items?.filter((s) => s.id !== event.session));
    list.set((items) => items && (items.some((s) => s.id === event.session)
      ? items.map((s) => (s.id === event.session ? changed(s, event) : s))
      : sorted([...items, changed({}, event)])));
  }, [list.reload]);
  useInterval(list.reload, AGAIN_MS, [list.reload]);
  return list;
}

// What useLoad gives, and take(work): does it and shows the session that it answers. Where an event told
// of the session meanwhile the answer may be older than that: then the server is asked.
// often: what a person waits for, when events do not tell it (a key without events:read, a lost connection).
export function useSession(name, { often = false } = {}) {
  const one = useLoad((signal) => get(of`/sessions/${name}`, {}, { signal }), [tenant.value, name]);
  const told = useRef(0);
  useEvents(LIVE, (event) => {
    if (event.session && event.session !== name) return;
    told.current++;
    if (!event.session) one.reload();
    else if (event.type === 'session.deleted' || event.type === 'session.created') one.reload();   // gone, or here again
    else one.set((s) => s && changed(s, event));
  }, [one.reload, name]);
  useInterval(one.reload, often && connection.value.state !== 'live' ? OFTEN_MS : AGAIN_MS, [one.reload]);
  const take = async (work) => {
    const before = told.current;
    const answer = await work();
    if (told.current === before) one.set(answer);
    else one.reload();
  };
  return { ...one, take };
}

// Is the dialog that asked still there when the answer comes?
export function useHere() {
  const here = useRef(true);
  useEffect(() => () => (here.current = false), []);
  return here;
}

export const isGone = (one) => one.error?.code === 'unknown_session';

export const isLinked = (s) => Boolean(s.account) && s.status !== 'logged_out';
export const accountName = (s) => s.account?.push_name || '';
