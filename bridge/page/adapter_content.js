// Part of the injected adapter: what a message holds besides its text, by its type, and its file as
// far as it is known before it is fetched. Bounded here, checked again by the daemon.

const CONTENT_CHARS = 20_000;   // at most 3 bytes each: below the daemon's 64 KiB
const LIST_MAX = 64;
const MENTIONS_MAX = 100;
const VCARD_CHARS = 8192;
const LINE_MAX = 1024;          // characters of a question, an address, a link …

const someOf = (list, max) => Array.from(list ?? []).slice(0, max);
const finite = (value) => (value === '' || value === null || !Number.isFinite(Number(value)) ? undefined : Number(value));

function hexOf(base64) {
  const bytes = quietly(() => atob(text(base64, 128)));
  if (bytes === undefined || bytes.length !== 32) return '';
  return Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}

// ---- by type ----

function locationOf(msg) {
  const latitude = finite(msg.lat);
  const longitude = finite(msg.lng);
  if (latitude === undefined || longitude === undefined) return undefined;
  const [name, ...address] = text(msg.loc, 2 * LINE_MAX).split('\n');
  return {
    latitude,
    longitude,
    name: text(name, LINE_MAX),
    address: text(msg.address ?? address.join(', '), LINE_MAX),
    live: msg.isLive === true || msg.type === 'live_location',
  };
}

// "item1.TEL;type=CELL;waid=5511…:+55 11 …" -> the number WhatsApp knows, else what stands there.
function phonesOf(vcard) {
  const phones = [];
  for (const [, options, value] of vcard.matchAll(/^(?:[\w-]+\.)?TEL([^:\r\n]*):([^\r\n]*)/gim)) {
    const phone = /waid=(\d{5,15})/i.exec(options)?.[1] ?? value.trim();
    if (phone !== '' && !phones.includes(phone)) phones.push(text(phone, 64));
  }
  return phones.slice(0, 16);
}

const fullName = (vcard) => /^FN[^:\r\n]*:([^\r\n]*)/im.exec(vcard)?.[1].trim();

function contactsOf(msg) {
  const cards = msg.type === 'multi_vcard' || !msg.body ? msg.vcardList : [{ displayName: msg.vcardFormattedName, vcard: msg.body }];
  return someOf(cards, LIST_MAX).map((card) => {
    const vcard = text(card.vcard, VCARD_CHARS);
    return { name: text(card.displayName || fullName(vcard), NAME_MAX), phones: phonesOf(vcard), vcard };
  });
}

function pollOf(msg) {
  const options = someOf(msg.pollOptions, LIST_MAX).map(({ name }) => text(name, NAME_MAX));
  return {
    question: text(msg.pollName, LINE_MAX),
    options,
    max_choices: Math.min(count(Number(msg.pollSelectableOptionsCount)), options.length),   // 0: as many as one likes
  };
}

const CALL_OUTCOMES = [
  [/miss|unanswer|not_answer|no_answer|silence/i, 'missed'],
  [/reject|declin/i, 'rejected'],
  [/accept|connect|complet|answer|elsewhere|remote/i, 'accepted'],
];

const callOutcome = (value) => CALL_OUTCOMES.find(([pattern]) => pattern.test(text(value, 64)))?.[1] ?? 'ended';

function callOf(msg) {
  return {
    video: msg.isVideoCall === true || msg.isVideo === true,
    group: someOf(msg.callParticipants, 3).length > 1 || !/@(c\.us|lid)$/.test(keyParts(msg.id).chat),
    state: callOutcome(msg.callOutcome ?? msg.subtype),
  };
}

const NOTICES = {
  create: 'created', restrict: 'locked', ephemeral: 'settings',
  membership_approval_mode: 'settings', member_add_mode: 'settings', no_frequently_forwarded: 'settings',
  invite: 'add', linked_group_join: 'add', revoke_invite: 'invite', desc: 'description',
};

const SWITCHES = ['announce', 'locked'];   // named and told as the API sets them: true or false

function noticeValue(msg, kind, subtype) {
  const body = text(msg.body, 4096);
  if (SWITCHES.includes(kind)) return body === 'on' || (body === 'off' ? false : '');
  return kind === 'settings' ? text(`${subtype} ${text(body, 64)}`.trim(), NAME_MAX) : body;
}

