// What is installed, and what comes with it: man pages, completion, the service, the sample receiver.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BUILD, Daemon, PROGRAM, ROOT, deferred, removeDirectory, temporaryDirectory, within } from './harness.mjs';

const run = promisify(execFile);
const PACKAGE = path.join(ROOT, 'scripts/package');
let dir;
before(() => (dir = temporaryDirectory('package')));
after(() => removeDirectory(dir));

// The program knows every WABRIDGE_… of its environment, or says that it does not.
const env = { PATH: process.env.PATH, HOME: process.env.HOME, ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '' };
const wabridge = (...words) => run(PROGRAM, words, { env });
const helpCommands = async () => [...(await wabridge('--help')).stdout.matchAll(/^ {2}wabridge ([a-z-]+)/gm)].map((m) => m[1]);

test('an installation has each file in its place', async () => {
  const root = path.join(dir, 'root');
  await run('cmake', ['--install', BUILD, '--prefix', '/usr'], { env: { ...process.env, DESTDIR: root } });
  for (const file of ['usr/bin/wabridge', 'usr/share/wabridge/wppconnect-wa.js', 'usr/share/man/man1/wabridge.1.gz',
    'usr/share/man/man5/wabridge.conf.5.gz', 'usr/share/bash-completion/completions/wabridge',
    'usr/lib/systemd/system/wabridge.service', 'usr/lib/systemd/system/wabridge.socket', 'etc/wabridge/wabridge.conf']) {
    assert.ok(fs.statSync(path.join(root, file)).size > 0, file);
  }
  const { stdout } = await run(path.join(root, 'usr/bin/wabridge'), ['config', 'check', '--config', path.join(root, 'etc/wabridge/wabridge.conf')], { env });
  assert.match(stdout, /listen = 127\.0\.0\.1:3000/);   // the file that is installed is valid, and changes nothing
});

test('the man pages name every command and every setting', async () => {
  const page = (await wabridge('help', 'man')).stdout;
  const commands = await helpCommands();
  assert.ok(commands.length > 8);
  for (const command of commands) assert.ok(page.includes(`\\fBwabridge ${command}\\fR`), command);
  const settings = (await wabridge('config', 'man')).stdout;
  for (const { section, key } of JSON.parse((await wabridge('config', 'check', '--json')).stdout)) {
    assert.ok(settings.includes(`.SH [${section}]`), section);
    assert.ok(settings.includes(`.B ${key}\n`), key);
  }
});

test('bash completes commands, their words and flags', async () => {
  const complete = async (...words) => {
    const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wabridge; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['-c', script, path.join(PACKAGE, 'completion.bash'), ...words], {
      env: { ...env, PATH: `${BUILD}:${process.env.PATH}` },
    });
    return stdout.trim().split('\n');
  };
  assert.deepEqual((await complete('wabridge', '')).sort(), (await helpCommands()).sort());
  assert.deepEqual(await complete('wabridge', 'doc'), ['doctor']);
  assert.ok((await complete('wabridge', 'sessions', '')).includes('takeover'));
  assert.ok((await complete('wabridge', 'link', '--p')).includes('--phone'));
  assert.deepEqual(await complete('wabridge', 'serve', '--log-format', 'j'), ['json']);
});

test('the scripts of the package are sound, and the service file too where systemd can tell', async () => {
  for (const script of ['postinst', 'prerm', 'postrm']) {
    await run('sh', ['-n', path.join(PACKAGE, script)]);
    assert.ok(fs.statSync(path.join(PACKAGE, script)).mode & 0o100, script);
  }
  const unit = path.join(dir, 'wabridge.service');
  fs.writeFileSync(unit, fs.readFileSync(path.join(PACKAGE, 'wabridge.service'), 'utf8').replace('/usr/bin/wabridge', PROGRAM));
  const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]).catch((error) => error.code === 'ENOENT' ? { stderr: '' } : error);
  assert.doesNotMatch(stderr, /wabridge\.service:\d+|Unknown|Failed to parse/);
});

test('the release tarball is the same bytes wherever it is made', async (t) => {
  const checkout = await run('git', ['-C', ROOT, 'cat-file', '-e', 'HEAD:scripts/package/tarball']).then(() => true, () => false);
  if (!checkout) return t.skip('not a checkout');
  const sums = [];
  for (const place of ['one', 'another place']) {
    const clone = path.join(dir, place);
    await run('git', ['clone', '-q', ROOT, clone]);
    const { stdout } = await run(path.join(clone, 'scripts/package/tarball'), [path.join(clone, 'build', 'out.tar.gz')], {
      env: { ...process.env, TZ: place === 'one' ? 'UTC' : 'Asia/Tokyo' },
    });
    sums.push(stdout.split(' ')[0]);
  }
  assert.match(sums[0], /^[0-9a-f]{64}$/);
  assert.equal(sums[0], sums[1]);
});

// The sample receiver, as a process; its lines can be awaited.
async function sampleReceiver(secret) {
  const child = spawn('python3', ['-u', path.join(PACKAGE, 'receiver.py'), '0'], {
    env: { ...process.env, WEBHOOK_SECRET: secret }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const lines = [];
  let more = deferred();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    more.resolve();
    more = deferred();
  });
  const line = async (pattern) => {
    for (;;) {
      const found = lines.find((each) => pattern.test(each));
      if (found) return found;
      await within(more.promise, `${pattern} from the receiver`);
    }
  };
  const port = /\d+$/.exec(await line(/^listening on/))[0];
  const close = async () => {
    child.kill();
    await within(gone, 'end of the receiver');
  };
  return { url: `http://127.0.0.1:${port}/`, line, close };
}

test('the sample receiver takes what is signed with its secret, and nothing else', async (t) => {
  const daemon = await Daemon.start({ settings: { 'browser.executable': '/bin/false' } });
  t.after(() => daemon.close());
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const receiver = await sampleReceiver(secret);
  t.after(() => receiver.close());
  const webhook = '/v1/tenants/default/webhooks/sample';

  await daemon.ok('PUT', webhook, { url: receiver.url, events: ['*'], secret });
  assert.equal((await daemon.ok('POST', `${webhook}/test`)).status, 204);
  await receiver.line(/^evt_\w+ webhook\.test /);

  await daemon.ok('PUT', webhook, { url: receiver.url, events: ['*'], secret: `whsec_${Buffer.alloc(24, 8).toString('base64')}` });
  assert.equal((await daemon.ok('POST', `${webhook}/test`)).status, 401);
  await receiver.line(/^refused/);
});
