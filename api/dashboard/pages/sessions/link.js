// Linking an account, from a session that is stopped to "Linked as …", and what to do about each
// status that is on the way or in it.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { can } from '../../core/auth.js';
import { number, phone } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { Button, Card, Icon, Loaded, PageHead, Spinner, Status, Tabs } from '../../ui/controls.js';
import { Said } from '../../ui/said.js';
import { ACTS, useActs } from './acts.js';
import { PairingCode, QrCode, Steps } from './code.js';
import { accountName, isGone, isLinked, useSession, whyOf } from './data.js';
import { Gone } from './gone.js';

const STAGES = ['starting', 'unlinked', 'linking', 'syncing', 'ready'];

function Stepper({ status }) {
  const at = STAGES.indexOf(status);
  return html`<ol class="stepper" aria-label=${t('sessions.stages.title')}>${STAGES.map((stage, i) => {
    const state = at < 0 ? '' : i < at || status === 'ready' ? 'done' : i === at ? 'now' : '';
    return html`<li key=${stage} class=${state} aria-current=${state === 'now' ? 'step' : undefined}><span class="stage-sign" aria-hidden="true">${state === 'done' ? html`<${Icon} name="check" size=${16} />` : number(i + 1)}</span>
      <span>${t(`sessions.stages.${stage}`)}${state === 'done' && html`<span class="hidden"> ${t('sessions.stages.done')}</span>`}</span></li>`;
  })}</ol>`;
}

// A state in words, and at most two things to do about it.
const Say = ({ icon, tone = '', title, about, reason, busy, children }) => html`<div class=${`say ${tone}`}><span class="empty-sign">${busy ? html`<${Spinner} label=${title} />` : html`<${Icon} name=${icon} size=${28} />`}</span>
  <h2>${title}</h2>${about && html`<p>${about}</p>`}${reason && html`<div class="reason"><${Said} section="reasons" of=${reason} /></div>`}${children && html`<div class="acts">${children}</div>`}</div>`;

function Codes({ session }) {
  const [way, setWay] = useState('qr');
  const label = t('sessions.ways');
  return html`<${Tabs} label=${label} value=${way} onValue=${setWay} tabs=${[['qr', t('sessions.way_qr')], ['pair', t('sessions.way_pair')]]} />
    <div class="link-ways" role="tabpanel" aria-label=${t(`sessions.way_${way}`)}><div class="link-code">${way === 'qr' ? html`<${QrCode} session=${session} />` : html`<${PairingCode} session=${session} />`}</div><${Steps} way=${way} /></div>`;
}

function Linked({ session }) {
  const name = accountName(session) || phone(session.account.phone);
  return html`<${Say} icon="check-circle" tone="good" title=${t('sessions.linked_as', { name })} about=${session.status === 'ready' ? t('sessions.linked_about', { phone: phone(session.account.phone) }) : t('sessions.syncing_about')}>
    ${can('messages:read') && html`<${Button} kind="primary" icon="chat-bubble-left-right" href=${href('inbox', [session.id])}>${t('sessions.open_inbox')}</${Button}>`}
    ${can('webhooks:manage') && html`<${Button} icon="bolt" href=${href('webhooks')}>${t('sessions.add_webhook')}</${Button}>`}
    <${Button} icon="device-phone-mobile" href=${href('sessions', [session.id])}>${t('sessions.to_session')}</${Button}></${Say}>`;
}

const usedUp = (s) => s.status === 'stopped' && s.reason_code === 'codes_used_up';
const noMemory = (s) => s.reason_code === 'out_of_memory_budget';

// What a status that waits for somebody says: [icon, words, act, tone]
function waiting(s) {
  if (usedUp(s)) return ['clock', 'used_up', 'start'];
  if (s.status === 'stopped') return ['qr-code', isLinked(s) ? 'linked_stopped' : 'stopped', 'start'];
  if (s.status === 'logged_out') return ['link-slash', 'logged_out', 'start', 'bad'];
  if (s.status === 'failed') return ['exclamation-triangle', 'failed', 'start', 'bad'];
  if (s.status === 'conflict') return ['arrows-right-left', 'conflict', 'takeover', 'warn'];
  if (s.status === 'hibernating') return ['moon', 'hibernating', 'wake'];
  return ['signal-slash', 'disconnected', 'start', 'warn'];
}

function Waiting({ session, acts }) {
  const [icon, words, act, tone] = waiting(session);
  const run = () => (act === 'start' ? acts.start() : acts.run({ ...ACTS.find((a) => a.id === act), ask: false }));
  const reason = words !== 'used_up' && session.status_reason && whyOf(session);
  return html`<${Say} icon=${icon} tone=${tone} title=${t(`sessions.wait.${words}.title`)} about=${t(`sessions.wait.${words}.about`)} reason=${reason}>
    ${can('sessions:manage') && html`<${Button} kind="primary" busy=${Boolean(acts.busy)} onClick=${run}>${t(`sessions.wait.${words}.act`)}</${Button}>`}</${Say}>`;
}

function Stage({ session, acts }) {
  if (session.exported) return html`<${Say} icon="arrow-top-right-on-square" title=${t('sessions.exported')} about=${t('sessions.exported_about')} />`;
  switch (session.status) {
    case 'ready': case 'syncing':
      return session.account ? html`<${Linked} session=${session} />` : html`<${Say} busy title=${t('sessions.stages.syncing')} />`;
    case 'starting':
      return html`<${Say} busy title=${t(noMemory(session) ? 'sessions.no_memory' : 'sessions.starting')} about=${t(noMemory(session) ? 'sessions.no_memory_about' : 'sessions.starting_about')} reason=${session.status_reason && !noMemory(session) && whyOf(session)} />`;
    case 'linking':
      return html`<${Say} busy title=${t('sessions.linking')} about=${t('sessions.linking_about')} />`;
    case 'unlinked':
      return can('sessions:manage') ? html`<${Codes} session=${session} />` : html`<${Say} icon="lock-closed" title=${t('errors.forbidden')} about=${t('sessions.may_not_link')} />`;
    default:
      return html`<${Waiting} session=${session} acts=${acts} />`;
  }
}

export default function Link({ name }) {
  const one = useSession(name, { often: true });
  const acts = useActs(one.data, one.take);
  if (isGone(one)) return html`<${Gone} name=${name} known=${one.data} />`;
  return html`<nav class="crumbs" aria-label=${t('sessions.crumbs')}><a href=${href('sessions')}>${t('pages.sessions')}</a> <span aria-hidden="true">/</span> <a href=${href('sessions', [name])} dir="ltr">${name}</a></nav>
    <${PageHead} title=${t('sessions.link_title', { name })}>${one.data && html`<${Status} value=${one.data.status} />`}</${PageHead}>
    <${Loaded} of=${one} lines=${6} height=${48}>${(session) => html`<p class="hidden" role="status">${t(`status.${session.status}`)}</p><${Card} class="session-linking"><${Stepper} status=${session.status} /><${Stage} session=${session} acts=${acts} /></${Card}>`}</${Loaded}>`;
}
