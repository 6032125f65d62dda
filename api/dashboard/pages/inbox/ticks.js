// How far a message of ours has come: a sign, and its words for those who listen.
import { html } from 'htm/preact';
import { has, t } from '../../core/i18n.js';

const ONE = 'M2 8.5 5.5 12 13 4';
const TWO = 'M1 8.5 4.5 12 12 4 M8 11.5 8.6 12 16 4';
const CLOCK = 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2 M8 5v3.2l2 1.4';
const SIGN = {
  sending: CLOCK, queued: CLOCK, submitted: CLOCK, sent: ONE, delivered: TWO, read: TWO, played: TWO,
  failed: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2 M8 5v3.6 M8 10.9v.2',
  unconfirmed: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2 M6.4 6.4c.2-2 3.3-1.9 3.2 0C9.6 7.7 8 7.6 8 9 M8 10.9v.2',
};
export const statusWords = (status) => (status === 'sending' ? t('inbox.sending') : has(`status.${status}`) ? t(`status.${status}`) : status);

export function Ticks({ status }) {
  const path = SIGN[status];
  if (!path) return null;
  const wide = path === TWO;
  return html`<svg class=${`ticks ${status}`} width=${wide ? 18 : 16} height="16" viewBox=${wide ? '0 0 17 16' : '0 0 16 16'} role="img" aria-label=${statusWords(status)}><title>${statusWords(status)}</title><path d=${path} /></svg>`;
}
