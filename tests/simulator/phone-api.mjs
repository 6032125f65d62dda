// The side a test sees: the persons' phones, over plain HTTP, and what the far end knows. README.md
// has the list of routes. Every answer is JSON; bad input is a 400 that names the field.

import http from 'node:http';

import { bad, chat, digits, integer, optional, person, string, strings } from './checks.mjs';
import { messageItem } from './content.mjs';
import { HttpError, readJson, sendJson, serve } from './http.mjs';
import { KnobError } from './knobs.mjs';
import { MESSAGE_ROUTES } from './phone-messages.mjs';
import { groupItem, PEOPLE_ROUTES } from './phone-people.mjs';

const DEFAULT_WAIT_MS = 10_000;

export function createPhoneServer(far) {
  const views = createViews(far);
  const handler = serve(async (req, res, url) => {
    const route = `${req.method} ${url.pathname}`;
    const run = ROUTES[route] ?? MESSAGE_ROUTES[route] ?? PEOPLE_ROUTES[route];
    if (!run) throw new HttpError(404, `no route ${route}`);
    const input = req.method === 'POST' ? await readJson(req) : Object.fromEntries(url.searchParams);
    try {
      const answer = await run({ ...far, views, res }, input);
      const status = answer?.ok === false ? 422 : 200;
      if (!res.destroyed && !res.headersSent) sendJson(res, answer ?? { ok: true }, status);
    } catch (error) {
      if (error instanceof KnobError) error.status = 400;
      throw error;
    }
  });
  return http.createServer(handler);
}

// ---- routes ----

const ROUTES = {
  'GET /state': ({ views }) => views.state(),
  'GET /received': (far, input) => far.views.received(person(far, input), integer(input, 'since', 0)),
  'GET /inbox': (far, input) => far.views.inbox(person(far, input), integer(input, 'since', 0)),
  'GET /knobs': ({ knobs }) => knobs.all(),
  'GET /wait': wait,

  'POST /scan': (far, input) => verdict(far.instances.scan(person(far, input).phone, string(input, 'qr'))),
  'POST /pairing-code': (far, input) =>
    verdict(far.instances.confirmCode(person(far, input).phone, string(input, 'code'))),

  'POST /next-ref': ({ instances }) => ({ replaced: instances.nextRef() }),

  'POST /read': (far, input) => ({
    read: far.world.read(person(far, input).phone, chat(far, input, 'from'), strings(input, 'ids')),
  }),

  'POST /offline': (far, input) => far.people.setOnline(person(far, input).phone, false),
  'POST /online': (far, input) => far.people.setOnline(person(far, input).phone, true),
  'POST /unlink': unlink,
  'POST /conflict': (far, input) => ({ told: far.instances.conflict(person(far, input).phone) }),
  'POST /drop': drop,
  'POST /knobs': setKnobs,
};

const verdict = (error) => (error === null ? { ok: true } : { ok: false, error });

// ---- links ----

function unlink(far, input) {
  const devices = far.world.devicesOf(person(far, input).phone);
  for (const device of devices) far.world.unlink(device.token);
  return { unlinked: devices.length };
}

function drop(far, input) {
  const phone = input.account === undefined ? null : person(far, input).phone;
  far.instances.drop(phone, integer(input, 'ms', 1000));
}

function setKnobs(far, { account, ...values }) {
  const phone = account === undefined ? null : person(far, { account }).phone;
  far.knobs.set(values, phone);
  return far.knobs.all();
}

async function wait(far, input) {
  const account = input.account === undefined ? null : person(far, input);
  const context = {
    views: far.views,
    world: far.world,
    contacts: far.contacts,
    history: far.history,
    live: far.live,
    input,
    account,
    count: integer(input, 'count', 1),
    need: () => account ?? person(far, input),
  };
  const timeout = integer(input, 'timeout_ms', DEFAULT_WAIT_MS);
  const answer = await far.waits.wait(string(input, 'for'), context, timeout, far.res);
  if (answer === null) throw new HttpError(408, `timed out waiting for ${input.for}`);
  return answer;
}

// ---- views ----

function createViews({ world, instances }) {
  const account = (a) => ({
    phone: a.phone,
    lid: a.lid,
    name: a.name,
    lid_migrated: a.lid_migrated,
    linked_devices: world.devicesOf(a.phone).length,
    online: a.online,
  });
  const instance = (i) => ({
    id: i.id,
    device: i.device?.number ?? null,
    account: i.device?.account.phone ?? null,
    live: i.stream !== null,
    ref: i.ref,
    code: i.code,
    phone: i.phone,
    paired: i.paired,
    conflict: i.conflict,
    state: i.state,
    mode: i.mode,
    info: i.info,
  });
  const message = messageItem;
  const since = (list, seq) => ({ items: list.filter((m) => m.seq > seq).map(message), total: list.length });
  return {
    account,
    message,
    instances: () => instances.list().map(instance),
    received: (a, seq = 0) => ({ ...since(a.received, seq), refused: a.refused }),
    inbox: (a, seq = 0) => since(a.inbox, seq),
    state: () => ({
      accounts: [...world.accounts.values()].map(account),
      groups: [...world.groups.values()].map((g) => ({ ...groupItem({ world }, g), members: g.members })),
      instances: instances.list().map(instance),
    }),
  };
}
