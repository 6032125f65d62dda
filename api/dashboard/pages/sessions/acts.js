// What can be done with a session in the status it has, and what a person is told before it is done.
import { useState } from 'preact/hooks';
import { call, of, post } from '../../core/api.js';
import { can } from '../../core/auth.js';
import { t } from '../../core/i18n.js';
import { go, route } from '../../core/router.js';
import { confirm, problem, toast } from '../../ui/overlay.js';
import { isLinked } from './data.js';

const RUNS = (s) => !['stopped', 'logged_out', 'hibernating'].includes(s.status);
// In the order of the menu. ask: false when nothing is lost by it.
export const ACTS = [
  { id: 'start', icon: 'play', ask: false, when: (s) => isLinked(s) && ['stopped', 'failed'].includes(s.status) },
  { id: 'connect', verb: 'start', icon: 'bolt', ask: false, when: (s) => isLinked(s) && s.status === 'disconnected' },
  { id: 'takeover', icon: 'arrows-right-left', when: (s) => s.status === 'conflict' },
  { id: 'wake', icon: 'sun', ask: false, when: (s) => s.status === 'hibernating' },
  { id: 'restart', icon: 'arrow-path', when: RUNS },
  { id: 'hibernate', icon: 'moon', when: (s) => isLinked(s) && s.status === 'ready' },
  { id: 'stop', icon: 'stop', when: (s) => RUNS(s) || s.status === 'hibernating' },
  { id: 'logout', icon: 'link-slash', danger: true, when: isLinked },
];
// Linking is a page of its own; the act only starts what is stopped.
export const mayLink = (s) => can('sessions:manage') && !s.exported && !isLinked(s);
export const allowedActs = (s) => (can('sessions:manage') && !s.exported ? ACTS.filter((act) => act.when(s)) : []);

const agree = (act, name) => act.ask === false || confirm({
  title: t(`sessions.acts.${act.id}.title`, { name }), text: t(`sessions.acts.${act.id}.about`), act: t(`sessions.acts.${act.id}.act`), danger: act.danger,
});

// {busy: id of the act on its way, run(act), start(), remove()} on a session; take: as data.js has it.
export function useActs(session, take) {
  const [busy, setBusy] = useState(null);
  const name = session?.id;
  const during = async (id, work) => {
    setBusy(id);
    try {
      return await work();
    } catch (error) {
      problem(error, t('sessions.acts.failed', { name }));
      return null;
    } finally {
      setBusy(null);
    }
  };
  const ask = (verb) => take(() => post(of`/sessions/${name}/${verb}`));
  return {
    busy,
    start: () => during('start', () => ask('start')),
    run: async (act) => (await agree(act, name)) && during(act.id, () => ask(act.verb || act.id)),
    remove: async () => {
      const answer = await confirm({
        title: t('sessions.remove.title', { name }), text: t('sessions.remove.about'), act: t('sessions.remove.act'), danger: true, type: name,
        option: t('sessions.remove.erase'),
      });
      if (!answer) return;
      const query = answer.option ? { erase: 'messages' } : {};
      await during('delete', async () => {
        await call('DELETE', of`/sessions/${name}`, { query });
        toast(t('sessions.remove.done', { name }));
        if (route.value.page === 'sessions' && route.value.parts[0] === name) go('sessions');   // who has left stays there
      });
    },
  };
}
