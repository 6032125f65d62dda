// Begins the dashboard: language, theme, then the sign-in page or the shell.
import { html, render } from 'htm/preact';
import { key, me, signedIn, signIn } from './core/auth.js';
import { useLanguage } from './core/i18n.js';
import { PAGES } from './core/pages.js';
import { can } from './core/auth.js';
import { go, route } from './core/router.js';
import { theme, useTheme } from './core/theme.js';
import { Overlays } from './ui/overlay.js';
import { Shell } from './ui/shell.js';
import SignIn, { takeTicket } from './pages/sign-in.js';
import '@preact/signals';

const ticket = takeTicket();
useTheme(theme.value, { store: false });

function App() {
  if (signedIn.value && !route.value.page) {
    const first = PAGES.find((page) => !page.scope || can(page.scope));
    go(first.id, [], {}, { replace: true });
  }
  return html`${signedIn.value ? html`<${Shell} key=${me.value.id} />` : html`<${SignIn} ticket=${ticket} trouble=${trouble} />`}<${Overlays} />`;
}

// A link that is opened in a tab with this page changes only what stands behind the #.
addEventListener('hashchange', () => location.hash.startsWith('#ticket=') && location.reload());

await useLanguage();
let trouble = null;
if (!ticket && key.value) await signIn(key.value).catch((error) => (trouble = error));
render(html`<${App} />`, document.getElementById('app'));
