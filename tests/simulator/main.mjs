// The simulator as a program; README.md says how to use it.

import { parseArgs } from 'node:util';

import { startSimulator } from './simulator.mjs';

function options() {
  const { values } = parseArgs({
    options: {
      'page-port': { type: 'string', default: '0' },
      'phone-port': { type: 'string', default: '0' },
      'state-dir': { type: 'string' },
      knobs: { type: 'string', default: '{}' },
      'exit-with-stdin': { type: 'boolean', default: false },
    },
  });
  return {
    pagePort: Number(values['page-port']),
    phonePort: Number(values['phone-port']),
    stateDir: values['state-dir'] ?? null,
    knobs: JSON.parse(values.knobs),
    exitWithStdin: values['exit-with-stdin'],
  };
}

try {
  const { exitWithStdin, ...wanted } = options();
  const simulator = await startSimulator(wanted);
  const stop = () => simulator.close().then(() => process.exit(0));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (exitWithStdin) {
    process.stdin.on('end', stop);
    process.stdin.on('error', stop);
    process.stdin.resume();
  }
  const { page_port, phone_port, spki, chromium_args } = simulator;
  console.log(JSON.stringify({ page_port, phone_port, spki, chromium_args }));
} catch (error) {
  console.error(`simulator: ${error.message}`);
  process.exit(1);
}
