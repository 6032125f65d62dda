// What the benchmarks share: medians, one row a figure, the browser to use.
import fs from 'node:fs';

export const RUNS = Number(process.env.WABRIDGE_BENCH_RUNS ?? 5);
export const BROWSER = ['/usr/lib/chromium/chromium-headless-shell', '/usr/lib/chromium/headless_shell',
  '/usr/bin/chromium-headless-shell', '/usr/lib/chromium/chromium'].find((p) => fs.existsSync(p));

const sorted = (list) => [...list].sort((a, b) => a - b);
export const quantile = (list, q) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * q))];
export const median = (list) => quantile(list, 0.5);
export const ms = (n) => `${n.toFixed(n < 10 ? 1 : 0)} ms`;
export const mb = (n) => `${n.toFixed(1)} MB`;
export const row = (name, ours, theirs = '', ratio = '') =>
  console.log(`${name.padEnd(56)} ${String(ours).padStart(12)} ${String(theirs).padStart(12)} ${String(ratio).padStart(8)}`);

export function rssOf(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
}

// The most that a process grows while `work` runs, and how long that takes.
export async function watched(pid, work) {
  const before = rssOf(pid);
  let most = before;
  const look = setInterval(() => (most = Math.max(most, rssOf(pid))), 10);
  const start = performance.now();
  try {
    await work();
    return { took: performance.now() - start, grown: most - before };
  } finally {
    clearInterval(look);
  }
}
