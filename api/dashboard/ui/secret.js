// A secret that is shown once: it goes only when a person says that it is stored.
import { html } from 'htm/preact';
import { t } from '../core/i18n.js';
import { Button, Copy, Icon } from './controls.js';
import { confirm, Dialog } from './overlay.js';

export function SecretDialog({ title, about, secret, label, children, onDone }) {
  const leave = async () => {
    if (await confirm({ title: t('secret.sure'), text: t('secret.sure_about'), act: t('secret.leave'), danger: true })) onDone();
  };
  return html`<${Dialog} title=${title} onClose=${leave} acts=${html`<${Button} kind="primary" icon="check" onClick=${onDone}>${t('secret.stored')}</${Button}>`}>
    <p>${about}</p><div class="secret"><${Copy} text=${secret} label=${label} /></div>
    <p class="notice"><${Icon} name="exclamation-triangle" size=${18} /> ${t('secret.once')}</p>${children}</${Dialog}>`;
}
