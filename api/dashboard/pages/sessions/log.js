// The log of a session, live by a long poll. What is seen stays bounded; a paused one goes on where it
// was (the server keeps the last 32 KiB).
import { html } from 'htm/preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { get, of, put } from '../../core/api.js';
import { clock, time } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, toClipboard, Select, Trouble } from '../../ui/controls.js';
import { problem, toast } from '../../ui/overlay.js';

const LINES_MAX = 500;
const WAIT_S = 20;
const AGAIN_MS = 3000;
const MORE_S = 600;   // so long a session tells more
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

// A line is JSON or, by the daemon's configuration, plain text.
function read({ id, line }) {
  try {
    const { time: at, level, event, msg } = JSON.parse(line);
    return { id, line, at, level, event, msg };
  } catch {
    const [, at, level, rest] = /^(\S+) (TRACE|DEBUG|INFO|WARN|ERROR) +(.*)$/.exec(line) || [];
    return at ? { id, line, at, level: level.toLowerCase(), event: '', msg: rest } : { id, line, level: 'info', event: '', msg: line };
  }
}

const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

// {lines, error}: follows while it runs.
function useLines(name, running) {
  const [lines, setLines] = useState([]);
  const [error, setError] = useState(null);
  const after = useRef(-1);
  useLayoutEffect(() => {   // it is paused when it says so
    const mine = new AbortController();
    const follow = async () => {
      while (!mine.signal.aborted) {
        try {
          const page = await get(of`/sessions/${name}/log`, { after: after.current, limit: 200, wait: after.current < 0 ? 0 : WAIT_S }, { signal: mine.signal });
          after.current = Math.max(0, page.next_after);
          setError(null);
          if (page.items.length) setLines((old) => [...old, ...page.items.map(read)].slice(-LINES_MAX));
        } catch (e) {
          if (mine.signal.aborted) return;
          setError(e);
          if (e.status >= 400 && e.status < 500 && e.status !== 429) return;
          await pause(AGAIN_MS, mine.signal);
        }
      }
    };
    if (running) follow();
    return () => mine.abort();
  }, [name, running]);
  return { lines, error };
}

const Line = ({ line: l }) => html`<p class=${`log-${l.level}`}><span class="log-at" title=${l.at}>${l.at ? clock(l.at) : ''}</span><span class="log-level">${l.level}</span><span class="log-text">${l.event && html`<b>${l.event}</b> `}${l.msg}</span></p>`;

function More({ name }) {
  const [now, setNow] = useState('');
  const change = async (level) => {
    const before = now;
    setNow(level);
    try {
      const answer = await put(of`/sessions/${name}/log`, level ? { level, for_s: MORE_S } : { level: null });
      toast(level ? t('sessions.log.until', { level: answer.level, time: time(answer.until) }) : t('sessions.log.as_node', { level: answer.node_level }));
    } catch (error) {
      setNow(before);
      problem(error, t('sessions.log.refused'));
    }
  };
  return html`<${Select} label=${t('sessions.log.write')} value=${now} onValue=${change} options=${[['', t('sessions.log.normal')], ...['debug', 'trace', 'warn'].map((level) => [level, t('sessions.log.for', { level })])]} />`;
}

export function Log({ name }) {
  const [running, setRunning] = useState(true);
  const [least, setLeast] = useState('trace');
  const { lines, error } = useLines(name, running);
  const box = useRef(null), atEnd = useRef(true);
  const shown = lines.filter((l) => LEVELS.indexOf(l.level) >= LEVELS.indexOf(least));
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length, lines.at(-1)?.id]);
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  const copy = async () => {
    const done = await toClipboard(shown.map((l) => l.line).join('\n'));
    toast(t(done ? 'sessions.log.copied' : 'sessions.log.not_copied', { n: shown.length }), { tone: done ? 'ok' : 'bad' });
  };
  return html`<div class="log-tools"><${Select} label=${t('sessions.log.show')} value=${least} onValue=${setLeast} options=${LEVELS.map((level) => [level, level === 'trace' ? t('sessions.log.all') : t('sessions.log.from', { level })])} />
      <${More} name=${name} /><div class="acts"><${Button} icon=${running ? 'pause' : 'play'} aria-pressed=${String(!running)} onClick=${() => setRunning(!running)}>${t(running ? 'sessions.log.pause' : 'sessions.log.resume')}</${Button}>
      <${Button} icon="clipboard-document" onClick=${copy} disabled=${shown.length === 0}>${t('common.copy')}</${Button}></div></div>
    ${error && html`<${Trouble} error=${error} />`}
    <div class="session-log" ref=${box} tabindex="0" dir="ltr" role="log" aria-live="off" aria-label=${t('sessions.log.title', { name })} onScroll=${scrolled}>${shown.map((l) => html`<${Line} key=${l.id} line=${l} />`)}
      ${shown.length === 0 && html`<p class="muted">${t(lines.length ? 'sessions.log.none_such' : 'sessions.log.none')}</p>`}</div>
    <p class="hint">${t(running ? 'sessions.log.following' : 'sessions.log.paused')}</p>`;
}
