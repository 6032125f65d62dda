// The connection to the far end: events come down one stream, operations go up as requests. The
// stream is opened again, for ever, until stop().

const RETRY_MS = 250;
const EVENTS = ['ref', 'refs_over', 'paired', 'hello', 'event', 'offline_done', 'sent', 'live', 'removed', 'conflict'];

const instance = crypto.randomUUID();
let token = '';
let source = null;
let retry = null;
let handlers = {};

export async function post(path, body) {
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}

export const register = (keys) => post('/sim/register', { inst: instance, ...keys });
export const operation = (op, args = {}) => post('/sim/op', { inst: instance, op, ...args });

// table: one function for each event, and `down` for a lost stream.
export function listen(table) {
  handlers = table;
}

export function connect(device = token) {
  stop();
  token = device;
  const query = new URLSearchParams({ inst: instance, device: token });
  const opened = new EventSource(`/sim/stream?${query}`);
  source = opened;
  opened.onerror = () => {
    if (source !== opened) return;
    stop();
    retry = setTimeout(connect, RETRY_MS);
    handlers.down();
  };
  for (const name of EVENTS) {
    opened.addEventListener(name, (event) => handlers[name](JSON.parse(event.data)));
  }
}

export function stop() {
  clearTimeout(retry);
  source?.close();
  source = null;
}
