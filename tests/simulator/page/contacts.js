// Contacts and everything that names a person. The real page keeps each person twice, under the
// phone number and under the LID; so do we.

import { isMe, mapIds, mePhone, phoneOf } from './account.js';
import { BaseModel, Collection, defineModel } from './core.js';
import { wid } from './ids.js';
import { operation } from './link.js';
import { define, defineDefault, own } from './runtime.js';

class Contact extends BaseModel {}
defineModel(Contact, {
  proxyName: 'contact',
  props: [
    'id', 'name', 'shortName', 'pushname', 'verifiedName', 'verifiedLevel', 'isBusiness', 'isEnterprise',
    'isAddressBookContact', 'phoneNumber', 'type', 'labels', 'username', 'isContactBlocked', 'statusMute',
    'privacyMode', 'disappearingModeDuration', 'disappearingModeSettingTimestamp',
  ],
});

class ContactCollectionImpl extends Collection {
  async findImpl(id) {
    const contact = wid(String(id));
    return { id: contact, phoneNumber: contact.isLid() ? phoneOf(contact) : undefined, type: 'in' };
  }

  getMeContact() {
    return this.gadd(mePhone());
  }
}
ContactCollectionImpl.model = Contact;
export const Contacts = new ContactCollectionImpl();

// Takes in what the far end says of a person: saved persons have a name, everybody has the one they
// gave themselves. Whose number is not known has a LID only; when it is learnt, the mapping is told
// the way the real page learns it, and the contact under the LID gets its phoneNumber.
export function meet({ phone, lid, name, saved, saved_name, business, blocked }) {
  const id = wid(`${lid}@lid`);
  const number = phone ? wid(`${phone}@c.us`) : undefined;
  if (number && !phoneOf(id)) own('WAWebDBCreateLidPnMappings').createLidPnMappings({ mappings: [{ lid: id, pn: number }] });
  const facts = {
    pushname: name,
    type: 'in',
    name: saved ? saved_name : undefined,
    shortName: saved ? saved_name.split(' ')[0] : undefined,
    isAddressBookContact: saved ? 1 : 0,
    isBusiness: !!business,
    verifiedName: business ? name : undefined,
    isContactBlocked: !!blocked,
  };
  put({ ...facts, id, phoneNumber: number });
  if (number) put({ ...facts, id: number });
}

// Unlike a merge, what is undefined here is so from now on.
function put(facts) {
  const known = Contacts.get(facts.id);
  if (known) known.set(facts);
  else Contacts.add(facts);
}

const phoneText = (contact) => `+${(phoneOf(contact.id) ?? contact.id).user}`;
export const displayName = (contact) => contact.name ?? contact.pushname ?? phoneText(contact);

// Asks the far end for a person; whoever it knows becomes known here, with both ids.
export async function queryPerson(id) {
  const { person } = await operation('query', { jid: String(id) });
  if (person) mapIds(person);
  if (person && Contacts.get(wid(`${person.lid}@lid`))) meet(person);
  return person;
}

async function queryExists(id) {
  const person = await queryPerson(id);
  if (!person) return null;
  const bizInfo = person.business ? { verifiedName: { name: person.name, level: 0, isApi: false } } : undefined;
  return { wid: id, lid: wid(`${person.lid}@lid`), biz: person.business, bizInfo, disappearingMode: undefined };
}

const property = (name) => (contact) => contact[name];
const always = (value) => () => value;
const eachAs = (names, value) => Object.fromEntries(names.split(' ').map((name) => [name, value]));

defineDefault('WAWebContactModel', () => Contact);
define('WAWebContactCollection', () => ({ ContactCollectionImpl, ContactCollection: Contacts }));
define('WAWebContactGetters', () => ({
  getUserid: (contact) => contact.id.user,
  getIsMe: (contact) => isMe(contact.id),
  getIsUser: (contact) => contact.id.isUser(),
  getIsGroup: (contact) => contact.id.isGroup(),
  getIsBroadcast: (contact) => contact.id.isBroadcast(),
  getIsNewsletter: (contact) => contact.id.isNewsletter(),
  getIsPSA: (contact) => contact.id.isPSA(),
  getIsWAContact: (contact) => contact.type === 'in',
  getIsEnterprise: (contact) => !!contact.isEnterprise,
  getName: property('name'),
  getShortName: property('shortName'),
  getPushname: property('pushname'),
  getNotifyName: property('pushname'),
  getVerifiedName: property('verifiedName'),
  getVerifiedLevel: property('verifiedLevel'),
  getStatusMute: property('statusMute'),
  getPremiumMessageName: always(null),
  ...eachAs(
    'getIsIAS getIsSupportAccount getCanRequestPhoneNumber getShowBusinessCheckmarkAsPrimary ' +
      'getShowBusinessCheckmarkAsSecondary getShowBusinessCheckmarkInChatlist getIsDisplayNameApproved ' +
      'getShouldForceBusinessUpdate',
    always(false),
  ),
}));
define('WAWebFrontendContactGetters', () => ({
  getIsMyContact: (contact) => !!contact.isAddressBookContact,
  getPhoneNumber: property('phoneNumber'),
  getPnForLid: (contact) => phoneOf(contact.id),
  getFormattedPhone: phoneText,
  getFormattedUser: phoneText,
  getHeader: (contact) => displayName(contact)[0],
  getSearchVerifiedName: always(null),
  getTextStatusString: always(''),
  ...eachAs(
    'getMentionName getDisplayName getDisplayNameOrPnForLid getUserDisplayNameForLid getFormattedName ' +
      'getFormattedShortName getFormattedShortNameWithNonBreakingSpaces getSearchName',
    displayName,
  ),
}));
define('WAWebDBCreateLidPnMappings', () => ({
  createLidPnMappings: ({ mappings }) => {
    for (const { lid, pn } of mappings) mapIds({ lid: lid.user, phone: pn.user });
  },
}));
define('WAWebQueryExistsJob', () => ({ queryWidExists: queryExists, queryPhoneExists: queryExists }));
