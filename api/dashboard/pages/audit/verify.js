// How to tell that nobody changed the log: commands to copy, and the newest record to note down.
import { html } from 'htm/preact';
import { t } from '../../core/i18n.js';
import { dateTime } from '../../core/format.js';
import { Copy } from '../../ui/controls.js';
import { Dialog } from '../../ui/overlay.js';

export const Verify = ({ name, head, onClose }) => html`<${Dialog} title=${t('audit.verify_title')} onClose=${onClose} wide><div class="stack">
  <p>${t('audit.verify_about')}</p>
  <div><h3>${t('audit.verify_here')}</h3><${Copy} text=${name === 'admin' ? 'wabridge audit verify' : `wabridge audit verify ${name}`} /></div>
  <div><h3>${t('audit.verify_file')}</h3><p class="hint">${t('audit.verify_file_about')}</p><${Copy} text="wabridge audit verify --file FILE" /></div>
  ${head && html`<div><h3>${t('audit.verify_head')}</h3><p class="hint">${t('audit.verify_head_about', { n: head.seq, at: dateTime(head.at) })}</p><${Copy} text=${head.hash} label=${t('audit.copy_hash')} /></div>`}
</div></${Dialog}>`;
