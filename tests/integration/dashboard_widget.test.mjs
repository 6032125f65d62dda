// The chat widget in a page of somebody else, on another origin: one script tag, a ticket of that
// page's back end, and the whole way to WhatsApp and back.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ALICE, BOB, Daemon, FarEnd, ME, within } from './harness.mjs';
import { accessible, Browser, DESKTOP, drawn, held, PHONE } from './browser.mjs';

const T = '/v1/tenants/default';
const CAROL = '5511900000003';
const DORA = '5511955550021', EVA = '5511955550022';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const STYLE = `body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: #f3f4f6; color: #1f2937; } header { padding: 14px 24px; background: #1f2937; color: #fff; font-weight: 600; }
  main { max-width: 640px; margin: 24px; padding: 16px 24px; background: #fff; border: 1px solid #d1d5db; border-radius: 8px; } label { display: grid; gap: 4px; } input { font: inherit; padding: 8px; border: 1px solid #6b7280; border-radius: 6px; }`;

// An ERP: its pages allow the bridge's script and frame and nothing else, and its back end has the key.
class Erp extends EventEmitter {
  static async start(daemon) {
    const erp = new Erp();
    erp.daemon = daemon;
    erp.server = http.createServer((request, response) => erp.answer(request, response)).listen(0, '127.0.0.1');
    await once(erp.server, 'listening');
    erp.origin = `http://localhost:${erp.server.address().port}`;
    return erp;
  }
  ticket(options) {
    setImmediate(() => this.emit('ticket'));
    return this.daemon.ok('POST', `${T}/widget/tickets`, { session: 'main', to: ALICE, agent: 'Maria', ...this.options, ...options });
  }
  async answer(request, response) {
    const url = new URL(request.url, this.origin);
    if (url.pathname === '/ticket') {
      response.end(JSON.stringify(await this.ticket()));
      return;
    }
    const { base } = this.daemon;
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', `default-src 'none'; script-src ${base} 'nonce-n'; style-src 'nonce-n'; frame-src ${base}; connect-src 'self'`);
    const { ticket } = await this.ticket();
    const script = url.pathname === '/script'
      ? `<script src="${base}/widget.js"></script><script nonce="n">wabridgeWidget.addEventListener('unread', (e) => (document.title = 'unread ' + e.detail.count));
         wabridgeWidget.open({ tenant: 'default', open: true, refresh: () => fetch('/ticket').then((r) => r.json()) });</script>`
      : `<script src="${base}/widget.js" data-tenant="default" data-ticket="${ticket}" ${url.searchParams.get('more') ?? ''}></script>`;
    response.end(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Customer</title><style nonce="n">${STYLE}</style><body><header>Customers</header>
      <main><h1>Customer 17</h1><p><label>Name <input value="Bob Farias"></label></p><p><label>Mobile <input value="+55 11 90000-0002"></label></p><p><label>Territory <input value="Brazil"></label></p></main>${script}`);
  }
  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

describe('the widget in a foreign page', () => {
  let farEnd, daemon, session, events, erp, browser;
  const write = async (from, text, more = {}) => (await farEnd.post('/send', { from, to: ME, text, ...more })).id;
  const frameOf = (page) => page.frameLocator('[data-wabridge] iframe');
  const thread = (frame) => frame.locator('.w-thread');
  const launcher = (page) => page.getByRole('button', { name: /WhatsApp/ });
  before(async () => {
    farEnd = await FarEnd.start();
    daemon = await Daemon.start({ farEnd });
    erp = await Erp.start(daemon);
    await daemon.ok('PUT', `${T}/widget`, { origins: [erp.origin] });
    for (const [phone, name] of [[DORA, 'Dora'], [EVA, 'Eva']]) await farEnd.post('/accounts', { phone, name });
    session = daemon.session();
    events = daemon.events();
    await session.link();
    browser = await Browser.start();
  });
  beforeEach(() => (erp.options = {}));
  after(async () => {
    await browser?.close();
    erp?.close();
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  test('one script tag: open, receive, answer, see the ticks', async () => {
    await write(ALICE, 'hello, is it ready?');
    await write(CAROL, 'not for this page');
    const page = await browser.person();
    await page.goto(`${erp.origin}/`);
    // counted while it is closed
    await page.getByRole('button', { name: 'Open the WhatsApp chat, 1 unread message' }).click();
    const frame = frameOf(page);
    await frame.getByText('hello, is it ready?').waitFor();
    await frame.getByRole('heading', { name: 'Alice' }).waitFor();
    await events.find((e) => e.type === 'chat.updated' && e.data.chat.phone === ALICE && e.data.chat.unread_count === 0, 'read');
    await write(ALICE, 'I mean *today*');
    await thread(frame).getByText('I mean').waitFor();
    // seen, and said so, although the last one was just read
    const { seq: came } = await events.find((e) => e.type === 'message.received' && e.data.text === 'I mean *today*', 'received');
    await events.find((e) => e.seq > came && e.type === 'chat.updated' && e.data.chat.phone === ALICE && e.data.chat.unread_count === 0, 'read too');
    const field = frame.getByRole('textbox', { name: /Message to/ });
    await field.fill('Yes, it is.');
    await field.press('Enter');
    await frame.getByText('Yes, it is.').waitFor();
    const { data: sent } = await events.find((e) => e.type === 'message.status' && e.data.text === 'Yes, it is.' && e.data.status === 'delivered', 'delivered');
    assert.equal(sent.sent_by, 'widget:Maria');
    await frame.getByRole('img', { name: 'Delivered' }).waitFor();
    await farEnd.post('/read', { account: ALICE, from: ME });
    await frame.getByRole('img', { name: 'Read' }).waitFor();
    await farEnd.post('/presence', { from: ALICE, to: ME, state: 'typing' });
    await frame.getByText('Alice is typing').waitFor();
    assert.equal(await frame.getByText('not for this page').count(), 0);
    await accessible(page, 'the page around the widget');

    // minimised by keyboard, the focus goes back to the button
    await field.press('Escape');
    await launcher(page).waitFor();
    await page.waitForFunction(() => document.querySelector('[data-wabridge]').shadowRoot.activeElement?.matches('button'));
    await write(ALICE, 'thanks');
    await page.getByRole('button', { name: /1 unread message/ }).waitFor();
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  test('whoever writes in the page goes on there: while it opens by itself, however late, and when the page puts it away', async () => {
    const page = await browser.person();
    const signIn = await held(page, '**/v1/widget/sign-in');
    await page.goto(`${erp.origin}/`);
    const name = page.getByLabel('Name');
    const typist = async (letter) => {
      await page.keyboard.type(letter);
      assert.ok((await name.inputValue()).endsWith(letter), `${letter} went elsewhere`);
    };
    await name.fill('');   // and the focus is there
    const { ticket } = await erp.ticket();
    await page.evaluate((options) => window.wabridgeWidget.open(options), { tenant: 'default', ticket, open: true });
    const frame = frameOf(page);
    await frame.getByText('Loading').waitFor();
    await typist('1');
    signIn.let();
    await frame.getByRole('textbox', { name: /Message to/ }).waitFor();
    await drawn(frame.locator('html'));
    await typist('2');
    await page.evaluate(() => window.wabridgeWidget.minimise());
    await launcher(page).waitFor();
    await typist('3');
    // who opens it writes in it
    await launcher(page).click();
    await frame.locator('.composer textarea:focus').waitFor();
    await page.keyboard.type('hello');
    assert.equal(await frame.getByRole('textbox', { name: /Message to/ }).inputValue(), 'hello');
    await page.context().close();
  });

  test('a menu that comes late takes nobody from writing', async () => {
    const page = await browser.person();
    const menu = await held(page, '**/message_menu*.js');
    await page.goto(`${erp.origin}/?more=data-open`);
    const frame = frameOf(page);
    const field = frame.getByRole('textbox', { name: /Message to/ });
    await frame.locator('.composer textarea:focus').waitFor();
    const come = page.waitForResponse('**/message_menu*.js');
    await thread(frame).locator('.bubble').filter({ hasText: 'hello, is it ready?' }).press('Enter');
    await menu.asked;
    await field.press('w');
    menu.let();
    const module = (await come).url();
    await page.frames().find((f) => f.url().includes('/widget/')).evaluate((url) => import(url), module);
    await drawn(frame.locator('html'));
    await page.keyboard.type('ait');
    assert.equal(await field.inputValue(), 'wait');
    await page.context().close();
  });

  test('what could not be had at first comes when the line to the bridge stands', async () => {
    const page = await browser.person();
    let failed = 0;
    await page.route(/\/sessions\/main\/chats\/[^/]*$/, (route) => (failed++ ? route.continue() : route.fulfill({ status: 503, json: { code: 'overloaded', title: 'busy' } })));
    await page.goto(`${erp.origin}/?more=data-open`);
    await frameOf(page).getByText('hello, is it ready?').waitFor();
    assert.equal(failed > 1, true);
    await page.context().close();
  });

  test('nothing of it is to be had by the page: no document, no credential, no chat', async () => {
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=data-open`);
    await frameOf(page).getByText('hello, is it ready?').waitFor();
    const seen = await page.evaluate(() => {
      const host = document.querySelector('[data-wabridge]');
      const { contentDocument, src } = host.shadowRoot.querySelector('iframe');
      return { contentDocument, src, html: document.documentElement.outerHTML + host.shadowRoot.innerHTML, names: Object.keys(window.wabridgeWidget) };
    });
    assert.equal(seen.contentDocument, null);
    assert.equal(seen.src, `${daemon.base}/widget/default`);
    assert.deepEqual(seen.names, []);
    assert.ok(!seen.html.includes('waw_') && !seen.html.includes('hello, is it ready'));
    await assert.rejects(page.evaluate(() => document.querySelector('[data-wabridge]').shadowRoot.querySelector('iframe').contentWindow.document.title), /cross-origin/i);
    // the ticket and the credential are in no address, and the daemon's log has neither
    assert.ok(!daemon.log.some((l) => /wwt_|waw_/.test(JSON.stringify(l))));
    await page.context().close();
  });

  test('a file goes out; one that comes is seen', async () => {
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=data-open`);
    const frame = frameOf(page);
    await frame.locator('input[type=file]').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from(PNG, 'base64') });
    await frame.getByRole('textbox', { name: /Message to/ }).fill('the picture');
    await frame.getByRole('button', { name: 'Send' }).click();
    await events.find((e) => e.type === 'message.status' && e.data.text === 'the picture' && e.data.status === 'delivered', 'delivered');
    await frame.getByText('the picture').waitFor();
    await write(ALICE, undefined, { type: 'image', caption: 'mine', mimetype: 'image/png', data_base64: PNG });
    await thread(frame).getByText('mine', { exact: true }).waitFor();
    await frame.locator('.in img').first().waitFor();
    await page.context().close();
  });

  test('answer one message, react, change and delete what one wrote, all by keyboard too', async () => {
    erp.options = { to: DORA };
    await write(DORA, 'which colour do you have?');
    const heavy = await write(DORA, 'and is it heavy?');
    await events.find((e) => e.type === 'message.received' && e.data.id === heavy, 'both');
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=data-open`);
    const frame = frameOf(page);
    const bubble = (text) => thread(frame).locator('.bubble').filter({ hasText: text });
    const field = frame.getByRole('textbox', { name: /Message to/ });
    const menu = frame.getByRole('menu', { name: 'Actions for this message' });
    const expectFocus = (locator) => locator.and(frame.locator(':focus')).waitFor();
    const status = (text, is) => events.find((e) => e.type === 'message.status' && e.data.text === text && e.data.status === is, `${text} ${is}`);

    // the quote stands above the field, Escape takes it away and leaves the chat open
    await bubble('which colour').hover();
    await bubble('which colour').getByRole('button', { name: 'Actions for this message' }).click();
    await menu.getByRole('menuitem', { name: 'Reply' }).click();
    await frame.locator('.composer-quote').getByText('which colour do you have?').waitFor();
    await field.press('Escape');
    await frame.locator('.composer-quote').waitFor({ state: 'detached' });
    await field.waitFor();

    // by keyboard: up to the bubble, Enter for its menu, r to answer it
    await bubble('and is it heavy?').focus();
    await page.keyboard.press('ArrowUp');
    await expectFocus(bubble('which colour'));
    await page.keyboard.press('r');
    await frame.locator('.composer-quote').getByText('which colour do you have?').waitFor();
    await expectFocus(field);
    await field.fill('Blue and green.');
    await field.press('Enter');
    const { data: sent } = await status('Blue and green.', 'delivered');
    assert.equal(sent.quoted.text, 'which colour do you have?');
    await bubble('Blue and green.').locator('.quote').getByText('which colour do you have?').waitFor();
    await frame.locator('.composer-quote').waitFor({ state: 'detached' });

    // a reaction, and back again by what shows it
    await bubble('and is it heavy?').focus();
    await page.keyboard.press('Enter');
    await expectFocus(menu.getByRole('menuitemradio', { name: '👍' }));
    const looks = await menu.getByRole('menuitemradio', { name: '❤️' }).evaluate((button) => getComputedStyle(button).borderTopStyle);
    assert.equal(looks, 'none', 'the styles of the inbox hold for the menu');
    await page.keyboard.press('Enter');
    await events.find((e) => e.type === 'message.reaction' && e.data.message?.text === 'and is it heavy?', 'reaction');
    const own = thread(frame).locator('.reactions').getByRole('button', { name: /Take back your reaction/ });
    await own.click();
    await own.waitFor({ state: 'detached' });

    // what they say with an emoji shows too
    await farEnd.post('/react', { from: DORA, to: ME, id: sent.id, emoji: '❤️' });
    await thread(frame).locator('.reactions').getByText('❤️').waitFor();

    // what was just sent is changed by the arrow up in the empty field
    await field.press('ArrowUp');
    await frame.locator('.composer-quote').getByText('Blue and green.').waitFor();
    await field.fill('Blue, green and red.');
    await field.press('Enter');
    await bubble('Blue, green and red.').getByText('edited').waitFor();

    // and deleted for everyone, after a question
    await bubble('Blue, green and red.').focus();
    await page.keyboard.press('Enter');
    await menu.getByRole('menuitem', { name: 'Delete for everyone' }).click();
    await frame.getByRole('dialog').getByRole('button', { name: 'Delete for everyone' }).click();
    await thread(frame).getByText('You deleted this message').waitFor();

    // of what they wrote, or was written on the phone, neither is offered; forwarding never is
    const { id: phoned } = await farEnd.post('/send', { from: ME, to: DORA, text: 'written on the phone' });
    await events.find((e) => e.type === 'message.sent' && e.data.id === phoned, 'from the phone');
    for (const text of ['written on the phone', 'and is it heavy?']) {
      await bubble(text).focus();
      await page.keyboard.press('Enter');
      await menu.getByRole('menuitem', { name: 'Reply' }).waitFor();
      assert.deepEqual(await menu.getByRole('menuitem').allTextContents(), ['Reply', 'Copy'], text);
      await page.keyboard.press('Escape');
      await menu.waitFor({ state: 'detached' });
    }
    assert.deepEqual(page.faults, []);
    erp.options = {};
    await page.context().close();
  });

  test('a quote leads to what it quotes, however far back', async () => {
    erp.options = { to: EVA };
    const first = await write(EVA, 'the very first');
    for (let i = 0; i < 90; i++) await write(EVA, `line ${i}`);
    const last = await write(EVA, 'remember?', { quoted: first });
    const { seq } = await events.find((e) => e.type === 'message.received' && e.data.id === last, 'the last one');
    await daemon.ok('POST', `${session.path}/chats/${EVA}/read`);   // else it opens where the unread ones begin
    await events.find((e) => e.seq > seq && e.type === 'chat.updated' && e.data.chat.phone === EVA && e.data.chat.unread_count === 0, 'read');
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=data-open`);
    const frame = frameOf(page);
    const quoting = thread(frame).locator('.bubble').filter({ hasText: 'remember?' });
    await quoting.locator('.quote').click();
    await thread(frame).locator('.words').getByText('the very first').waitFor();   // far away it is not in the page
    await frame.getByRole('button', { name: /newest message/ }).click();
    await quoting.waitFor();
    erp.options = {};
    await page.context().close();
  });

  test('a page that is not listed shows nothing, nor does an unknown tenant', async () => {
    await daemon.ok('PUT', `${T}/widget`, { origins: ['https://erp.example.com'] });
    try {
      const page = await browser.person();
      const refused = page.waitForEvent('console', (m) => m.type() === 'error' && /frame-ancestors/.test(m.text()));
      await page.goto(`${erp.origin}/?more=data-open`);
      await refused;
      assert.equal(await frameOf(page).locator('.widget').count(), 0);
      await page.context().close();
      const headers = async (tenant) => (await fetch(`${daemon.base}/widget/${tenant}`)).headers.get('content-security-policy');
      assert.match(await headers('default'), /frame-ancestors https:\/\/erp\.example\.com$/);
      await daemon.ok('PUT', '/v1/tenants/quiet', {});
      assert.match(await headers('quiet'), /frame-ancestors 'none'$/);
      assert.equal(await headers('nobody'), await headers('quiet'));
    } finally {
      await daemon.ok('PUT', `${T}/widget`, { origins: [erp.origin] });
    }
  });

  test('a credential that ends is renewed by the page; a used ticket is asked for anew', async () => {
    erp.options = { ttl_s: 3 };
    const page = await browser.person();
    await page.goto(`${erp.origin}/script`);
    const frame = frameOf(page);
    await frame.getByText('hello, is it ready?').waitFor();
    for (let i = 0; i < 3; i++) await within(once(erp, 'ticket'), 'renewal');
    await write(ALICE, 'still there?');
    await thread(frame).getByText('still there?').waitFor();
    assert.equal(await frame.getByText('This chat was closed for safety').count(), 0);
    await page.context().close();
    // without anybody to ask, it says so
    erp.options = { ttl_s: 1 };
    const other = await browser.person();
    await other.goto(`${erp.origin}/?more=data-open`);
    await frameOf(other).getByText('This chat was closed for safety').waitFor();
    await other.context().close();
  });

  test('while the account is away it says so, and what is sent waits and goes out', async () => {
    const page = await browser.person();
    await session.act('stop');
    await session.until('stopped');
    await page.goto(`${erp.origin}/?more=data-open`);
    const frame = frameOf(page);
    await frame.getByText('This account is not connected (Stopped)').waitFor();
    const field = frame.getByRole('textbox', { name: /Message to/ });
    await field.fill('sent in vain?');
    await field.press('Enter');
    await frame.getByRole('img', { name: 'Queued' }).waitFor();
    await session.act('start');
    await events.find((e) => e.type === 'message.status' && e.data.text === 'sent in vain?' && e.data.status === 'delivered', 'delivered');
    await frame.getByRole('img', { name: 'Queued' }).waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('nobody has written yet: the first message makes the chat, and what fails says why', async () => {
    erp.options = { to: '5511977770000', name: 'Nova Cliente' };
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=data-open`);
    const frame = frameOf(page);
    await frame.getByText('No messages yet').waitFor();
    const field = frame.getByRole('textbox', { name: 'Message to Nova Cliente' });
    await field.fill('welcome');
    await field.press('Enter');
    await thread(frame).getByText('welcome').waitFor();
    await frame.getByText('This number is not on WhatsApp').waitFor();
    await frame.getByRole('button', { name: 'Try again' }).waitFor();
    await frame.getByRole('heading', { name: 'Nova Cliente' }).waitFor();
    await page.context().close();
  });

  test('who may only read is told so', async () => {
    erp.options = { can_send: false };
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=data-open`);
    await frameOf(page).getByText('You may read this conversation, not write in it.').waitFor();
    assert.equal(await frameOf(page).getByRole('textbox').count(), 0);
    await page.context().close();
  });

  test('both themes, right to left, a phone and 280 pixels', async () => {
    erp.options = { to: BOB };
    for (const text of ['Good morning! Is order 1184 ready?', 'And can you add the *blue* cover?']) {
      const id = await write(BOB, text);
      await events.find((e) => e.type === 'message.received' && e.data.id === id, 'received');
    }
    const { key } = await daemon.ok('POST', `${T}/keys`, { name: 'Maria', role: 'agent' });
    for (const text of ['Good morning, Bob. It is packed and leaves at noon.', 'With the blue cover the total is R$ 184,90.']) {
      await daemon.ok('POST', `${session.path}/messages?wait=device`, { to: BOB, text }, { key });
    }
    const first = 'Good morning! Is order 1184 ready?';
    for (const [name, options] of Object.entries({ desktop: { viewport: DESKTOP }, phone: { viewport: PHONE }, narrow: { viewport: { width: 280, height: 640 } } })) {
      for (const theme of ['light', 'dark']) {
        const page = await browser.person({ theme, ...options });
        await page.goto(`${erp.origin}/?more=data-open`);
        const frame = frameOf(page);
        await frame.getByText(first).waitFor();
        const wide = await frame.locator('html').evaluate((html) => html.scrollWidth - html.clientWidth);
        assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
        if (process.env.WABRIDGE_TEST_SHOTS) await page.screenshot({ path: `${process.env.WABRIDGE_TEST_SHOTS}/widget-${name}-${theme}.png` });
        await page.context().close();
      }
    }
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=${encodeURIComponent('data-open data-lang="ar" data-position="bottom-left"')}`);
    const frame = frameOf(page);
    await frame.getByText(first).waitFor();
    await frame.locator('html').evaluate((html) => (html.dir = 'rtl'));
    if (process.env.WABRIDGE_TEST_SHOTS) await page.screenshot({ path: `${process.env.WABRIDGE_TEST_SHOTS}/widget-rtl.png` });
    await page.context().close();
  });

  test('the frame itself has no fault of accessibility, in either theme', async () => {
    const page = await browser.person();
    await page.goto(`${erp.origin}/?more=data-open`);
    await frameOf(page).getByText('hello, is it ready?').waitFor();
    const inside = page.frames().find((f) => f.url().includes('/widget/'));
    await accessible({ emulateMedia: (o) => page.emulateMedia(o), evaluate: (...a) => inside.evaluate(...a), faults: page.faults }, 'the widget');
    await page.context().close();
  });
});
