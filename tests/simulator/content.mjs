// What a message of each kind carries, as the far end keeps it, and how a test is shown it. Pages see
// the same fields (page/kinds.js puts them into the page's own).

export const CONTENT_FIELDS = [
  'type', 'text', 'quoted', 'mentions', 'mention_all', 'forwarded', 'link',
  // files
  'mimetype', 'filename', 'size', 'filehash', 'direct_path', 'width', 'height', 'duration', 'gif', 'view_once',
  // places, people, polls, calls; `text` is the place's name and address, and the poll's question
  'lat', 'lng', 'live', 'contacts', 'poll_options', 'max_choices', 'video', 'group', 'state',
];

export function vcardOf({ name, phones = [] }) {
  const numbers = phones.map((phone) => `TEL;type=CELL;waid=${phone}:+${phone}\n`).join('');
  return `BEGIN:VCARD\nVERSION:3.0\nN:;${name};;;\nFN:${name}\n${numbers}END:VCARD`;
}

const phonesIn = (vcard) => Array.from(vcard.matchAll(/^TEL[^:]*:\+?([\d -]+)/gm), ([, number]) => number.replace(/\D/g, ''));
const nameIn = (vcard) => /^FN:(.*)$/m.exec(vcard)?.[1].trim() ?? null;

function contactsOf({ type, contacts, text }) {
  if (type !== 'vcard' && type !== 'multi_vcard') return null;
  return (contacts ?? [{ vcard: text ?? '' }]).map(({ name, vcard }) => ({
    name: name ?? nameIn(vcard),
    phones: phonesIn(vcard),
    vcard,
  }));
}

function locationOf({ type, lat, lng, text, live }) {
  if (type !== 'location') return null;
  const [name, ...address] = (text ?? '').split('\n');
  return { latitude: lat ?? null, longitude: lng ?? null, name, address: address.join('\n'), live: live === true };
}

function pollOf({ type, text, poll_options, max_choices, votes }) {
  if (type !== 'poll_creation') return null;
  return {
    question: text ?? '',
    options: poll_options ?? [],
    max_choices: max_choices ?? 0,
    votes: Array.from(votes ?? [], ([by, { options, t }]) => ({ by, options, t })),
  };
}

const callOf = ({ type, video, group, state, duration }) =>
  type === 'call_log' ? { video: video === true, group: group === true, state, duration: duration ?? 0 } : null;

// One item of /received, /inbox and /message.
export const messageItem = (m) => ({
  seq: m.seq,
  id: m.id,
  from: m.from,
  to: m.to,
  type: m.type,
  text: m.text ?? null,
  quoted: m.quoted ?? null,
  mentions: m.mentions ?? [],
  mention_all: m.mention_all === true,
  forwarded: m.forwarded === true,
  link: m.link ?? null,
  mimetype: m.mimetype ?? null,
  filename: m.filename ?? null,
  size: m.size ?? null,
  filehash: m.filehash ?? null,
  width: m.width ?? null,
  height: m.height ?? null,
  duration: m.duration ?? null,
  ptt: m.type === 'ptt',
  gif: m.gif === true,
  view_once: m.view_once === true,
  location: locationOf(m),
  contacts: contactsOf(m),
  poll: pollOf(m),
  call: callOf(m),
  t: m.t,
  count: m.count,
  pending: m.pending === true,
  edited: m.edited,
  revoked: m.revoked,
  reactions: Object.fromEntries(m.reactions),
  acks: Object.fromEntries(m.levels),
});
