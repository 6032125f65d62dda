// Pictures of every page of the dashboard for the documentation: scripts/screenshots [page …]
// A far end, a daemon with a believable shop in it, and Chromium as the person. Writes
// docs/dashboard/<name>-<desktop|phone>[-dark].png; a page that is not there yet is left out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Browser, DESKTOP, open, PHONE } from '../integration/browser.mjs';
import { Daemon, FarEnd, Receiver, ROOT } from '../integration/harness.mjs';
import { AHMED, history, JOAO, MARIANA, MUG, people, SHOP, SUPPORT, TEAM, voice } from './people.mjs';

const OUT = path.join(ROOT, 'docs/dashboard');
const MOST_BYTES = 150_000;
const only = process.argv.slice(2);
const say = (text) => console.log(text);
const T = '/v1/tenants/default';

// A palette instead of full colours: a third of the bytes, and the eye sees no difference.
async function shrink(png) {
  const child = spawn('pngquant', ['--strip', '--speed', '1', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(png);
  const ended = once(child, 'close');
  const parts = [];
  for await (const part of child.stdout) parts.push(part);
  const [code] = await ended;
  if (code !== 0) throw new Error(`pngquant ended with ${code}`);
  return Buffer.concat(parts);
}

async function photo(browser) {
  const page = await browser.person({ viewport: { width: 960, height: 720 } });
  await page.setContent(MUG);
  const jpeg = await page.screenshot({ type: 'jpeg', quality: 82 });
  await page.context().close();
  return jpeg.toString('base64');
}

async function tell(farEnd, image) {
  for (const person of people) {
    await farEnd.post('/accounts', { phone: person.phone, name: person.name });
    await farEnd.post('/contact', { account: SHOP, phone: person.phone, name: person.name });
    await farEnd.post('/knobs', { account: person.phone, delivered_ms: 50, read_ms: 400 });
  }
  const now = Math.floor(Date.now() / 1000);
  for (const m of history()) {
    const base = { from: m.from, to: m.to, t: now - m.minutes * 60 };
    const file = m.image ? { type: 'image', mimetype: 'image/jpeg', data_base64: image, caption: m.text, width: 960, height: 720 }
      : m.voice ? { type: 'ptt', mimetype: 'audio/wav', data_base64: voice().toString('base64'), duration: 9 } : { text: m.text };
    const { id } = await farEnd.post('/send', { ...base, ...file });
    if (m.react) await farEnd.post('/react', { from: m.to, to: m.from, id, emoji: m.react });
  }
  await farEnd.post('/send', { from: people[5].phone, to: TEAM, text: 'Who opens the store tomorrow?' }).catch(() => {});
}

// What the team did today, through the API as any client would.
async function work(daemon, farEnd) {
  const chats = `${T}/sessions/shop/chats`;
  const send = (to, body) => daemon.ok('POST', `${T}/sessions/shop/messages?wait=server&timeout_s=20`, { to, ...body });
  for (const { phone } of people.slice(5, 14)) await send(phone, { text: 'Your order is packed and leaves today 📦' });
  const last = (await daemon.ok('GET', `${chats}/${MARIANA}/messages?direction=in&limit=1`)).items[0];
  await send(MARIANA, { text: 'Of course! With a ribbon and a card.', reply_to: last.id });
  await farEnd.post('/knobs', { account: SHOP, send_error: { error: 'forbidden', to: JOAO } }).catch(() => farEnd.post('/knobs', { account: SHOP, send_error: 'forbidden' }));
  await daemon.ok('POST', `${T}/sessions/shop/messages`, { to: JOAO, text: 'Hoje até as 19h, João!' });
  await farEnd.wait('refused', { account: SHOP, count: 1 });
  await farEnd.post('/knobs', { account: SHOP, send_error: null });
  await daemon.ok('PATCH', `${chats}/${MARIANA}`, { tags: ['vip', 'exchange'], assignee: 'Ana' });
  const unread = new Set([JOAO, AHMED, people[7].phone, people[15].phone]);
  for (const { phone } of people.slice(0, 26)) if (!unread.has(phone)) await daemon.ok('POST', `${chats}/${phone}/read`);
  await daemon.ok('PATCH', `${chats}/${people[6].phone}`, { tags: ['invoice'] });
  for (const { phone } of people.slice(16, 20)) await daemon.ok('PATCH', `${chats}/${phone}`, { state: 'closed' });
  await daemon.ok('POST', `${chats}/${MARIANA}/notes`, { text: 'Replacement mug was handed to the courier, order 4711-B.' });
}

async function configure(daemon, receivers) {
  await daemon.ok('PUT', '/v1/tenants/default', { name: 'Loja Aurora', default_country_code: '55', time_zone: 'America/Sao_Paulo',
    limits: { sends_per_day: 500, sends_per_month: 8000, max_sessions: 5 }, tariff: { currency: 'BRL', default: '0.10', prefixes: { 55: '0.03' } } });
  await daemon.ok('PUT', '/v1/tenants/acme', { name: 'Acme Ltda', time_zone: 'America/Sao_Paulo' });
  await daemon.ok('PUT', `${T}/webhooks/erp`, { url: receivers.erp.url, events: ['message.*', 'session.status'] });
  await daemon.ok('PUT', `${T}/webhooks/crm`, { url: receivers.crm.url.replace('/hook', '/contacts'), events: ['message.received'] });
  for (const [name, role, sessions] of [['ERP', 'operator', ['*']], ['Ana (front desk)', 'agent', ['shop']], ['Paulo (support)', 'agent', ['support']], ['Wall display', 'viewer', ['*']]]) {
    await daemon.ok('POST', `${T}/keys`, { name, role, sessions, ...(role === 'viewer' ? { expires_at: '2027-03-31T00:00:00Z' } : {}) });
  }
  await daemon.ok('PUT', `${T}/guards`, { max_text_length: 2000, forbidden: [{ pattern: 'casino', kind: 'word', reason: 'no gambling' }, { pattern: 'free money', kind: 'phrase' },
    { pattern: '\\b\\d{4}[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{4}\\b', kind: 'regex', reason: 'no card numbers' }], opt_out: { keywords: ['chega'], reply: 'You will not hear from us again.' } });
  await daemon.ok('PUT', `${T}/opt-outs/5511955554444`, { reason: 'asked by phone' });
  await daemon.ok('POST', `${T}/opt-outs`, { phones: ['5511955553333', '5521955552222', '5531955551111'], reason: 'list of the old system' });
  await daemon.ok('PUT', `${T}/widget`, { origins: ['https://erp.example.com'] });
  await daemon.call('PUT', `${T}/webhooks/test`, { body: { url: 'ftp://example.com' } });
  await daemon.call('GET', '/v1/tenants', { key: `wab_000000000000_${'A'.repeat(43)}` });
}

async function shop(browser) {
  const farEnd = await FarEnd.start({ knobs: { delivered_ms: 60 } });
  const receivers = { erp: await Receiver.start(), crm: await Receiver.start({ answer: () => ({ status: 410, body: '{"error":"this address was moved"}' }) }) };
  const daemon = await Daemon.start({ farEnd, settings: { 'alerts.check_ms': 1000, 'log.level': 'info', 'limits.rates': 'on' } });
  await configure(daemon, receivers);
  await daemon.ok('DELETE', `${T}/sessions/main`).catch(() => {});
  for (const [phone, name] of [[SHOP, 'Loja Aurora'], [SUPPORT, 'Aurora Suporte']]) await farEnd.post('/accounts', { phone, name });
  for (const [name, account] of [['shop', SHOP], ['support', SUPPORT]]) {
    await daemon.ok('PUT', `${T}/sessions/${name}`, { autostart: true });
    await daemon.session('default', name).link(account);
    say(`linked ${name}`);
  }
  await daemon.ok('PUT', `${T}/sessions/returns`, { autostart: true });
  await daemon.ok('POST', `${T}/sessions/returns/start`);
  await daemon.ok('PUT', `${T}/sessions/archive`, { autostart: false });
  await tell(farEnd, await photo(browser));
  const told = history().filter((m) => m.to === SHOP).length;
  const stream = daemon.events('default', 0);
  const got = () => stream.items.filter((e) => e.type === 'message.received' && e.session === 'shop').length;
  await stream.find(() => got() >= told, `${told} messages`);
  await stream.close();
  await work(daemon, farEnd);
  await daemon.session('default', 'returns').qr(30);
  return { daemon, farEnd, receivers };
}

// A customer's form of an ERP with the chat in its corner, as docs/widget.md says how.
const FORM = `body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: #f3f4f6; color: #1f2937; } header { padding: 14px 24px; background: #1f2937; color: #fff; font-weight: 600; }
  main { max-width: 640px; margin: 24px; padding: 16px 24px; background: #fff; border: 1px solid #d1d5db; border-radius: 8px; } label { display: grid; gap: 4px; } input { font: inherit; padding: 8px; border: 1px solid #6b7280; border-radius: 6px; }
  @media (max-width: 480px) { main { margin: 0; border: 0; border-radius: 0; } }`;
async function erp(daemon) {
  const server = http.createServer(async (request, response) => {
    const { ticket } = await daemon.ok('POST', `${T}/widget/tickets`, { session: 'shop', to: MARIANA, agent: 'Ana' });
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Customer</title><style>${FORM}</style><body><header>Customers</header>
      <main><h1>Mariana Costa</h1><p><label>Name <input value="Mariana Costa"></label></p><p><label>Mobile <input value="+55 11 96000-1000"></label></p><p><label>Territory <input value="São Paulo"></label></p></main>
      <script src="${daemon.base}/widget.js" data-tenant="default" data-ticket="${ticket}" data-open></script>`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${server.address().port}`;
  await daemon.ok('PUT', `${T}/widget`, { origins: [origin, 'https://erp.example.com'] });
  return { origin, close: () => server.close() };
}
const inFrame = (page) => page.frameLocator('[data-wabridge] iframe');
async function openWidget(page) {
  await inFrame(page).locator('.bubble').last().waitFor();
  await inFrame(page).locator('.w-thread .bubble').filter({ hasText: 'gift-wrap' }).last().waitFor();
}
async function replying(page, { wide }) {
  await openWidget(page);
  if (wide) return;
  const bubble = inFrame(page).locator('.w-thread .in .bubble').filter({ hasText: 'gift-wrap' }).last();
  await bubble.focus();
  await bubble.press('r');
  await inFrame(page).locator('.composer-quote').waitFor();
}

// name: the file; at: where; foreign: the chat in a page of others; before, prepare: what happens before the page, and before the picture; dark: a
// dark one too; forms: which, if not these; locale: in this language, once there is its catalogue
const VIEWS = [
  { name: 'sign-in', at: null, dark: true },
  { name: 'overview', at: 'overview', dark: true, before: busyDay },
  { name: 'inbox', at: 'inbox', dark: true, prepare: async (page, { wide }) => wide && openChat(page) },
  { name: 'chat', at: 'inbox', forms: [['phone', 'light'], ['phone', 'dark']], prepare: (page) => openChat(page) },
  { name: 'failed', at: 'inbox', prepare: (page) => openChat(page, 'João Pereira') },
  { name: 'sessions', at: 'sessions' },
  { name: 'session', at: 'sessions/shop' },
  { name: 'qr', at: 'sessions/returns', prepare: (page) => page.getByRole('link', { name: 'Link', exact: true }).or(page.getByRole('button', { name: 'Link', exact: true })).first().click() },
  { name: 'webhooks', at: 'webhooks' },
  { name: 'dead-letters', at: 'webhooks/crm?state=dead' },
  { name: 'activity', at: 'activity' },
  { name: 'usage', at: 'usage' },
  { name: 'keys', at: 'keys' },
  { name: 'audit', at: 'audit', dark: true, prepare: (page, { wide }) => wide && page.locator('.entry summary').nth(1).click() },
  { name: 'settings', at: 'settings' },
  { name: 'guards', at: 'settings/guards' },
  { name: 'opt-outs', at: 'settings/opt-outs' },
  { name: 'alerts', at: 'settings/alerts' },
  { name: 'node', at: 'settings/node' },
  { name: 'widget', foreign: true, forms: [['desktop', 'light'], ['phone', 'light'], ['phone', 'dark']], prepare: replying },
  { name: 'right-to-left', at: 'inbox', locale: 'fa', prepare: async (page, { wide }) => wide && openChat(page) },
];
// The daemon has run for a minute; a picture of the overview wants a day. Only these numbers are made up.
async function busyDay(page) {
  await page.route(/\/stats\?/, async (route) => {
    const response = await route.fetch();
    const stats = await response.json();
    const totals = { received: 0, sent: 0, delivered: 0, read: 0, failed: 0 };
    stats.series.forEach((step, i) => {
      const hour = (new Date(step.at).getUTCHours() + 21) % 24, busy = Math.max(0, Math.sin(((hour - 7) / 13) * Math.PI)) * (1 + 0.35 * Math.sin(i * 2.3));
      Object.assign(step, { received: Math.round(9 * busy), sent: Math.round(11 * busy), failed: i % 41 === 7 ? 1 : 0, response_median_s: busy > 0.2 ? 90 + 60 * Math.sin(i / 5) : null, webhook_delivered: Math.round(40 * busy), webhook_latency_p50_ms: busy > 0.1 ? 30 + 8 * Math.sin(i) : null });
      step.delivered = step.sent - step.failed > 0 ? step.sent - step.failed : step.sent;
      step.read = Math.round(step.delivered * 0.8);
      for (const name of Object.keys(totals)) totals[name] += step[name];
    });
    Object.assign(stats.totals, totals, { delivery_rate: totals.delivered / totals.sent, read_rate: totals.read / totals.sent, response: { count: 57, median_s: 142.5, p90_s: 1710 } });
    await route.fulfill({ response, json: stats });
  });
}
async function openChat(page, name = 'Mariana Costa') {
  await page.getByText(name).first().click();
  await page.locator('.thread .bubble, .thread [data-id]').last().waitFor({ timeout: 15_000 }).catch(() => {});
}

async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('main .skeleton, main [aria-busy=true]'), null, { timeout: 15_000 }).catch(() => say('  still loading'));
  await page.evaluate(() => Promise.all([document.fonts.ready, ...[...document.images].map((image) => image.decode().catch(() => {}))]));
  await page.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 700)));
}

