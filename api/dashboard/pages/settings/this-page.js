// This page, in this browser: language, looks, notices; and who is signed in.
import { html } from 'htm/preact';
import { me, signOut } from '../../core/auth.js';
import { LANGUAGES, has, language, t, useLanguage } from '../../core/i18n.js';
import { canDesktop, wantDesktop, wantSound, wishes } from '../../core/notify.js';
import { theme, useTheme } from '../../core/theme.js';
import { Badge, Button, Card, ExactTime, Select, Switch } from '../../ui/controls.js';
import { problem, toast } from '../../ui/overlay.js';
import { Facts } from './form.js';

async function desktop(yes, box) {
  if (await wantDesktop(yes)) return;
  box.checked = false;
  toast(t('settings.notify_blocked'), { tone: 'bad', detail: t('settings.notify_blocked_about') });
}

function Looks() {
  return html`<${Card} title=${t('settings.looks')}>
    <${Select} label=${t('settings.language')} value=${language.value} options=${Object.entries(LANGUAGES)} onValue=${(id) => useLanguage(id, { store: true }).catch(problem)} />
    <${Select} label=${t('settings.theme')} value=${theme.value} options=${['system', 'light', 'dark'].map((id) => [id, t(`theme.${id}`)])} onValue=${(id) => useTheme(id)} /></${Card}>`;
}

const Notices = () => html`<${Card} title=${t('settings.notices')}><p class="hint">${t('settings.notices_about')}</p><div class="stack tight">
  <${Switch} label=${t('settings.notify_sound')} checked=${wishes.value.sound} onValue=${wantSound} />
  <label class="switch"><input type="checkbox" role="switch" checked=${wishes.value.desktop} disabled=${!canDesktop()} onChange=${(e) => desktop(e.currentTarget.checked, e.currentTarget)} />
    <span class="track" aria-hidden="true" /><span>${t('settings.notify_desktop')}</span></label>
  ${!canDesktop() && html`<p class="hint">${t('settings.notify_insecure')}</p>`}</div></${Card}>`;

function Person() {
  const who = me.value;
  const may = who.scopes.includes('*') ? t('settings.everything') : html`<span class="badges">${who.scopes.map((scope) => html`<${Badge} key=${scope}><span dir="ltr">${scope}</span></${Badge}>`)}</span>`;
  return html`<${Card} title=${t('settings.signed_in')} acts=${html`<${Button} icon="arrow-right-start-on-rectangle" onClick=${signOut}>${t('shell.sign_out')}</${Button}>`}>
    <${Facts} rows=${[
      [t('settings.name'), html`<bdi>${who.name || who.id}</bdi>`],
      [t('settings.kind'), who.admin ? t('settings.kinds.admin') : has(`settings.kinds.${who.kind}`) ? t(`settings.kinds.${who.kind}`) : who.kind],
      who.tenant && [t('shell.tenant'), html`<bdi>${who.tenant}</bdi>`],
      who.role && [t('settings.role'), html`<bdi>${who.role}</bdi>`],
      [t('settings.may'), may],
      [t('pages.sessions'), who.sessions.includes('*') ? t('settings.every_session') : html`<code dir="ltr">${who.sessions.join(', ')}</code>`],
      [t('settings.until'), who.expires_at ? html`<${ExactTime} at=${who.expires_at} />` : t('settings.no_end')],
    ]} /></${Card}>`;
}

export const ThisPage = () => html`<div class="grid wide-cards"><${Looks} /><${Notices} /><${Person} /></div>`;
