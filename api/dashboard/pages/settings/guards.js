// Guards: what may not be sent, how stop words are listened for, and what the 24-hour window means.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { get, of, post, put } from '../../core/api.js';
import { can, tenant } from '../../core/auth.js';
import { language, t } from '../../core/i18n.js';
import { useLoad } from '../../core/load.js';
import { Button, Card, Checkbox, Field, IconButton, Loaded, Switch, TextField } from '../../ui/controls.js';
import { problem } from '../../ui/overlay.js';
import { SaidShort } from '../../ui/said.js';
import { FormEnd, ReadOnly, useForm } from './form.js';

const KINDS = ['word', 'phrase', 'regex'];
const LANGUAGES = ['en', 'pt', 'es', 'fr', 'de', 'it', 'tr', 'ru', 'id', 'hi', 'ar', 'fa'];
const MOST = 50;
const lines = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);
const languageName = (id) => new Intl.DisplayNames([language.value], { type: 'language' }).of(id);

let made = 0;
const withIds = (rules) => rules.map((rule) => ({ ...rule, reason: rule.reason ?? '', id: ++made }));

function Rules({ rules, onRules }) {
  const change = (id, name) => (value) => onRules(rules.map((r) => (r.id === id ? { ...r, [name]: value } : r)));
  const add = () => onRules([...rules, { id: ++made, pattern: '', kind: 'phrase', reason: '' }]);
  return html`<ul class="rules">${rules.map((rule, i) => html`<li key=${i}>
      <${TextField} label=${t('settings.guards.pattern', { n: i + 1 })} maxLength="256" dir=${rule.kind === 'regex' ? 'ltr' : 'auto'} class=${rule.kind === 'regex' ? 'code' : ''} value=${rule.pattern} onValue=${change(rule.id, 'pattern')} />
      <${Field} label=${t('settings.guards.kind')}>${(props) => html`<select ...${props} value=${rule.kind} onChange=${(e) => change(rule.id, 'kind')(e.currentTarget.value)}>${KINDS.map((kind) => html`<option key=${kind} value=${kind} selected=${kind === rule.kind}>${t(`settings.guards.kinds.${kind}`)}</option>`)}</select>`}</${Field}>
      <${TextField} label=${t('settings.guards.reason')} optional maxLength="160" value=${rule.reason} onValue=${change(rule.id, 'reason')} />
      <${IconButton} icon="trash" label=${t('settings.guards.remove', { n: i + 1 })} onClick=${() => onRules(rules.filter((r) => r.id !== rule.id))} /></li>`)}</ul>
    ${rules.length === 0 && html`<p class="hint">${t('settings.guards.no_rules')}</p>`}
    <${Button} small icon="plus" disabled=${rules.length >= MOST} onClick=${add}>${t('settings.guards.add')}</${Button}>`;
}

function StopWords({ form }) {
  const { values, set } = form;
  const chosen = new Set(values.languages);
  const toggle = (id) => (yes) => set('languages')(LANGUAGES.filter((l) => (l === id ? yes : chosen.has(l))));
  return html`<${Card} title=${t('settings.guards.stop_words')}><p class="hint">${t('settings.guards.stop_words_about')}</p>
    <${Switch} label=${t('settings.guards.listen')} checked=${values.enabled} onValue=${set('enabled')} />
    <fieldset class="choices"><legend>${t('settings.guards.languages')}</legend>${LANGUAGES.map((id) => html`<${Checkbox} key=${id} label=${languageName(id)} checked=${chosen.has(id)} onValue=${toggle(id)} />`)}</fieldset>
    <div class="pairs"><${TextField} multiline label=${t('settings.guards.own_stop')} hint=${t('settings.guards.one_a_line')} error=${form.wrong('opt_out.keywords')} value=${values.keywords} onValue=${set('keywords')} />
    <${TextField} multiline label=${t('settings.guards.own_start')} hint=${t('settings.guards.one_a_line')} error=${form.wrong('opt_out.resume_keywords')} value=${values.resume_keywords} onValue=${set('resume_keywords')} /></div>
    <${TextField} multiline label=${t('settings.guards.reply')} optional hint=${t('settings.guards.reply_hint')} maxLength="1024" error=${form.wrong('opt_out.reply')} value=${values.reply} onValue=${set('reply')} /></${Card}>`;
}

