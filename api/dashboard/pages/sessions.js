// Sessions: the list, #/sessions/NAME (one of them) and #/sessions/NAME/link (its code).
import { html } from 'htm/preact';
import Detail from './sessions/detail.js';
import Link from './sessions/link.js';
import List from './sessions/list.js';

export default function Sessions({ parts: [name, part], query }) {
  if (!name) return html`<${List} query=${query} />`;
  return part === 'link' ? html`<${Link} key=${name} name=${name} />` : html`<${Detail} key=${name} name=${name} tab=${query.tab} />`;
}
