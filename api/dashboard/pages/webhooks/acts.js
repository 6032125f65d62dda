// What is done to a webhook, with its questions and answers.
import { del, of, put } from '../../core/api.js';
import { t } from '../../core/i18n.js';
import { confirm, problem, toast } from '../../ui/overlay.js';

// What the list and the page show of its state: [word, tone].
export function stateOf(hook) {
  if (!hook.enabled) return ['disabled', 'still'];
  if (hook.health?.state === 'paused') return ['paused', 'bad'];
  return hook.health?.state === 'failing' ? ['failing', 'warn'] : ['enabled', 'ok'];
}

export async function setEnabled(hook, enabled, after) {
  try {
    await put(of`/webhooks/${hook.id}`, { enabled });
    toast(t(enabled ? 'webhooks.enabled_now' : 'webhooks.disabled_now', { name: hook.id }), enabled ? {} : { detail: t('webhooks.disabled_about'), act: t('common.undo'), onAct: () => setEnabled(hook, true, after) });
    after();
  } catch (error) {
    problem(error, t('webhooks.not_changed'));
  }
}

export async function remove(hook, after) {
  const left = hook.pending || 0;
  const sure = await confirm({
    title: t('webhooks.delete_title', { name: hook.id }), text: t(left || hook.dead ? 'webhooks.delete_about_queued' : 'webhooks.delete_about', { n: left + (hook.dead || 0) }),
    act: t('common.delete'), danger: true,
  });
  if (!sure) return;
  try {
    await del(of`/webhooks/${hook.id}`);
    toast(t('webhooks.deleted', { name: hook.id }));
    after();
  } catch (error) {
    problem(error, t('webhooks.not_deleted'), { onRetry: () => remove(hook, after) });
  }
}

// As the server makes them: 24 bytes.
export function newSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return 'whsec_' + btoa(String.fromCharCode(...bytes));
}
