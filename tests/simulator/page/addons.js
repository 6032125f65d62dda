// What others hang on a message: reactions and votes. Each person has one of a kind on a message, and
// a new one takes the place of the old. Clients hear of them by wrapping the functions of the page
// that put them away, and look them up by others.

import { BaseModel, Collection, defineModel } from './core.js';
import { save } from './disk.js';
import { MsgKey, wid } from './ids.js';
import * as profile from './profile.js';
import { define, own } from './runtime.js';

const addons = new Map();   // parent key -> rows of either kind, see put

const rowsOf = (kind, parent) => (addons.get(String(parent)) ?? []).filter((row) => row.kind === kind);

function remember(row) {
  const others = (addons.get(row.parent) ?? []).filter((other) => other.key !== row.key);
  addons.set(row.parent, [...others, row]);
}

export async function restoreAddons() {
  const rows = await profile.allAddons();
  for (const row of rows) remember(row);
  for (const parent of new Set(rows.map((row) => row.parent))) mirror(parent);
}

async function put(kind, message, { sender, by_me, t, ...rest }) {
  const parent = String(message.id);
  const row = { key: `${kind} ${parent} ${sender}`, kind, parent, sender: String(sender), by_me, t, ...rest };
  const id = await MsgKey.newId();
  remember({ ...row, id });
  await profile.storeAddon({ ...row, id });
  return { ...row, id };
}

// What comes with a history: nobody is told.
export async function recall(key, { reactions, votes }) {
  for (const reaction of reactions) await put('reaction', { id: key }, reaction);
  for (const vote of votes) await put('vote', { id: key }, vote);
  if (reactions.length > 0) mirror(String(key));
}

export function dropAddons(message) {
  const parent = String(message.id);
  AllReactions.remove(parent);
  const keys = (addons.get(parent) ?? []).map(({ key }) => key);
  addons.delete(parent);
  return profile.deleteAddons(keys);
}

// Each is a message of its own, of its sender.
function keyOf({ id, parent, sender, by_me }) {
  const { remote, participant } = MsgKey.fromString(parent);
  return new MsgKey({ fromMe: by_me, remote, id, participant: participant && wid(sender) });
}

// ---- reactions ----

// All reactions to one message, one model for each emoji.
class Reactions extends BaseModel {
  initialize() {
    this._assign({ reactions: new ReactionCollection() });
  }
}
defineModel(Reactions, { proxyName: 'reactions', props: ['id', 'reactions', 'reactionByMe'] });

class Reaction extends BaseModel {}
defineModel(Reaction, { proxyName: 'reaction', props: ['id', 'aggregateEmoji', 'hasReactionByMe', 'senders'] });

class ReactionCollection extends Collection {}
ReactionCollection.model = Reaction;

class ReactionsCollection extends Collection {}
ReactionsCollection.model = Reactions;
const AllReactions = new ReactionsCollection();

function mirror(parent) {
  const { reactions, reactionByMe } = reactionsOf(parent);
  const model = AllReactions.gadd(parent);
  model.reactions.remove([...model.reactions.getModelsArray()]);
  model.reactions.add(reactions.map((reaction) => ({ ...reaction, id: reaction.aggregateEmoji })));
  model.set('reactionByMe', reactionByMe);
}

const reactionView = (row) => ({
  id: String(keyOf(row)),
  msgKey: String(keyOf(row)),
  parentMsgKey: row.parent,
  reactionText: row.emoji,
  senderUserJid: row.sender,
  timestamp: row.t * 1000,
  t: row.t,
  read: false,
  orphan: 0,
});

// view: {emoji, t, by_me, sender}; no emoji takes the reaction back
export async function showReaction(message, { emoji, t, by_me, sender }) {
  const row = await put('reaction', message, { emoji, t, by_me, sender });
  mirror(String(message.id));
  message.set('hasReaction', rowsOf('reaction', message.id).some((other) => other.emoji !== ''));
  await save(message);
  // Both clients learn of a reaction by wrapping one of these two.
  own('WAWebReactionsCollectionUtils').addOrUpdateReactionsModelCollection(reactionView(row), true);
  own('WAWebAddonReactionTableMode').reactionTableMode.bulkUpsert([
    {
      id: keyOf(row),
      reactionParentKey: message.id,
      reactionText: emoji,
      reactionTimestamp: t * 1000,
      from: wid(row.sender),
      author: wid(row.sender),
      read: false,
      orphan: 0,
    },
  ]);
}

export function reactionsOf(key) {
  const rows = rowsOf('reaction', key).filter(({ emoji }) => emoji !== '');
  const mine = rows.find(({ by_me }) => by_me);
  return {
    id: String(key),
    reactionByMe: mine && reactionView(mine),
    reactions: [...new Set(rows.map(({ emoji }) => emoji))].map((emoji) => ({
      aggregateEmoji: emoji,
      hasReactionByMe: rows.some((row) => row.emoji === emoji && row.by_me),
      senders: rows.filter((row) => row.emoji === emoji).map(reactionView),
    })),
  };
}

// ---- votes ----

const voteView = (row) => ({
  msgKey: String(keyOf(row)),
  parentMsgKey: MsgKey.fromString(row.parent),
  sender: wid(row.sender),
  senderTimestampMs: row.t,
  selectedOptionLocalIds: row.ids,
  read: false,
});

// view: {ids, t, by_me, sender}: all that one person chooses in a poll now
export async function showVote(message, { ids, t, by_me, sender }) {
  const row = await put('vote', message, { ids, t, by_me, sender });
  await own('WAWebPollsVotesSchema').upsertVotes([voteView(row)]);
  await own('WAWebAddonPollVoteTableMode').pollVoteTableMode.bulkUpsert([
    {
      id: keyOf(row),
      pollUpdateParentKey: message.id,
      selectedOptionLocalIds: ids,
      t,
      from: wid(row.sender),
      author: wid(row.sender),
    },
  ]);
}

const votesOf = (key) => rowsOf('vote', key).filter(({ ids }) => ids.length > 0).map(voteView);

// Only the instance: a client takes the first of the two that it finds.
define('WAWebReactionsCollection', () => ({ ReactionsCollection: AllReactions, Reactions }));
define('WAWebReactionsCollectionUtils', () => ({ addOrUpdateReactionsModelCollection() {} }));
define('WAWebAddonReactionTableMode', () => ({ reactionTableMode: { bulkUpsert: async (rows) => rows } }));
define('WAWebAddonPollVoteTableMode', () => ({ pollVoteTableMode: { bulkUpsert: async (rows) => rows } }));
define('WAWebGetReactions', () => ({ getReactions: async (key) => reactionsOf(key) }));
define('WAWebPollsVotesSchema', () => ({
  upsertVotes: async (rows) => rows,
  getTable: () => ({
    equals: async (columns, parent) =>
      votesOf(parent).map((vote) => ({ ...vote, parentMsgKey: parent, sender: String(vote.sender) })),
  }),
}));
define('WAWebPollsVotes', () => ({
  getVotes: async (keys) => keys.flatMap(votesOf),
  getVote: async (key) => votesOf(key)[0],
}));