function Edit({ doc, onSaved }) {
  const o = doc.opt_out;
  const form = useForm({
    max: doc.max_text_length ? String(doc.max_text_length) : '', forbidden: doc.rules, enabled: o.enabled, languages: o.languages,
    keywords: o.keywords.join('\n'), resume_keywords: o.resume_keywords.join('\n'), reply: o.reply ?? '',
  }, async (v) => onSaved(await put(of`/guards`, {
    max_text_length: v.max.trim() ? Number(v.max) : null,
    forbidden: v.forbidden.filter((r) => r.pattern).map(({ pattern, kind, reason }) => ({ pattern, kind, reason: reason.trim() || null })),
    opt_out: { enabled: v.enabled, languages: v.languages, keywords: lines(v.keywords), resume_keywords: lines(v.resume_keywords), reply: v.reply.trim() || null },
  })), { fields: ['max_text_length', 'opt_out.keywords', 'opt_out.resume_keywords', 'opt_out.reply'] });
  const may = can('tenant:manage');
  return html`<form class="stack" onSubmit=${form.submit} noValidate>
    ${!may && html`<${ReadOnly}>${t('settings.guards.read_only')}</${ReadOnly}>`}
    <fieldset disabled=${!may} class="stack">
      <${Card} title=${t('settings.guards.texts')}><p class="hint">${t('settings.guards.texts_about')}</p>
        <${TextField} class="short" type="number" min="1" max="65536" inputmode="numeric" dir="ltr" label=${t('settings.guards.length')} placeholder=${t('settings.no_limit')} error=${form.wrong('max_text_length')} value=${form.values.max} onValue=${form.set('max')} />
        <h3>${t('settings.guards.forbidden')}</h3><${Rules} rules=${form.values.forbidden} onRules=${form.set('forbidden')} /></${Card}>
      <${StopWords} form=${form} /></fieldset>
    <${Card} title=${t('settings.guards.window')}><p>${t('settings.guards.window_about')}</p></${Card}>
    ${may && html`<${FormEnd} form=${form} />`}</form>`;
}

// What would a send be told? As the rules are stored, not as they stand in the form.
function Attempt() {
  const [text, setText] = useState('');
  const [verdict, setVerdict] = useState(null);
  const [busy, setBusy] = useState(false);
  const told = verdict?.text === text && verdict;   // not of a text that was changed since
  const attempt = async (e) => {
    e.preventDefault();
    setBusy(true);
    await post(of`/guards/try`, { text }).then((answer) => setVerdict({ ...answer, text }), (error) => problem(error));
    setBusy(false);
  };
  return html`<form onSubmit=${attempt}><${Card} title=${t('settings.guards.try')}><${TextField} multiline label=${t('settings.guards.try_text')} hint=${t('settings.guards.try_hint')} value=${text} onValue=${setText} />
    <div class="row"><${Button} type="submit" busy=${busy} disabled=${!text.trim()}>${t('settings.guards.try')}</${Button}>
      <span role="status">${told && html`<span class=${`status ${told.allowed ? 'ok' : 'bad'}`}>${t(told.allowed ? 'settings.guards.allowed' : 'settings.guards.refused')}</span> ${!told.allowed && html`<${SaidShort} of=${told} />`}`}</span></div></${Card}></form>`;
}

const ready = (doc) => ({ ...doc, rules: withIds(doc.forbidden) });
export function Guards() {
  const doc = useLoad(async (signal) => ready(await get(of`/guards`, {}, { signal })), [tenant.value]);
  return html`<${Loaded} of=${doc} lines=${8} height=${36} isEmpty=${() => false}>${(data) => html`<div class="stack"><${Edit} doc=${data} onSaved=${(saved) => doc.set(ready(saved))} /><${Attempt} /></div>`}</${Loaded}>`;
}
