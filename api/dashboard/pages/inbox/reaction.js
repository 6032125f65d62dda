// What this account says to a message with one emoji.
import { t } from '../../core/i18n.js';
import { problem } from '../../ui/overlay.js';
import { react, sessions } from './store.js';

const isOwn = (m, by) => {
  const account = sessions.value.find((s) => s.id === m.session)?.account;
  return Boolean(account && by && ((by.phone && by.phone === account.phone) || (by.lid && by.lid === account.lid)));
};
export const ownReaction = (m) => m.reactions?.find((r) => isOwn(m, r.by))?.emoji;

// The one that is there already takes it back.
export async function reactTo(m, emoji) {
  await react(m, ownReaction(m) === emoji ? '' : emoji).catch((error) => problem(error, t('inbox.react_failed')));
}
