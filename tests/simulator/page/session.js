// The state of the session as clients see it (Conn, Socket, Stream, Cmd), and the ways in and out of
// a link: QR, pairing code, takeover, logout.

import { account } from './account.js';
import { BaseModel, defineModel, EventEmitter } from './core.js';
import { knobs } from './knobs.js';
import * as link from './link.js';
import * as profile from './profile.js';
import { define, defineDefault, own } from './runtime.js';
import { removeMessage, revokeByMe } from './messages.js';

const LOGOUT_NAVIGATION_MS = 300;
const VERSION = '2.3000.1041000000';
// From this build on the real page's message keys have their field names shortened.
const DOLLAR_VERSION = '2.3000.1042401057';

export const version = () => (knobs.dollar_keys ? DOLLAR_VERSION : VERSION);

// ---- models ----

class ConnModel extends BaseModel {}
defineModel(ConnModel, {
  proxyName: 'conn',
  props: ['ref', 'refTTL', 'wid', 'pushname', 'platform', 'connected', 'battery', 'plugged', 'is24h', 'smbTos'],
});
export const Conn = new ConnModel();

class SocketModel extends BaseModel {
  logout(_, reason) {
    return logout(reason ?? 'user_initiated', { tell: true });
  }

  takeover() {
    setSocket('OPENING');
    link.connect();
  }

  poke() {
    Cmd.refreshQR();
  }

  clearCredentialsAndStoredData() {
    return profile.wipe();
  }
}
defineModel(SocketModel, {
  proxyName: 'socket',
  props: ['state', 'stream', 'hasSynced', 'launched', 'retryTimestamp'],
});
export const Socket = new SocketModel({ state: 'UNLAUNCHED', stream: 'DISCONNECTED' });

class StreamModel extends BaseModel {
  markAvailable() {
    this.available = true;
  }

  markUnavailable() {
    this.available = false;
  }
}
defineModel(StreamModel, {
  proxyName: 'stream',
  props: ['mode', 'info', 'displayInfo', 'needsUpdate', 'available'],
});
export const Stream = new StreamModel({ mode: 'SYNCING', info: 'OPENING' });

class NetworkStatus extends BaseModel {
  checkOnline() {
    return this.online;
  }
}
defineModel(NetworkStatus, { proxyName: 'network-status', props: ['online'] });
const networkStatus = new NetworkStatus({ online: true });
addEventListener('online', () => networkStatus.set('online', true));
addEventListener('offline', () => networkStatus.set('online', false));

class CmdImpl extends EventEmitter {
  isMainLoaded = false;

  mainLoaded() {
    this.isMainLoaded = true;
    this.trigger('main_loaded');
  }

  refreshQR() {
    own('WAWebLaunchSocketUtils').refreshQR();
  }

  // ids: the chats that a history has reached
  onHistorySyncChunkProcessed(ids) {
    this.trigger('history_sync_chunk_processed', ids);
  }

  archiveChat(chat, archived) {
    return own('WAWebSetArchiveChatAction').setArchive(chat, archived);
  }

  pinChat(chat, pinned) {
    return own('WAWebSetPinChatAction').setPin(chat, pinned);
  }

  markChatUnread(chat, unread) {
    return own('WAWebUpdateUnreadChatAction').markUnread(chat, unread);
  }

  async sendRevokeMsgs(chat, { list }) {
    for (const message of list) await revokeByMe(message);
  }

  async sendDeleteMsgs(chat, { list }) {
    for (const message of list) await removeMessage(message);
  }

  async openChatBottom() {
    return true;
  }

  async openChatFromUnread() {
    return true;
  }
}
export const Cmd = new CmdImpl();
export const BackendEventBus = new EventEmitter();

export function setSocket(state, stream = Socket.stream) {
  Socket.set({ state, stream });
  BackendEventBus.trigger('set_socket_state', state);
}

export function setStream(mode, info) {
  Stream.set({ mode, info, displayInfo: info });
}

// Tells the far end what this page shows, so that a test can wait for it. One report at a time: two
// on their way could overtake each other.
Socket.on('change:state', report);
Stream.on('change', report);
let reporting = false;
let stale = false;
async function report() {
  stale = true;
  if (reporting) return;
  reporting = true;
  while (stale) {
    stale = false;
    const { mode, info } = Stream;
    await link.operation('report', { state: Socket.state, mode, info }).catch(() => {});
  }
  reporting = false;
}

// ---- out ----

// Wipe first, navigate after: what a client sees last is the page at its logout address.
let leaving = false;
export async function logout(reason, { tell }) {
  if (leaving) return;   // telling the far end makes it tell us
  leaving = true;
  const code = own('WAWebLogoutReason').getErrorCodeFromLogoutReason(reason);
  BackendEventBus.trigger('starting_logout', reason);
  if (tell) await link.operation('logout').catch(() => {});
  link.stop();
  account.token = '';
  await profile.wipe();
  Cmd.trigger('logout', reason);
  BackendEventBus.trigger('logout');
  setTimeout(() => location.assign(`/?post_logout=1&logout_reason=${code}`), LOGOUT_NAVIGATION_MS);
}

// ---- keys ----

export const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const PLATFORM = '1';   // Chrome
let keys = null;

