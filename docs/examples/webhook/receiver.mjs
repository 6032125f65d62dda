// Receives the events of wabridge: checks who sent them, answers at once, works later.
//   WEBHOOK_SECRET=whsec_… node receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const SECRET = process.env.WEBHOOK_SECRET;
const PATH = '/hooks/whatsapp';
const PORT = Number(process.env.PORT ?? 8000);

const same = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

// Standard Webhooks: signed with our secret, not older than five minutes.
function verify(headers, body) {
  const stamp = headers['webhook-timestamp'] ?? '';
  if (!/^\d+$/.test(stamp) || Math.abs(Date.now() / 1000 - Number(stamp)) > 300) return false;
  const key = Buffer.from(SECRET.replace(/^whsec_/, ''), 'base64');
  const want = 'v1,' + createHmac('sha256', key).update(`${headers['webhook-id']}.${stamp}.`).update(body).digest('base64');
  return (headers['webhook-signature'] ?? '').split(' ').some((given) => same(want, given));
}

// X-Hub-Signature-256, as GitHub and Meta sign; it knows no time.
function verifyHub(headers, body) {
  const want = 'sha256=' + createHmac('sha256', SECRET).update(body).digest('hex');
  return same(want, headers['x-hub-signature-256'] ?? '');
}

// One of the two is enough. Choose here, never by what the sender brings.
const check = process.env.WEBHOOK_CHECK === 'hub' ? verifyHub : verify;

const seen = new Set();
function work(event) {
  if (seen.has(event.id)) return; // the same event can arrive twice
  seen.add(event.id);
  console.log(event.type, event.data);
}

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts); // the bytes as they came: JSON written again has another signature
    const good = request.method === 'POST' && request.url === PATH && check(request.headers, body);
    response.writeHead(good ? 204 : 401).end();
    if (good) setImmediate(work, JSON.parse(body));
  });
});
server.listen(PORT, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
