// Where a number leads: to the list of what it counts.
import { can } from '../../core/auth.js';
import { href } from '../../core/router.js';

// What a message has come to it has come through: all that were delivered are those read since too.
export const AT_LEAST = { sent: 'sent,delivered,read,played', delivered: 'delivered,read,played', read: 'read,played' };
export const WAITING = 'queued,submitted,unconfirmed';   // in the queue of a session

export const messagesHref = (query, since) => (can('messages:read') ? href('overview', ['messages'], { ...query, since }) : undefined);
// Of a range the statistics count no history: what came while nobody listened.
export const countedHref = (query, since) => messagesHref({ ...query, backfill: 'false' }, since);
// session: the one that the numbers are of; undefined: all
export const sessionsHref = (status, session) => (!can('sessions:read') ? undefined : session ? href('sessions', [session]) : href('sessions', [], { status }));
export const inboxHref = (query) => (can('messages:read') ? href('inbox', [], query) : undefined);

// The one webhook that has such deliveries, or all webhooks with their counts.
export function webhooksHref(webhooks, state, member) {
  if (!webhooks) return undefined;
  const some = member ? webhooks.filter((hook) => hook[member] > 0) : webhooks;
  const only = some.length === 1 ? some[0] : webhooks.length === 1 ? webhooks[0] : null;
  return only ? href('webhooks', [only.id], { state }) : href('webhooks');
}
