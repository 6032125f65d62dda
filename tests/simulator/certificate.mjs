// The far end's identity: one EC key and a self-signed certificate for web.whatsapp.com, made by the
// openssl program the first time a state directory is used. Browsers are told to trust exactly this
// key by the hash of its public part, so nothing is ever added to a trust store.

import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HOST = 'web.whatsapp.com';

export async function loadCertificate(stateDir) {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const file = path.join(stateDir, 'identity.pem');
  let pem = await readFile(file, 'utf8').catch(() => null);
  if (!pem) {
    await generate(stateDir, file);
    pem = await readFile(file, 'utf8');
  }
  const der = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return { key: pem, cert: pem, spki: createHash('sha256').update(der).digest('base64') };
}

// Key and certificate share one file, moved into place at once: two simulators that start together
// on the same directory can never mix the key of one with the certificate of the other.
async function generate(stateDir, file) {
  const dir = await mkdtemp(path.join(stateDir, 'new-'));
  const key = path.join(dir, 'key.pem');
  const cert = path.join(dir, 'cert.pem');
  try {
    await run('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`, '-days', '3650',
      '-keyout', key, '-out', cert,
    ]);
    const whole = path.join(dir, 'identity.pem');
    await writeFile(whole, (await readFile(key, 'utf8')) + (await readFile(cert, 'utf8')), { mode: 0o600 });
    await rename(whole, file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export function chromiumArgs(port, spki) {
  return [
    `--host-resolver-rules=MAP ${HOST} 127.0.0.1:${port}`,
    `--ignore-certificate-errors-spki-list=${spki}`,
  ];
}
