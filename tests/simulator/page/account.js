// Who this page is linked as, and which phone number goes with which LID.

import { wid } from './ids.js';
import { define } from './runtime.js';

export const account = { me: null, token: '', device: 0, migrated: false };

const lidByPhone = new Map();
const phoneByLid = new Map();

export function mapIds({ phone, lid }) {
  if (!phone || !lid) return;   // known by one of them only
  lidByPhone.set(phone, lid);
  phoneByLid.set(lid, phone);
}

export function setMe(me) {
  account.me = me;
  account.migrated = me.lid_migrated;
  mapIds(me);
}

const lidOf = (id) => (lidByPhone.has(id.user) ? wid(`${lidByPhone.get(id.user)}@lid`) : undefined);
const phoneOf = (id) => (phoneByLid.has(id.user) ? wid(`${phoneByLid.get(id.user)}@c.us`) : undefined);
export { lidOf, phoneOf };

export const mePhone = () => (account.me ? wid(`${account.me.phone}@c.us`) : undefined);
export const meLid = () => (account.me ? wid(`${account.me.lid}@lid`) : undefined);
export const isMe = (id) => !!id && !!account.me && [account.me.phone, account.me.lid].includes(id.user);

// How I appear in a chat: with my LID among LIDs and in groups, with my number otherwise.
export const meIn = (chat) => (chat.isLid() || chat.isGroup() ? meLid() : mePhone());

// The id a one to one chat with this person has for this account.
export function chatIdOf(id) {
  if (!id.isUser()) return id;
  return (account.migrated ? (id.isLid() ? id : lidOf(id)) : id.isLid() ? phoneOf(id) : id) ?? id;
}

export const otherIdOf = (id) => (id.isLid() ? phoneOf(id) : lidOf(id));

const orThrow = (get) => () => {
  const id = get();
  if (!id) throw new Error('not linked');
  return id;
};

define('WAWebUserPrefsMeUser', () => ({
  getMaybeMePnUser: mePhone,
  getMaybeMeLidUser: meLid,
  getMePnUserOrThrow: orThrow(mePhone),
  getMeLidUserOrThrow: orThrow(meLid),
  getMaybeMeDevicePn: () => account.me && wid(`${account.me.phone}:${account.device}@c.us`),
  isMeAccount: isMe,
}));

define('WAWebApiContact', () => ({
  getCurrentLid: lidOf,
  getPhoneNumber: phoneOf,
  getAlternateUserWid: otherIdOf,
  lidPnCache: {
    getCurrentLid: lidOf,
    getPhoneNumber: phoneOf,
    getAllLids: () => [...phoneByLid.keys()].map((lid) => wid(`${lid}@lid`)),
    getLidEntry: (id) => phoneOf(id) && { lid: id, phoneNumber: phoneOf(id), phoneNumberCreatedAt: 0 },
  },
}));

define('WAWebLidMigrationUtils', () => {
  const toLid = (id) => (id.isLid() ? id : lidOf(id));
  return {
    Lid1X1MigrationUtils: {
      isLidMigrated: () => account.migrated,
      isSyncdSessionMigrated: () => account.migrated,
      shouldApplyNonMigratedMessagingRules: () => !account.migrated,
      setIsLidMigrated() {},
    },
    toPn: (id) => (id?.isLid?.() ? phoneOf(id) : id),
    toLid,
    toUserLid: toLid,
    toUserLidOrThrow: (id) => orThrow(() => toLid(id))(),
    shouldHaveAccountLid: () => account.migrated,
  };
});
