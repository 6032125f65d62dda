// A key gets a new secret, or ends.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { del, post } from '../../core/api.js';
import { goOn, me, signOut, whileChanging } from '../../core/auth.js';
import { ago, dateTime } from '../../core/format.js';
import { t } from '../../core/i18n.js';
import { Button, Select, Trouble } from '../../ui/controls.js';
import { confirm, Dialog, problem, toast } from '../../ui/overlay.js';
import { SecretDialog } from '../../ui/secret.js';

export async function removeKey(root, row, after) {
  const mine = row.id === me.value.id;
  const session = row.kind === 'sign_in';
  const name = row.name || row.id;
  const text = [row.last_used_at ? t('keys.delete_used', { when: ago(row.last_used_at) }) : t('keys.delete_unused'), mine ? t('keys.delete_mine') : t('keys.delete_about')].join(' ');
  if (!(await confirm({ title: t(session ? 'keys.end_title' : 'keys.delete_title', { name }), text, act: t(session ? 'keys.end' : 'common.delete'), danger: true }))) return;
  try {
    await del(`${root}/${encodeURIComponent(row.id)}`);
    toast(t(session ? 'keys.ended' : 'keys.deleted', { name }));
    if (mine) signOut();
    else after();
  } catch (error) {
    problem(error, t('keys.not_deleted'));
  }
}

const OVERLAPS = [0, 3600, 86_400, 604_800, 2_592_000];
export function RotateDialog({ root, row, onClose, onDone }) {
  const [overlap, setOverlap] = useState('3600');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [made, setMade] = useState(null);
  const name = row.name || row.id;
  const leave = () => busy || onClose();   // the answer has the secret, which nobody sees again
  const act = async () => {
    setBusy(true);
    setError(null);
    try {
      const mine = row.id === me.value.id;
      const rotate = () => post(`${root}/${encodeURIComponent(row.id)}/rotate`, { overlap_s: Number(overlap) });
      const renew = async () => {
        const answer = await rotate();
        goOn(answer.key);   // so does this tab
        setMade(answer);
      };
      if (mine) await whileChanging(renew);
      else setMade(await rotate());
    } catch (e) {
      setError(e);
    }
    setBusy(false);
  };
  if (made) return html`<${SecretDialog} title=${t('keys.secret_title', { name })} label=${t('keys.secret_copy')} secret=${made.key} onDone=${onDone}
    about=${made.old_secret_until ? t('keys.rotated_until', { time: dateTime(made.old_secret_until) }) : t('keys.rotated_at_once')} />`;
  return html`<${Dialog} title=${t('keys.rotate_title', { name })} onClose=${leave} acts=${html`<${Button} onClick=${leave}>${t('common.cancel')}</${Button}><${Button} kind="primary" busy=${busy} onClick=${act}>${t('keys.rotate')}</${Button}>`}>
    ${error && html`<${Trouble} error=${error} />`}<p>${t('keys.rotate_about')}</p>
    <${Select} label=${t('keys.rotate_overlap')} hint=${overlap === '0' ? t('keys.rotate_leak') : undefined} value=${overlap} onValue=${setOverlap} options=${OVERLAPS.map((s) => [String(s), t(`keys.overlap_s.${s}`)])} /></${Dialog}>`;
}
