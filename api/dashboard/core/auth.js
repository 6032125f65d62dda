// Who uses this tab. The key lives in sessionStorage: it goes with the tab, and no other page of the
// browser can read it. Nothing here is a cookie, so no foreign page can make the browser act.
import { computed, signal } from '@preact/signals';

const KEY = 'wabridge.key';
const TENANT = 'wabridge.tenant';
const WHO = 'wabridge.who';   // whose chats and drafts this tab holds
// The frame of the widget may be refused all storage: then nothing is kept.
function kept(act) {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}
export const key = signal(kept((s) => s.getItem(KEY)) || '');
export const me = signal(null);        // GET /v1/me
export const tenants = signal([]);     // ids that the menu offers; one for a tenant's key
export const tenant = signal('');
export const signedIn = computed(() => Boolean(key.value && me.value));
export const arrived = signal(false);  // the sign-in page was here before: no reload of a page
export const refusal = signal(null);   // why the sign-in page is shown again

export function chooseTenant(id) {
  tenant.value = id;
  kept((s) => s.setItem(TENANT, id));
}

// May this key do what the scope names? An admin key may do everything.
export function can(scope) {
  const who = me.value;
  return Boolean(who && (who.admin || who.scopes.includes('*') || who.scopes.includes(scope)));
}
export const isAdmin = () => Boolean(me.value?.admin);

async function ask(path, options = {}) {
  const { call } = await import('./api.js');
  return call(options.method || 'GET', path, options);
}

// What the tab holds of one person, in its storage and in the memory of every module, is not for the
// next one: the page begins afresh.
function beginAfresh(keep = {}) {
  kept((s) => {
    for (const name of Object.keys(s)) if (name.startsWith('wabridge.')) s.removeItem(name);
    for (const [name, value] of Object.entries(keep)) s.setItem(name, value);
  });
  if (!keep[KEY]) history.replaceState(null, '', location.pathname);   // else he goes on at this address
  location.reload();
  return new Promise(() => {});
}

// Signs in with what sessionStorage or a person gave. Throws the Problem.
export async function signIn(text) {
  key.value = text.trim();
  try {
    const who = await ask('/v1/me');
    const last = kept((s) => s.getItem(WHO));
    if (last && last !== who.id) return await beginAfresh({ [KEY]: key.value, [WHO]: who.id });
    let names = [who.tenant];
    if (who.admin) names = (await (await import('./api.js')).all('/v1/tenants')).map((t) => t.id);
    tenants.value = names.filter(Boolean);
    const before = kept((s) => s.getItem(TENANT));
    chooseTenant(tenants.value.includes(before) ? before : tenants.value[0] || '');
    kept((s) => s.setItem(KEY, key.value));
    kept((s) => s.setItem(WHO, who.id));
    refusal.value = null;
    me.value = who;
  } catch (error) {
    // a daemon that begins, or is too busy, has not said that the key is bad: the tab keeps what it had
    forget({ storage: error.status === 401 });
    throw error;
  }
}
// What the tab holds from before, for another attempt.
export const savedKey = () => kept((s) => s.getItem(KEY)) || '';

// A one-time ticket of a link: exchanged for a key of its own.
export async function signInByTicket(ticket) {
  const answer = await ask('/v1/sign-in', { method: 'POST', body: { ticket }, open: true });
  kept((s) => s.setItem(KEY, answer.key));   // the ticket is used up: what it gave must outlive a lost connection
  await signIn(answer.key);
}

// The same person with a new secret, which must outlive a lost connection.
export function goOn(text) {
  key.value = text;
  kept((s) => s.setItem(KEY, text));
}

function forget({ storage = true } = {}) {
  if (storage) kept((s) => s.removeItem(KEY));
  key.value = '';
  me.value = null;
}

// While the tab changes its key, or gives it up, what the old one is refused says nothing.
let changing = 0;
export async function whileChanging(act) {
  changing++;
  try {
    return await act();
  } finally {
    changing--;
  }
}
// Is a refusal of this key one of who sits here?
export const isOurs = (used) => !changing && used === key.value;

export async function signOut() {
  if (me.value?.kind === 'sign_in') await whileChanging(() => ask('/v1/me', { method: 'DELETE' })).catch(() => {});
  await beginAfresh();
}

// The key stopped working (deleted, expired): back to the sign-in page, which says why.
export function onRefused(problem, used) {
  if (!me.value || !isOurs(used)) return;
  refusal.value = problem;
  forget();
}
