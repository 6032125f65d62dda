// The pages, in the order of the menu. scope: what a key needs to see it; admin: an admin key only.
import { useTexts } from './i18n.js';

// A page comes with its parts of the catalogue, and with its styles when they are not in app.css.
const page = async (module, ...parts) => (await Promise.all([module, useTexts(...parts)]))[0];
let styles = null;
const conversation = () => (styles ||= new Promise((resolve, reject) => {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = import.meta.resolve('../conversation.css');
  link.onload = resolve;
  link.onerror = () => {
    link.remove();
    styles = null;   // to be asked for again
    reject(new Error(link.href));
  };
  document.head.append(link);
}));

export const PAGES = [
  { id: 'overview', icon: 'home', scope: 'usage:read', load: () => import('../pages/overview.js') },
  { id: 'inbox', icon: 'chat-bubble-left-right', scope: 'messages:read', load: async () => (await Promise.all([page(import('../pages/inbox.js'), 'inbox', 'composer', 'contact'), conversation()]))[0] },
  { id: 'sessions', icon: 'device-phone-mobile', scope: 'sessions:read', load: () => page(import('../pages/sessions.js'), 'sessions', 'activity') },
  { id: 'webhooks', icon: 'bolt', scope: 'webhooks:read', load: () => page(import('../pages/webhooks.js'), 'webhooks') },
  { id: 'activity', icon: 'list-bullet', scope: 'sessions:read', load: () => page(import('../pages/activity.js'), 'activity') },
  { id: 'usage', icon: 'chart-bar', scope: 'usage:read', load: () => page(import('../pages/usage.js'), 'usage') },
  { id: 'keys', icon: 'key', scope: 'keys:manage', load: () => page(import('../pages/keys.js'), 'keys', 'webhooks') },
  { id: 'audit', icon: 'shield-check', scope: 'audit:read', load: () => page(import('../pages/audit.js'), 'audit') },
  { id: 'settings', icon: 'cog-6-tooth', load: () => page(import('../pages/settings.js'), 'settings') },
];
