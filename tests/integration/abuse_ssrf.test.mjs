// Addresses that others give us: webhooks, files by url and agents keep to the same rule, however
// an address is written and whatever a name turns out to mean.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Daemon, Receiver } from './harness.mjs';

let daemon, receiver;

before(async () => {
  receiver = await Receiver.start();
  daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false', 'relay.allow_private': 'no' } });
  await daemon.ok('PUT', '/v1/tenants/default/sessions/main', {});
});
after(async () => {
  await daemon?.close();
  await receiver?.close();
});

const ways = {
  webhook: (url) => daemon.call('PUT', '/v1/tenants/default/webhooks/a', { body: { url, events: ['*'] } }),
  agent: (url) => daemon.call('PUT', `${daemon.session().path}/agent`, { body: { kind: 'http', url } }),
  media: (url) => daemon.call('POST', `${daemon.session().path}/messages`, { body: { to: '5511988887777', image: { url } } }),
};

const addresses = [
  '127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '017700000001', '0', '0.0.0.0',
  '10.0.0.1', '192.168.1.1', '172.16.0.1', '100.64.0.1', '169.254.169.254', '224.0.0.1', '255.255.255.255', '198.18.0.1',
  '[::1]', '[::]', '[::127.0.0.1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:0001]',
  '[2002:7f00:1::]', '[2001:0:7f00:1::]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[fe80::1]', '[fc00::1]', '[fec0::1]', '[ff02::1]',
];
const malformed = (port) => [
  `http://127.0.0.1.:${port}/`, `http://1.2.3.4.5:${port}/`, `http://[fe80::1%25lo]:${port}/`, `http://[::1%lo]:${port}/`,
  `http://user@127.0.0.1:${port}/`, `http://example.com@127.0.0.1:${port}/`, `http://127.0.0.1:${port}@example.com/`,
  `http://127.0.0.1\\@example.com:${port}/`, 'http://example.com:0/', 'http://example.com:65536/', 'http://example.com:-1/',
  'http://example.com:+80/', 'http://example.com:80:80/', 'http://\uff11\uff12\uff17.0.0.1/', 'http://127\u30020.0.1/', 'http://\u24db\u24de\u24d2alhost/',
  'http://ex\u0430mple.com/', 'http:///127.0.0.1/', 'http:127.0.0.1', '//127.0.0.1/', 'file:///etc/passwd', 'gopher://127.0.0.1/', 'unix:///x',
  `http://127.0.0.1:${port}/\r\nX: y`, `http://127.0.0.1:${port}/\u0000`, ' http://example.com/', 'http://exam\tple.com/', 'http://%',
];

for (const [name, give] of Object.entries(ways)) {
  test(`${name}: no private address in any form`, async () => {
    for (const host of addresses) {
      const answer = await give(`http://${host}:${receiver.port}/`);
      assert.equal(answer.status, 422, `${host}: ${answer.text}`);
      assert.equal(answer.json.code, 'address_forbidden', `${host}: ${answer.text}`);
    }
    for (const url of malformed(receiver.port)) {
      const answer = await give(url);
      // what is not UTF-8 text without NUL is no JSON either
      assert.ok(answer.status === 422 || (answer.status === 400 && answer.json.code === 'malformed_json'), `${url}: ${answer.text}`);
    }
    assert.equal(receiver.requests.length, 0);
  });
}

test('a name is what it means when the connection is made', async () => {
  const url = `http://localhost:${receiver.port}/hook`;
  const stored = await ways.webhook(url);
  assert.equal(stored.status, 201, stored.text);
  const tried = await daemon.call('POST', '/v1/tenants/default/webhooks/a/test');
  assert.doesNotMatch(tried.text, /"ok":true|"status":200/);
  assert.match(tried.text, /private|forbidden|not allowed|allow_private/i);
  const fetched = await ways.media(url);
  assert.equal(fetched.status, 422, fetched.text);
  assert.equal(fetched.json.code, 'address_forbidden');
  assert.equal(receiver.requests.length, 0);
  await daemon.ok('DELETE', '/v1/tenants/default/webhooks/a');
});
