// The page's own moods, each of which has fooled a client: late bundles, shortened names, a strict
// content security policy, modules that are not there.

import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, test } from 'node:test';

import { ALICE, launch, LID, ME, startFarEnd, WaJs } from './support.mjs';

let far, phone, browser, context;

before(async () => {
  far = await startFarEnd();
  phone = far.phone;
  browser = await launch(far);
});

after(async () => {
  await browser?.close();
  await far?.close();
});

beforeEach(async () => {
  context = await browser.createBrowserContext();
});

afterEach(async () => {
  await context.close();
  await phone.post('/unlink', { account: ME });
});

async function linked() {
  const me = await WaJs.open(context);
  await me.link(phone, ME);
  return me;
}

async function reopened(me) {
  await me.page.close();
  await phone.wait('away', { account: ME });
  const again = await WaJs.open(context);
  await phone.wait('main', { account: ME });
  await again.ready();
  return again;
}

async function receivesAndSends(me) {
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'in' });
  const message = await me.next('chat.new_message', (m) => m.stanza === id);
  assert.equal(message.id, `false_${LID[ALICE]}_${id}`);
  const sent = await me.call('chat.sendTextMessage', LID[ALICE], 'out');
  const key = await me.evaluate((id) => String(WPP.whatsapp.MsgStore.get(id).id), sent.id);
  await phone.wait('message', { account: ME, to: ALICE, id: key.split('_')[2] });
}

test('message keys whose text is called $1', async () => {
  await phone.post('/knobs', { dollar_keys: true });
  const me = await linked();
  await receivesAndSends(me);
  const fields = await me.evaluate(() => Object.keys(WPP.whatsapp.MsgStore.last().id));
  assert.ok(fields.includes('$1') && !fields.includes('_serialized'));
  await phone.post('/knobs', { dollar_keys: false });
});

test('a strict content security policy', async () => {
  await phone.post('/knobs', { csp: true });
  const me = await linked();
  const inlineRuns = await me.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.inlineRan = true';
    document.head.append(script);
    return window.inlineRan === true;
  });
  assert.equal(inlineRuns, false);
  await receivesAndSends(me);
  await phone.post('/knobs', { csp: false });
});

test('bundles that come slowly but steadily', async () => {
  await phone.post('/knobs', { batches: 5, batch_ms: 200 });
  await receivesAndSends(await linked());
  await phone.post('/knobs', { batches: 3, batch_ms: 30 });
});

test('a bundle that comes after the library has settled leaves it deaf, though it looks ready', async () => {
  const me = await linked();
  await phone.post('/knobs', { late_gap_ms: 1500 });
  const deaf = await reopened(me);
  assert.equal((await deaf.state()).mode, 'MAIN');
  const { id } = await phone.post('/send', { from: ALICE, to: ME, text: 'can you hear me?' });
  await deaf.until((id) => require('WAWebMsgCollection').MsgCollection.findFirst((m) => m.id.id === id), id);
  assert.deepEqual(deaf.of('chat.new_message'), []);
  await phone.post('/knobs', { late_gap_ms: 0 });
  await receivesAndSends(await reopened(deaf));
});

test('a module that is not there cannot be required', async () => {
  await phone.post('/knobs', { missing_modules: ['WAWebSendMsgChatAction'] });
  const me = await linked();
  const error = await me.evaluate(() => {
    try {
      require('WAWebSendMsgChatAction');
      return null;
    } catch (error) {
      return error.message;
    }
  });
  assert.equal(error, 'Requiring unknown module "WAWebSendMsgChatAction"');
  await assert.rejects(me.call('chat.sendTextMessage', LID[ALICE], 'x'));
  await phone.post('/knobs', { missing_modules: [] });
  await receivesAndSends(await reopened(me));
});
