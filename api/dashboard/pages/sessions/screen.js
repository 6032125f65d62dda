// The page of a session as a picture, for support. Each one is noted in the audit log, since it shows
// chats: so none is taken without being asked for.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { call, of } from '../../core/api.js';
import { time } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, Empty, Trouble } from '../../ui/controls.js';
import { Dialog } from '../../ui/overlay.js';

export function Screen({ session: s }) {
  const [picture, setPicture] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [large, setLarge] = useState(false);
  useEffect(() => () => picture && URL.revokeObjectURL(picture.url), [picture]);
  const take = async () => {
    setBusy(true);
    setError(null);
    try {
      const blob = await call('GET', of`/sessions/${s.id}/screenshot`, { as: 'blob' });
      setPicture({ url: URL.createObjectURL(blob), at: Date.now() });
    } catch (e) {
      setError(e);
    }
    setBusy(false);
  };
  const button = html`<${Button} kind=${picture ? 'plain' : 'primary'} icon=${picture ? 'arrow-path' : 'camera'} busy=${busy} onClick=${take}>${t(picture ? 'common.refresh' : 'sessions.screen.act')}</${Button}>`;
  const alt = t('sessions.screen.alt', { name: s.id });
  return html`${error && html`<${Trouble} error=${error} title=${t('sessions.screen.trouble')} onRetry=${take} />`}
    ${!picture ? html`<${Empty} icon="camera" title=${t('sessions.screen.title')} action=${button}>${t('sessions.screen.about')}</${Empty}>`
    : html`<div class="screen"><div class="row"><span class="muted">${t('sessions.screen.taken', { time: time(picture.at) })}</span>${button}<${Button} icon="magnifying-glass" onClick=${() => setLarge(true)}>${t('sessions.screen.enlarge')}</${Button}></div>
      <img src=${picture.url} alt=${alt} /></div>`}
    ${large && html`<${Dialog} wide title=${alt} onClose=${() => setLarge(false)}><img class="screen-large" src=${picture.url} alt=${alt} /></${Dialog}>`}`;
}
