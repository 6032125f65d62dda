// Catching up: what came while the session was away, and jobs that fetch older history.
import { html } from 'htm/preact';
import { get, of, post } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { milliseconds } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { useInterval, useLoad } from '../../core/load.js';
import { Button, Card, ExactTime, Loaded, Time } from '../../ui/controls.js';
import { problem } from '../../ui/overlay.js';
import { SaidShort } from '../../ui/said.js';
import { Facts } from './cards.js';

const RUNNING_MS = 2000;
const IDLE_MS = 30_000;
const TONE = { running: 'info', waiting: 'info', done: 'ok', failed: 'bad', idle: 'still' };
const State = ({ value }) => html`<span class=${`status ${TONE[value] || 'still'}`}>${has(`sessions.sync.${value}`) ? t(`sessions.sync.${value}`) : value}</span>`;

const Job = ({ job }) => html`<li><div class="row"><code dir="ltr">${job.chat}</code><${State} value=${job.state} /></div>
  <small>${t('sessions.sync.job', { n: job.messages_new })}${job.error && html` <${SaidShort} of=${job.error} />`}</small></li>`;

const Run = ({ run }) => html`<${Facts} rows=${[[t('sessions.sync.last'), html`<${Time} at=${run.finished_at || run.started_at} />`], [t('sessions.sync.took'), milliseconds(run.duration_ms)],
  [t('sessions.sync.found'), t('sessions.sync.messages', { n: run.messages_new, chats: run.chats_seen })],
  run.error && [t('sessions.sync.error'), html`<${SaidShort} of=${run.error} />`]]} />`;

export function Sync({ session: s }) {
  const sync = useLoad((signal) => get(of`/sessions/${s.id}/sync`, {}, { signal }), [s.id, s.status]);
  const busy = sync.data && (sync.data.state === 'running' || sync.data.history.some((job) => ['running', 'waiting'].includes(job.state)));
  useInterval(sync.reload, busy ? RUNNING_MS : IDLE_MS, [sync.reload]);
  const start = async () => {
    const before = sync.data;
    sync.set((now) => now && { ...now, state: 'running' });
    try {
      sync.set(await post(of`/sessions/${s.id}/sync`));
    } catch (error) {
      sync.set(before);
      problem(error, t('sessions.sync.refused'));
    }
  };
  return html`<${Card} title=${t('sessions.sync.title')} acts=${can('sessions:manage') && s.status === 'ready' && html`<${Button} small icon="arrow-path" busy=${sync.data?.state === 'running'} onClick=${start}>${t('sessions.sync.act')}</${Button}>`}>
    <${Loaded} of=${sync} lines=${3}>${(data) => html`<p class="row"><${State} value=${data.state} />${data.watermark && html`<span class="muted">${t('sessions.sync.until')} <${ExactTime} at=${data.watermark} /></span>`}</p>
      ${data.last ? html`<${Run} run=${data.last} />` : html`<p class="muted">${t('sessions.sync.never')}</p>`}
      ${data.history.length > 0 && html`<h3>${t('sessions.sync.history')}</h3><ul class="jobs">${data.history.map((job) => html`<${Job} key=${job.id} job=${job} />`)}</ul>`}`}</${Loaded}></${Card}>`;
}
