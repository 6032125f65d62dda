// In the place of a session that is not there: known: it was until now.
import { html } from 'htm/preact';
import { t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { Button, Empty, PageHead } from '../../ui/controls.js';

export const Gone = ({ name, known }) => html`<nav class="crumbs" aria-label=${t('sessions.crumbs')}><a href=${href('sessions')}>${t('pages.sessions')}</a></nav>
  <${PageHead} title=${html`<span dir="ltr">${name}</span>`} />
  <div role="status"><${Empty} icon="trash" title=${t(known ? 'sessions.gone.deleted' : 'sessions.gone.unknown')} action=${html`<${Button} kind="primary" href=${href('sessions')}>${t('sessions.gone.act')}</${Button}>`}>${t('sessions.gone.about')}</${Empty}></div>`;
