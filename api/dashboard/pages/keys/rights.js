// Scopes and roles as docs/security.md lists them, and which of them one's own key may give.
import { can, me } from '../../core/auth.js';

export const SCOPES = [
  'messages:read', 'messages:send', 'chats:manage', 'contacts:manage', 'groups:manage', 'media:write', 'sessions:read', 'sessions:manage',
  'webhooks:read', 'webhooks:manage', 'agent:manage', 'campaigns:manage', 'events:read', 'usage:read', 'keys:manage', 'audit:read', 'tenant:manage',
];
const VIEWER = ['messages:read', 'sessions:read', 'webhooks:read', 'events:read', 'usage:read'];
const AGENT = ['messages:read', 'messages:send', 'chats:manage', 'contacts:manage', 'media:write', 'sessions:read', 'events:read'];
export const ROLES = {
  admin: ['*'],
  operator: [...new Set([...VIEWER, ...AGENT, 'groups:manage', 'sessions:manage', 'webhooks:manage', 'agent:manage', 'campaigns:manage'])],
  agent: AGENT,
  viewer: VIEWER,
};
export const isWhole = (row) => row.scopes.includes('*');
const whole = () => Boolean(me.value && (me.value.admin || me.value.scopes.includes('*')));
export const mayGive = (scope) => (scope === '*' ? whole() : can(scope));
export const roles = () => Object.keys(ROLES).filter((role) => ROLES[role].every(mayGive));
