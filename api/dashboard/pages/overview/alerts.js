// What goes wrong now, in words, with the way to where it can be mended.
import { html } from 'htm/preact';
import { can } from '../../core/auth.js';
import { has, t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { Button, Icon, Time } from '../../ui/controls.js';
import { AlertWords } from '../../ui/said.js';

const place = (alert) => (alert.webhook && can('webhooks:read') ? href('webhooks', [alert.webhook])
  : alert.session && can('sessions:read') ? href('sessions', [alert.session]) : undefined);
const help = (alert) => (has(`overview.alerts.help.${alert.alert}`) ? t(`overview.alerts.help.${alert.alert}`) : alert.help);
const named = (alert) => (has(`overview.alerts.kinds.${alert.alert}`) ? t(`overview.alerts.kinds.${alert.alert}`) : alert.alert);

export const Alerts = ({ items }) => items.length > 0 && html`<section class="alerts" aria-label=${t('overview.alerts.title')}>${items.map((alert) => html`<article key=${`${alert.alert}/${alert.session}/${alert.webhook}`}>
  <${Icon} name="bell-alert" size=${22} /><div><h2>${named(alert)}${(alert.webhook || alert.session) && html` · <bdi>${alert.webhook || alert.session}</bdi>`}</h2>
  <p dir="auto"><${AlertWords} alert=${alert} /> <span class="muted">· <${Time} at=${alert.since} /></span></p><p class="muted" dir="auto">${help(alert)}</p></div>
  ${place(alert) && html`<${Button} small href=${place(alert)}>${t('overview.alerts.look')}</${Button}>`}</article>`)}</section>`;
