// Files of messages. Pictures and voices are fetched with the key and kept as object URLs, a bounded
// number of them; what is long (videos, documents) gets a link for a short time, so that the browser
// can stream it.
import { useEffect, useState } from 'preact/hooks';
import { call, of, post } from '../../core/api.js';

const MOST_BYTES = 64 * 1024 * 1024, MOST = 150;
const kept = new Map();   // url → {promise, src, size, users}; the last used at the end
let total = 0;

function trim() {
  for (const [url, entry] of kept) {
    if (total <= MOST_BYTES && kept.size <= MOST) return;
    if (entry.users > 0 || !entry.src) continue;
    URL.revokeObjectURL(entry.src);
    total -= entry.size;
    kept.delete(url);
  }
}

function take(url) {
  let entry = kept.get(url);
  if (entry) kept.delete(url);
  else {
    entry = { users: 0, src: null, size: 0 };
    entry.promise = call('GET', url, { as: 'blob' }).then((blob) => {
      entry.src = URL.createObjectURL(blob);
      entry.size = blob.size;
      total += blob.size;
      return entry.src;
    });
    entry.promise.catch(() => kept.get(url) === entry && kept.delete(url));
  }
  entry.users++;
  kept.set(url, entry);
  return entry;
}
function give(entry) {
  entry.users--;
  trim();
}

// {src, error}: src is there at once when it is known. Nothing is fetched without `wanted`.
export function useMedia(url, wanted = true) {
  const [state, set] = useState(() => ({ src: kept.get(url)?.src || null, error: null }));
  useEffect(() => {
    if (!url || !wanted) return undefined;
    const entry = take(url);
    let here = true;
    if (entry.src) set({ src: entry.src, error: null });
    else entry.promise.then((src) => here && set({ src, error: null }), (error) => here && set({ src: null, error }));
    return () => {
      here = false;
      give(entry);
    };
  }, [url, wanted]);
  return state;
}

// An address that works without the key for an hour.
export async function linkTo(media) {
  const { url } = await post(of`/media/${media.sha256}/link`, { ttl_s: 3600 });
  return url;
}
export async function download(media, filename) {
  const a = document.createElement('a');
  const url = new URL(await linkTo(media), location.href);
  if (filename) url.searchParams.set('filename', filename);
  a.href = url.href;
  a.download = filename || '';
  a.click();
}
