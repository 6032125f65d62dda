// The first page: a key, or the one-time link of `wabridge dashboard`.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { arrived, refusal, savedKey, signIn, signInByTicket } from '../core/auth.js';
import { said } from '../core/codes.js';
import { LANGUAGES, language, t, useLanguage } from '../core/i18n.js';
import { clearAddress } from '../core/router.js';
import { Button, Field } from '../ui/controls.js';
import { SaidShort } from '../ui/said.js';

const LOGO = import.meta.resolve('../logo.svg');

// The ticket goes out of the address before it is used, so that it stays in no history.
export function takeTicket() {
  const ticket = /^#ticket=([\w.-]+)$/.exec(location.hash)?.[1];
  if (ticket) clearAddress();
  return ticket;
}

// trouble: why the key of before this reload could not be used; it stands in the field for another attempt
export default function SignIn({ ticket, trouble }) {
  const [text, setText] = useState(ticket ? '' : savedKey);
  const [busy, setBusy] = useState(Boolean(ticket));
  const [error, setError] = useState(refusal.value ? null : trouble);
  const attempt = async (act) => {
    setBusy(true);
    setError(null);
    await act().catch((e) => setError(e));
    setBusy(false);
  };
  useEffect(() => {
    arrived.value = true;
    if (ticket) attempt(() => signInByTicket(ticket));
  }, []);
  const words = (e) => (e.status === 0 ? t('errors.offline_detail') : e.status === 401 ? t(ticket && !text ? 'sign_in.bad_link' : 'sign_in.bad_key') : said('problems', e.code, e.message));
  const submit = (e) => {
    e.preventDefault();
    if (busy) return;
    if (text.trim()) attempt(() => signIn(text));
    else setError({ status: 422, message: t('sign_in.no_key') });
  };
  return html`<main class="sign-in"><form onSubmit=${submit} noValidate>
    <img src=${LOGO} alt="" width="48" height="48" /><h1>${t('sign_in.title')}</h1><p>${t('sign_in.about')}</p>
    ${refusal.value && !error && html`<p class="notice" role="status">${t('sign_in.ended')} <${SaidShort} of=${refusal.value} /></p>`}
    <${Field} label=${t('sign_in.key')} hint=${t('sign_in.key_hint')} error=${error && words(error)}>${(props) => html`<input ...${props} type="password" dir="ltr" autocomplete="off" spellcheck="false" autofocus value=${text} onInput=${(e) => setText(e.currentTarget.value)} />`}</${Field}>
    <${Button} kind="primary" type="submit" busy=${busy}>${t('sign_in.act')}</${Button}>
    <details><summary>${t('sign_in.how')}</summary><p>${t('sign_in.how_link')}</p><pre dir="ltr">wabridge dashboard</pre><p>${t('sign_in.how_key')}</p></details>
  </form>
  <p class="languages">${Object.entries(LANGUAGES).map(([id, name]) => html`<button key=${id} type="button" class="link" lang=${id} aria-pressed=${String(id === language.value)} onClick=${() => useLanguage(id, { store: true })}>${name}</button>`)}</p></main>`;
}
