// A link that signs one person in, once, with no more rights than one's own.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { post } from '../../core/api.js';
import { me, tenant } from '../../core/auth.js';
import { fault } from '../../core/codes.js';
import { time } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, Copy, Icon, Select, Trouble } from '../../ui/controls.js';
import { Dialog } from '../../ui/overlay.js';
import { SessionPatterns } from '../../ui/patterns.js';
import { roles } from './rights.js';

export function InviteDialog({ onClose }) {
  const given = roles();
  const [role, setRole] = useState(given.includes('agent') ? 'agent' : given[0] || '');
  const [sessions, setSessions] = useState(me.value.sessions);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [made, setMade] = useState(null);
  const act = async () => {
    setBusy(true);
    setError(null);
    await post('/v1/sign-in-links', { tenant: tenant.value, role: role || undefined, sessions }).then(setMade, setError);
    setBusy(false);
  };
  if (made) return html`<${Dialog} title=${t('keys.link_title')} onClose=${onClose} acts=${html`<${Button} onClick=${act} busy=${busy} icon="plus">${t('keys.link_another')}</${Button}><${Button} kind="primary" onClick=${onClose}>${t('common.close')}</${Button}>`}>
    ${error && html`<${Trouble} error=${error} />`}
    <p>${t('keys.link_about', { role: role ? t(`keys.role.${role}`) : t('keys.as_you') })}</p><div class="secret"><${Copy} text=${made.url || `${location.origin}/#ticket=${made.ticket}`} label=${t('keys.link_copy')} /></div>
    <p class="notice"><${Icon} name="clock" size=${18} /> ${t('keys.link_until', { time: time(made.expires_at) })}</p></${Dialog}>`;
  return html`<${Dialog} title=${t('keys.invite')} onClose=${onClose} acts=${html`<${Button} onClick=${onClose}>${t('common.cancel')}</${Button}><${Button} kind="primary" icon="link" busy=${busy} onClick=${act}>${t('keys.link_make')}</${Button}>`}>
    ${error && !error.errors?.some((e) => e.field === 'sessions') && html`<${Trouble} error=${error} />`}<p class="muted invite-about">${t('keys.invite_about')}</p>
    ${given.length > 0 && html`<${Select} label=${t('keys.as')} hint=${role && t(`keys.role_about.${role}`)} value=${role} onValue=${setRole} options=${given.map((r) => [r, t(`keys.role.${r}`)])} />`}
    <${SessionPatterns} legend=${t('keys.sessions')} value=${sessions} onValue=${setSessions} within=${me.value.sessions} error=${fault(error, 'sessions')} /></${Dialog}>`;
}
