// What is neither text nor file: places, cards, polls, calls, notices of a group.
import { html } from 'htm/preact';
import { number, percent, phone } from '../../core/format.js';
import { has, t } from '../../core/i18n.js';
import { href } from '../../core/router.js';
import { Icon } from '../../ui/controls.js';
import { personName } from './names.js';

function Place({ location }) {
  const { latitude, longitude, name, address, live } = location;
  const where = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
  return html`<a class="place" href=${`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`} target="_blank" rel="noopener noreferrer">
    <span class="map" aria-hidden="true"><${Icon} name="map-pin" size=${30} /></span><span class="label-lines"><strong dir="auto">${name || t(live ? 'inbox.live_location' : 'inbox.type.location')}</strong>
    ${address && html`<small dir="auto">${address}</small>`}<small dir="ltr">${where}</small></span></a>`;
}

function Cards({ contacts, session }) {
  return html`<ul class="cards">${contacts.map((card, i) => html`<li key=${i}><span class="disc"><${Icon} name="user" size=${22} /></span><span class="label-lines"><strong dir="auto">${card.name || t('inbox.unknown_person')}</strong>
    ${(card.phones || []).map((number_) => html`<small key=${number_}><a href=${href('inbox', [session, String(number_).replace(/\D/g, '')])}>${phone(String(number_).replace(/\D/g, ''))}</a></small>`)}</span></li>`)}</ul>`;
}

function Poll({ poll }) {
  const count = (option) => poll.votes.filter((v) => v.options.includes(option)).length;
  const voters = poll.votes.filter((v) => v.options.length > 0).length;
  return html`<div class="poll"><strong dir="auto">${poll.question}</strong><small>${t(poll.max_choices === 1 ? 'inbox.poll_one' : 'inbox.poll_many')}</small>
    <ul>${poll.options.map((option) => {
      const n = count(option);
      const who = poll.votes.filter((v) => v.options.includes(option)).map((v) => personName(v.by)).join(', ');
      return html`<li key=${option} title=${who || undefined}><span class="option"><span dir="auto">${option}</span><span>${number(n)}<span class="hidden"> ${percent(voters ? n / voters : 0)}</span></span></span>
        <span class="bar" aria-hidden="true"><span style=${{ inlineSize: `${voters ? (100 * n) / voters : 0}%` }} /></span></li>`;
    })}</ul><small>${t('inbox.votes', { n: voters })}</small></div>`;
}

function LinkCard({ link }) {
  const host = URL.canParse(link.url) ? new URL(link.url).host : link.url;
  return html`<a class="link-preview" href=${/^https?:/.test(link.url) ? link.url : undefined} target="_blank" rel="noopener noreferrer nofollow"><strong dir="auto">${link.title || host}</strong>
    ${link.description && html`<span dir="auto">${link.description}</span>`}<small dir="ltr">${host}</small></a>`;
}

export function Kind({ message }) {
  const { location, contacts, poll, link, session } = message;
  return html`${location && html`<${Place} location=${location} />`}${contacts && html`<${Cards} contacts=${contacts} session=${session} />`}
    ${poll && html`<${Poll} poll=${poll} />`}${link && html`<${LinkCard} link=${link} />`}`;
}

export function callWords(call = {}) {
  return t(`inbox.call.${call.state === 'missed' ? 'missed' : call.state === 'rejected' ? 'rejected' : 'made'}_${call.video ? 'video' : 'voice'}`);
}

const list = (people) => people.map(personName).join(', ');
// A notice in one line: who did what to whom.
export function systemWords(message) {
  const { kind, participants = [], value } = message.system || {};
  const by = message.direction === 'out' ? t('inbox.you') : personName(message.from);
  const key = typeof value === 'boolean' ? `inbox.system.${kind}_${value ? 'on' : 'off'}` : `inbox.system.${kind}`;
  if (!kind || !has(key)) return message.text || t('inbox.system.other', { by, kind: kind || '' });
  return t(key, { by, who: list(participants), value: typeof value === 'string' ? value : '' });
}
