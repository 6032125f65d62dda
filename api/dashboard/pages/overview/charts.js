// The same over time.
import { html } from 'htm/preact';
import { useMemo } from 'preact/hooks';
import { duration, milliseconds, percent } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Card } from '../../ui/controls.js';
import { Chart } from '../../ui/chart.js';

const share = (part, of) => (of > 0 ? part / of : null);

export function Charts({ stats }) {
  const say = (key, values) => t(`overview.charts.${key}`, values);
  const each = useMemo(() => {
    const pick = (fn) => stats.series.map(fn);
    return {
      times: pick((s) => Date.parse(s.at) / 1000), received: pick((s) => s.received), sent: pick((s) => s.sent),
      delivery: pick((s) => share(s.delivered, s.sent)), read: pick((s) => share(s.read, s.sent)),
      response: pick((s) => s.response_median_s), latency: pick((s) => s.webhook_latency_p50_ms),
      hookFailed: pick((s) => s.webhook_failed), failed: pick((s) => s.failed),
    };
  }, [stats]);
  const common = { times: each.times, step: stats.step_s };
  const every = say('every', { step: duration(stats.step_s) });
  return html`<div class="charts">
    <${Card} class="wide"><${Chart} ...${common} title=${say('messages', { every })} kind="bars" scale="whole" height=${220} series=${[
      { label: say('received'), values: each.received, color: '--info' }, { label: say('sent'), values: each.sent, color: '--accent' }]} /></${Card}>
    <${Card}><${Chart} ...${common} title=${say('rates')} format=${percent} most=${1} series=${[
      { label: say('delivered'), values: each.delivery, color: '--accent' }, { label: say('read'), values: each.read, color: '--info' }]} /></${Card}>
    <${Card}><${Chart} ...${common} title=${say('response')} format=${duration} scale="seconds" series=${[{ label: say('median'), values: each.response, color: '--accent', fill: true }]} /></${Card}>
    ${stats.totals.webhooks && html`<${Card}><${Chart} ...${common} title=${say('latency')} format=${milliseconds} scale="ms" series=${[{ label: say('median'), values: each.latency, color: '--info', fill: true }]} /></${Card}>`}
    <${Card}><${Chart} ...${common} title=${say('failures', { every })} kind="bars" scale="whole" series=${[
      { label: say('messages_failed'), values: each.failed, color: '--bad' },
      ...(stats.totals.webhooks ? [{ label: say('attempts_failed'), values: each.hookFailed, color: '--warn' }] : [])]} /></${Card}>
  </div>`;
}
