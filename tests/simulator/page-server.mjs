// The side a browser sees: the page's own files, and its link to the far end.
//
//   GET  /                     the page
//   POST /sim/hello            {device}  -> the knobs this page is to live by
//   POST /sim/register         {inst, noise, identity, adv, platform}
//   GET  /sim/stream           ?inst=&device=   events, as server-sent events
//   POST /sim/op               {inst, op, …}    one operation, see OPERATIONS
//   POST /sim/media, GET /sim/media/HASH        stored files

import { readdirSync, readFileSync } from 'node:fs';
import https from 'node:https';

import { HttpError, readBody, readJson, sendJson, serve } from './http.mjs';
import { deviceOf } from './instances.mjs';
import { MESSAGE_OPERATIONS } from './page-messages.mjs';
import { PEOPLE_OPERATIONS } from './page-people.mjs';

const PAGE_DIR = new URL('./page/', import.meta.url);
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css' };
const STRICT_CSP =
  "default-src 'self' data: blob:; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' data: blob:; " +
  "img-src 'self' data: blob:";
const MEDIA_LIMIT = 256 << 20;

export function createPageServer({ certificate, ...far }) {
  const { knobs } = far;
  const files = readPage();

  const handler = serve(async (req, res, url) => {
    const route = `${req.method} ${url.pathname}`;
    if (route === 'GET /') return sendFile(res, files.get('index.html'), knobs.get('csp'));
    if (route === 'POST /sim/hello') return hello(far, req, res);
    if (route === 'POST /sim/register') return register(far, req, res);
    if (route === 'GET /sim/stream') return stream(far, req, res, url.searchParams);
    if (route === 'POST /sim/op') return operation(far, req, res);
    if (route === 'POST /sim/media') return takeMedia(far, req, res);
    if (route.startsWith('GET /sim/media/')) return sendMedia(far, res, url.pathname);
    const file = files.get(url.pathname.replace('/page/', ''));
    if (req.method === 'GET' && url.pathname.startsWith('/page/') && file) return sendFile(res, file, false);
    res.writeHead(url.pathname === '/favicon.ico' ? 204 : 404).end();
  });
  return https.createServer({ key: certificate.key, cert: certificate.cert }, handler);
}

function readPage() {
  const files = new Map();
  for (const name of readdirSync(PAGE_DIR)) {
    const type = TYPES[name.split('.').pop()];
    if (type) files.set(name, { type, bytes: readFileSync(new URL(name, PAGE_DIR)) });
  }
  return files;
}

function sendFile(res, { type, bytes }, strict) {
  const headers = { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' };
  if (strict) headers['content-security-policy'] = STRICT_CSP;
  res.writeHead(200, headers).end(bytes);
}

async function takeMedia({ media, knobs }, req, res) {
  const bytes = await readBody(req, MEDIA_LIMIT);
  if (knobs.get('upload_error')) throw new HttpError(503, 'no uploads now');
  sendJson(res, media.put(bytes));
}

async function sendMedia({ media, knobs }, res, path) {
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, knobs.get('media_ms'));
    res.once('close', () => (clearTimeout(timer), resolve())); // who asked is gone
  });
  const bytes = knobs.get('media_missing') ? undefined : media.get(path);
  if (!bytes) throw new HttpError(404, 'no such media');
  res.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes);
}

async function hello({ world, knobs }, req, res) {
  const { device } = await readJson(req);
  sendJson(res, { knobs: knobs.forPage(world.devices.get(device)?.account.phone ?? null) });
}

async function register({ instances }, req, res) {
  const { inst, ...keys } = await readJson(req);
  instances.register(inst, keys);
  sendJson(res, {});
}

function stream({ world, instances }, req, res, query) {
  const instance = instances.get(query.get('inst'));
  if (!instance) throw new HttpError(404, 'unknown instance');
  const token = query.get('device');
  if (instances.refused(world.devices.get(token))) throw new HttpError(503, 'link is down');
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  res.write(': open\n\n');
  const channel = {
    send: (name, data) => res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`),
    end: () => res.destroy(),
  };
  res.on('close', () => instances.detach(instance, channel));
  instances.attach(instance, token, channel);
}

async function operation(far, req, res) {
  const { inst, op, ...args } = await readJson(req);
  const instance = far.instances.get(inst);
  const run = OPERATIONS[op] ?? MESSAGE_OPERATIONS[op] ?? PEOPLE_OPERATIONS[op];
  if (!run) throw new HttpError(400, `unknown operation ${op}`);
  if (!instance) throw new HttpError(404, 'unknown instance');
  if (far.instances.refused(instance.device)) throw new HttpError(503, 'link is down');
  sendJson(res, (await run(far, instance, args)) ?? {});
}

const OPERATIONS = {
  report: ({ instances }, instance, args) => instances.report(instance, args),

  refresh_refs: ({ instances }, instance) => instances.refreshRefs(instance),

  pairing_code: ({ instances }, instance, { phone }) => ({ code: instances.requestCode(instance, phone) }),

  logout: ({ world }, instance) => world.unlink(deviceOf(instance).token),

  confirm: ({ world }, instance, { up_to }) => world.confirm(deviceOf(instance).token, up_to),
};
