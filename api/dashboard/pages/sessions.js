import { html } from 'htm/preact';
import { t } from '../core/i18n.js';
import { PageHead } from '../ui/controls.js';

export default () => html`<${PageHead} title=${t('pages.sessions')} />`;
