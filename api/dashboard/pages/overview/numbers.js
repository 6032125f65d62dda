// The overview itself. Loaded anew when something happens, at most every few seconds, and each minute.
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { all, get, of } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { t } from '../../core/i18n.js';
import { throttled, useEvents, useInterval, useLoad } from '../../core/load.js';
import { setQuery } from '../../core/router.js';
import { Card, PageHead, Select, Skeleton, Trouble } from '../../ui/controls.js';
import { Alerts } from './alerts.js';
import { Charts } from './charts.js';
import { FirstSteps, steps } from './first_steps.js';
import { Queues, Sessions, Tiles } from './tiles.js';

export const RANGES = ['1h', '24h', '7d', '30d', '90d'];
const QUIET_MS = 3000;   // with the limits of a key in mind: three requests a round
export const rangeOf = (query) => (RANGES.includes(query.range) ? query.range : '24h');

const Ranges = ({ range }) => html`<div class="segments" role="group" aria-label=${t('overview.range')}>${RANGES.map((name) => html`<button key=${name} type="button" aria-pressed=${String(name === range)}
  onClick=${() => setQuery({ range: name === '24h' ? undefined : name })}>${t(`overview.ranges.${name}`)}</button>`)}</div>`;

// What a key may not read is not asked for.
const unlessForbidden = (promise) => promise.catch((error) => {
  if (error.status === 403 || error.status === 404) return null;
  throw error;
});
async function load({ range, session }, signal) {
  const [stats, alerts, webhooks] = await Promise.all([
    get(of`/stats`, { range, session }, { signal }),
    can('events:read') ? unlessForbidden(get(of`/alerts`, {}, { signal })) : null,
    can('webhooks:read') ? unlessForbidden(get(of`/webhooks`, { limit: 100 }, { signal })) : null,
  ]);
  // the one session that is still to be linked, so that the step leads to its code
  const only = stats.sessions.total === 1 && can('sessions:manage') ? (await get(of`/sessions`, { limit: 1 }, { signal })).items[0] : null;
  return { range, session, stats, only, alerts: alerts?.items || [], webhooks: webhooks?.items || null };
}

const Waiting = () => html`<div aria-busy="true"><div class="tiles">${Array.from({ length: 8 }, (_, i) => html`<${Card} key=${i} class="tile"><${Skeleton} lines=${2} height=${24} /></${Card}>`)}</div>
  <div class="charts">${Array.from({ length: 4 }, (_, i) => html`<${Card} key=${i}><${Skeleton} lines=${1} height=${250} /></${Card}>`)}</div></div>`;

export function Numbers({ query }) {
  const range = rangeOf(query);
  const session = query.session || undefined;
  const wanted = useRef();
  wanted.current = { range, session };
  const sessions = useLoad((signal) => (can('sessions:read') ? all(of`/sessions`, {}, { signal }) : []), []);
  const state = useLoad((signal) => load(wanted.current, signal), []);   // the old range stays until the new one is here
  const soon = useMemo(() => throttled(state.reload, QUIET_MS), [state.reload]);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) state.reload();
    first.current = false;
  }, [range, session]);
  useEvents(['session.created', 'session.deleted'], (event) => {
    sessions.reload();
    if (event.type === 'session.deleted' && event.session === session) setQuery({ session: undefined });
  }, [sessions.reload, session]);
  useEvents(['message.*', 'session.created', 'session.status', 'session.deleted', 'alert.*', 'gap', 'reconnected'], soon, [soon]);
  useEffect(() => soon.cancel, [soon]);
  useInterval(state.reload, 60_000, [state.reload]);
  const { data } = state;
  const todo = data ? steps(data) : [];
  const fresh = data && data.stats.sessions.total === 0;
  return html`<${PageHead} title=${t('pages.overview')} about=${fresh ? undefined : t('overview.about')}>${!fresh && html`${(sessions.data?.length > 1 || session) && html`<div class="of-session"><${Select} label=${t('overview.list.session')} value=${session || ''}
      options=${[['', t('overview.sessions.all')], ...(sessions.data || []).map((s) => [s.id, s.id])]} onValue=${(id) => setQuery({ session: id })} /></div>`}<${Ranges} range=${range} />`}</${PageHead}>
    ${state.error && html`<${Trouble} error=${state.error} onRetry=${state.reload} />`}
    ${!data ? !state.error && html`<${Waiting} />` : html`<div class="overview" data-ready aria-busy=${String(state.loading && (data.range !== range || data.session !== session))}>
      ${todo.some((s) => !s.done) && html`<${FirstSteps} steps=${todo} fresh=${fresh} />`}
      ${!fresh && html`<${Alerts} items=${data.alerts} /><${Tiles} data=${data} />
        <${Charts} stats=${data.stats} /><div class="grid lower"><${Sessions} sessions=${data.stats.sessions} session=${data.session} /><${Queues} data=${data} /></div>`}</div>`}`;
}
