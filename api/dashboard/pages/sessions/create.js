// A new session: only a name is asked for; then its code is shown.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { get, of, put } from '../../core/api.js';
import { trouble } from '../../core/codes.js';
import { t } from '../../core/i18n.js';
import { go } from '../../core/router.js';
import { Button, Checkbox, TextField } from '../../ui/controls.js';
import { Dialog, problem } from '../../ui/overlay.js';
import { useHere } from './data.js';

// What is wrong with a name, as the server would see it; '' while it may still become one.
export function nameFault(name, taken) {
  if (!name) return '';
  if (/^[_-]/.test(name)) return t('sessions.create.first');
  const bad = /[^a-z0-9_-]/.exec(name)?.[0];
  if (bad) return t(bad === ' ' ? 'sessions.create.blank' : /[A-Z]/.test(bad) ? 'sessions.create.upper' : 'sessions.create.sign', { sign: bad });
  if (name.length > 63) return t('sessions.create.long');
  return taken.includes(name) ? t('sessions.create.taken') : '';
}

export function Create({ taken, onClose }) {
  const [name, setName] = useState('');
  const [autostart, setAutostart] = useState(true);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState('');
  const fault = nameFault(name, taken) || refused;
  const here = useHere();
  const submit = async (e) => {
    e.preventDefault();
    if (busy || fault) return;
    if (!name) return setRefused(t('sessions.create.none'));
    setBusy(true);
    try {
      // PUT would change one that is there already
      if (await get(of`/sessions/${name}`).then(() => true, (error) => error.status !== 404 && Promise.reject(error))) {
        setRefused(t('sessions.create.taken'));
      } else {
        await put(of`/sessions/${name}`, { autostart });
        if (!here.current) return;   // who has left is not led back
        onClose();
        go('sessions', [name, 'link']);
      }
    } catch (error) {
      if (error.errors?.some((e) => e.field === 'session')) setRefused(error);
      else problem(error, t('sessions.create.failed'));
    }
    setBusy(false);
  };
  return html`<${Dialog} title=${t('sessions.create.title')} onClose=${onClose} acts=${html`<${Button} onClick=${onClose}>${t('common.cancel')}</${Button}>
    <${Button} kind="primary" type="submit" form="create-session" busy=${busy}>${t('sessions.create.act')}</${Button}>`}>
    <form id="create-session" onSubmit=${submit} noValidate><${TextField} label=${t('sessions.create.name')} hint=${t('sessions.create.rule')} error=${trouble(fault, 'session')} value=${name} dir="ltr"
      autocomplete="off" autocapitalize="none" spellcheck=${false} maxlength="80" placeholder="main" autofocus onValue=${(text) => { setName(text); setRefused(''); }} />
    <${Checkbox} label=${t('sessions.create.autostart')} hint=${t('sessions.create.autostart_hint')} checked=${autostart} onValue=${setAutostart} /></form></${Dialog}>`;
}
