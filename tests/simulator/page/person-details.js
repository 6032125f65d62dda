// What the page asks about a person only when somebody wants to see it: picture, about, business
// profile; and the names this account gives itself and others.

import { meLid, mePhone } from './account.js';
import { BaseModel, Collection, defineModel } from './core.js';
import { Contacts, meet, queryPerson } from './contacts.js';
import { wid } from './ids.js';
import { operation } from './link.js';
import { define } from './runtime.js';

// ---- pictures ----

class ProfilePicThumb extends BaseModel {}
defineModel(ProfilePicThumb, {
  proxyName: 'profile-pic-thumb',
  props: ['id', 'img', 'imgFull', 'eurl', 'previewEurl', 'tag', 'token', 'stale'],
});

async function pictureOf(id) {
  const { path, tag } = await operation('picture', { jid: String(id) }).catch(() => ({ path: null }));
  const url = path ? new URL(path, location.origin).href : undefined;
  return { img: url, imgFull: url, eurl: url, previewEurl: url, tag: path ? tag : undefined, stale: false };
}

class ProfilePicThumbCollectionImpl extends Collection {
  async findImpl(id) {
    return { id: wid(String(id)), ...(await pictureOf(id)) };
  }
}
ProfilePicThumbCollectionImpl.model = ProfilePicThumb;
const Thumbs = new ProfilePicThumbCollectionImpl();

// A picture has changed: whoever has looked at it sees the new one.
export async function pictureChanged({ ids }) {
  for (const id of ids) Thumbs.get(wid(id))?.set(await pictureOf(id));
}

async function setPicture(id, preview, full) {
  const data_base64 = full === null ? null : full.slice(full.indexOf(',') + 1);
  await operation('set_picture', { jid: String(id), data_base64 });
  return { status: 200, eurl: (await pictureOf(id)).eurl };
}

define('WAWebProfilePicThumbModel', () => ({ ProfilePicThumb }));
define('WAWebProfilePicThumbCollection', () => ({
  ProfilePicThumbCollectionImpl,
  ProfilePicThumbCollection: Thumbs,
}));
define('WAWebContactProfilePicThumbBridge', () => ({
  sendSetPicture: setPicture,
  requestDeletePicture: (id) => setPicture(id, null, null),
  requestProfilePicFromServer: pictureOf,
}));

// ---- about ----

class TextStatus extends BaseModel {}
defineModel(TextStatus, { proxyName: 'text-status', props: ['id', 'status'] });

class TextStatusCollectionImpl extends Collection {
  async findImpl(id) {
    return { id: wid(String(id)), status: (await operation('about', { jid: String(id) })).about };
  }
}
TextStatusCollectionImpl.model = TextStatus;

define('WAWebTextStatusCollection', () => ({
  TextStatusCollectionImpl,
  TextStatusCollection: new TextStatusCollectionImpl(),
}));

// ---- businesses ----

class BusinessProfile extends BaseModel {}
defineModel(BusinessProfile, {
  proxyName: 'business-profile',
  props: ['id', 'description', 'address', 'email', 'website', 'categories', 'businessHours', 'tag'],
});

class BusinessProfileCollectionImpl extends Collection {
  async findImpl(id) {
    const { profile } = await operation('business', { jid: String(id) });
    return { id: wid(String(id)), ...profile };
  }

  // undefined when there is no business.
  async fetchBizProfile(id) {
    const { profile } = await operation('business', { jid: String(id) });
    return profile ? this.add({ id: wid(String(id)), ...profile }, { merge: true }) : undefined;
  }
}
BusinessProfileCollectionImpl.model = BusinessProfile;

// Only the instance: a client that lists both names takes the first it finds.
define('WAWebBusinessProfileCollection', () => ({
  BusinessProfileCollection: new BusinessProfileCollectionImpl(),
  BusinessProfile,
}));

// ---- names ----

async function saveContactAction({ phoneNumber, lid, firstName, lastName }) {
  const jid = phoneNumber ? `${phoneNumber}@c.us` : `${lid}@lid`;
  const name = [firstName, lastName].filter(Boolean).join(' ');
  await operation('contact_put', { jid, name, saved: true });
  const person = await queryPerson(wid(jid));
  meet(person);
}

async function deleteContactAction({ phoneNumber, lid }) {
  const jid = phoneNumber ? String(phoneNumber) : String(lid);
  await operation('contact_put', { jid, saved: false });
  meet(await queryPerson(wid(jid)));
}

define('WAWebSaveContactAction', () => ({ saveContactAction }));
define('WAWebDeleteContactAction', () => ({ deleteContactAction }));
define('WAWebSetPushnameConnAction', () => ({ setPushname: (name) => operation('set_name', { name }) }));

// My own name, as the phone has it now.
export function showMe(me) {
  for (const id of [mePhone(), meLid()]) Contacts.get(id)?.set('pushname', me.name);
}
