// What is healthy and what is not, at a glance; each number leads to the list behind it.
import { html } from 'htm/preact';
import { Messages } from './overview/messages.js';
import { Numbers } from './overview/numbers.js';

export default ({ parts, query }) => (parts[0] === 'messages' ? html`<${Messages} query=${query} />` : html`<${Numbers} query=${query} />`);
