// Part of the injected adapter: what the bridge may ask of the page. Each operation takes plain
// arguments and gives plain JSON; call() in adapter.js turns whatever is thrown into one form.

class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// ---- capabilities: each page function that the bridge needs, by what depends on it ----

const NEEDS = {
  link_state: [
    'conn.isAuthenticated', 'whatsapp.Socket.on', 'whatsapp.Stream.on', 'whatsapp.Cmd.on', 'whatsapp.Conn.on',
  ],
  qr: ['conn.getAuthCode', 'conn.refreshQR'],
  pairing_code: [
    'conn.genLinkDeviceCodeForPhoneNumber', 'whatsapp.functions.genLinkDeviceCodeForPhoneNumber',
    'whatsapp.functions.initializeAltDeviceLinking',
  ],
  takeover: ['whatsapp.Socket.takeover'],
  logout: ['conn.logout', 'whatsapp.Socket.logout'],
  identity: ['conn.getMyUserId', 'whatsapp.lidPnCache.getPhoneNumber', 'whatsapp.lidPnCache.getCurrentLid'],
  receive: ['whatsapp.MsgStore.on', 'whatsapp.ChatStore.getModelsArray', 'whatsapp.ContactStore.get'],
  receipts: ['whatsapp.functions.handleChatSimpleReceipt', 'whatsapp.functions.handleGroupSimpleReceipt'],
  revokes: ['whatsapp.MsgStore.processMultipleMessages'],
  reactions: ['whatsapp.functions.createOrUpdateReactions'],
  resolve: ['chat.find', 'whatsapp.functions.findOrCreateLatestChat', 'whatsapp.functions.queryWidExists'],
  history: ['chat.getMessages', 'whatsapp.ChatStore.getModelsArray', 'whatsapp.functions.msgFindByDirection'],
};

const lookUp = (path) => quietly(() => path.split('.').reduce((object, name) => object[name], WPP));

const missingOf = (capability) => NEEDS[capability].filter((path) => typeof lookUp(path) !== 'function');

function capabilities() {
  const report = {};
  for (const capability of Object.keys(NEEDS)) {
    const missing = missingOf(capability);
    report[capability] = missing.length === 0 ? { ok: true } : { ok: false, missing };
  }
  return {
    ...report,
    adapter: ADAPTER_VERSION,
    wa_js: text(quietly(() => WPP.version), 32),
    web: text(quietly(() => WPP.conn.getBuildConstants().VERSION_STR) ?? quietly(() => Debug.VERSION), 64),
  };
}

function need(capability) {
  const missing = missingOf(capability);
  if (missing.length > 0) throw new Refusal('missing', `this page lacks ${missing.join(', ')}`);
}

// ---- state ----

const authenticated = () => !!quietly(() => WPP.conn.isAuthenticated());

function state() {
  const auth = authenticated();
  return {
    auth,
    mode: text(quietly(() => WPP.whatsapp.Stream.mode), 24),
    info: text(quietly(() => WPP.whatsapp.Stream.info), 24),
    socket: text(quietly(() => WPP.whatsapp.Socket.state), 24),
    hooks: hooksHold,
    account: auth ? me() : null,
  };
}

function connected() {
  const { auth, mode, info, socket } = state();
  return auth && mode === 'MAIN' && (info === 'NORMAL' || info === '') && (socket === 'CONNECTED' || socket === '');
}

function needLink() {
  if (!connected()) throw new Refusal('offline', 'the page has no connection to WhatsApp now');
}

// The phone wants the platform as fifth field when the page has one; wa-js gives four.
async function authCode() {
  const code = await WPP.conn.getAuthCode();
  const full = text(code?.fullCode, 1024);
  if (full === '' || full.split(',').length !== 4) return full;
  const platform = quietly(() => WPP.loader.moduleRequire('WAWebCompanionRegClientUtils').DEVICE_PLATFORM);
  return platform === undefined || platform === null ? full : `${full},${text(platform, 8)}`;
}

// ---- chats ----

const KINDS = { 'g.us': 'group', newsletter: 'channel', broadcast: 'status' };
const kindOf = (id) => KINDS[id.slice(id.lastIndexOf('@') + 1)] ?? 'user';

const localChat = (id) => quietly(() => WPP.chat.get(id));

async function chatOf(id) {
  return localChat(id) ?? WPP.chat.find(id);
}

// null only when WhatsApp says so: wa-js's own query turns a broken line into "does not exist".
async function exists(id) {
  const other = id.endsWith('@lid') ? phoneOf(id) && `${phoneOf(id)}@c.us` : lidOf(id);
  const chat = localChat(id) ?? (other ? localChat(other) : undefined);
  if (chat) return { chat };
  needLink();
  const answer = await WPP.whatsapp.functions.queryWidExists(wid(id));
  return answer ? {} : null;
}

async function resolve({ address }) {
  need('resolve');
  const kind = kindOf(address);
  if (kind === 'status') return { exists: true, kind, chat: peer(address) };
  const found = kind === 'user' ? await exists(address) : {};
  if (!found) return { exists: false };
  const chat = found.chat ?? (await find(address, kind));
  return chat ? { exists: true, kind, chat: peer(chat.id) } : { exists: false };
}

async function find(address, kind) {
  const known = localChat(address);
  if (known) return known;
  needLink();
  if (kind === 'user') return WPP.chat.find(address);
  return WPP.chat.find(address).catch(() => null);   // a group or channel we are not in
}

// ---- the table ----

const OPS = {
  // The beat goes through the binding, the answer through the call: both ways are proved.
  probe({ n }) {
    tick();
    const answer = { ...state(), missed: missed(), heard_ms: Date.now() - lastHeard };
    emit({ k: 'beat', n });
    flush();
    return answer;
  },
  refresh_qr() {
    need('qr');
    if (authenticated()) return {};
    lastCode = '';
    WPP.conn.refreshQR().catch(() => {});   // resolves only with the next code, which is an event
    return {};
  },
  async pairing_code({ phone }) {
    need('pairing_code');
    return { code: text(await WPP.conn.genLinkDeviceCodeForPhoneNumber(phone), 16) };
  },
  takeover() {
    need('takeover');
    WPP.whatsapp.Socket.takeover();
    return {};
  },
  async logout() {
    need('logout');
    if (authenticated()) await WPP.conn.logout();
    return {};
  },
  capabilities,
  resolve,
};
