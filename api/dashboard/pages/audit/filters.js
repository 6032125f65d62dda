// The filters of the audit log. They live in the address: a link shows what its maker saw.
import { html } from 'htm/preact';
import { get, of } from '../../core/api.js';
import { can, tenant } from '../../core/auth.js';
import { t } from '../../core/i18n.js';
import { useLoad } from '../../core/load.js';
import { setQuery } from '../../core/router.js';
import { Button, Field, Select } from '../../ui/controls.js';
import { AREAS } from './entry.js';

const NAMES = ['action', 'actor', 'session', 'since', 'until'];
export const clear = () => setQuery(Object.fromEntries(NAMES.map((name) => [name, ''])));
export const isFiltered = (query) => NAMES.some((name) => query[name]);

// Days of the reader's clock as times of the API; the last day counts in full.
function moment(day, plus) {
  const at = new Date(`${day}T00:00:00`);
  if (Number.isNaN(at.getTime())) return undefined;
  at.setDate(at.getDate() + plus);
  return at.toISOString();
}
export const asked = ({ action, actor, session, since, until }) => ({
  action, actor, session, since: since && moment(since, 0), until: until && moment(until, 1),
});

// An address may name what no option does: it stays visible.
const withChosen = (options, chosen) => (!chosen || options.some(([value]) => value === chosen) ? options : [...options, [chosen, chosen]]);

const DayField = ({ label, name, query, min, max }) => html`<${Field} label=${label}>${(props) => html`<input ...${props} type="date" min=${min} max=${max} value=${query[name] || ''}
  onChange=${(e) => setQuery({ [name]: e.currentTarget.value })} />`}</${Field}>`;

export function Filters({ query, names, all }) {
  const sessions = useLoad(async () => (can('sessions:read') && !all ? (await get(of`/sessions`, { limit: 500 })).items : []), [tenant.value, all]);
  const choose = (name) => (value) => setQuery({ [name]: value });
  const actions = [['', t('audit.any_action')], ...AREAS.map((area) => [`${area}.*`, t(`audit.areas.${area}`)])];
  const actors = [['', t('audit.anybody')], ...[...(names ?? [])].map(([id, name]) => [`key:${id}`, name]),
    ['jwt:*', t('audit.any_token')], ['nobody', t('audit.actors.nobody')], ['daemon', t('audit.actors.daemon')]];
  return html`<form class="audit-filters" aria-label=${t('audit.filters')} onSubmit=${(e) => e.preventDefault()}>
    <${Select} label=${t('audit.what')} value=${query.action || ''} options=${withChosen(actions, query.action)} onValue=${choose('action')} />
    <${Select} label=${t('audit.who')} value=${query.actor || ''} options=${withChosen(actors, query.actor)} onValue=${choose('actor')} />
    ${!all && html`<${Select} label=${t('audit.session')} value=${query.session || ''} onValue=${choose('session')}
      options=${withChosen([['', t('audit.any_session')], ...(sessions.data ?? []).map((s) => [s.id, s.id])], query.session)} />`}
    <${DayField} label=${t('audit.since')} name="since" query=${query} max=${query.until} />
    <${DayField} label=${t('audit.until')} name="until" query=${query} min=${query.since} />
    ${isFiltered(query) && html`<div class="row"><${Button} kind="quiet" icon="x-mark" onClick=${clear}>${t('audit.clear')}</${Button}></div>`}</form>`;
}