function noticeOf(msg) {
  const subtype = text(msg.subtype, 32).toLowerCase().replace(/[^a-z0-9_]/g, '_');
  const kind = (ofOurs(NOTICES, subtype) ?? subtype) || 'notice';
  return {
    kind,
    participants: someOf(msg.recipients ?? msg.templateParams?.filter((p) => String(p).includes('@')), MENTIONS_MAX).map((id) => peer(id)),
    value: noticeValue(msg, kind, subtype),
  };
}

function linkOf(msg) {
  const url = text(msg.canonicalUrl || msg.matchedText, 2 * LINE_MAX);
  const title = text(msg.title, LINE_MAX);
  const description = text(msg.description, LINE_MAX);
  return url !== '' && (title !== '' || description !== '') ? { url, title, description } : undefined;
}

// The members that this message has; the biggest are left out of what would be too large.
function contentOf(msg) {
  const content = {};
  const type = ofOurs(TYPES, msg.type);
  if (type === 'location') content.location = locationOf(msg);
  if (type === 'contacts') content.contacts = contactsOf(msg);
  if (type === 'poll') content.poll = pollOf(msg);
  if (type === 'call') content.call = callOf(msg);
  if (type === 'system') content.system = noticeOf(msg);
  if (type === 'text') content.link = linkOf(msg);
  const mentions = someOf(msg.mentionedJidList, MENTIONS_MAX).map((id) => peer(id));
  if (mentions.length > 0) content.mentions = mentions;
  if (msg.isForwarded === true || count(Number(msg.forwardingScore)) > 0) content.forwarded = true;
  const size = () => JSON.stringify(content).length;
  for (let i = content.contacts?.length ?? 0; i > 0 && size() > CONTENT_CHARS; i -= 1) content.contacts[i - 1].vcard = '';
  for (const list of [content.mentions, content.system?.participants, content.poll?.options]) {
    while (list?.length > 0 && size() > CONTENT_CHARS) list.pop();
  }
  return content;
}

// ---- files ----

const FILES = new Set(['image', 'video', 'audio', 'voice', 'document', 'sticker']);

// null: a message without a file. In one that is not fetched yet the page keeps all this beside it.
function fileOf(msg) {
  if (!FILES.has(ofOurs(TYPES, msg.type))) return null;
  return {
    mimetype: text(msg.mimetype, 128),
    filename: text(msg.filename, NAME_MAX),
    sha256: hexOf(msg.filehash),
    size: count(Number(msg.size)),
    width: Math.min(count(Number(msg.width)), 1e5),
    height: Math.min(count(Number(msg.height)), 1e5),
    duration: Math.min(Math.ceil(count(Number(msg.duration) * 1000) / 1000), 1e7),
    gif: msg.isGif === true || msg.type === 'gif',
    once: msg.isViewOnce === true,
  };
}

// ---- what was added to a message since ----

async function reactionsOf(msg) {
  if (msg.hasReaction === false) return [];
  const { reactions } = await WPP.chat.getReactions(String(msg.id));
  const all = [];
  for (const { senders } of someOf(reactions, LIST_MAX)) {
    for (const { sender, reactionText, timestamp } of someOf(senders, LIST_MAX)) {
      if (reactionText) all.push({ by: peer(sender), emoji: text(reactionText, 64), t: milliseconds(timestamp) });
    }
  }
  return all.slice(0, MENTIONS_MAX);
}

const optionNames = (options, ids) =>
  someOf(ids, LIST_MAX)
    .map((id) => text(someOf(options, LIST_MAX).find(({ localId }) => localId === id)?.name, NAME_MAX))
    .filter((name) => name !== '');

async function votesOf(msg) {
  const { votes } = await WPP.chat.getVotes(String(msg.id));
  return someOf(votes, MENTIONS_MAX).map(({ sender, selectedOptions, timestamp }) => ({
    by: peer(sender),
    options: optionNames(msg.pollOptions, someOf(selectedOptions, LIST_MAX).flatMap((option) => option?.localId ?? [])),
    t: milliseconds(timestamp),
  }));
}

// A message as it is now, for whoever was not there when it changed: with its reactions and votes
// where the page can tell them. null: not a message for our readers.
async function projectNow(msg) {
  const view = project(msg);
  if (!view) return null;
  const reactions = await reactionsOf(msg).catch(() => undefined);
  if (reactions) view.reactions = reactions;
  if (view.type === 'poll') {
    const votes = await votesOf(msg).catch(() => undefined);
    if (votes) view.votes = votes;
  }
  return view;
}
