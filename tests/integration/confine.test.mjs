// Least privilege: what the kernel refuses the daemon and everything that it starts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { Daemon, deferred, removeDirectory, temporaryDirectory, within } from './harness.mjs';

const root = process.getuid() === 0;
const statusOf = (pid, name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

// Where the kernel has no Landlock the daemon says so and does not start with `on`.
async function confined(t, start) {
  try {
    return await start();
  } catch (error) {
    if (!/this kernel has no Landlock|cannot use/.test(error.message)) throw error;
    t.skip('the kernel has not all of it');
    return null;
  }
}

// A stand-in for the browser that tries what a hijacked one would, and tells in its profile.
function intruder(dir, forbidden, dataDir) {
  const program = path.join(dir, 'intruder-headless-shell');
  const script = `#!/bin/sh
for a in "$@"; do case $a in --user-data-dir=*) profile=\${a#*=};; esac; done
cd "$profile"
printf '#!/bin/sh\\necho ran' >tool; chmod 755 tool
{
  echo "write $( (echo x >'${forbidden}/x') && echo allowed || echo refused)"
  echo "remove $(rm -f '${forbidden}/there' && echo allowed || echo refused)"
  echo "execute $(./tool 2>/dev/null || echo refused)"
  echo "own $(echo x >own && echo allowed || echo refused)"
  echo "seccomp $(grep '^Seccomp:' /proc/self/status | tr -dc 0-9)"
  echo "core $(ulimit -c)"
} >told.part 2>/dev/null
mv told.part told
`;
  fs.writeFileSync(program, script, { mode: 0o755 });
  return { program, told: path.join(dataDir, 'profiles/default/main/told') };
}

async function whatItTold(settings) {
  const dir = temporaryDirectory('intruder');
  const dataDir = temporaryDirectory('confined');
  // outside of /tmp, and writable for everybody as far as its mode says
  const forbidden = fs.mkdtempSync(root ? '/var/lib/wabridge-test-' : path.join(process.env.HOME, 'wabridge-test-'));
  fs.chmodSync(forbidden, 0o777);
  fs.writeFileSync(path.join(forbidden, 'there'), '', { mode: 0o666 });
  fs.chmodSync(dir, 0o755);
  const { program, told } = intruder(dir, forbidden, dataDir);
  const appeared = deferred();
  const daemon = await Daemon.start({ dataDir, settings: { 'browser.executable': program, ...settings } });
  try {
    const watcher = setInterval(() => fs.existsSync(told) && appeared.resolve(), 20);
    await within(appeared.promise, 'the intruder to tell').finally(() => clearInterval(watcher));
    const lines = fs.readFileSync(told, 'utf8').trim().split('\n').map((line) => line.split(' '));
    return { ...Object.fromEntries(lines), left: fs.readdirSync(forbidden), pid: statusOf(daemon.child.pid, 'Seccomp') };
  } finally {
    await daemon.close();
    for (const each of [dir, dataDir, forbidden]) removeDirectory(each);
  }
}

test('what the daemon starts writes where it must, runs what the system has, and leaves no core', async (t) => {
  const told = await confined(t, () => whatItTold({ 'security.confine': 'on' }));
  if (!told) return;
  assert.deepEqual(told, {
    write: 'refused', remove: 'refused', execute: 'refused', own: 'allowed', seccomp: '2', core: '0',
    left: ['there'], pid: '2',
  });
});

test('confine = off leaves it to the modes of files', async () => {
  const told = await whatItTold({ 'security.confine': 'off' });
  assert.equal(told.write, 'allowed');
  assert.equal(told.execute, 'ran');
  assert.deepEqual(told.left, ['x']);
  assert.equal(told.core, '0');
});

test('a folder of the data directory may lead to another disk', async (t) => {
  const dataDir = temporaryDirectory('linked');
  const disk = fs.mkdtempSync(root ? '/var/lib/wabridge-test-' : path.join(process.env.HOME, 'wabridge-test-'));
  fs.symlinkSync(disk, path.join(dataDir, 'media'));
  t.after(() => [dataDir, disk].forEach(removeDirectory));
  const daemon = await Daemon.start({ dataDir, settings: { 'browser.executable': '/bin/false', 'security.confine': 'auto' } });
  t.after(() => daemon.close());
  const answer = await daemon.call('POST', '/v1/tenants/default/media?filename=a.txt', { body: Buffer.from('kept elsewhere'), headers: { 'content-type': 'text/plain' } });
  assert.equal(answer.status, 201, answer.text);
  assert.ok(fs.readdirSync(disk, { recursive: true }).some((name) => name.includes(answer.json.sha256)));
});

describe('the service manager', () => {
  let dir, daemon;
  before(() => (dir = temporaryDirectory('notify')));
  after(async () => {
    await daemon?.close();
    removeDirectory(dir);
  });

  test('hears that the daemon is ready, lives, and stops', async () => {
    const at = path.join(dir, 'notify.sock');
    // a datagram socket, which node has none of for the file system
    const listener = spawn('python3', ['-uc', `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); print('bound')
while True:
    print(s.recv(4096).decode().replace('\\n', ' '))
`, at], { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = once(listener, 'exit');
    const heard = [];
    let told = deferred();
    createInterface({ input: listener.stdout }).on('line', (line) => {
      heard.push(line);
      told.resolve();
      told = deferred();
    });
    const hears = async (pattern) => {
      while (!heard.some((line) => pattern.test(line))) await within(told.promise, `${pattern} among ${heard}`);
    };
    try {
      await hears(/^bound/);
      daemon = await Daemon.start({
        settings: { 'browser.executable': '/bin/false' },
        env: { NOTIFY_SOCKET: at, WATCHDOG_USEC: '100000' },
      });
      await hears(/READY=1 STATUS=http:/);
      const seen = heard.length;
      while (heard.slice(seen).filter((line) => /WATCHDOG=1/.test(line)).length < 2) await within(told.promise, 'signs of life');
      await daemon.close();
      daemon = undefined;
      await hears(/STOPPING=1/);
    } finally {
      listener.kill();
      await within(gone, 'end of the listener');
    }
  });
});

test('a rotation that was cut off beside a master key that the daemon cannot write is no end', async () => {
  const dataDir = temporaryDirectory('confined');
  const away = fs.mkdtempSync(root ? '/var/lib/wabridge-test-' : path.join(process.env.HOME, 'wabridge-test-'));
  const key = path.join(away, 'master.key');
  fs.writeFileSync(key, randomBytes(32), { mode: 0o600 });
  const start = () => Daemon.start({ dataDir, settings: { 'browser.executable': '/bin/false', 'security.confine': 'auto', 'store.master_key_file': key } });
  try {
    await (await start()).close();
    fs.renameSync(key, `${key}.next`);
    const daemon = await start();
    assert.equal((await daemon.call('GET', '/v1/tenants')).status, 200);
    await daemon.close();
    assert.ok(fs.existsSync(`${key}.next`));
  } finally {
    for (const each of [dataDir, away]) removeDirectory(each);
  }
});
