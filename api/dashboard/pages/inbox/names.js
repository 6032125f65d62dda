// What a chat is called, and which ids mean the same one.
import { phone as phoneText } from '../../core/format.js';
import { t } from '../../core/i18n.js';

export const keyOf = (session, chat) => `${session}/${chat}`;
const words = (chat) => [chat?.id, chat?.contact_id, chat?.lid, chat?.phone].filter(Boolean);
// A person has a number, a LID, or both, and events may name either.
export const sameChat = (a, b) => {
  const mine = words(a);
  return words(b).some((word) => mine.includes(word));
};
export const chatName = (chat) => chat?.name || phoneText(chat?.phone) || (chat?.type === 'group' ? t('inbox.group') : t('inbox.unknown_person'));
export const personName = (person) => person?.name || phoneText(person?.phone) || t('inbox.unknown_person');
export const personKey = (person) => person?.contact_id || person?.id || person?.phone || '';
