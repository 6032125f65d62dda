// What the tests of files share: a picture, uploads piece by piece, what lies in the media folder.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { deferred, eventually, within } from './harness.mjs';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAYAAACddGYaAAAAEklEQVR4nGNgYGD4D8UMcAYIAABF9gT8m1nKCgAAAABJRU5ErkJggg==',
  'base64',
);
export const MEDIA = '/v1/tenants/default/media';

export function filesUnder(dir) {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

// Until the folder's names are as wanted; there is none before the first file.
export const untilFolder = (dir, wanted) =>
  eventually(`wanted state of ${dir}`, () => wanted(fs.existsSync(dir) ? fs.readdirSync(dir) : []));

// A refused upload's temporary file goes a moment after the answer. Where no byte came in time there was
// none, and no folder for it.
export async function tidy(folder) {
  const tmp = path.join(folder, 'default', 'tmp');
  if (fs.existsSync(tmp)) await untilFolder(tmp, (names) => names.length === 0);
}

// A body in pieces: `pieces` yields buffers; without a length it goes out chunked.
export async function upload(daemon, where, pieces, { headers = {}, key = daemon.key, abortAfter } = {}) {
  const { hostname, port } = new URL(daemon.base);
  const request = http.request({
    hostname,
    port,
    path: where,
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
  const answered = deferred();
  request.on('response', (response) => {
    const parts = [];
    response.on('data', (part) => parts.push(part));
    response.on('error', () => {});
    response.on('end', () => {
      const text = Buffer.concat(parts).toString();
      answered.resolve({ status: response.statusCode, headers: response.headers, json: text ? JSON.parse(text) : undefined });
    });
  });
  request.on('error', (error) => answered.reject(error));
  answered.promise.catch(() => {});
  let sent = 0;
  for (const piece of pieces) {
    if (request.destroyed || request.writableEnded) break;
    const more = request.write(piece);
    sent += piece.length;
    if (abortAfter !== undefined && sent >= abortAfter) {
      await new Promise((resolve) => request.write('', resolve));
      request.destroy();
      return { aborted: true };
    }
    if (!more) await Promise.race([once(request, 'drain').catch(() => {}), answered.promise.catch(() => {})]);
  }
  request.end();
  return within(answered.promise, 'answer to an upload').finally(() => request.destroy());
}
