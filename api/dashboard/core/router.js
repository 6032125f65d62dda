// Where we are: #/page/part/part?name=value. The hash, so that one file serves every page.
import { signal } from '@preact/signals';

// A % that begins no letter stands for itself: somebody typed the address, or cut it short.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
function read() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').filter(Boolean).map(decoded);
  return { page: parts[0] || '', parts: parts.slice(1), query: Object.fromEntries(new URLSearchParams(query)) };
}
export const route = signal(read());
addEventListener('hashchange', () => (route.value = read()));

// href('inbox', ['main', chat], {filter: 'open'})
export function href(page, parts = [], query = {}) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') words.set(name, value);
  }
  const path = [page, ...parts].map(encodeURIComponent).join('/');
  return `#/${path}${words.size ? `?${words}` : ''}`;
}

export function go(page, parts, query, { replace = false } = {}) {
  const where = href(page, parts, query);
  if (!replace) location.hash = where;
  else {
    history.replaceState(null, '', where);
    route.value = read();
  }
}
// The address without what stood behind the #, as if it never had; no entry in the history.
export function clearAddress() {
  history.replaceState(null, '', location.pathname);
  route.value = read();
}
// Changes only the query of the page we are on; no entry in the history.
export function setQuery(changes) {
  const { page, parts, query } = read();   // newer than the route, after a link
  go(page, parts, { ...query, ...changes }, { replace: true });
}
