// What the quotas leave, as bars.
import { html } from 'htm/preact';
import { bytes, dateTime, number } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { Card } from '../../ui/controls.js';

const shown = (name, value) => (name.endsWith('_bytes') ? bytes(value) : number(value));

function Quota({ quota: { name, limit, used, resets_at: resets } }) {
  const title = has(`usage.quotas.${name}`) ? t(`usage.quotas.${name}`) : name;
  const values = { used: shown(name, used), limit: limit == null ? '' : shown(name, limit) };
  const full = limit == null ? 0 : limit === 0 ? 1 : Math.min(1, used / limit);
  const text = limit == null ? t('usage.quotas.no_limit', values) : t('usage.quotas.of', values);
  return html`<li class=${full >= 1 ? 'bad' : full >= 0.8 ? 'warn' : ''}><div class="quota-head"><span>${title}</span><strong>${text}</strong></div>
    ${limit != null && html`<div class="meter" role="meter" aria-label=${title} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(full * 100)} aria-valuetext=${text}><span style=${{ inlineSize: `${full * 100}%` }} /></div>`}
    ${resets && limit != null && html`<p class="hint">${t('usage.quotas.resets', { at: dateTime(resets) })}</p>`}</li>`;
}

export const Quotas = ({ quotas }) => html`<${Card} title=${t('usage.quotas.title')}><ul class="quotas">${quotas.map((quota) => html`<${Quota} key=${quota.name} quota=${quota} />`)}</ul></${Card}>`;
