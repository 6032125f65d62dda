// wa-js, the library in the pages of WhatsApp Web: which build runs, trying another, going back.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { get, post } from '../../core/api.js';
import { bytes, dateTime, number } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { useInterval, useLoad } from '../../core/load.js';
import { Button, Card, Loaded, Spinner, TextField } from '../../ui/controls.js';
import { confirm, problem, toast } from '../../ui/overlay.js';
import { Said } from '../../ui/said.js';
import { Facts } from './form.js';

const LOOK_MS = 3000;
const build = (b) => html`<bdi>${b.version ?? t('settings.adapter.unknown')}</bdi> <code dir="ltr" title=${b.sha256}>${b.sha256.slice(0, 12)}</code>`;
const stateName = (state) => (has(`settings.adapter.states.${state}`) ? t(`settings.adapter.states.${state}`) : state);

function Last({ last }) {
  return html`<p class=${last.ok ? 'notice fine' : 'notice'}><strong>${t(last.ok ? 'settings.adapter.went_well' : 'settings.adapter.went_wrong', { at: dateTime(last.at) })}</strong> ${last.rolled_back && t('settings.adapter.rolled_back')} </p>${last.error && html`<${Said} of=${last.error} />`}`;
}

function Try({ idle, onStarted }) {
  const [file, setFile] = useState('');
  const [session, setSession] = useState('');
  const start = async (verb) => {
    if (verb === 'use' && !(await confirm({ title: t('settings.adapter.use_title'), text: t('settings.adapter.use_text'), act: t('settings.adapter.use') }))) return;
    await post(`/v1/adapter/${verb}`, { file: file.trim(), ...(session.trim() ? { session: session.trim() } : {}) }).then(onStarted, (error) => problem(error));
  };
  return html`<${Card} title=${t('settings.adapter.another')}><p class="hint">${t('settings.adapter.another_about')}</p>
    <div class="pairs"><${TextField} label=${t('settings.adapter.file')} hint=${t('settings.adapter.file_hint')} dir="ltr" class="code" value=${file} onValue=${setFile} />
    <${TextField} label=${t('settings.adapter.canary')} optional hint=${t('settings.adapter.canary_hint')} dir="ltr" value=${session} onValue=${setSession} /></div>
    <div class="row"><${Button} disabled=${!idle || !file.trim()} onClick=${() => start('test')}>${t('settings.adapter.test')}</${Button}><${Button} kind="primary" disabled=${!idle || !file.trim()} onClick=${() => start('use')}>${t('settings.adapter.use')}</${Button}></div></${Card}>`;
}

export function Adapter() {
  const doc = useLoad((signal) => get('/v1/adapter', {}, { signal }), []);
  const busy = doc.data && doc.data.state !== 'idle';
  useInterval(() => busy && doc.reload(), LOOK_MS, [busy, doc.reload]);
  const back = async () => {
    const { previous } = doc.data;
    if (!(await confirm({ title: t('settings.adapter.back_title'), text: t('settings.adapter.back_text', { version: previous.version ?? previous.sha256.slice(0, 12) }), act: t('settings.adapter.back'), danger: true }))) return;
    await post('/v1/adapter/rollback').then(() => (toast(t('settings.adapter.started')), doc.reload()), (error) => problem(error));
  };
  return html`<${Loaded} of=${doc} lines=${6} height=${32} isEmpty=${() => false}>${(a) => html`<div class="stack"><${Card} title=${t('settings.adapter.title')}
      acts=${a.previous && html`<${Button} icon="arrow-uturn-left" disabled=${busy} onClick=${back}>${t('settings.adapter.back')}</${Button}>`}>
    <p class="hint">${t('settings.adapter.about')}</p>
    <${Facts} rows=${[[t('settings.adapter.current'), build(a.current)], [t('settings.adapter.source'), `${t(`settings.adapter.sources.${a.current.source}`)} · ${bytes(a.current.bytes)}`],
      [t('settings.adapter.previous'), a.previous ? build(a.previous) : t('common.none')],
      [t('settings.adapter.state'), html`${busy && html`<${Spinner} />`} ${stateName(a.state)}`],
      ...a.sessions.map((s) => [t('settings.adapter.running', { version: s.version ?? s.sha256.slice(0, 12) }), t('settings.adapter.sessions', { n: s.count })])]} />
    ${a.sessions.length > 1 && html`<p class="notice">${t('settings.adapter.mixed', { n: number(a.sessions.length) })}</p>`}
    ${a.last && html`<${Last} last=${a.last} />`}</${Card}><${Try} idle=${!busy} onStarted=${() => (toast(t('settings.adapter.started')), doc.reload())} /></div>`}</${Loaded}>`;
}
