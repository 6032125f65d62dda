// The test call: what came back, and what to do about it.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { of, post } from '../../core/api.js';
import { milliseconds } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { Button, Icon, Spinner, Trouble } from '../../ui/controls.js';
import { Dialog } from '../../ui/overlay.js';
import { Code } from '../../ui/json.js';
import { SaidShort } from '../../ui/said.js';

// The words for a failure: of its status when there is one, else of its reason.
export function advice(reason, status) {
  const at = `webhooks.advice.${status || reason}`;
  if (has(at)) return t(at);
  if (status) return t(status >= 500 ? 'webhooks.advice.server' : status >= 300 && status < 400 ? 'webhooks.advice.redirect' : 'webhooks.advice.refusal');
  return reason ? '' : t('webhooks.advice.unanswered');   // some reasons say it themselves
}

function Result({ result }) {
  const { ok, status, error, reason, response_headers: headers = [], response_body: body } = result;
  return html`<div class=${`test-result ${ok ? 'ok' : 'bad'}`} role="status"><${Icon} name=${ok ? 'check-circle' : 'x-circle'} size=${28} />
    <div><strong>${ok ? t('webhooks.test_ok') : t('webhooks.test_bad')}</strong><p>${status ? html`<bdi>HTTP ${status}</bdi>` : html`<${SaidShort} section="deliveries" of=${{ code: reason, detail: error }} />`} · ${milliseconds(result.duration_ms)}</p></div></div>
    ${!ok && html`<p class="advice"><${Icon} name="information-circle" size=${18} /> <span>${advice(reason, status)}</span></p>`}
    ${headers.length > 0 && html`<h3 class="test-part">${t('webhooks.test_headers')}</h3><dl class="head-lines" dir="ltr">${headers.map((h, i) => html`<div key=${i}><dt>${h.name}</dt><dd>${h.value}</dd></div>`)}</dl>`}
    ${body ? html`<${Code} label=${t('webhooks.test_body')} text=${body} />` : status ? html`<p class="muted">${t('webhooks.test_no_body')}</p>` : null}`;
}

export function TestDialog({ hook, onClose }) {
  const [state, setState] = useState({ busy: true });
  const run = async () => {
    setState({ busy: true });
    setState(await post(of`/webhooks/${hook.id}/test`).then((result) => ({ result }), (error) => ({ error })));
  };
  useEffect(() => void run(), []);
  return html`<${Dialog} title=${t('webhooks.test_title', { name: hook.id })} onClose=${onClose}
    acts=${html`<${Button} icon="arrow-path" busy=${state.busy} onClick=${run}>${t('webhooks.test_again')}</${Button}><${Button} kind="primary" onClick=${onClose}>${t('common.close')}</${Button}>`}>
    <p class="muted">${t('webhooks.test_about')} <bdi dir="ltr" class="mono">${hook.url}</bdi></p>
    <div class="test" aria-live="polite">${state.busy ? html`<p class="row"><${Spinner} label=${t('webhooks.test_busy')} /> ${t('webhooks.test_busy')}</p>`
      : state.error ? html`<${Trouble} error=${state.error} />` : html`<${Result} result=${state.result} />`}</div></${Dialog}>`;
}
