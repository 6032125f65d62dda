// The frame around every page: menu, tenant, connection, language, theme.
import { html } from 'htm/preact';
import { useEffect, useErrorBoundary, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { arrived, can, chooseTenant, isAdmin, me, signOut, tenant, tenants } from '../core/auth.js';
import { LANGUAGES, language, t, useLanguage } from '../core/i18n.js';
import { listen as listenToKeys } from '../core/keys.js';
import { connect, connection, disconnect, retryNow } from '../core/live.js';
import { listen as listenForMessages, unseen, waiting } from '../core/notify.js';
import { PAGES } from '../core/pages.js';
import { go, href, route } from '../core/router.js';
import { number } from '../core/format.js';
import { theme, useTheme } from '../core/theme.js';
import { Button, Empty, Icon, IconButton, Skeleton } from './controls.js';
import { Help } from './help.js';
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

// The page stays; what it showed of the other tenant does not: there it would be another one's, or nobody's.
function toTenant(id) {
  const { page, parts } = route.value;
  go(page, page === 'settings' ? parts : [], {}, { replace: true });
  chooseTenant(id);
}

const Tenants = () => tenants.value.length > 1 && html`<${Menu} label=${t('shell.tenant', { name: tenant.value })} align="start" class="tenant-menu"
  items=${tenants.value.map((id) => ({ text: id, checked: id === tenant.value, onPick: () => toTenant(id) }))}>
  <${Icon} name="building-office" size=${18} /><span dir="ltr">${tenant.value}</span><${Icon} name="chevron-down" size=${14} /></${Menu}>`;

function Person({ onHelp }) {
  const who = me.value;
  return html`<${Menu} label=${t('shell.you', { name: who.name || who.id })} icon="user-circle" items=${[
    ...['system', 'light', 'dark'].map((name) => ({ text: t(`theme.${name}`), icon: { system: 'computer-desktop', light: 'sun', dark: 'moon' }[name], checked: theme.value === name, onPick: () => useTheme(name) })),
    null,
    ...Object.entries(LANGUAGES).map(([id, name]) => ({ text: name, icon: id === language.value ? 'language' : undefined, checked: id === language.value, onPick: () => useLanguage(id, { store: true }) })),
    null,
    { text: t('keys_help.title'), icon: 'question-mark-circle', onPick: onHelp },
    { text: t('shell.sign_out'), icon: 'arrow-right-start-on-rectangle', onPick: signOut },
  ]} />`;
}

const loaded = new Map();
function Page({ inert }) {
  const { page } = route.value;
  const entry = PAGES.find((p) => p.id === page);
  const [, again] = useState(0);
  const [error, reset] = useErrorBoundary((e) => console.error(e));
  const main = useRef(null);
  const missing = useRef({});   // by page: why its code is not here
  const live = connection.value.state === 'live';   // a daemon that was gone may give it now
  useEffect(() => {
    const done = (e) => {
      missing.current[page] = e;
      again((n) => n + 1);
    };
    if (entry && !loaded.has(page)) entry.load().then((m) => loaded.set(page, m.default)).then(() => done(null), done);
  }, [page, live]);
  useEffect(() => {
    missing.current = {};
    if (error) reset();
  }, [page]);
  const count = Math.max(unseen.value, waiting.value);
  useEffect(() => {
    const name = entry ? `${t(`pages.${page}`)} · wabridge` : 'wabridge';
    document.title = count ? `(${number(count)}) ${name}` : name;
  }, [page, language.value, count]);
  // A new page is told to a screen reader by its heading; one that was loaded again is not taken from the reader,
  // nor the focus from who went on before its code came.
  const told = useRef(arrived.value ? '' : page), from = useRef([]);
  useLayoutEffect(() => {
    const now = document.activeElement, [at, was] = from.current;
    from.current = loaded.has(page) ? [] : [page, now];
    if (!loaded.has(page)) return;
    if (told.current !== page && (at !== page || [was, document.body].includes(now))) main.current.querySelector('h1')?.focus({ preventScroll: true });
    told.current = page;
    scrollTo(0, 0);
  }, [page, loaded.has(page)]);
  const Body = loaded.get(page);
  return html`<main id="main" ref=${main} class=${`page page-${page}`} tabindex="-1" inert=${inert}>${
    error ? html`<${Broken} error=${error} />`
    : !entry || !allowed(entry) ? html`<${Empty} icon="lock-closed" title=${t('shell.no_page')} action=${html`<${Button} href=${href(menu()[0]?.id || 'settings')}>${t('shell.to_start')}</${Button}>`}>${t('shell.no_page_about')}</${Empty}>`
    : missing.current[page] && !Body ? html`<${Broken} error=${missing.current[page]} />`
    : Body ? html`<${Body} key=${tenant.value} parts=${route.value.parts} query=${route.value.query} />`
    : html`<${Skeleton} lines=${6} height=${28} />`}</main>`;
}
const Broken = ({ error }) => html`<${Empty} icon="exclamation-triangle" title=${t('errors.page')} action=${html`<${Button} kind="primary" onClick=${() => location.reload()}>${t('errors.reload')}</${Button}>`}><span dir="ltr">${String(error.message || error)}</span></${Empty}>`;

// On a narrow screen the menu is a drawer: it takes the focus, Escape and a choice give it back, and
// what lies behind it is out of reach. On a wide one it is always there.
function useDrawer(open, setOpen, side) {
  useEffect(() => {
    if (!open) return undefined;
    const button = document.activeElement;
    (side.current.querySelector('[aria-current]') || side.current.querySelector('a'))?.focus();
    const wide = matchMedia('(min-width: 861px)');
    const shut = () => setOpen(false);
    const keys = (e) => {
      if (e.key !== 'Escape') return;
      shut();
      button?.focus();
    };
    wide.addEventListener('change', shut);
    addEventListener('keydown', keys);
    return () => {
      wide.removeEventListener('change', shut);
      removeEventListener('keydown', keys);
    };
  }, [open]);
}

export function Shell() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    connect();
    return disconnect;
  }, [tenant.value]);
  const [help, setHelp] = useState(false);
  const side = useRef(null);
  useEffect(() => listenForMessages(), []);
  useEffect(() => listenToKeys({ help: () => setHelp(true), open: (id) => menu().some((page) => page.id === id) && go(id) }), []);
  useDrawer(open, setOpen, side);
  return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.getElementById('main').focus(); }}>${t('shell.skip')}</a>
    <div class=${`shell ${open ? 'menu-open' : ''}`}>
    <header class="top"><${IconButton} icon="bars-3" class="menu-toggle" label=${t('shell.menu')} aria-expanded=${String(open)} aria-controls="side" onClick=${() => setOpen(!open)} />
      <a class="brand" href=${href(menu()[0]?.id || 'settings')}><img src=${LOGO} alt="" width="28" height="28" /><span>wabridge</span></a>
      <${Tenants} /><span class="gap" /><${Connection} /><${Person} onHelp=${() => setHelp(true)} /></header>
    <div class="side" id="side" ref=${side}><${Navigation} onPick=${() => setOpen(false)} /></div>
    ${open && html`<div class="veil" onClick=${() => setOpen(false)} />`}
    <${Page} inert=${open} /></div>${help && html`<${Help} allowed=${allowed} onClose=${() => setHelp(false)} />`}`;
}
