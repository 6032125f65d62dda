// The chat widget in other people's pages: which of them may show it, and what goes into them.
import { html } from 'htm/preact';
import { get, of, put } from '../../core/api.js';
import { tenant } from '../../core/auth.js';
import { t } from '../../core/i18n.js';
import { useLoad } from '../../core/load.js';
import { Card, Copy, Loaded, TextField } from '../../ui/controls.js';
import { FormEnd, useForm } from './form.js';

const lines = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);
const script = () => `<script src="${location.origin}/widget.js" data-tenant="${tenant.value}" data-ticket="TICKET" async></script>`;
const ticket = () => `curl -H "Authorization: Bearer $WABRIDGE_KEY" --json '{"session":"main","to":"+55 11 98888-7777","name":"Ana"}' ${location.origin}/v1/tenants/${tenant.value}/widget/tickets`;

function Origins({ doc, onSaved }) {
  const form = useForm({ origins: doc.origins.join('\n') }, async (v) => onSaved(await put(of`/widget`, { origins: lines(v.origins) })), { fields: ['origins'] });
  return html`<form onSubmit=${form.submit} noValidate><${Card} title=${t('settings.widget.origins')}><p class="hint">${t('settings.widget.origins_about')}</p>
    <${TextField} multiline class="code" dir="ltr" label=${t('settings.widget.list')} hint=${t('settings.guards.one_a_line')} placeholder="https://erp.example.com" value=${form.values.origins} error=${form.wrong('origins')} onValue=${form.set('origins')} />
    <${FormEnd} form=${form} /></${Card}></form>`;
}

export function Widget() {
  const doc = useLoad((signal) => get(of`/widget`, {}, { signal }), [tenant.value]);
  return html`<div class="stack"><${Loaded} of=${doc} lines=${4} height=${36} isEmpty=${() => false}>${(data) => html`<${Origins} doc=${data} onSaved=${doc.set} />`}</${Loaded}>
    <${Card} title=${t('settings.widget.how')}><ol class="step-list">
      <li><p>${t('settings.widget.ticket')}</p><${Copy} text=${ticket()} /></li>
      <li><p>${t('settings.widget.script')}</p><${Copy} text=${script()} /></li></ol>
      <p class="hint">${t('settings.widget.about')}</p></${Card}></div>`;
}
