// Settings: one tab a subject, each only for keys that may see it. The tab is in the address.
import { html } from 'htm/preact';
import { can, isAdmin, tenant } from '../core/auth.js';
import { t } from '../core/i18n.js';
import { go } from '../core/router.js';
import { PageHead, Tabs } from '../ui/controls.js';
import { Adapter } from './settings/adapter.js';
import { Alerts } from './settings/alerts.js';
import { Guards } from './settings/guards.js';
import { Node } from './settings/node.js';
import { OptOuts } from './settings/opt-outs.js';
import { Tenant } from './settings/tenant.js';
import { ThisPage } from './settings/this-page.js';
import { Widget } from './settings/widget.js';

const TABS = [
  { id: 'page', body: ThisPage, seen: () => true },
  { id: 'tenant', body: Tenant, seen: () => tenant.value },
  { id: 'guards', body: Guards, seen: () => tenant.value && can('messages:read') },
  { id: 'opt-outs', body: OptOuts, seen: () => tenant.value && can('messages:read') },
  { id: 'widget', body: Widget, seen: () => tenant.value && can('tenant:manage') },
  { id: 'alerts', body: Alerts, seen: () => can('events:read') },
  { id: 'adapter', body: Adapter, seen: isAdmin },
  { id: 'node', body: Node, seen: isAdmin },
];

export default function Settings({ parts, query }) {
  const tabs = TABS.filter((tab) => tab.seen());
  const chosen = tabs.find((tab) => tab.id === parts[0]) ?? tabs[0];
  return html`<${PageHead} title=${t('pages.settings')} />
    <${Tabs} label=${t('pages.settings')} panel="settings-panel" value=${chosen.id} tabs=${tabs.map(({ id }) => [id, t(`settings.tabs.${id}`)])} onValue=${(id) => go('settings', [id])} />
    <div id="settings-panel" class="settings" role="tabpanel" aria-label=${t(`settings.tabs.${chosen.id}`)}><${chosen.body} key=${chosen.id} query=${query} /></div>`;
}
