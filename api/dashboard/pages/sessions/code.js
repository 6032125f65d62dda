// The two ways to link: a QR code that is replaced every while, with the time it has left as a ring,
// and a code of eight characters to type on the phone.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, of, post } from '../../core/api.js';
import { trouble } from '../../core/codes.js';
import { duration, number } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, Copy, Icon, Spinner, Trouble, TextField } from '../../ui/controls.js';

const NEXT_CODE_MS = 20_000;   // a ring is drawn at least so long
const LATE_MS = 3000;          // an event should have come by then
const WAIT_S = 25;
const SKEW_MS = 5000;

// The clock of this computer may be wrong: times count from the server's then, which it tells in whole seconds.
function serverNow(response) {
  const told = Date.parse(response.headers.get('Date')) + 1000;
  return Math.abs(told - Date.now()) > SKEW_MS ? told : Date.now();
}
const ended = (error) => ['already_linked', 'session_stopped', 'qr_not_ready'].includes(error.code);   // the status says it

// Whole seconds until `at` of this page's clock; looks each second.
function useSeconds(at) {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    setNow(performance.now());
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, [at]);
  return Math.max(0, Math.ceil((at - now) / 1000));
}

// {url, attempt, most, until, whole}: the picture and when it ends, by performance.now()
async function loadCode(name, signal) {
  const answer = await call('GET', of`/sessions/${name}/qr`, { query: { wait: WAIT_S }, headers: { Accept: 'application/json' }, signal, as: 'response' });
  const about = await answer.json();
  const left = Math.max(0, Date.parse(about.expires_at) - serverNow(answer));
  const until = performance.now() + left;
  const picture = await call('GET', of`/sessions/${name}/qr`, { headers: { Accept: 'image/svg+xml' }, signal, as: 'blob' });
  return { url: URL.createObjectURL(picture), attempt: about.attempt, most: about.max_attempts, until, whole: Math.max(left, NEXT_CODE_MS) };
}

function Ring({ code }) {
  const seconds = useSeconds(code.until);
  const share = Math.min(1, (seconds * 1000) / code.whole);
  return html`<div class="code-left" role="timer"><svg class="ring" viewBox="0 0 36 36" width="28" height="28" aria-hidden="true"><circle cx="18" cy="18" r="15" />
    <circle class="left" cx="18" cy="18" r="15" pathLength="100" style=${{ strokeDasharray: '100', strokeDashoffset: String(100 - share * 100) }} /></svg>
    <span>${seconds > 0 ? t('sessions.code.left', { time: duration(seconds) }) : t('sessions.code.next')}</span></div>`;
}

export function QrCode({ session }) {
  const [code, setCode] = useState(null);
  const [error, setError] = useState(null);
  const [turn, setTurn] = useState(0);
  const shown = session.qr ? session.qr.expires_at : '';
  const url = useRef(null);
  const seen = (next) => {
    if (url.current) URL.revokeObjectURL(url.current);
    url.current = next?.url || null;
    setCode(next);
  };
  useEffect(() => {
    const mine = new AbortController();
    let late;
    setError(null);
    loadCode(session.id, mine.signal).then((next) => {
      if (mine.signal.aborted) return URL.revokeObjectURL(next.url);
      seen(next);
      late = setTimeout(() => setTurn((n) => n + 1), Math.max(0, next.until - performance.now()) + LATE_MS);
    }).catch((e) => {
      if (e.name === 'AbortError') return;
      if (!ended(e)) setError(e);
      else late = setTimeout(() => setTurn((n) => n + 1), LATE_MS);
    });
    return () => {
      mine.abort();
      clearTimeout(late);
    };
  }, [session.id, shown, turn]);
  useEffect(() => () => url.current && URL.revokeObjectURL(url.current), []);
  if (error) return html`<${Trouble} error=${error} title=${t('sessions.code.trouble')} onRetry=${() => setTurn(turn + 1)} />`;
  return html`<div class="qr"><div class="qr-paper" data-ready=${code ? code.attempt : undefined}>${code ? html`<img src=${code.url} alt=${t('sessions.code.alt', { name: session.id })} width="320" height="320" />`
      : html`<span class="qr-wait"><${Spinner} label=${t('sessions.code.waiting')} /></span>`}</div>
    ${code && html`<${Ring} key=${code.until} code=${code} /><p class="hint" role="status">${t('sessions.code.attempt', { n: code.attempt, most: code.most })}</p>`}</div>`;
}

// ---- by number
function Pairing({ code, again, busy }) {
  const seconds = useSeconds(code.until);
  if (seconds === 0) return html`<div class="pairing"><p role="status">${t('sessions.pair.over')}</p><${Button} kind="primary" busy=${busy} onClick=${again}>${t('sessions.pair.again')}</${Button}></div>`;
  return html`<div class="pairing"><p class="pairing-code" dir="ltr" data-code=${code.text} aria-label=${t('sessions.pair.code', { code: code.text.replace('-', '').split('').join(' ') })} role="img">${code.text}</p>
    <${Copy} text=${code.text} label=${t('sessions.pair.copy')} />
    <p class="hint" role="timer">${t('sessions.pair.left', { time: duration(seconds) })}</p></div>`;
}

export function PairingCode({ session }) {
  const [number, setNumber] = useState('');
  const [code, setCode] = useState(null);
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const ask = async (e) => {
    e?.preventDefault();
    if (busy) return;   // of two codes only the newer works
    const digits = number.replace(/[^0-9]/g, '').replace(/^00/, '');
    if (digits.length < 8 || digits.length > 15) return setFault(t('sessions.pair.wrong'));
    setBusy(true);
    setFault('');
    try {
      const answer = await call('POST', of`/sessions/${session.id}/pairing-code`, { body: { phone: digits }, as: 'response' });
      const body = await answer.json();
      setCode({ text: body.code, until: performance.now() + Date.parse(body.expires_at) - serverNow(answer) });
    } catch (error) {
      setCode(null);
      setFault(error);
    }
    setBusy(false);
  };
  return html`<form class="pairing-form" onSubmit=${ask} noValidate><${TextField} label=${t('sessions.pair.phone')} hint=${t('sessions.pair.hint')} error=${trouble(fault, 'phone')} type="tel" inputmode="tel" autocomplete="tel" dir="ltr"
      placeholder="+55 11 98888-7777" value=${number} onValue=${(text) => { setNumber(text); setFault(''); }} />
    <${Button} kind=${code ? 'plain' : 'primary'} type="submit" busy=${busy}>${t(code ? 'sessions.pair.again' : 'sessions.pair.act')}</${Button}></form>
    ${code && html`<${Pairing} key=${code.text + code.until} code=${code} busy=${busy} again=${() => ask()} />`}`;
}

const STEPS = { qr: ['open', 'devices', 'point'], pair: ['open', 'devices', 'instead', 'type'] };
export const Steps = ({ way }) => html`<ol class="link-steps">${STEPS[way].map((step, i) => html`<li key=${step}><span class="step-no" aria-hidden="true">${number(i + 1)}</span><div><strong>${t(`sessions.steps.${step}`)}</strong>
  ${step === 'devices' && html`<p class="muted"><${Icon} name="ellipsis-vertical" size=${16} /> ${t('sessions.steps.android')}</p><p class="muted"><${Icon} name="cog-6-tooth" size=${16} /> ${t('sessions.steps.iphone')}</p>`}</div></li>`)}</ol>`;
