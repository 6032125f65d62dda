// What can be done with a conversation: from its row, and from above its thread. Each shows at once,
// is taken back when it is refused, and can be undone where that means something.
import { t } from '../../core/i18n.js';
import { problem, toast } from '../../ui/overlay.js';
import { chatName } from './names.js';
import { myself, patchChat } from './store.js';

async function change(chat, body, failed, done, back) {
  try {
    await patchChat(chat.session, chat, body);
    if (done) toast(done, back && { act: t('common.undo'), onAct: () => change(chat, back, failed) });
  } catch (error) {
    problem(error, failed, { onRetry: () => change(chat, body, failed, done, back) });
  }
}

export function chatActs(chat) {
  const name = chatName(chat);
  const closed = chat.state === 'closed';
  const mine = chat.assignee === myself();
  const acts = {
    assign: (who) => change(chat, { assignee: who }, t('inbox.failed.assign')),
    toggleState: () => change(chat, { state: closed ? 'open' : 'closed' }, t('inbox.failed.state'), t(closed ? 'inbox.reopened' : 'inbox.closed', { name }), { state: chat.state }),
    pin: () => change(chat, { pinned: !chat.pinned }, t('inbox.failed.pin')),
    archive: () => change(chat, { archived: !chat.archived }, t('inbox.failed.archive'), t(chat.archived ? 'inbox.unarchived' : 'inbox.archived', { name }), { archived: chat.archived }),
    unread: () => change(chat, { unread: chat.unread_count === 0 }, t('inbox.failed.unread')),
    items: () => [
      { text: t(chat.unread_count === 0 ? 'inbox.mark_unread' : 'inbox.mark_read'), icon: chat.unread_count === 0 ? 'bell-alert' : 'check', onPick: acts.unread },
      { text: t(chat.pinned ? 'inbox.unpin' : 'inbox.pin'), icon: 'bookmark', onPick: acts.pin },
      { text: t(chat.archived ? 'inbox.unarchive' : 'inbox.archive'), icon: 'archive-box', onPick: acts.archive },
      { text: t(closed ? 'inbox.reopen' : 'inbox.close'), icon: closed ? 'arrow-path' : 'check-circle', onPick: acts.toggleState },
      { text: t(mine ? 'inbox.assign.release' : 'inbox.assign.me'), icon: mine ? 'user' : 'user-plus', onPick: () => acts.assign(mine ? null : myself()) },
    ],
  };
  return acts;
}
