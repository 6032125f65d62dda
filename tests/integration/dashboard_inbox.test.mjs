// The inbox as a support team uses it: chats and threads live, answers, search, filters, what happens
// when the stream drops, and who sees what.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { accessible, Browser, open, PHONE } from './browser.mjs';
import { ALICE, BOB, Daemon, DEADLINE_MS, eventually, FarEnd, ME, TEAM } from './harness.mjs';

const NOBODY = '5599999999999';
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
// So many seconds of nothing, as a WAV file.
function silence(seconds) {
  const data = Buffer.alloc(8000 * seconds, 128), head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  [[16, 16, 4], [1, 20, 2], [1, 22, 2], [8000, 24, 4], [8000, 28, 4], [1, 32, 2], [8, 34, 2]].forEach(([n, at, size]) => head.writeUIntLE(n, at, size));
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]).toString('base64');
}
const row = (page, name) => page.locator('.chat-list .chat-row').filter({ has: page.locator('.name', { hasText: name }) });
const bubble = (page, text) => page.locator('.bubble').filter({ hasText: text });
// a bubble ends with its time: "line 14" and "9:31 PM" begin with "line 149"
const line = (page, n) => page.locator('.bubble').getByText(`line ${n}`, { exact: true });
const thread = (page) => page.getByRole('region', { name: /^Messages with/ });
const write = async (page, text) => {
  await page.getByRole('textbox', { name: /message/i }).last().fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
};
// So many, and no more: of a list that loads, rows may go one by one.
const count = async (locator, n) => {
  await locator.nth(n - 1).waitFor();
  await locator.nth(n).waitFor({ state: 'detached' });
};

