// A simulated WhatsApp Web far end: the page behind https://web.whatsapp.com/ and the phones.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { chromiumArgs, loadCertificate } from './certificate.mjs';
import { Contacts } from './contacts.mjs';
import { Groups } from './groups.mjs';
import { History } from './history.mjs';
import { close, listen } from './http.mjs';
import { Instances } from './instances.mjs';
import { Knobs } from './knobs.mjs';
import { Live } from './live.mjs';
import { MediaStore } from './media-store.mjs';
import { createPageServer } from './page-server.mjs';
import { People } from './people.mjs';
import { createPhoneServer } from './phone-api.mjs';
import { Waits } from './waits.mjs';
import { World } from './world.mjs';

// -> {page_port, phone_port, spki, chromium_args, world, close()}. Without a stateDir the certificate
// lives in a temporary directory that close() removes.
export async function startSimulator({ pagePort = 0, phonePort = 0, stateDir = null, knobs: initial = {} } = {}) {
  const knobs = new Knobs(initial);
  const dir = stateDir ?? (await mkdtemp(path.join(tmpdir(), 'wa-simulator-')));
  const certificate = await loadCertificate(dir);

  const world = new World();
  const people = new People(world, knobs);
  const instances = new Instances(world, knobs);
  const waits = new Waits([world, instances]);
  const media = new MediaStore();
  const live = new Live(world, instances);
  const contacts = new Contacts(world);
  const groups = new Groups(world, knobs);
  const history = new History(world, knobs);
  const far = { certificate, world, contacts, groups, history, people, instances, live, waits, knobs, media };

  const page = createPageServer(far);
  const phone = createPhoneServer(far);
  const stop = async () => {
    waits.close();
    people.close();
    instances.close();
    await Promise.all([close(page), close(phone)]);
    if (stateDir === null) await rm(dir, { recursive: true, force: true });
  };

  try {
    const page_port = await listen(page, pagePort);
    const phone_port = await listen(phone, phonePort);
    const { spki } = certificate;
    return { page_port, phone_port, spki, chromium_args: chromiumArgs(page_port, spki), world, close: stop };
  } catch (error) {
    await stop();   // a port that is taken, say
    throw error;
  }
}
