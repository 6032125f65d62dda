// A store of 1,000,000 messages (WABRIDGE_BENCH_STORE): a page of history, recent chats, search; no
// browser. The program that measures is tests/bench/store.c.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { BUILD, removeDirectory, temporaryDirectory } from '../integration/harness.mjs';
import { ms, row } from './rows.mjs';

const messages = process.env.WABRIDGE_BENCH_STORE ?? '1000000';

function run(program, ...args) {
  const { status, stdout, error } = spawnSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw error ?? new Error(`${program} ended with ${status}`);
  return stdout.toString();
}

run('cmake', '--build', BUILD, '--target', 'bench_store');
const dir = temporaryDirectory('bench-store');
try {
  const { written, size, 'index made': made, ...timed } = JSON.parse(run(path.join(BUILD, 'tests/bench/bench_store'), dir, messages));
  console.log(`\nA store of ${messages} messages`);
  row('', 'median', 'p95');
  for (const [name, { median_ms, p95_ms }] of Object.entries(timed)) row(name, ms(median_ms), ms(p95_ms));
  row('written', `${Math.round(written.messages_per_s)}/s`);
  row('search index made', `${made.s.toFixed(0)} s`, `${Math.round(made.messages / made.s)}/s`);
  row('longest turn of the loop meanwhile', ms(made.longest_turn_ms));
  row('search index on disk', `${size.index_mb.toFixed(0)} MB`);
} finally {
  removeDirectory(dir);
}
