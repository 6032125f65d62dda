// The tenant: its name, its country and time, and what it may use. Only an admin key changes it.
import { html } from 'htm/preact';
import { get, of, put } from '../../core/api.js';
import { can, isAdmin, tenant } from '../../core/auth.js';
import { bytes, dateTime, number } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { useLoad } from '../../core/load.js';
import { Card, Loaded, TextField } from '../../ui/controls.js';
import { FormEnd, ReadOnly, useForm } from './form.js';

const MIB = 1024 * 1024;
const QUOTAS = ['sends_per_day', 'sends_per_month', 'max_sessions', 'max_webhooks', 'max_media_bytes'];
const CLASSES = ['connect', 'status', 'send', 'messages', 'contacts', 'media', 'webhooks', 'events', 'manage'];
const ZONES = () => Intl.supportedValuesOf?.('timeZone') ?? [];

// Limits as a form shows them: text, and files in MiB; empty is no limit of its own.
function shown(limits) {
  const out = {};
  for (const name of [...QUOTAS, ...CLASSES.map((c) => `${c}_per_minute`)]) {
    const value = limits[name];
    out[name] = value === undefined ? '' : String(name === 'max_media_bytes' ? Math.round(value / MIB) : value);
  }
  return out;
}
// The other way; what this page does not know stays as it is.
function sent(values, before) {
  const limits = { ...before };
  for (const [name, text] of Object.entries(values)) {
    if (String(text).trim() === '') delete limits[name];
    else limits[name] = Number(text) * (name === 'max_media_bytes' ? MIB : 1);
  }
  return limits;
}

const NumberField = ({ form, name, label, hint }) => html`<${TextField} label=${label} hint=${hint} type="number" min="0" step="1" inputmode="numeric" dir="ltr" placeholder=${t('settings.no_limit')}
  value=${form.values[name]} onValue=${form.set(name)} />`;

function Edit({ doc, onSaved }) {
  const limits = shown(doc.limits);
  const form = useForm({ name: doc.name ?? '', default_country_code: doc.default_country_code ?? '', time_zone: doc.time_zone, ...limits }, async (v) => {
    const wanted = Object.fromEntries(Object.keys(limits).map((name) => [name, v[name]]));
    onSaved(await put(of``, { name: v.name.trim() || doc.id, default_country_code: v.default_country_code.trim() || null, time_zone: v.time_zone.trim(), limits: sent(wanted, doc.limits) }));
  }, { fields: ['name', 'default_country_code', 'time_zone'] });
  const admin = isAdmin();
  return html`<form class="stack" onSubmit=${form.submit} noValidate>
    ${!admin && html`<${ReadOnly}>${t('settings.tenant.read_only')}</${ReadOnly}>`}
    <fieldset disabled=${!admin} class="grid wide-cards"><${Card} title=${t('settings.tenant.about')}>
      <${TextField} label=${t('settings.name')} maxLength="128" value=${form.values.name} error=${form.wrong('name')} onValue=${form.set('name')} />
      <${TextField} label=${t('settings.tenant.country')} hint=${t('settings.tenant.country_hint')} dir="ltr" inputmode="numeric" maxLength="3" value=${form.values.default_country_code} error=${form.wrong('default_country_code')} onValue=${form.set('default_country_code')} />
      <${TextField} label=${t('settings.tenant.zone')} hint=${t('settings.tenant.zone_hint')} dir="ltr" list="time-zones" value=${form.values.time_zone} error=${form.wrong('time_zone')} onValue=${form.set('time_zone')} />
      <datalist id="time-zones">${ZONES().map((zone) => html`<option key=${zone} value=${zone} />`)}</datalist></${Card}>
    <${Card} title=${t('settings.tenant.quotas')}><p class="hint">${t('settings.tenant.quotas_about')}</p>
      <div class="pairs">${QUOTAS.map((name) => html`<${NumberField} key=${name} form=${form} name=${name} label=${t(`settings.tenant.limits.${name}`)} />`)}</div>
      <details class="more-fields"><summary>${t('settings.tenant.rates')}</summary><p class="hint">${t('settings.tenant.rates_about')}</p>
        <div class="pairs">${CLASSES.map((c) => html`<${NumberField} key=${c} form=${form} name=${`${c}_per_minute`} label=${t(`settings.tenant.classes.${c}`)} />`)}</div></details></${Card}></fieldset>
    ${admin && html`<${FormEnd} form=${form} />`}</form>`;
}

const quotaName = (name) => (name === 'max_media_bytes' ? t('settings.tenant.files') : t(`settings.tenant.limits.${name}`));
const amount = (name, n) => (name === 'max_media_bytes' ? bytes(n) : number(n));
function Used() {
  const usage = useLoad((signal) => get(of`/usage`, {}, { signal }), [tenant.value]);
  return html`<${Card} title=${t('settings.tenant.used')}><${Loaded} of=${usage} lines=${4}>${(data) => html`<ul class="quota-list">${data.quotas.map((q) => html`<li key=${q.name}>
    <div class="row"><span>${quotaName(q.name)}</span><span class="gap" /><strong>${q.limit === null ? t('settings.tenant.used_free', { used: amount(q.name, q.used) }) : t('settings.tenant.used_of', { used: amount(q.name, q.used), limit: amount(q.name, q.limit) })}</strong></div>
    ${q.limit !== null && html`<meter min="0" max=${Math.max(q.limit, 1)} high=${q.limit * 0.8} optimum="0" value=${Math.min(q.used, q.limit)} aria-label=${quotaName(q.name)} />`}
    ${q.limit !== null && q.resets_at && html`<small>${t('settings.tenant.resets', { at: dateTime(q.resets_at) })}</small>`}</li>`)}</ul>`}</${Loaded}></${Card}>`;
}

export function Tenant() {
  const doc = useLoad((signal) => get(of``, {}, { signal }), [tenant.value]);
  return html`<div class="stack"><${Loaded} of=${doc} lines=${8} height=${36} isEmpty=${() => false}>${(data) => html`<${Edit} key=${data.id} doc=${data} onSaved=${doc.set} />`}</${Loaded}>
    ${can('usage:read') && doc.data && html`<${Used} key=${JSON.stringify(doc.data.limits)} />`}</div>`;
}
