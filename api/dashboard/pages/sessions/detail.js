// One session: what it is and does, what can be done with it, its activity, log and page.
import { html } from 'htm/preact';
import { can, isAdmin } from '../../core/auth.js';
import { dateTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { href, setQuery } from '../../core/router.js';
import { Button, Loaded, PageHead, Status, Tabs, Time } from '../../ui/controls.js';
import { Menu } from '../../ui/overlay.js';
import { Said } from '../../ui/said.js';
import { Feed } from '../activity/feed.js';
import { allowedActs, mayLink, useActs } from './acts.js';
import { Agent } from './agent.js';
import { Account, Backlog, Capabilities, Memory } from './cards.js';
import { isGone, useSession, whyOf } from './data.js';
import { Gone } from './gone.js';
import { Log } from './log.js';
import { Screen } from './screen.js';
import { Settings } from './settings.js';
import { Sync } from './sync.js';

// The first act of a status is a button; the others are in the menu.
const FIRST = ['start', 'connect', 'takeover', 'wake'];

function Acts({ session, acts }) {
  const allowed = allowedActs(session);
  const first = allowed.find((act) => FIRST.includes(act.id));
  const rest = allowed.filter((act) => act !== first);
  if (!can('sessions:manage')) return null;
  return html`${mayLink(session) && html`<${Button} kind="primary" icon="qr-code" href=${href('sessions', [session.id, 'link'])}>${t('sessions.link')}</${Button}>`}
    ${first && html`<${Button} kind="primary" icon=${first.icon} busy=${acts.busy === first.id} onClick=${() => acts.run(first)}>${t(`sessions.acts.${first.id}.act`)}</${Button}>`}
    <${Menu} label=${t('sessions.more_acts', { name: session.id })} items=${[
      ...rest.map((act) => ({ text: t(`sessions.acts.${act.id}.act`), icon: act.icon, danger: act.danger, disabled: Boolean(acts.busy), onPick: () => acts.run(act) })),
      rest.length > 0 && null,
      { text: t('sessions.remove.act'), icon: 'trash', danger: true, disabled: Boolean(acts.busy), onPick: acts.remove },
    ]} />`;
}

function Now({ session: s }) {
  return html`<p class="session-now"><${Status} value=${s.status} /> <span class="muted"><${Time} at=${s.status_since} as=${(at) => t('sessions.since_time', { time: dateTime(at) })} /></span></p>
    ${s.status_reason && html`<div class="session-reason"><${Said} section="reasons" of=${whyOf(s)} /></div>`}
    ${s.exported && html`<p class="notice" role="status">${t('sessions.exported')} ${t('sessions.exported_about')}</p>`}`;
}

const Overview = ({ session, set, take }) => html`<div class="session-cards"><${Account} session=${session} /><${Backlog} session=${session} /><${Sync} session=${session} />
  <${Memory} session=${session} />${can('agent:manage') && html`<${Agent} session=${session} />`}<${Capabilities} session=${session} /><${Settings} session=${session} set=${set} take=${take} /></div>`;

export default function Detail({ name, tab = 'overview' }) {
  const one = useSession(name);
  const acts = useActs(one.data, one.take);
  if (isGone(one)) return html`<${Gone} name=${name} known=${one.data} />`;
  const tabs = [['overview', t('sessions.tabs.overview')], ['activity', t('sessions.tabs.activity')]];
  if (isAdmin()) tabs.push(['log', t('sessions.tabs.log')], ['screen', t('sessions.tabs.screen')]);
  const chosen = tabs.some(([id]) => id === tab) ? tab : 'overview';
  return html`<nav class="crumbs" aria-label=${t('sessions.crumbs')}><a href=${href('sessions')}>${t('pages.sessions')}</a></nav>
    <${PageHead} title=${html`<span dir="ltr">${name}</span>`}>${one.data && html`<${Acts} session=${one.data} acts=${acts} />`}</${PageHead}>
    <${Loaded} of=${one} lines=${6} height=${48}>${(session) => html`<${Now} session=${session} />
      <${Tabs} label=${name} value=${chosen} onValue=${(id) => setQuery({ tab: id === 'overview' ? '' : id })} tabs=${tabs} />
      <div role="tabpanel" aria-label=${t(`sessions.tabs.${chosen}`)}>${chosen === 'activity' ? html`<${Feed} session=${name} />`
        : chosen === 'log' ? html`<${Log} name=${name} />`
        : chosen === 'screen' ? html`<${Screen} session=${session} />`
        : html`<${Overview} session=${session} set=${one.set} take=${one.take} />`}</div>`}</${Loaded}>`;
}
