// What a killed browser leaves on disk. Half a record at the end of a database's log makes Chromium
// wipe the whole database two starts later (it writes on behind it); these tests are about clients,
// so it is cut off as a client that keeps its link has to.
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';

const BLOCK = 32768, HEADER = 7;   // LevelDB, doc/log_format.md
const FULL = 1, LAST = 4;

// How much of a log is whole records; sums are not looked at: a kill only ever shortens.
export function wholeRecords(log) {
  let at = 0, good = 0;
  for (;;) {
    const room = BLOCK - (at % BLOCK);
    if (room < HEADER) at += room;
    if (at >= log.length) return log.length - good < HEADER ? log.length : good;
    if (at + HEADER > log.length) return good;
    const end = at + HEADER + log.readUInt16LE(at + 4);
    const type = log[at + 6];
    if (type < FULL || type > LAST || end > log.length) return good;
    at = end;
    if (type === FULL || type === LAST) good = at;
  }
}

export function mendProfile(dir) {
  const databases = path.join(dir, 'Default', 'IndexedDB');
  for (const file of readdirSync(databases, { recursive: true })) {
    if (!/(^|\/)(MANIFEST-\d+|\d+\.log)$/.test(file)) continue;
    const log = path.join(databases, file);
    const bytes = readFileSync(log);
    const whole = wholeRecords(bytes);
    if (whole > 0 && whole < bytes.length) truncateSync(log, whole);
  }
}
