// The pages, in the order of the menu. scope: what a key needs to see it; admin: an admin key only.
export const PAGES = [
  { id: 'overview', icon: 'home', scope: 'usage:read', load: () => import('../pages/overview.js') },
  { id: 'inbox', icon: 'chat-bubble-left-right', scope: 'messages:read', load: () => import('../pages/inbox.js') },
  { id: 'sessions', icon: 'device-phone-mobile', scope: 'sessions:read', load: () => import('../pages/sessions.js') },
  { id: 'webhooks', icon: 'bolt', scope: 'webhooks:read', load: () => import('../pages/webhooks.js') },
  { id: 'activity', icon: 'list-bullet', scope: 'sessions:read', load: () => import('../pages/activity.js') },
  { id: 'usage', icon: 'chart-bar', scope: 'usage:read', load: () => import('../pages/usage.js') },
  { id: 'keys', icon: 'key', scope: 'keys:manage', load: () => import('../pages/keys.js') },
  { id: 'audit', icon: 'shield-check', scope: 'audit:read', load: () => import('../pages/audit.js') },
  { id: 'settings', icon: 'cog-6-tooth', load: () => import('../pages/settings.js') },
];
