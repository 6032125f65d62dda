// The frame around every page: menu, tenant, connection, language, theme.
import { html } from 'htm/preact';
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks';
import { can, chooseTenant, isAdmin, me, signOut, tenant, tenants } from '../core/auth.js';
import { LANGUAGES, language, t, useLanguage } from '../core/i18n.js';
import { connect, connection, disconnect, retryNow } from '../core/live.js';
import { PAGES } from '../core/pages.js';
import { href, route } from '../core/router.js';
import { theme, useTheme } from '../core/theme.js';
import { Button, Empty, Icon, IconButton, Skeleton } from './controls.js';
import { Menu } from './overlay.js';

const LOGO = import.meta.resolve('../logo.svg');
const allowed = (page) => (page.admin ? isAdmin() : !page.scope || can(page.scope));
const menu = () => PAGES.filter(allowed);

// A dot and its words: live, connecting, waiting, asleep.
function Connection() {
  const { state } = connection.value;
  if (state === 'off') return null;
  return html`<div class=${`connection ${state}`} role="status"><span class="dot" aria-hidden="true" /><span>${t(`live.${state}`)}</span>
    ${state === 'waiting' && html`<button type="button" class="link" onClick=${retryNow}>${t('live.now')}</button>`}</div>`;
}

function Navigation({ onPick }) {
  const here = route.value.page;
  return html`<nav aria-label=${t('shell.pages')}><ul>${menu().map((page) => html`<li key=${page.id}><a href=${href(page.id)} aria-current=${page.id === here ? 'page' : undefined} onClick=${onPick}>
    <${Icon} name=${page.icon} size=${22} /><span>${t(`pages.${page.id}`)}</span></a></li>`)}</ul></nav>`;
}

const Tenants = () => tenants.value.length > 1 && html`<${Menu} label=${t('shell.tenant', { name: tenant.value })} align="start" class="tenant-menu"
  items=${tenants.value.map((id) => ({ text: id, checked: id === tenant.value, onPick: () => chooseTenant(id) }))}>
  <${Icon} name="building-office" size=${18} /><span dir="ltr">${tenant.value}</span><${Icon} name="chevron-down" size=${14} /></${Menu}>`;

function Person() {
  const who = me.value;
  return html`<${Menu} label=${t('shell.you', { name: who.name || who.id })} icon="user-circle" items=${[
    ...['system', 'light', 'dark'].map((name) => ({ text: t(`theme.${name}`), icon: { system: 'computer-desktop', light: 'sun', dark: 'moon' }[name], checked: theme.value === name, onPick: () => useTheme(name) })),
    null,
    ...Object.entries(LANGUAGES).map(([id, name]) => ({ text: name, icon: id === language.value ? 'language' : undefined, checked: id === language.value, onPick: () => useLanguage(id, { store: true }) })),
    null,
    { text: t('shell.sign_out'), icon: 'arrow-right-start-on-rectangle', onPick: signOut },
  ]} />`;
}

const loaded = new Map();
function Page() {
  const { page } = route.value;
  const entry = PAGES.find((p) => p.id === page);
  const [, again] = useState(0);
  const [error, reset] = useErrorBoundary((e) => console.error(e));
  const main = useRef(null);
  useEffect(() => {
    if (entry && !loaded.has(page)) entry.load().then((m) => loaded.set(page, m.default), (e) => loaded.set(page, () => html`<${Broken} error=${e} />`)).then(() => again((n) => n + 1));
    document.title = entry ? `${t(`pages.${page}`)} · wabridge` : 'wabridge';
    if (error) reset();
  }, [page, language.value]);
  // A new page is told to a screen reader by its heading; the first one is not taken from the reader.
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) main.current.querySelector('h1')?.focus({ preventScroll: true });
    first.current = false;
    scrollTo(0, 0);
  }, [page, loaded.has(page)]);
  const Body = loaded.get(page);
  return html`<main id="main" ref=${main} class=${`page page-${page}`} tabindex="-1">${
    error ? html`<${Broken} error=${error} />`
    : !entry || !allowed(entry) ? html`<${Empty} icon="lock-closed" title=${t('shell.no_page')} action=${html`<${Button} href=${href(menu()[0]?.id || 'settings')}>${t('shell.to_start')}</${Button}>`}>${t('shell.no_page_about')}</${Empty}>`
    : Body ? html`<${Body} key=${tenant.value} parts=${route.value.parts} query=${route.value.query} />`
    : html`<${Skeleton} lines=${6} height=${28} />`}</main>`;
}
const Broken = ({ error }) => html`<${Empty} icon="exclamation-triangle" title=${t('errors.page')} action=${html`<${Button} kind="primary" onClick=${() => location.reload()}>${t('errors.reload')}</${Button}>`}><span dir="ltr">${String(error.message || error)}</span></${Empty}>`;

export function Shell() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    connect();
    return disconnect;
  }, [tenant.value]);
  useEffect(() => {
    const close = (e) => e.key === 'Escape' && setOpen(false);
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, []);
  return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.getElementById('main').focus(); }}>${t('shell.skip')}</a>
    <div class=${`shell ${open ? 'menu-open' : ''}`}>
    <header class="top"><${IconButton} icon="bars-3" class="menu-toggle" label=${t('shell.menu')} aria-expanded=${String(open)} onClick=${() => setOpen(!open)} />
      <a class="brand" href=${href(menu()[0]?.id || 'settings')}><img src=${LOGO} alt="" width="28" height="28" /><span>wabridge</span></a>
      <${Tenants} /><span class="gap" /><${Connection} /><${Person} /></header>
    <div class="side"><${Navigation} onPick=${() => setOpen(false)} /></div>
    ${open && html`<div class="veil" onClick=${() => setOpen(false)} />`}
    <${Page} /></div>`;
}
