// Where a number leads: to the list of what it counts.
import { can } from '../../core/auth.js';
import { href } from '../../core/router.js';

export const messagesHref = (query, since) => (can('messages:read') ? href('overview', ['messages'], { ...query, since }) : undefined);
export const sessionsHref = (status) => (can('sessions:read') ? href('sessions', [], { status }) : undefined);
export const inboxHref = (query) => (can('messages:read') ? href('inbox', [], query) : undefined);

// The one webhook that has such deliveries, or all webhooks with their counts.
export function webhooksHref(webhooks, state, member) {
  if (!webhooks) return undefined;
  const some = member ? webhooks.filter((hook) => hook[member] > 0) : webhooks;
  const only = some.length === 1 ? some[0] : webhooks.length === 1 ? webhooks[0] : null;
  return only ? href('webhooks', [only.id], { state }) : href('webhooks');
}
