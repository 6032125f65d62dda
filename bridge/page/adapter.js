// The adapter that the bridge injects into every document of WhatsApp Web, after wa-js. Its parts
// are joined in this order into one strict function (embed.cmake, wa_js.c):
//
//   adapter_project.js   models of the page -> plain bounded JSON
//   adapter_content.js   … what a message holds by its type
//   adapter_changes.js   what is told of calls, groups, chats, people
//   adapter_hooks.js     listeners on the page's stores
//   adapter_ops.js       what the bridge may ask for: the table, linking, chats
//   adapter_send.js      … sending, changing and finding messages
//   adapter_media.js     … files of messages, in pieces
//   adapter_history.js   … what came while nobody listened
//   adapter_people.js    … people, chats and groups
//   adapter.js           the line itself: events out, calls in, the life of one document
//
// Events go out through one binding, in batches {v,i,e:[…]}: `i` names this document, so that what
// an older one still had to say can be told apart. Calls come in through window.__wabridge.call().

const ADAPTER_VERSION = '1.0.0';
const BINDING = '__wabridgeEvents';
const BATCH_EVENTS = 500;
const BATCH_CHARS = 128 * 1024;   // at most 3 bytes each: below 512 KiB
const ANSWER_CHARS = 2 * 1024 * 1024;
const EAGER_MS = 50;              // between looks at a page that is not complete yet
const CALM_MS = 2000;
const EAGER_FOR_MS = 120_000;

const born = Date.now();
const instance = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, '0')).join('');

// ---- events out ----

const send = window[BINDING];
let queue = [];
let queued = 0;
let flushing = false;
let lastHeard = born;

function emit(event) {
  const json = JSON.stringify(event);
  if (queue.length >= BATCH_EVENTS || queued + json.length > BATCH_CHARS) flush();
  queue.push(json);
  queued += json.length;
  if (event.k !== 'beat') lastHeard = Date.now();
  if (flushing) return;
  flushing = true;
  queueMicrotask(flush);   // what the same turn of the page still tells goes along
}

function flush() {
  flushing = false;
  if (queue.length === 0) return;
  const batch = `{"v":1,"i":"${instance}","e":[${queue.join(',')}]}`;
  queue = [];
  queued = 0;
  if (typeof send === 'function') send(batch);
}

let hooksHold = false;
let lastState = '';
let lastCode = '';
let lastCapabilities = '';

function tellState() {
  guard(() => {
    const now = state();
    const json = JSON.stringify(now);
    if (json === lastState) return;
    lastState = json;
    emit({ k: 'state', ...now });
    if (!now.auth) tellCode();
  });
}

function tellCode() {
  if (authenticated() || missingOf('qr').length > 0) return;
  authCode().then((code) => {
    if (code === '' || code === lastCode) return;
    lastCode = code;
    const ttl = count(Number(quietly(() => WPP.whatsapp.Conn.refTTL)));
    emit({ k: 'code', code, ttl });
  }, () => {});
}

function tellLogout(reason) {
  emit({ k: 'logout', why: text(reason, 64) });
  flush();   // the page navigates soon
}

function tellCapabilities() {
  const report = capabilities();
  const json = JSON.stringify(report);
  if (json === lastCapabilities) return;
  lastCapabilities = json;
  emit({ k: 'caps', caps: report });
}

// ---- calls in ----

// WPPError with a code, a plain Error, a rejected string or a rejected object: one form.
function refusal(error) {
  if (error instanceof Refusal) return { kind: 'refusal', code: error.code, message: text(error.message, 400) };
  if (typeof error === 'string') return { kind: 'string', code: '', message: text(error, 400) };
  const code = typeof error?.code === 'string' ? text(error.code, 64) : '';
  if (error instanceof Error) return { kind: code ? 'wpp' : 'error', code, message: text(error.message, 400) };
  const message = quietly(() => JSON.stringify(error)) ?? String(error);
  return { kind: 'object', code, message: text(message, 400) };
}

// -> JSON text {ok:true,value} or {ok:false,error}
async function call(op, args) {
  let answer;
  try {
    if (!Object.hasOwn(OPS, op)) throw new Refusal('unknown_op', `the adapter knows no ${text(op, 64)}`);
    answer = { ok: true, value: (await OPS[op](args ?? {})) ?? {} };
  } catch (error) {
    answer = { ok: false, error: refusal(error) };
  }
  const json = JSON.stringify(answer);
  if (json.length <= ANSWER_CHARS) return json;
  return JSON.stringify({ ok: false, error: { kind: 'refusal', code: 'too_large', message: 'the answer is too large' } });
}

// ---- life ----

// wa-js calls itself injected only after the modules have been quiet for 750 ms; it can look them up
// as soon as it has found the page's loader, and a code should not wait for that.
const usable = () => quietly(() => WPP.loader.loaderType !== 'unknown') === true;

// Before that most of what the bridge needs is missing; only the code is worth looking for.
const settled = () => quietly(() => WPP.isInjected) === true;

// One look: hooks that do not hold are tried again, what changed is told. Never stops: a page may
// replace its stores, and a module may come at any time.
function tick() {
  if (!usable()) return;
  if (!settled()) {   // each look-up of a module that is not there yet runs through all that are
    listen(LISTENERS[0]);
    tellState();
    return;
  }
  quietly(() => WPP.whatsapp.MsgKey);   // lets wa-js give keys of newer builds their old names
  const hold = attach();
  if (hold !== hooksHold) {
    hooksHold = hold;
    lastState = '';
  }
  tellState();
  tellCapabilities();
}

function live() {
  quietly(tick);
  const eager = !hooksHold && Date.now() - born < EAGER_FOR_MS;
  setTimeout(live, eager ? EAGER_MS : CALM_MS);
}

Object.defineProperty(window, '__wabridge', { value: Object.freeze({ call, instance }), enumerable: false });
emit({
  k: 'hello',
  adapter: ADAPTER_VERSION,
  wa_js: text(quietly(() => WPP.version), 32),
  url: text(location.origin + location.pathname, 200),
});
flush();
live();
