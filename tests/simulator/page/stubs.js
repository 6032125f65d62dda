// Modules that only have to be there: constants clients compare with, and functions that nothing in a
// simulated life calls for real.

import { define } from './runtime.js';

const nothing = () => undefined;
const promised = async () => undefined;
const lowerOf = (names) => Object.fromEntries(names.split(' ').map((name) => [name.toUpperCase(), name]));
const same = (names) => Object.fromEntries(names.split(' ').map((name) => [name, name]));

const CONSTANTS = {
  WAWebAck: {
    ACK: {
      MD_DOWNGRADE: -7, INACTIVE: -6, CONTENT_UNUPLOADABLE: -5, CONTENT_TOO_BIG: -4, CONTENT_GONE: -3,
      EXPIRED: -2, FAILED: -1, CLOCK: 0, SENT: 1, RECEIVED: 2, READ: 3, PLAYED: 4, PEER: 5,
    },
    ACK_STRING: {
      SENDER: 'sender', DELIVERY: 'delivery', READ: 'read', PLAYED: 'played', INACTIVE: 'inactive',
      READ_SELF: 'read-self',
    },
    EDIT_ATTR: { SENDER_REVOKE: 7, ADMIN_REVOKE: 8 },
  },
  WAWebMsgType: {
    MSG_TYPE: lowerOf(
      'notification notification_template gp2 e2e_notification call_log protocol chat location vcard ciphertext ' +
        'multi_vcard revoked image video audio ptt sticker document list interactive reaction poll_creation unknown',
    ),
    SYSTEM_MESSAGE_TYPES: ['notification', 'gp2', 'e2e_notification'],
  },
  WAWebSendMsgResult: {
    SendMsgResult: same('OK ERROR_NETWORK ERROR_EXPIRED ERROR_CANCELLED ERROR_UPLOAD ERROR_UNKNOWN'),
  },
  WAWebJidConstants: { STATUS_JID: 'status@broadcast', GROUP_JID: 'g.us', CHAT_JID: 'c.us' },
  WAWebNonJidMentionType: { default: { MENTION_ALL: 1 } },
  WAWebOutwardTypes: { OUTWARD_TYPES: lowerOf('image video audio ptt sticker document unknown') },
};

const FUNCTIONS = {
  WACryptoUtils: {
    randomHex: (bytes) =>
      Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, '0')).join('').toUpperCase(),
  },
  WAWebABProps: { getABPropConfigValue: () => false },
  WAWebSyncGatingUtils: { isPlaceholderMessageResendEnabled: () => false },
  WAWebBackendJobsCommon: { mediaTypeFromProtobuf: () => null },
  WAWebE2EProtoUtils: { typeAttributeFromProtobuf: () => 'text' },
  // Looked for at injection; without them the clients only grumble in the console.
  WAWebE2EProtoGenerator: { createMsgProtobuf: () => ({}) },
  WAWebSendMsgCreateFanoutStanza: { createFanoutMsgStanza: promised },
  WAWebEncryptAndSendMsg: { encryptAndSendMsg: promised },
  WAWebChatCreateRecord: { createChatRecord: promised },
  WAWebChatPinBridge: { getNumChatsPinned: () => 0 },
  WAWebLinkPreviewMinimal: { genMinimalLinkPreview: async () => null },
  WAWebMediaTypeAttribute: { encodeMaybeMediaType: (type) => type },
  WAWebLabelCollectionUtils: {
    addToLabelCollection: promised,
    removeLabelFromCollection: promised,
    createLabelItemId: nothing,
    getParentCollection: nothing,
    initializeLabels: promised,
  },
  WAWebPrimaryFeatures: { primaryFeatureEnabled: () => false },
  WAWebUnreadType: { isUnreadTypeMsg: () => true },
  WAWebInboxFilter: { isFilterExcludedFromSearchTreatmentInInboxFlow: () => false },
  WAWebChatSearchQuery: {
    SearchQuery: class {
      updateLabelQuery() {}
    },
  },
  WAWebFrontendVcardUtils: {
    vcardFromContactModel: ({ id, name, pushname }) => ({
      vcard: `BEGIN:VCARD\nVERSION:3.0\nFN:${name ?? pushname ?? id.user}\nTEL;waid=${id.user}:+${id.user}\nEND:VCARD`,
    }),
  },
};

for (const [id, exports] of Object.entries({ ...CONSTANTS, ...FUNCTIONS })) define(id, () => exports);
