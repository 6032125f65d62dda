// Every type of event that the server sends, by name: EventSource hands out only what is named.
// docs/webhooks.md tells what each means.
export const EVENT_TYPES = [
  'session.created', 'session.status', 'session.qr', 'session.deleted',
  'message.received', 'message.sent', 'message.status', 'message.reaction', 'message.edited', 'message.revoked',
  'message.media', 'message.updated', 'message.vote',
  'chat.updated', 'chat.history', 'chat.note', 'chat.presence',
  'contact.updated', 'contact.identity', 'contact.opted_in', 'contact.opted_out',
  'group.changed', 'call.received', 'agent.opened', 'agent.handover', 'agent.limited',
  'alert.webhook_failing', 'alert.webhook_recovered', 'alert.store_failing', 'alert.agent_failing',
  'alert.agent_recovered', 'alert.agent_loop', 'alert.session_flapping', 'alert.send_failures', 'alert.queue_old',
  'alert.memory_high', 'alert.disk_low', 'webhook.test',
];
