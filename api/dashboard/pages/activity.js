// What happened in all sessions that the key sees, or in one of them: #/activity?session=NAME.
import { html } from 'htm/preact';
import { all, of } from '../core/api.js';
import { tenant } from '../core/auth.js';
import { t } from '../core/i18n.js';
import { useLoad } from '../core/load.js';
import { setQuery } from '../core/router.js';
import { PageHead, Select } from '../ui/controls.js';
import { Feed } from './activity/feed.js';

export default function Activity({ query }) {
  const sessions = useLoad((signal) => all(of`/sessions`, {}, { signal }), [tenant.value]);
  const session = query.session || '';
  const names = [...new Set([...(sessions.data || []).map((s) => s.id), ...(session ? [session] : [])])].sort();
  return html`<${PageHead} title=${t('pages.activity')} about=${t('activity.about')}>${names.length > 1 && html`<${Select} class="feed-session" label=${t('activity.session')} value=${session} onValue=${(name) => setQuery({ session: name })}
      options=${[['', t('activity.all')], ...names.map((name) => [name, name])]} />`}</${PageHead}>
    <${Feed} key=${session} session=${session} />`;
}
