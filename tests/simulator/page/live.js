// What is only true while somebody looks: who is here or typing, and calls that ring.

import { BaseModel, Collection, defineModel } from './core.js';
import { wid } from './ids.js';
import { operation } from './link.js';
import { define, defineDefault, own } from './runtime.js';

// ---- presence ----

const CHATSTATES = {
  composing: 'composing', recording: 'recording', paused: 'available', available: 'available', unavailable: 'unavailable',
};

class Chatstate extends BaseModel {}
defineModel(Chatstate, { proxyName: 'chatstate', props: ['id', 'type', 't', 'deny'] });

class ChatstateCollection extends Collection {}
ChatstateCollection.model = Chatstate;

class Presence extends BaseModel {
  initialize() {
    this._assign({ isOnline: false, hasData: false, isSubscribed: false, chatstate: new Chatstate({ id: this.id }) });
    Object.defineProperty(this, 'chatstates', { value: new ChatstateCollection() });
  }

  get isUser() {
    return !!this.__x_id?.isUser();
  }

  get isGroup() {
    return !!this.__x_id?.isGroup();
  }

  async subscribe() {
    this.isSubscribed = true;
  }

  // In a group the state is that of who changed it last. It is told even when it is the same.
  take({ participant, state, t }) {
    const type = CHATSTATES[state];
    if (participant) this.chatstates.gadd(wid(participant)).set({ type, t });
    this.set({ hasData: true, isOnline: type !== 'unavailable' });
    this.chatstate.set({ type, t });
    this._bubble('change:chatstate.type', this.chatstate, type);
  }
}
defineModel(Presence, { proxyName: 'presence', props: ['id', 'isOnline', 'hasData', 'isSubscribed', 'chatstate'] });

class PresenceCollection extends Collection {}
PresenceCollection.model = Presence;
const Presences = new PresenceCollection();

// Typing is heard by everybody; being there only by who has asked for it.
function onPresence({ chat, ...presence }) {
  const model = Presences.gadd(wid(chat));
  const typing = ['composing', 'recording', 'paused'].includes(presence.state);
  if (typing || model.isSubscribed) model.take(presence);
}

const shows = (state) => (chat) => operation('presence', { chat: String(chat.id), state });
const am = (state) => () => operation('presence', { chat: null, state });
const subscribe = async (id) => Presences.gadd(id).subscribe();

// Where a client lists a class and its instance it takes the first it finds: here only the instance.
define('WAWebPresenceCollection', () => ({ PresenceCollection: Presences, PresenceM: Presence }));
define('WAWebContactPresenceBridge', () => ({ subscribePresence: subscribe, subscribeGroupPresence: subscribe }));
define('WAWebChatPresenceAction', () => ({
  markComposing: shows('composing'),
  markRecording: shows('recording'),
  markPaused: shows('paused'),
}));
define('WAWebChatStateBridge', () => {
  const by = (state) => (id) => shows(state)({ id });
  return {
    sendChatStateComposing: by('composing'),
    sendChatStateRecording: by('recording'),
    sendChatStatePaused: by('paused'),
  };
});
define('WAWebPresenceChatAction', () => ({
  sendPresenceAvailable: am('available'),
  sendPresenceUnavailable: am('unavailable'),
}));

// ---- calls ----

const CALL_STATES = {
  OUTGOING_RING: 'OUTGOING_RING', INCOMING_RING: 'INCOMING_RING', ACTIVE: 'ACTIVE', ENDED: 'ENDED', REJECTED: 'REJECTED',
};

class Call extends BaseModel {
  getState() {
    return this.callState;
  }

  setState(state) {
    this.set('callState', state);
  }
}
defineModel(Call, {
  proxyName: 'call',
  props: ['id', 'peerJid', 'offerTime', 'isVideo', 'isGroup', 'outgoing', 'callState', 'groupJid'],
});

// Another client puts its hook on the first Map it finds in here.
class CallCollection extends Collection {
  calls = new Map();

  processIncomingCall(call) {
    this.calls.set(call.id, call);
    this.add(call);
    return call;
  }

  setActiveCall(call) {
    if (call) this.calls.set(call.id, call);
  }
}
CallCollection.model = Call;
const calls = () => own('WAWebCallCollection').default;

function onCall({ id, peer, chat, video, group, t }) {
  calls().processIncomingCall(
    new Call({
      id,
      peerJid: wid(peer),
      groupJid: chat ? wid(chat) : undefined,
      offerTime: t,
      isVideo: video,
      isGroup: group,
      outgoing: false,
      callState: CALL_STATES.INCOMING_RING,
    }),
  );
}

function onCallEnd({ id }) {
  const call = calls().calls.get(id);
  call?.setState(CALL_STATES.ENDED);
  calls().calls.delete(id);
  calls().remove(id);
}

defineDefault('WAWebCallCollection', () => new CallCollection());
define('WAWebVoipConstants', () => ({ CALL_STATES }));

const HANDLERS = { presence: onPresence, call: onCall, call_end: onCallEnd };
export const onLive = ({ kind, ...data }) => HANDLERS[kind](data);
