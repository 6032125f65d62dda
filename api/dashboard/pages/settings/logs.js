// The daemon's last log lines, as they are written: each answer waits until there is a next line.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../../core/api.js';
import { saveText } from '../../core/download.js';
import { t } from '../../core/i18n.js';
import { Button, Card, Select, Switch, Trouble } from '../../ui/controls.js';

const KEPT = 1000;
const WAIT_S = 25;
const PAUSE_MS = 3000;   // after a failure
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

// A line as the daemon wrote it: JSON, or text for terminals.
function parse({ id, line }) {
  try {
    const { time, level, event, msg, ...rest } = JSON.parse(line);
    const more = Object.entries(rest).map(([name, value]) => `${name}=${value}`).join(' ');
    return { id, time: time?.slice(11, 23), level, event, text: [msg, more].filter(Boolean).join('  '), line };
  } catch {
    return { id, level: LEVELS.find((l) => line.toLowerCase().includes(l)) ?? 'info', text: line, line };
  }
}

function useLines(live) {
  const [lines, setLines] = useState([]);
  const [error, setError] = useState(null);
  const after = useRef(-1);
  useEffect(() => {
    if (!live) return undefined;
    const end = new AbortController();
    (async () => {
      while (!end.signal.aborted) {
        try {
          const first = after.current < 0;
          const page = await get('/v1/logs', { after: after.current, limit: first ? 200 : 500, wait: first ? undefined : WAIT_S }, { signal: end.signal });
          after.current = page.next_after;
          setError(null);
          if (page.items.length) setLines((before) => [...before, ...page.items.map(parse)].slice(-KEPT));
        } catch (problem) {
          if (problem.name === 'AbortError') return;
          setError(problem);
          after.current = -1;   // a daemon that began anew counts anew
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
          if (!end.signal.aborted) setLines([]);   // else others may be there by now
        }
      }
    })();
    return () => end.abort();
  }, [live]);
  return { lines, error };
}

export function Logs() {
  const [live, setLive] = useState(true);
  const [level, setLevel] = useState('info');
  const { lines, error } = useLines(live);
  const box = useRef(null), low = useRef(true);
  const seen = lines.filter((l) => LEVELS.indexOf(l.level) >= LEVELS.indexOf(level));
  useEffect(() => {
    if (low.current) box.current.scrollTop = box.current.scrollHeight;
  }, [seen.length, level]);
  const scrolled = (e) => (low.current = e.currentTarget.scrollHeight - e.currentTarget.scrollTop - e.currentTarget.clientHeight < 40);
  return html`<${Card} title=${t('settings.logs.title')} class="logs" acts=${html`<${Button} small icon="arrow-down-tray" onClick=${() => saveText(lines.map((l) => l.line).join('\n') + '\n', 'wabridge.log')}>${t('settings.logs.save')}</${Button}>`}>
    <div class="row"><${Select} label=${t('settings.logs.level')} value=${level} options=${LEVELS.map((l) => [l, t(`settings.logs.levels.${l}`)])} onValue=${setLevel} /><${Switch} label=${t('settings.logs.live')} checked=${live} onValue=${setLive} /></div>
    ${error && html`<${Trouble} error=${error} />`}
    <div class="log-lines" dir="ltr" lang="en" ref=${box} role="log" aria-live="off" aria-label=${t('settings.logs.title')} tabindex="0" onScroll=${scrolled}>${seen.map((l) => html`<p key=${l.id} class=${l.level}><time>${l.time}</time> <b>${l.level}</b> ${l.event && html`<i>${l.event}</i>`} ${l.text}</p>`)}
      ${seen.length === 0 && html`<p>${t('settings.logs.none')}</p>`}</div></${Card}>`;
}
