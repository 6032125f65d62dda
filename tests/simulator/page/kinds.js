// What a message of each kind carries: the far end's fields (content.mjs) in the page's own, and back.

import { wid } from './ids.js';

const LINK_URL = 'url';   // the subtype of a text with a link preview
const MENTION_ALL = 1;
const CALL_OUTCOMES = { missed: 'Missed', rejected: 'Rejected', accepted: 'Connected', ended: 'Ended' };

const nameIn = (vcard) => /^FN:(.*)$/m.exec(vcard ?? '')?.[1].trim();

// ---- in ----

const CONTENT = {
  ciphertext: () => ({}),

  chat: ({ text, link }) => ({
    body: text,
    ...(link && {
      subtype: LINK_URL,
      title: link.title,
      description: link.description,
      canonicalUrl: link.url,
      matchedText: link.url,
    }),
  }),

  gp2: ({ subtype, text, recipients }) => ({ subtype, body: text, recipients: (recipients ?? []).map(wid) }),

  vcard: ({ text, contacts }) => ({ body: text, vcardFormattedName: contacts?.[0].name ?? nameIn(text) }),

  multi_vcard: ({ contacts }) => ({ vcardList: contacts.map(({ name, vcard }) => ({ displayName: name, vcard })) }),

  location: ({ text, lat, lng, live }) => ({ loc: text, lat, lng, ...(live && { isLive: true, shareDuration: 3600 }) }),

  poll_creation: ({ text, poll_options, max_choices }) => ({
    pollName: text,
    pollOptions: (poll_options ?? []).map((name, localId) => ({ name, localId })),
    pollSelectableOptionsCount: max_choices ?? 0,
  }),

  call_log: ({ video, state, duration }) => ({
    isVideoCall: video === true,
    callOutcome: CALL_OUTCOMES[state],
    callDuration: duration ?? 0,
    subtype: state === 'missed' ? (video ? 'miss_video' : 'miss') : undefined,
  }),
};

const file = (view) => ({
  caption: view.text,
  mimetype: view.mimetype,
  filename: view.filename,
  size: view.size,
  filehash: view.filehash,
  directPath: view.direct_path,
  mediaKey: view.direct_path && btoa('a key that opens nothing here...'),
  mediaKeyTimestamp: view.direct_path && view.t,
  width: view.width,
  height: view.height,
  duration: view.duration,
  isGif: view.gif,
  isViewOnce: view.view_once,
});

export const contentOf = (view) => ({
  type: view.type,
  ...(CONTENT[view.type] ?? file)(view),
  mentionedJidList: view.mentions?.map(wid),
  nonJidMentions: view.mention_all ? MENTION_ALL : undefined,
  ...(view.forwarded && { isForwarded: true, forwardingScore: 1 }),
});

// ---- out ----

const TEXT = {
  chat: ({ body }) => body,
  vcard: ({ body }) => body,
  multi_vcard: ({ vcardList }) => vcardList[0].vcard,
  location: ({ loc }) => loc,
  poll_creation: ({ pollName }) => pollName,
};

function contactsOf({ type, body, vcardFormattedName, vcardList }) {
  if (type === 'vcard') return [{ name: vcardFormattedName ?? nameIn(body), vcard: body }];
  if (type === 'multi_vcard') return vcardList.map(({ displayName, vcard }) => ({ name: displayName ?? nameIn(vcard), vcard }));
  return undefined;
}

function linkOf({ subtype, canonicalUrl, matchedText, title, description }) {
  const url = canonicalUrl ?? matchedText;
  return subtype === LINK_URL && url ? { url, title: title ?? '', description: description ?? '' } : undefined;
}

export function wireOf(message) {
  const { type } = message;
  return {
    type,
    text: TEXT[type] ? TEXT[type](message) : message.caption,
    quoted: message.quotedStanzaID,
    mentions: message.mentionedJidList?.map(String),
    mention_all: ((message.nonJidMentions ?? 0) & MENTION_ALL) !== 0 || undefined,
    forwarded: message.isForwarded,
    link: linkOf(message),
    mimetype: message.mimetype,
    filename: message.filename,
    size: message.size,
    filehash: message.filehash,
    direct_path: message.directPath,
    width: message.width,
    height: message.height,
    duration: message.duration,
    gif: message.isGif,
    view_once: message.isViewOnce,
    lat: message.lat,
    lng: message.lng,
    live: message.isLive,
    contacts: contactsOf(message),
    poll_options: message.pollOptions?.map(({ name }) => name),
    max_choices: message.pollSelectableOptionsCount,
  };
}

// Everything of a message that says anything.
export const CONTENT_NAMES = [
  'body', 'caption', 'title', 'description', 'canonicalUrl', 'matchedText', 'subtype', 'mentionedJidList',
  'directPath', 'mediaKey', 'mediaKeyTimestamp', 'encFilehash', 'filehash', 'mediaData', 'mimetype', 'filename', 'size',
  'width', 'height', 'duration', 'isGif', 'isViewOnce', 'loc', 'lat', 'lng', 'isLive',
  'vcardFormattedName', 'vcardList', 'pollName', 'pollOptions', 'pollSelectableOptionsCount',
];

// For a message that says nothing any more.
export const EMPTY = Object.fromEntries(CONTENT_NAMES.map((name) => [name, undefined]));