async function take(browser, daemon, view, form, theme) {
  const wide = form === 'desktop';
  const options = { viewport: wide ? DESKTOP : PHONE, theme, locale: 'en-US', hasTouch: !wide, timezoneId: 'America/Sao_Paulo' };
  const bare = view.at === null || view.foreign;
  const page = bare ? await browser.person(options) : await browser.signedIn(daemon, options);
  if (bare) await page.goto(view.foreign ? pages.origin : daemon.base);
  else {
    await view.before?.(page);
    if (view.locale) {
      await page.evaluate((language) => localStorage.setItem('wabridge.language', language), view.locale);
      await page.reload();
      await page.locator('.shell').waitFor();
    }
    await page.evaluate(() => sessionStorage.setItem('wabridge.tenant', 'default'));
    await page.reload();
    await open(page, view.at);
  }
  await settled(page);
  await view.prepare?.(page, { wide });
  await settled(page);
  await page.mouse.move(0, 0);
  const name = `${view.name}-${form}${theme === 'dark' ? '-dark' : ''}.png`;
  const file = path.join(OUT, name);
  const small = await shrink(await page.screenshot({ animations: 'disabled', caret: 'hide' }));
  fs.writeFileSync(file, small);
  const size = small.length;
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  say(`${name} ${Math.round(size / 1024)} KiB${size > MOST_BYTES ? ' (too big)' : ''}${beyond > 0 ? ` (${beyond} px beyond the edge)` : ''}${page.faults.length ? ` FAULTS ${page.faults}` : ''}`);
  await page.context().close();
  return size;
}

fs.mkdirSync(OUT, { recursive: true });
const browser = await Browser.start();
const { daemon, farEnd, receivers } = await shop(browser);
const pages = await erp(daemon);
let total = 0, failed = 0;
const spoken = (view) => !view.locale || fs.existsSync(path.join(ROOT, `api/dashboard/text/${view.locale}.json`));
for (const view of VIEWS.filter((v) => spoken(v) && (only.length === 0 || only.includes(v.name)))) {
  for (const [form, theme] of view.forms ?? [['desktop', 'light'], ['phone', 'light'], ...(view.dark ? [['desktop', 'dark']] : [])]) {
    try {
      total += await take(browser, daemon, view, form, theme);
    } catch (error) {
      failed++;
      say(`${view.name} ${form} ${theme}: ${error.message}`);
    }
  }
}
say(`${Math.round(total / 1024)} KiB in all`);
await browser.close();
pages.close();
await daemon.close();
await Promise.all([farEnd.close(), receivers.erp.close(), receivers.crm.close()]);
process.exit(failed ? 1 : 0);
