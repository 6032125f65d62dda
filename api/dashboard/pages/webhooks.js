// Webhooks: where events are sent, how that goes, and what to do when it does not.
import { html } from 'htm/preact';
import Detail from './webhooks/detail.js';
import List from './webhooks/list.js';

export default ({ parts, query }) => (parts.length ? html`<${Detail} key=${parts[0]} name=${parts[0]} query=${query} />` : html`<${List} />`);