export async function loadKeys() {
  keys = await profile.getValue('keys');
  if (!keys) {
    const random = () => crypto.getRandomValues(new Uint8Array(32));
    keys = { noise: random(), identity: random(), adv: base64(random()) };
    await profile.setValue('keys', keys);
  }
  return { noise: base64(keys.noise), identity: base64(keys.identity), adv: keys.adv, platform: PLATFORM };
}

// What the real page draws as a QR code.
export const qrText = () =>
  [Conn.ref, base64(keys.noise), base64(keys.identity), keys.adv, PLATFORM].join(',');

async function pairingCode(phone) {
  if (!/^\d{7,15}$/.test(phone)) throw new Error('invalid phone number');
  return (await link.operation('pairing_code', { phone })).code;
}

// ---- modules ----

const same = (names) => Object.fromEntries(names.split(' ').map((name) => [name, name]));
const upper = (names) => Object.fromEntries(names.split(' ').map((name) => [name.toUpperCase(), name]));

define('WAWebBuildConstants', () => {
  const [VERSION_PRIMARY, VERSION_SECONDARY, VERSION_TERTIARY] = version().split('.');
  return {
    VERSION_STR: version(),
    VERSION_BASE: version(),
    SANITIZED_VERSION_STR: version(),
    VERSION_PRIMARY,
    VERSION_SECONDARY,
    VERSION_TERTIARY,
    WINDOWS_BUILD: null,
  };
});
define('WAWebConnModel', () => ({ ConnImpl: ConnModel, Conn }));
define('WAWebSocketModel', () => ({ Socket }));
define('WAWebSocketConstants', () => ({
  SOCKET_STATE: same(
    'OPENING PAIRING UNPAIRED UNPAIRED_IDLE CONNECTED TIMEOUT CONFLICT UNLAUNCHED PROXYBLOCK TOS_BLOCK ' +
      'SMB_TOS_BLOCK DEPRECATED_VERSION',
  ),
  SOCKET_STREAM: same('DISCONNECTED SYNCING RESUMING CONNECTED'),
  WATCHED_SOCKET_STATE: same('OPEN CLOSED'),
}));
define('WAWebStreamModel', () => ({ Stream }));
defineDefault('WAWebNetworkStatus', () => networkStatus);
define('WAWebCmd', () => ({ CmdImpl, Cmd }));
define('WAWebBackendEventBus', () => ({
  BackendEventBus,
  BackendEvent: upper(
    'app_state_sync_completed logout refresh_qr starting_logout on_initial_chat_synced on_critical_sync_done ' +
      'storage_initialization_error socket_stream_disconnected open_socket_stream reconnect_socket ' +
      'set_socket_state account_temporarily_banned initial_load_ready main_stream_mode_ready offline_delivery_end',
  ),
}));
define('WAWebIsOfficialClient', () => ({ isOfficialClient: false }));
defineDefault('WAWebMiscBrowserUtils', () => ({
  info: () => ({ os: 'Linux', name: 'Chrome', version: '1', ua: navigator.userAgent }),
  hardRefresh: () => location.reload(),
  id: () => 'simulated',
  startDownloading() {},
}));
define('WAWebLogoutReasonConstants', () => ({
  LogoutReason: {
    UserInitiated: 'user_initiated',
    UnknownCompanion: 'unknown_companion',
    AccountLocked: 'account_locked',
  },
  LOGOUT_REASON_CODE: { CLIENT_FATAL: '0', SYNC_FAIL: '1', INITIAL_HISTORY_SYNC_TIMEOUT: '2', ACCOUNT_LOCKED: '3' },
}));
define('WAWebLogoutReason', () => ({
  getErrorCodeFromLogoutReason: (reason) => (reason === 'account_locked' ? '3' : '0'),
  getPrevLogoutReasonCode: () => null,
  setPrevLogoutReasonCode() {},
}));
define('WAWebOfflineHandler', () => ({ OfflineMessageHandler: { getOfflineDeliveryProgress: () => 100 } }));

define('WABase64', () => ({
  encodeB64: base64,
  decodeB64: (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer,
}));
define('WAWebSignalStoreApi', () => ({
  waSignalStore: {
    getRegistrationInfo: async () => ({ registrationId: 1, identityKeyPair: { pubKey: keys.identity } }),
  },
}));
define('WAWebUserPrefsInfoStore', () => ({
  waNoiseInfo: { get: async () => ({ staticKeyPair: { pubKey: keys.noise } }) },
}));
define('WAWebUserPrefsMultiDevice', () => ({ getADVSecretKey: () => keys.adv, setADVSignedIdentity() {} }));
define('WAWebAdvSignatureApi', () => ({ verifyDeviceIdentityAccountSignature: () => true }));
define('WAWebCompanionRegClientUtils', () => ({ DEVICE_PLATFORM: PLATFORM }));
define('WAWebLoginUtils', () => ({ isLoggedIn: () => account.token !== '' }));
define('WAWebRegistrationUtils', () => ({ isRegistered: () => account.token !== '' }));
define('WAWebAltDeviceLinkingApi', () => ({
  setPairingType() {},
  async initializeAltDeviceLinking() {},
  async initializeQRLinking() {},
  genLinkDeviceCodeForPhoneNumber: pairingCode,
  startAltLinkingFlow: pairingCode,
}));
define('WAWebLinkDeviceEvents', () => ({ WAWebLinkDeviceEvents: new EventEmitter() }));
define('WAWebLaunchSocketUtils', () => ({ refreshQR: () => link.operation('refresh_refs').catch(() => {}) }));
