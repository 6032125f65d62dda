// Loading what a page shows: const list = useLoad(() => get(of`/sessions`), [tenant.value]);
// list: {data, error, loading, reload(), set(data)}. Old data stays while new data is on its way.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { on } from './live.js';

// One load at a time: a reload, or a change by set(), while one is on its way is followed by another, for
// that answer may be older. A slow server is thus waited for, however often somebody asks.
const STUCK_MS = 30_000;   // what takes longer is given up for the next
const NOTHING = { data: undefined, error: null, loading: true };
export function useLoad(load, inputs = []) {
  const [state, setState] = useState({});   // of: by which reload
  const latest = useRef(null);    // the load on its way: {aborter, since, again, done}
  const current = useRef(null);   // the reload of these inputs: a late call of an older one does nothing
  const reload = useCallback(function self() {
    if (current.current !== self) return Promise.resolve();
    const now = latest.current;
    if (now && Date.now() - now.since < STUCK_MS) {
      now.again = true;
      return now.done;
    }
    now?.aborter.abort();
    const mine = (latest.current = {});
    const rounds = async () => {
      do {
        Object.assign(mine, { aborter: new AbortController(), since: Date.now(), again: false });
        setState((s) => ({ ...s, loading: true }));
        const change = await load(mine.aborter.signal).then((data) => ({ data, error: null }), (error) => (error.name === 'AbortError' ? {} : { error }));
        if (mine !== latest.current) return;
        setState((s) => ({ ...s, ...change, loading: mine.again }));
      } while (mine.again);
      latest.current = null;
    };
    return (mine.done = rounds());
  }, inputs);
  useEffect(() => {
    current.current = reload;
    setState({ ...NOTHING, of: reload });
    reload();
    return () => {
      latest.current?.aborter.abort();
      latest.current = current.current = null;
    };
  }, [reload]);
  const set = useCallback((change) => {
    if (latest.current) latest.current.again = true;
    setState((s) => ({ ...s, data: typeof change === 'function' ? change(s.data) : change }));
  }, []);
  return { ...(state.of === reload ? state : NOTHING), reload, set };
}

// A list that comes page by page: load({cursor, signal}) answers {items, next_cursor, …}. A page that a
// filter left thin is filled from the next ones. Gives what useLoad gives, and more(), adding.
export function usePages(load, inputs = [], { atLeast = 20 } = {}) {
  const fill = async (cursor, signal) => {
    const items = [];
    let page;
    for (let n = 0; n < 20; n++) {
      page = await load({ cursor, signal });
      items.push(...page.items);
      cursor = page.next_cursor;
      if (!cursor || items.length >= atLeast) break;
    }
    return { ...page, items };
  };
  const state = useLoad((signal) => fill(undefined, signal), inputs);
  const [adding, setAdding] = useState(false);
  const more = async () => {
    const before = state.data;
    setAdding(true);
    try {
      const page = await fill(before.next_cursor);
      state.set((now) => (now === before ? { ...page, items: [...now.items, ...page.items] } : now));
    } finally {
      setAdding(false);
    }
  };
  return { ...state, more, adding };
}

// Calls listener for each such event while the component is there.
export function useEvents(types, listener, inputs = []) {
  useEffect(() => on(types, listener), inputs);
}

// Calls act once things have been quiet for `ms`, and at least every 5 × ms.
export function throttled(act, ms = 400) {
  let timer = null, first = 0;
  const run = () => {
    timer = null;
    first = 0;
    act();
  };
  const call = () => {
    const now = Date.now();
    first ||= now;
    clearTimeout(timer);
    timer = setTimeout(run, Math.min(ms, Math.max(0, first + 5 * ms - now)));
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}

// Every `ms` while the tab is seen.
export function useInterval(act, ms, inputs = []) {
  useEffect(() => {
    const timer = setInterval(() => document.hidden || act(), ms);
    return () => clearInterval(timer);
  }, [ms, ...inputs]);
}
