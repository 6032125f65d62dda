// Which events: everything, families, or single types, each in words.
import { html } from 'htm/preact';
import { useId } from 'preact/hooks';
import { EVENT_TYPES } from '../../core/events.js';
import { has, t } from '../../core/i18n.js';
import { Badge, Checkbox, Icon, IconButton } from '../../ui/controls.js';

const families = Map.groupBy?.(EVENT_TYPES.filter((type) => type !== 'webhook.test'), (type) => type.split('.')[0])
  ?? EVENT_TYPES.filter((type) => type !== 'webhook.test').reduce((m, type) => m.set(type.split('.')[0], [...(m.get(type.split('.')[0]) || []), type]), new Map());
const words = (type) => (has(`webhooks.type.${type}`) ? t(`webhooks.type.${type}`) : undefined);

function Family({ name, types, value, onValue }) {
  const every = `${name}.*`;
  const whole = value.includes(every);
  const chosen = types.filter((type) => value.includes(type)).length;
  const without = (list) => list.filter((p) => p !== every && !types.includes(p));
  return html`<details class="family" open=${whole || chosen > 0}><summary><span>${t(`webhooks.family.${name}`)}</span>
    ${(whole || chosen > 0) && html`<${Badge} tone="accent">${whole ? t('common.all') : chosen}</${Badge}>`}<${Icon} name="chevron-down" size=${16} /></summary>
    <${Checkbox} label=${html`<bdi class="mono">${every}</bdi>`} hint=${t('webhooks.family_all')} checked=${whole} onValue=${(on) => onValue(on ? [...without(value), every] : without(value))} />
    ${types.map((type) => html`<${Checkbox} key=${type} label=${html`<bdi class="mono">${type}</bdi>`} hint=${words(type)} checked=${whole || value.includes(type)} disabled=${whole}
      onValue=${(on) => onValue(on ? [...value, type] : value.filter((p) => p !== type))} />`)}</details>`;
}

export function EventsPicker({ value, onValue, error }) {
  const id = useId();
  const isAll = value.includes('*');
  const others = value.filter((p) => p !== '*' && !EVENT_TYPES.includes(p) && !families.has(p.replace(/\.\*$/, '')));
  return html`<fieldset class="field events"><legend>${t('webhooks.events')}</legend>
    <label class="check"><input type="radio" name=${id} checked=${isAll} onChange=${() => onValue(['*'])} /><span>${t('webhooks.all_events')}<small>${t('webhooks.all_events_about')}</small></span></label>
    <label class="check"><input type="radio" name=${id} checked=${!isAll} onChange=${() => onValue(['message.*'])} /><span>${t('webhooks.some_events')}</span></label>
    ${!isAll && html`<div class="families">${[...families].map(([name, types]) => html`<${Family} key=${name} name=${name} types=${types} value=${value} onValue=${onValue} />`)}
      ${others.map((p) => html`<p key=${p} class="row"><${Badge}><bdi class="mono">${p}</bdi></${Badge}><${IconButton} icon="x-mark" size=${16} label=${t('webhooks.remove_pattern', { pattern: p })} onClick=${() => onValue(value.filter((v) => v !== p))} /></p>`)}</div>`}
    ${error && html`<p class="error"><${Icon} name="exclamation-circle" size=${16} /> ${error}</p>`}</fieldset>`;
}
