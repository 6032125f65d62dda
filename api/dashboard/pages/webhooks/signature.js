// How a receiver knows that it was us: receivers to copy, the same files that the documentation has
// and that the tests run.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { t } from '../../core/i18n.js';
import { useLoad } from '../../core/load.js';
import { Card, Copy, Loaded, Tabs } from '../../ui/controls.js';
import { Code } from '../../ui/json.js';

const FILES = {
  python: ['Python', 'receiver.py', () => import.meta.resolve('../../examples/webhook/receiver.py'), 'python3 receiver.py'],
  node: ['Node', 'receiver.mjs', () => import.meta.resolve('../../examples/webhook/receiver.mjs'), 'node receiver.mjs'],
  php: ['PHP', 'receiver.php', () => import.meta.resolve('../../examples/webhook/receiver.php'), 'php -S 127.0.0.1:8000 receiver.php'],
  c: ['C', 'receiver.c', () => import.meta.resolve('../../examples/webhook/receiver.c'), 'cc -O2 -o receiver.cgi receiver.c -lcrypto'],
};
const SAMPLE_PATH = '/hooks/whatsapp';
function pathOf(url) {
  try {
    return new URL(url).pathname;
  } catch {
    return SAMPLE_PATH;
  }
}
// Only what a text in quotes may hold in all four languages.
const quotable = (path) => (/^[\w./~@%+,;=-]+$/.test(path) ? path : SAMPLE_PATH);

async function text(file, hook, signal) {
  const response = await fetch(FILES[file][2](), { signal, credentials: 'omit' });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.text()).replaceAll(SAMPLE_PATH, quotable(pathOf(hook.url)));
}

const HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'X-Hub-Signature-256', 'webhook-attempt'];

export function Signature({ hook }) {
  const [file, setFile] = useState('python');
  const code = useLoad((signal) => text(file, hook, signal), [file, hook.url]);
  const [, name, , command] = FILES[file];
  return html`<div class="stack"><${Card} title=${t('webhooks.signature.what')}><p>${t('webhooks.signature.about')}</p>
      <dl class="hook-facts headers-told">${HEADERS.map((h) => html`<div key=${h}><dt><bdi class="mono">${h}</bdi></dt><dd>${t(`webhooks.signature.${h.toLowerCase()}`)}</dd></div>`)}</dl>
      <p class="muted">${t('webhooks.signature.secret')}</p></${Card}>
    <${Card} title=${t('webhooks.signature.examples')}><p>${t('webhooks.signature.examples_about')}</p>
      <${Tabs} label=${t('webhooks.signature.examples')} value=${file} onValue=${setFile} tabs=${Object.entries(FILES).map(([id, [title]]) => [id, title])} />
      <p class="muted">${t('webhooks.signature.run')}</p><${Copy} text=${`WEBHOOK_SECRET=whsec_… ${command}`} />
      <${Loaded} of=${code} lines=${12} isEmpty=${() => false}>${(source) => html`<${Code} label=${name} text=${source} />`}</${Loaded}></${Card}>
    <${Card} title=${t('webhooks.signature.should')}><ul class="bullets">${['fast', 'twice', 'order', 'answers'].map((k) => html`<li key=${k}>${t(`webhooks.signature.${k}`)}</li>`)}</ul></${Card}></div>`;
}
