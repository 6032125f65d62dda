// A form over an object of the API: what was changed, what the server says of each field, saving.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { t } from '../../core/i18n.js';
import { Button, Trouble, useFault } from '../../ui/controls.js';
import { toast } from '../../ui/overlay.js';
import { fault } from '../../core/codes.js';

// start: the values as they are; send(values, changes): a promise. fields: what shows its own error.
export function useForm(start, send, { fields = [] } = {}) {
  const [changes, setChanges] = useState({});
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const values = { ...start, ...changes };
  useFault(error);
  const submit = async (e) => {
    e?.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await send(values, changes);
      setChanges((now) => Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== changes[name])));   // one may have gone on
      toast(t('common.saved'));
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  const shown = error?.errors?.some((x) => fields.includes(x.field));
  return {
    values, busy, submit, error: shown ? null : error,
    dirty: Object.keys(changes).some((name) => JSON.stringify(changes[name]) !== JSON.stringify(start[name])),
    set: (name) => (value) => setChanges((before) => ({ ...before, [name]: value })),
    wrong: (name) => fault(error, name),
    revert: () => {
      setChanges({});
      setError(null);
    },
  };
}

export const FormEnd = ({ form }) => html`${form.error && html`<${Trouble} error=${form.error} />`}
  <div class=${`row form-end ${form.dirty ? 'changed' : ''}`}><${Button} kind="primary" type="submit" busy=${form.busy} disabled=${!form.dirty}>${t('common.save')}</${Button}>
  ${form.dirty && html`<${Button} kind="quiet" onClick=${form.revert}>${t('settings.revert')}</${Button}>`}</div>`;

// What a key may only look at.
export const ReadOnly = ({ children }) => html`<p class="notice">${children}</p>`;
export const Facts = ({ rows }) => html`<dl class="fact-list">${rows.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