describe('the inbox', () => {
  let farEnd, daemon, session, events, browser, page;
  before(async () => {
    farEnd = await FarEnd.start();
    // with this level the port is chosen beforehand and stays over a restart
    daemon = await Daemon.start({ farEnd, settings: { 'log.level': 'warn' } });
    session = daemon.session();
    await session.link(ME);
    events = daemon.events();
    browser = await Browser.start();
    page = await browser.signedIn(daemon, { at: 'inbox' });
  });
  after(async () => {
    await browser?.close();
    await events?.close();
    await daemon?.close();
    await farEnd?.close();
  });

  const say = async (from, text, more = {}, to = ME) => {
    const sent = await farEnd.post('/send', { from, to, ...(text ? { text } : {}), ...more });
    await events.find((e) => e.type === 'message.received' && e.data.id === sent.id, `"${text}" received`);
    return sent.id;
  };
  const inTeam = (from, text, more) => say(from, text, more, TEAM);
  const idOf = async (phone) => (await daemon.ok('GET', `${session.path}/chats/${phone}`)).id;

  test('is empty, and says what to do', async () => {
    await page.getByText('No chats yet').waitFor();
    await page.getByText('Write to the linked number').waitFor();
  });

  test('a message comes: a row with its badge; opened, it is read; the answer goes out', async () => {
    await say(ALICE, 'Where is my order?');
    await say(ALICE, 'It was *due* _today_, see https://shop.example/4711.');
    await row(page, 'Alice').locator('.badge', { hasText: /^2/ }).waitFor();
    await row(page, 'Alice').click();
    await page.getByText('Unread messages').waitFor();
    await bubble(page, 'Where is my order?').waitFor();
    await page.locator('.bubble strong', { hasText: 'due' }).waitFor();
    const link = page.getByRole('link', { name: 'https://shop.example/4711', exact: true });
    assert.match(await link.getAttribute('rel'), /noopener/);
    await row(page, 'Alice').locator('.badge').waitFor({ state: 'detached' });
    await farEnd.wait('seen', { account: ME, count: 2 });
    await write(page, 'On its way, Alice');
    await bubble(page, 'On its way, Alice').getByRole('img', { name: 'Delivered' }).waitFor();
    await farEnd.post('/read', { account: ALICE, from: ME });
    await bubble(page, 'On its way, Alice').getByRole('img', { name: 'Read' }).waitFor();
    await count(bubble(page, 'On its way, Alice'), 1);
    await row(page, 'Alice').getByText('On its way, Alice').waitFor();
    const [{ text }] = await farEnd.received(ME);
    assert.equal(text, 'On its way, Alice');
  });

  test('quotes, reactions, edits and revokes show as they happen', async () => {
    const first = await say(ALICE, 'the blue one');
    await say(ALICE, 'or was it red?', { quoted: first });
    await bubble(page, 'or was it red?').getByRole('button', { name: /Go to the quoted message:.*the blue one/ }).waitFor();
    await farEnd.post('/edit', { from: ALICE, to: ME, id: first, text: 'the green one' });
    await bubble(page, 'the green one').getByText('edited').first().waitFor();
    await farEnd.post('/react', { from: ALICE, to: ME, id: first, emoji: '👍' });
    await page.getByRole('list', { name: 'Reactions' }).getByText('👍').waitFor();
    const own = page.locator(`[data-message="${first}"]`);
    await own.click({ button: 'right' });
    await page.getByRole('menuitemradio', { name: '❤️' }).click();
    await page.getByRole('list', { name: 'Reactions' }).getByText('❤️').waitFor();
    await farEnd.post('/revoke', { from: ALICE, to: ME, id: first });
    await own.getByText('This message was deleted').waitFor();
    await own.getByText('edited').first().waitFor({ state: 'detached' });
    await page.getByRole('list', { name: 'Reactions' }).first().waitFor({ state: 'detached' });
    await write(page, 'a slip');
    await bubble(page, 'a slip').getByRole('img', { name: /Sent|Delivered/ }).waitFor();
    await bubble(page, 'a slip').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Delete for everyone' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete for everyone' }).click();
    await page.getByText('You deleted this message').waitFor();
  });

  test('an answer to one message, by the key r', async () => {
    await say(ALICE, 'and what about the refund?');
    await bubble(page, 'and what about the refund?').focus();
    await page.keyboard.press('r');
    await write(page, 'It left yesterday');
    await bubble(page, 'It left yesterday').getByRole('button', { name: /Go to the quoted message:.*and what/ }).waitFor();
  });

  test('files, places and a poll in a group with names', async () => {
    await inTeam(BOB, null, { type: 'document', mimetype: 'application/pdf', filename: 'menu.pdf', size_bytes: 5000, seed: 'menu' });
    await inTeam(ALICE, null, { type: 'location', lat: -23.55, lng: -46.63, name: 'Corner Café' });
    const poll = await inTeam(BOB, 'Where?', { type: 'poll', poll_options: ['Noodles', 'Pizza'], max_choices: 1 });
    await farEnd.post('/vote', { from: ALICE, to: TEAM, id: poll, options: ['Pizza'] });
    await inTeam(BOB, 'look', { type: 'image', mimetype: 'image/png', data_base64: PIXEL });
    await row(page, 'Team').click();
    await page.waitForFunction(() => document.querySelector('.picture img')?.naturalWidth === 1);
    await page.getByRole('button', { name: /Download.*menu\.pdf/ }).waitFor();
    await page.getByRole('link', { name: /Corner Café/ }).waitFor();
    await page.getByText('1 person voted').waitFor();
    // a name begins a group of bubbles: what the same one says within a minute
    const names = (await page.locator('.bubble .who').allTextContents()).filter((name, i, all) => name !== all[i - 1]);
    assert.deepEqual(names, ['Bob', 'Alice', 'Bob']);
    await accessible(page, 'inbox, a group');
  });

  test('a voice is played, paused and wound by keys; what looks like markup is text', async () => {
    await row(page, 'Alice').click();
    const markup = '<img src=x onerror="window.hurt=1"><b>not bold</b>';
    await say(ALICE, markup);
    await page.locator('.bubble').getByText(markup, { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => window.hurt), undefined);
    await say(ALICE, null, { type: 'voice', mimetype: 'audio/wav', duration: 60, data_base64: silence(60) });   // longer than the slowest hand needs
    await page.getByRole('button', { name: 'Play the voice message' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    const position = page.getByRole('slider', { name: 'Position' });
    await position.focus();
    await page.keyboard.press('Home');
    await page.locator('[aria-valuetext="0:00 / 1:00"]').waitFor();
    await page.keyboard.press('PageUp');   // a tenth of it
    await page.locator('[aria-valuetext="0:06 / 1:00"]').waitFor();
    await page.getByRole('button', { name: /^Speed/ }).click();
    await page.getByRole('button', { name: /1\.5×/ }).waitFor();
  });

  test('internal notes stand between the messages, for the team alone', async () => {
    await row(page, 'Alice').click();
    const sent = (await farEnd.received(ME)).length;
    const note = await daemon.ok('POST', `${session.path}/chats/${await idOf(ALICE)}/notes`, { text: 'asked for a refund twice' });
    await page.getByRole('note').getByText('asked for a refund twice').waitFor();
    await row(page, 'Team').click();
    await page.getByRole('note').waitFor({ state: 'detached' });
    await row(page, 'Alice').click();
    await page.getByRole('note').getByText('asked for a refund twice').waitFor();
    await accessible(page, 'inbox, a thread with a note');
    await daemon.ok('DELETE', `${session.path}/chats/${await idOf(ALICE)}/notes/${note.id}`);
    await page.getByRole('note').waitFor({ state: 'detached' });
    assert.equal((await farEnd.received(ME)).length, sent, 'nothing of it went out');
  });

  test('a number that is not there: the reason in words, and a way to try again', async () => {
    await session.send(NOBODY, 'hello?');
    await row(page, NOBODY).click();
    await page.getByRole('group', { name: 'Failed' }).getByText('This number is not on WhatsApp').waitFor();
    await page.getByRole('group', { name: 'Failed' }).getByRole('button', { name: 'Try again' }).click();
    await count(page.getByText('This number is not on WhatsApp'), 2);
    await page.getByText('Sent again').waitFor();
    await page.locator('.bubble:focus', { hasText: 'hello?' }).waitFor();
  });

  test('an answer of the server that is lost on its way makes no second message', async () => {
    await row(page, 'Alice').click();
    await bubble(page, 'It left yesterday').waitFor();
    const lost = async (route) => {
      await route.fetch();
      await route.abort('connectionreset');
    };
    await page.route('**/sessions/main/messages', lost, { times: 1 });
    await write(page, 'only once');
    await bubble(page, 'only once').getByRole('img', { name: /Sent|Delivered/ }).waitFor();
    await count(bubble(page, 'only once'), 1);
    // and one that never arrived stays, and goes when it is asked to
    await page.route('**/sessions/main/messages', (route) => route.abort('connectionrefused'), { times: 1 });
    await write(page, 'the second try');
    const failed = page.getByRole('group', { name: 'Failed' });
    await failed.getByText('wabridge cannot be reached').waitFor();
    await failed.getByRole('button', { name: 'Try again' }).click();
    await bubble(page, 'the second try').getByRole('img', { name: /Sent|Delivered/ }).waitFor();
    await count(bubble(page, 'the second try'), 1);
    const texts = (await farEnd.received(ME)).map(({ text }) => text);
    assert.deepEqual(texts.filter((text) => ['only once', 'the second try'].includes(text)), ['only once', 'the second try']);
  });

  test('a search opens the thread around its hit', async () => {
    const words = Array.from({ length: 150 }, (_, i) => ({ from: BOB, to: ME, text: i === 30 ? 'the needle in it' : `line ${i}` }));
    const { ids } = await farEnd.post('/send-batch', { messages: words });
    await events.find((e) => e.type === 'message.received' && e.data.id === ids.at(-1), 'the last line');
    const found = async () => (await daemon.ok('GET', '/v1/tenants/default/search?q=needle')).items.length > 0;
    for (const end = Date.now() + DEADLINE_MS; !(await found());) assert.ok(Date.now() < end, 'the index follows by a moment');
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('needle');
    await page.getByRole('heading', { name: 'Messages' }).waitFor();
    const hit = page.locator('.bubble.hit', { hasText: 'the needle in it' }).waitFor();   // marked for a moment only
    await Promise.all([hit, page.locator('.chat-list mark', { hasText: 'needle' }).click()]);
    await line(page, 29).waitFor();
    await line(page, 31).waitFor();
    assert.equal(await line(page, 149).count(), 0, 'the end is far away');
    await page.getByRole('button', { name: /To the newest/ }).click();
    await line(page, 149).waitFor();
    await accessible(page, 'inbox, search results and a thread');
    await page.getByRole('searchbox').fill('alic');
    await page.getByRole('heading', { name: 'Chats' }).waitFor();
    await row(page, 'Alice').first().waitFor();
    await page.getByRole('searchbox').fill('');
  });

  test('filters stand in the address; acts on a row show at once', async () => {
    await open(page, 'inbox');
    await row(page, 'Bob').waitFor();
    await say(ALICE, 'one more thing');
    await page.getByRole('button', { name: /^Unread/ }).click();
    await row(page, 'Bob').waitFor({ state: 'detached' });
    await row(page, 'Alice').waitFor();
    await page.waitForURL(/unread=1/);
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await row(page, 'Team').waitFor();   // all are there: nothing moves any more
    await row(page, 'Bob').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Close the conversation' }).click();
    await row(page, 'Bob').getByText('Closed').waitFor();
    await page.getByRole('button', { name: 'Closed', exact: true }).click();
    await row(page, 'Alice').waitFor({ state: 'detached' });
    await count(page.locator('.chat-list .chat-row'), 1);
    await say(BOB, 'open again');   // opens the conversation, which leaves this filter
    await page.getByText('Nothing matches').waitFor();
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await row(page, 'Team').waitFor();
    await row(page, 'Alice').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Assign to me' }).click();
    await page.getByRole('button', { name: 'Mine', exact: true }).click();
    await row(page, 'Bob').waitFor({ state: 'detached' });
    await daemon.ok('PATCH', `${session.path}/chats/${await idOf(BOB)}`, { tags: ['vip'] });
    await page.reload();   // the key stays with the tab, the filter with the address
    await row(page, 'Alice').waitFor();
    await count(page.locator('.chat-list .chat-row'), 1);
    await page.getByRole('button', { name: 'Mine', exact: true }).click();
    await page.getByRole('button', { name: 'More filters' }).click();
    await page.getByRole('menuitemradio', { name: 'vip' }).click();
    await row(page, 'Alice').waitFor({ state: 'detached' });
    await row(page, 'Bob').waitFor();
    await page.getByRole('button', { name: 'Remove the filter vip' }).click();
    await row(page, 'Team').waitFor();
    await row(page, 'Bob').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Pin', exact: true }).click();
    await farEnd.wait('chat', { account: ME, chat: BOB, pinned: true });
    await row(page, 'Bob').getByRole('img', { name: 'Pinned' }).waitFor();
    await page.locator('.chat-list li:first-child .name', { hasText: 'Bob' }).waitFor();
    await accessible(page, 'inbox, list');
  });

  test('what is archived has a list of its own, is marked where a search finds it, and comes back', async () => {
    const alice = row(page, 'Alice'), found = page.locator('.results .chat-row:not(.hit)').filter({ hasText: 'Alice' });
    const act = async (on, name) => {
      await on.click({ button: 'right' });
      await page.getByRole('menuitem', { name, exact: true }).click();
    };
    const archived = (is) => farEnd.wait('chat', { account: ME, chat: ALICE, archived: is });
    await open(page, 'inbox');
    await row(page, 'Team').waitFor();
    await act(alice, 'Archive');
    await page.locator('.toast').filter({ hasText: 'Alice is in the archive' }).getByRole('button', { name: 'Undo' }).click();
    await alice.waitFor();
    await archived(false);
    await act(alice, 'Archive');
    await alice.waitFor({ state: 'detached' });
    await archived(true);
    await say(ALICE, 'from the archive');
    await eventually('one that is archived, and unread', async () => {
      const { counts } = await daemon.ok('GET', '/v1/tenants/default/chats/facets');
      return counts.archived === 1 && counts.archived_unread === 1;
    });
    await page.getByRole('button', { name: 'More filters' }).click();
    await page.getByRole('menuitemradio', { name: 'Archived (1)' }).click();
    await page.waitForURL(/archived=1/);
    await alice.getByRole('img', { name: 'Archived' }).waitFor();
    await alice.getByText('from the archive').waitFor();
    await count(page.locator('.chat-list .chat-row'), 1);
    await accessible(page, 'inbox, archive');
    await act(alice, 'Take out of the archive');
    await page.getByText('Nothing matches').waitFor();
    await archived(false);
    await page.getByRole('button', { name: 'Remove the filter Archived' }).click();
    await alice.waitFor();

    await farEnd.post('/chat-set', { account: ME, chat: ALICE, archived: true });   // on the phone
    await alice.waitFor({ state: 'detached' });
    await row(page, 'Team').waitFor();
    const search = page.getByRole('searchbox', { name: 'Search chats and messages' });
    await search.fill('Alice');
    await found.getByRole('img', { name: 'Archived' }).waitFor();
    await act(found, 'Take out of the archive');
    await found.getByRole('img', { name: 'Archived' }).waitFor({ state: 'detached' });
    await found.waitFor();
    await archived(false);
    await search.fill('');
    await alice.waitFor();

    await farEnd.post('/chat-set', { account: ME, chat: ALICE, archived: true });
    await alice.waitFor({ state: 'detached' });
    await say(ALICE, 'me again');
    await farEnd.post('/chat-set', { account: ME, chat: ALICE, archived: false });   // as WhatsApp does where chats are not kept in the archive
    await alice.getByText('me again').waitFor();
    assert.deepEqual(page.faults, []);
  });

  test('by keyboard: arrows, Enter, Escape', async () => {
    await page.locator('.chat-list .chat-row').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('.chat-list li:nth-child(2) a:focus').waitFor();
    await page.keyboard.press('Enter');
    await thread(page).waitFor();
    await page.getByRole('textbox', { name: /message/i }).and(page.locator(':focus')).waitFor();   // where it goes by itself
    await thread(page).focus();
    await page.keyboard.press('Escape');
    await page.getByText('Pick a chat').waitFor();
    await page.locator('.chat-list li:nth-child(2) a:focus').waitFor();
  });

  test('whoever types faster than the page draws keeps the focus', async () => {
    await page.locator('.chat-list li:nth-child(2) a').click();
    await page.getByRole('textbox', { name: /message/i }).and(page.locator(':focus')).waitFor();
    await thread(page).focus();
    await page.evaluate(() => {
      const real = window.requestAnimationFrame;
      const held = [];
      window.requestAnimationFrame = (act) => held.push(act);
      window.drawAgain = () => {
        window.requestAnimationFrame = real;
        return new Promise((resolve) => {
          held.forEach((act) => real(act));
          real(() => real(() => real(resolve)));
        });
      };
      window.isHeld = (n) => held.length >= n;
    });
    await page.keyboard.press('Escape');
    await page.getByText('Pick a chat').waitFor();
    await page.waitForFunction(() => window.isHeld(1), null, { polling: 20 });   // its row would be focused, once drawn
    await page.keyboard.press('/');
    await page.evaluate(() => window.drawAgain());
    await page.keyboard.type('alice');
    await page.getByRole('heading', { name: 'Chats' }).waitFor();
    await page.getByRole('searchbox').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await row(page, 'Team').waitFor();
  });

  test('what comes in is said to those who listen, of the open chat alone', async () => {
    const said = (text) => page.getByRole('log', { name: 'New messages' }).filter({ hasText: new RegExp(`^${text}$`) }).waitFor({ state: 'attached' });
    await row(page, 'Alice').click();
    await bubble(page, 'me again').waitFor();
    await farEnd.post('/send', { from: ALICE, to: ME, text: 'said aloud' });
    await say(BOB, 'said by another');
    await said('Alice: said aloud');
    await row(page, 'Bob').click();
    await bubble(page, 'said by another').waitFor();
    await say(BOB, 'the next of Bob');
    await said('Bob: the next of Bob');
  });

  test('a phone shows one thing at a time', async () => {
    const phone = await browser.signedIn(daemon, { at: 'inbox', viewport: PHONE });
    await row(phone, 'Alice').click();
    await bubble(phone, 'one more thing').waitFor();
    await phone.locator('.chat-list').waitFor({ state: 'hidden' });
    assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the window');
    await accessible(phone, 'inbox on a phone');
    await phone.getByRole('button', { name: 'Back to the chats' }).click();
    await row(phone, 'Alice').waitFor();
    await phone.context().close();
  });

  test('the daemon goes and comes back: nothing is missed, nothing twice', async () => {
    await row(page, 'Alice').click();
    await bubble(page, 'one more thing').waitFor();
    await events.close();
    await daemon.stop();
    await page.getByText('Connection lost').waitFor();
    const { id } = await farEnd.post('/send', { from: ALICE, to: ME, text: 'while you were away' });
    await daemon.run();
    events = daemon.events();
    await session.until('ready');
    await events.find((e) => e.type === 'message.received' && e.data.id === id, 'the message of meanwhile');
    await page.locator('.connection.live').waitFor();
    await count(bubble(page, 'while you were away'), 1);
    await say(ALICE, 'and now live again');
    await count(bubble(page, 'and now live again'), 1);
    await count(bubble(page, 'one more thing'), 1);
    assert.deepEqual(page.faults, []);
  });

  test('a key for one session sees that one only; another tenant sees nothing of it', async () => {
    await daemon.ok('PUT', '/v1/tenants/default/sessions/north', { autostart: false });
    await daemon.session('default', 'north').send('5511933330000', 'of the north');
    await daemon.ok('PUT', '/v1/tenants/acme', { name: 'Acme' });
    await daemon.ok('PUT', '/v1/tenants/acme/sessions/main', { autostart: false });
    await daemon.session('acme', 'main').send('5511944440000', 'of acme');
    const { key: agent } = await daemon.ok('POST', '/v1/tenants/default/keys', { name: 'Nora', role: 'agent', sessions: ['north'] });
    const { key: acme } = await daemon.ok('POST', '/v1/tenants/acme/keys', { name: 'Acme desk', role: 'operator' });

    const nora = await browser.signedIn(daemon, { key: agent, at: 'inbox' });
    await row(nora, '5511933330000').waitFor();
    await count(nora.locator('.chat-list .chat-row'), 1);
    await open(nora, `inbox/main/${await idOf(ALICE)}`);
    await nora.locator('.thread').getByRole('alert').first().waitFor();
    assert.equal(await nora.locator('.bubble').count(), 0);

    const desk = await browser.signedIn(daemon, { key: acme, at: 'inbox' });
    await row(desk, '5511944440000').waitFor();
    await say(ALICE, 'only for default');
    await bubble(page, 'only for default').waitFor();
    await daemon.session('acme', 'main').send('5511944440000', 'a second one');
    await row(desk, '5511944440000').getByText('a second one').waitFor();
    await count(desk.locator('.chat-list .chat-row'), 1);
    await count(nora.locator('.chat-list .chat-row'), 1);
    for (const other of [nora, desk]) {
      assert.equal(await other.getByText('only for default').count(), 0);
      assert.deepEqual(other.faults, []);
      await other.context().close();
    }
  });
});
